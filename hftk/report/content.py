"""All that a report says, as plain values: `report.md` and `report.html` are two ways to write it down."""

from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["reference", "tie", "worse", "better"]
"""Of a setting beside the one that is best on validation, by a test on the test split."""


@dataclass(frozen=True)
class Interval:
    """95 %."""

    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """A row of the comparison: a run, or a baseline."""

    name: str
    kind: Literal["run", "baseline"]
    status: str
    """finished | failed | interrupted | pruned."""
    rank: int | None
    """From 1, on validation; None for a baseline and for a run without a figure."""
    figures: dict[str, float | None]
    """By name: validation_<metric>, test_<metric>, test_ece, test_brier. In the order of the columns."""
    over_baseline: float | None
    """Ranking metric on validation less the best baseline's; None for baselines, and where there is none."""
    setting: str = ""
    """The run's name without its seed."""
    seed: int | None = None
    swept: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    """Why it did not finish."""
    interval: Interval | None = None
    """Of the ranking metric on test, over test examples."""
    verdict: Verdict | None = None
    """Of the row's setting; None where nothing could be tested."""
    epochs: float | None = None
    kept_epoch: float | None = None
    parameters: int | None = None
    seconds: float | None = None
    data: str | None = None
    """A, B, … where runs saw different data."""
    footnotes: tuple[int, ...] = ()
    """Numbers of `Content.footnotes`, from 1."""
    tested: str = ""
    """`n=1,020 of 1,043`, to stand beside test figures, where the test split was made smaller."""
    trainable_parameters: int | None = None


@dataclass(frozen=True)
class SettingRow:
    """A setting over its seeds, on the test split unless said otherwise; ranked by the mean on validation."""

    setting: str
    seeds: int
    """Finished ones."""
    validation: float | None
    """Mean of the ranking metric on validation."""
    test: float | None
    """Mean."""
    sd: float | None
    """Sample standard deviation of the test figure over seeds."""
    interval: Interval | None
    difference: float | None
    """Of the test figure to the reference's."""
    difference_interval: Interval | None
    p: float | None
    """Adjusted for the number of settings."""
    verdict: Verdict | None
    planned: int = 1
    """Seeds, finished or not."""
    tested: str = ""
    """As of `Row`."""


@dataclass(frozen=True)
class ChangeRow:
    """Two settings that differ in one swept key: a value of it beside another. On the test split."""

    key: str
    """With `(and …)` where other keys always changed with it."""
    setting: str
    """That of `value`; its other keys are those of the other one too."""
    against: str
    """The value beside which the other stands."""
    against_test: float
    """Its test figure."""
    value: str
    test: float
    difference: float
    interval: Interval
    """Of the difference by itself."""
    p: float
    """Adjusted for the number of these rows."""
    verdict: Verdict


@dataclass(frozen=True)
class FindingRow:
    """A finding of one run; `runs` holds several where the same was found in all of them."""

    runs: tuple[str, ...]
    kind: str
    message: str
    epoch: float | None
    suggestion: str | None
    """`key=value`, as an override."""
    numbers: dict[str, Any]


@dataclass(frozen=True)
class Curve:
    """A run's epochs.csv, and its gradients where they were recorded."""

    run: str
    setting: str
    columns: dict[str, list[float | None]]
    """epoch, train_loss, validation_loss, validation_<metric>, learning_rate, grad_norm."""
    kept_epoch: float | None
    gradients: dict[str, list[float | None]] = field(default_factory=dict)
    """`epoch`, then a norm per part of the model, from the input to the head."""


@dataclass(frozen=True)
class Classes:
    """How one run (or a baseline) did class by class, on the split named."""

    row: str
    split: str
    precision: list[float]
    recall: list[float]
    f1: list[float]
    support: list[int]
    confusion: list[list[int]]
    """[true][predicted], items."""


@dataclass(frozen=True)
class Example:
    """A row of the data, or a word of it, that a person should look at."""

    split: str
    where: str
    """`row 17 of test.csv`."""
    text: str
    label: str
    said: str
    """What the runs say instead."""
    share: float
    """Of the runs, that say so."""
    score: float
    """Mean probability that the runs give to `label`."""
    image: str | None = None
    """A data URI."""


@dataclass(frozen=True)
class Attention:
    """Where an attention model looked, in one text."""

    run: str
    text: str
    label: str
    said: str
    tokens: list[str]
    weights: list[float]
    """One per token; they sum to 1."""


@dataclass(frozen=True)
class DataNote:
    """One thing that was seen in the data before training."""

    level: Literal["problem", "fact"]
    text: str


@dataclass(frozen=True)
class Content:
    title: str
    metric: str
    """What the runs are ranked by: validation_<metric>."""
    goal: Literal["maximize", "minimize"]
    labels: list[str]
    summary: list[str]
    """Sentences: what the comparison shows, the most important first."""
    advice: list[str]
    """What to do next."""
    rows: list[Row]
    settings: list[SettingRow]
    """Empty where nothing can be compared."""
    findings: list[FindingRow]
    curves: list[Curve]
    classes: list[Classes]
    hardest: list[Example]
    suspicious: list[Example]
    """Likely label errors."""
    confused: list[tuple[str, str, int, float]]
    """True label, said label, items, share of the true label's items; of the first row."""
    attention: list[Attention]
    data: list[DataNote]
    footnotes: list[str]
    notices: list[str]
    facts: list[tuple[str, str]]
    """How it was made: name, value."""
    commands: list[str]
    about_suspicious: str = ""
    """What `suspicious` rests on."""
    changes: list[ChangeRow] = field(default_factory=list)
    """One swept key at a time."""
    lessons: list[str] = field(default_factory=list)
    """What `changes` say in all, a sentence per key."""
