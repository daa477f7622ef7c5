"""What was done before in a sweep's folder: finished runs are kept, others make room, nothing finished is lost."""

import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hftk.errors import RecipeError, RunError
from hftk.sweep.claims import Claims, Holder
from hftk.sweep.exclusive import exclusive
from hftk.sweep.history import History, append_event, mend, read_history
from hftk.sweep.record import damaged_files, read_run, started_identity

SUPERSEDED = "superseded"
PROPOSED = "proposed"
_MOVING = ".moving-"
_REMOVING = ".removing-"


class Ledger:
    """A sweep's folder as the commands that train in it share it: its runs, and what happened to them (ledger.jsonl).

    claims: of the same folder, and as long-lived as the command.
    """

    def __init__(self, folder: Path, claims: Claims | None = None) -> None:
        self.folder = folder
        self.claims = claims or Claims(folder)
        self.settled_at = 0
        """The ledger's size in bytes when `settle` was done: what came later belongs to this command's time."""
        self._path = folder / "ledger.jsonl"

    @contextmanager
    def held(self) -> Iterator[None]:
        """The folder, made if needed, is there and can be written; other commands may train in it too.

        Raises RecipeError where it cannot. Folders that were made for nothing are removed again.
        """
        made = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise RecipeError(
                f"output_dir: {self.folder} cannot be written ({error.strerror}); write another output_dir"
            ) from error
        try:
            yield
        finally:
            for path in made:
                try:
                    path.rmdir()
                except OSError:  # something is in it, or another command was faster
                    break

    def append(self, event: str, **details: Any) -> None:
        """Writes a line and flushes it to the disk. Raises RunError where the disk cannot take it.

        Events of an attempt tell `run`, `identity`, `claim` (its id) and at their end `reason`.
        """
        with exclusive(self.folder):
            append_event(self._path, event, details)

    def read(self) -> History:
        with exclusive(self.folder):
            return read_history(self._path)

    def proposed(self, space: str) -> list[dict[str, Any]]:
        """The settings that were proposed in this folder for one search (see hftk/sweep/proposals.py), by number."""
        return _proposed(self.read(), space) if self._path.exists() else []

    def propose(self, space: str, *, known: int, make: Callable[[int], dict[str, Any] | None]) -> list[dict[str, Any]]:
        """The settings from number `known` on: those of other commands, or else the one that `make` gives for that
        number, which the ledger then tells. None where it gives none.

        Raises RunError where the disk cannot take it.
        """
        with exclusive(self.folder):
            others = _proposed(read_history(self._path), space)[known:]
            if others:
                return others
            values = make(known)
            if values is None:
                return []
            append_event(self._path, PROPOSED, {"space": space, "number": known, "values": values})
            return [values]

    def settle(self, identities: Mapping[str, str], *, pruned_too: bool = False) -> tuple[set[str], list[str]]:
        """Brings the folder in line with the runs now wanted (name → identity).

        A finished run with a wanted identity is kept, renamed where its name changed, and fetched back from
        superseded/; if its files are damaged it moves there, to be trained again. An unfinished one with checkpoints is
        treated like it, but not counted as kept: it goes on from them. Another unfinished one that will be trained now
        makes room. Any other moves to superseded/. The folder of a run that a live process holds is not touched.
        pruned_too: a run that was pruned counts as finished.
        Returns the names of the runs kept, and what to tell the user. Raises RunError where a live process trains
        another recipe's run here; it may wait for a sign of life of that first.
        """
        if not self.folder.exists():
            return set(), []
        while True:
            with exclusive(self.folder):
                held = self.claims.holders()
                other = next((one for one in held.values() if identities.get(one.run) != one.identity), None)
                if other is None:
                    try:
                        return self._settle(identities, held, pruned_too=pruned_too)
                    except OSError as error:
                        raise RunError(
                            f"{self.folder}: its runs cannot be put in order: {error}. Nothing is lost; make it "
                            "writable and give the same command again"
                        ) from error
            if self.claims.shows_life(other):
                raise RunError(
                    f"{self.folder}: another command ({other}) is training {other.run} here, which this recipe does "
                    "not ask for; wait for its end, or give this one another name="
                )

    def kept(self, identities: Mapping[str, str], *, pruned_too: bool = False) -> set[str]:
        """The runs that `settle` would keep, looked at only."""
        kept: set[str] = set()
        for one in self._found(identities, pruned_too=pruned_too):
            names = [name for name in identities if identities[name] == one.identity and name not in kept]
            if names and one.finished and not one.damaged():
                kept.add(one.name if one.name in names else names[0])
        return kept

    def outcome(self, run: str, *, identity: str, since: int) -> tuple[str, str | None] | None:
        """How a run that this process has just claimed was ended by another meanwhile; None: it must be trained.

        (`finished`, None) by its folder; (`failed` or `pruned`, reason) by the ledger from byte `since` on, which is
        `settled_at` of this command.
        """
        folder = self.folder / run
        record = read_run(folder) or {}
        if (record.get("status"), record.get("identity")) == ("finished", identity):
            return None if damaged_files(folder, record) else ("finished", None)
        with exclusive(self.folder):
            attempts = read_history(self._path, start=since).attempts(identity=identity)
        ended = [one for one in attempts if one.run == run and one.status in ("failed", "pruned")]
        return (ended[-1].status, ended[-1].reason) if ended else None

    def _settle(
        self, identities: Mapping[str, str], held: Mapping[str, Holder], *, pruned_too: bool
    ) -> tuple[set[str], list[str]]:
        notices = self._open()
        kept: set[str] = set()
        taken = set(held)
        moves: list[tuple[_Found, Path]] = []
        for one in self._found(identities, pruned_too=pruned_too):
            if one.here and one.name in held:
                continue
            place = self._place(one)
            names = [name for name in identities if identities[name] == one.identity and name not in taken]
            name = one.name if one.here and one.name in names else next(iter(names), None)
            if name and one.finished and (damaged := one.damaged()):
                if one.here:
                    old = self._aside(one, moves)
                    notices.append(
                        f"{one.name}: finished, but damaged: {'; '.join(damaged)}; it is trained again, and kept in "
                        f"{SUPERSEDED}/{old.name}"
                    )
                else:
                    notices.append(f"{place}: not fetched back, as it is damaged: {'; '.join(damaged)}")
            elif name and (one.finished or one.resumable):
                taken.add(name)
                if one.finished:
                    kept.add(name)
                elif not one.here or name != one.name:
                    notices.append(f"{name}: goes on from the checkpoints in {place}")
                if one.path != self.folder / name:
                    moves.append((one, self.folder / name))
            elif not one.here:
                continue
            elif one.finished or one.resumable or not (name or one.name in identities):
                old = self._aside(one, moves)
                notices.append(f"{one.name}: not a run of this recipe any more; kept in {SUPERSEDED}/{old.name}")
            else:
                if one.identity == "unknown":
                    notices.append(f"{place}: removed what a killed run left; it had no checkpoint to go on from")
                elif name is None:
                    notices.append(f"{place}: removed what another recipe's run left; it did not finish")
                self._remove(one.path)
        notices += self._move(moves)
        return kept, notices

    def _open(self) -> list[str]:
        """Takes care of what a killed command left."""
        for path in self.folder.glob(f"{_REMOVING}*"):
            shutil.rmtree(path, ignore_errors=True)
        mended = mend(self._path) if self._path.exists() else None
        history = read_history(self._path)
        self.settled_at = history.size
        return [notice for notice in (mended, history.notice) if notice]

    def _found(self, identities: Mapping[str, str], *, pruned_too: bool) -> list["_Found"]:
        """Run folders; the finished ones first, of them those that bear their wanted name."""
        found = [
            _Found.at(path, here=place == self.folder, pruned_too=pruned_too)
            for place in (self.folder, self.folder / SUPERSEDED)
            if place.is_dir()
            for path in sorted(place.iterdir())
            if path.is_dir() and ((path / "run.json").exists() or (path / "recipe.yaml").exists())
        ]
        return sorted(
            found, key=lambda one: (not one.finished, not one.here or identities.get(one.name) != one.identity)
        )

    def _place(self, one: "_Found") -> str:
        return one.path.relative_to(self.folder).as_posix()

    def _aside(self, one: "_Found", moves: list[tuple["_Found", Path]]) -> Path:
        """Plans the move of a run to superseded/, under a name that is free there."""
        old = _free(self.folder / SUPERSEDED / f"{one.name}-{one.identity[:8]}", {target for _, target in moves})
        moves.append((one, old))
        return old

    def _move(self, moves: list[tuple["_Found", Path]]) -> list[str]:
        # in two steps, so that runs may swap names; a command that is killed between them leaves folders that tell
        # their names, and the next one finds them
        notices = []
        waiting = []
        for one, target in moves:
            aside = self.folder / f"{_MOVING}{secrets.token_hex(4)}-{one.name}"
            one.path.rename(aside)
            waiting.append((aside, target))
        for aside, target in waiting:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                old = _free(self.folder / SUPERSEDED / f"{target.name}-unknown", set())
                old.parent.mkdir(exist_ok=True)
                target.rename(old)
                notices.append(f"{target.name}: was in the way, and is no run; kept in {SUPERSEDED}/{old.name}")
            aside.rename(target)
        return notices

    def _remove(self, path: Path) -> None:
        # renamed first: half of a removed folder could be taken for something else
        aside = self.folder / f"{_REMOVING}{secrets.token_hex(4)}"
        path.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


@dataclass(frozen=True)
class _Found:
    path: Path
    name: str
    """Its run's, also while it is moved."""
    here: bool
    """Not in superseded/."""
    record: dict[str, Any]
    identity: str
    finished: bool
    """Or pruned, where that counts."""
    resumable: bool

    @classmethod
    def at(cls, path: Path, *, here: bool, pruned_too: bool) -> "_Found":
        record = read_run(path) or {}
        started = started_identity(path)
        finished = record.get("status") in (("finished", "pruned") if pruned_too else ("finished",))
        identity = record.get("identity") if finished else started or record.get("identity")
        moved = re.fullmatch(rf"{re.escape(_MOVING)}[0-9a-f]+-(.+)", path.name, re.DOTALL)
        return cls(
            path=path,
            name=moved[1] if moved else path.name,
            here=here,
            record=record,
            # it becomes a part of a path
            identity=identity if isinstance(identity, str) and re.fullmatch(r"[0-9a-f]+", identity) else "unknown",
            finished=finished,
            resumable=started is not None and not finished,
        )

    def damaged(self) -> list[str]:
        """A pruned run leaves nothing that could be."""
        return [] if self.record.get("status") == "pruned" else damaged_files(self.path, self.record)


def _proposed(history: History, space: str) -> list[dict[str, Any]]:
    """Up to the first number that is not told."""
    told: dict[int, dict[str, Any]] = {}
    for event in history.events:
        if event["event"] == PROPOSED and event.get("space") == space and isinstance(event.get("values"), dict):
            told.setdefault(event.get("number"), event["values"])
    return [told[number] for number in range(len(told)) if all(before in told for before in range(number + 1))]


def _free(path: Path, planned: set[Path]) -> Path:
    """The path, or the first of path-2, path-3 … that neither exists nor is planned."""
    paths = [path]
    while paths[-1].exists() or paths[-1] in planned:
        paths.append(path.with_name(f"{path.name}-{len(paths) + 1}"))
    return paths[-1]
