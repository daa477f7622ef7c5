"""Hostile data: real attacks, as in test_models.py."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from hftk.data import load
from hftk.embeddings.files import read_file
from hftk.errors import DataError
from hftk.recipe import schema


def load_data(path: Path | str, **more):
    return load(schema.Data(path=str(path), **more), task="text-classification")


@pytest.mark.parametrize(
    "name", ["rows.pkl", "rows.npz", "rows.npy", "rows.pt", "rows.bin", "rows.csv", "rows.parquet"]
)
def test_pickled_data_is_refused_unread(bomb, mark, tmp_path, name):
    path = tmp_path / name
    if name.endswith(".npz"):
        np.savez(path, text=np.array([bomb], dtype=object))
    elif name.endswith(".pt"):
        torch.save(bomb, path)
    else:
        path.write_bytes(pickle.dumps(bomb))
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


def test_datasets_reader_of_pickles_is_of_no_use(bomb, mark, tmp_path):
    path = tmp_path / "rows.pkl"
    path.write_bytes(pickle.dumps(bomb))
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


def test_an_arrow_file_cannot_have_a_pickle_run(bomb, mark, tmp_path):
    """pa.PyExtensionType of pyarrow before 14: its metadata were a pickle, run when a file was opened."""
    told = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": pickle.dumps(bomb)}
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
def test_pickled_word_vectors_are_refused_unread(bomb, mark, tmp_path, kind):
    path = tmp_path / "vectors.bin"
    if kind == "npy":
        with path.open("wb") as file:
            np.save(file, np.array([bomb], dtype=object), allow_pickle=True)
    elif kind == "torch":
        torch.save(bomb, path)
    else:
        path.write_bytes(pickle.dumps(bomb, protocol=int(kind[-1])))
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
