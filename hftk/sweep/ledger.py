"""What was done before in a sweep's folder: finished runs are kept, others make room, nothing finished is lost."""

import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hftk.sweep.record import read_run

SUPERSEDED = "superseded"


class Ledger:
    """ledger.jsonl of a sweep's folder: one line per event, appended and flushed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def append(self, event: str, **details: Any) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "event": event, **details}
        with open(self.folder / "ledger.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def settle(self, identities: Mapping[str, str]) -> tuple[set[str], list[str]]:
        """Brings the folder in line with the runs now wanted (name → identity).

        A finished run with a wanted identity is kept, renamed where its name changed, and fetched back from
        superseded/; any other finished run moves to superseded/; what did not finish makes room.
        Returns the names of the runs kept, and what to tell the user.
        """
        wanted = {run_identity: name for name, run_identity in identities.items()}
        kept: set[str] = set()
        notices = []
        moves = []
        for path in self._run_folders():
            record = read_run(path) or {}
            name = wanted.get(record.get("identity", ""))
            finished = record.get("status") == "finished"
            if finished and name is not None and name not in kept:
                kept.add(name)
                if path != self.folder / name:
                    moves.append((path, self.folder / name))
            elif path.parent == self.folder and finished:
                old = self.folder / SUPERSEDED / f"{path.name}-{record.get('identity', 'unknown')[:8]}"
                moves.append((path, old))
                notices.append(f"{path.name}: not a run of this recipe any more; kept in {SUPERSEDED}/{old.name}")
            elif path.parent == self.folder and path.name in identities:
                shutil.rmtree(path)
        self._move(moves)
        return kept, notices

    def _run_folders(self) -> list[Path]:
        places = [self.folder, self.folder / SUPERSEDED]
        return [
            path
            for place in places
            if place.is_dir()
            for path in sorted(place.iterdir())
            if path.is_dir() and (path / "run.json").exists()
        ]

    def _move(self, moves: list[tuple[Path, Path]]) -> None:
        # in two steps, so that runs may swap names
        waiting = []
        for number, (source, target) in enumerate(moves):
            aside = self.folder / f".moving-{number}"
            source.rename(aside)
            waiting.append((aside, target))
        for aside, target in waiting:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                shutil.rmtree(target)
            aside.rename(target)
