"""Images of files, paths and Hub features → pixels."""

import io

import datasets
import numpy as np
import pytest
from PIL import Image

from hftk.errors import DataError


def picture(mode="L", size=(4, 3), value=0, form="PNG", **keys):
    """The bytes of an image file, all of one value."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    buffer = io.BytesIO()
    Image.new(mode, size, (value,) * bands if bands > 1 else value).save(buffer, form, **keys)
    return buffer.getvalue()


@pytest.fixture
def pictures(write):
    """A folder of images in the classes cat and dog, ten of each, of the splits train and test."""

    def pictures(root="set", splits=("train", "test"), **keys):
        for split in splits:
            for i in range(20):
                write(f"{root}/{split}/{('cat', 'dog')[i % 2]}/{i:02}.png", picture(value=i, **keys))

    return pictures


def pixels(data, split="train"):
    return [np.frombuffer(image, np.uint8).reshape(data.image_shape) for image in data.splits[split]["image"]]


def test_a_folder_of_splits_and_classes(pictures, load_images):
    pictures()
    data = load_images(path="set", splits={"train": "train", "validation": 0.2, "test": "test"})
    assert data.labels == ["cat", "dog"] and data.image_shape == (3, 4, 1)
    assert data.rows_before == {"train": 16, "validation": 4, "test": 20}
    assert data.splits["test"][1]["row"] == 1 and data.splits["test"][1]["source"] == "test"
    # row 1 is the second cat
    assert pixels(data, "test")[1].tolist() == [[[2]] * 4] * 3


def test_a_folder_of_classes_is_split(pictures, write, load_images):
    pictures(".", splits=["set"])
    write("set/cat/notes.txt", "x")
    write("set/.cache/x/y.png", picture(size=(9, 9)))
    data = load_images(path="set")
    assert data.rows_before == {"train": 16, "validation": 2, "test": 2}
    assert data.notices[0] == "set: files that are no images are passed over: cat/notes.txt"


def test_classes_that_are_numbers(write, load_images):
    for i in range(20):
        write(f"set/{9 + i % 2}/{i}.png", picture(value=i))
    assert load_images(path="set").labels == ["9", "10"]
    assert load_images(path="set", label_names={9: "nine", 10: "ten"}).labels == ["nine", "ten"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            ["train/a.png", "test/b.png"],
            r"the folders of set are splits \(test, train\) and hold images without a class",
        ),
        (["cat/a.png", "b.png"], r"images of set must all be <class>/<image> or .*; found: cat/a\.png, b\.png; move"),
        (["a/b/c/d.png"], r"found: a/b/c/d\.png; move those that are not$"),
    ],
)
def test_folders_that_are_not_clear(write, load_images, files, message):
    for file in files:
        write(f"set/{file}", picture())
    with pytest.raises(DataError, match=r"^data\.path: .*" + message):
        load_images(path="set")


def test_a_folder_without_images(write, load_images):
    write("set/x.md", "x")
    with pytest.raises(
        DataError, match=r"Can be read for image-classification: .*; idx files; and folders of images, one"
    ):
        load_images(path="set")


def test_features_of_the_hub(folder, load_images):
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=["x", "y"]))
    rows = [{"image": {"bytes": picture("RGB", value=i), "path": None}, "label": i % 2} for i in range(20)]
    rows = datasets.Dataset.from_list(rows, features=features)
    rows.to_parquet("a.parquet")
    data = load_images(path="a.parquet")
    assert data.labels == ["x", "y"] and data.image_shape == (3, 4, 3)
    assert [int(image[0, 0, 0]) for image in pixels(data)] == data.splits["train"]["row"][:]
    rows.save_to_disk("saved")
    assert len(load_images(path="saved").splits["train"]) == 16


def test_paths_are_relative_to_their_file(write, load_images):
    for i in range(20):
        write(f"set/files/{i}.png", picture(value=i))
    write("set/train.csv", "file,label\n" + "".join(f"files/{i}.png,{'ab'[i % 2]}\n" for i in range(20)))
    with pytest.raises(DataError, match=r"no column image in train\.csv; did you mean file\?"):
        load_images(path="set/train.csv")
    data = load_images(path="set", columns={"image": "file"})
    assert len(data.splits["train"]) == 16
    assert [int(image[0, 0, 0]) for image in pixels(data)] == data.splits["train"]["row"][:]


def test_all_modes_become_grey_or_rgb(write, load_images):
    for i in range(10):
        write(f"grey/train/{'ab'[i % 2]}/{i}.png", picture(value=7))
    write("grey/train/a/1.png", picture("1", value=1))
    write("grey/train/b/LA.png", picture("LA", value=7))
    splits = {"train": "train", "validation": 0.1}
    data = load_images(path="grey", splits=splits)
    assert data.image_shape == (3, 4, 1)
    values = [int(image[0, 0, 0]) for split in data.splits for image in pixels(data, split)]
    assert sorted(values) == [7] * 11 + [255]
    assert sorted(data.notices)[:2] == [
        "1 image in Pillow's mode 1: read as L",
        "1 image in Pillow's mode LA: read as L, without their transparency",
    ]

    write("grey/train/b/RGBA.png", picture("RGBA", value=7))
    write("grey/train/b/P.gif", picture("P", value=7, form="GIF"))
    write("grey/train/b/CMYK.jpg", picture("CMYK", value=7, form="JPEG"))
    data = load_images(path="grey", splits=splits)
    assert data.image_shape == (3, 4, 3)
    assert "12 grey and 3 coloured images: read as RGB" in data.notices
    assert "1 image in Pillow's mode RGBA: read as RGB, without their transparency" in data.notices


def test_sixteen_bits_are_refused(write, load_images):
    """What reads the model's pictures later, transformers' pipeline, cuts them at 255."""
    for i in range(10):
        write(f"deep/train/{'ab'[i % 2]}/{i}.png", picture(value=7))
    write("deep/train/a/16.png", picture("I;16", value=7 * 256 + 99))
    with pytest.raises(
        DataError, match="image is in Pillow's mode I;16, whose numbers have no known range; save it as L"
    ):
        load_images(path="deep", splits={"train": "train", "validation": 0.1})


def test_train_decides_between_grey_and_colour(write, load_images):
    for i in range(10):
        write(f"mixed/train/{'ab'[i % 2]}/{i}.png", picture(value=7))
        write(f"mixed/test/{'ab'[i % 2]}/{i}.png", picture("RGB", value=7))
    data = load_images(path="mixed", splits={"train": "train", "validation": 0.2, "test": "test"})
    assert data.image_shape == (3, 4, 1)
    assert "10 grey and 10 coloured images: read as grey, as all of train are" in data.notices
    assert {int(image[0, 0, 0]) for image in pixels(data, "test")} == {7}


def test_the_side_that_a_camera_says_is_up(write, load_images):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter
    for i in range(20):
        write(f"set/{'ab'[i % 2]}/{i}.jpg", picture(size=(3, 4), form="JPEG", exif=exif))
    assert load_images(path="set").image_shape == (3, 4, 1)


@pytest.mark.parametrize(("width", "height"), [(28, 30), (28, 3), (4, 30)])
def test_an_image_of_another_size(pictures, write, load_images, width, height):
    pictures()
    write("set/test/dog/x.png", picture(size=(width, height)))
    with pytest.raises(
        DataError,
        match=rf"^data\.path: test/dog/x\.png: an image of {width} × {height}, where train/cat/00\.png has 4 × 3 "
        r"\(width × height\); 1 of 21 images of test differ from that; all must have one size: resize them$",
    ):
        load_images(path="set")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no image", r"image cannot be read \(first: of no form that Pillow knows\)"),
        (picture(size=(40, 40), value=3)[:-30], r"image cannot be read \(first: .*\)"),
        (picture("F", form="TIFF"), r"image is in Pillow's mode F, whose numbers have no known range; save it as L"),
    ],
)
def test_an_image_that_cannot_be_read(pictures, write, load_images, content, message):
    pictures()
    write("set/test/cat/x.png", content)
    with pytest.raises(DataError, match=rf"\n  test: 1 of 21 rows: {message}: test/cat/x\.png\n  Mend them"):
        load_images(path="set")
    with pytest.raises(DataError, match=r"there are rows that cannot be kept"):
        load_images(path="set", on_bad_rows="keep")
    skipped = load_images(path="set", on_bad_rows="skip")
    assert (len(skipped.splits["test"]), skipped.rows_before["test"]) == (20, 21)


def test_rows_without_an_image(write, load_images):
    for i in range(10):
        write(f"{i}.png", picture(value=i))
    lines = [f'{{"image": "{i}.png", "label": "{"ab"[i % 2]}"}}' for i in range(10)]
    lines += ['{"image": null, "label": "a"}', '{"image": "gone.png", "label": "a"}', '{"image": [0, 1], "label": "a"}']
    write("train.jsonl", "\n".join(lines))
    with pytest.raises(DataError) as raised:
        load_images(path="train.jsonl", splits={"train": "train.jsonl", "validation": 0.2})
    for wanted in (
        "rows: image is null: line 11 of train.jsonl\n",
        "rows: image file is missing (first: gone.png): line 12 of train.jsonl\n",
        "rows: image is no image but list: line 13 of train.jsonl\n",
    ):
        assert wanted in str(raised.value)


def test_a_fingerprint_knows_every_pixel(pictures, write, load_images):
    pictures()
    before = load_images(path="set").fingerprint
    assert load_images(path="set").fingerprint == before
    write("set/test/cat/00.png", picture(value=1))
    assert load_images(path="set").fingerprint != before
