from types import SimpleNamespace

import datasets
import huggingface_hub
import pytest
from datasets.exceptions import DatasetNotFoundError

from hftk.data import builtin, loading
from hftk.errors import DataError

COMMIT = "0123456789abcdef" * 2 + "01234567"
ROWS = [{"text": f"film {i}", "label": i % 2} for i in range(40)]
FEATURES = datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=["neg", "pos"]))


@pytest.fixture
def hub(monkeypatch):
    """A Hub that answers: what datasets was asked for, and what it gives back or raises."""
    asked = []

    def answer(with_):
        def load_dataset_builder(*args, **keys):
            asked.append((args, keys))
            if isinstance(with_, Exception):
                raise with_
            return SimpleNamespace(hash=COMMIT, download_and_prepare=lambda: None, as_dataset=lambda: with_)

        monkeypatch.setattr(loading.reaching, "reachable", lambda: True)
        monkeypatch.setattr(datasets, "load_dataset_builder", load_dataset_builder)
        return asked

    return answer


def two_splits():
    rows = datasets.Dataset.from_list(ROWS, features=FEATURES)
    return datasets.DatasetDict(train=rows, test=rows.select(range(10)))


def test_a_hub_id_goes_to_load_dataset(folder, hub, load_data):
    asked = hub(two_splits())
    data = load_data(path="owner/set", name="en", revision="abc", data_files={"train": "a.csv"})
    assert asked == [(("owner/set", "en"), {"revision": "abc", "data_files": {"train": "a.csv"}})]
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 36, "validation": 4, "test": 10}
    assert data.labels == ["neg", "pos"]
    assert set(data.splits["test"]["source"]) == {"test"}
    assert data.commit == COMMIT


def test_the_cache_holds_another_commit_than_the_one_asked_for(folder, hub, load_data):
    hub(two_splits())
    other = COMMIT[::-1]
    with pytest.raises(
        DataError, match=rf"^data\.revision: {other} of owner/set is not in the cache .* holds {COMMIT}"
    ):
        load_data(path="owner/set", revision=other)


def test_rows_selected_in_memory_keep_their_order(folder, hub, load_data):
    rows = datasets.Dataset.from_list(ROWS, features=FEATURES)
    hub(datasets.DatasetDict(train=rows.select(range(20, 40)), validation=rows.select([3, 1])))
    assert load_data(path="owner/set").splits["validation"]["text"][:] == ["film 3", "film 1"]


def test_a_local_file_beside_a_hub_set(reviews, hub, load_data):
    reviews("mine.csv")
    hub(
        datasets.DatasetDict(
            train=datasets.Dataset.from_list([{"text": f"{i}", "label": "good bad".split()[i % 2]} for i in range(9)])
        )
    )
    data = load_data(path="owner/set", splits={"train": "train", "validation": 0.5, "test": "mine.csv"})
    assert set(data.splits["test"]["source"]) == {"mine.csv"}


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            DatasetNotFoundError("x"),
            r"^data\.path: there is no file or folder owner/set here, and no such data set on the Hub",
        ),
        (
            ConnectionError("x"),
            r"^data\.path: the Hub cannot be reached .* use a local copy: data\.path: <file or folder>$",
        ),
        (
            ValueError("Config name is missing. Pick one: en, ko"),
            r"^data\.name: load_dataset cannot load owner/set: Config",
        ),
        (
            RuntimeError("Dataset scripts are no longer supported"),
            r"^data\.path: load_dataset cannot load owner/set: Dat",
        ),
    ],
)
def test_what_the_hub_refuses(folder, hub, load_data, error, message):
    hub(error)
    with pytest.raises(DataError, match=message):
        load_data(path="owner/set")


@pytest.mark.parametrize("offline", [True, False])
def test_no_hub_is_told_at_once(folder, monkeypatch, load_data, offline):
    if not offline:
        # as where a network is missing, and nobody said so
        def no_network(*args, **keys):
            raise OSError("Name or service not known")

        monkeypatch.setattr(huggingface_hub, "get_session", no_network)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    loading.reaching.reachable.cache_clear()
    with pytest.raises(
        DataError, match=r"^data\.path: the Hub cannot be reached .*, owner/set \(en\) at abc is not in its"
    ):
        load_data(path="owner/set", name="en", revision="abc")
    assert huggingface_hub.constants.HF_HUB_OFFLINE is offline


def test_saved_to_disk(folder, load_data):
    two_splits().save_to_disk("many")
    two_splits()["train"].save_to_disk("one")
    assert len(load_data(path="many").splits["test"]) == 10
    assert load_data(path="one").rows_before == {"train": 32, "validation": 4, "test": 4}
    (folder / "many" / "train" / "state.json").unlink()
    with pytest.raises(DataError, match=r"^data\.path: many cannot be loaded from disk \("):
        load_data(path="many")


def test_shards_of_one_split_belong_together(folder, load_data):
    for i in range(2):
        datasets.Dataset.from_list(ROWS[i * 20 : i * 20 + 20]).to_parquet(f"set/train-0000{i}-of-00002.parquet")
    datasets.Dataset.from_list(ROWS[:4]).to_parquet("set/test-00000-of-00001.parquet")
    data = load_data(path="set")
    assert data.rows_before == {"train": 36, "validation": 4, "test": 4}
    assert set(data.splits["train"]["source"]) == {"train-00000-of-00002.parquet", "train-00001-of-00002.parquet"}


def test_data_files_of_a_folder(reviews, load_data):
    for name in ("a/one.csv", "b/one.csv", "c/two.csv"):
        reviews(f"set/{name}")
    data = load_data(path="set", data_files={"train": ["a/*.csv", "b/one.csv"], "validation": "c/two.csv"})
    assert data.rows_before == {"train": 80, "validation": 40}
    assert set(data.splits["train"]["source"]) == {"a/one.csv", "b/one.csv"}
    assert len(load_data(path="set", data_files="a/*.csv").splits["train"]) == 32
    with pytest.raises(DataError, match=r"^data\.data_files: no file x\.csv in set$"):
        load_data(path="set", data_files="x.csv")


def test_builtin(monkeypatch, load_data):
    rows = datasets.Dataset.from_list([{"text": f"t{i}", "label": "ab"[i % 2], "module": "m"} for i in range(8)])
    sets = datasets.DatasetDict(train=rows, validation=rows.select([0]), test=rows.select([1]))
    monkeypatch.setattr(builtin, "load_builtin", lambda name: {"docstrings": sets}[name])
    assert load_data(path="builtin:docstrings").labels == ["a", "b"]


def test_an_unknown_builtin(load_data):
    with pytest.raises(DataError, match=r"^data\.path: builtin:nothing: no such data set; allowed: docstrings"):
        load_data(path="builtin:nothing")


@pytest.mark.parametrize("path", ["reviws.csv", "./reviews", "a/b/c", "/no/such", "~/no/such/file"])
def test_a_local_path_that_is_not_there(reviews, load_data, path):
    reviews()
    with pytest.raises(
        DataError, match=r"^data\.path: there is no file or folder .* \(in /.*\)(; did you mean reviews\.csv\?)?$"
    ):
        load_data(path=path)


def test_a_folder_without_data(write, load_data):
    write("set/README.md", "x")
    with pytest.raises(
        DataError, match=r"^data\.path: no data file in the folder set; it holds: README\.md\. Can be read for text-cl"
    ):
        load_data(path="set")


@pytest.mark.parametrize(
    ("path", "keys", "message"),
    [
        ("reviews.csv", {"name": "en"}, r"^data\.name: has no effect on a local file \(reviews\.csv\); take it out$"),
        (".", {"revision": "abc"}, r"^data\.revision: has no effect on a local folder \(\.\)"),
        ("builtin:docstrings", {"data_files": "x"}, r"^data\.data_files: has no effect on a builtin data set"),
        (
            "builtin:docstrings",
            {"encoding": "cp949"},
            r"^data\.encoding: is for local csv .* no effect on builtin:docs",
        ),
        ("owner/set", {"delimiter": ";"}, r"^data\.delimiter: .*no effect on owner/set, a data set of the Hub"),
    ],
)
def test_keys_without_effect_are_refused(reviews, load_data, path, keys, message):
    reviews()
    with pytest.raises(DataError, match=message):
        load_data(path=path, **keys)
