"""What a linear model on words loses where texts are cut at `data.max_length`, as a sweep's folder keeps it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from hftk.analysis.description import description_folder
from hftk.errors import RunError
from hftk.replacing import replace_text

MARGIN = 0.01
"""Of the rows: a loss of no more than one in a hundred is not worth a recipe's change."""
_VERSION = 1


@dataclass(frozen=True)
class Cutting:
    """A linear model on words that reads texts as they are cut, beside one that reads them whole. Shares of rows."""

    max_length: int
    """Tokens."""
    cut_share: float
    n: int
    """Rows of validation that both were judged on."""
    whole_accuracy: float
    cut_accuracy: float
    low: float
    """Of the 95 % interval of the first less the second, on the same rows."""
    high: float
    enough: int | None
    """The shortest length tried, in tokens, at which no more than MARGIN is lost; None where none was looked for."""
    enough_accuracy: float | None

    @property
    def hurts(self) -> bool:
        """Is more than MARGIN lost, chance aside?"""
        return self.low > MARGIN


def read_cutting(folder: Path, fingerprint: str, recipe: Mapping[str, Any]) -> Cutting | None:
    """What was written for data of a sweep and a recipe; None where nothing was.

    folder: the sweep's. Raises RunError for a file that is broken.
    """
    path = cutting_file(folder, fingerprint, recipe)
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        found = told.pop("cutting")
        return Cutting(**found) if told == {"version": _VERSION} and found is not None else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path}: cannot be read ({error}). Remove it to have it made again.") from error


def write_cutting(found: Cutting | None, *, folder: Path, fingerprint: str, recipe: Mapping[str, Any]) -> None:
    """found: None is remembered too. Raises OSError where the disk refuses."""
    text = json.dumps({"version": _VERSION, "cutting": asdict(found) if found else None}, indent=1)
    replace_text(cutting_file(folder, fingerprint, recipe), text + "\n")


def cutting_file(folder: Path, fingerprint: str, recipe: Mapping[str, Any]) -> Path:
    """Named after all that decides where a text is cut: the tokenizer, and `data.max_length`."""
    model = recipe.get("model") or {}
    decides = [
        recipe.get("tokenizer"),
        model.get("pretrained"),
        model.get("revision"),
        (recipe.get("data") or {}).get("max_length"),
    ]
    name = sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
    return description_folder(folder, fingerprint) / f"cut-{name}.json"
