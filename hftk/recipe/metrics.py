"""The names that `metrics:` may hold. hftk/training/metrics.py computes them."""

_AVERAGED = ("precision", "recall", "f1")
# of BIO tags, over whole entities; seqeval computes them
ENTITY_METRICS: tuple[str, ...] = ("entity_precision", "entity_recall", "entity_f1")

# precision, recall and f1 without a suffix are weighted by the labels' frequency
METRICS: tuple[str, ...] = (
    "accuracy",
    *_AVERAGED,
    *(f"{name}_{average}" for average in ("macro", "micro", "weighted") for name in _AVERAGED),
    "matthews_correlation",
    *ENTITY_METRICS,
)
