"""Texts → token ids, once per (data, tokenizer, max_length): kept on disk by content and memory-mapped afterwards."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hftk.data.cache import cache_folder
from hftk.data.text import TextData
from hftk.errors import DataError

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa
    from transformers import BatchEncoding, PreTrainedTokenizerBase

# raise when what is stored, or how, changes
_FORMAT = 1
# rows per call: enough to occupy the tokenizer's threads, few enough to stay small in memory
_BATCH = 2000
_INDEX = "tokens.json"


@dataclass(frozen=True)
class TokenizedSplit:
    dataset: "datasets.Dataset"
    """Columns: those of the tokenizer's model_input_names (int32 and int8 lists), labels (int64)."""
    lengths: np.ndarray
    """int32 (rows): tokens per row, special tokens included."""
    truncated: int
    """Rows that were longer than max_length."""


def tokenize(
    data: TextData, tokenizer: "PreTrainedTokenizerBase", max_length: int, cache_dir: Path | None = None
) -> dict[str, TokenizedSplit]:
    """Every split's token ids, at most `max_length` per row; of a pair the longer text is cut first.

    Kept below `cache_dir` (default: $HFTK_CACHE, or ~/.cache/hftk), or in memory where that cannot be written. Raises
    DataError where special tokens alone fill `max_length`.
    """
    pairs = "text_pair" in data.splits["train"].column_names
    special = tokenizer.num_special_tokens_to_add(pair=pairs)
    if max_length <= special:
        raise DataError(f"data.max_length: {max_length} leaves no room for text beside {special} special tokens")
    folder = (cache_dir or cache_folder()) / "tokens" / _key(data, tokenizer, max_length)
    stored = _read(folder)
    if stored is None:
        made = {name: _tokenize_split(rows, tokenizer, max_length) for name, rows in data.splits.items()}
        stored = (_write(folder, made) and _read(folder)) or made
    return {name: _as_split(table, truncated) for name, (table, truncated) in stored.items()}


def decoded_example(row: Mapping[str, Any], tokenizer: "PreTrainedTokenizerBase") -> str:
    """A row of a tokenized split as the model sees it, special tokens shown."""
    return tokenizer.decode(row["input_ids"], skip_special_tokens=False)


def _tokenize_split(
    rows: "datasets.Dataset", tokenizer: "PreTrainedTokenizerBase", max_length: int
) -> tuple["pa.Table", int]:
    """The Arrow table of a split, and how many of its rows were cut."""
    import pyarrow as pa

    batches, truncated = [], 0
    with _settings_restored(tokenizer):
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            texts, pairs = batch["text"], batch.get("text_pair")
            coded = tokenizer(texts, pairs, truncation="longest_first", max_length=max_length, padding=False)
            columns = {name: coded[name] for name in tokenizer.model_input_names if name in coded}
            truncated += _count_cut(coded, texts, pairs, tokenizer, max_length)
            arrays = {
                name: pa.array(values, pa.list_(pa.int32() if name == "input_ids" else pa.int8()))
                for name, values in columns.items()
            }
            batches.append(pa.table(arrays | {"labels": pa.array(batch["label"], pa.int64())}))
    return pa.concat_tables(batches), truncated


def _count_cut(
    coded: "BatchEncoding",
    texts: list[str],
    pairs: list[str] | None,
    tokenizer: "PreTrainedTokenizerBase",
    max_length: int,
) -> int:
    """How many rows lost tokens; a row of exactly max_length tokens did not."""
    if coded.encodings is not None:
        return sum(bool(encoding.overflowing) for encoding in coded.encodings)
    uncut = tokenizer(texts, pairs, truncation=False, padding=False, verbose=False)
    return sum(len(ids) > max_length for ids in uncut["input_ids"])


@contextmanager
def _settings_restored(tokenizer: "PreTrainedTokenizerBase") -> Iterator[None]:
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


def _key(data: TextData, tokenizer: "PreTrainedTokenizerBase", max_length: int) -> str:
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
        "class": type(tokenizer).__qualname__,
        "content": content,
        "special_tokens": tokenizer.special_tokens_map,
        "inputs": tokenizer.model_input_names,
        "truncation_side": tokenizer.truncation_side,
    }
    return sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()


def _write(folder: Path, made: Mapping[str, tuple["pa.Table", int]]) -> bool:
    """Stores all splits beside `folder` and renames, so that it is always whole. False: it cannot be written."""
    import pyarrow as pa

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f"{folder.name[:16]}-", dir=folder.parent))
    except OSError:
        return False
    try:
        index = {}
        for name, (table, truncated) in made.items():
            with (
                pa.OSFile(str(beside / f"{name}.arrow"), "wb") as file,
                pa.ipc.new_stream(file, table.schema) as stream,
            ):
                stream.write_table(table)
            index[name] = {"truncated": truncated, "sha256": _file_hash(beside / f"{name}.arrow")}
        (beside / _INDEX).write_text(json.dumps(index), encoding="utf-8")
        try:
            beside.rename(folder)
        except OSError:
            # another process was faster; what it wrote has the same content, and is checked when read
            return folder.is_dir()
        return True
    except OSError:
        return False
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _read(folder: Path) -> dict[str, tuple["pa.Table", int]] | None:
    """What `_write` stored, memory-mapped; None, and nothing left there, if it is not whole."""
    import pyarrow as pa

    if not folder.is_dir():
        return None
    try:
        stored = {}
        for name, entry in json.loads((folder / _INDEX).read_text(encoding="utf-8")).items():
            file = folder / f"{name}.arrow"
            if _file_hash(file) != entry["sha256"]:
                raise ValueError(f"{file} is damaged")
            stored[name] = (pa.ipc.open_stream(pa.memory_map(str(file))).read_all(), int(entry["truncated"]))
        return stored
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException):
        # renamed first, so that no other process finds a half-emptied folder under the name
        damaged = Path(tempfile.mkdtemp(prefix="damaged-", dir=folder.parent))
        try:
            folder.rename(damaged / "tokens")
        except OSError:
            pass
        shutil.rmtree(damaged, ignore_errors=True)
        return None


def _file_hash(file: Path) -> str:
    digest = sha256()
    with file.open("rb") as content:
        while block := content.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _as_split(table: "pa.Table", truncated: int) -> TokenizedSplit:
    import datasets
    import pyarrow.compute as pc

    lengths = pc.list_value_length(table["input_ids"]).to_numpy().astype(np.int32)
    return TokenizedSplit(datasets.Dataset(datasets.table.InMemoryTable(table)), lengths, truncated)
