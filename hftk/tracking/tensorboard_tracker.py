"""What TensorBoard shows of a run of ours: event files in the sweep's folder."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from hftk.tracking.bounded import LONGEST_LOCAL, bounded, reason_of
from hftk.tracking.told import About, Ending


def open_tracker(about: About, *, folder: Path) -> "TensorboardTracker":
    """folder: the sweep's. The files of an earlier attempt are removed: the rows of all steps come again."""
    own = folder / "tensorboard" / about.run
    shutil.rmtree(own, ignore_errors=True)
    return TensorboardTracker(SummaryWriter(log_dir=str(own)), about)


class TensorboardTracker:
    name = "TensorBoard"
    next_step = 0

    def __init__(self, writer: SummaryWriter, about: About) -> None:
        self._writer = writer
        writer.add_text("config", _code(about.config))
        swept = {key: _plain(about.config.get(key)) for key in about.swept}
        names = [f"{split}/{metric}" for split in ("eval", "test") for metric in about.metrics]
        experiment, begins, self._ends = hparams(swept, dict.fromkeys(names, 0.0))
        for summary in (experiment, begins):
            writer.file_writer.add_summary(summary)
        writer.flush()

    def row(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def end(self, ending: Ending, *, step: int) -> list[str]:
        bounded(lambda: self._write_end(ending, step), seconds=LONGEST_LOCAL)
        return []

    def drop(self, error: Exception) -> list[str]:
        return [f"{self.name}: {reason_of(error)}; the rest of this run is not tracked"]

    def _write_end(self, ending: Ending, step: int) -> None:
        told = {"status": ending.status, "reason": ending.reason, **ending.figures}
        self._writer.add_text("ending", _code(told), step)
        if ending.status == "finished":
            self._writer.file_writer.add_summary(self._ends)
        self._writer.close()


def _code(values: Mapping[str, object]) -> str:
    """As Markdown that shows it as it is."""
    text = json.dumps(values, ensure_ascii=False, indent=2)
    return "".join(f"    {line}\n" for line in text.splitlines())


def _plain(value: object) -> bool | int | float | str:
    """What the plugin takes."""
    return value if isinstance(value, bool | int | float | str) else json.dumps(value, ensure_ascii=False)
