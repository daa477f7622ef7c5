"""How each row did class by class."""

from hftk.analysis.hardest import confusion_matrix, confusions, label_figures
from hftk.report.content import Classes
from hftk.report.votes import Votes

_PAIRS = 20


def classes(seen: Votes) -> list[Classes]:
    """Of every run and baseline, on test; on validation where there is no test split."""
    split, outcomes = seen.split
    found = []
    for name, own in outcomes.items():
        labels = list(own.labels)
        figures = label_figures(own.label_ids, prediction_ids=own.prediction_ids, labels=labels)
        matrix = confusion_matrix(own.label_ids, prediction_ids=own.prediction_ids, labels=len(labels))
        found.append(
            Classes(
                row=name,
                split=split,
                precision=[round(one.precision, 4) for one in figures],
                recall=[round(one.recall, 4) for one in figures],
                f1=[round(one.f1, 4) for one in figures],
                support=[one.support for one in figures],
                confusion=matrix.tolist(),
            )
        )
    return found


def confused(seen: Votes, row: str | None) -> list[tuple[str, str, int, float]]:
    """True label, said label, items, share of the true label's: the most frequent mistakes of the row named."""
    own = seen.split[1].get(row)
    if own is None:
        return []
    pairs = confusions(own.label_ids, prediction_ids=own.prediction_ids, labels=list(own.labels), limit=_PAIRS)
    return [(pair.label, pair.prediction, pair.count, pair.share) for pair in pairs]
