"""A reproduction in words."""

from collections.abc import Mapping
from typing import Any

from hftk.hub.agreement import Agreement, Figure
from hftk.hub.reproducing import Reproduction
from hftk.report.table import Table
from hftk.report.wording import figure, plural, split_metric
from hftk.sweep.progress_plain import aligned

_ALLOWED = "what the draw of so many rows alone makes of two equally good models in 95 of 100 cases"


def reproduction_lines(made: Reproduction) -> list[str]:
    """What was trained on what, the figures side by side, and whether they are reproduced: the last line says it."""
    found = made.agreement
    told = [f"{key} is {_word(here)} here, {_word(stated)} in the run" for key, (stated, here) in made.changes.items()]
    lines = [f"changed: {text}" for text in told]
    if found is None:
        return [*lines, f"not reproduced: the run in {made.folder} did not finish ({_plain(made.reason)})"]
    if (batch := _batch(made)) is not None:
        lines.append(batch)
    lines += [_data(found), *_differing("versions", found.versions), *_differing("hardware", found.hardware)]
    if found.weights is not None:
        lines.append(f"weights: {'equal, bit for bit' if found.weights else 'not equal bit for bit'}")
    lines += ["", *aligned(_table(found)), "", _expectation(made, found), str(made.result), _conclusion(made, found)]
    return lines


def _batch(made: Reproduction) -> str | None:
    many = made.stated.run.world_size
    if many == 1:
        return None
    return f"processes: {many} trained it together, 1 does here, with as many rows in a batch as all of them had"


def _data(found: Agreement) -> str:
    others = [split for split, same in found.splits.items() if not same]
    if not others:
        return "data: the same rows and labels in every split"
    return f"data: other rows or labels in {', '.join(others)}, whose figures are not compared"


def _differing(what: str, pairs: Mapping[str, tuple[Any, Any]]) -> list[str]:
    if not pairs:
        return [f"{what}: the same"]
    each = (f"{_plain(name)} {_word(stated)} → {_word(here)}" for name, (stated, here) in pairs.items())
    return [f"other {what} (stated → here): {'; '.join(each)}"]


def _table(found: Agreement) -> Table:
    rows = [
        [_plain(split_metric(one.name)), figure(one.stated), figure(one.here), _change(one), _allowed(one), one.verdict]
        for one in found.figures
    ]
    columns = ["metric", "stated", "here", "difference", "allowed", "verdict"]
    return Table(columns, rows, frozenset({"metric", "verdict"}))


def _change(one: Figure) -> str:
    if not one.difference:
        return figure(None) if one.difference is None else "0"
    return f"{one.difference:+.4f}" if abs(one.difference) >= 1e-4 else f"{one.difference:+.1e}"


def _allowed(one: Figure) -> str:
    return figure(None) if one.tolerance is None else "0" if one.tolerance == 0 else f"± {one.tolerance:.4f}"


def _expectation(made: Reproduction, found: Agreement) -> str:
    if found.exact_expected:
        return "versions and hardware are those of the stated run, on a CPU: every figure should be the same to the bit"
    because = [
        text
        for text, true in (
            ("the training was changed", bool(made.changes)),
            ("versions differ", bool(found.versions)),
            ("the hardware differs, or is not told", bool(found.hardware) or not made.stated.run.hardware.get("cpu")),
            ("the number of processes differs", made.stated.run.world_size != 1),
            ("the data differ", not all(found.splits.values())),
            ("a GPU adds in an order that changes from run to run", made.stated.run.device != "cpu"),
        )
        if true
    ]
    return f"equality to the bit is not expected, as {' and '.join(because)}; allowed: {_ALLOWED}"


def _conclusion(made: Reproduction, found: Agreement) -> str:
    judged = [one for one in found.figures if one.verdict != "not compared"]
    apart = [one for one in judged if one.verdict == "differs"]
    changed = ", with the changes above" if made.changes else ""
    if not judged:
        return "not reproduced: there is no figure that could be compared"
    if found.reproduced:
        how = "to the bit" if found.exact else "within what the choice of rows alone would change"
        return f"reproduced{changed}: {plural(len(judged), 'figure')}, {how}"
    if not apart:
        return "not reproduced: the figures are equal, the weights are not"
    return f"not reproduced{changed}: {len(apart)} of {plural(len(judged), 'figure')} differ by more than is allowed"


def _word(value: Any) -> str:
    return "not told" if value is None else _plain(value)


def _plain(value: Any) -> str:
    """A record comes from outside: what would steer a terminal is shown as a mark."""
    return "".join(character if character.isprintable() else "�" for character in str(value))
