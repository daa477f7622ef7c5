"""Small real files for the tests of hftk.data."""

from functools import partial
from pathlib import Path

import pytest

from hftk.data import LabelledData, load
from hftk.recipe import schema


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(folder):
    """Writes `content` (text or bytes) to a file of the current folder and returns its path."""

    def write(name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


@pytest.fixture
def load_data():
    """`load` from the keys of a recipe's `data`."""

    def load_data(task: str = "text-classification", **keys) -> LabelledData:
        return load(schema.Data(**keys), task=task)

    return load_data


@pytest.fixture
def load_tags(load_data):
    return partial(load_data, "token-classification")


@pytest.fixture
def load_images(load_data):
    return partial(load_data, "image-classification")


@pytest.fixture
def reviews(write):
    """A csv of `rows` reviews, a quarter of them bad; columns text, label."""

    def reviews(name: str = "reviews.csv", rows: int = 40, mark: str = "") -> Path:
        lines = [f"film {mark}{i},{'bad' if i % 4 == 0 else 'good'}" for i in range(rows)]
        return write(name, "\n".join(["text,label", *lines, ""]))

    return reviews
