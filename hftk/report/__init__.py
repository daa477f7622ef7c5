"""Run folders -> results.csv, report.md, report.html and curves.png. Pure functions of the folders, without torch."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from hftk.errors import RunError
from hftk.report.planned import planned_against_actual
from hftk.report.runs import Run, common_ranking, read_runs, unfinished_folders
from hftk.report.table import Table
from hftk.report.wording import listed

__all__ = ["ReportPaths", "remove_unfinished", "write_comparison", "write_report"]

TOGETHER = "comparison"
"""Where runs of several sweeps are compared, unless another folder is named."""


@dataclass(frozen=True)
class ReportPaths:
    results: Path
    markdown: Path
    page: Path
    curves: Path
    table: Table = field(repr=False)
    """The ranked table, in the columns that a terminal has room for."""
    notices: list[str] = field(default_factory=list)
    """What a person must be told about the report: folders left out, fonts missing."""


def write_report(folder: str | os.PathLike) -> ReportPaths:
    """Rebuilds results.csv, report.md, report.html and curves.png of a sweep's folder from its run folders.

    Each file is written beside and then renamed: a reader never sees half of one.
    Raises RunError when the folder holds no runs or a run's record is broken.
    """
    folder = Path(folder)
    runs = read_runs(folder)
    planned = planned_against_actual(folder)
    return _write(
        runs,
        into=folder,
        title=folder.resolve().name,
        notices=_notices([folder], runs),
        planned=planned.sentence if planned else None,
    )


def write_comparison(folders: Sequence[str | os.PathLike], *, output: str | os.PathLike | None = None) -> ReportPaths:
    """Compares the runs of sweeps' folders and run folders; of one sweep's folder alone it is `write_report`.

    output: the folder to write into, made where it is missing; `comparison` in the current one unless given.
    Raises RunError as `write_report` does, where the runs were not judged on the same rows, and where `output` holds
    runs itself.
    """
    from hftk.report.gathering import gather

    folders = [Path(folder) for folder in folders]
    if len(folders) == 1 and output is None and not (folders[0] / "run.json").is_file():
        return write_report(folders[0])
    runs = gather(folders)
    into = Path(output or TOGETHER)
    if (into / "run.json").is_file() or any(into.glob("*/run.json")):
        raise RunError(f"{into}: holds runs, whose own report would be overwritten; name another folder by --output")
    try:
        into.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise RunError(f"{into}: cannot be made ({reason}); name another folder by --output") from error
    return _write(runs, into=into, title=into.resolve().name, notices=_notices(folders, runs))


def _write(runs: list[Run], *, into: Path, title: str, notices: list[str], planned: str | None = None) -> ReportPaths:
    from hftk.report.comparison import compared
    from hftk.report.comparison_tables import terminal_table
    from hftk.report.curves import draw_curves
    from hftk.report.markdown import report_markdown
    from hftk.report.page import page_html
    from hftk.report.tables import results_csv

    results, markdown, page, curves = _paths(into)
    with _replacing(curves) as beside:
        notices = notices + draw_curves(runs, beside, title=title)
    content = compared(runs, title=title, notices=notices, planned=planned)
    texts = {
        results: results_csv(runs, content),
        markdown: report_markdown(content, runs=runs, curves=curves.name),
        page: page_html(content),
    }
    for path, text in texts.items():
        with _replacing(path) as beside:
            beside.write_text(text, encoding="utf-8", newline="\n")
    return ReportPaths(results, markdown, page, curves, terminal_table(content), notices)


def _paths(folder: Path) -> tuple[Path, Path, Path, Path]:
    return folder / "results.csv", folder / "report.md", folder / "report.html", folder / "curves.png"


def _notices(folders: Sequence[Path], runs: list[Run]) -> list[str]:
    notices = []
    if unfinished := [name for folder in folders for name in unfinished_folders(folder)]:
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
