"""nan and inf, put into a real training: told at their step, and nothing of them is kept."""

import math
import os
import traceback
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import TrainerCallback, set_seed

import hftk.training.guards as guards
from hftk.data.encoded import ImageRows
from hftk.errors import RunError
from hftk.models.transformer import TransformerConfig, TransformerForImageClassification
from hftk.training.arguments import training_arguments
from hftk.training.guards import MOST_SKIPPED_STEPS, NonFinite, NonFiniteGuard, finite
from hftk.training.loss import ClassificationLoss
from hftk.training.processes import quiet_libraries, start_processes
from hftk.training.trainer import SweepTrainer

STEPS = 12  # of an epoch


@pytest.fixture(scope="module", autouse=True)
def alone():
    quiet_libraries()
    start_processes(use_cpu=True)


@pytest.fixture(scope="module")
def rows() -> ImageRows:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, size=(4 * STEPS, 1, 4, 4), dtype=np.uint8)
    return ImageRows(pixels=pixels, labels=rng.integers(0, 3, size=4 * STEPS), mean=[0.5], std=[0.3])


class Kept(TrainerCallback):
    """Stands where weights are kept."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.weights: dict[str, torch.Tensor] = {}

    def on_evaluate(self, args, state, control, model, **kwargs) -> None:
        self.steps.append(state.global_step)
        self.weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}


class AtStep(TrainerCallback):
    """Breaks something when a step begins."""

    def __init__(self, broken, step: int) -> None:
        self.broken, self.step = broken, step

    def on_step_begin(self, args, state, control, model, **kwargs) -> None:
        if state.global_step + 1 == self.step:
            self.broken(model)


class BrokenLoss(ClassificationLoss):
    """Adds `value` to the losses of these calls, to the losses only or to what flows back as well."""

    def __init__(self, value: float, calls, *, flows_back: bool = True) -> None:
        super().__init__()
        self.value, self.calls, self.flows_back, self.called = value, calls, flows_back, 0

    def __call__(self, outputs, labels, num_items_in_batch=None):
        loss = super().__call__(outputs, labels, num_items_in_batch)
        if torch.is_grad_enabled():
            self.called += 1
            if self.called in self.calls:
                return loss * self.value if self.flows_back else loss + self.value
        return loss


def trainer_of(rows, folder, *, loss=None, callbacks=(), training=None, fp16=False):
    values = {"num_train_epochs": 2, "per_device_train_batch_size": 4, "learning_rate": 1e-3, "use_cpu": True}
    args = training_arguments(values | (training or {}), output_dir=str(folder), seed=1, run_name="")
    set_seed(0)
    config = TransformerConfig(
        image_size=[4, 4], hidden_size=8, num_attention_heads=2, num_hidden_layers=1, num_labels=3
    )
    norms: list[torch.Tensor | float] = []
    guard = NonFiniteGuard(
        grad_norms=norms, learning_rate=args.learning_rate, max_grad_norm=args.max_grad_norm, fp16=fp16
    )
    kept = Kept()
    trainer = SweepTrainer(
        model=TransformerForImageClassification(config),
        args=args,
        train=rows,
        validation=rows,
        loss=guard.watch(loss or ClassificationLoss()),
        metrics=["accuracy"],
        labels=["a", "b", "c"],
        callbacks=[*callbacks, guard, kept],
        grad_norms=norms,
    )
    return trainer, guard, kept


def found(trainer) -> NonFinite:
    with pytest.raises(NonFinite) as raised:
        trainer.train()
    assert isinstance(raised.value, RunError)
    return raised.value


def test_a_sound_run_is_left_alone(rows, tmp_path):
    trainer, _, kept = trainer_of(rows, tmp_path)
    trainer.train()
    assert kept.steps == [STEPS, 2 * STEPS]


@pytest.mark.parametrize("calls", [{15}, range(15, 1000)], ids=["once", "for ever"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_ends_the_run_at_its_step(rows, tmp_path, value, calls):
    trainer, _, kept = trainer_of(rows, tmp_path, loss=BrokenLoss(value, calls))
    error = found(trainer)
    assert str(error) == (
        f"non-finite: the training loss is {value} at step 15 (epoch 1.1667); lower training.learning_rate "
        "(now 0.001), to 0.0001 for example"
    )
    assert error.finding.to_json() == {
        "kind": "non-finite",
        "message": str(error),
        "numbers": {"what": "loss", "value": str(value), "step": 15},
        "epoch": 1.1667,
        "suggestion": {"key": "training.learning_rate", "value": 1e-4},
    }
    assert trainer.state.global_step == 14
    assert finite(trainer.model) is None, "the optimizer must not have taken the step"
    assert kept.steps == [STEPS]


def test_accumulation_is_judged_at_the_micro_batch(rows, tmp_path):
    loss = BrokenLoss(math.nan, {8})
    trainer, *_ = trainer_of(rows, tmp_path, loss=loss, training={"gradient_accumulation_steps": 3})
    assert found(trainer).finding.numbers["step"] == 3
    assert loss.called == 8


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_gradient_alone_ends_the_run_before_the_optimizer_takes_it(rows, tmp_path, value):
    def break_gradient(model):
        hook = model.classifier[-1].weight.register_hook(lambda grad: (hook.remove(), grad * value)[1])

    trainer, *_ = trainer_of(rows, tmp_path, callbacks=[AtStep(break_gradient, 5)])
    error = found(trainer)
    assert str(error).startswith(
        "non-finite: the gradient's norm is nan at step 5 (epoch 0.3333); lower training."
    ) or (str(error).startswith("non-finite: the gradient's norm is inf at step 5 (epoch 0.3333); lower training."))
    assert error.finding.numbers["what"] == "gradient"
    assert trainer.state.global_step == 4
    assert finite(trainer.model) is None


@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_a_weight_alone_is_found_before_it_is_kept(rows, tmp_path, value):
    """A weight that no loss and no gradient depends on."""

    def break_weight(model):
        model.register_parameter("unused", torch.nn.Parameter(torch.tensor([0.0, value])))

    trainer, _, kept = trainer_of(rows, tmp_path, callbacks=[AtStep(break_weight, STEPS + 3)])
    error = found(trainer)
    assert str(error).startswith(f"non-finite: the weight unused is {value} at step {2 * STEPS} (epoch 1.9167); ")
    assert kept.steps == [STEPS]
    assert all(tensor.isfinite().all() for tensor in kept.weights.values())


def test_a_weight_is_looked_at_before_each_checkpoint(rows, tmp_path):
    """With a checkpoint at every fifth step: that of step 5 is written, that of step 10 is not."""

    def break_weight(model):
        model.register_parameter("unused", torch.nn.Parameter(torch.tensor([math.nan])))

    saving = {"save_strategy": "steps", "save_steps": 5}
    trainer, *_ = trainer_of(rows, tmp_path, callbacks=[AtStep(break_weight, 7)], training=saving)
    saved = []
    trainer._save_checkpoint = lambda model, trial: saved.append(trainer.state.global_step)
    assert found(trainer).finding.numbers["step"] == 10
    assert saved == [5]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_metric_alone_ends_the_run(rows, tmp_path, value):
    trainer, _, kept = trainer_of(rows, tmp_path)
    compute = trainer.compute_metrics

    def broken(prediction):
        return compute(prediction) | ({"accuracy": value} if trainer.state.global_step > STEPS else {})

    trainer.compute_metrics = broken
    error = found(trainer)
    assert str(error).startswith(f"non-finite: validation_accuracy is {value} at step 24 (epoch 2); lower ")
    assert error.finding.numbers["what"] == "validation_accuracy"
    assert kept.steps == [STEPS]


@pytest.mark.parametrize(
    ("training", "step", "fp16", "suggestion", "words"),
    [
        ({}, 3, False, ("training.learning_rate", 1e-4), "lower training.learning_rate (now 0.001), to 0.0001 for"),
        (
            {"max_grad_norm": 0},
            3,
            False,
            ("training.max_grad_norm", 1.0),
            "write training.max_grad_norm: 1.0, or lower",
        ),
        ({}, 3, True, ("training.bf16", True), "write training.bf16: true in place of training.fp16"),
        ({}, 1, False, None, "nothing had been learnt yet, so no learning rate can be the cause"),
    ],
)
def test_one_key_is_suggested(rows, tmp_path, training, step, fp16, suggestion, words):
    loss = BrokenLoss(math.nan, {step})
    error = found(trainer_of(rows, tmp_path, loss=loss, training=training, fp16=fp16)[0])
    told = error.finding.suggestion
    assert (told and (told.key, told.value)) == suggestion
    assert words in str(error)


def scaled(rows, folder, broken_calls):
    """fp16's GradScaler on a CPU; the gradients of some steps overflow."""
    loss = BrokenLoss(math.nan, ())
    training = {"max_grad_norm": 1.0, "num_train_epochs": 10}
    trainer, guard, kept = trainer_of(rows, folder, loss=loss, training=training, fp16=True)
    trainer.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=10**6)
    weight = trainer.model.classifier[-1].weight
    weight.register_hook(lambda grad: grad * (math.inf if loss.called in broken_calls else 1.0))
    return trainer, guard, kept


def test_steps_that_a_scaler_skips_are_no_fault(rows, tmp_path):
    calls = {call for call in range(1, 10 * STEPS) if call % MOST_SKIPPED_STEPS}
    trainer, _, kept = scaled(rows, tmp_path, calls)
    trainer.train()
    assert kept.steps[-1] == 10 * STEPS
    assert not all(math.isfinite(norm) for norm in trainer.grad_norms)


def test_many_skipped_steps_in_a_row_are(rows, tmp_path):
    trainer, *_ = scaled(rows, tmp_path, set(range(7, 1000)))
    error = found(trainer)
    assert error.finding.numbers["step"] == 6 + MOST_SKIPPED_STEPS
    assert "the gradient's norm is nan at step 56 (epoch 4.5833), as in the 49 steps before; numbers of fp16" in str(
        error
    ) or "the gradient's norm is inf at step 56 (epoch 4.5833), as in the 49 steps before; numbers of fp16" in str(
        error
    )


class Given(ClassificationLoss):
    """Always this value."""

    def __init__(self, value: torch.Tensor) -> None:
        super().__init__()
        self.value = value

    def __call__(self) -> torch.Tensor:
        return self.value


class OnDevice(torch.Tensor):
    """A tensor that says it is not on the CPU, and counts how often it is waited for."""

    @property
    def device(self):
        return SimpleNamespace(type="cuda")


def device_guard():
    guard = NonFiniteGuard(grad_norms=[], learning_rate=1e-3, max_grad_norm=1.0, fp16=False)

    def step(number: int, loss: float, norm: float = 1.0, *, save: bool = False, evaluate: bool = False) -> None:
        state = SimpleNamespace(global_step=number - 1, epoch=number / 10)
        guard.on_step_begin(None, state, None)
        guard.watch(Given(torch.tensor(loss).as_subclass(OnDevice)))()
        guard._grad_norms.append(torch.tensor(norm).as_subclass(OnDevice))
        guard.on_pre_optimizer_step(None, state, None)
        state.global_step = number
        guard.on_step_end(None, state, SimpleNamespace(should_save=save, should_evaluate=evaluate))

    return guard, step


@pytest.mark.parametrize("forced", ["save", "evaluate", "time", "epoch", "end"])
def test_on_an_accelerator_the_step_is_told_later_and_right(monkeypatch, forced):
    clock = [1000.0]
    monkeypatch.setattr(guards.time, "monotonic", lambda: clock[0])
    reads = []
    read_together = guards._read_together
    monkeypatch.setattr(guards, "_read_together", lambda waiting: reads.append(len(waiting)) or read_together(waiting))
    guard, step = device_guard()
    step(1, 0.5)
    step(2, math.inf)
    step(3, math.nan, math.nan)
    assert reads == [], "no step waits for the device"
    with pytest.raises(NonFinite, match=r"the training loss is inf at step 2 \(epoch 0.2\)"):
        if forced in ("save", "evaluate"):
            step(4, 0.5, **{forced: True})
        elif forced == "time":
            clock[0] += 0.6
            step(4, 0.5)
        elif forced == "epoch":
            guard.on_epoch_end(None, None, None)
        else:
            guard.on_train_end(None, None, None)
    assert len(reads) == 1


def test_the_first_tensor_that_is_not_finite_is_named():
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2))
    assert finite(model) is None
    with torch.no_grad():
        model[2].bias[1] = math.nan
        assert finite(model) == "2.bias"
        model[1].running_var[0] = math.inf
        model[2].bias[1] = 0
        assert finite(model) == "1.running_var"
        model[1].running_var[0] = 1
        model[0].weight.requires_grad = False
        model[0].weight[0, 0] = -math.inf
        assert finite(model) is None, "a frozen weight is not what training made"
    model = torch.nn.Linear(0, 2, dtype=torch.bfloat16)
    assert finite(model) is None
    model.bias.data[0] = math.inf
    assert finite(model) == "bias"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("fault", ["loss of one", "gradient of all"])
def test_processes_that_train_together_end_together(tmp_path, fault):
    """A loss is seen by one of two processes only: both raise, and neither waits for the other for ever."""
    children = []
    for rank in (0, 1):
        child = os.fork()
        if not child:
            code = 1
            try:
                code = judge_together(rank, tmp_path, fault)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]


def judge_together(rank: int, folder, fault: str) -> int:
    from accelerate import PartialState

    PartialState._reset_state()
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}  # met in a file instead
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    PartialState(cpu=True, backend="gloo")
    assert PartialState().num_processes == 2
    guard = NonFiniteGuard(grad_norms=[], learning_rate=1e-3, max_grad_norm=1.0, fp16=False)
    for number in range(1, 200):
        state, quiet = (
            SimpleNamespace(global_step=number - 1, epoch=0.0),
            SimpleNamespace(should_save=False, should_evaluate=False),
        )
        guard.on_step_begin(None, state, None)
        bad = fault == "loss of one" and rank == 1 and number == 20
        guard.watch(Given(torch.tensor(math.nan if bad else 0.5)))()
        guard._grad_norms.append(torch.tensor(math.nan if fault == "gradient of all" and number == 20 else 1.0))
        try:
            guard.on_pre_optimizer_step(None, state, None)
            state.global_step = number
            guard.on_step_end(None, state, quiet)
        except NonFinite as error:
            ended = 50 if fault == "loss of one" else 20
            told = 20 if rank == 1 or fault == "gradient of all" else 50
            return 0 if number == ended and error.finding.numbers["step"] == told else 3
    return 4
