"""One key at a time: settings that differ in one swept key only, tested against each other.

This is what a person reads a sweep for ("more layers: better or worse?"), and what the row that is best on validation
does not tell: two rows that are both worse than it may still differ from each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hftk.analysis.outcomes import Outcomes
from hftk.analysis.pairwise import Goal, Verdict, holm, pairwise, verdict_of
from hftk.analysis.short_values import short_values
from hftk.analysis.swept import content, taken_apart

_MOST_NAMED = 4
"""Comparisons; of more than these it is only counted how many came out which way."""


@dataclass(frozen=True)
class Step:
    """A value of a key, beside the ladder's first."""

    setting: str
    value: str
    test: float
    """Mean over the seeds."""
    difference: float
    """Less the first's."""
    low: float
    """The 95 % interval of the difference by itself."""
    high: float
    p: float
    """Corrected for all steps of all ladders (Holm)."""
    verdict: Verdict
    """tie | worse | better, than the first."""


@dataclass(frozen=True)
class Ladder:
    """Settings that differ in one key, or in keys that always changed together; the others are equal."""

    key: str
    together: tuple[str, ...]
    """Keys that changed with it in the whole sweep."""
    held: dict[str, str]
    """The other swept keys and their values here."""
    setting: str
    """The first: the smallest value of a number, else the value of the setting named first."""
    value: str
    test: float
    steps: tuple[Step, ...]


def single_changes(
    settings: Mapping[str, Sequence[Outcomes]],
    *,
    swept: Mapping[str, Mapping[str, Any]],
    metric: str,
    goal: Goal,
    seed: int = 0,
) -> list[Ladder]:
    """Every ladder of the sweep; empty where no two settings differ in one key.

    settings: name -> outcomes on test per seed, the best on validation first. swept: name -> the swept keys with their
    values (JSON), every key in each setting. Which pairs are tested follows from recipe and validation, never from
    test, so the correction is over these tests: of all sweeps in which nothing makes a difference, at most 5 % have one
    called here. Raises RunError as `pairwise` does.
    """
    values = _values({name: swept[name] for name in settings})
    texts = _texts(values)
    ladders = [rungs for keys in _joined(values) for rungs in _rungs(values, keys=keys)]
    pairs = pairwise(settings, metric=metric, seed=seed) if ladders else None
    if pairs is None:
        return []
    place = {name: at for at, name in enumerate(pairs.names)}
    tested = [
        (keys, first, [name for name in others if name in place])
        for keys, (first, *others) in ladders
        if first in place and any(name in place for name in others)
    ]
    flat = [(place[name], place[first]) for _, first, others in tested for name in others]
    adjusted = iter(holm(np.array([pairs.p[pair] for pair in flat])))

    def step(name: str, first: str, key: str) -> Step:
        pair = place[name], place[first]
        difference, p = float(pairs.differences[pair]), float(next(adjusted))
        half = pairs.half_width(*pair, metric=metric)
        return Step(
            setting=name,
            value=texts[name][key],
            test=float(pairs.figures[pair[0]].mean()),
            difference=difference,
            low=difference - half,
            high=difference + half,
            p=p,
            verdict=verdict_of(difference, p=p, goal=goal),
        )

    return [
        Ladder(
            key=keys[0],
            together=keys[1:],
            held={key: texts[first][key] for key in _told(values, but=keys)},
            setting=first,
            value=texts[first][keys[0]],
            test=float(pairs.figures[place[first]].mean()),
            steps=tuple(step(name, first, keys[0]) for name in others),
        )
        for keys, first, others in tested
    ]


def lessons(ladders: Sequence[Ladder]) -> list[str]:
    """A sentence for each key and first value: which values were better or worse than it, and where."""
    groups: dict[tuple[str, str], list[Ladder]] = {}
    for ladder in ladders:
        groups.setdefault((ladder.key, ladder.value), []).append(ladder)
    sentences = []
    for (key, first), own in groups.items():
        told: dict[str, dict[Verdict, list[Ladder]]] = {}
        for ladder in own:
            for step in ladder.steps:
                told.setdefault(step.value, {}).setdefault(step.verdict, []).append(ladder)
        together = f" (and {', '.join(own[0].together)})" if own[0].together else ""
        words = [f"{value} {_verdicts(where, among=own)}" for value, where in told.items()]
        sentences.append(f"{key}{together}: beside {first}, {'; '.join(words)}.")
    return sentences


_WORDS: dict[Verdict, str] = {"better": "is better", "worse": "is worse", "tie": "is not shown to differ"}


def _verdicts(where: Mapping[Verdict, Sequence[Ladder]], *, among: Sequence[Ladder]) -> str:
    number = sum(map(len, where.values()))
    if len(where) == 1:
        (verdict,) = where
        return _WORDS[verdict] + (f" in all of {number} comparisons" if number > 1 else "")
    if number > _MOST_NAMED:
        counted = [f"{word} in {len(where[verdict])}" for verdict, word in _WORDS.items() if verdict in where]
        return f"{', '.join(counted)} of {number} comparisons"
    differing = [key for key in among[0].held if len({ladder.held[key] for ladder in among}) > 1]
    return ", ".join(
        f"{word} with "
        + " and ".join(", ".join(f"{key}={ladder.held[key]}" for key in differing) for ladder in where[verdict])
        for verdict, word in _WORDS.items()
        if verdict in where
    )


def _values(swept: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The keys that differ."""
    flat = taken_apart(list(swept.values()))
    every = list(dict.fromkeys(key for values in flat for key in values))
    differing = [key for key in every if len({content(values.get(key)) for values in flat}) > 1]
    return {name: {key: values.get(key) for key in differing} for name, values in zip(swept, flat, strict=True)}


def _texts(values: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """The values in few words."""
    keys = next(iter(values.values()), {})
    of_key = {key: short_values([own[key] for own in values.values()]) for key in keys}
    return {name: {key: of_key[key][place] for key in keys} for place, name in enumerate(values)}


def _joined(values: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Keys that always changed together are one."""
    joined: dict[tuple[int, ...], list[str]] = {}
    for key in next(iter(values.values()), {}):
        met: dict[str, int] = {}
        places = tuple(met.setdefault(content(own[key]), len(met)) for own in values.values())
        joined.setdefault(places, []).append(key)
    return [tuple(keys) for keys in joined.values()]


def _rungs(
    values: Mapping[str, Mapping[str, Any]], *, keys: tuple[str, ...]
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """(keys, names of settings that differ in them only), in one order for all groups."""
    order = _order(values, key=keys[0])
    groups: dict[str, list[str]] = {}
    for name, own in values.items():
        others = content({key: value for key, value in own.items() if key not in keys})
        groups.setdefault(others, []).append(name)
    found = []
    for names in groups.values():
        if len(names) > 1:
            found.append((keys, tuple(sorted(names, key=lambda name: order.index(content(values[name][keys[0]]))))))
    return found


def _order(values: Mapping[str, Mapping[str, Any]], *, key: str) -> list[str]:
    """The key's values: numbers in ascending order, else as they are met."""
    met = {content(own[key]): own[key] for own in values.values()}
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in met.values())
    return sorted(met, key=met.get) if numbers else list(met)


def _told(values: Mapping[str, Mapping[str, Any]], *, but: tuple[str, ...]) -> list[str]:
    """Of the keys that always changed together, the first."""
    return [keys[0] for keys in _joined(values) if keys != but]
