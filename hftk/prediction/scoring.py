"""What a loaded model says of texts, sentences and images: probabilities, in the order in which they came."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import softmax

from hftk.data.encoded import IGNORED_LABEL, EncodedSplit, TokenRows
from hftk.data.tagged import tagged_rows
from hftk.errors import RunError
from hftk.prediction.loading import LoadedPredictor
from hftk.prediction.notices import Notices


@dataclass
class Scorer:
    predictor: LoadedPredictor
    batch_size: int
    tag_piece: str
    """Of a word of several pieces, the one that carries its tag: first or last."""
    notices: Notices
    """Hears of texts that were cut."""

    def texts(self, texts: Sequence[str], pairs: Sequence[str] | None) -> np.ndarray:
        """(rows, classes) float32. Cut as for training: of a pair the longer text first."""
        tokenizer, most = self.predictor.processor, self.predictor.max_length
        coded = tokenizer(
            list(texts), pairs and list(pairs), truncation="longest_first", max_length=most, padding=False
        )
        if coded.encodings is not None:
            cut = sum(bool(encoding.overflowing) for encoding in coded.encodings)
        else:
            uncut = tokenizer(list(texts), pairs and list(pairs), truncation=False, padding=False, verbose=False)
            cut = sum(len(ids) > most for ids in uncut["input_ids"])
        self.notices.count(
            cut,
            one=f"1 row is longer than {most} tokens and was cut there",
            many=f"{{count}} rows are longer than {most} tokens and were cut there",
        )
        names = [name for name in tokenizer.model_input_names if name in coded and name != "attention_mask"]
        rows = self._token_rows({name: coded[name] for name in names}, labels=None)
        return self._probabilities(self._logits(rows))

    def sentences(self, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Per sentence (words, classes) float32; sentences that are longer than the model takes are read in parts."""
        starts = np.cumsum([0, *(len(words) for words in sentences)])
        numbered = _Sentences(
            [(list(words), range(start, start + len(words))) for words, start in zip(sentences, starts, strict=False)]
        )
        if not starts[-1]:
            return [np.zeros((0, self.predictor.network.config.num_labels), np.float32) for _ in sentences]
        most = self.predictor.max_length
        columns, apart = tagged_rows(numbered, self.predictor.processor, most, tag_piece=self.tag_piece)
        self.notices.count(
            apart,
            one=f"1 sentence is longer than {most} tokens and was read in parts",
            many=f"{{count}} sentences are longer than {most} tokens and were read in parts",
        )
        # in place of a tag each word has its number, so that its piece is found again
        rows = self._token_rows({name: columns[name] for name in columns if name != "labels"}, labels=columns["labels"])
        logits = np.zeros((starts[-1], self.predictor.network.config.num_labels), np.float32)
        for batch, found in self._batches(rows):
            words = batch["labels"].numpy()
            logits[words[words != IGNORED_LABEL]] = found[words != IGNORED_LABEL]
        probabilities = self._probabilities(logits)
        return [probabilities[start:end] for start, end in zip(starts, starts[1:], strict=False)]

    def images(self, images: EncodedSplit) -> np.ndarray:
        """(rows, classes) float32."""
        return self._probabilities(self._logits(images))

    def _token_rows(self, columns: dict[str, list[list[int]]], *, labels: list[list[int]] | None) -> TokenRows:
        tokenizer = self.predictor.processor
        lengths = np.array([len(ids) for ids in columns["input_ids"]], dtype=np.int32)
        padding = {"input_ids": tokenizer.pad_token_id, "token_type_ids": tokenizer.pad_token_type_id}
        return TokenRows(
            values={name: _flat(lists) for name, lists in columns.items()},
            padding={name: padding.get(name, 0) for name in columns},
            starts=np.cumsum(lengths, dtype=np.int64) - lengths,
            lengths=lengths,
            labels=np.zeros(len(lengths), np.int64) if labels is None else _flat(labels),
            per_token=labels is not None,
            attention_mask="attention_mask" in tokenizer.model_input_names,
            padding_side=tokenizer.padding_side,
            truncated=0,
        )

    def _logits(self, rows: EncodedSplit) -> np.ndarray:
        """(rows, classes), one row per label of the batches."""
        logits = np.zeros((len(rows), self.predictor.network.config.num_labels), np.float32)
        for batch, found in self._batches(rows):
            logits[batch["rows"].numpy()] = found
        return logits

    def _batches(self, rows: EncodedSplit):
        """Batches of similar length, longest first, each with its logits."""
        order = np.argsort(-rows.lengths, kind="stable")
        for start in range(0, len(order), self.batch_size):
            wanted = order[start : start + self.batch_size]
            batch = rows.__getitems__(wanted)
            labels = batch.pop("labels")
            yield {"labels": labels, "rows": torch.from_numpy(wanted)}, self._forward(batch)

    @torch.inference_mode()
    def _forward(self, batch: dict[str, torch.Tensor]) -> np.ndarray:
        device = self.predictor.device
        try:
            output = self.predictor.network(**{name: values.to(device) for name, values in batch.items()})
        except torch.OutOfMemoryError:
            raise RunError(
                f"the memory of {device} does not hold a batch of {self.batch_size}; give a smaller --batch-size"
            ) from None
        return output.logits.float().cpu().numpy()

    def _probabilities(self, logits: np.ndarray) -> np.ndarray:
        if not np.isfinite(logits).all():
            raise RunError(
                "the model gives nan or inf for some rows: its weights are damaged, or were when it was saved"
            )
        return softmax(logits, axis=-1)


class _Sentences:
    """As a data set gives them: sentences, and in place of tags the numbers of the words."""

    def __init__(self, sentences: Sequence[tuple[list[str], range]]) -> None:
        self._sentences = sentences

    def __len__(self) -> int:
        return len(self._sentences)

    def __getitem__(self, part: slice) -> dict[str, list]:
        chosen = self._sentences[part]
        return {"tokens": [words for words, _ in chosen], "tags": [numbers for _, numbers in chosen]}


def _flat(lists: Sequence[Sequence[int]]) -> np.ndarray:
    """(tokens,) those of all rows, one after another."""
    return np.fromiter((one for values in lists for one in values), dtype=np.int64)
