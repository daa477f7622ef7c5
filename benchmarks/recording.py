"""What trace.csv and gradients.csv cost: steps with and without them, in turn, within the same trainings.

    python benchmarks/recording.py [--repeats 20]

The digits of scikit-learn, batch 32: a GRU and a Transformer of 32 hidden units, whose steps are among the shortest
that hftk trains, and so few of them that every one is a row of trace.csv: the share is as large as it gets. Every other
step is recorded, and one in 16 has a row in gradients.csv besides: CPU seconds from the beginning of a step to that of
the next. Medians, as other work on the machine makes single steps slow, and 95 % intervals (bootstrap over the steps).
What is done outside the steps, when an evaluation reads the figures and when the files are written, is clocked by
itself.
"""

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

sys.path[0] = str(Path(__file__).resolve().parent.parent)

IN_STEPS, OUTSIDE = ("on_pre_optimizer_step", "on_step_end"), ("on_evaluate", "write")
WARM_UP = 32
EPOCHS = 11  # 495 steps: below 500 each is a row


@dataclass
class _Clock:
    """Of one training."""

    begins: list[float] = field(default_factory=list)
    """Of each step, CPU seconds."""
    interrupted: set[int] = field(default_factory=set)
    """Steps during or after which something else was done."""
    outside: float = 0.0
    """Seconds."""

    @property
    def recording(self) -> bool:
        return len(self.begins) % 2 == 0  # steps count from 1: those with a row in gradients.csv are even

    def in_turn(self, method: Callable) -> Callable:
        return lambda *args, **kwargs: method(*args, **kwargs) if self.recording else None

    def clocked(self, method: Callable) -> Callable:
        def timed(*args: Any, **kwargs: Any) -> None:
            start = time.process_time()
            method(*args, **kwargs)
            self.outside += time.process_time() - start
            self.interrupted.add(len(self.begins) - 1)

        return timed

    def begun(self, method: Callable) -> Callable:
        def begin(*args: Any, **kwargs: Any) -> Any:
            self.begins.append(time.process_time())
            return method(*args, **kwargs)

        return begin

    def steps(self) -> Iterator[tuple[int, float]]:
        """Number and seconds of each that was not interrupted, warm-up left out."""
        for number, (begin, end) in enumerate(pairwise(self.begins), start=1):
            if number > WARM_UP and number - 1 not in self.interrupted:
                yield number, end - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    models = {
        "gru": {"architecture": "rnn", "cell": "gru", "hidden_size": 32},
        "transformer": {"architecture": "transformer", "hidden_size": 32, "num_hidden_layers": 1},
    }
    for name, model in models.items():
        clocks = [_trained(model) for _ in range(repeats + 1)][1:]  # the first imports and fills caches
        steps = [step for clock in clocks for step in clock.steps()]
        kinds = [np.array([seconds for number, seconds in steps if chosen(number)]) for chosen in KINDS]
        draw = np.random.default_rng(0)
        drawn = [_cost([draw.choice(seconds, len(seconds)) for seconds in kinds]) for _ in range(1000)]
        usual, (low, high) = float(np.median(kinds[0])), np.quantile(drawn, [0.025, 0.975])
        outside = statistics.median(clock.outside / len(clock.begins) for clock in clocks)
        told = [f"{1e6 * cost:.0f} us, {100 * cost / usual:.2f} %" for cost in (_cost(kinds), low, high, outside)]
        print(
            f"{name}: {len(steps):,} steps, one without {1e3 * usual:.2f} ms; recording takes {told[0]} of a step "
            f"({told[1]} to {told[2]}); outside the steps {told[3]}",
            flush=True,
        )


KINDS = [
    lambda number: number % 2 == 1,  # not recorded
    lambda number: number % 2 == 0 and number % 16 != 0,
    lambda number: number % 16 == 0,  # with a row in gradients.csv
]


def _cost(kinds: list[np.ndarray]) -> float:
    """Seconds a step, were all recorded: one in 16 with its gradients."""
    without, traced, sampled = (float(np.median(seconds)) for seconds in kinds)
    return 15 / 16 * (traced - without) + 1 / 16 * (sampled - without)


@contextmanager
def _watched(clock: _Clock) -> Iterator[None]:
    from hftk.training.dynamics import Dynamics
    from hftk.training.gradients import LayerGradients
    from hftk.training.trace import StepTrace
    from hftk.training.trainer import SweepTrainer

    kinds = [StepTrace, LayerGradients, Dynamics]
    changes = {name: clock.in_turn for name in IN_STEPS} | {name: clock.clocked for name in OUTSIDE}
    places = [(kind, name, changes[name]) for kind in kinds for name in changes if name in vars(kind)]
    places.append((SweepTrainer, "training_step", clock.begun))
    before = [(kind, name, vars(kind).get(name)) for kind, name, _ in places]
    for kind, name, change in places:
        setattr(kind, name, change(getattr(kind, name)))
    try:
        yield
    finally:
        for kind, name, method in before:
            if method is None:
                delattr(kind, name)
            else:
                setattr(kind, name, method)


def _trained(model: dict[str, Any]) -> _Clock:
    """One run, watched."""
    from hftk.interruption import Interruption
    from hftk.recipe import read_sweep
    from hftk.sweep.inputs import Preparation
    from hftk.sweep.progress import progress_for
    from hftk.sweep.runners import train_run
    from hftk.training.group import Group
    from hftk.training.processes import quiet_libraries, start_processes

    quiet_libraries()
    with tempfile.TemporaryDirectory() as folder:
        recipe = {
            "name": "x",
            "output_dir": folder,
            "task": "image-classification",
            "data": {"path": "builtin:digits"},
            "model": model,
            "training": {"num_train_epochs": EPOCHS, "per_device_train_batch_size": 32, "learning_rate": 3e-3},
        }
        plan = read_sweep(recipe)
        processes, preparation = start_processes(use_cpu=True), Preparation(world_size=1)
        clock = _Clock()
        with _watched(clock), progress_for(stream=io.StringIO(), runs=1, main=False) as progress:
            train_run(
                plan,
                run=plan.runs[0],
                inputs=preparation.inputs(plan.runs[0]),
                processes=processes,
                group=Group(),
                progress=progress,
                interruption=Interruption(),
            )
    return clock


if __name__ == "__main__":
    main()
