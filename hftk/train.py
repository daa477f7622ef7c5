"""The main job: one recipe → a sweep of fine-tuned models and the table that compares them.

accelerate launch hftk/train.py recipes/bert_sweep.yaml [key.path=value ...]
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if __name__ == "__main__" and not __package__:
    # run as a file, Python searches this folder first: the repository's root belongs there
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

if TYPE_CHECKING:
    from hftk.report.result import SweepResult


def run(
    recipe: str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | Sequence[str] = (),
    *,
    stream: TextIO | None = None,
) -> "SweepResult":
    """Trains what the recipe names and is not yet finished, and compares all of it.

    recipe: a YAML file, or its content as a mapping. overrides: dotted key → value, or `key.path=value` words.
    stream: where progress is shown; standard output unless given.
    Raises RecipeError or DataError before anything is trained; KeyboardInterrupt after the report of what there is.
    """
    from hftk.recipe import read_sweep

    plan = read_sweep(recipe, overrides)

    from hftk.report import ranked_rows, write_report
    from hftk.report.result import SweepResult
    from hftk.sweep.inputs import Preparation
    from hftk.sweep.ledger import Ledger
    from hftk.sweep.planning import planned_lines, planned_steps
    from hftk.sweep.progress import progress_for
    from hftk.sweep.runners import train_runs
    from hftk.tracking import tracking_notices
    from hftk.training.processes import main_first, quiet_libraries, share, start_processes, wait_for_all

    quiet_libraries()
    processes = start_processes(use_cpu=any(one.recipe.training.get("use_cpu") for one in plan.runs))
    folder = Path(plan.recipe.output_dir) / plan.recipe.name
    ledger = Ledger(folder)
    with ExitStack() as until_the_end:
        progress = progress_for(stream=stream or sys.stdout, runs=len(plan.runs), main=processes.main)
        until_the_end.enter_context(progress)
        preparation = Preparation(world_size=processes.world_size, tell=progress.preparing)
        with main_first():  # it fills the caches that the others read
            preparation.check(plan.runs)
            if processes.main:
                until_the_end.enter_context(ledger.held())
            inputs = {one.name: preparation.inputs(one) for one in plan.runs}
            identities = {name: prepared.identity for name, prepared in inputs.items()}

        kept, moved = share(ledger.settle(identities) if processes.main else None)
        notices = tracking_notices(plan.recipe.tracking, folder=folder) + moved
        progress.plan(
            planned_lines(plan, inputs=inputs, kept=kept, notices=notices, processes=processes),
            planned_steps(plan, inputs=inputs, kept=kept, world_size=processes.world_size),
        )
        statuses: dict[str, str] = {}
        try:
            statuses = train_runs(plan, inputs=inputs, kept=kept, ledger=ledger, processes=processes, progress=progress)
        finally:
            if processes.main and any(folder.glob("*/run.json")):
                paths = write_report(folder)
                for notice in paths.notices:
                    progress.notice(notice)
                progress.ended(ranked_rows(folder), paths.markdown)
        wait_for_all()
        paths = share(paths if processes.main else None)
    return SweepResult(paths=paths, exit_code=0 if set(statuses.values()) == {"finished"} else 1)


if __name__ == "__main__":
    from hftk.cli import main
    from hftk.launcher import leave

    leave(main(["train", *sys.argv[1:]]))
