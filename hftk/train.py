"""The main job: one recipe → a sweep of fine-tuned models and the table that compares them.

accelerate launch hftk/train.py recipes/bert_sweep.yaml [key.path=value ...]
"""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if __name__ == "__main__" and not __package__:
    # run as a file, Python searches this folder first: the repository's root belongs there
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

if TYPE_CHECKING:
    from hftk.report import ReportPaths
    from hftk.report.result import SweepResult
    from hftk.sweep.crew import Crew
    from hftk.sweep.expansion import SweepPlan
    from hftk.sweep.ledger import Ledger
    from hftk.sweep.messages import Ready
    from hftk.sweep.progress import Progress
    from hftk.sweep.proposals import Proposals


def run(
    recipe: str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | Sequence[str] = (),
    *,
    jobs: int = 1,
    stream: TextIO | None = None,
) -> "SweepResult":
    """Trains what the recipe names and is not yet finished, and compares all of it.

    recipe: a YAML file, or its content as a mapping. overrides: dotted key → value, or `key.path=value` words.
    jobs: runs trained side by side, each in a process of its own; 0: one after another in this process, as a debugger
    wants it. Where several processes were launched together, they train one run after another whatever jobs says.
    stream: where progress is shown; standard output unless given.
    Raises RecipeError or DataError before anything is trained; KeyboardInterrupt after the report of what there is.
    """
    from hftk.recipe import read_sweep

    plan = read_sweep(recipe, overrides)

    from hftk.interruption import interruptible
    from hftk.launcher import last_word, under_launcher
    from hftk.sweep.crew import Crew, crew_for
    from hftk.sweep.ledger import Ledger
    from hftk.sweep.progress import progress_for
    from hftk.sweep.proposals import proposals_for
    from hftk.sweep.search import check_search

    check_search(plan)

    ledger = Ledger(plan.folder)
    crew: Crew | None = None

    def end_at_once(text: str) -> None:
        if crew is not None:
            crew.kill()
        last_word(text)

    with ExitStack() as until_the_end:
        main = os.environ.get("RANK", "0") == "0"
        progress = until_the_end.enter_context(
            progress_for(stream=stream or sys.stdout, runs=plan.most_runs, main=main)
        )
        interruption = until_the_end.enter_context(
            interruptible(tell=progress.notice, last_word=end_at_once, relayed=under_launcher())
        )
        if main:
            _check_push(plan, progress=progress)
            until_the_end.enter_context(ledger.held())
        proposals = proposals_for(plan, ledger=ledger) if main else None
        plan = proposals.plan if proposals is not None else plan
        crew = until_the_end.enter_context(crew_for(plan, jobs=jobs, progress=progress, interruption=interruption))
        ready = crew.prepare()
        if main:
            result = _train(plan, crew=crew, ready=ready, ledger=ledger, progress=progress, proposals=proposals)
        else:
            result = crew.train(None)
        result = crew.share(result)
        return _pushed(plan, result=result, progress=progress) if main else result


def _train(
    plan: "SweepPlan",
    *,
    crew: "Crew",
    ready: "Ready",
    ledger: "Ledger",
    progress: "Progress",
    proposals: "Proposals | None",
) -> "SweepResult":
    """On the main process: what is finished is kept, the rest is trained, all of it reported."""
    from hftk.errors import HftkError
    from hftk.report.result import SweepResult
    from hftk.sweep.agenda import Agenda
    from hftk.sweep.exclusive import exclusive
    from hftk.sweep.planning import planned_lines, planned_steps
    from hftk.sweep.proposals import pruning
    from hftk.sweep.recording import keep_run
    from hftk.tracking import tracking_notices

    identities = {name: work.identity for name, work in ready.works.items()}
    kept, notices = ledger.settle(identities, pruned_too=pruning(plan) is not None)
    notices = tracking_notices(plan.recipe.tracking, folder=plan.folder) + notices
    progress.plan(
        planned_lines(plan, works=ready.works, kept=kept, notices=notices, where=ready.where),
        planned_steps(ready.works, kept=kept, to_propose=plan.most_runs - len(plan.runs)),
    )
    with exclusive(plan.folder):
        for run in plan.runs:
            if run.name in kept:
                status = keep_run(plan.folder / run.name, plan=plan, run=run)
                progress.run_kept(run.name, status)
    agenda = Agenda(plan, works=ready.works, kept=kept, ledger=ledger, progress=progress, proposals=proposals)
    try:
        crew.train(agenda)
    except BaseException:
        agenda.close()
        if any(plan.folder.glob("*/run.json")):
            with suppress(HftkError):  # the first error is the one to tell
                _report(plan.folder, progress=progress)
        raise
    agenda.close()
    paths = _report(plan.folder, progress=progress)
    _track_report(plan, progress=progress)
    return SweepResult(paths=paths, exit_code=0 if set(agenda.statuses.values()) <= {"finished", "pruned"} else 1)


def _track_report(plan: "SweepPlan", *, progress: "Progress") -> None:
    """Where W&B is asked for: its runs say how each was trained, and this one how they compare."""
    recipe = plan.recipe
    if "wandb" not in recipe.tracking.report_to:
        return
    from hftk.sweep.exclusive import exclusive
    from hftk.tracking.wandb_report import track_report

    with exclusive(plan.folder):  # commands that share the sweep end side by side
        notices = track_report(recipe.tracking, group=recipe.name, folder=plan.folder, swept=plan.swept_keys)
    for notice in notices:
        progress.notice(notice)


def _check_push(plan: "SweepPlan", *, progress: "Progress") -> None:
    """Before anything else: a sweep of a night must not end at a repository that it may not write to."""
    from hftk.hub.publishing import check_push

    hub = plan.recipe.hub
    if hub.push != "none":
        check_push(
            [run.name for run in plan.runs],
            push=hub.push,
            model_id=hub.model_id,
            private=hub.private,
            tell=progress.notice,
        )


def _pushed(plan: "SweepPlan", *, result: "SweepResult", progress: "Progress") -> "SweepResult":
    """What the recipe wants pushed is; whatever comes of it, what was trained stays as it is."""
    from dataclasses import replace

    from hftk.errors import HubError
    from hftk.hub.publishing import push_runs

    hub = plan.recipe.hub
    if hub.push == "none":
        return result
    try:
        push_runs(
            plan.folder,
            push=hub.push,
            model_id=hub.model_id,
            private=hub.private,
            merged=hub.merged,
            tell=progress.notice,
        )
    except Exception as error:  # whatever it is, all is trained and reported
        again = f"hftk push {plan.folder} --model-id {hub.model_id}"
        wanted = {"--all": hub.push == "all", "--public": not hub.private, "--merged": hub.merged}
        options = "".join(f" {option}" for option, given in wanted.items() if given)
        progress.notice(f"{error}\nAll that was trained is kept; push it later with: {again}{options}")
        return replace(result, exit_code=result.exit_code or HubError.exit_code)
    return result


def _report(folder: Path, *, progress: "Progress") -> "ReportPaths":
    from hftk.report import remove_unfinished, write_report
    from hftk.sweep.diagnosing import record_findings
    from hftk.sweep.exclusive import exclusive

    with exclusive(folder):
        remove_unfinished(folder)
        try:
            record_findings(folder)
        except Exception as error:  # whatever it is, the comparison is worth having without it
            progress.notice(f"the runs are not diagnosed: {error}")
        paths = write_report(folder)
    for notice in paths.notices:
        progress.notice(notice)
    progress.ended(paths.table, paths.page)
    return paths


if __name__ == "__main__":
    from hftk.cli import main
    from hftk.launcher import leave

    leave(main(["train", *sys.argv[1:]]))
