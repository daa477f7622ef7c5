"""builtin:digits against scikit-learn's own arrays."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from hftk.data.builtin import load_builtin
from hftk.errors import DataError


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    from hftk.data import load
    from hftk.recipe import schema

    splits = {"train": "train", "validation": 0.1, "test": 0.2}
    return load(schema.Data(path="builtin:digits", splits=splits), task="image-classification")


def test_images_and_labels_are_scikit_learn_s():
    (name, rows), *others = load_builtin("digits").items()
    assert name == "train" and not others
    original = load_digits()
    assert rows["label"] == original.target.tolist()
    assert rows.features["label"].names == list("0123456789")
    pixels = np.stack([np.asarray(image) for image in rows["image"]])
    assert pixels.shape == (1797, 8, 8) and pixels.dtype == np.uint8
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert np.abs(pixels / 255 * 16 - original.images).max() < 16 / 255, "rounded to 256 steps"


def test_loaded_as_grey_images_in_stratified_splits(loaded):
    assert loaded.image_shape == (8, 8, 1)
    assert loaded.labels == list("0123456789")
    assert {split: len(rows) for split, rows in loaded.splits.items()} == {
        "train": 1258,
        "validation": 180,
        "test": 359,
    }
    for rows in loaded.splits.values():
        share = np.bincount(rows["label"], minlength=10) / len(rows)
        assert np.abs(share - 0.1).max() < 0.02
    everywhere = sorted(row for rows in loaded.splits.values() for row in rows["row"])
    assert everywhere == list(range(1797))


def test_a_row_is_the_picture_of_that_row(loaded):
    rows, original = loaded.splits["test"], load_digits()
    for number in (0, 100, 358):
        row = rows[number]
        pixels = np.frombuffer(row["image"], dtype=np.uint8).reshape(8, 8)
        assert np.abs(pixels / 255 * 16 - original.images[row["row"]]).max() < 16 / 255
        assert row["label"] == original.target[row["row"]]


def test_the_content_is_always_the_same(loaded):
    from hftk.data import load
    from hftk.recipe import schema

    splits = {"train": "train", "validation": 0.1, "test": 0.2}
    again = load(schema.Data(path="builtin:digits", splits=splits), task="image-classification")
    assert again.fingerprint == loaded.fingerprint


def test_another_name():
    with pytest.raises(DataError, match=r"^builtin:digit: no such data set; allowed: docstrings, digits$"):
        load_builtin("digit")
