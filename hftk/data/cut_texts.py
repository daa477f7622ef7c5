"""Texts as a model reads them: of each what its tokenizer leaves of it."""

from dataclasses import replace
from typing import TYPE_CHECKING

from hftk.data.labelled import LabelledData
from hftk.data.tokens import settings_restored

if TYPE_CHECKING:
    import datasets
    import tokenizers
    from transformers import PreTrainedTokenizerBase

_BATCH = 2000


def cut_texts(data: LabelledData, tokenizer: "PreTrainedTokenizerBase", *, max_length: int) -> LabelledData | None:
    """The rows of `data`, each text from its first to its last character that a token of the model comes from.

    max_length: tokens, special ones included; of a pair the longer text is cut first. Other texts are as they were.
    None where the tokenizer does not say which characters a token comes from, as those written in Python do not.
    """
    if not tokenizer.is_fast:
        return None
    with settings_restored(tokenizer):
        return replace(data, splits={name: _cut(rows, tokenizer, max_length) for name, rows in data.splits.items()})


def _cut(rows: "datasets.Dataset", tokenizer: "PreTrainedTokenizerBase", max_length: int) -> "datasets.Dataset":
    columns = [column for column in ("text", "text_pair") if column in rows.column_names]
    made: dict[str, list[str]] = {column: [] for column in columns}
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        texts = [batch[column] for column in columns]
        coded = tokenizer(*texts, truncation="longest_first", max_length=max_length, padding=False)
        for number, encoding in enumerate(coded.encodings):
            for sequence, column in enumerate(columns):
                text = texts[sequence][number]
                made[column].append(_left(text, encoding, sequence) if encoding.overflowing else text)
    order = rows.column_names
    for column, values in made.items():
        feature = rows.features[column]
        rows = rows.remove_columns(column).add_column(column, values, feature=feature)
    return rows.select_columns(order)


def _left(text: str, encoding: "tokenizers.Encoding", sequence: int) -> str:
    spans = zip(encoding.offsets, encoding.sequence_ids, strict=True)
    places = [place for span, whose in spans if whose == sequence for place in span]
    return text[min(places) : max(places)] if places else ""
