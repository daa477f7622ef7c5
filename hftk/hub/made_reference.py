"""A reference for a run that an earlier hftk left without one: what its model folder says of made-up inputs."""

import json
import random
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hftk.prediction.chosen import ChosenModel

_MADE = "made-up inputs"
_LENGTHS = (0, 1, 2, 5, 12, 30, 80)
"""Tokens; the longest input has one more than the model takes."""


def make_reference(run_folder: Path) -> tuple[dict[str, Any], str]:
    """The reference, which is left in the run's folder where that can be written, and what is to be said of it.

    It tells whether a copy says what the model folder says now; not whether that is what was trained. The inputs are
    drawn from the tokenizer's vocabulary, or are noise for images: the same each time. Raises HftkError where the
    model folder cannot be loaded.
    """
    from hftk.prediction.chosen import choose_model
    from hftk.prediction.loading import load_predictor
    from hftk.training.processes import quiet_libraries
    from hftk.training.reference import FILE, ReferenceInputs, reference_logits, reference_text

    quiet_libraries()
    chosen = choose_model(str(run_folder), trust_remote_code=False, revision=None)
    loaded = load_predictor(chosen)
    rows = _rows(chosen, loaded.network.config, loaded.processor, max_length=loaded.max_length)
    inputs = ReferenceInputs(chosen.task, tuple(chosen.labels), loaded.max_length, rows, made=_MADE)
    text = reference_text(inputs, reference_logits(loaded.network, processor=loaded.processor, inputs=inputs))
    with suppress(OSError):  # a run that is kept where nothing can be written is tried all the same
        (run_folder / FILE).write_text(text, encoding="utf-8")
    return json.loads(text), (
        "the run left no reference.json (an earlier hftk trained it), so the copy was compared with what the run's "
        "model folder says now of made-up inputs"
    )


def _rows(chosen: "ChosenModel", config: Any, processor: Any, *, max_length: int | None) -> list[dict[str, Any]]:
    draws = random.Random(0)
    if chosen.task == "image-classification":
        return [{"image": _noise(config, draws)} for _ in _LENGTHS]
    special = set(processor.all_special_ids)
    ids = [number for number in range(len(processor)) if number not in special]

    def drawn(count: int) -> str:
        return processor.decode([draws.choice(ids) for _ in range(count)], skip_special_tokens=True)

    lengths = [*_LENGTHS, max_length + 1]
    if chosen.task == "token-classification":
        sentences = (drawn(count).split() for count in lengths)
        return [{"tokens": words} for words in sentences if words]
    paired = chosen.data is not None and chosen.data.columns.text_pair is not None
    return [{"text": drawn(count)} | ({"text_pair": drawn(count)} if paired else {}) for count in lengths]


def _noise(config: Any, draws: random.Random) -> str:
    import numpy as np

    from hftk.training.reference import png

    height, width = config.image_size
    pixels = draws.randbytes(height * width * config.num_channels)
    return png(np.frombuffer(pixels, np.uint8).reshape(height, width, config.num_channels))
