"""MODEL → which folder or Hub model it is, and what its files say of it; nothing of it is loaded."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hftk.data.where import did_you_mean, listed
from hftk.errors import HftkError, RecipeError, RunError
from hftk.hub import reaching
from hftk.hub.ids import ADAPTER, HUB_ID
from hftk.recipe import schema
from hftk.recipe.architectures import CLASS_SUFFIX, architectures
from hftk.recipe.reading import read_document
from hftk.sweep.record import finished_record, read_run

_OURS = "hftk_"
_COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True)
class ChosenModel:
    name: str
    """As the user wrote it, for messages."""
    source: str
    """The folder with config.json, or the Hub id."""
    revision: str
    """Of a Hub id."""
    offline: bool
    """Is a Hub id looked up in the cache only?"""
    task: str
    labels: list[str]
    """id → name."""
    architecture: str | None
    """A file of hftk/models; None for a model of transformers' own, and for one whose own code is trusted."""
    trusted: bool
    """Does it bring code of its own that the user trusts?"""
    data: schema.Data | None = None
    """Of the run's recipe, where it is a run of hftk."""
    max_length: int | None = None
    """Tokens per text in the run; None where there is no run, or for images."""
    adapter: bool = False
    """Is it an adapter alone, which names the model that it belongs to?"""


def choose_model(model: str, *, trust_remote_code: bool, revision: str | None) -> ChosenModel:
    """model: a run folder, its model folder, any folder that transformers saved, or a Hub id.

    Raises RecipeError for what is none, for a model of another task and for one that needs trust that was not given;
    RunError for a run that is not finished, or damaged.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return _local(model, path, trust_remote_code=trust_remote_code, revision=revision)
    if path.exists():
        raise RecipeError(f"{model} is a file; name the folder that holds it and its config.json")
    if path.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1 or not HUB_ID.fullmatch(model):
        near = did_you_mean(path.name, [one.name for one in path.parent.iterdir()]) if path.parent.is_dir() else ""
        raise RecipeError(f"there is no folder {model}{near}")
    return _on_hub(model, trust_remote_code=trust_remote_code, revision=revision)


def _local(model: str, path: Path, *, trust_remote_code: bool, revision: str | None) -> ChosenModel:
    if revision is not None:
        raise RecipeError(f"--revision {revision}: has no effect on a local folder ({model}); take it out")
    run = path if (path / "run.json").is_file() else path.parent if (path.parent / "run.json").is_file() else None
    if (run == path.parent and path.name != "model") or (path / "config.json").is_file() and run == path:
        run = None
    if run is not None:
        finished_record(run)  # raises where it is not
        path = run / "model"
    if not (path / "config.json").is_file():
        runs = sorted(one.parent.name for one in path.glob("*/run.json"))
        if runs:
            raise RecipeError(
                f"{model} holds several runs; name one of them: {listed([f'{path / run}' for run in runs])}"
            )
        raise RecipeError(f"{model} is no model: it holds neither run.json, of a run of hftk, nor config.json")
    try:
        config = json.loads((path / "config.json").read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise RecipeError(f"{model}: {path / 'config.json'} is not JSON ({error})") from None
    data, max_length = _of_run(run) if run is not None else _of_repository(path)
    return _chosen(
        model,
        str(path),
        config,
        adapter=(path / ADAPTER).is_file(),
        revision="main",
        offline=True,
        trust_remote_code=trust_remote_code,
        data=data,
        max_length=max_length,
    )


def _of_repository(folder: Path) -> tuple[schema.Data | None, int | None]:
    """As `_of_run`, of what hftk pushed: the record beside the weights. Nothing where the files are not hftk's."""
    versions = (read_run(folder) or {}).get("versions")
    if not isinstance(versions, Mapping) or "hftk" not in versions:
        return None, None
    return _of_run(folder)


def _of_run(run: Path) -> tuple[schema.Data, int | None]:
    """The data section of its recipe, and the tokens at which its texts were cut."""
    try:
        data = schema.Data.model_validate(read_document(run / "recipe.yaml").data.get("data"))
    except (HftkError, ValidationError) as error:
        raise RunError(f"{run / 'recipe.yaml'} is no recipe of this version ({str(error).splitlines()[0]})") from None
    told = (read_run(run) or {}).get("data")
    max_length = told.get("max_length") if isinstance(told, Mapping) else None
    return data, max_length if isinstance(max_length, int) else data.max_length


def _on_hub(model: str, *, trust_remote_code: bool, revision: str | None) -> ChosenModel:
    trouble = reaching.trouble(model, kind="model", revision=revision)
    if trouble is not None and not trouble.passing:
        raise RecipeError(f"there is no folder {model} here, and {trouble.reason}")
    offline = trouble is not None
    from hftk.models._vetting import ModelFiles, pinned_revision

    try:
        resolved = pinned_revision(model, revision, offline=offline)
        files = ModelFiles(source=model, revision=resolved, offline=offline)
        found = files.path("config.json")
        config = None if found is None else json.loads(found.read_bytes())
        recorded = files.path("run.json") if files.path("recipe.yaml") is not None else None
        adapter = files.path(ADAPTER) is not None
    # what the Hub's client and damaged files raise is almost anything
    except Exception as error:
        config, resolved = None, " ".join(str(error).split())
    if not isinstance(config, dict):
        why = f"{trouble.reason}, and it is not in the cache" if trouble is not None else "it holds no config.json"
        raise RecipeError(f"there is no folder {model} here, and as a model of the Hub it cannot be loaded: {why}")
    if trust_remote_code and (revision is None or not _COMMIT.fullmatch(revision)):
        raise RecipeError(
            f"--trust-remote-code runs code that {model} brings: look at it, and pin the commit that you have read "
            "with --revision and its 40 letters and digits; a branch or tag can change"
        )
    data, max_length = _of_repository(recorded.parent) if recorded is not None else (None, None)
    return _chosen(
        model,
        model,
        config,
        adapter=adapter,
        revision=resolved,
        offline=offline,
        trust_remote_code=trust_remote_code,
        data=data,
        max_length=max_length,
    )


def _chosen(
    model: str,
    source: str,
    config: Any,
    *,
    adapter: bool,
    revision: str,
    offline: bool,
    trust_remote_code: bool,
    data: schema.Data | None = None,
    max_length: int | None = None,
) -> ChosenModel:
    if not isinstance(config, dict):
        raise RecipeError(f"{model}: its config.json holds no JSON object")
    kind = str(config.get("model_type"))
    ours = kind.removeprefix(_OURS) if kind.startswith(_OURS) else None
    architecture = ours if ours in architectures() and not trust_remote_code else None
    task = _task(model, config)
    code = config.get("auto_map")
    if architecture is None and code is not None and (trust_remote_code or not _in_transformers(kind)):
        _check_trust(model, code, trusted=trust_remote_code, is_local=Path(source).is_dir())
    elif trust_remote_code:
        raise RecipeError(f"--trust-remote-code: has no effect, as {model} brings no code of its own; take it out")
    return ChosenModel(
        name=model,
        source=source,
        revision=revision,
        offline=offline,
        task=task,
        labels=_labels(model, config, task),
        architecture=architecture,
        trusted=trust_remote_code,
        data=data,
        max_length=max_length,
        adapter=adapter,
    )


def _in_transformers(kind: str) -> bool:
    """Has the installed transformers code for models of this kind, whatever the model brings besides?"""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    return kind in CONFIG_MAPPING_NAMES


def _check_trust(model: str, code: Any, *, trusted: bool, is_local: bool) -> None:
    if not trusted:
        pinned = "" if is_local else " and --revision <commit>, the 40 letters and digits of the commit that you read"
        raise RecipeError(
            f"{model} is defined by code of its own, which is not run unasked. If you have read it and trust it, give "
            f"--trust-remote-code{pinned}"
        )
    named = code.values() if isinstance(code, Mapping) else [code]
    elsewhere = [str(one) for value in named for one in (value if isinstance(value, list) else [value]) if one]
    if elsewhere := [one for one in elsewhere if "--" in one]:
        raise RecipeError(
            f"{model}: its code lies in another repository ({elsewhere[0]}), which --revision does not pin; download "
            "both into one folder and name that"
        )


def _task(model: str, config: Mapping[str, Any]) -> str:
    named = config.get("architectures") or []
    name = str(named[0]) if isinstance(named, list) and named else "no class of a model"
    for task, suffix in CLASS_SUFFIX.items():
        if name.endswith(suffix):
            return task
    allowed = ", ".join(f"…{suffix}" for suffix in CLASS_SUFFIX.values())
    raise RecipeError(
        f"{model}: its config.json names {name}, so it was not trained to tell classes; a model that can predict is "
        f"one of {allowed}. hftk train makes one of it: model.pretrained: {model}"
    )


def _labels(model: str, config: Mapping[str, Any], task: str) -> list[str]:
    if config.get("problem_type") not in (None, "single_label_classification"):
        raise RecipeError(
            f"{model}: its problem_type is {config['problem_type']}; only one class per item can be predicted"
        )
    named = config.get("id2label")
    if named is None:
        return ["LABEL_0", "LABEL_1"]  # what transformers takes then
    try:
        labels = {int(number): str(name) for number, name in named.items()}
        ordered = [labels[number] for number in range(len(labels))]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise RecipeError(f"{model}: id2label in its config.json must name 0, 1, 2 …") from None
    if len(ordered) < 2 or len(set(ordered)) < len(ordered):
        what = "one label only" if len(ordered) < 2 else "two labels of one name"
        raise RecipeError(
            f"{model}: id2label in its config.json has {what}; a classifier has two or more, all distinct"
        )
    return ordered
