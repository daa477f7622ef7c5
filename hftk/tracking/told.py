"""What trackers are told of a run: its names, its settings as one flat mapping, and how it ended."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hftk.recipe.credentials import redacted
from hftk.recipe.schema import Recipe
from hftk.recipe.trainer_arguments import training_with_defaults
from hftk.tracking.examples import Examples

# what names or places a run, or decides nothing in it: the trackers have fields of their own for the first
_NOT_CONFIG = {"name", "output_dir", "sweep", "seeds", "tracking", "hub", "training"}
# of run.json
_CONFIG_RECORDS = ("run", "setting", "seed", "identity", "git_commit", "command", "device", "world_size")


@dataclass(frozen=True)
class About:
    """A run, as it starts."""

    project: str
    group: str
    """The sweep's name."""
    run: str
    """Its name: what differs."""
    tags: list[str]
    config: dict[str, Any]
    """Dotted key → value, none of them a mapping."""
    swept: list[str] = field(default_factory=list)
    """The keys of `config` by which the sweep's runs are compared, `seed` last."""
    metrics: list[str] = field(default_factory=list)
    """Without a split: accuracy, …, loss."""


@dataclass(frozen=True)
class Ending:
    """How a run ended."""

    status: str
    """finished | failed | interrupted | pruned"""
    reason: str | None
    """Without tokens."""
    figures: dict[str, Any]
    """As in results.csv, eval/<metric> and test/<metric> those of the kept weights, and best_epoch, seconds, …"""
    examples: Examples | None = None

    @property
    def test_figures(self) -> dict[str, float]:
        return {name: value for name, value in self.figures.items() if name.startswith("test/")}


def about(recipe: Recipe, *, group: str, run: str, swept: Mapping[str, Any], record: Mapping[str, Any]) -> About:
    """recipe: the run's, resolved. group: the sweep's name. swept: dotted key → the run's value. record: its run.json.

    The config holds every key of the recipe with its default, so that the runs of a sweep have the same keys, and what
    stands behind them: the fingerprint and rows of the data, versions, device. Whatever looks like a token is masked.
    """
    recipe_values = recipe.model_dump(mode="json", exclude=_NOT_CONFIG)
    data = record.get("data") or {}
    values = {
        **recipe_values,
        "training": training_with_defaults(recipe.training),
        "sweep": group,
        **{name: record.get(name) for name in _CONFIG_RECORDS},
        "versions": record.get("versions") or {},
    }
    known = {name: data.get(name) for name in ("fingerprint", "commit", "rows", "labels", "truncated")}
    values["data"] = values["data"] | {name: value for name, value in known.items() if value is not None}
    swept_values = dict(flat(swept))
    return About(
        project=recipe.tracking.project,
        group=group,
        run=run,
        tags=list(recipe.tracking.tags),
        config={
            key: value if _is_commit(key, value) else _masked(value)
            for key, value in (dict(flat(values)) | swept_values).items()
        },
        swept=[*swept_values, "seed"],
        metrics=[*recipe.metrics, "loss"],
    )


def ending(status: str, reason: str | None, *, record: Mapping[str, Any], examples: Examples | None) -> Ending:
    """record: the run's run.json."""
    prefixes = {"validation": "eval", "test": "test"}
    figures = {
        f"{prefixes[split]}/{metric}": value
        for name, value in (record.get("metrics") or {}).items()
        for split, _, metric in [name.partition("_")]
        if split in prefixes
    }
    counts = ("epochs", "best_epoch", "seconds", "parameters", "trainable_parameters")
    known = {name: record[name] for name in counts if record.get(name) is not None}
    return Ending(status, redacted(reason) if reason else None, known | figures, examples)


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key → value; an empty mapping is a value."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _is_commit(key: str, value: Any) -> bool:
    """It has the form of a W&B key."""
    named = key.rpartition(".")[2] in ("git_commit", "commit", "revision")
    return named and re.fullmatch(r"[0-9a-f]{40}(\+changes)?", str(value)) is not None


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {redacted(str(key)): _masked(one) for key, one in value.items()}
    if isinstance(value, Sequence):
        return [_masked(one) for one in value]
    return value if isinstance(value, bool | int | float) or value is None else redacted(str(value))
