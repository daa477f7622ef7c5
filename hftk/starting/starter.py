"""What a first run of a task looks like: a model that a CPU trains in minutes, and what to try next."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from hftk.starting.language import Language

# from this ratio of the largest to the smallest class accuracy says little of the small ones
_UNEVEN = 3.0


@dataclass(frozen=True)
class Starter:
    model: dict[str, Any]
    tokenizer: dict[str, Any] | None
    training: dict[str, Any]
    metrics: list[str]
    model_reason: str
    tokenizer_reason: str
    metrics_reason: str
    pretrained: list[str]
    """Lines of a recipe that stand for model, tokenizer and training in its place; none for images."""
    class_weights: str | None
    """Why they may be wanted; None where classes are even."""


def starter(task: str, *, labels: Sequence[str], counts: Counter[int], language: Language | None) -> Starter:
    """counts: rows of train (words, for tagging) by id of their label. language: None for images."""
    uneven = _uneven(labels, counts)
    metrics, why = _metrics(task, labels, uneven=uneven is not None)
    if task == "image-classification":
        return Starter(
            model={
                "architecture": "rnn",
                "cell": "gru",
                "hidden_size": 128,
                "bidirectional": True,
                "head_dropout": 0.2,
            },
            tokenizer=None,
            training=_training(epochs=8, rate=1e-3),
            metrics=metrics,
            model_reason="a GRU that reads an image row by row; a CPU will do",
            tokenizer_reason="",
            metrics_reason=why,
            pretrained=[],
            class_weights=uneven,
        )
    tagging = task == "token-classification"
    model = {"architecture": "rnn", "cell": "lstm" if tagging else "gru", "hidden_size": 128, "bidirectional": True}
    if not tagging:
        model["pooling"] = ["attention", "max"]
    name = "an LSTM" if tagging else "a GRU"
    return Starter(
        model=model | {"embedding_dropout": 0.3, "head_dropout": 0.3},
        tokenizer=_tokenizer(language, tagging=tagging),
        training=_training(epochs=8, rate=2e-3),
        metrics=metrics,
        model_reason=f"{name} over words in both directions, trained from its start; a CPU will do",
        tokenizer_reason=_tokenizer_reason(language, tagging=tagging),
        metrics_reason=why,
        pretrained=[
            f"model: {{pretrained: {language.pretrained}}}",
            "training: {num_train_epochs: 3, per_device_train_batch_size: 16, learning_rate: 2e-5}",
        ],
        class_weights=None if tagging else uneven,
    )


def _tokenizer(language: Language | None, *, tagging: bool) -> dict[str, Any]:
    if language is not None and language.pieces:
        return {"type": "bpe", "max_vocab": 8000}
    return {"type": "word", "lowercase": False, "min_count": 1} if tagging else {"type": "word", "min_count": 2}


def _tokenizer_reason(language: Language | None, *, tagging: bool) -> str:
    if language is not None and language.pieces:
        return f"the texts are {language.name}, where whole words would mostly be unknown: pieces of words"
    return "built from train only" + ("; capitals tell names" if tagging else "; rarer words are unknown")


def _training(*, epochs: int, rate: float) -> dict[str, Any]:
    return {"num_train_epochs": epochs, "per_device_train_batch_size": 32, "learning_rate": rate}


def _uneven(labels: Sequence[str], counts: Counter[int]) -> str | None:
    common = counts.most_common()
    if len(common) < 2 or common[0][1] < _UNEVEN * common[-1][1]:
        return None
    total = counts.total()
    (most, many), (least, few) = common[0], common[-1]
    return f"{labels[most]} has {100 * many / total:.1f} % of train and {labels[least]} {100 * few / total:.1f} %"


def _metrics(task: str, labels: Sequence[str], *, uneven: bool) -> tuple[list[str], str]:
    """The first one ranks."""
    if task == "token-classification":
        entities = sum(label[:2] in ("B-", "I-") for label in labels) >= len(labels) / 2
        if entities and find_spec("seqeval") is not None:
            return ["entity_f1", "accuracy"], "the tags begin with B- and I-: whole entities are judged"
        if entities:
            return ["f1_macro", "accuracy"], (
                'the tags begin with B- and I-: pip install "hftk[seqeval]", then entity_f1 judges whole entities'
            )
        return ["accuracy", "f1_macro"], "the first one ranks; over words, padding counts nowhere"
    if uneven:
        return ["f1_macro", "accuracy"], "the first one ranks; the classes are uneven, and f1_macro counts each alike"
    return ["accuracy", "f1_macro"], "the first one ranks"
