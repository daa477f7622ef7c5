"""Image batches against the saved image processor, and its figures against numpy's."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor

from hftk.data.labelled import labelled_data
from hftk.data.pixels import _mean_and_deviation, image_processor, pixel_rows
from hftk.data.rows import Rows
from hftk.models.rnn import RnnConfig, RnnForImageClassification
from hftk.models.transformer import TransformerConfig, TransformerForImageClassification

SHAPES = [(5, 6, 1), (6, 4, 3)]


def pictures(shape, *, rows=7, seed=0, low=0, high=256):
    return np.random.default_rng(seed).integers(low, high, (rows, *shape), dtype=np.uint8)


def data_of(train, validation=None):
    """validation: brighter than train, unless given."""
    validation = pictures(train.shape[1:], rows=4, seed=1, low=200) if validation is None else validation

    def rows(pixels):
        count = len(pixels)
        return Rows(list(range(count)), ["t"] * count, [None] * count, {"image": pixels}, [i % 2 for i in range(count)])

    splits = {"train": rows(train), "validation": rows(validation)}
    return labelled_data(splits, ["x", "y"], rows_before={}, notices=[], image_shape=train.shape[1:])


def opened(pixels):
    """As a person's program opens them: grey ones in mode L."""
    return [Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image) for image in pixels]


def batch_of(split):
    return split.__getitems__(range(len(split)))["pixel_values"]


@pytest.mark.parametrize("shape", SHAPES, ids=["grey", "RGB"])
def test_batches_are_what_the_reloaded_processor_gives(shape, tmp_path):
    train, validation = pictures(shape), pictures(shape, rows=4, seed=1)
    data = data_of(train, validation)
    processor = image_processor(data)
    processor.save_pretrained(tmp_path)
    again = AutoImageProcessor.from_pretrained(tmp_path)
    splits = pixel_rows(data, processor)
    for split, pixels in (("train", train), ("validation", validation)):
        values = batch_of(splits[split])
        assert values.dtype == torch.float32 and values.shape == (len(pixels), shape[2], *shape[:2])
        expected = again(opened(pixels), return_tensors="pt")["pixel_values"]
        assert expected.shape[1] == 3, "three channels, as the image pipeline gives"
        for channel in range(3):
            ours = values[:, channel if shape[2] == 3 else 0]
            torch.testing.assert_close(ours, expected[:, channel], rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=["grey", "RGB"])
def test_figures_are_numpy_s_over_train_alone(shape):
    train = pictures(shape, low=20, high=90)
    processor = image_processor(data_of(train))
    scaled = train / 255
    mean, std = scaled.mean(axis=(0, 1, 2)), scaled.std(axis=(0, 1, 2))
    assert processor.image_mean == pytest.approx([mean[channel % shape[2]] for channel in range(3)], abs=1e-12)
    assert processor.image_std == pytest.approx([std[channel % shape[2]] for channel in range(3)], abs=1e-12)
    values = batch_of(pixel_rows(data_of(train), processor)["train"]).double()
    assert values.mean(dim=(0, 2, 3)).numpy() == pytest.approx(np.zeros(shape[2]), abs=1e-6)
    assert values.std(dim=(0, 2, 3), correction=0).numpy() == pytest.approx(np.ones(shape[2]), abs=1e-6)


def test_figures_of_more_rows_than_are_summed_at_a_time(monkeypatch):
    pixels = pictures((3, 3, 1), rows=50)[..., 0]
    whole = _mean_and_deviation(pixels)
    monkeypatch.setattr("hftk.data.pixels._ROWS", 7)
    assert _mean_and_deviation(pixels) == whole


@pytest.mark.parametrize("value", [0, 22, 29, 63, 77, 255])
def test_images_of_one_colour_are_not_divided_by_zero(value):
    """Nor by what rounding leaves of it."""
    data = data_of(np.full((3, 4, 4, 1), value, dtype=np.uint8))
    processor = image_processor(data)
    assert list(processor.image_std) == [1.0] * 3
    assert batch_of(pixel_rows(data, processor)["train"]).abs().max() < 1e-6


@pytest.mark.parametrize("shape", SHAPES, ids=["grey", "RGB"])
def test_rows_chosen_from_a_data_set_are_those_rows(shape):
    """A slice of Arrow's column begins in the middle of its buffer."""
    train = pictures(shape)
    data = data_of(train)
    processor = image_processor(data)
    whole = batch_of(pixel_rows(data, processor)["train"])
    data.splits["train"] = data.splits["train"].select(range(3, 6))
    torch.testing.assert_close(batch_of(pixel_rows(data, processor)["train"]), whole[3:6], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("config_class", "model_class"),
    [(RnnConfig, RnnForImageClassification), (TransformerConfig, TransformerForImageClassification)],
    ids=["rnn", "transformer"],
)
def test_a_grey_model_says_the_same_through_three_channels(config_class, model_class):
    """transformers' image pipeline makes every picture RGB; the model makes it grey again."""
    train = pictures((5, 6, 1))
    data = data_of(train)
    processor = image_processor(data)
    torch.manual_seed(0)
    model = model_class(config_class(image_size=[5, 6], num_channels=1, hidden_size=8, num_labels=2)).eval()
    with torch.no_grad():
        ours = model(pixel_values=batch_of(pixel_rows(data, processor)["train"])).logits
        theirs = model(**processor(opened(train), return_tensors="pt")).logits
    torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-5)


def test_an_image_of_another_size_is_resized_by_the_processor():
    """What the pipeline is given later need not have the size of the data; what is trained on must."""
    processor = image_processor(data_of(pictures((5, 6, 1))))
    values = processor([Image.new("L", (60, 50))], return_tensors="pt")["pixel_values"]
    assert values.shape == (1, 3, 5, 6)
