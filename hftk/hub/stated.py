"""What a finished run says of itself, in its folder or in its repository on the Hub: enough to train it again."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hftk.data.where import listed
from hftk.errors import RecipeError
from hftk.hub.recipes import LARGEST, PREFIX, RECIPE, HubModel, fetch, hub_hint, named_model

RECORD = "run.json"
WEIGHTS = "model/model.safetensors"
_LONGEST_NAME = 100  # bytes; a longer folder's name says no more

Commit = Annotated[str, Field(pattern="^[0-9a-f]{40}$")]


class _Part(BaseModel):
    """Keys that are not named here are left alone: a later version writes more of them."""

    model_config = ConfigDict(frozen=True)


class StatedData(_Part):
    path: str
    commit: Commit | None = None
    """Of a data set of the Hub."""
    fingerprint: str
    split_fingerprints: dict[str, str] = {}
    rows: dict[str, int] = {}
    labels: list[str] = []


class StatedModel(_Part):
    name: str
    commit: Commit | None = None
    """Of a model of the Hub."""
    fingerprint: str | None = None


class StatedFile(_Part):
    sha256: str


class StatedRun(_Part):
    """run.json, as far as training again and comparing need it."""

    run: str
    status: str
    seed: int
    identity: str
    metrics: dict[str, float | None]
    data: StatedData
    pretrained: StatedModel | None = None
    versions: dict[str, str] = {}
    hardware: dict[str, Any] = {}
    device: str | None = None
    world_size: int = 1
    files: dict[str, StatedFile] = {}
    finished: str | None = None

    @property
    def weights(self) -> str | None:
        """sha256 of the weights; None where the record does not tell it, or they lie in several files."""
        return self.files[WEIGHTS].sha256 if WEIGHTS in self.files else None


@dataclass(frozen=True)
class Stated:
    name: str
    """As a person is told of it."""
    recipe: str
    """RECIPE for hftk.run: a file, or hf://owner/name@commit."""
    run: StatedRun
    commit: str | None
    """Of the repository on the Hub; None for a folder."""
    folder_name: str
    """Of the sweep that trains it again."""


def read_stated(model: str, *, revision: str | None) -> Stated:
    """model: a run folder, a downloaded repository, or a model of the Hub (owner/name), at `revision`.

    Raises RecipeError where it is none of these, or tells too little of itself.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        if revision is not None:
            raise RecipeError(f"--revision {revision}: has no effect on a local folder ({model}); take it out")
        return _local(model, path)
    try:
        named = named_model(model)
    except ValueError as error:
        raise RecipeError(f"{model}: {error}") from None
    if named is None:
        raise RecipeError(f"there is no run folder {model} here{hub_hint(model)}")
    if revision is not None and named.revision is not None:
        raise RecipeError(f"--revision {revision}: {model} names a revision already; keep one of them")
    return _on_hub(model, HubModel(named.model_id, revision or named.revision))


def read_record(path: Path, *, name: str) -> StatedRun:
    """run.json. name: what messages call it. Raises RecipeError where it is no record of a run."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        return StatedRun.model_validate(json.loads(content[:LARGEST]))
    except OSError as error:
        raise RecipeError(f"{name} cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RecipeError(f"{name} is no record of a run of hftk: {where}: {first['msg'].lower()}") from None
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{name} is not JSON ({error})") from error


def _local(model: str, path: Path) -> Stated:
    folder = path.parent if path.name == "model" and (path.parent / RECORD).is_file() else path
    if not (folder / RECORD).is_file():
        runs = sorted(str(one.parent) for one in folder.glob(f"*/{RECORD}"))
        if runs:
            raise RecipeError(f"{model} holds several runs; name one of them: {listed(runs)}")
        raise RecipeError(f"{model} is no run: it holds no {RECORD}")
    if not (folder / RECIPE).is_file():
        raise RecipeError(f"{model}: its {RECIPE} is missing, so it is not known how it was trained")
    run = _finished(read_record(folder / RECORD, name=str(folder / RECORD)), name=model)
    sweep = folder.resolve().parent.name
    name = f"reproduce-{sweep}-{run.run}"
    if len(name.encode()) > _LONGEST_NAME:
        name = f"reproduce-{run.identity}"
    return Stated(name=model, recipe=str(folder / RECIPE), run=run, commit=None, folder_name=name)


def _on_hub(model: str, named: HubModel) -> Stated:
    here = "" if model.startswith(PREFIX) else f"there is no folder {model} here, and "
    try:
        recipe = fetch(named, RECIPE)
        record = fetch(HubModel(named.model_id, recipe.commit), RECORD)
    except RecipeError as error:
        raise RecipeError(f"{model}: {here}{error}") from error
    run = _finished(read_record(record.path, name=str(record.place)), name=named.model_id)
    return Stated(
        name=f"{named.model_id} at commit {recipe.commit}",
        recipe=f"{PREFIX}{named.model_id}@{recipe.commit}",
        run=run,
        commit=recipe.commit,
        folder_name=f"reproduce-{named.model_id.replace('/', '--')}-{recipe.commit[:7]}",
    )


def _finished(run: StatedRun, *, name: str) -> StatedRun:
    if run.status != "finished":
        raise RecipeError(f"{name}: the run is not finished but {run.status}: there are no figures to compare with")
    return run
