"""trace.csv and gradients.csv of a run's folder: what happened between the evaluations."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accelerate import PartialState

from hftk.replacing import replace_text
from hftk.training.gradients import LayerGradients
from hftk.training.trace import StepTrace


@dataclass(frozen=True)
class Dynamics:
    """What a training records between its evaluations."""

    trace: StepTrace
    gradients: LayerGradients

    def write(self, folder: Path) -> None:
        """Both files, by the main process. folder: the run's.

        Raises RunError where the disk refuses; the files are then as before.
        """
        if PartialState().is_main_process:
            _write(folder / "trace.csv", self.trace.rows())
            _write(folder / "gradients.csv", self.gradients.rows())


def _write(path: Path, rows: Sequence[dict[str, float]]) -> None:
    """Cells as short as they are exact enough: six digits. A group that a row lacks is an empty cell."""
    if not rows:
        return
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()} for row in rows
    )
    replace_text(path, text.getvalue())
