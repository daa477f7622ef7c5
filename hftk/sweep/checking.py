"""`hftk check`: the recipe, the data, and one batch as the model sees it."""

from torch import Tensor

from hftk.analysis.data_errors import find_data_errors
from hftk.analysis.data_findings import lines as data_lines
from hftk.analysis.data_findings import truncation
from hftk.data.encoded import IGNORED_LABEL
from hftk.data.summary import describe
from hftk.data.tokens import decoded_example
from hftk.sweep.expansion import PlannedRun, SweepPlan
from hftk.sweep.inputs import Preparation, RunInputs
from hftk.sweep.planning import planned_lines, planned_work
from hftk.sweep.search import check_search
from hftk.training.processes import quiet_libraries, start_processes

EXAMPLES_SHOWN = 4


def checked_lines(plan: SweepPlan) -> list[str]:
    """Raises RecipeError or DataError with all problems found; nothing is trained."""
    check_search(plan)
    quiet_libraries()
    processes = start_processes(use_cpu=any(run.recipe.training.get("use_cpu") for run in plan.runs))
    preparation = Preparation(world_size=1)
    preparation.check([*plan.runs, *plan.corners])
    inputs = {run.name: preparation.inputs(run) for run in plan.runs}
    works = {run.name: planned_work(run, inputs[run.name], world_size=1) for run in plan.runs}
    lines = planned_lines(plan, works=works, kept=set(), notices=[], where=processes.where)
    lines += ["", "runs:", *(f"  {run.name}" for run in plan.runs)]
    told = set(lines)
    by_data: dict[str, list[PlannedRun]] = {}
    for run in plan.runs:
        by_data.setdefault(inputs[run.name].data.fingerprint, []).append(run)
    for runs in by_data.values():
        first = inputs[runs[0].name]
        if len(by_data) > 1:
            more = f" and {len(runs) - 1} more" if len(runs) > 1 else ""
            lines += ["", f"the data of {runs[0].name}{more}:"]
        described = [line for line in describe(first.data) if line not in told]  # its notices stand above already
        lines += ["", *described, *_errors(first, task=runs[0].recipe.task), "", *_examples(first)]
    return lines


def _errors(inputs: RunInputs, *, task: str) -> list[str]:
    """What is odd in the data, and what is good to know of them."""
    found = data_lines(find_data_errors(inputs.data, task=task))
    cut = truncation(
        {split: len(rows) for split, rows in inputs.data.splits.items()},
        {split: rows.truncated for split, rows in inputs.splits.items()},
        max_length=inputs.max_length,
        longer_are=inputs.longer_are,
    )
    if cut is not None:
        found.insert(0, f"{cut.message}; see {cut.suggestion.key}")
    return ["", "found in the data:", *(f"  {line}" for line in found)] if found else []


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
