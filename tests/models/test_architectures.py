"""Every architecture in hftk/models × every task that it has a class for. Adding a file there adds its tests.

What is an architecture's own stands in tests/models/test_<architecture>.py: SMALL (settings that make it tiny),
VARIANTS (settings to be tested besides) and FIELD_CASES (for each config field: settings before, settings after).
"""

import importlib
import importlib.util
import inspect
import json
import os
import subprocess
import sys
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors.torch import load_file, save_file
from transformers import PreTrainedConfig, PreTrainedModel

import hftk.models

MODELS = Path(hftk.models.__file__).parent
ARCHITECTURES = sorted(path.stem for path in MODELS.glob("*.py") if not path.stem.startswith("_"))
TASKS = {
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForImageClassification": "image-classification",
}
IMAGES = "image-classification"
TAGGING = "token-classification"
VOCABULARY = 20
LABELS = 3
IMAGE_SIZE = [5, 6]
LENGTHS = [7, 3, 1, 5, 7, 2, 4, 6]
ROUNDING = 2e-6


@dataclass(frozen=True)
class Case:
    architecture: str
    suffix: str
    variant: str
    settings: dict[str, Any]
    config_class: type[PreTrainedConfig]
    model_class: type[PreTrainedModel]

    @property
    def task(self) -> str:
        return TASKS[self.suffix]

    def __str__(self) -> str:
        return f"{self.architecture}-{self.task}-{self.variant}"


@cache
def own_test_file(architecture: str) -> ModuleType:
    path = Path(__file__).with_name(f"test_{architecture}.py")
    spec = importlib.util.spec_from_file_location(f"own_tests_of_{architecture}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def find_cases() -> list[Case]:
    cases = []
    for architecture in ARCHITECTURES:
        module = importlib.import_module(f"hftk.models.{architecture}")
        own = own_test_file(architecture)
        classes = {name: cls for name, cls in vars(module).items() if getattr(cls, "__module__", "") == module.__name__}
        [config_class] = [cls for name, cls in classes.items() if name.endswith("Config")]
        for name, model_class in classes.items():
            for suffix in TASKS:
                if name.endswith(suffix):
                    cases += [
                        Case(architecture, suffix, variant, own.SMALL | settings, config_class, model_class)
                        for variant, settings in own.VARIANTS.items()
                    ]
    return cases


CASES = find_cases()
# of each architecture × task its first variant
PAIRS = list({(case.architecture, case.task): case for case in reversed(CASES)}.values())
TEXT_CASES = [case for case in CASES if case.task != IMAGES]
TEXT_PAIRS = [case for case in PAIRS if case.task != IMAGES]
each_case = pytest.mark.parametrize("case", CASES, ids=str)
each_pair = pytest.mark.parametrize("case", PAIRS, ids=str)
each_text_case = pytest.mark.parametrize("case", TEXT_CASES, ids=str)
each_text_pair = pytest.mark.parametrize("case", TEXT_PAIRS, ids=str)


def make_config(case: Case, **settings: Any) -> PreTrainedConfig:
    data = {"vocab_size": VOCABULARY, "num_labels": LABELS} | (
        {"image_size": IMAGE_SIZE} if case.task == IMAGES else {}
    )
    return case.config_class(**data | case.settings | settings)


def make_model(case: Case, **settings: Any) -> PreTrainedModel:
    torch.manual_seed(0)
    return case.model_class(make_config(case, **settings)).eval()


def make_lively(case: Case) -> PreTrainedModel:
    """With weights so large that all that is read shows in the logits; attention begins nearly the same everywhere."""
    model = make_model(case)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight *= 4
    return model


def make_batch(case: Case, config: PreTrainedConfig | None = None) -> dict[str, torch.Tensor]:
    """8 rows: input_ids and attention_mask (8, 7), or pixel_values (8, channels, height, width); labels."""
    rng = torch.Generator().manual_seed(1)
    rows = len(LENGTHS)
    labels = torch.arange(rows) % LABELS
    if case.task == IMAGES:
        height, width = config.image_size if config else IMAGE_SIZE
        channels = config.num_channels if config else 1
        return {"pixel_values": torch.randn(rows, channels, height, width, generator=rng), "labels": labels}
    mask = (torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]).long()
    ids = torch.randint(2, VOCABULARY, mask.shape, generator=rng) * mask
    if case.task == TAGGING:
        labels = torch.where(mask == 1, ids % LABELS, -100)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def logits_of(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    with torch.no_grad():
        return model(**{name: value for name, value in batch.items() if name != "labels"}).logits


def that_count(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Of a tagger the logits at tokens, of a classifier all."""
    return logits[:, : mask.shape[1]][mask == 1] if logits.ndim == 3 else logits


def train(model: PreTrainedModel, batch: dict[str, torch.Tensor], *, steps: int) -> list[float]:
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.02, weight_decay=0.1)
    losses = []
    for _ in range(steps):
        loss = model(**batch).loss
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    return losses


def test_the_walk_finds_the_architectures() -> None:
    assert {"rnn", "attention", "cnn_lstm", "transformer"} <= set(ARCHITECTURES)
    assert len(PAIRS) >= 8
    assert {case.task for case in PAIRS} == set(TASKS.values())
    assert all(any(case.architecture == architecture for case in PAIRS) for architecture in ARCHITECTURES)


@each_pair
def test_names(case: Case) -> None:
    assert case.config_class.model_type == f"hftk_{case.architecture}"
    assert case.model_class.__name__ == case.config_class.__name__.removesuffix("Config") + case.suffix
    assert "classifier" in dict(make_model(case).named_children())


@each_case
def test_shapes(case: Case) -> None:
    batch = make_batch(case)
    output = make_model(case)(**batch)
    assert output.logits.shape == (*batch["labels"].shape, LABELS)
    expected = torch.nn.functional.cross_entropy(output.logits.flatten(0, -2), batch["labels"].flatten())
    assert output.loss.shape == () and torch.equal(output.loss, expected)


@each_case
def test_the_loss_falls_on_eight_rows(case: Case) -> None:
    model = make_model(case)
    losses = train(model, make_batch(case), steps=40)
    assert np.mean(losses[-5:]) < 0.5 * losses[0]


@each_text_case
def test_padding_never_changes_logits(case: Case) -> None:
    model, batch = make_lively(case), make_batch(case)
    ids, mask = batch["input_ids"], batch["attention_mask"]
    expected = that_count(logits_of(model, batch), mask)

    def pad(values: torch.Tensor, by: int) -> torch.Tensor:
        return torch.nn.functional.pad(values, (0, by))

    # 30 goes beyond every max_position_embeddings here
    for by in (1, 5, 30):
        longer = {"input_ids": pad(ids, by), "attention_mask": pad(mask, by)}
        torch.testing.assert_close(that_count(logits_of(model, longer), mask), expected, rtol=0, atol=5 * ROUNDING)
        longer["input_ids"] = torch.where(longer["attention_mask"] == 1, longer["input_ids"], 7)
        torch.testing.assert_close(that_count(logits_of(model, longer), mask), expected, rtol=0, atol=5 * ROUNDING)
    without_mask = that_count(logits_of(model, {"input_ids": pad(ids, 3)}), mask)
    torch.testing.assert_close(without_mask, expected, rtol=0, atol=5 * ROUNDING)
    for row, length in enumerate(LENGTHS):
        alone = logits_of(model, {"input_ids": ids[row : row + 1, :length], "attention_mask": mask[:1, :length]})[0]
        together = logits_of(model, batch)[row]
        together = together[:length] if together.ndim == 2 else together
        torch.testing.assert_close(alone, together, rtol=0, atol=5 * ROUNDING)


@each_case
def test_the_order_of_a_batch_never_changes_logits(case: Case) -> None:
    model, batch = make_model(case), make_batch(case)
    order = torch.tensor([3, 7, 0, 2, 6, 1, 5, 4])
    shuffled = logits_of(model, {name: value[order] for name, value in batch.items()})
    expected, mask = logits_of(model, batch)[order], batch.get("attention_mask")
    if mask is not None:
        shuffled, expected = that_count(shuffled, mask[order]), that_count(expected, mask[order])
    torch.testing.assert_close(shuffled, expected, rtol=0, atol=ROUNDING)


@each_text_case
def test_frozen_vectors_stay_and_the_pad_row_is_zero(case: Case) -> None:
    model = make_model(case)
    embedding = model.get_input_embeddings()
    size = embedding.weight.shape[1]
    vectors = torch.randn(5, size) * 0.3
    found = torch.tensor([2, 3, 5, 8, 13])
    model.load_word_vectors(vectors, found, freeze=True)
    before = embedding.weight.clone()
    assert torch.equal(before[found], vectors) and before[0].eq(0).all()
    others = [row for row in range(1, VOCABULARY) if row not in found]
    assert 0.5 * vectors.std() < before[others].std() < 1.5 * vectors.std()
    train(model, make_batch(case), steps=3)
    assert embedding.weight.grad is None and torch.equal(embedding.weight, before)

    model.load_word_vectors(vectors, found, freeze=False)
    train(model, make_batch(case), steps=3)
    assert embedding.weight[0].eq(0).all()
    assert not torch.equal(embedding.weight[found], vectors)


@each_text_pair
def test_vectors_loaded_after_construction_survive(case: Case, tmp_path: Path) -> None:
    model = make_model(case)
    size = model.get_input_embeddings().weight.shape[1]
    vectors = torch.randn(VOCABULARY - 1, size)
    model.load_word_vectors(vectors, torch.arange(1, VOCABULARY), freeze=True)
    model.save_pretrained(tmp_path)
    again = case.model_class.from_pretrained(tmp_path)
    assert torch.equal(again.get_input_embeddings().weight[1:], vectors)


@each_text_pair
def test_word_vectors_that_do_not_fit(case: Case) -> None:
    model = make_model(case)
    size = model.get_input_embeddings().weight.shape[1]
    for vectors, ids, message in [
        (torch.zeros(2, size + 1), [2, 3], rf"vectors: shape \(2, {size + 1}\); allowed: \(found, {size}\)"),
        (torch.zeros(2, size), [2], "one id for each of the 2 vectors"),
        (torch.zeros(0, size), [], "at least one"),
        (torch.zeros(2, size), [2, 20], "token_ids: from 2 to 20; allowed: 0 to 19"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.load_word_vectors(vectors, torch.tensor(ids), freeze=False)


@each_text_case
def test_unknown_words_and_empty_texts_get_a_prediction(case: Case) -> None:
    model = make_model(case)
    unknown = logits_of(model, {"input_ids": torch.ones(1, 4, dtype=torch.long)})
    assert unknown.isfinite().all()
    ids = torch.tensor([[5, 6, 7], [0, 0, 0]])
    in_batch = logits_of(model, {"input_ids": ids, "attention_mask": torch.tensor([[1, 1, 1], [0, 0, 0]])})
    assert in_batch.isfinite().all()
    # a tokenizer gives an empty text as floats
    alone = logits_of(model, {"input_ids": torch.zeros(1, 0), "attention_mask": torch.zeros(1, 0)})
    assert alone.isfinite().all()
    if case.task == TAGGING:
        assert alone.shape == (1, 0, LABELS)
    else:
        torch.testing.assert_close(alone[0], in_batch[1], rtol=0, atol=ROUNDING)


def takes_output_attentions(case: Case) -> bool:
    return "output_attentions" in inspect.signature(case.model_class.forward).parameters


@pytest.mark.parametrize("case", list(filter(takes_output_attentions, CASES)), ids=str)
def test_attentions_on_request(case: Case) -> None:
    model, batch = make_model(case), make_batch(case)
    asked = model(**batch, output_attentions=True)
    assert model(**batch).attentions is None
    torch.testing.assert_close(asked.logits, model(**batch).logits, rtol=0, atol=ROUNDING)
    if asked.attentions is None:
        assert not hasattr(model, "attention") and model.pooling.attention is None
        return
    by_config = make_model(case, output_attentions=True)(**batch).attentions
    for weights, same in zip(asked.attentions, by_config, strict=True):
        assert torch.equal(weights, same)
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
        if "attention_mask" in batch:
            padding = (batch["attention_mask"] == 0).view(8, *[1] * (weights.ndim - 2), -1).expand_as(weights)
            assert weights[padding].eq(0).all()


@each_case
def test_every_tensor_missing_from_a_checkpoint_is_initialised(case: Case, tmp_path: Path) -> None:
    make_model(case).save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    kinds = {}  # of each kind of module one: its tensors
    for name, module in make_model(case).named_modules():
        for parameter, _ in module.named_parameters(recurse=False):
            kinds.setdefault((type(module), parameter), f"{name}.{parameter}")
    assert len(kinds) >= 3
    for missing in kinds.values():
        save_file({name: value for name, value in weights.items() if name != missing}, path, {"format": "pt"})
        model, info = case.model_class.from_pretrained(tmp_path, output_loading_info=True)
        assert set(info["missing_keys"]) == {missing}
        for name, value in model.state_dict().items():
            if name == missing:
                assert value.isfinite().all() and value.abs().max() <= 1, missing
                assert value.ndim == 1 or value.std() > 0
            else:
                assert torch.equal(value, weights[name]), f"{name} changed, as {missing} was missing"


@each_pair
def test_every_config_field_changes_something(case: Case) -> None:
    own = own_test_file(case.architecture)
    names = {field.name for field in fields(case.config_class)} - {field.name for field in fields(PreTrainedConfig)}
    assert names == set(own.FIELD_CASES), "each config field needs its case, and only these"
    assert set(case.model_class.fields_without_effect) <= names
    for name, (before, after) in own.FIELD_CASES.items():
        changed = observe(case, before) != observe(case, before | after)
        assert changed == (name not in case.model_class.fields_without_effect), name


def observe(case: Case, settings: dict[str, Any]) -> str:
    """What a person could see of a model: its weights' shapes, what it says, trained and in training, or an error."""
    try:
        model = make_model(case, **settings)
        shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
        batch = make_batch(case) if case.task == IMAGES else dict(make_batch(case), attention_mask=None)
        calm = logits_of(model, batch).tolist()
        torch.manual_seed(0)
        model.train()
        return repr((shapes, calm, logits_of(model, batch).tolist()))
    except ValueError as error:
        return str(error)


@each_case
def test_a_misspelt_value_is_refused(case: Case) -> None:
    own = own_test_file(case.architecture)
    for settings, message in own.REFUSED:
        with pytest.raises((StrictDataclassError, ValueError), match=message):
            make_model(case, **settings)
    shares = [field.name for field in fields(case.config_class) if "dropout" in field.name]
    assert len(shares) >= 4
    for name in shares:
        for value in (1, 1.0, -0.1, float("nan")):
            with pytest.raises(StrictDataclassError, match=f"{name}: {value}; allowed: from 0 to below 1"):
                make_config(case, **{name: value})
    for settings, message in [
        ({"vocab_size": 0}, "vocab_size: 0; allowed: 1 or more"),
        ({"pad_token_id": 20, "vocab_size": 20}, "pad_token_id: 20; allowed: 0 to 19"),
        ({"word_dropout": 0.1, "unk_token_id": None}, "word_dropout: 0.1 needs an unknown token"),
        ({"hidden_size": True}, "expected int, got bool"),
        ({"hidden_size": 0}, "hidden_size: 0; allowed: 1 or more"),
    ]:
        with pytest.raises(StrictDataclassError, match=message):
            make_config(case, **settings)


@pytest.mark.parametrize("case", [case for case in PAIRS if case.task == IMAGES], ids=str)
def test_images_of_another_size(case: Case) -> None:
    model = make_model(case)
    with pytest.raises(ValueError, match=r"images of 7 × 6 pixels \(height × width\) and 1 channels.* 5 × 6 pixels"):
        model(pixel_values=torch.zeros(1, 1, 7, 6))
    with pytest.raises(ValueError, match="and 2 channels; this model takes"):
        model(pixel_values=torch.zeros(1, 2, 5, 6))
    with pytest.raises(ValueError, match=r"image_size: None; allowed for images: \[height, width\]"):
        make_model(case, image_size=None)
    for size, message in [([5], r"\[5\]; allowed: \[height, width\]"), ([5, 0], r"\[5, 0\]; allowed: 1 or more")]:
        with pytest.raises(StrictDataclassError, match=f"image_size: {message}"):
            make_config(case, image_size=size)


@pytest.mark.parametrize("case", [case for case in PAIRS if case.task == IMAGES], ids=str)
def test_colours_given_to_a_grey_model(case: Case) -> None:
    model, batch = make_model(case), make_batch(case)
    coloured = {"pixel_values": batch["pixel_values"].expand(-1, 3, -1, -1)}
    torch.testing.assert_close(logits_of(model, coloured), logits_of(model, batch), rtol=0, atol=ROUNDING)
    red = torch.zeros(1, 3, *IMAGE_SIZE)
    red[:, 0] = 1
    grey = {"pixel_values": torch.full((1, 1, *IMAGE_SIZE), 0.299)}
    torch.testing.assert_close(logits_of(model, {"pixel_values": red}), logits_of(model, grey), rtol=0, atol=ROUNDING)


TEXTS = ["w2 w3 w4 w5 w6", "w7", "w19 w2", "never seen before", ""]


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Each case, saved here → what it says in a clean process, under "said", and here, under "model" and "inputs"."""
    folder = tmp_path_factory.mktemp("saved")
    images = save_images(folder)
    tokenizer, processor = make_tokenizer(), make_image_processor()
    cases, here = {}, {}
    for case in CASES:
        name = str(case)
        model = make_model(case)
        case.config_class.register_for_auto_class()
        auto_class = f"AutoModel{case.suffix}"
        case.model_class.register_for_auto_class(auto_class)
        model.save_pretrained(folder / name)
        if case.task == IMAGES:
            processor.save_pretrained(folder / name)
            pixels = (torch.from_numpy(images).float() / 255 - 0.5) / 0.25
            inputs = {"pixel_values": pixels.unsqueeze(1)}
            texts = []
        else:
            tokenizer.save_pretrained(folder / name)
            # the pipeline itself refuses to tag nothing
            texts = TEXTS[:-1] if case.task == TAGGING else TEXTS
            inputs = dict(tokenizer(texts, padding=True, return_tensors="pt"))
        again = case.model_class.from_pretrained(folder / name)
        cases[name] = {"task": case.task, "auto_class": auto_class, "texts": texts}
        here[name] = {"model": model, "again": again, "inputs": inputs}
    result = say_in_a_clean_process(folder, cases)
    assert result.returncode == 0, result.stderr
    for name, said in json.loads((folder / "said.json").read_text()).items():
        here[name]["said"] = said
    return here


def save_images(folder: Path) -> np.ndarray:
    """(4, height, width) bytes, which reload_without_hftk.py reads."""
    images = np.random.default_rng(0).integers(0, 256, (4, *IMAGE_SIZE), dtype=np.uint8)
    np.save(folder / "images.npy", images)
    return images


def say_in_a_clean_process(folder: Path, cases: dict[str, dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    """What the models saved in folder/<case> say is in folder/said.json, if the exit status is 0."""
    (folder / "cases.json").write_text(json.dumps(cases))
    script = Path(__file__).with_name("reload_without_hftk.py")
    # -I: neither the current folder nor PYTHONPATH is searched
    return subprocess.run(
        [sys.executable, "-I", script, folder],
        cwd=folder,
        env=os.environ | {"HF_MODULES_CACHE": str(folder / "modules"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )


def make_tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]"] + [f"w{number}" for number in range(2, VOCABULARY)]
    tokenizer = Tokenizer(models.WordLevel({word: row for row, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        model_input_names=["input_ids", "attention_mask"],
    )


def make_image_processor() -> Any:
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    # one number for all channels: the pipeline gives three, the data one
    return ViTImageProcessorPil(do_resize=False, do_rescale=True, do_normalize=True, image_mean=0.5, image_std=0.25)


@each_case
def test_saved_and_reloaded_is_equal(case: Case, reloaded: dict[str, dict[str, Any]]) -> None:
    model, again = reloaded[str(case)]["model"], reloaded[str(case)]["again"]
    ours, theirs = model.state_dict(), again.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert torch.equal(logits_of(model, make_batch(case)), logits_of(again, make_batch(case)))
    for name in [*own_test_file(case.architecture).FIELD_CASES, "id2label", "label2id"]:
        assert getattr(again.config, name) == getattr(model.config, name)


@each_case
def test_a_clean_process_without_hftk_says_the_same(case: Case, reloaded: dict[str, dict[str, Any]]) -> None:
    saved = reloaded[str(case)]
    said = saved["said"]
    assert said["class"] == case.model_class.__name__ and not said["training"]
    logits = logits_of(saved["model"], saved["inputs"])
    torch.testing.assert_close(torch.tensor(said["logits"]), logits, rtol=0, atol=ROUNDING)
    for row, scores in enumerate(said["scores"]):
        expected = logits[row].softmax(-1)
        names = saved["model"].config.id2label
        if case.task == TAGGING:
            expected = expected[: int(saved["inputs"]["attention_mask"][row].sum())]
            assert [name for name, _ in scores] == [names[best] for best in expected.argmax(-1).tolist()]
            assert [score for _, score in scores] == pytest.approx(expected.amax(-1).tolist(), abs=1e-5)
        else:
            assert dict(scores) == pytest.approx({names[i]: p for i, p in enumerate(expected.tolist())}, abs=1e-5)
