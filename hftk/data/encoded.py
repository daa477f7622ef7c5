"""A split as arrays, from which a padded batch is indexed at once: no Python per row while training."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch.utils.data import Dataset

if TYPE_CHECKING:
    import pyarrow as pa

IGNORED_LABEL = -100  # torch's ignore_index: a row or token with it counts neither in the loss nor in its normaliser


class EncodedSplit(Dataset, ABC):
    """Rows as the model takes them. Index i + len(split) is row i with its labels ignored.

    torch's DataLoader asks for all rows of a batch in one call of `__getitems__`, which gives the batch itself: its
    collate function has nothing left to do (`whole_batch`).
    """

    truncated: int
    """Rows that were longer than max_length, and lost tokens."""

    def __init__(self, *, lengths: np.ndarray, truncated: int = 0) -> None:
        self._lengths = lengths
        self._order = np.arange(len(lengths))
        self.truncated = truncated

    def __len__(self) -> int:
        return len(self._order)

    @property
    def lengths(self) -> np.ndarray:
        """(rows,) int32: steps per row; tokens, special ones included, or rows of an image."""
        return self._lengths[self._order]

    def select(self, order: np.ndarray) -> Self:
        """The rows at `order`, in that order; the arrays are shared."""
        chosen = copy.copy(self)
        chosen._order = self._order[order]
        return chosen

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """One row, without padding."""
        return {name: values[0] for name, values in self.__getitems__([index]).items()}

    def __getitems__(self, indices: Sequence[int]) -> dict[str, torch.Tensor]:
        """The batch of these rows, `labels` included."""
        wanted = np.asarray(indices)
        ignored = wanted >= len(self)
        batch = self._batch(self._order[wanted % len(self)])
        if ignored.any():
            batch["labels"][ignored] = IGNORED_LABEL
        return {name: torch.from_numpy(values) for name, values in batch.items()}

    @abstractmethod
    def label_ids(self) -> np.ndarray:
        """Of all rows in order, those of tokens one after another, ignored ones left out."""

    @abstractmethod
    def _batch(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """rows: (batch,) positions in the arrays. Returns arrays that nothing else holds."""


class TokenRows(EncodedSplit):
    """Rows of token ids; labels per row, or per token."""

    pad_to_multiple_of: int = 1

    def __init__(
        self,
        *,
        values: Mapping[str, np.ndarray],
        padding: Mapping[str, int],
        starts: np.ndarray,
        lengths: np.ndarray,
        labels: np.ndarray,
        per_token: bool,
        attention_mask: bool,
        padding_side: str,
        truncated: int,
        whole_lengths: np.ndarray | None = None,
    ) -> None:
        """values: column → (tokens,) those of all rows one after another; row i begins at starts[i].

        padding: column → the value beyond a row's end. labels: (rows,); per_token: (tokens,), IGNORED_LABEL where none
        counts. whole_lengths: (rows,) tokens of each text before it was cut, or of the sentence that the row is a part
        of; None: nothing was cut.
        """
        super().__init__(lengths=lengths, truncated=truncated)
        self._per_token = per_token
        self._labels = labels
        self._values = {**values, "labels": labels} if self._per_token else dict(values)
        self._padding = {**padding, "labels": IGNORED_LABEL}
        self._starts = starts
        self._attention_mask = attention_mask
        self._left = padding_side == "left"
        self._whole_lengths = lengths if whole_lengths is None else whole_lengths

    def padded_to(self, multiple: int) -> Self:
        """The same rows in batches whose length is a multiple of this."""
        padded = copy.copy(self)
        padded.pad_to_multiple_of = multiple
        return padded

    def label_ids(self) -> np.ndarray:
        if not self._per_token:
            return self._labels[self._order]
        spans = zip(self._starts[self._order], self.lengths, strict=True)
        labels = np.concatenate([self._labels[:0], *(self._labels[start : start + size] for start, size in spans)])
        return labels[labels != IGNORED_LABEL]

    def token_ids(self) -> np.ndarray:
        """(tokens,) of all rows of the data, whatever was selected, one after another."""
        return self._values["input_ids"]

    def item_lengths(self) -> np.ndarray:
        """(items,) int32, as `label_ids` has them: tokens of the item's text or sentence before it was cut."""
        whole = self._whole_lengths[self._order]
        if not self._per_token:
            return whole
        spans = zip(self._starts[self._order], self.lengths, strict=True)
        counted = [int((self._labels[start : start + size] != IGNORED_LABEL).sum()) for start, size in spans]
        return np.repeat(whole, counted)

    def _batch(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        lengths = self._lengths[rows]
        width = max(int(lengths.max()), 1)
        width = math.ceil(width / self.pad_to_multiple_of) * self.pad_to_multiple_of
        steps = np.arange(width) - (width - lengths[:, None] if self._left else 0)
        present = (steps >= 0) & (steps < lengths[:, None])
        positions = np.where(present, self._starts[rows, None] + steps, 0)
        batch: dict[str, np.ndarray] = {}
        for name, values in self._values.items():
            batch[name] = np.where(present, values[positions] if len(values) else 0, self._padding[name])
        if self._attention_mask:
            batch["attention_mask"] = present.astype(np.int64)
        if not self._per_token:
            batch["labels"] = self._labels[rows]
        return {name: values.astype(np.int64, copy=False) for name, values in batch.items()}


class ImageRows(EncodedSplit):
    """Images with one label each; rescaled and normalised when a batch is made, as the image processor would."""

    def __init__(self, *, pixels: np.ndarray, labels: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> None:
        """pixels: (rows, channels, height, width) uint8. labels: (rows,). mean, std: per channel, of pixels / 255."""
        super().__init__(lengths=np.full(len(pixels), pixels.shape[2], dtype=np.int32))
        self._pixels = pixels
        self._labels = labels
        self._scale = (1 / (255 * np.asarray(std, dtype=np.float64))).astype(np.float32)[:, None, None]
        self._shift = (np.asarray(mean) / np.asarray(std)).astype(np.float32)[:, None, None]

    def label_ids(self) -> np.ndarray:
        return self._labels[self._order]

    def _batch(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return {"pixel_values": self._pixels[rows] * self._scale - self._shift, "labels": self._labels[rows]}


def whole_batch(batch: dict[str, Any]) -> dict[str, Any]:
    """The collate function for batches that `__getitems__` has made."""
    return batch


def in_one_piece(column: "pa.ChunkedArray") -> "pa.Array":
    """The column's values, not copied where they lie together already (`combine_chunks` copies always)."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
