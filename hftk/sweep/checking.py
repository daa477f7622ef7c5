"""`hftk check`: the recipe, the data, and one batch as the model sees it."""

from hftk.data.summary import describe
from hftk.data.tokens import decoded_example
from hftk.sweep.expansion import SweepPlan
from hftk.sweep.inputs import Preparation
from hftk.sweep.planning import planned_lines
from hftk.training.processes import quiet_libraries, start_processes

EXAMPLES_SHOWN = 4


def checked_lines(plan: SweepPlan) -> list[str]:
    """Raises RecipeError or DataError with all problems found; nothing is trained."""
    quiet_libraries()
    processes = start_processes(use_cpu=any(run.recipe.training.get("use_cpu") for run in plan.runs))
    preparation = Preparation(world_size=1)
    preparation.check(plan.runs)
    inputs = {run.name: preparation.inputs(run) for run in plan.runs}
    first = inputs[plan.runs[0].name]
    lines = planned_lines(plan, inputs=inputs, kept=set(), notices=[], processes=processes)
    described = [line for line in describe(first.data) if line not in lines]  # its notices stand above already
    lines += ["", "runs:", *(f"  {run.name}" for run in plan.runs), "", *described, ""]
    lines.append(f"the first rows of train as the model sees them (at most {first.max_length} tokens):")
    for row in range(min(EXAMPLES_SHOWN, len(first.data.splits["train"]))):
        label = first.data.labels[first.data.splits["train"][row]["label"]]
        lines.append(f"  {label}: {decoded_example(first.splits['train'].dataset[row], first.tokenizer)}")
    return lines
