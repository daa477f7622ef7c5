"""A finished run's folder → what its repository on the Hub is to hold, and what stays here."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hftk.errors import HftkError, HubError, RunError
from hftk.hub.known import known_from_cards
from hftk.hub.manifest import Entry, LeftOut, Manifest
from hftk.hub.pushed_recipe import local_paths, pushed_recipe
from hftk.hub.pushed_record import pushed_record
from hftk.recipe.reading import read_document
from hftk.recipe.schema import Recipe
from hftk.report.card import card, eval_results, gather_evidence
from hftk.report.card.origin import hub_data, hub_model, last_part
from hftk.report.runs import Run
from hftk.report.runs import read_run as read_values
from hftk.sweep.record import finished_record

_MODEL_KINDS = (".json", ".safetensors", ".txt", ".model", ".jinja")
"""What transformers writes for a model, a tokenizer and an image processor; .model is SentencePiece's vocabulary."""
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
_STAY = {
    "predictions.parquet": "a row for every row of validation and test, with its label",
    "reference.json": "texts or images of the data, by which a copy of the model is tried",
    "trace.csv": "for the diagnosis here; epochs.csv has the epochs",
    "gradients.csv": "for the diagnosis here; epochs.csv has the epochs",
    "pushed.json": "what was pushed when",
    "checkpoints/": "for going on with the training: optimizer states",
}
_WRITTEN_ANEW = ("model/README.md", "recipe.yaml", "run.json")
"""The repository has them, made for it."""
_TRACKERS = ("wandb", "trackio", "tensorboard", "runs", "logs", "mlruns")


def contents(run_folder: Path, *, merged: bool, model_id: str | None = None) -> Manifest:
    """The repository of a run: weights, config, tokenizer or image processor, code of hftk's own architectures,
    recipe.yaml, run.json, epochs.csv, curves.png, the card, and its results for leaderboards.

    merged: of a run with an adapter, the whole model; else the adapter alone, which needs its base model from the Hub.
    model_id: where it will lie, for the card. The same run gives the same bytes each time.
    Raises HubError where the run is not finished or damaged, or an adapter's base model is on this machine only.
    """
    record = _record(run_folder)
    run, recipe = _run(run_folder), _recipe(run_folder)
    adapter = _is_adapter(run_folder, run, recipe, merged=merged)
    files, left = _sorted_out(run_folder, adapter=adapter, own_code=recipe.model.architecture is not None)
    made = dict(_made(run, recipe, record, adapter=adapter, model_id=model_id))
    entries = [Entry(path, file, file.stat().st_size) for path, file in files.items()]
    entries += [Entry(path, content, len(content)) for path, content in made.items()]
    return Manifest(
        entries=tuple(sorted(entries, key=lambda entry: entry.path)),
        left_out=tuple(sorted(left, key=lambda one: one.path)),
    )


def lay_out(manifest: Manifest, folder: Path) -> None:
    """The repository as a folder, files of this machine as links: for trying what would be pushed.

    Where links cannot be made, the files are copied.
    """
    for entry in manifest.entries:
        path = folder / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(entry.source, bytes):
            path.write_bytes(entry.source)
            continue
        try:
            path.symlink_to(entry.source.resolve())
        except OSError:
            shutil.copyfile(entry.source, path)


def _record(folder: Path) -> dict[str, Any]:
    try:
        return finished_record(folder)
    except RunError as error:
        raise HubError(str(error)) from error


def _run(folder: Path) -> Run:
    try:
        return read_values(folder)
    except HftkError as error:
        raise HubError(str(error)) from error


def _recipe(folder: Path) -> Recipe:
    path = folder / "recipe.yaml"
    try:
        return Recipe.model_validate(read_document(str(path)).data)
    except (HftkError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise HubError(
            f"{path}: no recipe of this version of hftk ({reason}); push with the one that trained"
        ) from error


def _is_adapter(folder: Path, run: Run, recipe: Recipe, *, merged: bool) -> bool:
    if recipe.peft is None or merged:
        return False
    if not (folder / "model" / "adapter" / "adapter_config.json").is_file():
        raise HubError(f"{folder}: model/adapter is missing; push the merged model: hftk push --merged")
    if hub_model(run, recipe) is None:
        raise HubError(
            f"{folder}: an adapter is of no use without its base model, and {last_part(recipe.model.pretrained)} is "
            "not on the Hub; push the merged model: hftk push --merged, or in the recipe hub.merged: true"
        )
    return True


def _sorted_out(folder: Path, *, adapter: bool, own_code: bool) -> tuple[dict[str, Path], list[LeftOut]]:
    """What goes up as it is, by its path in the repository, and what does not."""
    files: dict[str, Path] = {}
    left: list[LeftOut] = []
    for name, path in _walk(folder):
        if name in _WRITTEN_ANEW:
            continue
        reason = _reason(name, path, folder=folder, adapter=adapter, own_code=own_code)
        if reason is None:
            files[name.removeprefix("model/").removeprefix("adapter/")] = path
        else:
            left.append(LeftOut(name, _size(path), reason))
    return files, left


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file of the run, and every folder that is none of the model's; a folder's name ends with `/`."""
    for path in sorted(folder.iterdir()):
        if path.name != "model" or path.is_symlink():
            yield path.name + ("/" if path.is_dir() and not path.is_symlink() else ""), path
    for path in sorted((folder / "model").iterdir()):
        if path.name == "adapter" and path.is_dir() and not path.is_symlink():
            yield from ((f"model/adapter/{inner.name}", inner) for inner in sorted(path.iterdir()))
        else:
            yield f"model/{path.name}" + ("/" if path.is_dir() and not path.is_symlink() else ""), path


def _reason(name: str, path: Path, *, folder: Path, adapter: bool, own_code: bool) -> str | None:
    """Why it stays here; None where it goes up as it is."""
    if path.is_symlink() and not _inside(path, folder):
        return "a link to elsewhere"
    if path.name.startswith("."):
        return "hidden"
    if name in _STAY:
        return _STAY[name]
    if path.is_dir():
        tracker = path.name in _TRACKERS
        return "a tracker's files" if tracker else "a folder that hftk does not write"
    if path.suffix in _PICKLES:
        return "a pickle, which can hold code; the weights are safetensors"
    if name == "epochs.csv":
        return None
    if not name.startswith("model/"):
        return "a file that hftk does not write"
    if name.startswith("model/adapter/"):
        return None if adapter and path.suffix in _MODEL_KINDS else "merged into the model"
    if path.suffix == ".py":
        return None if own_code else "code that the model does not need"
    if path.suffix not in _MODEL_KINDS:
        return "no file of a model"
    if adapter and (path.suffix == ".safetensors" or path.name.endswith(".safetensors.index.json")):
        return "the merged model; the adapter alone goes up (--merged pushes this)"
    return None


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _size(path: Path) -> int:
    if path.is_symlink() or path.is_file():
        return path.lstat().st_size
    return sum((Path(at) / name).lstat().st_size for at, _, names in os.walk(path) for name in names)


def _made(
    run: Run, recipe: Recipe, record: dict[str, Any], *, adapter: bool, model_id: str | None
) -> Iterator[tuple[str, bytes]]:
    """What is written for the repository."""
    known = known_from_cards(
        data=hub_data(run, recipe),
        model=hub_model(run, recipe),
        data_commit=run.data.commit,
        model_commit=run.pretrained.get("commit"),
    )
    text = card(
        run,
        recipe,
        evidence=gather_evidence(run),
        model_id=model_id,
        adapter=adapter,
        pushed=True,
        known=known,
    )
    yield "README.md", text.encode()
    yield "recipe.yaml", pushed_recipe(run, recipe).encode()
    yield "run.json", pushed_record(record, paths=local_paths(run, recipe))
    yield "curves.png", _curves(run, recipe)
    if (results := eval_results(run, recipe)) is not None:
        yield ".eval_results/hftk.yaml", results.encode()


def _curves(run: Run, recipe: Recipe) -> bytes:
    from hftk.report.curves import draw_curves

    with tempfile.TemporaryDirectory(prefix="hftk-curves-") as folder:
        path = Path(folder) / "curves.png"
        draw_curves([run], path, title=recipe.name)
        return path.read_bytes()
