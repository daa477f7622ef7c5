"""trace.csv and gradients.csv of a run's folder: what happened between the evaluations."""

import csv
import io
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from accelerate import PartialState

from hftk.errors import RunError
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
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "w", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):  # on a disk that refuses all
            beside.unlink(missing_ok=True)
        raise RunError(
            f"{path}: cannot be written ({error.strerror or error}); free space or make it writable, and give the same "
            "command again: what is finished is kept"
        ) from error
