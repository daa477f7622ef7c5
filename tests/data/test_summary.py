import io

from PIL import Image

from hftk.data.summary import describe


def test_describe(write, load_data):
    for name, rows in {"train": 30, "dev": 4}.items():
        lines = [f"{'x' * (i + 1)},{'bad' if i % 4 == 0 else 'good'}" for i in range(rows)]
        write(f"set/{name}.csv", "\n".join(["text,label", *lines, ",bad"]))
    assert describe(load_data(path="set", on_bad_rows="skip")) == [
        "train: 30 of 31 rows",
        "  classes: bad 8 (26.7 %), good 22 (73.3 %)",
        "  characters per text: min 1, 50 % 15, 90 % 27, 99 % 29, max 30",
        "validation: 4 of 5 rows",
        "  classes: bad 1 (25.0 %), good 3 (75.0 %)",
        "  characters per text: min 1, 50 % 2, 90 % 3, 99 % 3, max 4",
        "the data set's own splits are used: train = train.csv, validation = dev.csv",
        "no test split is named: there will be no test figures",
        "skipped 1 of 31 rows of train: 30 are left (text is empty or white space only: line 32 of train.csv)",
        "skipped 1 of 5 rows of validation: 4 are left (text is empty or white space only: line 6 of dev.csv)",
    ]


def test_describe_sentences(write, load_tags):
    for name, count in {"train": 9, "dev": 2}.items():
        write(f"set/{name}.conll", "".join("word N\n" * (i + 1) + ". P\n\n" for i in range(count)))
    assert describe(load_tags(path="set", columns={"tokens": 0, "tags": 1}))[:4] == [
        "train: 9 rows",
        "  tags: N 45 (83.3 %), P 9 (16.7 %)",
        "  words per sentence: min 2, 50 % 6, 90 % 9, 99 % 9, max 10",
        "validation: 2 rows",
    ]


def test_describe_images(write, load_images):
    for i in range(20):
        buffer = io.BytesIO()
        Image.new("RGB", (4, 3)).save(buffer, "PNG")
        write(f"set/{'ab'[i % 2]}/{i}.png", buffer.getvalue())
    lines = describe(load_images(path="set"))
    assert lines[:2] == ["train: 16 rows", "  classes: a 8 (50.0 %), b 8 (50.0 %)"]
    assert lines[6] == "images: 4 × 3 pixels (width × height), RGB"
