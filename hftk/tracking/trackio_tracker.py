"""What Trackio shows of a run of ours: its own database on this machine, where its dashboard looks."""

import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hftk.tracking.bounded import LONGEST_END, bounded, reason_of
from hftk.tracking.told import About, Ending

if TYPE_CHECKING:
    import trackio

# each would send the run away: a Space is public unless somebody says otherwise
_SENDS_AWAY = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_BUCKET_ID", "TRACKIO_DATASET_ID")


def notices(project: str) -> list[str]:
    """What to tell the user before the first run."""
    asked = [name for name in _SENDS_AWAY if os.environ.get(name)]
    if not asked:
        return []
    return [
        f"Trackio: the runs stay on this machine, whatever {' and '.join(asked)} may say; what is to be seen by others "
        f"is sent by: trackio sync --project {project} --space-id <owner>/<name> --private"
    ]


def open_tracker(about: About, *, folder: Path) -> "TrackioTracker":
    """folder: the sweep's. What an earlier attempt wrote is removed: the rows of all steps come again.

    The run there is known by an id that stands in our run's folder: other sweeps may have runs of its name.
    """
    import trackio

    file = folder / about.run / "trackio.json"
    with _at_home(), redirect_stdout(io.StringIO()):  # it prints
        _remove(file, about)
        run = trackio.init(
            project=about.project,
            name=about.run,
            group=about.group,
            config=_nested(about.config),  # it shows a dot in a key as \.
            resume="never",
            embed=False,
            auto_log_cpu=False,
            auto_log_gpu=False,
        )
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"id": run.id}) + "\n", encoding="utf-8")
    return TrackioTracker(run)


class TrackioTracker:
    name = "Trackio"
    next_step = 0

    def __init__(self, run: "trackio.Run") -> None:
        self._run = run

    def row(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def end(self, ending: Ending, *, step: int) -> list[str]:
        with redirect_stdout(io.StringIO()):
            bounded(partial(self._write_end, ending, step), seconds=LONGEST_END)
        return []

    def drop(self, error: Exception) -> list[str]:
        return [f"{self.name}: {reason_of(error)}; the rest of this run is not tracked"]

    def _write_end(self, ending: Ending, step: int) -> None:
        import trackio

        told = {"status": ending.status, "reason": ending.reason, **ending.figures}
        lines = "".join(f"    {line}\n" for line in json.dumps(told, ensure_ascii=False, indent=2).splitlines())
        self._run.log({"ending": trackio.Markdown(lines)}, step=step)
        self._run.finish()


def _nested(config: Mapping[str, Any]) -> dict[str, Any]:
    """Its page joins the keys with dots again."""
    nested: dict[str, Any] = {}
    for key, value in config.items():
        *above, last = key.split(".")
        place = nested
        for part in above:
            if not isinstance(place.get(part), dict):
                place[part] = {}
            place = place[part]
        place[last] = value
    return nested


def _remove(file: Path, about: About) -> None:
    import trackio

    with suppress(OSError, ValueError, KeyError, TypeError):
        run_id = json.loads(file.read_text(encoding="utf-8"))["id"]
        for run in trackio.Api().runs(about.project):
            if run.id == run_id:
                run.delete()


@contextmanager
def _at_home() -> Iterator[None]:
    """Nothing is sent away, and nobody is asked who is logged in: `init` would ask the Hub and hang where it does."""
    from trackio.run import Run

    aside = {name: os.environ.pop(name) for name in _SENDS_AWAY if name in os.environ}
    asks, Run._get_username = Run._get_username, lambda run: None
    try:
        yield
    finally:
        os.environ.update(aside)
        Run._get_username = asks
