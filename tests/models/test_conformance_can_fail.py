"""The conformance tests on models that are broken on purpose: a test that cannot fail shows nothing."""

import importlib.util
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import hftk.models._pooling
import hftk.models._recurrent
import hftk.models.attention
import hftk.models.cnn_lstm
import hftk.models.transformer
from hftk.models._architectures import save_with_source


def _conformance_tests() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conformance", Path(__file__).with_name("test_architectures.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


conformance = _conformance_tests()


def _all_is_text(function: Callable) -> Callable:
    """The function, told that every position is a token."""

    def broken(values: torch.Tensor, mask: torch.Tensor | None, **settings):
        return function(values, None if mask is None else torch.ones_like(mask), **settings)

    return broken


def _attend_everywhere(query, key, value, *, attn_mask, dropout_p):
    return torch.nn.functional.scaled_dot_product_attention(query, key, value, dropout_p=dropout_p)


_reversed_order = hftk.models._recurrent._reversed_order
last_states = hftk.models._recurrent.last_states

# what ignores padding, where → the architectures in which the padding test must see it
READS_PADDING = {
    "the backward direction starts in the padding": (
        [(hftk.models._recurrent, "_reversed_order", lambda mask: _reversed_order(torch.ones_like(mask)))],
        {"rnn", "attention", "cnn_lstm"},
    ),
    "the last state is that of the last column": (
        [
            (module, "last_states", _all_is_text(last_states))
            for module in (hftk.models._pooling, hftk.models.attention, hftk.models.cnn_lstm)
        ],
        {"rnn", "attention", "cnn_lstm", "transformer"},
    ),
    "attention looks at padding": (
        [
            (module, "masked_softmax", lambda scores, mask: scores.softmax(1))
            for module in (hftk.models._pooling, hftk.models.attention)
        ],
        {"rnn", "attention", "transformer"},
    ),
    "the mean counts padding": (
        [(hftk.models._pooling, "_masked_mean", lambda hidden, mask: hidden.mean(1))],
        {"rnn", "transformer"},
    ),
    "self-attention looks at padding": (
        [(hftk.models.transformer, "scaled_dot_product_attention", _attend_everywhere)],
        {"transformer"},
    ),
}


@pytest.mark.parametrize("broken", READS_PADDING)
def test_the_padding_test_sees(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patches, architectures = READS_PADDING[broken]
    for module, name, replacement in patches:
        monkeypatch.setattr(module, name, replacement)
    seen = set()
    for case in conformance.TEXT_CASES:
        try:
            conformance.test_padding_never_changes_logits(case)
        except AssertionError:
            seen.add(case.architecture)
    assert seen == architectures


def test_each_architecture_is_seen_to_fail() -> None:
    seen = set().union(*(architectures for _, architectures in READS_PADDING.values()))
    assert seen == {case.architecture for case in conformance.TEXT_CASES}


def _import_hftk(folder: Path) -> None:
    path = folder / "rnn.py"
    path.write_text("import hftk.errors\n" + path.read_text(encoding="utf-8"), encoding="utf-8")


def _forget_a_buffer(folder: Path) -> None:
    """As a model that keeps a table which is not saved: transformers leaves its memory as it is."""
    path = folder / "_recurrent.py"
    text = path.read_text(encoding="utf-8")
    made = "        self.dropout = nn.Dropout(dropout)\n"
    used = "        ahead = inputs.transpose(0, 1)\n"
    assert text.count(made) == 1 and text.count(used) == 1
    text = text.replace(
        made, made + '        self.register_buffer("scale", torch.full((64,), 1.0), persistent=False)\n'
    )
    text = text.replace(used, "        ahead = inputs.transpose(0, 1) * self.scale.mean()\n")
    path.write_text(text, encoding="utf-8")


def _drop_the_recurrent_weights(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith("recurrent.")}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", {"format": "pt"})


def _flip_one_bit(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 0x40  # the exponent of the last number
    path.write_bytes(content)


# what is broken → how
BROKEN_MODELS = {
    "nothing": lambda folder: None,
    "a buffer that is not saved": _forget_a_buffer,
    "weights that are missing": _drop_the_recurrent_weights,
    "one flipped bit": _flip_one_bit,
}
[CASE] = [case for case in conformance.CASES if str(case) == "rnn-text-classification-deep_gru_both_ways"]
LOADED_AS = {"task": CASE.task, "auto_class": f"AutoModel{CASE.suffix}", "texts": conformance.TEXTS}


def _save(folder: Path) -> dict[str, Any]:
    """The case's model in `folder`; what the reload test compares with."""
    model, tokenizer = conformance.make_model(CASE), conformance.make_tokenizer()
    save_with_source(model, folder)
    tokenizer.save_pretrained(folder)
    return {"model": model, "inputs": dict(tokenizer(conformance.TEXTS, padding=True, return_tensors="pt"))}


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What is broken → what the reload test compares: said by the model here, and by its broken copy."""
    folder = tmp_path_factory.mktemp("broken")
    conformance.save_images(folder)
    here = {}
    for number, (broken, break_it) in enumerate(BROKEN_MODELS.items()):
        here[broken] = _save(folder / f"model{number}")
        break_it(folder / f"model{number}")
    result = conformance.say_in_a_clean_process(folder, {f"model{number}": LOADED_AS for number in range(len(here))})
    assert result.returncode == 0, result.stderr
    said = json.loads((folder / "said.json").read_text())
    return {broken: here[broken] | {"said": said[f"model{number}"]} for number, broken in enumerate(here)}


@pytest.mark.parametrize("broken", BROKEN_MODELS)
def test_the_reload_test_sees(broken: str, reloaded: dict[str, dict[str, Any]]) -> None:
    compare = partial(conformance.test_a_clean_process_without_hftk_says_the_same, CASE, {str(CASE): reloaded[broken]})
    if broken == "nothing":
        compare()
    else:
        with pytest.raises(AssertionError):
            compare()


def test_the_reload_test_sees_a_source_that_imports_hftk(tmp_path: Path) -> None:
    conformance.save_images(tmp_path)
    _save(tmp_path / "model")
    _import_hftk(tmp_path / "model")
    result = conformance.say_in_a_clean_process(tmp_path, {"model": LOADED_AS})
    assert result.returncode != 0 and "hftk is blocked" in result.stderr
