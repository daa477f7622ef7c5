"""OUT: a file that is whole or not there, or standard output as rows come."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hftk.errors import RecipeError, RunError

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".conll": "conll",
}


def output_format(output: str | None, *, file_kind: str, tagging: bool) -> str:
    """As the name of OUT says; on standard output csv for csv, else jsonl. Raises RecipeError."""
    if output is None:
        return file_kind if file_kind in ("csv", "tsv") and not tagging else "jsonl"
    form = FORMATS[Path(output).suffix.lower()]
    if tagging and form in ("csv", "tsv"):
        raise RecipeError(f"--output {output}: a sentence has a list of tags; write .jsonl, .parquet or .conll")
    if form == "conll" and not tagging:
        raise RecipeError(f"--output {output}: CoNLL is for tagged sentences; write .csv, .tsv, .jsonl or .parquet")
    return form


def check_output(output: str | None, file: str) -> None:
    """Raises RecipeError for a name that nothing can be written to."""
    if output is None:
        return
    path = Path(output).expanduser()
    if path.suffix.lower() not in FORMATS:
        raise RecipeError(f"--output {output}: the name must end in one of {', '.join(FORMATS)}")
    if path.is_dir():
        raise RecipeError(f"--output {output}: a folder; name a file")
    if not path.parent.is_dir():
        raise RecipeError(f"--output {output}: there is no folder {path.parent}")
    if path.exists() and Path(file).expanduser().exists() and path.samefile(Path(file).expanduser()):
        raise RecipeError(f"--output {output}: is FILE itself; name another file")


@contextmanager
def opened_output(output: str | None, stdout: BinaryIO) -> Iterator[BinaryIO]:
    """What to write to. A file is written beside and takes its name at the end; if the block fails nothing of it is
    left, and a file that had this name is as before. Raises RunError where the disk refuses."""
    if output is None:
        yield stdout
        stdout.flush()
        return
    path = Path(output).expanduser()
    beside = path.with_name(f".{path.name}.part")
    try:
        with open(beside, "wb") as file:
            yield file
        beside.replace(path)
    except OSError as error:
        raise RunError(f"{output}: cannot be written ({error.strerror or error}); nothing of it is left") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
