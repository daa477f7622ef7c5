"""`hftk reproduce`: a finished run is trained again from its own recipe, and its stated figures are checked."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hftk.data.where import listed
from hftk.errors import DataError, RecipeError
from hftk.hub.stated import Stated, StatedRun, read_record, read_stated
from hftk.recipe.places import value_at

if TYPE_CHECKING:
    from hftk.data import LabelledData
    from hftk.hub.agreement import Agreement
    from hftk.sweep.expansion import SweepPlan

RESULT = "reproduction.json"
# keys that say where things lie: their content is compared, not their name
_PLACES = {"name", "output_dir", "tracking", "hub", "limits", "embeddings.path"}
_PLACES |= {"data.path", "data.name", "data.revision", "data.data_files", "model.pretrained", "model.revision"}


@dataclass(frozen=True)
class Reproduction:
    stated: Stated
    folder: Path
    """Of the run that was trained here."""
    here: StatedRun | None
    """None where it did not finish."""
    changes: dict[str, tuple[Any, Any]]
    """Keys of the recipe that an override changed, with effect on the training: stated, here."""
    agreement: "Agreement | None"
    """None where the run here did not finish."""
    reason: str | None
    """Why it did not."""

    @property
    def reproduced(self) -> bool:
        return self.agreement is not None and self.agreement.reproduced

    @property
    def result(self) -> Path:
        """reproduction.json, beside the report of the run that was trained here."""
        return self.folder.parent / RESULT


def reproduce(
    model: str,
    overrides: Sequence[str] = (),
    *,
    revision: str | None = None,
    data: str | None = None,
    tell: Callable[[str], None] = print,
) -> Reproduction:
    """Trains the run again, in runs/reproduce-… of the current folder, and compares; the same command goes on.

    model: a run folder, or a model of the Hub at `revision`. data: where its data lie here, for what was a local file.
    overrides: `key.path=value`; those that change the training are told as such. tell: a line to a person.
    Raises RecipeError where there is nothing to train by, DataError where the data are not those of the run.
    """
    from hftk.recipe import read_sweep
    from hftk.train import run

    stated = read_stated(model, revision=revision)
    given = [f"data.path={json.dumps(data)}", *overrides] if data is not None else list(overrides)
    _check_there(stated, given)
    places, changing = _parted(given)
    pinned = [*_pinned(stated, given, local=data is not None), *places]
    pinned += _same_batch(stated, pinned, given)
    words = [*pinned, *changing]
    plan = read_sweep(stated.recipe, words)
    if len(plan.runs) != 1:
        raise RecipeError(f"{stated.name}: its recipe asks for {len(plan.runs)} runs; one is compared")
    changes = _changes(read_sweep(stated.recipe, pinned), plan)
    tell(f"{stated.name}: training it again in {plan.folder}")
    _check_data(plan, stated=stated, changes=changes)

    run(stated.recipe, words)

    folder = plan.folder / plan.runs[0].name
    made = _compared(stated, folder, changes=changes)
    from hftk.sweep.record import write_json

    write_json(made.result, content(made))
    return made


def _pinned(stated: Stated, given: Sequence[str], *, local: bool) -> list[str]:
    """Overrides that make the recipe that of the stated run: its commits, and a folder of its own.

    given: the user's, which count more. local: are the data now a local file or folder, whatever they were?
    """
    ours: dict[str, Any] = {"tracking": {}, "hub": {}, "output_dir": "runs", "name": stated.folder_name}
    taken, run = _keys(given), stated.run
    if local:
        ours |= {"data.name": None, "data.revision": None}  # of the Hub only
    elif run.data.commit is not None and not {"data", "data.path", "data.revision"} & taken:
        ours["data.revision"] = run.data.commit
    pretrained = run.pretrained
    named = {"model", "model.pretrained", "model.revision"}
    if pretrained is not None and pretrained.commit is not None and not named & taken:
        ours["model.revision"] = pretrained.commit
    return [f"{key}={json.dumps(value)}" for key, value in ours.items() if key not in taken]


def _same_batch(stated: Stated, pinned: Sequence[str], given: Sequence[str]) -> list[str]:
    """Of several processes, all of their rows in the batch of the one that trains here."""
    from hftk.recipe import read_sweep
    from hftk.recipe.trainer_arguments import training_with_defaults

    key = "training.per_device_train_batch_size"
    if stated.run.world_size == 1 or key in _keys(given):
        return []
    recipe = read_sweep(stated.recipe, pinned).runs[0].recipe
    rows = training_with_defaults(recipe.training)["per_device_train_batch_size"]
    return [f"{key}={rows * stated.run.world_size}"]


def _keys(overrides: Sequence[str]) -> set[str]:
    return {word.partition("=")[0] for word in overrides}


def _parted(overrides: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those that say where things lie, and those that may change the training."""
    places = [word for word in overrides if word.partition("=")[0] in _PLACES]
    return places, [word for word in overrides if word not in places]


def _changes(before: "SweepPlan", after: "SweepPlan") -> dict[str, tuple[Any, Any]]:
    from hftk.recipe.plan import resolved_recipe

    stated, here = (_flat(resolved_recipe(plan.runs[0].recipe)) for plan in (before, after))
    keys = [*stated, *(key for key in here if key not in stated)]
    return {
        key: (stated.get(key), here.get(key))
        for key in keys
        if stated.get(key) != here.get(key) and key not in _PLACES and key.partition(".")[0] not in _PLACES
    }


def _flat(value: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, child in value.items():
        inner = _flat(child, f"{above}{key}.") if isinstance(child, Mapping) else {}
        found |= inner or {f"{above}{key}": child}
    return found


def _check_there(stated: Stated, given: Sequence[str]) -> None:
    data = stated.run.data
    # a record of an earlier version, which tells no commit, may be of a data set of the Hub
    local = "commit" in data.model_fields_set and data.commit is None and not data.path.startswith("builtin:")
    if local and not {"data", "data.path"} & _keys(given) and not Path(data.path).expanduser().exists():
        raise DataError(
            f"{stated.name}: it was trained on {data.path}, a file or folder of the machine that trained it, which is "
            "not here; give it with --data PATH"
        )


def _check_data(plan: "SweepPlan", *, stated: Stated, changes: Mapping[str, Any]) -> None:
    """Before hours are spent: figures on other rows compare with nothing, unless other rows were asked for."""
    from hftk.data import load

    recipe, document = plan.runs[0].recipe, plan.runs[0].document
    found = load(recipe.data, place=lambda below: document.place(("data", *below)), task=recipe.task)
    asked = any(key.startswith("data.") or key == "task" for key in changes)
    if found.fingerprint != stated.run.data.fingerprint and not asked:
        raise DataError(f"{stated.name}: {_other_data(found, path=recipe.data.path, told=stated.run)}")


def _other_data(found: "LabelledData", *, path: str, told: StatedRun) -> str:
    stated = told.data.split_fingerprints
    parts = []
    for split, fingerprint in found.split_fingerprints.items():
        rows = f"{len(found.splits[split]):,} rows, stated {told.data.rows.get(split, 0):,}"
        differs = f"differs ({rows}; fingerprint {fingerprint[:12]}, stated {stated.get(split, 'none')[:12]})"
        parts.append(f"{split} {'is the same' if stated.get(split) == fingerprint else differs}")
    at = f", at commit {found.commit}," if found.commit else ""
    file = Path(told.data.path).name
    # each row's origin is its file's name and its place there
    other = found.commit is None and file != Path(path).name
    renamed = f" in a file called {file}, by which its rows are known," if other else ""
    return (
        f"the data here{at} are not those that it was trained on, so its figures cannot be reproduced: "
        f"{'; '.join(parts)}; labels {'the same' if found.labels == told.data.labels else listed(found.labels)}. "
        f"Nothing was trained. Give the data of then{renamed} with --data PATH, or data.revision=<commit> of the Hub"
    )


def _compared(stated: Stated, folder: Path, *, changes: dict[str, tuple[Any, Any]]) -> Reproduction:
    from hftk.hub.agreement import agreement

    here = read_record(folder / "run.json", name=str(folder / "run.json"))
    if here.status != "finished":
        reason = value_at(json.loads((folder / "run.json").read_bytes()), ("reason",))
        return Reproduction(stated, folder, None, changes, None, reason=f"{here.status}: {reason}")
    found = agreement(stated.run, here, folder=folder, changed=bool(changes))
    return Reproduction(stated, folder, here, changes, found, reason=None)


def content(made: Reproduction) -> dict[str, Any]:
    """reproduction.json."""
    found, run = made.agreement, made.stated.run
    told: dict[str, Any] = {
        "model": made.stated.name,
        "commit": made.stated.commit,
        "run": made.folder.as_posix(),
        "reproduced": made.reproduced,
        "reason": made.reason,
        "changes": {key: {"stated": old, "here": new} for key, (old, new) in made.changes.items()},
        "data": {"stated": run.data.model_dump(include={"path", "commit", "fingerprint", "split_fingerprints"})},
    }
    if found is None or made.here is None:
        return told
    told["data"] |= {"here": made.here.data.model_dump(include={"path", "commit", "fingerprint", "split_fingerprints"})}
    return told | {
        "exact": found.exact,
        "exact_expected": found.exact_expected,
        "figures": [
            {
                "name": one.name,
                "stated": one.stated,
                "here": one.here,
                "difference": one.difference,
                "tolerance": one.tolerance,
                "verdict": one.verdict,
            }
            for one in found.figures
        ],
        "same_weights": found.weights,
        "versions": {name: {"stated": old, "here": new} for name, (old, new) in found.versions.items()},
        "hardware": {name: {"stated": old, "here": new} for name, (old, new) in found.hardware.items()},
    }
