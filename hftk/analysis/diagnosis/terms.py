"""What several rules ask, and how they word it."""

from hftk.analysis.evidence import RunEvidence


def from_scratch(e: RunEvidence) -> bool:
    return e.setting("model", "pretrained") is None


def behind(e: RunEvidence, figure: float | None, *, least: float = 0.0) -> bool:
    """Is the validation accuracy below another one by two standard errors of a difference, and `least`, of the items?

    figure: None is no evidence. Both were judged on the same items, which makes their difference vary less than this.
    """
    if figure is None or e.validation is None:
        return False
    return figure - e.validation.accuracy > max(2 * 2**0.5 * e.validation.standard_error, least)


def adaptive(e: RunEvidence) -> bool:
    """Does the optimizer divide a gradient by its usual size, so that its steps do not grow with it?"""
    return not str(e.training["optim"]).startswith("sgd")


def dropout_keys(e: RunEvidence) -> list[str]:
    """Keys of the recipe for dropout before the classes, the one that does most first."""
    if from_scratch(e):
        return ["model.head_dropout", "model.embedding_dropout", "model.hidden_dropout_prob"]
    return ["model.hidden_dropout_prob", "model.classifier_dropout", "model.seq_classif_dropout"]


def layers_key(e: RunEvidence) -> str:
    return "model.num_hidden_layers" if e.setting("model", "architecture") == "transformer" else "model.num_layers"


def number(value: float) -> str:
    """Three digits that count: 0.0123, 2.31, 1,230."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %" if abs(share) >= 0.1 else f"{100 * share:.1f} %"


def when(epoch: float) -> str:
    return f"epoch {epoch:g}"
