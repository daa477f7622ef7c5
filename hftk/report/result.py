"""What hftk.run returns."""

import base64
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hftk.report import ReportPaths

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class SweepResult:
    """A sweep that has been run: its results as a data frame, its report and its picture, which a notebook shows."""

    paths: ReportPaths = field(repr=False)
    exit_code: int
    """As the `hftk` command would return it: 0 all runs finished, 1 some failed, 3 not pushed, 130 interrupted."""

    @property
    def folder(self) -> Path:
        return self.report.parent

    @property
    def report(self) -> Path:
        return self.paths.markdown

    @property
    def curves(self) -> Path:
        return self.paths.curves

    @cached_property
    def results(self) -> "pandas.DataFrame":
        """results.csv: a row per run, ranked; numbers as numbers, what is missing as NaN."""
        import pandas

        # a swept value such as None or NA is a word here, not a missing one
        words = dict.fromkeys(["run", "status", "reason"], "str")
        return pandas.read_csv(self.paths.results, keep_default_na=False, na_values=["", "nan"], dtype=words)

    @property
    def statuses(self) -> dict[str, str]:
        """Run name -> finished | failed | interrupted | pruned."""
        return dict(zip(self.results["run"], self.results["status"], strict=True))

    def __repr__(self) -> str:
        return f"SweepResult(folder={str(self.folder)!r}, runs={len(self.statuses)}, exit_code={self.exit_code})"

    def _repr_html_(self) -> str:
        table = self.paths.table.html()
        return f'{table}<img src="{self._picture()}" alt="Learning curves" style="max-width: 100%">'

    def _repr_markdown_(self) -> str:
        return f"{self.paths.table.markdown()}\n\n![Learning curves]({self._picture()})"

    def _picture(self) -> str:
        """Inside the notebook, so that it shows wherever the notebook goes."""
        return "data:image/png;base64," + base64.b64encode(self.curves.read_bytes()).decode("ascii")
