"""Too little memory: the same batches in smaller parts, and the same weights at the end."""

import gc
import math
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from transformers import TrainerCallback, set_seed
from transformers.modeling_outputs import SequenceClassifierOutput

from hftk.data.batching import ProcessBatches
from hftk.data.encoded import TokenRows
from hftk.errors import RunError
from hftk.training.arguments import training_arguments
from hftk.training.checkpoint import Checkpoints
from hftk.training.findings import Finding
from hftk.training.loss import ClassificationLoss
from hftk.training.memory import OutOfMemory, halved, ran_out_of_memory, smaller_batches
from hftk.training.processes import quiet_libraries, start_processes
from hftk.training.trainer import SweepTrainer

ROWS = 101  # ragged for every batch size here
CUDA = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.1 GiB of which 1.2 GiB is free."
)


@pytest.fixture(scope="module", autouse=True)
def alone():
    quiet_libraries()
    start_processes(use_cpu=True)
    gc.freeze()  # looking through all that is imported takes longer than these tests
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def rows() -> TokenRows:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 12, size=ROWS).astype(np.int32)
    ends = np.cumsum(lengths)
    return TokenRows(
        values={"input_ids": rng.integers(2, 30, size=ends[-1])},
        padding={"input_ids": 0},
        starts=ends - lengths,
        lengths=lengths,
        labels=rng.integers(0, 3, size=ROWS),
        per_token=False,
        attention_mask=True,
        padding_side="right",
        truncated=0,
    )


class Hungry(nn.Module):
    """A small classifier for which `room` rows at once are too many in training, `eval_room` in evaluation."""

    main_input_name = "input_ids"

    def __init__(self, room: float, eval_room: float = math.inf, *, spared: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.words, self.head = nn.EmbeddingBag(30, 8, mode="sum"), nn.Linear(8, 3)
        self.room, self.eval_room, self.spared = room, eval_room, spared
        self.batches: list[tuple[bool, int]] = []

    def forward(self, input_ids, attention_mask, labels=None):
        self.batches.append((self.training, len(input_ids)))
        if len(input_ids) > (self.room if self.training else self.eval_room) and len(self.batches) > self.spared:
            raise torch.OutOfMemoryError(CUDA)
        summed = self.words(input_ids, per_sample_weights=attention_mask.float())
        return SequenceClassifierOutput(logits=self.head(self.dropout(summed)))


class Thrifty(SweepTrainer):
    findings: list[Finding]

    def evaluate(self, *args, **kwargs):
        read = self.accelerator.gradient_state.dataloader_references
        figures = super().evaluate(*args, **kwargs)
        assert self.accelerator.gradient_state.dataloader_references == read, "training's loader is read again"
        return figures


def trainer_of(rows, model, folder, training, *, callbacks=(), checkpoints=None) -> Thrifty:
    values = {"num_train_epochs": 2, "learning_rate": 1e-2, "use_cpu": True}
    args = training_arguments(values | dict(training), output_dir=str(folder), seed=1, run_name="")
    findings: list[Finding] = []
    trainer = Thrifty(
        model=model,
        args=args,
        train=rows,
        validation=rows,
        loss=ClassificationLoss(label_smoothing=0.1),
        metrics=["accuracy"],
        labels=["a", "b", "c"],
        callbacks=list(callbacks),
        grad_norms=[],
        checkpoints=checkpoints,
        found=findings.append,
    )
    trainer.findings = findings
    return trainer


def trained(rows, folder, training, **room) -> Thrifty:
    set_seed(0)
    trainer = trainer_of(rows, Hungry(**room), folder, training)
    trainer.train()
    return trainer


@pytest.mark.parametrize(
    ("size", "steps", "smaller", "more"),
    [
        (32, 1, 16, 2),
        (32, 4, 16, 8),
        (12, 1, 6, 2),
        (15, 1, 5, 3),
        (15, 2, 6, 5),
        (7, 1, 1, 7),
        (7, 3, 3, 7),
        (2, 1, 1, 2),
    ],
)
def test_the_next_smaller_part_divides_the_effective_batch(size, steps, smaller, more):
    training = {"per_device_train_batch_size": size, "gradient_accumulation_steps": steps, "learning_rate": 1e-3}
    assert halved(training) == {
        "per_device_train_batch_size": smaller,
        "gradient_accumulation_steps": more,
        "learning_rate": 1e-3,
    }


def test_trainers_own_batch_size_is_halved_and_one_row_cannot_be():
    assert halved({}) == {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}
    assert halved({"per_device_train_batch_size": 1, "gradient_accumulation_steps": 8}) is None


@pytest.mark.parametrize("strategy", ["group_by_length", "random", "sequential"])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(("size", "steps"), [(16, 1), (15, 2), (7, 1), (6, 3)])
def test_the_global_batches_stay_the_same(rows, strategy, drop_last, size, steps):
    training = {"per_device_train_batch_size": size, "gradient_accumulation_steps": steps}
    expected = None
    while training:
        batches = ProcessBatches(
            lengths=rows.lengths,
            per_device_batch_size=training["per_device_train_batch_size"],
            gradient_accumulation_steps=training["gradient_accumulation_steps"],
            world_size=1,
            rank=0,
            strategy=strategy,
            drop_last=drop_last,
            seed=3,
        )
        batches.set_epoch(2)
        parts = list(batches)
        assert len(parts) == len(batches)
        steps_of = training["gradient_accumulation_steps"]
        found = [sum(parts[start : start + steps_of], []) for start in range(0, len(parts), steps_of)]
        expected = expected or found
        assert found == expected
        training = halved(training)


@pytest.mark.parametrize(("size", "room"), [(32, 16), (32, 4), (15, 5), (7, 2)])
def test_training_in_smaller_parts_ends_with_the_same_weights(rows, tmp_path, size, room):
    told: list[Finding] = []
    whole = trained(rows, tmp_path, {"per_device_train_batch_size": size}, room=math.inf)
    found = smaller_batches(
        {"per_device_train_batch_size": size},
        lambda training: trained(rows, tmp_path, training, room=room),
        world_size=1,
        tell=told.append,
    )
    assert found.state.global_step == whole.state.global_step
    for name, tensor in whole.model.state_dict().items():
        torch.testing.assert_close(found.model.state_dict()[name], tensor, atol=1e-5, rtol=1e-4)
    assert max(rows for training, rows in found.model.batches if training) <= room
    last = told[-1].numbers
    assert last["per_device_train_batch_size"] * last["gradient_accumulation_steps"] == last["effective_batch"] == size
    assert told[-1].kind == "out-of-memory"


def test_it_is_told(rows, tmp_path):
    told: list[Finding] = []
    training = {"per_device_train_batch_size": 32}
    smaller_batches(training, lambda one: trained(rows, tmp_path, one, room=16), world_size=1, tell=told.append)
    (finding,) = told
    assert finding.message.startswith(
        "out of memory with batches of 32 rows (CUDA out of memory. Tried to allocate 2.00"
    )
    assert finding.message.endswith(
        "training again with per_device_train_batch_size: 16 and gradient_accumulation_steps: 2; the effective batch "
        "stays 32"
    )


def test_a_lack_of_memory_behind_a_checkpoint_goes_on_from_there(rows, tmp_path):
    """As a run does whose longest texts come late: the second attempt resumes, and ends as the whole run does."""
    training = {"per_device_train_batch_size": 16, "save_strategy": "steps", "save_steps": 2}
    whole = trained(rows, tmp_path / "whole", training, room=math.inf)
    started_at = []

    class Start(TrainerCallback):
        def on_train_begin(self, args, state, control, **kwargs):
            started_at.append(state.global_step)

    def attempt(training):
        set_seed(0)
        checkpoints = Checkpoints(tmp_path / "cut", limit=None)
        model = Hungry(8, spared=5)
        made = trainer_of(rows, model, tmp_path, training, callbacks=[Start()], checkpoints=checkpoints)
        newest = checkpoints.newest(needed=made.state_parts, tell=lambda text: None)
        if newest is not None:
            made.go_on_from(newest)
        made.train()
        return made

    found = smaller_batches(training, attempt, world_size=1, tell=lambda finding: None)
    assert started_at == [0, 4], "the sixth batch was too large"
    assert found.state.global_step == whole.state.global_step == 14
    for name, tensor in whole.model.state_dict().items():
        torch.testing.assert_close(found.model.state_dict()[name], tensor, atol=1e-5, rtol=1e-4)


def test_one_row_that_does_not_fit_ends_the_run(rows, tmp_path):
    attempts = []

    def attempt(training):
        attempts.append(training["per_device_train_batch_size"])
        return trained(rows, tmp_path, training, room=0)

    with pytest.raises(OutOfMemory) as raised:
        smaller_batches({"per_device_train_batch_size": 6}, attempt, world_size=1, tell=lambda finding: None)
    assert attempts == [6, 3, 1]
    assert isinstance(raised.value, RunError)
    assert str(raised.value).startswith("out of memory with batches of one row (CUDA out of memory")
    for key in ("training.gradient_checkpointing: true", "data.max_length", "training.optim", "a smaller model"):
        assert key in str(raised.value)
    assert raised.value.finding.suggestion.key == "training.gradient_checkpointing"
    assert raised.value.__context__ is None, "a context would hold the model"


def test_what_checkpoints_gradients_already_is_told_of_another_key():
    def attempt(training):
        raise torch.OutOfMemoryError(CUDA)

    training = {"per_device_train_batch_size": 1, "gradient_checkpointing": True}
    with pytest.raises(OutOfMemory) as raised:
        smaller_batches(training, attempt, world_size=1, tell=lambda finding: None)
    assert raised.value.finding.suggestion.key == "training.optim"


def test_several_processes_are_told_the_keys():
    def attempt(training):
        raise torch.OutOfMemoryError(CUDA)

    training = {"per_device_train_batch_size": 12, "gradient_accumulation_steps": 2}
    with pytest.raises(
        OutOfMemory,
        match=r"out of memory with batches of 12 rows \(.*\); 4 processes train together, .* write "
        r"training.per_device_train_batch_size: 6 and training.gradient_accumulation_steps: 4, which gives the same",
    ):
        smaller_batches(training, attempt, world_size=4, tell=lambda finding: None)


def test_other_errors_pass():
    def attempt(training):
        raise RuntimeError("the size of tensor a must match")

    with pytest.raises(RuntimeError, match="tensor a"):
        smaller_batches({}, attempt, world_size=1, tell=lambda finding: None)


def test_an_attempt_begins_with_the_memory_of_the_one_before(rows, tmp_path):
    """Also where something else holds the error, as a debugger or a log record does."""
    models, errors, alive = [], [], []

    def attempt(training):
        gc.disable()
        alive.append(sum(model() is not None for model in models))
        set_seed(0)
        trainer = trainer_of(rows, Hungry(4), tmp_path, training)
        models.append(weakref.ref(trainer.model))
        try:
            trainer.train()
        except torch.OutOfMemoryError as error:
            errors.append(error)
            raise

    try:
        training = {"per_device_train_batch_size": 16}
        smaller_batches(training, attempt, world_size=1, tell=lambda finding: None)
    finally:
        gc.enable()
    assert alive == [0, 0, 0]
    assert len(errors) == 2


def too_much() -> torch.Tensor:
    return torch.empty(2**50, dtype=torch.uint8)


def test_a_real_lack_of_memory_is_seen():
    with pytest.raises(RuntimeError) as raised:
        too_much()
    assert ran_out_of_memory(raised.value)
    with pytest.raises(MemoryError) as raised:
        np.ones(2**50, dtype=np.uint8)
    assert ran_out_of_memory(raised.value)


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (torch.OutOfMemoryError(CUDA), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 18.00 GB, other allocations: 1.2 GB)"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:117] data. DefaultCPUAllocator: not enough memory: you"), True),
        (RuntimeError("Caught RuntimeError in DataLoader worker.\nDefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
        (RunError("out of memory"), False),
        (KeyboardInterrupt(), False),
    ],
)  # fmt: skip
def test_what_counts_as_a_lack_of_memory(error, is_one):
    assert ran_out_of_memory(error) is is_one


@pytest.mark.parametrize("persistent", [False, True])
def test_in_evaluation_only_the_evaluation_batch_is_halved(rows, tmp_path, persistent):
    training = {"per_device_train_batch_size": 16, "per_device_eval_batch_size": 32}
    if persistent:
        training |= {"dataloader_num_workers": 1, "dataloader_persistent_workers": True}
    whole = trained(rows, tmp_path, training, room=math.inf, dropout=0.5)
    found = trained(rows, tmp_path, training, room=16, eval_room=9, dropout=0.5)
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(found.model.state_dict()[name], tensor), f"training goes on as if nothing was: {name}"
    figures = [
        [(log["eval_loss"], log["eval_accuracy"]) for log in made.state.log_history if "eval_loss" in log]
        for made in (whole, found)
    ]
    assert len(figures[0]) == len(figures[1]) == 2
    for one, other in zip(*figures, strict=True):
        assert one == pytest.approx(other, abs=1e-6)
    assert [finding.numbers["per_device_eval_batch_size"] for finding in found.findings] == [16, 8]
    assert found.findings[0].message.startswith(
        "out of memory in evaluation with per_device_eval_batch_size 32 (CUDA out"
    )
    assert found.findings[0].message.endswith("going on with 16, which changes no figure")
    assert found.args.per_device_train_batch_size == 16


def test_predictions_are_the_same(rows, tmp_path):
    whole = trained(rows, tmp_path, {"max_steps": 3}, room=math.inf).predict(rows)
    made = trained(rows, tmp_path, {"max_steps": 3, "per_device_eval_batch_size": 32}, room=math.inf)
    made.model.eval_room = 5
    np.testing.assert_allclose(made.predict(rows).predictions, whole.predictions, atol=1e-6)
    assert made.args.per_device_eval_batch_size == 4


def test_one_row_that_cannot_be_evaluated_ends_the_run_and_not_by_smaller_training_batches(rows, tmp_path):
    attempts = []

    def attempt(training):
        attempts.append(training)
        return trained(rows, tmp_path, training, room=math.inf, eval_room=0)

    with pytest.raises(OutOfMemory, match=r"out of memory in evaluation with batches of one row \(.*data.max_length"):
        smaller_batches({"per_device_train_batch_size": 16}, attempt, world_size=1, tell=lambda finding: None)
    assert len(attempts) == 1
