"""A recipe that lies on the Hub, in a model's repository: named, fetched, and taken in as data of somebody else."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from hftk.errors import RecipeError
from hftk.hub import reaching
from hftk.recipe.places import Document, Place, Problem, problem, shown

PREFIX = "hf://"
RECIPE = "recipe.yaml"
LARGEST = 1 << 24
"""Bytes of a recipe or a record: far more than any of ours, and little to fetch in vain."""
_PART = r"\w(?:[\w.-]*\w)?"
_ID = re.compile(rf"(?P<id>(?=[^@]{{1,96}}(?:@|$)){_PART}/{_PART})(?:@(?P<revision>\S+))?", re.ASCII)
# sections that publish, and the key that has them do so: its writer's are not its reader's
_PUBLISHING = {"hub": "push", "tracking": "report_to"}


@dataclass(frozen=True)
class HubModel:
    """`owner/name`, `owner/name@revision`."""

    model_id: str
    revision: str | None = None
    """A commit, tag or branch; None: main."""


@dataclass(frozen=True)
class HubFile:
    path: Path
    """In the cache of this machine."""
    commit: str
    place: Place
    """hf://owner/name@<commit>/<file>, for messages."""


def named_model(recipe: str) -> HubModel | None:
    """What RECIPE names on the Hub; None where it is a file's name.

    `hf://owner/name` always; `owner/name` where there is no such file, no folder `owner` here and no suffix of a recipe
    file: a misspelt path is told as such, without asking the Hub. Raises ValueError, with what to write, where `hf://`
    stands before what is no model.
    """
    found = _ID.fullmatch(recipe.removeprefix(PREFIX))
    if recipe.startswith(PREFIX):
        if found is None:
            raise ValueError("no model of the Hub; write hf://owner/name or hf://owner/name@revision")
    elif found is None or recipe.endswith((".yaml", ".yml")) or Path(recipe.partition("/")[0]).exists():
        return None
    return HubModel(found["id"], found["revision"])


def hub_hint(recipe: str) -> str:
    """`; for a model of the Hub write hf://owner/name`, where a path that is not there could be one; else nothing."""
    likely = _ID.fullmatch(recipe) and not recipe.endswith((".yaml", ".yml"))
    return f"; for a model of the Hub write {PREFIX}{recipe}" if likely else ""


def fetch(model: HubModel, name: str, *, largest: int = LARGEST) -> HubFile:
    """A file of the model's repository, at one commit. largest: bytes that it may have.

    Without the Hub, what was fetched before is taken. Raises RecipeError: what is wrong with `it`, and what to do.
    """
    trouble = reaching.trouble(model.model_id, kind="model", revision=model.revision)
    if trouble is not None and not trouble.passing:
        raise RecipeError(trouble.reason)
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    revision = model.revision or "main"
    try:
        if trouble is None:
            told = get_hf_file_metadata(hf_hub_url(model.model_id, name, revision=revision))
            if (told.size or 0) > largest:
                raise RecipeError(f"its {name} on the Hub has {told.size:,} bytes; at most {largest:,} are read")
        path = Path(hf_hub_download(model.model_id, name, revision=revision, local_files_only=trouble is not None))
    except LocalEntryNotFoundError as error:
        reason = trouble.reason if trouble is not None else reaching.UNREACHABLE
        raise RecipeError(f"{reason}, and its {name} is not in the cache on this machine") from error
    except EntryNotFoundError as error:
        raise RecipeError(f"its repository on the Hub holds no {name}; those that hftk push made do") from error
    except RecipeError:
        raise
    # what the client raises changes from version to version
    except Exception as error:
        raise RecipeError(f"its {name} cannot be fetched ({' '.join(str(error).split())})") from error
    commit = path.parts[-2 - name.count("/")]  # …/snapshots/<commit>/<file>
    return HubFile(path, commit, Place(f"{PREFIX}{model.model_id}@{commit[:12]}/{name}"))


def take_in(document: Document, *, model: HubModel, commit: str) -> None:
    """What a recipe of somebody else decides here, before the overrides: a folder of its own, nothing published."""
    name = model.model_id.replace("/", "--")
    told = f"{RECIPE} of {model.model_id} at commit {commit}, trained as name={name}"
    document.data["name"] = name
    sections = {section: document.data.pop(section, None) for section in _PUBLISHING}
    published = [
        section
        for section, given in sections.items()
        if isinstance(given, dict) and given.get(_PUBLISHING[section]) not in (None, "none", [])
    ]
    if published:
        told += f"; what it says of {' and '.join(published)} is left out, write your own"
    document.notices.append(told)


def outside(document: Document) -> list[Problem]:
    """Where the recipe of somebody else would write outside of the current folder, unless an override says so."""
    folder = document.data.get("output_dir")
    if not isinstance(folder, str) or "output_dir" in document.overrides:
        return []
    kinds = (PurePosixPath(folder), PureWindowsPath(folder))
    if not any(path.is_absolute() or path.drive or path.root or ".." in path.parts for path in kinds):
        return []
    text = (
        f"{shown(folder)}: a recipe from the Hub writes below the current folder; decide yourself with output_dir=runs"
    )
    return [problem(document, ("output_dir",), text)]
