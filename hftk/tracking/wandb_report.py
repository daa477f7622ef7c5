"""The report of a sweep as a W&B run of its own, of the job type `report`, in the sweep's group."""

import csv
import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hftk.recipe.schema import Tracking
from hftk.tracking import wandb_runs
from hftk.tracking.bounded import LONGEST_LOCAL, bounded
from hftk.tracking.examples import cut
from hftk.tracking.outage import Outage
from hftk.tracking.told import About

if TYPE_CHECKING:
    import wandb

NAME = "report"
_FILES = ("report.html", "report.md", "results.csv", "curves.png")


def track_report(tracking: Tracking, *, group: str, folder: Path, swept: Sequence[str]) -> list[str]:
    """To be called when all runs of the sweep have ended and its report is written. Returns what to tell the user.

    The run goes on with each new report of the sweep; one that has not changed is not sent again. tracking: has wandb
    in report_to. group: the sweep's name. folder: the sweep's. swept: its dotted keys.
    """
    own = folder / "wandb" / NAME
    digest = _digest(folder / name for name in _FILES)
    if digest == _sent(own):
        return []
    about = About(
        project=tracking.project,
        group=group,
        run=NAME,
        tags=list(tracking.tags),
        config={"sweep": group, "swept": list(swept)},
    )
    run_id = wandb_runs.run_id(own, resumed=True)
    notices = wandb_runs.open_run(about, folder=folder, run_id=run_id, resumed=True, job_type=NAME)
    import wandb

    if wandb.run is None:
        return notices
    try:
        bounded(partial(_write, wandb.run, folder), seconds=LONGEST_LOCAL)
    except Exception as error:
        return notices + wandb_runs.stop_run(error)
    told_before = Outage.known(folder)
    notices += wandb_runs.close_run()
    wandb_runs.end_service()
    if Outage.known(folder) == told_before:
        with suppress(OSError):
            (own / "sent.json").write_text(json.dumps({"content": digest}) + "\n", encoding="utf-8")
    return notices


def _write(run: "wandb.Run", folder: Path) -> None:
    import wandb

    columns, rows = _results(folder / "results.csv")
    media: dict[str, Any] = {"results": wandb.Table(columns=columns, data=rows, allow_mixed_types=True)}
    if findings := _findings(folder):
        media["findings"] = wandb.Table(columns=["run", "finding", "what was seen", "suggestion"], data=findings)
    if (folder / "curves.png").is_file():
        media["curves"] = wandb.Image(str(folder / "curves.png"))
    if (folder / "report.html").is_file():
        media["report"] = wandb.Html(str(folder / "report.html"), inject=False)
    run.log(media)
    for name in _FILES:  # a copy: the next report of the sweep takes the place of the file itself
        if (folder / name).is_file():
            shutil.copyfile(folder / name, Path(run.dir) / name)
            run.save(str(Path(run.dir) / name), base_path=run.dir, policy="now")
    if rows and rows[0][columns.index("status")] == "finished":  # ranked
        run.summary.update({f"best/{name}": value for name, value in zip(columns, rows[0], strict=True)})


def _results(path: Path) -> tuple[list[str], list[list[Any]]]:
    """results.csv in the names that the runs have at the tracker."""
    with path.open(encoding="utf-8", newline="") as file:
        columns, *rows = csv.reader(file)
    return [_named(column) for column in columns], [[_value(cell) for cell in row] for row in rows]


def _named(column: str) -> str:
    for split, prefix in (("validation_", "eval/"), ("test_", "test/")):
        if column.startswith(split):
            return prefix + column.removeprefix(split)
    return column


def _value(cell: str) -> float | str | None:
    if not cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return cut(cell)


def _findings(folder: Path) -> list[list[str]]:
    """Of the run.json of every run."""
    rows = []
    for path in sorted(folder.glob("*/run.json")):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            record = json.loads(path.read_text(encoding="utf-8"))
            for found in record["findings"]:
                suggested = found.get("suggestion") or {}
                advice = f"{suggested['key']}: {suggested['value']}" if suggested.get("key") else ""
                rows.append([record["run"], str(found["kind"]), cut(str(found["message"])), advice])
    return rows


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with suppress(OSError):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _sent(own: Path) -> str | None:
    try:
        return json.loads((own / "sent.json").read_text(encoding="utf-8"))["content"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
