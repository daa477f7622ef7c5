"""Runs of several sweeps in one comparison."""

from collections.abc import Sequence
from pathlib import Path

from hftk.errors import RunError
from hftk.report.differences import grouped
from hftk.report.runs import Run, ranked, read_run, read_runs
from hftk.report.wording import listed


def gather(folders: Sequence[Path]) -> list[Run]:
    """The runs of sweeps' folders and of run folders, ranked together; as `<sweep>/<run>` where they are of several.

    Raises RunError where a folder holds no runs, where runs of several sweeps were tested on different rows, and where
    two have the same name.
    """
    folders = list(dict.fromkeys(folder.resolve() for folder in folders))
    found = [run for folder in folders for run in _runs(folder)]
    runs = list({run.folder: run for run in found}.values())
    sweeps = {run.folder.parent for run in runs}
    if len(sweeps) == 1:
        return ranked(runs)
    _check_same_test(runs)
    named = [_named_with_sweep(run) for run in runs]
    twice = [members for _, members in grouped(named, lambda run: run.name) if len(members) > 1]
    if twice:
        raise RunError(
            f"{twice[0][0].name}: two folders hold a run of this name: "
            f"{listed([str(run.folder) for run in twice[0]])}. Rename the folder of one of the sweeps"
        )
    return ranked(named)


def _runs(folder: Path) -> list[Run]:
    return [read_run(folder)] if (folder / "run.json").is_file() else read_runs(folder)


def _named_with_sweep(run: Run) -> Run:
    sweep = run.folder.parent.name
    setting = f"{sweep}/{run.setting}" if run.setting else sweep
    return run.model_copy(update={"name": f"{sweep}/{run.name}", "setting": setting})


def _check_same_test(runs: Sequence[Run]) -> None:
    """Figures on different rows are not comparable, however alike the data sets' names."""
    split = "test" if any("test" in run.data.rows for run in runs) else "validation"
    groups = grouped([run for run in runs if run.data.rows], lambda run: _seen(run, split))
    if len(groups) < 2:
        return
    told = [
        f"  {listed([str(run.folder) for run in members], 2)}: {_described(members[0], split)}"
        for _, members in groups[:4]
    ]
    more = [f"  and {len(groups) - 4} more"] if len(groups) > 4 else []
    raise RunError(
        "\n".join(
            [f"the runs were not judged on the same rows of {split}, so they cannot stand in one table:", *told, *more]
            + ["Name runs of the same data.path, data.splits, data.seed and data.limit only"]
        )
    )


def _seen(run: Run, split: str) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Equal where the judged rows are; a record without a fingerprint per split has the whole one."""
    own = run.data.split_fingerprints.get(split)
    return own, None if own else run.data.fingerprint, tuple(run.data.labels)


def _described(run: Run, split: str) -> str:
    rows = run.data.rows.get(split)
    told = f"{rows:,} rows" if rows is not None else f"no {split} split"
    return f"{told} of {run.data.path or 'unknown data'}, labels {listed(run.data.labels, 4)}"
