"""What SweepTrainer does otherwise than Trainer leaves the weights, the log and the figures as they are, to the bit."""

import numpy as np
import pytest
import torch
from accelerate.optimizer import AcceleratedOptimizer
from transformers import Trainer, TrainerCallback, set_seed
from transformers.trainer_callback import PrinterCallback

from hftk.data.encoded import ImageRows, TokenRows, whole_batch
from hftk.models.rnn import RnnConfig, RnnForTokenClassification
from hftk.models.transformer import TransformerConfig, TransformerForImageClassification
from hftk.training.arguments import sampling_strategy, training_arguments
from hftk.training.loss import ClassificationLoss
from hftk.training.processes import quiet_libraries, start_processes
from hftk.training.trainer import SweepTrainer

RNG = np.random.default_rng(0)
LABELS = ["a", "b", "c"]
SETTINGS = {
    "plain": {},
    "accumulation": {"gradient_accumulation_steps": 3},
    "clipped": {"max_grad_norm": 0.1},
    "not clipped": {"max_grad_norm": 0},
    "bf16": {"bf16": True},
    "schedule": {"lr_scheduler_type": "cosine", "warmup_steps": 3},
    "plateau": {"lr_scheduler_type": "reduce_lr_on_plateau"},
    "smoothed": {"label_smoothing_factor": 0.2},
    "another optimizer": {"optim": "sgd", "learning_rate": 0.1},
    "evaluation inside": {"eval_steps": 2},
    "cut short": {"max_steps": 5},
    "empty cache": {"torch_empty_cache_steps": 2},
}


class StockTrainer(Trainer):
    """Trainer over the batches of SweepTrainer."""

    get_train_dataloader = SweepTrainer.get_train_dataloader
    _process_batches = SweepTrainer._process_batches


class Log(TrainerCallback):
    """Keeps what is logged, and the gradient norms that were told with it."""

    def __init__(self) -> None:
        self.logs: list[dict] = []

    def on_log(self, args, state, control, logs, **kwargs) -> None:
        self.logs.append({name: logs[name] for name in ("loss", "grad_norm", "learning_rate") if name in logs})


@pytest.fixture(scope="module", autouse=True)
def alone():
    quiet_libraries()
    start_processes(use_cpu=True)


def image_rows() -> ImageRows:
    pixels = RNG.integers(0, 256, size=(45, 1, 4, 4), dtype=np.uint8)
    return ImageRows(pixels=pixels, labels=RNG.integers(0, 3, size=45), mean=[0.5], std=[0.3])


def token_rows() -> TokenRows:
    lengths = RNG.integers(1, 9, size=45).astype(np.int32)
    ends = np.cumsum(lengths)
    return TokenRows(
        values={"input_ids": RNG.integers(2, 30, size=ends[-1])},
        padding={"input_ids": 0},
        starts=ends - lengths,
        lengths=lengths,
        labels=RNG.integers(0, 3, size=ends[-1]),
        per_token=True,
        attention_mask=True,
        padding_side="right",
        truncated=0,
    )


def image_model() -> torch.nn.Module:
    """With dropout, so that a wrong mode or another draw shows."""
    config = TransformerConfig(
        image_size=[4, 4], hidden_size=8, num_attention_heads=2, num_hidden_layers=2, num_labels=3
    )
    return TransformerForImageClassification(config)


def token_model() -> torch.nn.Module:
    config = RnnConfig(
        vocab_size=30, embedding_size=8, hidden_size=8, num_layers=2, bidirectional=True, dropout=0.3, num_labels=3
    )
    return RnnForTokenClassification(config)


KINDS = {"images": (image_rows(), image_model), "tokens": (token_rows(), token_model)}


def trainer(rows, model, training, folder, *, stock=False):
    values = {"num_train_epochs": 2, "per_device_train_batch_size": 4, "learning_rate": 1e-2, "use_cpu": True}
    values |= {"logging_strategy": "steps", "logging_steps": 1}
    args = training_arguments(values | training, output_dir=str(folder), seed=1, run_name="")
    loss = ClassificationLoss(label_smoothing=args.label_smoothing_factor)
    log = Log()
    if not stock:
        made = SweepTrainer(
            model=model,
            args=args,
            train=rows,
            validation=rows,
            loss=loss,
            metrics=["accuracy"],
            labels=LABELS,
            callbacks=[log],
            grad_norms=[],
            sampling_strategy=sampling_strategy(training),
        )
    else:
        made = StockTrainer(
            model=model,
            args=args,
            train_dataset=rows,
            eval_dataset=rows,
            data_collator=whole_batch,
            compute_loss_func=loss,
            callbacks=[log],
        )
        made.remove_callback(PrinterCallback)
        made.sampling_strategy = sampling_strategy(training)
    made.log_kept = log
    return made


def trained(rows, make_model, training, folder, **keys):
    set_seed(0)
    made = trainer(rows, make_model(), training, folder, **keys)
    made.train()
    return made


def assert_equal_runs(found, expected):
    weights = expected.model.state_dict()
    for name, tensor in found.model.state_dict().items():
        assert torch.equal(tensor, weights[name]), name
    steps = [[entry for entry in one.log_kept.logs if "loss" in entry] for one in (found, expected)]
    assert steps[0] == steps[1] and len(steps[0]) == found.state.global_step
    assert found.state.total_flos == expected.state.total_flos > 0


@pytest.mark.parametrize("setting", SETTINGS)
def test_weights_and_log_equal_those_of_trainer(setting, tmp_path):
    found = trained(*KINDS["images"], SETTINGS[setting], tmp_path)
    assert_equal_runs(found, trained(*KINDS["images"], SETTINGS[setting], tmp_path, stock=True))


@pytest.mark.parametrize("setting", ["plain", "accumulation", "evaluation inside"])
def test_weights_and_log_equal_those_of_trainer_for_tokens(setting, tmp_path):
    found = trained(*KINDS["tokens"], SETTINGS[setting], tmp_path)
    assert_equal_runs(found, trained(*KINDS["tokens"], SETTINGS[setting], tmp_path, stock=True))


def test_the_gradient_norm_of_every_step_is_kept(tmp_path):
    for setting in ("clipped", "not clipped"):
        found = trained(*KINDS["images"], SETTINGS[setting], tmp_path)
        logged = [entry["grad_norm"] for entry in found.log_kept.logs if "loss" in entry]
        assert [float(norm) for norm in found.grad_norms] == logged
        assert len(logged) == 24


def test_a_model_that_is_partly_in_evaluation_mode_trains_in_training_mode(tmp_path):
    """As an adapter around a pretrained model is: the outer module says it is in training mode."""

    def make_model():
        model = image_model()
        model.encoder.eval()
        assert model.training
        return model

    found = trained(KINDS["images"][0], make_model, {}, tmp_path)
    assert_equal_runs(found, trained(KINDS["images"][0], image_model, {}, tmp_path, stock=True))


def test_training_again_after_an_evaluation_is_in_training_mode(tmp_path):
    rows, make_model = KINDS["images"]

    def twice(stock):
        made = trained(rows, make_model, {"max_steps": 3}, tmp_path, stock=stock)
        made.evaluate()
        made.model.encoder.eval()
        made.train()
        return made

    found, expected = twice(False), twice(True)
    for name, tensor in expected.model.state_dict().items():
        assert torch.equal(found.model.state_dict()[name], tensor), name


def test_the_optimizer_keeps_its_wrapper_where_that_is_needed(tmp_path):
    """A scaler (fp16) may skip a step, which accelerate's wrapper tells the schedule."""
    rows, make_model = KINDS["images"]
    assert isinstance(trained(rows, make_model, {"max_steps": 1}, tmp_path).optimizer, torch.optim.AdamW)
    scaled = trainer(rows, make_model(), {"max_steps": 1}, tmp_path)
    scaled.accelerator.scaler = torch.amp.GradScaler("cpu")
    scaled.train()
    assert isinstance(scaled.optimizer, AcceleratedOptimizer)


def test_without_a_place_for_checkpoints_none_are_saved(tmp_path):
    saving = {"save_strategy": "steps", "save_steps": 1, "max_steps": 2}
    trained(*KINDS["images"], saving, tmp_path)
    assert list(tmp_path.iterdir()) == []
