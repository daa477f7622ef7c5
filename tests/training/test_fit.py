"""One run from model to folder, for several families of encoders."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    RobertaConfig,
    RobertaModel,
    set_seed,
)

from hftk.data import load
from hftk.data.tokens import tokenize
from hftk.interruption import Interruption
from hftk.models._pretrained import load_model, load_tokenizer
from hftk.recipe.schema import Recipe
from hftk.training.fit import fit
from hftk.training.processes import quiet_libraries, start_processes
from hftk.training.trainer import SweepTrainer

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "vocab_size": 100,
}
FAMILIES = {
    "bert": None,
    "roberta": lambda: RobertaModel(RobertaConfig(**SMALL, max_position_embeddings=66, pad_token_id=0)),
    "distilbert": lambda: DistilBertModel(
        DistilBertConfig(vocab_size=100, dim=32, hidden_dim=64, n_layers=1, n_heads=2)
    ),
    "electra": lambda: ElectraModel(ElectraConfig(**SMALL, embedding_size=16)),
}


class Silent:
    def alive(self) -> None: ...

    def step(self, *told) -> None: ...

    def evaluated(self, *told) -> None: ...


@pytest.fixture(scope="module")
def data(tiny_csv):
    quiet_libraries()
    start_processes(use_cpu=True)
    return load(Recipe(name="x", data={"path": str(tiny_csv)}, model={}).data)


def encoder(family: str, tiny_bert: Path, folder: Path) -> Path:
    if FAMILIES[family] is None:
        return tiny_bert
    set_seed(0)
    FAMILIES[family]().save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    tokenizer.save_pretrained(folder)
    return folder


def fitted(folder, data, source, *, rows=None, **changes):
    content = {
        "name": "x",
        "data": {"path": "unused"},
        "model": {"pretrained": str(source)},
        "training": {"num_train_epochs": 2, "learning_rate": 3e-3, "per_device_train_batch_size": 16},
        "metrics": ["accuracy"],
    }
    recipe = Recipe.model_validate(content | changes)
    tokenizer = load_tokenizer(str(source), task=recipe.task, revision=None)
    settings = recipe.model.model_extra
    return fit(
        recipe,
        load_model=lambda: load_model(
            str(source), task=recipe.task, revision=None, config_overrides=settings, labels=data.labels
        ),
        splits=tokenize(data, tokenizer, 64, cache_dir=folder / "cache"),
        processor=tokenizer,
        labels=data.labels,
        class_weights=None,
        folder=folder / "run",
        run_name="r",
        observer=Silent(),
        on_row=(lambda seen: rows.extend(seen[len(rows) :])) if rows is not None else (lambda seen: None),
        fingerprint="one",
        tell=print,
        found=print,
        interruption=Interruption(),
    )


def reloaded_probabilities(folder: Path, texts: list[str]) -> np.ndarray:
    model = AutoModelForSequenceClassification.from_pretrained(folder / "run" / "model").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder / "run" / "model")
    with torch.no_grad():
        return model(**tokenizer(texts, padding=True, return_tensors="pt")).logits.softmax(-1).numpy()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_folder_gives_the_predictions_that_were_scored(family, data, tiny_bert, tmp_path):
    run = fitted(tmp_path, data, encoder(family, tiny_bert, tmp_path / "encoder"))
    for split in ("validation", "test"):
        predictions, rows = run.predictions[split], data.splits[split]
        found = reloaded_probabilities(tmp_path, list(rows["text"]))
        np.testing.assert_allclose(predictions.probabilities, found, atol=1e-5)
        assert predictions.label_ids.tolist() == list(rows["label"])
        assert run.metrics[f"{split}_accuracy"] == accuracy_score(rows["label"], found.argmax(-1))
        assert run.metrics[f"{split}_loss"] == pytest.approx(log_loss(rows["label"], found, labels=[0, 1]), abs=1e-4)
    config = json.loads((tmp_path / "run" / "model" / "config.json").read_text())
    assert config["id2label"] == {"0": "neg", "1": "pos"}
    assert not list(tmp_path.rglob("training_args.bin")), "it would hold a pickle"


def test_nothing_of_a_killed_save_stays_in_the_model_s_folder_and_others_may_read_it(data, tiny_bert, tmp_path):
    (tmp_path / "run" / "model").mkdir(parents=True)
    (tmp_path / "run" / "model" / ".tmpHalf").write_text("half of it")
    fitted(tmp_path, data, tiny_bert)
    model = tmp_path / "run" / "model"
    assert sorted(path.name for path in model.iterdir()) == [
        "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip
    assert len({path.stat().st_mode for path in model.iterdir()}) == 1


def test_an_adapter_is_merged_for_plain_transformers_and_kept_beside(data, tiny_bert, tmp_path):
    run = fitted(tmp_path, data, tiny_bert, peft={"peft_type": "LORA", "r": 4, "lora_alpha": 16})
    found = reloaded_probabilities(tmp_path, list(data.splits["test"]["text"]))
    np.testing.assert_allclose(run.predictions["test"].probabilities, found, atol=1e-5)
    assert run.trainable_parameters < run.parameters / 4
    assert (tmp_path / "run" / "model" / "adapter" / "adapter_model.safetensors").is_file()


def test_the_same_seed_gives_the_same_run_and_another_one_does_not(data, tiny_bert, tmp_path):
    def probabilities(name, seed):
        return fitted(tmp_path / name, data, tiny_bert, seeds=[seed]).predictions["test"].probabilities

    first = probabilities("a", 1)
    np.testing.assert_array_equal(first, probabilities("b", 1))
    assert np.abs(first - probabilities("c", 2)).max() > 1e-4


def test_keep_best_goes_back_and_keep_last_does_not(data, tiny_bert, tmp_path):
    """A learning rate under which the validation loss rises after its best epoch."""
    training = {"num_train_epochs": 6, "learning_rate": 2e-2, "per_device_train_batch_size": 8}
    stopping = {"metric": "loss", "patience": 6}
    rows: list[dict] = []
    best = fitted(tmp_path / "best", data, tiny_bert, rows=rows, training=training, early_stopping=stopping)
    last = fitted(tmp_path / "last", data, tiny_bert, training=training, early_stopping=stopping, keep="last")
    losses = [row["validation_loss"] for row in rows]
    assert losses.index(min(losses)) < len(losses) - 1, "the last epoch must not be the best for this to test it"
    assert best.best_epoch == losses.index(min(losses)) + 1
    assert best.metrics["validation_loss"] == pytest.approx(min(losses), abs=1e-5)
    assert last.best_epoch is None
    assert last.metrics["validation_loss"] == pytest.approx(losses[-1], abs=1e-5)


def test_losses_in_the_table_are_unsmoothed(data, tiny_bert, tmp_path):
    """With a learning rate of nearly zero, training and validation see the same untrained model."""

    def first_row(name, smoothing):
        rows: list[dict] = []
        training = {"num_train_epochs": 1, "learning_rate": 1e-12, "label_smoothing_factor": smoothing}
        fitted(tmp_path / name, data, tiny_bert, rows=rows, training=training)
        return rows[0]

    plain, smoothed = first_row("plain", 0.0), first_row("smoothed", 0.4)
    for name in ("train_loss", "validation_loss"):
        assert smoothed[name] == pytest.approx(plain[name], abs=1e-6)
    assert smoothed["grad_norm"] != pytest.approx(plain["grad_norm"], abs=1e-3), "what is minimised is smoothed"


def test_a_run_cut_by_max_steps_still_has_its_last_row(data, tiny_bert, tmp_path):
    rows: list[dict] = []
    training = {"max_steps": 5, "eval_steps": 3, "per_device_train_batch_size": 16}
    fitted(tmp_path, data, tiny_bert, rows=rows, training=training)
    assert [row["step"] for row in rows] == [3, 5]


def test_attention_outputs_are_not_taken_for_predictions(data, tiny_bert, tmp_path):
    run = fitted(tmp_path, data, tiny_bert, model={"pretrained": str(tiny_bert), "output_hidden_states": True})
    assert run.predictions["test"].probabilities.shape == (15, 2)


def test_trackers_see_test_figures_as_test_figures(data, tiny_bert, tmp_path, monkeypatch):
    """Trainer's trackers are told through on_predict: under the name eval they would rank by the test split."""
    told = []
    original = SweepTrainer.predict

    def predict(trainer, *args, **kwargs):
        output = original(trainer, *args, **kwargs)
        told.append(sorted({name.partition("_")[0] for name in output.metrics}))
        return output

    monkeypatch.setattr(SweepTrainer, "predict", predict)
    fitted(tmp_path, data, tiny_bert, training={"max_steps": 2})
    assert told == [["eval"], ["test"]]
