"""What a trained model says of a few rows, so that a copy of it can be tried elsewhere: reference.json."""

import base64
import copy
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from transformers import BaseImageProcessor, PreTrainedTokenizerBase

    from hftk.data import LabelledData

FILE = "reference.json"
VERSION = 1
ROWS = 8
"""A forward pass each: under a second for a small model, a few seconds for BERT-large on one core."""
TOKENS_KEPT = 64
"""Of a sentence: the logits of so many tokens tell as much as those of all, in a file that stays small."""
INPUTS = ("text", "text_pair", "tokens", "image")
"""What a row may hold besides its logits."""
_LONGEST = 100_000
"""Letters of a text, or words of a sentence, beyond which it is not chosen: the file would be large, and a model reads
its beginning only."""


@dataclass(frozen=True)
class ReferenceInputs:
    """A few rows as a user would give them to the model."""

    task: str
    labels: Sequence[str]
    """id → name."""
    max_length: int | None
    """Tokens, special ones included; None for images."""
    rows: Sequence[Mapping[str, Any]]
    """`text` (and `text_pair`), `tokens` (a list of words), or `image` (a PNG file, in base64)."""
    made: str
    """Where the rows come from, in words."""


def reference_inputs(data: "LabelledData", *, task: str, max_length: int | None) -> ReferenceInputs:
    """At most 8 rows of test (of validation where there is no test): the longest, an empty one, others evenly spread.

    The same data give the same rows.
    """
    split = "test" if "test" in data.splits else "validation"
    rows = data.splits[split]
    chosen = [_inputs(rows[place], data.image_shape) for place in _places(rows)]
    return ReferenceInputs(task, tuple(data.labels), max_length, chosen, made=f"rows of {split}")


def reference_logits(
    model: torch.nn.Module, *, processor: "PreTrainedTokenizerBase | BaseImageProcessor", inputs: ReferenceInputs
) -> list[list[Any]]:
    """Per row the logits of its classes; of a sentence those of each of its first tokens.

    Each row alone, in float32 on the CPU, whatever it was trained on and in: `model` is moved there, and stays. Weights
    are kept in float32 where half precision is trained in, so nothing is lost; what a GPU or half precision gives
    differs from these logits by about 1e-3.
    """
    from accelerate.utils import extract_model_from_parallel

    # without the half precision that the Trainer wraps around it
    plain = extract_model_from_parallel(model, keep_fp32_wrapper=False, keep_torch_compile=False)
    plain = plain.to("cpu").eval()
    reader = copy.deepcopy(processor)  # a fast tokenizer remembers how its last text was cut, and would be saved so
    found = []
    with torch.inference_mode():
        for row in inputs.rows:
            logits = plain(**_encoded(row, reader, max_length=inputs.max_length)).logits[0]
            found.append(_plain(logits[:TOKENS_KEPT] if "tokens" in row else logits))
    return found


def reference_text(
    inputs: ReferenceInputs, logits: Sequence[Any], *, adapter_logits: Sequence[Any] | None = None
) -> str:
    """The content of reference.json. adapter_logits: before an adapter was merged into its model, whose sums then
    differ a little; None where there is no adapter.
    """
    rows = [{**row, "logits": values} for row, values in zip(inputs.rows, logits, strict=True)]
    if adapter_logits is not None:
        rows = [{**row, "adapter_logits": values} for row, values in zip(rows, adapter_logits, strict=True)]
    content = {
        "version": VERSION,
        "made": inputs.made,
        "task": inputs.task,
        "labels": list(inputs.labels),
        "max_length": inputs.max_length,
        "threads": torch.get_num_threads(),  # sums over another number of threads differ in their last digits
        "rows": rows,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def png(pixels: np.ndarray) -> str:
    """An image as a file, in base64. pixels: (height, width, channels) uint8, with 1 or 3 channels."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()


def read_reference(run_folder: Path) -> dict[str, Any] | None:
    """reference.json of a run; None where there is none, none that is whole, or one of another version."""
    try:
        content = json.loads((run_folder / FILE).read_text(encoding="utf-8"))
        rows = content["rows"]
        usable = content["version"] == VERSION and rows and all("logits" in row for row in rows)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return content if usable else None


def _places(rows: Any) -> list[int]:
    """Which rows of a split, in their order; a sentence without a word is no input."""
    if "image" in rows.column_names:
        lengths = np.ones(len(rows), dtype=np.int64)
    else:
        values = rows["tokens"] if "tokens" in rows.column_names else map(str.strip, rows["text"])
        lengths = np.array([len(value) for value in values], dtype=np.int64)
    usable = np.flatnonzero(lengths <= _LONGEST)
    if "tokens" in rows.column_names:
        usable = usable[lengths[usable] > 0]
    if not len(usable):
        return []
    special = [int(usable[lengths[usable].argmax()]), *(int(place) for place in usable[lengths[usable] == 0][:1])]
    spread = usable[np.linspace(0, len(usable) - 1, num=min(ROWS, len(usable)), dtype=np.int64)]
    chosen = list(dict.fromkeys([*special, *map(int, spread)]))[:ROWS]
    return sorted(chosen)


def _inputs(row: Mapping[str, Any], image_shape: tuple[int, int, int] | None) -> dict[str, Any]:
    if "image" in row:
        return {"image": png(np.frombuffer(row["image"], dtype=np.uint8).reshape(image_shape))}
    return {name: row[name] for name in INPUTS if name in row}


def _encoded(row: Mapping[str, Any], processor: Any, *, max_length: int | None) -> Mapping[str, torch.Tensor]:
    """As anyone would call it, and as hftk/hub/clean_process.py does."""
    if "image" in row:
        from PIL import Image

        return processor(Image.open(io.BytesIO(base64.b64decode(row["image"]))), return_tensors="pt")
    cut = {"truncation": True, "max_length": max_length, "return_tensors": "pt"}
    if "tokens" in row:
        return processor(row["tokens"], is_split_into_words=True, **cut)
    return processor(row["text"], row.get("text_pair"), **cut)


def _plain(logits: torch.Tensor) -> list[Any]:
    """Nine digits are a float32 exactly."""
    if logits.ndim > 1:
        return [_plain(one) for one in logits]
    return [float(f"{value:.9g}") for value in logits.tolist()]
