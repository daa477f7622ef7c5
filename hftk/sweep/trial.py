"""A trial: a short real training on a few batches of a run, by the clock; nothing of it is kept."""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hftk.data.batching import ProcessBatches
from hftk.data.encoded import EncodedSplit
from hftk.interruption import Interruption
from hftk.recipe.schema import Recipe
from hftk.sweep.expansion import PlannedRun
from hftk.sweep.inputs import RunInputs
from hftk.sweep.record import file_checks
from hftk.sweep.timing import Timing, integrated, knots, padded_tokens
from hftk.training.arguments import sampling_strategy, training_arguments
from hftk.training.fit import fit
from hftk.training.space import tensor_bytes
from hftk.training.trainer import by_length

_STEPS = 2000  # at most, those of fast models
_EVALUATED = 24  # batches of validation, evenly spread over its lengths
_LOOK_EVERY = 0.01  # seconds between two looks at the memory


def trial(run: PlannedRun, inputs: RunInputs, *, folder: Path, seconds: float, interruption: Interruption) -> Timing:
    """Trains the run in `folder`, which must be new, for about so many seconds. Raises what training raises."""
    args = training_arguments(run.recipe.training, output_dir=str(folder), seed=run.seed, run_name="")
    train, validation = inputs.splits["train"], inputs.splits["validation"]
    steps = _steps(train, run.recipe, seed=run.seed, args=args)
    tokens = np.array([sum(padded_tokens(train.lengths, batch) for batch in step) for step in steps])
    batch = args.per_device_train_batch_size * args.gradient_accumulation_steps
    full = np.array([place for place, step in enumerate(steps) if sum(map(len, step)) == batch] or [0])
    timed = full[knots(tokens[full])]
    rows = [np.resize(np.concatenate(steps[place]), batch) for place in timed]  # a split below one batch is repeated
    rounds = max(2, _STEPS // len(rows))
    sampled = _sampled(validation, size=args.per_device_eval_batch_size)

    inputs.load_model()  # the first time in a process takes longer: it imports what the model needs
    watch = Stopwatch(each_round=len(rows), seconds=seconds)
    with Highest(args.device) as highest:
        began = time.monotonic()
        fitted = fit(
            _shortened(run.recipe),
            load_model=inputs.load_model,
            splits={"train": train.select(np.concatenate(rows * rounds)), "validation": sampled},
            processor=inputs.processor,
            labels=inputs.data.labels,
            class_weights=inputs.class_weights,
            folder=folder,
            run_name=run.name,
            observer=watch.observer,
            on_row=lambda rows: None,
            fingerprint="trial",
            tell=lambda text: None,
            found=lambda finding: None,
            interruption=interruption,
            callbacks=[watch],
        )
        ended = time.monotonic()
    checked = time.monotonic()
    file_checks(folder)
    after = time.monotonic() - checked

    each, warm = watch.seconds_each(), watch.warm_up()
    share = _Share(inputs.splits, sampled, size=args.per_device_eval_batch_size)
    predicting = share.scaled(watch.predicted, of=("validation", "test"))
    best_bytes = _size(folder / "checkpoints")
    return Timing(
        setup=watch.train_began - began + max(0.0, warm - sum(each)),
        epoch=integrated(tokens, knots=tokens[timed].tolist(), seconds=each),
        steps_per_epoch=len(steps),
        evaluation=share.scaled(watch.evaluated, of=("validation",)),
        best=watch.best_kept,
        finish=ended - watch.train_ended - watch.predicted.seconds + predicting,
        after=after,
        memory=highest.bytes,
        device_memory=highest.device_bytes,
        model_bytes=_size(folder / "model"),
        best_bytes=best_bytes,
        checkpoint_bytes=watch.checkpoint_bytes,
        parameters=fitted.parameters,
        steps_timed=watch.rounds_timed * len(rows),
    )


def _shortened(recipe: Recipe) -> Recipe:
    """One pass over the trial's rows as they stand, that changes no weight and saves no checkpoint."""
    left_out = ("max_steps", "eval_steps", "eval_delay", "eval_on_start", "save_steps", "save_total_limit")
    kept = {name: value for name, value in recipe.training.items() if name not in left_out}
    ours = {"num_train_epochs": 1, "train_sampling_strategy": "sequential", "save_strategy": "no", "learning_rate": 0.0}
    return recipe.model_copy(update={"training": kept | ours})


def _steps(train: EncodedSplit, recipe: Recipe, *, seed: int, args: TrainingArguments) -> list[list[list[int]]]:
    """The micro-batches of each optimizer step of the first epoch, as the run will see them."""
    micro_batches = list(
        ProcessBatches(
            lengths=train.lengths,
            per_device_batch_size=args.per_device_train_batch_size,
            gradient_accumulation_steps=args.gradient_accumulation_steps,
            world_size=1,
            rank=0,
            strategy=sampling_strategy(recipe.training),
            drop_last=args.dataloader_drop_last,
            seed=seed,
        )
    )
    each = args.gradient_accumulation_steps
    return [micro_batches[start : start + each] for start in range(0, len(micro_batches), each)]


def _batches(split: EncodedSplit, *, size: int) -> list[np.ndarray]:
    """Row numbers of a split's evaluation batches, longest first."""
    order = np.argsort(-split.lengths, kind="stable")
    return [order[start : start + size] for start in range(0, len(order), size)]


def _sampled(split: EncodedSplit, *, size: int) -> EncodedSplit:
    batches = _batches(split, size=size)
    places = np.unique(np.round(np.linspace(0, len(batches) - 1, min(len(batches), _EVALUATED))).astype(int))
    return split.select(np.concatenate([batches[place] for place in places]))


@dataclass
class Pass:
    """One evaluation or prediction."""

    batches: float = 0.0
    """Seconds."""
    rest: float = 0.0
    """Seconds of all else: figures, gathering."""

    @property
    def seconds(self) -> float:
        return self.batches + self.rest


class _Share:
    """How much longer whole splits take than the sampled rows: batches by padded tokens, the rest by rows."""

    def __init__(self, splits: Mapping[str, EncodedSplit], sampled: EncodedSplit, *, size: int) -> None:
        self._splits, self._sampled, self._size = splits, sampled, size

    def scaled(self, measured: Pass, *, of: Sequence[str]) -> float:
        wanted = [self._splits[name] for name in of if name in self._splits]
        tokens = sum(map(self._tokens, wanted)) / self._tokens(self._sampled)
        return measured.batches * tokens + measured.rest * sum(map(len, wanted)) / len(self._sampled)

    def _tokens(self, split: EncodedSplit) -> int:
        ordered = by_length(split)
        starts = range(0, len(ordered), self._size)
        sizes = [min(self._size, len(ordered) - start) for start in starts]
        return int(np.dot(np.maximum(ordered.lengths[:: self._size], 1), sizes))


@dataclass
class Stopwatch(TrainerCallback):
    """Notes when what happens in a trial, and ends its training when enough steps were timed.

    The steps come in rounds, each of which holds every timed length once, so that the ups and downs of a machine meet
    all lengths alike. The first round warms up.
    """

    each_round: int
    seconds: float
    """Of timed steps that are enough."""
    train_began: float = 0.0
    train_ended: float = 0.0
    best_kept: float = 0.0
    checkpoint_bytes: int = 0
    evaluated: Pass = field(default_factory=Pass)
    predicted: Pass = field(default_factory=Pass)
    _steps: list[float] = field(default_factory=list)
    _last: float = 0.0
    _pass_began: float = 0.0
    _evaluation_ended: float = 0.0

    @property
    def observer(self) -> "_Observer":
        return _Observer(self)

    @property
    def rounds_timed(self) -> int:
        return len(self._steps) // self.each_round - 1

    def seconds_each(self) -> list[float]:
        """Mean seconds of each step of a round, the first round left out."""
        rounds = np.array(self._steps[: (self.rounds_timed + 1) * self.each_round]).reshape(-1, self.each_round)
        return rounds[1:].mean(axis=0).tolist()

    def warm_up(self) -> float:
        """Seconds of the first round."""
        return sum(self._steps[: self.each_round])

    def on_train_begin(self, args: TrainingArguments, state, control, **kwargs) -> None:
        self.train_began = self._last = _now(args)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        now = _now(args)
        self._steps.append(now - self._last)
        self._last = self._pass_began = now
        whole = len(self._steps) % self.each_round == 0
        if whole and self.rounds_timed >= 1 and sum(self._steps[self.each_round :]) >= self.seconds:
            control.should_training_stop = True

    def on_prediction_step(self, args: TrainingArguments, state, control, **kwargs) -> None:
        self._last = _now(args)

    def on_evaluate(self, args: TrainingArguments, state, control, model, optimizer=None, **kwargs) -> None:
        now = _now(args)
        self.evaluated = Pass(batches=self._last - self._pass_began, rest=now - self._last)
        self._evaluation_ended = now
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.checkpoint_bytes = tensor_bytes(trained) + tensor_bytes(optimizer.state_dict() if optimizer else {})

    def best_was_kept(self) -> None:
        self.best_kept = time.monotonic() - self._evaluation_ended

    def on_train_end(self, args: TrainingArguments, state, control, **kwargs) -> None:
        self.train_ended = self._pass_began = _now(args)

    def on_predict(self, args: TrainingArguments, state, control, metrics, **kwargs) -> None:
        now = _now(args)
        self.predicted = Pass(batches=self._last - self._pass_began, rest=now - self._last)


@dataclass(frozen=True)
class _Observer:
    """Hears of an evaluation when all callbacks have had it."""

    watch: Stopwatch

    def step(self, step: int, epoch: float, loss: float | None) -> None:
        pass

    def evaluated(self, epoch: float, metrics: dict[str, float]) -> None:
        self.watch.best_was_kept()

    def alive(self) -> None:
        pass


def _now(args: TrainingArguments) -> float:
    """When what was given to the device is done."""
    if args.device.type != "cpu":
        torch.accelerator.synchronize()
    return time.monotonic()


class Highest(AbstractContextManager):
    """The most memory that this process holds in the block, and the most on its accelerator."""

    def __init__(self, device: torch.device) -> None:
        self.bytes = 0
        self.device_bytes = 0
        self._device = device
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look, name="memory", daemon=True)

    def __enter__(self) -> "Highest":
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        self._looking.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._looking.join()
        if self._device.type == "cuda":
            self.device_bytes = torch.cuda.max_memory_allocated()

    def _look(self) -> None:
        # a process's own highest is that of its whole life, earlier trials included
        process = psutil.Process()
        while not self._over.wait(_LOOK_EVERY):
            self.bytes = max(self.bytes, process.memory_info().rss)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
