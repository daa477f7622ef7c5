"""Hostile models: real attacks. Each test shows first, or last, that the attack works where nothing guards against
it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import peft
import pytest
import torch
import transformers

from hftk.errors import RecipeError
from hftk.models._pretrained import load_config, load_model, load_tokenizer

LABELS = ["neg", "pos"]
Change = Callable[..., Path]


@pytest.fixture
def changed(tiny_bert, tmp_path) -> Change:
    """A copy of the tiny BERT, with keys of its files of JSON changed (`config={…}`), without the files of `drop`."""

    def changed(name: str = "model", *, drop: tuple[str, ...] = (), **files: dict) -> Path:
        folder = tmp_path / name
        shutil.copytree(tiny_bert, folder)
        for file in drop:
            (folder / file).unlink()
        for stem, change in files.items():
            path = folder / f"{stem}.json"
            content = json.loads(path.read_text()) if path.is_file() else {}
            path.write_text(json.dumps(content | change))
        return folder

    return changed


def model_of(folder: Path | str):
    return load_model(str(folder), task="text-classification", revision=None, config_overrides={}, labels=LABELS)


def tokenizer_of(folder: Path | str):
    return load_tokenizer(str(folder), task="text-classification", revision=None)


def everything(folder: Path | str) -> None:
    load_config(str(folder), revision=None, overrides={})
    tokenizer_of(folder)
    model_of(folder)


# weights


@pytest.mark.parametrize("hostile", [True, False], ids=["a bomb", "sound weights"])
def test_pickled_weights_are_refused_unread(bomb, changed, mark, tmp_path, hostile, monkeypatch):
    folder = changed(drop=("model.safetensors",))
    weights = folder / "pytorch_model.bin"
    model = transformers.BertModel(transformers.AutoConfig.from_pretrained(folder))
    torch.save(bomb if hostile else model.state_dict(), weights)
    with pytest.raises(RecipeError, match="its weights are a pickle.*safetensors only are read.*convert it") as refused:
        model_of(folder)
    assert not mark.exists()
    if hostile:
        torch.load(weights, weights_only=False)
        assert mark.exists(), "it would have run"
        return
    # the advice works
    advice = str(refused.value).split('python -c "')[1].split('"')[0]
    monkeypatch.chdir(tmp_path)
    exec(advice)
    everything(str(refused.value).rsplit("model.pretrained: ", 1)[1])


@pytest.mark.parametrize("name", ["../elsewhere/model.safetensors", "/etc/passwd", "bomb.bin", "a\\b.safetensors"])
def test_shards_elsewhere_are_refused(changed, name):
    changed("elsewhere")
    folder = changed(drop=("model.safetensors",))
    index = {"metadata": {}, "weight_map": {"embeddings.word_embeddings.weight": name}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(RecipeError, match=r"model.safetensors.index.json names .*; allowed: .safetensors files beside"):
        model_of(folder)


def test_shards_elsewhere_would_have_been_read(changed):
    changed("elsewhere")
    folder = changed(drop=("model.safetensors",))
    index = {"metadata": {}, "weight_map": {"embeddings.word_embeddings.weight": "../elsewhere/model.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    model = transformers.BertModel.from_pretrained(folder)
    there = transformers.BertModel.from_pretrained(folder.parent / "elsewhere")
    assert torch.equal(model.get_input_embeddings().weight, there.get_input_embeddings().weight)


def test_shards_beside_the_index_are_read(changed):
    folder = changed(drop=("model.safetensors",))
    model = transformers.BertModel(transformers.AutoConfig.from_pretrained(folder))
    model.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    assert model_of(folder).new_modules == ["classifier"]


@pytest.mark.parametrize(
    "name", ["../elsewhere/model.safetensors", "adapter_model.bin", "other.safetensors.index.json"]
)
def test_weights_that_the_config_names_elsewhere_are_refused(changed, name):
    folder = changed(config={"transformers_weights": name})
    with pytest.raises(RecipeError, match="config.json names .* as transformers_weights; allowed: a .safetensors file"):
        everything(folder)


# code


CODE = """
import os
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast
os.mkdir({mark!r})
class Config(BertConfig): pass
class Model(BertForSequenceClassification): pass
class Tokenizer(PreTrainedTokenizerFast): pass
"""
AUTO_MAP = {"AutoConfig": "own.Config", "AutoModelForSequenceClassification": "own.Model"}


def with_code(changed: Change, mark: Path, **config) -> Path:
    folder = changed(
        config={"auto_map": AUTO_MAP, "custom_pipelines": {"text-classification": {"impl": "own.Pipe"}}, **config},
        tokenizer_config={"auto_map": {"AutoTokenizer": ["own.Tokenizer", "own.Tokenizer"]}},
    )
    (folder / "own.py").write_text(CODE.format(mark=str(mark)))
    return folder


def test_code_of_a_model_is_not_run(changed, mark, tmp_path, monkeypatch):
    folder = with_code(changed, mark, model_type="own")
    for load_part in (model_of, lambda one: load_config(str(one), revision=None, overrides={})):
        with pytest.raises(RecipeError, match="it is defined by code of its own, which this version does not run"):
            load_part(folder)
    assert not mark.exists()
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(tmp_path / "modules")
    transformers.AutoConfig.from_pretrained(folder, trust_remote_code=True)
    assert mark.exists(), "it would have run"


def test_code_beside_a_known_model_is_not_run_and_not_passed_on(changed, mark, tmp_path):
    """Who loads our folder with trust_remote_code, as the README says for our architectures, must not run it either."""
    folder = with_code(changed, mark)
    everything(folder)
    saved = tmp_path / "saved"
    model_of(folder).model.save_pretrained(saved)
    tokenizer_of(folder).save_pretrained(saved)
    assert not mark.exists()
    for file in saved.glob("*.json"):
        assert "own." not in file.read_text(), file.name
    unguarded = tmp_path / "unguarded"
    transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False).save_pretrained(unguarded)
    transformers.AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=False).save_pretrained(
        unguarded
    )
    assert "own.Model" in (unguarded / "config.json").read_text(), "it would have been passed on"


@pytest.mark.parametrize("where", ["the config", "a part of it"])
@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation", "experts_implementation"])
def test_kernels_are_not_fetched(changed, key, where):
    asked = {key: "somebody/kernel"}
    folder = changed(config=asked if where == "the config" else {"text_config": asked})
    with pytest.raises(RecipeError, match=f"config.json asks for {key}: 'somebody/kernel', which can be a kernel"):
        model_of(folder)
    if key.endswith("attn_implementation") and where == "the config":
        # where kernels is not installed transformers asks for it; where it is, it goes to the Hub
        with pytest.raises((ImportError, ValueError, OSError), match="kernel"):
            transformers.AutoModelForSequenceClassification.from_pretrained(folder)


@pytest.mark.parametrize("value", ["eager", "sdpa", {"": "eager"}])
def test_transformers_own_attention_may_be_asked_for(changed, value):
    assert model_of(changed(config={"attn_implementation": value})).model.config._attn_implementation in (
        "eager",
        "sdpa",
    )


def test_quantized_weights_are_refused(changed):
    folder = changed(config={"quantization_config": {"quant_method": "bitsandbytes_4bit", "load_in_4bit": True}})
    with pytest.raises(RecipeError, match="its weights are quantized .*; name the model that it was made from"):
        model_of(folder)


def test_an_adapter_beside_a_model_is_refused(changed):
    folder = changed()
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "../elsewhere"}')
    with pytest.raises(RecipeError, match=r"it holds an adapter \(adapter_config.json\), which can point to another"):
        everything(folder)


def test_a_model_of_the_hub_with_an_adapter_does_not_lead_elsewhere(changed, tmp_path, monkeypatch):
    """The Hub's cache as a download leaves it: transformers goes to the base model that the adapter names."""
    other = changed("elsewhere", config={"hidden_act": "relu"})
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "hub" / "models--me--model"
    folder = repository / "snapshots" / commit
    shutil.copytree(changed("there"), folder)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    peft.get_peft_model(model, peft.LoraConfig(target_modules=["query"])).save_pretrained(folder)
    told = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(told | {"base_model_name_or_path": str(other)}))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(RecipeError, match="me/model: it holds an adapter"):
        everything("me/model")
    led = transformers.AutoModelForSequenceClassification.from_pretrained("me/model", trust_remote_code=False)
    assert led.config.hidden_act == "relu", "it would have led elsewhere"
    (folder / "adapter_config.json").unlink()
    everything("me/model")


# tokenizers


STOLEN = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nstolen\n"


@pytest.mark.parametrize(
    ("key", "value", "more"),
    [
        ("vocab", "{elsewhere}/vocab.txt", {"tokenizer_class": "BertTokenizer"}),
        ("init_inputs", ["{elsewhere}/vocab.txt"], {"tokenizer_class": "BertTokenizer"}),
        ("fast_tokenizer_files", ["../elsewhere/tokenizer.1.0.json"], {}),
        ("merges", "{elsewhere}/merges.txt", None),
        ("tokenizer_object", "x", None),
        ("sp_model_kwargs", {"model_file": "{elsewhere}/spm.model"}, None),
    ],
)
def test_a_tokenizer_s_config_cannot_name_files_elsewhere(changed, key, value, more):
    elsewhere = changed("elsewhere")
    (elsewhere / "vocab.txt").write_text(STOLEN)
    words = json.loads((elsewhere / "tokenizer.json").read_text())
    words["model"]["vocab"]["stolen"] = len(words["model"]["vocab"])
    (elsewhere / "tokenizer.1.0.json").write_text(json.dumps(words))
    value = json.loads(json.dumps(value).replace("{elsewhere}", str(elsewhere)))
    folder = changed(
        drop=() if key == "fast_tokenizer_files" else ("tokenizer.json",), tokenizer_config={key: value, **(more or {})}
    )
    told = "sp_model_kwargs.model_file" if key == "sp_model_kwargs" else key
    with pytest.raises(RecipeError, match=f"tokenizer_config.json names a file elsewhere under {told}; take the key"):
        tokenizer_of(folder)
    if more is not None:
        assert "stolen" in transformers.AutoTokenizer.from_pretrained(folder).get_vocab(), "it would have been read"


@pytest.mark.parametrize("key", ["tokenizer_file", "vocab_file", "special_tokens_map_file", "name_or_path"])
def test_paths_that_old_tokenizers_were_saved_with_are_not_followed(changed, key):
    """They stand in many models of the Hub, and transformers 5.23 does not open them."""
    elsewhere = changed("elsewhere")
    folder = changed(tokenizer_config={key: str(elsewhere / "tokenizer.json")})
    (elsewhere / "tokenizer.json").write_text("{}")
    assert "stolen" not in tokenizer_of(folder).get_vocab()


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "model.safetensors.index.json"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [("[" * 100_000, "is not JSON"), ('{"a": ' + "9" * 5000 + "}", "is not JSON"), ("[]", "holds no JSON object")],
    ids=["nested", "a number of 5,000 digits", "a list"],
)
def test_files_that_are_no_json_are_told(changed, name, content, reason):
    folder = changed(drop=("model.safetensors",))
    (folder / name).write_text(content)
    with pytest.raises(RecipeError, match=f"cannot be loaded .{name} {reason}"):
        model_of(folder)


@pytest.mark.parametrize(
    "change",
    [{"hidden_size": "x"}, {"model_type": ["bert"]}, {"model_type": None}, {"id2label": 3}],
    ids=str,
)
def test_a_config_of_nonsense_is_told_as_an_error_of_the_recipe(changed, change):
    folder = changed(config=change)
    try:
        everything(folder)
    except RecipeError as error:
        assert str(error).startswith(f"model.pretrained: {folder}: ")
