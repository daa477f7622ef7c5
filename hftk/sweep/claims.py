"""Which process trains which run: each run is claimed by one live process; what a dead one claimed is taken over.

`<folder>/.claims/<run>/<number>.json` tells a claim; the highest number counts. A claim is made by creating the next
number, which a file system lets one process do only, on NFS too: two never hold a run, even where locks reach no
further than a machine. Each file is written by its owner only, who counts up in it as a sign of life. The owner of a
number that is not the highest any more has lost the run.
"""

import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import TracebackType

from hftk.errors import RunError
from hftk.sweep.exclusive import CLAIMS, exclusive
from hftk.sweep.owners import Life, Owner, life, this_process

log = logging.getLogger(__name__)

_BEAT_EVERY = 5.0
_SILENCE = 120.0
_LOOK_EVERY = 2.0
_TRY_AGAIN_EVERY = 1.0


@dataclass(frozen=True)
class Holder:
    """A claim, as its file tells it."""

    run: str
    identity: str
    """Of the run that is trained under this name."""
    id: str
    """Random."""
    owner: Owner
    beat: int
    """Counted up by the owner while it lives; -1 in a claim that cannot be read."""
    released: bool = False

    def __str__(self) -> str:
        return f"process {self.owner.pid} on {self.owner.host}"


class Claim:
    """A run that is this process's, until released, lost, or the process ends. Releases at the end of a `with` block.

    lost: set within `beat_every` seconds after another process has taken the run over, as it may when this one has
    been paused or cut off from the disk for long. From then on nothing may be written into the run's folder.
    """

    def __init__(self, path: Path, holder: Holder, *, taken_over: str | None, beat_every: float) -> None:
        self.run = holder.run
        self.id = holder.id
        self.taken_over = taken_over
        """From whom and why, in words; None where the run was free."""
        self.lost = threading.Event()
        self._path = path
        self._holder = holder
        self._released = threading.Event()
        self._beating = threading.Thread(target=self._beat, args=(beat_every,), name=f"claim {self.run}", daemon=True)
        self._beating.start()

    def confirm(self) -> bool:
        """Looks whether the run is still this process's: worth it before a write that must not be done twice."""
        told = _read(self._path)
        if told is None or told.id != self.id or _number_after(self._path).exists():
            self.lost.set()
        return not self.lost.is_set()

    def release(self) -> None:
        """Anyone may claim the run now. Does nothing in a forked child, after a loss, or the second time."""
        if os.getpid() != self._holder.owner.pid or self._released.is_set():
            return
        self._released.set()
        self._beating.join()
        try:
            self._tell_released()
        except OSError as error:
            log.warning("%s: held until it can be written or this process ends (%s)", self._path, error.strerror)
            # a program that goes on, a notebook, would wait for itself when it trains here again
            threading.Thread(target=self._release_later, name=f"release {self.run}", daemon=True).start()

    def __enter__(self) -> "Claim":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _tell_released(self) -> None:
        if self.confirm():
            _write(self._path, replace(self._holder, released=True))

    def _release_later(self) -> None:
        while True:
            time.sleep(_TRY_AGAIN_EVERY)
            with suppress(OSError):
                self._tell_released()
                return

    def _beat(self, every: float) -> None:
        troubled = False
        while not self._released.wait(every):
            try:
                if not self.confirm():
                    return
                self._holder = replace(self._holder, beat=self._holder.beat + 1)
                _write(self._path, self._holder)
                # again, after a change of its own: an NFS client now asks the server what else changed in the folder
                if not self.confirm():
                    return
                troubled = False
            except OSError as error:  # a full or vanished disk: others may have to take over
                if not troubled:
                    log.warning("%s: no sign of life can be written (%s)", self._path, error.strerror)
                troubled = True


class Claims:
    """The claims of a sweep's folder, as one process makes and sees them.

    beat_every: seconds between a holder's signs of life. silence: seconds without one after which a holder whose
    process cannot be seen from here (on another machine, in another container) counts as dead. They are measured here
    from the first look at a sign on, so clocks of machines are never compared. Use one object as long as the command
    lasts: a new one has heard nothing yet.
    """

    def __init__(self, folder: Path, *, beat_every: float = _BEAT_EVERY, silence: float = _SILENCE) -> None:
        self.folder = folder
        self.beat_every = beat_every
        self.silence = silence
        self._heard: dict[tuple[str, str], _Heard] = {}

    def take(self, run: str, *, identity: str) -> Claim | Holder:
        """The run as this process's, or who holds it. One that is had may have been finished by another meanwhile.

        run: the name of its folder. Raises RunError where the folder's lock cannot be had, or a claim not be written.
        """
        with exclusive(self.folder):
            number, holder = self._last(run)
            dead = self._dead(holder) if holder else None
            if holder and dead is None:
                return holder
            mine = Holder(run=run, identity=identity, id=secrets.token_hex(8), owner=this_process(), beat=0)
            path = self._place(run) / f"{number + 1}.json"
            try:
                _create(path, mine)
            except FileExistsError:  # the lock reaches no other machine here, and one was faster
                return _told(path)
            except OSError as error:
                raise RunError(f"{path}: cannot be written ({error.strerror}); free space, or end this run") from error
            taken_over = f"{holder}: {dead}" if holder else None
            return Claim(path, mine, taken_over=taken_over, beat_every=self.beat_every)

    def holders(self) -> dict[str, Holder]:
        """Run → who holds it, without those known to be dead."""
        place = self.folder / CLAIMS
        runs = [path.name for path in place.iterdir() if path.is_dir()] if place.is_dir() else []
        held = {run: self._last(run)[1] for run in sorted(runs)}
        return {run: holder for run, holder in held.items() if holder and self._dead(holder) is None}

    def wait(self, runs: Iterable[str], *, timeout: float | None = None, every: float = _LOOK_EVERY) -> set[str]:
        """Waits until runs of these are held by no live process: finished, given up, or their holder died.

        Returns those runs, to be claimed and looked at; none after `timeout` seconds. every: seconds between looks.
        """
        runs, end = set(runs), None if timeout is None else time.monotonic() + timeout
        while True:
            free = runs - self.holders().keys()
            left = every if end is None else min(every, end - time.monotonic())
            if free or left <= 0:
                return free
            time.sleep(left)

    def shows_life(self, holder: Holder) -> bool:
        """Waits for proof that a holder lives (True) or that it has given up or died (False); for `silence` at most."""
        while True:
            now = self._last(holder.run)[1]
            if now is None or now.id != holder.id or self._dead(now) is not None:
                return False
            if now.beat != holder.beat or life(now.owner) is Life.ALIVE:
                return True
            time.sleep(min(self.beat_every, self.silence / 8))

    def _place(self, run: str) -> Path:
        return self.folder / CLAIMS / run

    def _last(self, run: str) -> tuple[int, Holder | None]:
        """The highest number of a run's claims, 0 before the first, and its holder; None where it was released."""
        place = self._place(run)
        numbers = [int(path.stem) for path in place.glob("*.json") if path.stem.isdecimal()]
        if not numbers:
            return 0, None
        holder = _told(place / f"{max(numbers)}.json")
        return max(numbers), None if holder.released else holder

    def _dead(self, holder: Holder) -> str | None:
        """Why a holder is dead; None while it may live."""
        seen = life(holder.owner)
        if seen is Life.OUT_OF_SIGHT:
            return f"no sign of life for {self.silence:g} seconds" if self._silent(holder) else None
        return None if seen is Life.ALIVE else seen.value

    def _silent(self, holder: Holder) -> bool:
        now = time.monotonic()
        heard = self._heard.get((holder.run, holder.id))
        if heard is None or heard.beat != holder.beat:
            self._heard[holder.run, holder.id] = _Heard(beat=holder.beat, looked=now)
            return False
        # a gap between looks counts for a part only: while this process was paused or the disk hung, it heard nobody
        heard.silence += min(now - heard.looked, self.silence / 4)
        heard.looked = now
        return heard.silence >= self.silence


@dataclass
class _Heard:
    beat: int
    looked: float
    silence: float = 0.0


_NOBODY = Owner(host="unknown", machine="", boot="", namespace="unknown", pid=0, started="")


def _number_after(path: Path) -> Path:
    return path.with_name(f"{int(path.stem) + 1}.json")


def _create(path: Path, holder: Holder) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "x", encoding="utf-8") as file:
        try:
            file.write(_json(holder))
            file.flush()
        except OSError:
            path.unlink()
            raise


def _write(path: Path, holder: Holder) -> None:
    beside = path.with_suffix(".part")
    beside.write_text(_json(holder), encoding="utf-8")
    beside.replace(path)


def _json(holder: Holder) -> str:
    return json.dumps(asdict(holder), ensure_ascii=False)


def _told(path: Path) -> Holder:
    """Of a file that cannot be read (its writer was killed before it wrote, or it is damaged) nobody knows whose it is:
    it counts as held until it has been silent for long enough."""
    unknown = Holder(run=path.parent.name, identity="", id=f"unreadable {path.stem}", owner=_NOBODY, beat=-1)
    try:
        return _read(path) or unknown
    except OSError:
        return unknown


def _read(path: Path) -> Holder | None:
    """None where there is none or it is no claim. Raises OSError where the disk does."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        owner = Owner(**told.pop("owner"))
        holder = Holder(**told, owner=owner)
    except (FileNotFoundError, ValueError, TypeError, AttributeError, KeyError):
        return None
    sound = all(type(getattr(one, field.name)) is field.type for one in (owner, holder) for field in fields(one))
    return holder if sound and owner.pid > 0 and holder.run == path.parent.name else None
