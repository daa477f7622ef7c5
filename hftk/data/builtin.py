"""Data sets that need no download: made from what is installed, the same for the same installed versions."""

import ast
import hashlib
import importlib.metadata
import importlib.util
import inspect
import json
import platform
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hftk.data.cache import cache_folder, discard_entry, file_hash, write_entry
from hftk.errors import DataError

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

BUILTIN_NAMES = ("docstrings", "digits")

# label = the name that pip knows -> (package to look for, further names that give the library away).
# All ten come with hftk: its own dependencies, and those of torch.
LIBRARIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "huggingface-hub": ("huggingface_hub", ("huggingface", "hugging face", "huggingface.co", "hf", "hfapi")),
    "matplotlib": ("matplotlib", ("mpl", "mpl_toolkits", "pyplot", "plt", "pylab")),
    "networkx": ("networkx", ("nx", "nxgraph")),
    "numpy": ("numpy", ("np", "f2py", "f2py2e")),
    "pandas": ("pandas", ("pd",)),
    "scikit-learn": ("sklearn", ("scikit learn", "scikits", "scikit")),
    "scipy": ("scipy", ("sp",)),
    "sympy": ("sympy", ("sympify", "isympy")),
    "torch": ("torch", ("pytorch", "torchscript", "torchdynamo", "torchinductor", "torchgen", "torchvision", "aten")),
    "transformers": ("transformers", ()),
}
_ROWS, _CHECKSUM = "rows.parquet", "sha256.txt"
MASK = "LIBRARY"
ROWS_PER_LIBRARY = 430
ROWS_PER_MODULE = 10  # a few long modules would otherwise fill a library's share
SPARE_ROWS = 100  # gathered beyond the share, because duplicates go afterwards
MIN_WORDS = 4
# folders whose docstrings are about tests, or were written for another library
SKIPPED_FOLDERS = {"tests", "test", "testing", "_vendor", "vendor", "vendored", "externals", "extern", "third_party"}


@dataclass(frozen=True)
class Row:
    text: str
    label: str
    module: str
    split: str


def load_builtin(name: str) -> "datasets.DatasetDict":
    """The built-in data set `name`.

    `digits`: see hftk/data/digits.py.
    `docstrings`: columns text (first paragraph of a docstring), label (the library it was written for, as a string) and
    module (the file it stands in). Splits train, validation and test, about 80/10/10 by module, so that no file is on
    both sides.
    Read from the installed sources in a few seconds, then kept under $HFTK_CACHE or ~/.cache/hftk.

    Raises DataError for an unknown name, and where one of the ten libraries or its sources are missing.
    """
    if name not in BUILTIN_NAMES:
        raise DataError(f"builtin:{name}: no such data set; allowed: {', '.join(BUILTIN_NAMES)}")
    if name == "digits":
        from hftk.data.digits import digits

        return digits()

    import datasets
    import pyarrow as pa

    folder = _cache_entry(_installed_versions())
    table = _read(folder)
    if table is None:
        rows = docstring_rows()
        columns = ("text", "label", "module", "split")
        table = pa.table({column: [getattr(row, column) for row in rows] for column in columns})
        _write(folder, table)  # where nothing can be kept, the next call takes seconds again
    split_of_row = table["split"].to_pylist()
    splits = {
        split: datasets.Dataset(
            table.filter(pa.array([here == split for here in split_of_row])).drop_columns(["split"])
        )
        for split in ("train", "validation", "test")
    }
    return datasets.DatasetDict(splits)


def docstring_rows() -> list[Row]:
    """All rows of `docstrings`: at most ROWS_PER_LIBRARY of each library, no text twice, libraries mixed."""
    found = {label: _library_rows(label, package) for label, (package, _) in LIBRARIES.items()}
    libraries_with = Counter(_normal(row.text) for rows in found.values() for row in rows)
    chosen = []
    for label, rows in found.items():
        own = [row for row in rows if libraries_with[_normal(row.text)] == 1]  # a shared text has no right label
        if not own:
            raise DataError(
                f"builtin:docstrings: no docstrings in the installed {label}: its Python sources are missing; "
                f"install it again with: pip install --force-reinstall {label}"
            )
        chosen += own[:ROWS_PER_LIBRARY]
    return sorted(chosen, key=lambda row: _hash(row.text))


def masked(text: str) -> str:
    """`text` with every name of every library, and what hangs on it by dots, replaced by MASK."""
    return _NAMES.sub(MASK, text)


def first_paragraph(docstring: str) -> str:
    """The text up to the first blank line, on one line."""
    return " ".join(re.split(r"\n\s*\n", inspect.cleandoc(docstring), maxsplit=1)[0].split())


def split_of(module: str) -> str:
    """train, validation or test, by the module's name alone: about 80/10/10."""
    return {0: "validation", 1: "test"}.get(_hash(f"split {module}") % 10, "train")


def _library_rows(label: str, package: str) -> list[Row]:
    """Rows of one library without repeated texts: modules in the order of their hash, as many as are needed."""
    folder = _package_folder(label, package)
    modules = {
        f"{package}/{path.relative_to(folder).as_posix()}": path
        for path in folder.rglob("*.py")
        if not SKIPPED_FOLDERS.intersection(path.relative_to(folder).parts)
    }
    rows: list[Row] = []
    seen: set[str] = set()
    for module in sorted(modules, key=_hash):
        if len(rows) >= ROWS_PER_LIBRARY + SPARE_ROWS:
            break
        texts = (masked(first_paragraph(docstring)) for docstring in _docstrings(modules[module]))
        new = {_normal(text): text for text in texts if _is_prose(text) and _normal(text) not in seen}
        seen.update(new)
        for text in sorted(new.values(), key=_hash)[:ROWS_PER_MODULE]:
            rows.append(Row(text=text, label=label, module=module, split=split_of(module)))
    return rows


def _package_folder(label: str, package: str) -> Path:
    """Where a package lies, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(
            f"builtin:docstrings: {label} is not installed, and its docstrings are one of the {len(LIBRARIES)} labels; "
            f"install it with: pip install {label}"
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _docstrings(path: Path) -> Iterator[str]:
    """Docstrings of the module, its classes, functions and methods. None from a file for a newer Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other people's escape sequences
        try:
            tree = ast.parse(path.read_bytes())
        except SyntaxError:
            return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            if docstring:
                yield docstring


def _is_prose(text: str) -> bool:
    words = [word for word in text.replace(MASK, " ").split() if any(letter.isalpha() for letter in word)]
    return len(words) >= MIN_WORDS


def _normal(text: str) -> str:
    """What two texts share that differ in case, punctuation and spaces only."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _names_pattern() -> re.Pattern[str]:
    names = {name for package, further in LIBRARIES.values() for name in (package, *further)} | set(LIBRARIES)
    longest_first = sorted((re.escape(name) for name in names), key=len, reverse=True)
    # `torch_dtype` holds a name, `torches` does not; `numpy.linalg.norm` goes as a whole
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(longest_first)})(?![a-z0-9])(?:\.\w+)*", re.IGNORECASE)


_NAMES = _names_pattern()


def _installed_versions() -> dict[str, str]:
    """Version of each library that is installed; _package_folder complains about the others."""
    versions = {}
    for label in LIBRARIES:
        try:
            versions[label] = importlib.metadata.version(label)
        except importlib.metadata.PackageNotFoundError:
            versions[label] = "none"
    return versions


def _cache_entry(versions: dict[str, str]) -> Path:
    """A name for everything that decides the content: versions, the Python that parses them, and this file."""
    key = json.dumps([versions, platform.python_version_tuple()[:2], Path(__file__).read_text(encoding="utf-8")])
    return cache_folder() / f"docstrings-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _write(folder: Path, table: "pa.Table") -> None:
    import pyarrow.parquet as pq

    def fill(beside: Path) -> None:
        pq.write_table(table, beside / _ROWS)
        (beside / _CHECKSUM).write_text(file_hash(beside / _ROWS), encoding="utf-8")

    write_entry(folder, fill)


def _read(folder: Path) -> "pa.Table | None":
    """What `_write` stored; None, and nothing left there, if it is not whole."""
    import pyarrow.parquet as pq

    if not folder.is_dir():
        return None
    try:
        if file_hash(folder / _ROWS) == (folder / _CHECKSUM).read_text(encoding="utf-8"):
            return pq.read_table(folder / _ROWS)
    except (OSError, ValueError):
        pass
    discard_entry(folder)
    return None
