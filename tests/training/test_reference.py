"""The rows by which a copy of a model can be tried, and what the trained one says of them."""

import json
from types import MethodType

import datasets
import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from hftk.data.labelled import LabelledData
from hftk.training.reference import (
    ReferenceInputs,
    png,
    read_reference,
    reference_inputs,
    reference_logits,
    reference_text,
)


def data(split: str = "test", **columns) -> LabelledData:
    rows = datasets.Dataset.from_dict(columns)
    return LabelledData({split: rows}, ["a", "b"], "f", {}, [], image_shape=(2, 2, 1) if "image" in columns else None)


def inputs(**changes) -> ReferenceInputs:
    given = {"task": "text-classification", "labels": ("a", "b"), "max_length": 8, "made": "rows of test"}
    return ReferenceInputs(**{"rows": [{"text": "good film"}, {"text": ""}], **given, **changes})


@pytest.fixture
def bert(tiny_bert):
    torch.manual_seed(0)
    return AutoModelForSequenceClassification.from_pretrained(tiny_bert), AutoTokenizer.from_pretrained(tiny_bert)


def test_the_longest_an_empty_one_and_others_of_test():
    texts = ["short"] * 50 + ["the longest of all texts"] + ["short"] * 20 + ["  "] + ["short"] * 30
    chosen = reference_inputs(data(text=texts), task="text-classification", max_length=9)
    found = [row["text"] for row in chosen.rows]
    assert len(found) == 8 and "the longest of all texts" in found and "  " in found
    assert chosen.made == "rows of test" and chosen.max_length == 9
    assert chosen == reference_inputs(data(text=texts), task="text-classification", max_length=9)


def test_validation_where_there_is_no_test_and_pairs():
    chosen = reference_inputs(data("validation", text=["x"], text_pair=["y"]), task="text-classification", max_length=9)
    assert chosen.rows == [{"text": "x", "text_pair": "y"}] and chosen.made == "rows of validation"


def test_sentences_have_words_and_texts_an_end():
    chosen = reference_inputs(data(tokens=[["a", "b"], [], ["c"]]), task="token-classification", max_length=9)
    assert chosen.rows == [{"tokens": ["a", "b"]}, {"tokens": ["c"]}]
    chosen = reference_inputs(data(text=["x" * 100_001, "y"]), task="text-classification", max_length=9)
    assert chosen.rows == [{"text": "y"}]


def test_an_image_is_a_file():
    chosen = reference_inputs(data(image=[bytes([0, 1, 2, 3])]), task="image-classification", max_length=None)
    assert chosen.rows == [{"image": png(np.arange(4, dtype=np.uint8).reshape(2, 2, 1))}]


def test_logits_are_those_of_each_row_alone(bert):
    model, tokenizer = bert
    model.train()
    found = reference_logits(model, processor=tokenizer, inputs=inputs())
    model.eval()
    with torch.no_grad():
        wanted = [model(**tokenizer(text, return_tensors="pt")).logits[0].tolist() for text in ("good film", "")]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8)


def test_the_tokenizer_is_as_before(bert):
    model, tokenizer = bert
    before = tokenizer.backend_tokenizer.to_str()
    reference_logits(model, processor=tokenizer, inputs=inputs())
    assert tokenizer.backend_tokenizer.to_str() == before


def test_half_precision_of_the_trainer_is_taken_off(bert):
    from accelerate.utils.operations import convert_outputs_to_fp32

    model, tokenizer = bert
    plain = reference_logits(model, processor=tokenizer, inputs=inputs())
    model._original_forward = model.forward  # as Accelerator.prepare_model does (accelerate 1.15)
    halved = torch.autocast("cpu", dtype=torch.bfloat16)(model.forward.__func__)
    model.forward = MethodType(convert_outputs_to_fp32(halved), model)
    with torch.no_grad():
        half = model(**tokenizer("good film", return_tensors="pt")).logits[0].tolist()
    assert half != pytest.approx(plain[0], abs=1e-5)
    assert reference_logits(model, processor=tokenizer, inputs=inputs()) == plain


def test_written_and_read_again(tmp_path):
    assert read_reference(tmp_path) is None
    text = reference_text(inputs(), [[1.0, 2.0], [3.0, 4.0]], adapter_logits=[[1.5, 2.0], [3.0, 4.0]])
    (tmp_path / "reference.json").write_text(text)
    found = read_reference(tmp_path)
    assert found["rows"][0] == {"text": "good film", "logits": [1.0, 2.0], "adapter_logits": [1.5, 2.0]}
    assert found["threads"] == torch.get_num_threads() and found["labels"] == ["a", "b"]
    (tmp_path / "reference.json").write_text(json.dumps(json.loads(text) | {"version": 99}))
    assert read_reference(tmp_path) is None
    (tmp_path / "reference.json").write_text(text[:40])
    assert read_reference(tmp_path) is None
