"""May a run go on from a checkpoint? What a run says of itself, and how two of them differ."""

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hftk
from hftk.errors import RunError
from hftk.recipe.schema import Recipe
from hftk.recipe.trainer_arguments import training_with_defaults

_PLACES_AND_NAMES = {"name", "output_dir", "sweep", "tracking", "hub", "training"}


def about_run(
    recipe: Recipe,
    *,
    fingerprint: str,
    labels: list[str],
    rows: Mapping[str, int],
    world_size: int,
    steps_per_epoch: int,
    device: str,
) -> dict[str, Any]:
    """JSON values for the manifests of a run's checkpoints.

    fingerprint: equal for two runs if and only if they end with the same result. rows: of each split.
    """
    recipe_values = recipe.model_dump(mode="json", exclude=_PLACES_AND_NAMES)
    settings = {**recipe_values, "training": training_with_defaults(recipe.training), "labels": labels, "rows": rows}
    return {
        "fingerprint": fingerprint,
        "world_size": world_size,
        "steps_per_epoch": steps_per_epoch,
        "settings": dict(_flat(settings)),
        "device": device,
        "versions": {"hftk": hftk.__version__, "torch": version("torch"), "transformers": version("transformers")},
    }


def check_same_run(
    path: Path, found: Mapping[str, Any], now: Mapping[str, Any], *, tell: Callable[[str], None]
) -> None:
    """Of the checkpoint `path`: what it says of its run, and what this run says of itself.

    Raises RunError with the differences if going on from it would give what neither of the two runs would have given;
    tells of differences that are harmless.
    """
    settings = list(_differences(found.get("settings") or {}, now["settings"]))
    fixed = ("world_size", "steps_per_epoch")
    counts = list(_differences({name: found.get(name) for name in fixed}, {name: now[name] for name in fixed}))
    if counts or found.get("fingerprint") != now["fingerprint"]:
        differing = "; ".join(settings + counts) or (
            f"the fingerprint {found.get('fingerprint')}, and this one has {now['fingerprint']}: its data, word "
            "vectors or model files differ"
        )
        raise RunError(
            f"{path} was written by a run with {differing}. Take that back to go on from it, or delete {path.parent} "
            "to train this run from its start"
        )
    around = ("versions", "device")
    moved = _differences(
        dict(_flat({name: found.get(name) for name in around})), dict(_flat({name: now[name] for name in around}))
    )
    if harmless := "; ".join(settings):
        tell(f"{path} was written by a run with {harmless}: of no effect on the result")
    if around_it := "; ".join(moved):
        tell(f"{path} was written by a run with {around_it}: the last digits of the result may differ")


def _differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in [*now, *(name for name in then if name not in now)]:
        if then.get(name) != now.get(name):
            yield f"{name} {_shown(then.get(name))}, and this one has {_shown(now.get(name))}"


def _shown(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 80 else text[:80] + "…"


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
