import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import ByT5Tokenizer, PreTrainedTokenizerFast

from hftk.data import tokens
from hftk.data.labelled import labelled_data
from hftk.data.rows import Rows
from hftk.data.tokens import decoded_example, tokenize
from hftk.errors import DataError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "d"]


@pytest.fixture
def tokenizer():
    return make_tokenizer()


def make_tokenizer(words=WORDS):
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_input_names=inputs, **names)


def make_data(texts=("a b c d", "a b c d a", "", "a"), pairs=None):
    rows = Rows(
        list(range(len(texts))),
        ["t"] * len(texts),
        [None] * len(texts),
        {"text": list(texts)} | ({"text_pair": pairs} if pairs else {}),
        [i % 2 for i in range(len(texts))],
    )
    return labelled_data({"train": rows, "validation": rows.take([0])}, ["x", "y"], rows_before={}, notices=[])


def rows_of(split):
    """Every row without padding: column → list of its numbers, or its label."""
    return [{name: values.tolist() for name, values in split[row].items()} for row in range(len(split))]


def ids_of(split):
    return [row["input_ids"] for row in rows_of(split)]


def test_ids_lengths_and_what_was_cut(tokenizer, tmp_path):
    split = tokenize(make_data(), tokenizer, 6, cache_dir=tmp_path)["train"]
    assert ids_of(split) == [[2, 4, 5, 6, 7, 3], [2, 4, 5, 6, 7, 3], [2, 3], [2, 4, 3]]
    assert split.label_ids().tolist() == [0, 1, 0, 1]
    assert [row["labels"] for row in rows_of(split)] == [0, 1, 0, 1]
    assert set(split[0]) == {"input_ids", "token_type_ids", "attention_mask", "labels"}
    assert split[1]["attention_mask"].tolist() == [1] * 6
    assert split.lengths.dtype == np.int32 and split.lengths.tolist() == [6, 6, 2, 3]
    # six tokens fit into six
    assert split.truncated == 1


def test_columns_are_those_that_the_model_takes(tokenizer, tmp_path):
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    assert set(tokenize(make_data(), tokenizer, 6, cache_dir=tmp_path)["train"][0]) == {
        "input_ids",
        "attention_mask",
        "labels",
    }


def test_of_a_pair_the_longer_text_is_cut_first(tokenizer, tmp_path):
    split = tokenize(make_data(["a b c d a b", "a"], ["c", "d"]), tokenizer, 7, cache_dir=tmp_path)["train"]
    assert ids_of(split) == [[2, 4, 5, 6, 3, 6, 3], [2, 4, 3, 7, 3]]
    assert split[0]["token_type_ids"].tolist() == [0, 0, 0, 0, 0, 1, 1]
    assert split.truncated == 1


@pytest.mark.parametrize("pairs", [None, ["b c d", "b c", "", "a a a a a a a a a"]])
@pytest.mark.parametrize("max_length", [4, 5, 6, 7, 50])
def test_the_count_of_cut_rows_is_exact_for_fast_and_slow(tokenizer, tmp_path, pairs, max_length):
    data = make_data(pairs=pairs)
    for each in (tokenizer, ByT5Tokenizer()):
        uncut = each(data.splits["train"]["text"][:], pairs)["input_ids"]
        split = tokenize(data, each, max_length, cache_dir=tmp_path)["train"]
        assert split.truncated == sum(len(ids) > max_length for ids in uncut)
        assert split.lengths.tolist() == [min(len(ids), max_length) for ids in uncut]


def test_a_batch_boundary_changes_nothing(tokenizer, tmp_path, monkeypatch):
    whole = tokenize(make_data(), tokenizer, 6, cache_dir=tmp_path / "a")["train"]
    monkeypatch.setattr(tokens, "_BATCH", 3)
    parts = tokenize(make_data(), tokenizer, 6, cache_dir=tmp_path / "b")["train"]
    assert rows_of(parts) == rows_of(whole) and parts.truncated == whole.truncated


@pytest.mark.parametrize(("pairs", "special"), [(None, 2), (["b"] * 4, 3)])
def test_no_room_for_text(tokenizer, tmp_path, pairs, special):
    with pytest.raises(
        DataError, match=rf"^data\.max_length: {special} leaves no room for text beside {special} special"
    ):
        tokenize(make_data(pairs=pairs), tokenizer, special, cache_dir=tmp_path)


def test_the_tokenizer_is_left_as_it_was(tokenizer, tmp_path):
    before = tokenizer.backend_tokenizer.to_str()
    tokenize(make_data(), tokenizer, 4, cache_dir=tmp_path / "a")
    assert tokenizer.backend_tokenizer.to_str() == before
    tokenizer.backend_tokenizer.enable_truncation(5, stride=1)
    tokenizer.backend_tokenizer.enable_padding(length=9)
    before = tokenizer.backend_tokenizer.to_str()
    tokenize(make_data(), tokenizer, 4, cache_dir=tmp_path / "b")
    assert tokenizer.backend_tokenizer.to_str() == before


def test_a_second_call_reads_what_the_first_wrote(tokenizer, tmp_path, monkeypatch):
    first = tokenize(make_data(), tokenizer, 6, cache_dir=tmp_path)
    # what a call leaves in the tokenizer is no other tokenizer
    tokenizer(["a", "b c"], padding=True, truncation=True, max_length=3)
    monkeypatch.setattr(tokens, "_tokenize_split", None)
    second = tokenize(make_data(), make_tokenizer(), 6, cache_dir=tmp_path)
    for split in first:
        assert rows_of(second[split]) == rows_of(first[split])
        assert second[split].truncated == first[split].truncated
        assert second[split].lengths.tolist() == first[split].lengths.tolist()
    assert [path.name for path in (tmp_path / "tokens").glob("*/*")].count("tokens.json") == 1


def test_whatever_decides_the_tokens_has_its_own_entry(tokenizer, tmp_path):
    def entries():
        return len(list((tmp_path / "tokens").iterdir()))

    other_side = make_tokenizer()
    other_side.truncation_side = "left"
    for data, each, length in [
        (make_data(), tokenizer, 6),
        (make_data(), tokenizer, 5),
        (make_data(["a"]), tokenizer, 6),
        (make_data(), make_tokenizer(WORDS[:4] + WORDS[:3:-1]), 6),
        (make_data(), other_side, 6),
        (make_data(), ByT5Tokenizer(), 6),
        (make_data(), ByT5Tokenizer(extra_ids=5), 6),
    ]:
        before = entries() if (tmp_path / "tokens").is_dir() else 0
        tokenize(data, each, length, cache_dir=tmp_path)
        assert entries() == before + 1


@pytest.mark.parametrize("damage", ["cut", "flip", "index", "missing"])
def test_a_damaged_entry_is_made_anew(tokenizer, tmp_path, damage):
    first = rows_of(tokenize(make_data(), tokenizer, 6, cache_dir=tmp_path)["train"])
    (entry,) = (tmp_path / "tokens").iterdir()
    file = entry / "train.arrow"
    content = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif damage == "index":
        (entry / "tokens.json").write_text("[]")
    else:
        file.unlink()
    assert rows_of(tokenize(make_data(), tokenizer, 6, cache_dir=tmp_path)["train"]) == first
    assert tokens._read(entry) is not None
    assert list((tmp_path / "tokens").iterdir()) == [entry]


def test_two_processes_at_once(tmp_path):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        both = pool.map(_tokenize_elsewhere, [tmp_path] * 2, chunksize=1)
    alone = tokenize(make_data(), make_tokenizer(), 6, cache_dir=tmp_path)["train"]
    assert both[0] == both[1] == ids_of(alone)
    assert len(list((tmp_path / "tokens").iterdir())) == 1


def _tokenize_elsewhere(folder):
    return ids_of(tokenize(make_data(), make_tokenizer(), 6, cache_dir=folder)["train"])


def test_a_process_that_comes_second_keeps_the_first_ones_entry(tokenizer, tmp_path):
    tokenize(make_data(), tokenizer, 6, cache_dir=tmp_path)
    (entry,) = (tmp_path / "tokens").iterdir()
    made = {name: tokens._tokenize_split(rows, tokenizer, 6) for name, rows in make_data().splits.items()}
    assert tokens._write(entry, made)
    assert list((tmp_path / "tokens").iterdir()) == [entry]


def test_where_nothing_can_be_written_it_works_in_memory(tokenizer, tmp_path):
    (tmp_path / "file").write_text("in the way")
    split = tokenize(make_data(), tokenizer, 6, cache_dir=tmp_path / "file")["train"]
    assert split.truncated == 1 and len(split) == 4


def test_the_default_folder(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setenv("HFTK_CACHE", str(tmp_path / "own"))
    tokenize(make_data(), tokenizer, 6)
    assert (tmp_path / "own" / "tokens").is_dir()
    monkeypatch.delenv("HFTK_CACHE")
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path)
    tokenize(make_data(), tokenizer, 6)
    assert (tmp_path / ".cache" / "hftk" / "tokens").is_dir()


def test_decoded_example(tokenizer, tmp_path):
    split = tokenize(make_data(["a b z"]), tokenizer, 6, cache_dir=tmp_path)["train"]
    assert decoded_example(split[0], tokenizer) == "[CLS] a b [UNK] [SEP]"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_processes_forked_later_do_not_warn(tmp_path):
    code = (
        "import os, sys; sys.path[:0] = [sys.argv[1], sys.argv[3]]\n"
        "from test_tokens import make_data, make_tokenizer, tokenize\n"
        "import pathlib\n"
        "t = make_tokenizer(); tokenize(make_data(['a b'] * 50), t, 6, cache_dir=pathlib.Path(sys.argv[2]))\n"
        "pid = os.fork()\n"
        "if not pid: t('a'); os._exit(0)\n"
        "os.waitpid(pid, 0)\n"
    )
    here = os.path.dirname(__file__)
    environment = {name: value for name, value in os.environ.items() if name != "TOKENIZERS_PARALLELISM"}
    root = os.path.dirname(os.path.dirname(here))
    done = subprocess.run(
        [sys.executable, "-c", code, here, str(tmp_path), root], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "TOKENIZERS_PARALLELISM" not in done.stderr


def test_lengths_before_cutting(tokenizer, tmp_path):
    data = make_data()
    for cache in (tmp_path / "a", tmp_path / "a"):  # made, then read
        split = tokenize(data, tokenizer, 5, cache_dir=cache)["train"]
        assert split.lengths.tolist() == [5, 5, 2, 3]
        assert split.item_lengths().tolist() == [6, 7, 2, 3]
        assert split.select(np.array([1, 0])).item_lengths().tolist() == [7, 6]
    assert split.token_ids().tolist() == [2, 4, 5, 6, 3, 2, 4, 5, 6, 3, 2, 3, 2, 4, 3]


def test_lengths_of_pairs_before_cutting(tokenizer, tmp_path):
    texts, pairs = ["a b c d a", "a", "a b"], ["b c", "a b c d", "c"]
    split = tokenize(make_data(texts, pairs), tokenizer, 6, cache_dir=tmp_path)["train"]
    uncut = tokenizer(texts, pairs, truncation=False)["input_ids"]
    assert split.item_lengths().tolist() == [len(ids) for ids in uncut] == [10, 8, 6]
    assert split.truncated == 2
