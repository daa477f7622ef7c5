"""Texts → token ids, once per (data, tokenizer, max_length): kept on disk by content and memory-mapped afterwards."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hftk.data.cache import cache_folder, discard_entry, file_hash, write_entry
from hftk.data.encoded import IGNORED_LABEL, TokenRows, in_one_piece
from hftk.data.labelled import LabelledData
from hftk.data.tagged import tagged_rows
from hftk.errors import DataError

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa
    from transformers import BatchEncoding, PreTrainedTokenizerBase

# raise when what is stored, or how, changes
_FORMAT = 4
# rows per call: enough to occupy the tokenizer's threads, few enough to stay small in memory
_BATCH = 2000
_INDEX = "tokens.json"
# tokens of each row's text before it was cut
_WHOLE = "whole_length"


def tokenize(
    data: LabelledData,
    tokenizer: "PreTrainedTokenizerBase",
    max_length: int,
    *,
    tag_piece: str = "first",
    cache_dir: Path | None = None,
) -> dict[str, TokenRows]:
    """Every split's token ids, at most `max_length` per row; of a pair the longer text is cut first.

    A tagged sentence that is longer becomes several rows, so that each of its words is trained on or judged; a word of
    several pieces has its tag on its `tag_piece`, first or last. Kept below `cache_dir` (default: $HFTK_CACHE, or
    ~/.cache/hftk), or in memory where that cannot be written. Raises DataError where special tokens alone fill
    `max_length`.
    """
    import pyarrow as pa

    columns = data.splits["train"].column_names
    special = tokenizer.num_special_tokens_to_add(pair="text_pair" in columns)
    if max_length <= special:
        raise DataError(f"data.max_length: {max_length} leaves no room for text beside {special} special tokens")
    tagging = "tokens" in columns
    folder = (cache_dir or cache_folder()) / "tokens" / _key(data, tokenizer, max_length, tag_piece if tagging else "")
    stored = _read(folder)
    if stored is None:
        made = {}
        with settings_restored(tokenizer):
            for name, rows in data.splits.items():
                if tagging:
                    lists, cut = tagged_rows(rows, tokenizer, max_length, tag_piece=tag_piece)
                    whole = _sentence_lengths(lists["labels"], lists["input_ids"], rows["tokens"], special)
                    arrays = {column: _lists(values) for column, values in lists.items()}
                    made[name] = pa.table(arrays | {_WHOLE: pa.array(whole, pa.int32())}), cut
                else:
                    made[name] = _tokenize_split(rows, tokenizer, max_length)
        stored = (_write(folder, made) and _read(folder)) or made
    return {name: _as_split(table, truncated, tokenizer) for name, (table, truncated) in stored.items()}


def decoded_example(row: Mapping[str, Any], tokenizer: "PreTrainedTokenizerBase") -> str:
    """A row of a tokenized split as the model sees it, special tokens shown."""
    return tokenizer.decode(row["input_ids"], skip_special_tokens=False)


def _tokenize_split(
    rows: "datasets.Dataset", tokenizer: "PreTrainedTokenizerBase", max_length: int
) -> tuple["pa.Table", int]:
    """The Arrow table of a split, and how many of its rows were cut."""
    import pyarrow as pa

    batches, truncated = [], 0
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        texts, pairs = batch["text"], batch.get("text_pair")
        coded = tokenizer(texts, pairs, truncation="longest_first", max_length=max_length, padding=False)
        whole = _whole_lengths(coded, texts, pairs, tokenizer)
        truncated += int((whole > max_length).sum())
        arrays = {name: _lists(coded[name]) for name in tokenizer.model_input_names if name in coded}
        arrays.pop("attention_mask", None)  # 1 for each token: made with the batch
        told = {"labels": pa.array(batch["label"], pa.int64()), _WHOLE: pa.array(whole, pa.int32())}
        batches.append(pa.table(arrays | told))
    return pa.concat_tables(batches), truncated


def _lists(values: list[list[int]]) -> "pa.Array":
    """(rows,): the numbers of each row."""
    import pyarrow as pa

    return pa.array(values, pa.large_list(pa.int32()))


def _whole_lengths(
    coded: "BatchEncoding", texts: list[str], pairs: list[str] | None, tokenizer: "PreTrainedTokenizerBase"
) -> np.ndarray:
    """(rows,) tokens of each row, special ones included, had it not been cut; what was cut is tokenized once more."""
    whole = np.array([len(ids) for ids in coded["input_ids"]], dtype=np.int32)
    if coded.encodings is not None:
        cut = [number for number, encoding in enumerate(coded.encodings) if encoding.overflowing]
    else:
        cut = list(range(len(texts)))
    if cut:
        chosen = None if pairs is None else [pairs[number] for number in cut]
        uncut = tokenizer([texts[number] for number in cut], chosen, truncation=False, padding=False, verbose=False)
        whole[cut] = [len(ids) for ids in uncut["input_ids"]]
    return whole


def _sentence_lengths(
    labels: list[list[int]], ids: list[list[int]], sentences: list[list[str]], special: int
) -> list[int]:
    """Per part of a sentence the tokens of the whole sentence. labels, ids: per part; sentences: the words of each."""
    lengths, parts = [], iter(range(len(ids)))
    for words in sentences:
        mine, seen = [], 0
        while not mine or seen < len(words):  # a sentence without words is one part too
            mine.append(next(parts))
            seen += sum(label != IGNORED_LABEL for label in labels[mine[-1]])
        whole = sum(len(ids[part]) for part in mine) - special * (len(mine) - 1)
        lengths += [whole] * len(mine)
    return lengths


@contextmanager
def settings_restored(tokenizer: "PreTrainedTokenizerBase") -> Iterator[None]:
    """A fast tokenizer remembers the last call's truncation and padding, and would be saved with them."""
    # without a word of the user's, tokenizers warns in every process forked after its threads ran
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    backend = tokenizer.backend_tokenizer if tokenizer.is_fast else None
    before = (backend.truncation, backend.padding) if backend else (None, None)
    try:
        yield
    finally:
        if backend:
            truncation, padding = before
            backend.enable_truncation(**truncation) if truncation else backend.no_truncation()
            backend.enable_padding(**padding) if padding else backend.no_padding()


def _key(data: LabelledData, tokenizer: "PreTrainedTokenizerBase", max_length: int, tag_piece: str) -> str:
    """sha256 (hex) of everything that decides the tokens."""
    import tokenizers
    import transformers

    if tokenizer.is_fast:
        content = json.loads(tokenizer.backend_tokenizer.to_str())
        # states of the last call, not of the tokenizer
        del content["truncation"], content["padding"]
    else:
        content = {"vocab": tokenizer.get_vocab(), "init": tokenizer.init_kwargs}
    decides = {
        "format": _FORMAT,
        "versions": [transformers.__version__, tokenizers.__version__],
        "data": data.fingerprint,
        "max_length": max_length,
        "tag_piece": tag_piece,
        "class": type(tokenizer).__qualname__,
        "content": content,
        "special_tokens": tokenizer.special_tokens_map,
        "inputs": tokenizer.model_input_names,
        "truncation_side": tokenizer.truncation_side,
    }
    return sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()


def _write(folder: Path, made: Mapping[str, tuple["pa.Table", int]]) -> bool:
    """Stores all splits as one entry of the cache. False: it cannot be written."""
    import pyarrow as pa

    def fill(beside: Path) -> None:
        index = {}
        for name, (table, truncated) in made.items():
            file = beside / f"{name}.arrow"
            with pa.OSFile(str(file), "wb") as opened, pa.ipc.new_stream(opened, table.schema) as stream:
                stream.write_table(table.combine_chunks())  # one batch: its arrays are read as they lie on the disk
            index[name] = {"truncated": truncated, "sha256": file_hash(file)}
        content = {"splits": index, "checksum": _checksum(index)}
        (beside / _INDEX).write_text(json.dumps(content), encoding="utf-8")

    return write_entry(folder, fill)


def _read(folder: Path) -> dict[str, tuple["pa.Table", int]] | None:
    """What `_write` stored, memory-mapped; None, and nothing left there, if it is not whole."""
    import pyarrow as pa

    if not folder.is_dir():
        return None
    try:
        stored = {}
        content = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        if _checksum(content["splits"]) != content["checksum"]:
            raise ValueError(f"{folder / _INDEX} is damaged")
        for name, entry in content["splits"].items():
            file = folder / f"{name}.arrow"
            if file_hash(file) != entry["sha256"]:
                raise ValueError(f"{file} is damaged")
            stored[name] = (pa.ipc.open_stream(pa.memory_map(str(file))).read_all(), int(entry["truncated"]))
        return stored
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException):
        discard_entry(folder)
        return None


def _checksum(index: Mapping[str, Any]) -> str:
    return sha256(json.dumps(index).encode()).hexdigest()


def _as_split(table: "pa.Table", truncated: int, tokenizer: "PreTrainedTokenizerBase") -> TokenRows:
    """The table's arrays without a copy, as far as they lie in one piece."""
    import pyarrow as pa

    per_token = pa.types.is_large_list(table.schema.field("labels").type)
    columns = {name: in_one_piece(table[name]) for name in table.column_names}
    if len(table) == 0:
        raise DataError("data: a split without a row cannot be tokenized")
    lists = {name: column for name, column in columns.items() if pa.types.is_large_list(column.type)}
    starts = lists["input_ids"].offsets.to_numpy()
    values = {name: column.values.to_numpy() for name, column in lists.items()}
    labels = values.pop("labels") if per_token else columns["labels"].to_numpy()
    padding = {"input_ids": tokenizer.pad_token_id, "token_type_ids": tokenizer.pad_token_type_id}
    return TokenRows(
        values=values,
        padding={name: padding.get(name, 0) for name in values},
        starts=starts[:-1],
        lengths=np.diff(starts).astype(np.int32),
        labels=labels,
        per_token=per_token,
        attention_mask="attention_mask" in tokenizer.model_input_names,
        padding_side=tokenizer.padding_side,
        truncated=truncated,
        whole_lengths=columns[_WHOLE].to_numpy(),
    )
