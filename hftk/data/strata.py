"""Drawing rows so that every class keeps its share: exact counts, the same rows on every machine."""

from collections import Counter
from collections.abc import Hashable, Sequence
from hashlib import blake2b
from typing import Any


def strata(labels: Sequence[Any]) -> list[Hashable]:
    """What `draw` keeps the shares of: the label; of a list of tags the one that the fewest rows have.

    By its rarest tag a sentence is drawn so that no tag is lost from where every stratum keeps a row.
    """
    rows = Counter(tag for label in labels if isinstance(label, list) for tag in {_hashable(tag) for tag in label})

    def stratum(label: Any) -> Hashable:
        if not isinstance(label, list):
            return _hashable(label)
        return min((_hashable(tag) for tag in label), key=lambda tag: (rows[tag], str(tag)), default=None)

    return [stratum(label) for label in labels]


def draw(labels: Sequence[Hashable], *, total: int, seed: int, purpose: str, least: int, spare: int) -> list[int]:
    """Positions of `total` rows, ascending, shared out over the classes of `labels` in proportion to their sizes.

    Every class gives at least `least` rows (if it has them) and keeps at least `spare` back; where these bounds do not
    allow `total`, fewer rows come back. Which rows is a pure function of seed, purpose and position: a hash, not a
    random generator, because generators may change with the version of their library.
    """
    members: dict[Hashable, list[int]] = {}
    for position, label in enumerate(labels):
        members.setdefault(label, []).append(position)
    counts = allocate([len(rows) for rows in members.values()], total=total, least=least, spare=spare)
    drawn: list[int] = []
    for rows, count in zip(members.values(), counts, strict=True):
        drawn += sorted(rows, key=lambda position: _chance(seed, purpose, position))[:count]
    return sorted(drawn)


def allocate(sizes: Sequence[int], *, total: int, least: int, spare: int) -> list[int]:
    """Shares `total` out in proportion to `sizes` by largest remainders, each between `least` and size - `spare`."""
    whole = sum(sizes)
    highest = [max(size - spare, 0) for size in sizes]
    lowest = [min(least, most) for most in highest]
    counts = [
        min(max(total * size // whole, low), most) for size, low, most in zip(sizes, lowest, highest, strict=True)
    ]

    def owed(i: int) -> int:
        return total * sizes[i] - counts[i] * whole

    while (short := total - sum(counts)) > 0:
        room = sorted((i for i in range(len(sizes)) if counts[i] < highest[i]), key=owed, reverse=True)
        if not room:
            break
        for i in room[:short]:
            counts[i] += 1
    while (over := sum(counts) - total) > 0:
        room = sorted((i for i in range(len(sizes)) if counts[i] > lowest[i]), key=owed)
        if not room:
            break
        for i in room[:over]:
            counts[i] -= 1
    return counts


def _chance(seed: int, purpose: str, position: int) -> bytes:
    return blake2b(f"{seed}/{purpose}/{position}".encode(), digest_size=8).digest()


def _hashable(label: Any) -> Hashable:
    return label if isinstance(label, Hashable) else str(label)
