"""Run folders -> results.csv, report.md and curves.png. Pure functions of the folders; torch is not needed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from hftk.errors import RunError
from hftk.report.runs import Run, common_ranking, read_runs, unfinished_folders
from hftk.report.table import Table
from hftk.report.tables import results_csv, terminal_table
from hftk.report.wording import listed

__all__ = ["ReportPaths", "ranked_rows", "remove_unfinished", "write_report"]


@dataclass(frozen=True)
class ReportPaths:
    results: Path
    markdown: Path
    curves: Path
    notices: list[str] = field(default_factory=list)
    """What a person must be told about the report: folders left out, fonts missing."""


def write_report(folder: str | os.PathLike) -> ReportPaths:
    """Rebuilds results.csv, report.md and curves.png of a sweep's folder from its run folders.

    Each file is written beside and then renamed: a reader never sees half of one.
    Raises RunError when the folder holds no runs or a run's record is broken.
    """
    from hftk.report.curves import draw_curves
    from hftk.report.markdown import report_markdown

    folder = Path(folder)
    runs = read_runs(folder)
    paths = ReportPaths(*_paths(folder), _notices(folder, runs))
    title = folder.resolve().name
    with _replacing(paths.curves) as beside:
        paths.notices.extend(draw_curves(runs, beside, title=title))
    page = report_markdown(title=title, runs=runs, curves=paths.curves.name, notices=paths.notices)
    for path, text in {paths.results: results_csv(runs), paths.markdown: page}.items():
        with _replacing(path) as beside:
            beside.write_text(text, encoding="utf-8", newline="\n")
    return paths


def _paths(folder: Path) -> tuple[Path, Path, Path]:
    return folder / "results.csv", folder / "report.md", folder / "curves.png"


def ranked_rows(folder: str | os.PathLike) -> Table:
    """The ranked table of a sweep's folder, in the columns that a terminal has room for. Raises as `write_report`."""
    return terminal_table(read_runs(Path(folder)))


def _notices(folder: Path, runs: list[Run]) -> list[str]:
    notices = []
    if unfinished := unfinished_folders(folder):
        notices.append(f"No run.json yet, so not in the table: {listed(unfinished)}.")
    ranking = common_ranking(runs)
    if others := [run for run in runs if run.ranking != ranking]:
        notices.append(
            f"The runs are ranked by {ranking.metric} ({ranking.goal}); not so: "
            + listed([f"{run.name} by {run.ranking.metric} ({run.ranking.goal})" for run in others])
            + "."
        )
    return notices


def remove_unfinished(folder: Path) -> None:
    """What a report that was killed left in its folder. Only where no other one is being written there."""
    for path in _paths(folder):
        for left in folder.glob(f".{path.name}.*"):
            left.unlink(missing_ok=True)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` that takes its place if the block ends well, and is removed if not.

    Raises RunError where the disk refuses.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield beside
        os.replace(beside, path)
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written ({error.strerror or error}); free space or make it writable, then: hftk report "
            f"{path.parent}"
        ) from error
    finally:
        with suppress(OSError):  # on a disk that refuses all
            beside.unlink(missing_ok=True)
