import gzip
import io
import struct
import time
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from hftk.errors import DataError


def idx(values, magic=None):
    values = np.asarray(values, np.uint8)
    return struct.pack(f">{1 + values.ndim}I", magic or 0x0800 + values.ndim, *values.shape) + values.tobytes()


@pytest.fixture
def digits(write):
    """A folder of the four files, `rows` images of train and ten of test, all of `size`."""

    def digits(test="t10k", rows=40, size=(3, 2), end="-ubyte", pack=lambda raw: raw):
        for split, count in {"train": rows, test: 10}.items():
            images = np.arange(count)[:, None, None] + np.zeros(size)
            write(f"set/{split}-images-idx3{end}", pack(idx(images)))
            write(f"set/{split}-labels-idx1{end}", pack(idx(np.arange(count) % 2)))

    return digits


@pytest.mark.parametrize("keys", [{}, {"test": "test"}, {"end": "-ubyte.gz", "pack": gzip.compress}])
def test_the_four_files_are_two_splits(digits, load_images, keys):
    digits(**keys)
    data = load_images(path="set", splits={"train": "train", "validation": 0.25, "test": "test"})
    assert data.rows_before == {"train": 30, "validation": 10, "test": 10}
    assert data.image_shape == (3, 2, 1) and data.labels == ["0", "1"]
    assert data.splits["test"][7] == {"row": 7, "source": "test", "image": bytes([7] * 6), "label": 1}
    assert load_images(path="set", label_names={0: "even", 1: "odd"}, limit=4).labels == ["even", "odd"]


def test_unpacked_and_packed_files_are_read_once(digits, load_images):
    digits(rows=20)
    digits(rows=40, end="-ubyte.gz", pack=gzip.compress)
    assert load_images(path="set").rows_before["train"] == 18


def test_the_splits_must_have_one_size(digits, write, load_images):
    digits()
    write("set/t10k-images-idx3-ubyte", idx(np.zeros((10, 5, 4))))
    message = (
        r"^data\.path: row 0 \(counted from 0\) of test: an image of 4 × 5, where row 0 \(counted from 0\) of train "
        r"has 2 × 3 \(width × height\); 10 of 10 images of test differ from that; all must have one size: resize them$"
    )
    with pytest.raises(DataError, match=message):
        load_images(path="set")
    with pytest.raises(DataError, match=r"an image of 4 × 5.*; \d of 45 images of train differ"):
        load_images(path="set", splits={"train": ["train", "test"], "validation": 0.1}, limit=5, seed=1)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "train-labels-idx1-ubyte",
            None,
            r"set holds train-images-idx3-ubyte and no train-labels-idx1-ubyte \(or \.gz\)$",
        ),
        (
            "train-images-idx3-ubyte",
            None,
            r"set holds train-labels-idx1-ubyte and no train-images-idx3-ubyte \(or \.gz\)$",
        ),
        (
            "train-images-idx3-ubyte",
            idx([1, 2]),
            r"is no idx file of images: it begins with the number 2049, not 2051$",
        ),
        ("train-images-idx3-ubyte", b"", r"is no idx file of images: it begins with the number 0, not 2051$"),
        (
            "train-images-idx3-ubyte",
            idx(np.zeros((40, 3, 2)))[:-1],
            r"train-images-idx3-ubyte holds 239 bytes of images where its header says 240 \(40 × 3 × 2\); it may not",
        ),
        (
            "train-labels-idx1-ubyte",
            idx([0, 1]),
            r"idx3-ubyte holds 40 images and .*labels-idx1-ubyte 2 labels; they must be of the same rows$",
        ),
        (
            "train-labels-idx1-ubyte",
            gzip.compress(b"x" * 99, mtime=0)[:-9],
            r"labels-idx1-ubyte cannot be unpacked \(.*fetch it ag",
        ),
    ],
)
def test_files_that_are_not_whole(digits, folder, load_images, name, content, message):
    digits()
    if content is None:
        (folder / "set" / name).unlink()
    else:
        (folder / "set" / name).write_bytes(content)
    with pytest.raises(DataError, match=r"^data\.path: .*" + message):
        load_images(path="set")


def test_files_beside_the_four(digits, write, load_images):
    digits()
    buffer = io.BytesIO()
    Image.new("RGB", (2, 3), (9, 8, 7)).save(buffer, "PNG")
    write("more/x.png", buffer.getvalue())
    write("more/more.json", '[{"image": "x.png", "label": 1}]')
    data = load_images(path="set", splits={"train": ["train", "more/more.json"], "validation": "test"})
    assert data.image_shape == (3, 2, 3) and data.rows_before == {"train": 41, "validation": 10}
    assert data.splits["train"]["image"][40] == bytes([9, 8, 7] * 6)
    assert data.splits["validation"]["image"][7] == bytes([7] * 18)


def test_no_image(digits, load_images):
    digits(rows=0)
    with pytest.raises(DataError, match=r"^data\.path: set/train-images-idx3-ubyte holds no image$"):
        load_images(path="set")


def test_another_task(digits, load_data):
    digits()
    with pytest.raises(
        DataError, match=r"the folder set, which holds idx files, is for task: image-classification, not text-cl"
    ):
        load_data(path="set")
    with pytest.raises(
        DataError, match=r"^data\.encoding: .* no effect on the folder set, which holds idx files; take"
    ):
        load_data("image-classification", path="set", encoding="cp949")


def test_fashion_mnist(shared_data, load_images):
    started = time.perf_counter()
    data = load_images(
        path=str(shared_data / "fashion_mnist"), splits={"train": "train", "validation": 0.1, "test": "test"}
    )
    assert time.perf_counter() - started < 20
    assert data.rows_before == {"train": 54000, "validation": 6000, "test": 10000}
    assert data.image_shape == (28, 28, 1)
    assert set(Counter(data.splits["train"]["label"]).values()) == {5400}
    pixels = np.frombuffer(b"".join(data.splits["test"]["image"]), np.uint8)
    assert pixels.size == 10_000 * 784
    # of all 70,000 the README of the data says 0.2860 for train
    assert pixels.mean() / 255 == pytest.approx(0.2868, abs=1e-4)
