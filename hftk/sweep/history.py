"""ledger.jsonl, a line per event of a sweep: written whole or not at all, each line checked when read.

It tells the story; what is finished is decided by the run folders. Lines count in the order of the file: the times in
them are for people, as clocks differ and go back.
"""

import json
import os
import re
import secrets
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hftk.errors import RunError
from hftk.sealed import sync_folder

ENDS = ("finished", "failed", "interrupted", "pruned")
CUT = "ledger.cut"
_CHECK = re.compile(rb', "check": "([0-9a-f]{8})"\}')
_CHECK_LENGTH = 22


@dataclass(frozen=True)
class Attempt:
    """One try at a run."""

    run: str
    identity: str | None
    status: str | None = None
    """finished, failed, interrupted or pruned; None where nothing tells an end: it goes on, or was killed."""
    reason: str | None = None
    claim: str | None = None
    """The id of the claim under which it was made, where told."""


@dataclass(frozen=True)
class History:
    events: list[dict[str, Any]] = field(default_factory=list)
    """The sound lines, each once, in the order of the file."""
    damaged: list[int] = field(default_factory=list)
    """Numbers of the other lines, from 1."""
    size: int = 0
    """Bytes read."""

    def attempts(self, *, identity: str | None = None) -> list[Attempt]:
        """Every try, in the order of their starts; of one run where `identity` is given."""
        attempts: list[Attempt] = []
        for event in self.events:
            kind, run, told = event["event"], event.get("run"), event.get("identity")
            if kind not in ("started", *ENDS) or not isinstance(run, str) or identity not in (None, told):
                continue
            attempt = Attempt(run=run, identity=told, claim=event.get("claim"))
            if kind == "started":
                attempts.append(attempt)
                continue
            at = next((i for i in reversed(range(len(attempts))) if attempts[i] == attempt), None)
            if at is None:  # its start is on a damaged line
                attempts.append(attempt)
                at = -1
            attempts[at] = replace(attempt, status=kind, reason=event.get("reason"))
        return attempts

    @property
    def notice(self) -> str | None:
        """What to tell of damaged lines."""
        if not self.damaged:
            return None
        lines = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in _ranges(self.damaged))
        return f"ledger.jsonl: not counted, as they are not what was written: lines {lines}"


def append_event(path: Path, event: str, details: Mapping[str, Any]) -> None:
    """Adds a line in one write and flushes it to the disk. One process at a time: see `exclusive`.

    Raises RunError where the disk cannot take it; the file is then as before.
    """
    line = {"time": _now(), "event": event, **details, "id": secrets.token_hex(4)}
    try:
        new = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not new:
            mend(path)
        _append(path, _line(line))
        if new:
            sync_folder(path.parent)
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written ({error.strerror}); free space or make it writable, and give the same command "
            "again: what is finished is kept"
        ) from error


def read_history(path: Path, *, start: int = 0) -> History:
    """The events from byte `start` on, the beginning of a line. An absent file has none. A line that is cut off at the
    end is damaged here; `mend` takes it out. Raises RunError where the file cannot be read."""
    try:
        with open(path, "rb") as file:
            file.seek(start)
            content = file.read()
    except FileNotFoundError:
        return History()
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror}); make it readable, or move it away") from error
    events, damaged, seen = [], [], set()
    for number, line in enumerate(content.split(b"\n"), start=1):
        event = _event(line)
        if event is None and line:
            damaged.append(number)
        elif event is not None and line not in seen:  # each has an id of its own
            events.append(event)
            seen.add(line)
    return History(events=events, damaged=damaged, size=start + len(content))


def mend(path: Path) -> str | None:
    """Takes a last line that was cut off (by a kill, a full disk) out of the ledger; kept in `ledger.cut`.

    Returns what to tell, None where nothing was cut. The ledger tells it too, as event `mended`. One process at a time.
    """
    tail = _tail(path)
    if not tail:
        return None
    if _event(tail) is not None:  # only its end of line is missing
        _append(path, b"\n")
        return None
    with open(path.with_name(CUT), "ab") as file:
        file.write(tail + b"\n")
        file.flush()
        os.fsync(file.fileno())
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size - len(tail))
    _append(path, _line({"time": _now(), "event": "mended", "bytes": len(tail), "id": secrets.token_hex(4)}))
    return f"ledger.jsonl: its last line was cut off, {len(tail):,} bytes of it; moved to {CUT}"


def _tail(path: Path) -> bytes:
    """What follows the last end of line."""
    with open(path, "rb") as file:
        end = position = file.seek(0, os.SEEK_END)
        tail = b""
        while position:
            step = min(position, 2**16)
            position -= step
            file.seek(position)
            tail = file.read(step) + tail
            if b"\n" in tail:
                return tail[tail.rindex(b"\n") + 1 :]
        return tail[:end]


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
    try:
        size = os.fstat(descriptor).st_size
        try:
            while line:  # once, but where the disk is full: then the second write says so
                line = line[os.write(descriptor, line) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _line(event: Mapping[str, Any]) -> bytes:
    body = json.dumps(event, ensure_ascii=False, default=str).encode(errors="backslashreplace")
    return b'%s, "check": "%08x"}\n' % (body[:-1], zlib.crc32(body))


def _event(line: bytes) -> dict[str, Any] | None:
    """None where the line is not what was written."""
    check = _CHECK.fullmatch(line[-_CHECK_LENGTH:])
    body = line[:-_CHECK_LENGTH] + b"}"
    if check is None or int(check[1], 16) != zlib.crc32(body):
        return None
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def _ranges(numbers: list[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
