"""builtin:docstrings: read from installed sources, without a download and without an import."""

import re
import subprocess
import sys
from collections import Counter

import pytest

from hftk.data import builtin
from hftk.errors import DataError


@pytest.fixture(scope="module")
def docstrings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFTK_CACHE", str(folder))
        return builtin.load_builtin("docstrings")


@pytest.fixture
def small_library(tmp_path, monkeypatch):
    """A library `alpha` of 30 modules and a library `beta` that repeats one of its texts; returns their folder."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(builtin, "LIBRARIES", {"alpha": ("alpha_pkg", ()), "beta": ("beta_pkg", ())})
    for package in ("alpha_pkg", "beta_pkg"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(
            f'"""The very front door of {package}."""\nraise RuntimeError\n'
        )
    for number in range(30):
        source = f'"""Module {number} of all these modules.\n\nMore."""\n'
        source += f'class C:\n    """Class {number} says what it holds."""\n'
        (tmp_path / "alpha_pkg" / f"m{number}.py").write_text(source)
    shared = '"""Class 7 says what it holds."""\nasync def f():\n    """Waits for all of the others."""\n'
    (tmp_path / "beta_pkg" / "shared.py").write_text(shared)
    return tmp_path


def test_ten_libraries_at_most_500_rows_each_about_80_10_10(docstrings):
    rows = Counter(label for split in docstrings.values() for label in split["label"])
    assert rows.keys() == builtin.LIBRARIES.keys()
    assert len(rows) == 10
    assert all(300 <= count <= 500 for count in rows.values()), rows
    total = sum(rows.values())
    assert docstrings["train"].num_rows / total == pytest.approx(0.8, abs=0.04)
    assert docstrings["validation"].num_rows / total == pytest.approx(0.1, abs=0.03)
    assert all(set(split["label"]) == set(builtin.LIBRARIES) for split in docstrings.values())


def test_no_text_twice_and_no_module_on_two_sides(docstrings):
    texts = [builtin._normal(text) for split in docstrings.values() for text in split["text"]]
    assert len(texts) == len(set(texts))
    modules = [set(split["module"]) for split in docstrings.values()]
    assert sum(map(len, modules)) == len(set.union(*modules))


def test_names_are_masked_and_fragments_dropped(docstrings):
    texts = [text for split in docstrings.values() for text in split["text"]]
    name = re.compile(r"\b(numpy|np|torch|sklearn|scikit-learn|pandas|pd|matplotlib|transformers)\b", re.IGNORECASE)
    assert not [text for text in texts if name.search(text)]
    assert min(len(text.replace(builtin.MASK, " ").split()) for text in texts) >= builtin.MIN_WORDS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Like `numpy.linalg.norm` in PyTorch.", "Like `LIBRARY` in LIBRARY."),
        ("the torch_dtype of Scikit-Learn, sklearn", "the LIBRARY_dtype of LIBRARY, LIBRARY"),
        ("np arrays or pd frames: an input, updated", "LIBRARY arrays or LIBRARY frames: an input, updated"),
        ("torches and a transformer", "torches and a transformer"),
    ],
)
def test_masked(text, expected):
    assert builtin.masked(text) == expected


def test_first_paragraph_is_one_line():
    assert builtin.first_paragraph("\n    One\n    two.\n   \n    Three.") == "One two."


def test_second_call_reads_the_file(monkeypatch, tmp_path, small_library):
    monkeypatch.setenv("HFTK_CACHE", str(tmp_path / "cache"))
    first = builtin.load_builtin("docstrings")
    assert sorted(path.name for path in (tmp_path / "cache").glob("*/*")) == ["rows.parquet", "sha256.txt"]
    monkeypatch.setattr(builtin, "docstring_rows", lambda: pytest.fail("extracted again"))
    second = builtin.load_builtin("docstrings")
    assert {name: split.to_dict() for name, split in first.items()} == {
        name: split.to_dict() for name, split in second.items()
    }


def test_rows_of_a_small_library(small_library):
    rows = builtin.docstring_rows()
    assert rows == builtin.docstring_rows()
    texts = {row.text: row for row in rows}
    assert "Module 3 of all these modules." in texts, "the first paragraph only"
    assert texts["Waits for all of the others."].label == "beta"
    assert "Class 7 says what it holds." not in texts, "two libraries share it"
    assert texts["Class 8 says what it holds."].split == builtin.split_of("alpha_pkg/m8.py")


def test_module_share_and_library_share(small_library, monkeypatch):
    monkeypatch.setattr(builtin, "ROWS_PER_LIBRARY", 5)
    monkeypatch.setattr(builtin, "ROWS_PER_MODULE", 1)
    rows = [row for row in builtin.docstring_rows() if row.label == "alpha"]
    assert len(rows) == 5
    assert len({row.module for row in rows}) == 5


def test_a_file_for_a_newer_python_is_left_out(small_library):
    (small_library / "alpha_pkg" / "newer.py").write_text('"""Never to be read at all."""\ntype match = lambda: :=\n')
    assert "Never to be read at all." not in {row.text for row in builtin.docstring_rows()}


def test_unknown_name():
    with pytest.raises(DataError, match="builtin:doctsrings: no such data set; allowed: docstrings"):
        builtin.load_builtin("doctsrings")


def test_missing_library(monkeypatch):
    monkeypatch.setattr(builtin, "LIBRARIES", {"not-there": ("not_there_at_all", ())})
    with pytest.raises(DataError, match="not-there is not installed, .* install it with: pip install not-there"):
        builtin.docstring_rows()


def test_library_without_sources(small_library):
    for path in (small_library / "beta_pkg").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="no docstrings in the installed beta: .* pip install --force-reinstall beta"):
        builtin.docstring_rows()


def test_nothing_is_imported():
    code = (
        "import sys; from hftk.data.builtin import LIBRARIES, _library_rows\n"
        "rows = [row for label, (package, _) in list(LIBRARIES.items())[:2] for row in _library_rows(label, package)]\n"
        "assert rows; print(sorted({package for package, _ in LIBRARIES.values()} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
