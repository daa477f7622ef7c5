"""Every distinct data set of a sweep is described once, before anything is trained on it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hftk.analysis.cut_baseline import FEWEST_CUT, measure_cutting
from hftk.analysis.cutting import cutting_file, write_cutting
from hftk.analysis.dataset import describe_data
from hftk.data.cut_texts import cut_texts
from hftk.errors import HftkError
from hftk.recipe.schema import Recipe
from hftk.sweep.expansion import PlannedRun
from hftk.sweep.inputs import RunInputs
from hftk.sweep.model_loading import LONGEST_TEXT


def describe_each(
    runs: Sequence[PlannedRun],
    inputs: Mapping[str, RunInputs],
    *,
    folder: Path,
    tell: Callable[[str], None],
    warn: Callable[[str], None],
) -> None:
    """Baselines, examples and errors of the data, and what is lost where texts are cut, below `folder`, the sweep's;
    what is there already is kept.

    inputs: by run name. tell: hears what takes long. warn: hears why there is none of some data: the runs are trained
    without it.
    """
    distinct: dict[str, list[PlannedRun]] = {}
    for run in runs:
        distinct.setdefault(inputs[run.name].data.fingerprint, []).append(run)
    for members in distinct.values():
        data, task = inputs[members[0].name].data, members[0].recipe.task
        try:
            describe_data(data, task=task, folder=folder, tell=tell)
        # whatever it is: the runs are worth more than what stands beside them
        except Exception as error:
            warn(f"the report will have no baselines: {_reason(error)}")
            continue
        try:
            for run in members:
                _describe_cutting(run.recipe, inputs[run.name], folder=folder, tell=tell)
        except Exception as error:  # as above
            warn(f"no run is told whether data.max_length is too short: {_reason(error)}")


def _describe_cutting(recipe: Recipe, made: RunInputs, *, folder: Path, tell: Callable[[str], None]) -> None:
    """Where a fair share of the texts of validation is cut, and it is not known yet for this tokenizer and length."""
    if recipe.task != "text-classification" or "validation" not in made.splits:
        return
    lengths, read = made.splits["validation"].item_lengths(), recipe.model_dump(mode="json")
    file = cutting_file(folder, made.data.fingerprint, read)
    if (lengths > made.max_length).mean() < FEWEST_CUT or file.is_file():
        return
    tell(f"baseline: texts cut at {made.max_length} tokens")
    most = recipe.model.config_overrides.get("max_position_embeddings") or LONGEST_TEXT
    if recipe.model.pretrained is not None:
        most = min(made.processor.model_max_length, LONGEST_TEXT)
    found = measure_cutting(
        made.data,
        max_length=made.max_length,
        lengths=lengths,
        most=most,
        cut=lambda data, length: cut_texts(data, made.processor, max_length=length),
    )
    write_cutting(found, folder=folder, fingerprint=made.data.fingerprint, recipe=read)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, HftkError) else f"{type(error).__name__}: {error}"
