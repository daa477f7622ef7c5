"""Every distinct data set of a sweep is described once, before anything is trained on it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hftk.analysis.dataset import describe_data
from hftk.errors import HftkError
from hftk.sweep.expansion import PlannedRun
from hftk.sweep.inputs import RunInputs


def describe_each(
    runs: Sequence[PlannedRun],
    inputs: Mapping[str, RunInputs],
    *,
    folder: Path,
    tell: Callable[[str], None],
    warn: Callable[[str], None],
) -> None:
    """Baselines, examples and errors of the data, below `folder`, the sweep's; what is there already is kept.

    inputs: by run name. tell: hears what takes long. warn: hears why there is none of some data: the runs are trained
    without it.
    """
    distinct = {inputs[run.name].data.fingerprint: run for run in runs}
    for run in distinct.values():
        try:
            describe_data(inputs[run.name].data, task=run.recipe.task, folder=folder, tell=tell)
        # whatever it is: the runs are worth more than what stands beside them
        except Exception as error:
            reason = str(error) if isinstance(error, HftkError) else f"{type(error).__name__}: {error}"
            warn(f"the report will have no baselines: {reason}")
