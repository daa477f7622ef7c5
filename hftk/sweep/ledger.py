"""What was done before in a sweep's folder: finished runs are kept, others make room, nothing finished is lost."""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from hftk.errors import RecipeError, RunError
from hftk.sweep.record import read_run

SUPERSEDED = "superseded"


class Ledger:
    """ledger.jsonl of a sweep's folder: one line per event, appended and flushed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """The folder, made if needed, belongs to this command until the block ends.

        Raises RecipeError where it cannot be written, RunError where another command is training in it. Folders that
        were made for nothing are removed again.
        """
        made = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        lock = FileLock(self.folder / ".lock", blocking=False)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise RunError(
                f"{self.folder}: another command is training here; wait for its end, or give this one another name="
            ) from error
        except OSError as error:
            raise RecipeError(
                f"output_dir: {self.folder} cannot be written ({error.strerror}); write another output_dir"
            ) from error
        try:
            yield
        finally:
            lock.release()
            Path(lock.lock_file).unlink(missing_ok=True)
            for path in made:
                if any(path.iterdir()):
                    break
                path.rmdir()

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
        superseded/. An unfinished one that will be trained now makes room. Any other moves to superseded/.
        Returns the names of the runs kept, and what to tell the user.
        """
        kept: set[str] = set()
        notices = []
        moves = []
        for path, record in self._found(identities):
            here = path.parent == self.folder
            run_identity = record.get("identity", "unknown")
            finished = record.get("status") == "finished" and (path / "model" / "config.json").is_file()
            names = [name for name in identities if identities[name] == run_identity and name not in kept]
            if finished and names:
                name = path.name if here and path.name in names else names[0]
                kept.add(name)
                if path != self.folder / name:
                    moves.append((path, self.folder / name))
            elif here and not finished and (path.name in identities or names):
                shutil.rmtree(path)
            elif here:
                old = self.folder / SUPERSEDED / f"{path.name}-{run_identity[:8]}"
                moves.append((path, old))
                notices.append(f"{path.name}: not a run of this recipe any more; kept in {SUPERSEDED}/{old.name}")
        self._move(moves)
        return kept, notices

    def _found(self, identities: Mapping[str, str]) -> list[tuple[Path, dict[str, Any]]]:
        """Run folders with their run.json, empty where none was written; those that bear their wanted name first."""
        found = [
            (path, read_run(path) or {})
            for place in (self.folder, self.folder / SUPERSEDED)
            if place.is_dir()
            for path in sorted(place.iterdir())
            if path.is_dir() and ((path / "run.json").exists() or (path / "recipe.yaml").exists())
        ]
        named = {self.folder / name: run_identity for name, run_identity in identities.items()}
        return sorted(found, key=lambda one: named.get(one[0], "") != one[1].get("identity"))

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
