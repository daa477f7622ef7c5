"""What trace.csv and gradients.csv cost: training with and without them, in turn.

    python benchmarks/recording.py [--repeats 5]

The digits of scikit-learn, batch 32: a GRU and a Transformer of 32 hidden units, whose steps are among the shortest
that hftk trains, so that the share is the largest. CPU seconds of `fit` without what comes before and after the steps;
and a clock around the recording itself, which is less noisy than the difference of the two.
"""

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parent.parent)

EVENTS = ("on_pre_optimizer_step", "on_step_end", "on_evaluate", "write")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats

    from hftk.training.dynamics import Dynamics
    from hftk.training.gradients import LayerGradients
    from hftk.training.trace import StepTrace

    kinds = [StepTrace, LayerGradients, Dynamics]
    models = {
        "gru": {"architecture": "rnn", "cell": "gru", "hidden_size": 32},
        "transformer": {"architecture": "transformer", "hidden_size": 32, "num_hidden_layers": 1},
    }
    for name, model in models.items():
        _seconds(model)  # imports, caches
        sides: dict[str, list[float]] = {"with": [], "without": []}
        inside: list[float] = []
        for _ in range(repeats):
            with _replaced(kinds, lambda method: lambda *args, **kwargs: None):
                sides["without"].append(_seconds(model))
            clock = _Clock()
            with _replaced(kinds, clock.around):
                sides["with"].append(_seconds(model))
            inside.append(clock.seconds / sides["with"][-1])
        ratios = [one / other for one, other in zip(sides["with"], sides["without"], strict=True)]
        medians = {side: statistics.median(seconds) for side, seconds in sides.items()}
        print(
            f"{name}: with {medians['with']:.2f} s, without {medians['without']:.2f} s, "
            f"ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}); clock inside "
            f"{100 * statistics.median(inside):.2f} %",
            flush=True,
        )


class _Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, method: Callable) -> Callable:
        def timed(*args: Any, **kwargs: Any) -> None:
            start = time.process_time()
            method(*args, **kwargs)
            self.seconds += time.process_time() - start

        return timed


@contextmanager
def _replaced(kinds: list[type], change: Callable[[Callable], Callable]) -> Iterator[None]:
    """The events of these callbacks, changed."""
    before = [(kind, name, vars(kind)[name]) for kind in kinds for name in EVENTS if name in vars(kind)]
    for kind, name, method in before:
        setattr(kind, name, change(method))
    try:
        yield
    finally:
        for kind, name, method in before:
            setattr(kind, name, method)


def _seconds(model: dict[str, Any]) -> float:
    """CPU seconds of the training of one run."""
    from hftk.interruption import Interruption
    from hftk.recipe import read_sweep
    from hftk.sweep.inputs import Preparation
    from hftk.sweep.progress import progress_for
    from hftk.sweep.runners import train_run
    from hftk.training.group import Group
    from hftk.training.processes import quiet_libraries, start_processes
    from hftk.training.trainer import SweepTrainer

    quiet_libraries()
    with tempfile.TemporaryDirectory() as folder:
        recipe = {
            "name": "x",
            "output_dir": folder,
            "task": "image-classification",
            "data": {"path": "builtin:digits"},
            "model": model,
            "training": {"num_train_epochs": 8, "per_device_train_batch_size": 32, "learning_rate": 3e-3},
        }
        plan = read_sweep(recipe)
        processes, preparation = start_processes(use_cpu=True), Preparation(world_size=1)
        seconds: list[float] = []
        train = SweepTrainer.train

        def timed(self: Any, *args: Any, **kwargs: Any) -> Any:
            start = time.process_time()
            result = train(self, *args, **kwargs)
            seconds.append(time.process_time() - start)
            return result

        SweepTrainer.train = timed
        try:
            with progress_for(stream=io.StringIO(), runs=1, main=False) as progress:
                train_run(
                    plan,
                    run=plan.runs[0],
                    inputs=preparation.inputs(plan.runs[0]),
                    processes=processes,
                    group=Group(),
                    progress=progress,
                    interruption=Interruption(),
                )
        finally:
            SweepTrainer.train = train
    return seconds[0]


if __name__ == "__main__":
    main()
