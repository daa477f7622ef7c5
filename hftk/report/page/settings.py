"""The table of settings over their seeds."""

from dataclasses import dataclass

from hftk.report.comparison_tables import interval, probability
from hftk.report.content import Content, SettingRow
from hftk.report.page.bars import Bar, Scale
from hftk.report.page.comparison import VERDICTS
from hftk.report.page.shown import signed
from hftk.report.wording import MISSING


@dataclass(frozen=True)
class SettingLine:
    row: SettingRow
    bar: Bar | None
    interval: str
    difference: str
    difference_interval: str
    p: str
    verdict: str


@dataclass(frozen=True)
class Settings:
    lines: list[SettingLine]
    scale: Scale | None
    """Of the test figures."""


def settings(content: Content) -> Settings:
    rows = content.settings
    first = next((row.test for row in rows if row.verdict == "reference"), None)
    scale = Scale.over([row.test for row in rows], [row.interval for row in rows], first)
    return Settings([_line(row, scale) for row in rows], scale)


def _line(row: SettingRow, scale: Scale | None) -> SettingLine:
    between = row.difference_interval
    return SettingLine(
        row=row,
        bar=scale.bar(row.test, row.interval) if scale else None,
        interval=interval(row.interval),
        # the reference is the zero that the others are measured from
        difference=MISSING if row.verdict == "reference" else signed(row.difference),
        difference_interval=f"{signed(between.low)} to {signed(between.high)}" if between else "",
        p=MISSING if row.verdict == "reference" else probability(row.p),
        verdict=VERDICTS[row.verdict] if row.verdict else MISSING,
    )
