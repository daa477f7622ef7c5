"""`hftk check`: the recipe, the data, and one batch as the model sees it."""

from torch import Tensor

from hftk.data.encoded import IGNORED_LABEL
from hftk.data.summary import describe
from hftk.data.tokens import decoded_example
from hftk.sweep.expansion import SweepPlan
from hftk.sweep.inputs import Preparation, RunInputs
from hftk.sweep.planning import planned_lines, planned_work
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
    works = {run.name: planned_work(run, inputs[run.name], world_size=1) for run in plan.runs}
    lines = planned_lines(plan, works=works, kept=set(), notices=[], where=processes.where)
    described = [line for line in describe(first.data) if line not in lines]  # its notices stand above already
    lines += ["", "runs:", *(f"  {run.name}" for run in plan.runs), "", *described, ""]
    lines += _examples(first)
    return lines


def _examples(inputs: RunInputs) -> list[str]:
    """The first rows of train as the model sees them."""
    train, encoded = inputs.data.splits["train"], inputs.splits["train"]
    if inputs.max_length is None:
        pixels = encoded[0]["pixel_values"]
        return [
            f"the first image of train as the model sees it: {tuple(pixels.shape)} (channels, height, width), "
            f"from {pixels.min():.2f} to {pixels.max():.2f}, {inputs.data.labels[train[0]['label']]}"
        ]
    lines = [f"the first rows of train as the model sees them (at most {inputs.max_length} tokens):"]
    for row in range(min(EXAMPLES_SHOWN, len(encoded))):
        seen = encoded[row]
        if "tags" in train.column_names:
            lines.append(f"  {_tagged(seen, inputs)}")
        else:
            lines.append(f"  {inputs.data.labels[seen['labels']]}: {decoded_example(seen, inputs.processor)}")
    return lines


def _tagged(row: dict[str, Tensor], inputs: RunInputs) -> str:
    """Every token of a row; behind those that carry a tag, the tag."""
    tokens = inputs.processor.convert_ids_to_tokens(row["input_ids"].tolist())
    pairs = zip(tokens, row["labels"].tolist(), strict=True)
    return " ".join(token if tag == IGNORED_LABEL else f"{token}/{inputs.data.labels[tag]}" for token, tag in pairs)
