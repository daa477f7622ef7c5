"""Batches indexed from arrays against the collators and the image processor that they stand for."""

import gc
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import DataCollatorForTokenClassification, DataCollatorWithPadding, PreTrainedTokenizerFast
from transformers.modeling_outputs import ImageClassifierOutput, SequenceClassifierOutput, TokenClassifierOutput

from hftk.data.encoded import IGNORED_LABEL, ImageRows, whole_batch
from hftk.data.labelled import labelled_data
from hftk.data.pixels import image_processor, pixel_rows
from hftk.data.rows import Rows
from hftk.data.tokens import tokenize
from hftk.training.arguments import training_arguments
from hftk.training.loss import ClassificationLoss
from hftk.training.predictions import predict
from hftk.training.processes import quiet_libraries, start_processes
from hftk.training.trainer import SweepTrainer

TEXTS = ["a b c d", "a", "", "d c b a a b c d a", "b b", "c d"]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "d"]


def make_tokenizer(padding_side="right", special=True):
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    if special:
        backend.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        padding_side=padding_side,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token_type_id=3,
    )


def make_rows(inputs, labels):
    count = len(labels)
    return Rows(list(range(count)), ["t"] * count, [None] * count, inputs, labels)


def make_data(inputs, labels, *, names, **keys):
    rows = make_rows(inputs, labels)
    return labelled_data({"train": rows, "validation": rows}, names, rows_before={}, notices=[], **keys)


def texts(folder, *, texts=TEXTS, pairs=None, tokenizer=None):
    inputs = {"text": list(texts)} | ({"text_pair": pairs} if pairs else {})
    data = make_data(inputs, [i % 3 for i in range(len(texts))], names=["x", "y", "z"])
    return tokenize(data, tokenizer or make_tokenizer(), 8, cache_dir=folder)["train"]


def tagged(folder, *, tokenizer=None):
    sentences = [text.split() for text in TEXTS if text]
    data = make_data(
        {"tokens": sentences}, [[i % 3 for i in range(len(words))] for words in sentences], names=["x", "y", "z"]
    )
    return tokenize(data, tokenizer or make_tokenizer(), 6, cache_dir=folder)["train"]


def images(*, channels=1, count=9):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, size=(count, 4, 3, channels), dtype=np.uint8)
    labels = (np.arange(count) % 3).tolist()
    return make_data({"image": pixels}, labels, names=["x", "y", "z"], image_shape=(4, 3, channels))


def assert_equal_batches(found, expected):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].dtype == values.dtype, name
        torch.testing.assert_close(found[name], values, rtol=0, atol=0)


@pytest.mark.parametrize("multiple", [1, 8])
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("pairs", [None, ["c", "d d d", "", "a", "b a", "b c"]])
def test_batches_of_texts_are_those_of_the_collator(pairs, side, multiple, tmp_path):
    tokenizer = make_tokenizer(side)
    split = texts(tmp_path, pairs=pairs, tokenizer=tokenizer).padded_to(multiple)
    coded = tokenizer(list(TEXTS), pairs, truncation="longest_first", max_length=8)
    rows = [{name: coded[name][i] for name in coded} | {"labels": i % 3} for i in range(len(TEXTS))]
    collator = DataCollatorWithPadding(tokenizer, pad_to_multiple_of=multiple)
    for wanted in ([0, 1, 2, 3, 4, 5], [2], [5, 1, 1], [1, 2]):
        assert_equal_batches(split.__getitems__(wanted), dict(collator([rows[i] for i in wanted])))


@pytest.mark.parametrize("multiple", [1, 8])
@pytest.mark.parametrize("side", ["right", "left"])
def test_batches_of_tagged_sentences_are_those_of_the_collator(side, multiple, tmp_path):
    tokenizer = make_tokenizer(side)
    split = tagged(tmp_path, tokenizer=tokenizer)
    rows = [{name: values.tolist() for name, values in split[i].items()} for i in range(len(split))]
    split = split.padded_to(multiple)
    assert sorted({len(row["labels"]) for row in rows}) == [3, 4, 6], "nine words are read in parts of four or fewer"
    collator = DataCollatorForTokenClassification(tokenizer, pad_to_multiple_of=multiple)
    for wanted in (list(range(len(rows))), [1], [4, 0, 0]):
        expected = collator([{**rows[i], "labels": list(rows[i]["labels"])} for i in wanted])
        assert_equal_batches(split.__getitems__(wanted), dict(expected))


def test_one_row_has_no_padding(tmp_path):
    split = texts(tmp_path)
    assert {name: values.tolist() for name, values in split[1].items()} == {
        "input_ids": [2, 4, 3],
        "token_type_ids": [0, 0, 0],
        "attention_mask": [1, 1, 1],
        "labels": 1,
    }


def test_texts_without_a_token_are_read_as_padding(tmp_path):
    tokenizer = make_tokenizer(special=False)
    for content in (["", "a b", ""], ["", "", ""]):
        split = texts(tmp_path, texts=content, tokenizer=tokenizer)
        batch = split.__getitems__([0, 2])
        assert batch["input_ids"].tolist() == [[0], [0]]
        assert batch["attention_mask"].tolist() == [[0], [0]]
        assert batch["labels"].tolist() == [0, 2]
    assert texts(tmp_path, texts=["", "a b", ""], tokenizer=tokenizer).__getitems__([0, 1])[
        "attention_mask"
    ].tolist() == [
        [0, 0],
        [1, 1],
    ]


@pytest.mark.parametrize("kind", ["text", "tokens", "image"])
def test_an_index_beyond_the_rows_is_a_row_whose_labels_are_ignored(kind, tmp_path):
    split = of_kind(kind, tmp_path)
    rows = len(split)
    for chosen in (split, split.select(np.arange(rows)[::-1])):
        expected, found = chosen.__getitems__([1, 0, 2]), chosen.__getitems__([1, rows, 2])
        assert (found["labels"][1] == IGNORED_LABEL).all()
        expected["labels"][1] = IGNORED_LABEL
        assert_equal_batches(found, expected)
        again = chosen.__getitems__([0])["labels"]
        assert (again != IGNORED_LABEL).any(), "the split's own labels are left alone"


@pytest.mark.parametrize("kind", ["text", "tokens", "image"])
def test_selected_rows_come_in_the_order_asked_for(kind, tmp_path):
    split = of_kind(kind, tmp_path)
    order = np.random.default_rng(0).permutation(len(split))[:4]
    chosen = split.select(order)
    assert len(chosen) == 4
    assert chosen.lengths.tolist() == split.lengths[order].tolist()
    assert_equal_batches(chosen.__getitems__(range(4)), split.__getitems__(order))
    again = chosen.select([3, 1])
    assert_equal_batches(again.__getitems__([0, 1]), split.__getitems__(order[[3, 1]]))
    labels = chosen.__getitems__(range(4))["labels"].numpy()
    assert chosen.label_ids().tolist() == labels[labels != IGNORED_LABEL].tolist()


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_those_of_the_image_processor(channels):
    data = images(channels=channels)
    processor = image_processor(data)
    split = pixel_rows(data, processor)["train"]
    batch = split.__getitems__([3, 0, 8])
    assert batch["pixel_values"].shape == (3, channels, 4, 3) and batch["pixel_values"].dtype == torch.float32
    assert batch["labels"].tolist() == [0, 0, 2] and batch["labels"].dtype == torch.int64
    for number, row in enumerate([3, 0, 8]):
        pixels = np.frombuffer(data.splits["train"]["image"][row], np.uint8).reshape(4, 3, channels)
        picture = np.repeat(pixels, 3, axis=2) if channels == 1 else pixels  # as it makes RGB of a grey picture
        expected = processor(picture, return_tensors="np", input_data_format="channels_last")["pixel_values"][0]
        np.testing.assert_allclose(batch["pixel_values"][number], expected[:channels], atol=1e-6)


def test_a_batch_is_its_receiver_s_to_change(tmp_path):
    for kind in ("text", "tokens", "image"):
        split = of_kind(kind, tmp_path)
        before = split.__getitems__([0, 1, 2])
        for values in split.__getitems__([0, 1, 2]).values():
            values.zero_()
        assert_equal_batches(split.__getitems__([0, 1, 2]), before)


def test_tokens_are_read_as_they_lie_on_the_disk(tmp_path):
    """The arrays of a split are views of the memory-mapped file, and so are those of its selections."""
    split = texts(tmp_path)
    for _ in range(2):  # as the first call wrote it, and as the next one finds it
        (stored,) = (tmp_path / "tokens").glob("*/train.arrow")
        arrays = [*split._values.values(), split._starts, split._labels]
        assert all(stands_in_a_mapping_of(stored, array) for array in arrays)
        chosen = split.select([1, 0])
        assert all(np.shares_memory(chosen._values[name], split._values[name]) for name in split._values)
        assert np.shares_memory(chosen._labels, split._labels)
        split = texts(tmp_path)
        gc.collect()


def test_pixels_are_those_of_the_data_set():
    data = images()
    split = pixel_rows(data, image_processor(data))["train"]
    buffer = np.frombuffer(data.splits["train"].data.column("image").chunk(0).buffers()[2], np.uint8)
    assert np.shares_memory(split._pixels, buffer)
    assert np.shares_memory(split.select([1, 0])._pixels, buffer)


@pytest.mark.parametrize("kind", ["text", "tokens", "image"])
def test_predictions_come_back_in_the_split_s_own_order(kind, tmp_path):
    """A model whose most probable class is a function of its input alone, as the labels are."""
    quiet_libraries()
    start_processes(use_cpu=True)
    split = of_kind(kind, tmp_path, known=True)
    args = training_arguments(
        {"per_device_eval_batch_size": 2, "use_cpu": True}, output_dir=str(tmp_path), seed=0, run_name=""
    )
    trainer = SweepTrainer(
        model=Known(kind),
        args=args,
        train=split,
        validation=split,
        loss=ClassificationLoss(),
        metrics=["accuracy"],
        labels=["x", "y", "z"],
        callbacks=[],
        grad_norms=[],
    )
    predictions, metrics = predict(trainer, split, split="test")
    assert predictions.probabilities.argmax(-1).tolist() == split.label_ids().tolist()
    assert predictions.label_ids.tolist() == split.label_ids().tolist()
    assert len(set(split.label_ids().tolist())) == 3
    assert metrics["test_accuracy"] == 1
    lengths = split.lengths.tolist()
    if kind != "image":
        assert lengths != sorted(lengths, reverse=True), "the order of evaluation is another one"


class Known(torch.nn.Module):
    """Names the class that the input spells: the first word (or each word), or the first pixel, modulo 3."""

    main_input_name = "input_ids"

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.nothing = torch.nn.Parameter(torch.zeros(1))
        self.config = SimpleNamespace(keys_to_ignore_at_inference=[])

    def forward(self, input_ids=None, attention_mask=None, token_type_ids=None, pixel_values=None, labels=None):
        def logits(numbers):
            return torch.nn.functional.one_hot(numbers.long() % 3, 3) * 4.0 + self.nothing

        if self.kind == "image":
            return ImageClassifierOutput(logits=logits((pixel_values[:, 0, 0, 0] * 255).round()))
        if self.kind == "text":
            return SequenceClassifierOutput(logits=logits(input_ids[:, 1]))
        return TokenClassifierOutput(logits=logits(input_ids))


def of_kind(kind, folder, *, known=False):
    """A split of that kind; known: its labels are what `Known` says."""
    if kind == "image":
        data = images()
        if not known:
            return pixel_rows(data, image_processor(data))["train"]
        pixels = np.stack([np.frombuffer(image, np.uint8) for image in data.splits["train"]["image"]])
        pixels = pixels.reshape(-1, 1, 4, 3)
        return ImageRows(pixels=pixels, labels=pixels[:, 0, 0, 0].astype(np.int64) % 3, mean=[0.0], std=[1.0])
    split = texts(folder) if kind == "text" else tagged(folder)
    if known:
        ids, starts = split._values["input_ids"].astype(np.int64), split._starts
        if kind == "text":
            split._labels = ids[starts + 1] % 3
        else:
            split._labels = np.where(split._labels == IGNORED_LABEL, IGNORED_LABEL, ids % 3)
            split._values["labels"] = split._labels
    return split


def stands_in_a_mapping_of(file, array):
    """Does the array's memory belong to this process's mapping of the file?"""
    address = array.__array_interface__["data"][0]
    with open("/proc/self/maps", encoding="utf-8") as mappings:
        for line in mappings:
            span, *_, path = line.split(maxsplit=5)
            begin, end = (int(part, 16) for part in span.split("-"))
            if begin <= address < end:
                return path.strip() == str(file)
    return False


def test_the_collate_function_passes_the_batch_on():
    batch = {"labels": torch.zeros(1)}
    assert whole_batch(batch) is batch
