"""The names that `metrics:` may hold. hftk/training/metrics.py computes them."""

_AVERAGED = ("precision", "recall", "f1")

# precision, recall and f1 without a suffix are weighted by the labels' frequency
METRICS: tuple[str, ...] = (
    "accuracy",
    *_AVERAGED,
    *(f"{name}_{average}" for average in ("macro", "micro", "weighted") for name in _AVERAGED),
    "matthews_correlation",
)
