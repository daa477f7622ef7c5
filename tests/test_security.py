"""Hostile models, data and recipes: real attacks. Each test shows first, or last, that the attack works where nothing
guards against it."""

import json
import os
import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import peft
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import transformers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hftk.data import load
from hftk.embeddings.files import read_file
from hftk.errors import DataError, RecipeError
from hftk.models._pretrained import load_config, load_model, load_tokenizer
from hftk.recipe import read_sweep, schema
from hftk.recipe.yaml_text import parse
from hftk.sweep.names import run_name, setting_names

LABELS = ["neg", "pos"]
Change = Callable[..., Path]


class Runs:
    """Pickles to a call that makes a folder: where it exists, the pickle was run."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def mark(tmp_path) -> Path:
    return tmp_path / "was_here"


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


@pytest.fixture(autouse=True)
def nobody_is_asked(monkeypatch):
    """transformers would ask on a terminal whether to run a model's code."""

    def asked(*_):
        raise AssertionError("somebody was asked")

    monkeypatch.setattr("builtins.input", asked)


def model_of(folder: Path | str):
    return load_model(str(folder), task="text-classification", revision=None, config_overrides={}, labels=LABELS)


def tokenizer_of(folder: Path | str):
    return load_tokenizer(str(folder), task="text-classification", revision=None)


def everything(folder: Path | str) -> None:
    load_config(str(folder), revision=None, overrides={})
    tokenizer_of(folder)
    model_of(folder)


# weights


@pytest.mark.parametrize("bomb", [True, False], ids=["a bomb", "sound weights"])
def test_pickled_weights_are_refused_unread(changed, mark, tmp_path, bomb, monkeypatch):
    folder = changed(drop=("model.safetensors",))
    weights = folder / "pytorch_model.bin"
    model = transformers.BertModel(transformers.AutoConfig.from_pretrained(folder))
    torch.save(Runs(mark) if bomb else model.state_dict(), weights)
    with pytest.raises(RecipeError, match="its weights are a pickle.*safetensors only are read.*convert it") as refused:
        model_of(folder)
    assert not mark.exists()
    if bomb:
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


# data


def load_data(path: Path | str, **more):
    return load(schema.Data(path=str(path), **more), task="text-classification")


@pytest.mark.parametrize(
    "name", ["rows.pkl", "rows.npz", "rows.npy", "rows.pt", "rows.bin", "rows.csv", "rows.parquet"]
)
def test_pickled_data_is_refused_unread(mark, tmp_path, name):
    path = tmp_path / name
    if name.endswith(".npz"):
        np.savez(path, text=np.array([Runs(mark)], dtype=object))
    elif name.endswith(".pt"):
        torch.save(Runs(mark), path)
    else:
        path.write_bytes(pickle.dumps(Runs(mark)))
    for where in (path, tmp_path):
        with pytest.raises(DataError):
            load_data(where)
    assert not mark.exists()
    run = {
        ".npz": lambda: np.load(path, allow_pickle=True)["text"],
        ".pt": lambda: torch.load(path, weights_only=False),
    }
    run.get(path.suffix, lambda: pickle.loads(path.read_bytes()))()
    assert mark.exists(), "it would have run"


def test_datasets_reader_of_pickles_is_of_no_use(mark, tmp_path):
    path = tmp_path / "rows.pkl"
    path.write_bytes(pickle.dumps(Runs(mark)))
    with pytest.raises(DataError):
        load_data("pandas", data_files=str(path))
    assert not mark.exists()


@pytest.mark.parametrize("beside", [True, False], ids=["beside data", "alone"])
def test_a_loading_script_is_not_run(mark, tmp_path, tiny_csv, beside):
    folder = tmp_path / "own"
    folder.mkdir()
    script = f"import os\nos.mkdir({str(mark)!r})\n"
    for name in ("own.py", "__init__.py", "dataset.py"):
        (folder / name).write_text(script)
    (folder / "dataset_infos").write_text(json.dumps({"default": {"builder_name": "own"}}))
    if beside:
        shutil.copy(tiny_csv, folder / "train.csv")
        load_data(folder)
    else:
        with pytest.raises(DataError, match="no data file in the folder"):
            load_data(folder)
    assert not mark.exists()
    exec(script)
    assert mark.exists(), "it would have run"


def test_an_arrow_file_cannot_have_a_pickle_run(mark, tmp_path):
    """pa.PyExtensionType of pyarrow before 14: its metadata were a pickle, run when a file was opened."""
    told = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": pickle.dumps(Runs(mark))}
    fields = [pa.field("text", pa.string()), pa.field("label", pa.string(), metadata=told)]
    rows = [pa.array(["good", "bad"] * 20), pa.array(["pos", "neg"] * 20)]
    table = pa.Table.from_arrays(rows, schema=pa.schema(fields))
    path = tmp_path / "rows.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
    load_data(path)
    assert not mark.exists()
    pickle.loads(told["ARROW:extension:metadata"])
    assert mark.exists(), "it would have run"


@pytest.mark.parametrize(
    "features",
    ["not JSON", '{"info": {"features": {"label": {"_type": "Nothing"}}}}', '{"info": {"features": 3}}'],
)
def test_hostile_features_are_told(tmp_path, features):
    table = pa.table({"text": ["a"], "label": ["b"]}).replace_schema_metadata({"huggingface": features})
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path)
    with pytest.raises(DataError, match=r"rows\.parquet"):
        load_data(path)


def saved_dataset(folder: Path) -> Path:
    import datasets

    rows = datasets.Dataset.from_dict({"text": ["good", "bad"] * 20, "label": ["pos", "neg"] * 20})
    datasets.DatasetDict({"train": rows}).save_to_disk(folder)
    return folder


def test_a_saved_dataset_cannot_name_files_elsewhere(tmp_path):
    import datasets

    secret, folder = saved_dataset(tmp_path / "secret"), saved_dataset(tmp_path / "own")
    state = folder / "train" / "state.json"
    told = json.loads(state.read_text())
    name = "../../secret/train/" + told["_data_files"][0]["filename"]
    state.write_text(json.dumps(told | {"_data_files": [{"filename": name}]}))
    (folder / "train" / told["_data_files"][0]["filename"]).unlink()
    with pytest.raises(
        DataError, match=r"state.json names '\.\./\.\./secret.*'; allowed: names of what lies beside it"
    ):
        load_data(folder)
    assert len(datasets.load_from_disk(folder)["train"]) == 40, "it would have been read"

    (secret / "dataset_dict.json").write_text(json.dumps({"splits": ["../own/train"]}))
    with pytest.raises(DataError, match=r"dataset_dict.json names '\.\./own/train'; allowed"):
        load_data(secret)


@pytest.mark.parametrize("file", ["dataset_dict.json", "train/state.json", "train/dataset_info.json"])
@pytest.mark.parametrize("content", ["", "[]", '{"splits": 3}', '{"features": {"text": {"_type": "Nothing"}}}'])
def test_a_saved_dataset_of_nonsense_is_told(tmp_path, file, content):
    folder = saved_dataset(tmp_path / "own")
    (folder / file).write_text(content)
    with pytest.raises(DataError, match=f"{folder}"):
        load_data(folder)


# word vectors (gensim's .kv: tests/embeddings/test_gensim_file.py)


@pytest.mark.parametrize("kind", ["npy", "pickle 0", "pickle 5", "torch"])
def test_pickled_word_vectors_are_refused_unread(mark, tmp_path, kind):
    path = tmp_path / "vectors.bin"
    if kind == "npy":
        with path.open("wb") as file:
            np.save(file, np.array([Runs(mark)], dtype=object), allow_pickle=True)
    elif kind == "torch":
        torch.save(Runs(mark), path)
    else:
        path.write_bytes(pickle.dumps(Runs(mark), protocol=int(kind[-1])))
    with pytest.raises(DataError):
        read_file(path, {"the": 2}, where="w", tell=print)
    assert not mark.exists()
    if kind == "npy":
        np.load(path, allow_pickle=True)
    elif kind == "torch":
        torch.load(path, weights_only=False)
    else:
        pickle.loads(path.read_bytes())
    assert mark.exists(), "it would have run"


# recipes


SOUND = "name: x\ndata: {path: 'builtin:docstrings'}\nmodel: {architecture: rnn}\n"


def problems_of(text: str, tmp_path: Path, *overrides: str) -> list[str]:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError) as refused:
        read_sweep(path, overrides)
    return [problem.removeprefix(str(tmp_path) + "/") for problem in refused.value.problems]


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.mkdir", "!!python/name:os.system", "!!python/module:os", "!!python/object/new:os"]
)
def test_a_tag_makes_no_object(mark, tmp_path, tag):
    text = f"tags: {tag} ['{mark}']\n"
    assert (
        problems_of(SOUND + text, tmp_path)[0] == f"r.yaml:4: tags: the tag {tag} is not supported; write plain values"
    )
    assert any(
        f"the tag {tag} is not supported" in one for one in problems_of(SOUND, tmp_path, f"tags={tag} ['{mark}']")
    )
    assert not mark.exists()


def test_an_object_tag_would_have_run_in_another_reader(mark):
    yaml = pytest.importorskip("yaml")
    yaml.unsafe_load(f"!!python/object/apply:os.mkdir ['{mark}']")
    assert mark.exists()


def test_aliases_of_aliases_do_not_fill_the_memory(tmp_path):
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
    started = time.monotonic()
    told = problems_of(SOUND + bomb, tmp_path)
    assert told == ["r.yaml:1: it holds more than 50,000 values, aliases (*name) written out; make it smaller"]
    merges = "".join(f"b{i}: &b{i} {{<<: [{', '.join([f'*b{i - 1}'] * 20)}]}}\n" for i in range(1, 9))
    assert problems_of(SOUND + "b0: &b0 {k: 1}\n" + merges, tmp_path) == told
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x: &a [*a]", "r.yaml:4: x.0: an alias that holds itself never ends; write the value out"),
        ("x: &a {k: *a}", "r.yaml:4: x.k: an alias that holds itself never ends; write the value out"),
        ("x: &a {<<: *a}", "r.yaml:4: x: an alias that holds itself never ends; write the value out"),
        ("x: {<<: &a [*a]}", "r.yaml:4: x: an alias that holds itself never ends; write the value out"),
        ("x: " + "[" * 60 + "]" * 60, "r.yaml:4: nested more than 50 deep"),
        ("x: " + "9" * 5000, "r.yaml:4: x: a number of 5,000 digits; at most 308"),
        ("x: 0x" + "9" * 5000, "r.yaml:4: x: a number of 5,002 digits; at most 308"),
        ("9" * 400 + ": 1", "r.yaml:4: a number of 400 digits; at most 308"),
        (
            'x: "\\ud800"',
            "r.yaml:4: x: holds half a character (a surrogate), which cannot be written to a file; take it",
        ),
    ],
    ids=["list", "mapping", "merge", "merged list", "deep", "digits", "hex digits", "digits as key", "surrogate"],
)
def test_yaml_without_an_end(tmp_path, text, expected):
    assert problems_of(SOUND + text + "\n", tmp_path)[0].startswith(expected)


@pytest.mark.parametrize("text", ["[" * 700, "{a: " * 20_000, "- " * 20_000, "x: &a " * 20_000])
def test_a_deep_recipe_is_refused_at_once(tmp_path, text):
    started = time.monotonic()
    assert problems_of(text, tmp_path)
    assert time.monotonic() - started < 20


def test_a_large_file_is_no_recipe(tmp_path):
    assert problems_of(SOUND + "#" * (1 << 20), tmp_path) == ["r.yaml: larger than 1,048,576 bytes, so it is no recipe"]


def test_a_mapping_within_itself(tmp_path):
    recipe = {"name": "x"}
    recipe["data"] = recipe
    with pytest.raises(RecipeError, match="nested more than 50 deep, or a part of itself"):
        read_sweep(recipe)
    with pytest.raises(RecipeError, match="override data=…: data: nested more than 50 deep, or a part of itself"):
        read_sweep({"name": "x"}, {"data": recipe})
    with pytest.raises(RecipeError, match="a number of more than 308 digits"):
        read_sweep({"name": 10**5000})


def test_the_parser_takes_what_is_just_small_enough():
    from hftk.recipe.places import Place

    value, _, wrong = parse("x: " + "[" * 49 + "]" * 49 + f"\ny: {10**307}\n", Place("x", 1))
    assert not wrong and value["y"] == 10**307


# paths of outputs


NAMES = [
    "../x",
    "..",
    ".",
    "/tmp/x",
    "a/b",
    "a\\b",
    "C:x",
    "con",
    "NUL.txt",
    "com1",
    "x\0y",
    "x\n",
    " x",
    "x ",
    "x.",
    "~",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_one_folder_below_output_dir(tmp_path, name):
    recipe = {"name": name, "data": {"path": "builtin:docstrings"}, "model": {"architecture": "rnn"}}
    for given_recipe, overrides in ((recipe, {}), (recipe | {"name": "x"}, {"name": name})):
        if name == "~":  # an ordinary character here: nothing expands it
            plan = read_sweep(given_recipe, overrides)
            assert (tmp_path / plan.recipe.name).resolve().parent == tmp_path.resolve()
            continue
        with pytest.raises(RecipeError, match="name: .* cannot be a folder's name"):
            read_sweep(given_recipe, overrides)


def test_a_nul_in_output_dir_is_refused():
    recipe = {"name": "x", "data": {"path": "builtin:docstrings"}, "model": {"architecture": "rnn"}}
    with pytest.raises(RecipeError, match="output_dir: "):
        read_sweep(recipe | {"output_dir": "a\0b"})


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(NAMES) | st.text(max_size=80)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)


@settings(max_examples=50, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.dictionaries(st.sampled_from(["data.path", "model.cell", "peft", "x", "../k"]), VALUES), max_size=4))
def test_whatever_is_swept_names_a_folder_inside_the_sweep_s(swept):
    names = [run_name(name, seed=0, seeds=1) for name in setting_names(swept)]
    for name in names:
        assert name == Path(name).name and name not in ("", ".", "..")
        assert not set('/\\:*?"<>|') & set(name) and name.isprintable() and not name.startswith(".")
        assert len(name.encode()) <= 200
        assert (Path("/sweep") / name).resolve().parent == Path("/sweep")
