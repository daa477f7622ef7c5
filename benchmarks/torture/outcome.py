"""What a sweep left that must be the same however often it was killed, and what must not have happened on the way."""

import csv
import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from hftk.sweep.claims import Claims
from hftk.sweep.history import read_history

# of run.json: what tells of the time and of the commands; `files` holds checksums of the seconds in epochs.csv
_OF_THE_TIME = {"seconds", "started", "finished", "command", "git_commit", "files"}
_DURATION = re.compile(r"\b(\d+(\.\d+)? (s|ms|min|h)( \d\d (s|min))?|\d{4}-\d\d-\d\dT[\d:]+Z)\b")
_OF_THE_COMMAND = re.compile(r"^(hftk train|- git commit:) .*$", re.MULTILINE)
_RULE = re.compile(r"[ -]{2,}")
_OF_THE_LEDGER = {"ledger.jsonl", "ledger.cut"}


def outcome(folder: Path) -> dict[str, str]:
    """What → its value as a text; folder: the sweep's. Bits of the weights, figures, tables, names of all files."""
    found = {}
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        name = path.relative_to(folder).as_posix()
        if name in _OF_THE_LEDGER or name.startswith(".claims/"):
            continue
        found[name] = _content(path)
    return found


def differences(reference: dict[str, str], found: dict[str, str]) -> list[str]:
    """A line each."""
    lines = []
    for name in sorted(reference.keys() | found.keys()):
        if name not in found:
            lines.append(f"{name}: is missing")
        elif name not in reference:
            lines.append(f"{name}: was left behind")
        elif reference[name] != found[name]:
            lines.append(f"{name}: differs: {_first_difference(reference[name], found[name])}")
    return lines


def lost_runs(folder: Path, *, runs: int) -> list[str]:
    """Runs that did not finish, or were trained again after they had; a line each."""
    records = {path.parent.name: _json(path) for path in folder.glob("*/run.json")}
    lines = [
        f"{name}: {record['status']}: {record['reason']}"
        for name, record in records.items()
        if record["status"] != "finished"
    ]
    if len(records) != runs:
        lines.append(f"{len(records)} runs, not {runs}")
    finished: Counter[str] = Counter()
    for event in read_history(folder / "ledger.jsonl").events:
        run = event.get("run", "")
        if event["event"] == "started" and finished[run]:
            lines.append(f"{run}: trained again after it had finished")
        finished[run] += event["event"] == "finished"
    return lines + [f"{run}: finished {count} times" for run, count in finished.items() if count > 1]


def finished_but_failed(folder: Path) -> list[str]:
    """Runs that a killed worker had finished, down to the checksums of their files, and that count as failed."""
    records = [_json(path) for path in folder.glob("*/run.json")]
    return [
        f"{record['run']}: {record['status']} after it had finished: {record['reason']}"
        for record in records
        if record["status"] == "failed" and record.get("files")
    ]


def failures(folder: Path) -> list[str]:
    """Reasons of the ledger's failed attempts."""
    events = read_history(folder / "ledger.jsonl").events
    return [str(event.get("reason")) for event in events if event["event"] == "failed"]


def still_held(folder: Path) -> list[str]:
    return [f"{run}: still claimed by {holder}" for run, holder in Claims(folder).holders().items()]


def _content(path: Path) -> str:
    if path.name == "run.json":
        return json.dumps({key: value for key, value in _json(path).items() if key not in _OF_THE_TIME}, indent=1)
    if path.name in ("results.csv", "epochs.csv"):
        with open(path, encoding="utf-8", newline="") as file:
            return "\n".join(str({**row, "seconds": None}) for row in csv.DictReader(file))
    if path.name == "recipe.yaml":
        return path.read_text(encoding="utf-8").replace(str(path.parents[2]), "")
    if path.suffix == ".md":
        text = path.read_text(encoding="utf-8").replace(str(path.parents[1]), "")
        return _RULE.sub(" ", _OF_THE_COMMAND.sub("", _DURATION.sub("", text)))
    if path.name == "baselines.json":
        baselines = [{**one, "seconds": None} for one in _json(path)["baselines"]]
        return json.dumps(_json(path) | {"baselines": baselines}, indent=1)
    if path.name in ("manifest.json", "state.json", "training_args.json", "curves.png", "report.html"):
        return ""  # seconds, and versions of libraries that draw; the page says what report.md and the run folders do
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _first_difference(one: str, other: str) -> str:
    pairs = zip(one.splitlines(), other.splitlines(), strict=False)
    wanted, found = next(((a, b) for a, b in pairs if a != b), (f"{len(one)} characters", f"{len(other)}"))
    return f"{wanted[:200]!r} became {found[:200]!r}"
