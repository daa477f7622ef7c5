"""One sweep, trained in a fresh folder by commands that are killed and started again until it is finished."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.torture.commands import Command, Unexpected, process_lives, processes_of, until
from benchmarks.torture.outcome import differences, failures, finished_but_failed, lost_runs, outcome, still_held
from benchmarks.torture.sweep import NAME
from benchmarks.torture.tally import Tally
from benchmarks.torture.watched import Watched

_WEIGHTS = {"command": 42, "worker": 38, "stopped command": 6, "stopped worker": 6, "asked": 8}
_LONGEST_COMMAND = 240.0  # seconds: it hangs
_LONGEST_STOP = 0.3
_LONGEST_AIM = 1.0
_LONGEST_GAP = 2.0  # between the readiness of a command and a kill
_MOST_STRIKES = 100  # a round; then it may come to its end
_KILLED = "crashed: its process was ended by signal 9"


@dataclass(frozen=True)
class Pace:
    """What the undisturbed sweep took, in seconds."""

    start: float
    """Until its first run began."""
    whole: float


@dataclass(eq=False)
class Round:
    """folder: fresh. reference: the outcome of the undisturbed sweep. more: may there be another kill?"""

    folder: Path
    recipe: Path
    runs: int
    reference: dict[str, str]
    pace: Pace
    rng: random.Random
    tally: Tally
    cache: Path
    more: Callable[[], bool]
    commands: list[Command] = field(default_factory=list)
    """Those that are wanted to live."""
    _all: list[Command] = field(default_factory=list)
    _asked: set[Command] = field(default_factory=set)
    _bereft: set[Command] = field(default_factory=set)
    """Commands that lived when a worker was killed in this folder: they may say that a run failed."""
    _seen: set[tuple[str, int]] = field(default_factory=set)
    _strikes: int = 0

    def __post_init__(self) -> None:
        self.sweep = self.folder / NAME
        self.side_by_side = self.rng.random() < 0.3
        self.number_of_commands = 2 if self.rng.random() < 0.3 else 1
        if self.rng.random() < 0.3:
            self.cache = self.folder / "cache"  # empty: kills hit those who fill it

    def run(self) -> list[str]:
        """Its faults."""
        before = len(self.tally.faults)
        try:
            self.commands = [self._start() for _ in range(self.number_of_commands)]
            self._torture()
            self._judge()
        except Unexpected as error:
            self.tally.others.append(str(error))
        finally:
            for command in self._all:
                command.end()
        self.tally.rounds += 1
        self.tally.shared += self.number_of_commands > 1
        return self.tally.faults[before:]

    def _start(self) -> Command:
        words = [f"output_dir={self.folder}", *(["--jobs", "2"] if self.side_by_side else [])]
        command = Command(
            f"c{len(self._all):03}",
            folder=self.folder,
            recipe=self.recipe,
            words=words,
            environment={"HFTK_CACHE": str(self.cache)},
        )
        self._all.append(command)
        self.tally.starts += 1
        return command

    def _torture(self) -> None:
        strike_at = self._next()
        while self.commands:
            for command in list(self.commands):
                if not command.lives():
                    self._ended(command)
                elif command.age > _LONGEST_COMMAND:
                    raise Unexpected(f"{command.said.name}: hangs")
            if self.commands and time.monotonic() >= strike_at and self._strikes < _MOST_STRIKES and self.more():
                self._strike()
                strike_at = self._next()
            time.sleep(0.003)

    def _next(self) -> float:
        """When to strike: mostly while runs are trained, sometimes while a command gets ready."""
        if self.rng.random() < 0.15:
            return time.monotonic() + self.rng.uniform(0, self.pace.start)
        return time.monotonic() + self.pace.start + self.rng.uniform(0, min(0.1 * self.pace.whole, _LONGEST_GAP))

    def _strike(self) -> None:
        command = self.rng.choice(self.commands)
        [kind] = self.rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
        workers = command.workers()
        of_worker = kind.endswith("worker")
        if of_worker:
            workers = workers and [self.rng.choice(workers)]
        if of_worker and not workers:  # it is being prepared, or reports
            return
        self._aim(workers)
        if not command.lives():
            return
        if of_worker:
            self._bereft |= set(self.commands)
        else:
            self._asked |= {command} if kind == "asked" else set()
        self._send(Watched.at(workers[0]).pid if of_worker else command.pid, kind)
        self._strikes += 1
        self.tally.strikes[kind] += 1
        if kind == "asked":
            return
        if not of_worker:
            command.wait()
            self._ended(command)  # started again at once: the killed one's workers may live for a moment yet
        self._count_hits(workers)

    def _aim(self, workers: list[Path]) -> None:
        """One strike in three waits for a training step, one for a save: most of the time of a tiny run is neither."""
        at = self.rng.choice(["any time", "step", "save"])
        end = time.monotonic() + (0 if at == "any time" else _LONGEST_AIM)
        while workers and time.monotonic() < end:
            for path in workers:
                worker = Watched.at(path)
                if (at == "step" and worker.in_step) or (at == "save" and self._parts(worker)):
                    return

    def _send(self, pid: int, kind: str) -> None:
        with suppress(ProcessLookupError):  # a worker may have ended
            if kind.startswith("stopped"):
                os.kill(pid, signal.SIGSTOP)
                time.sleep(self.rng.uniform(0, _LONGEST_STOP))
            os.kill(pid, signal.SIGTERM if kind == "asked" else signal.SIGKILL)

    def _parts(self, worker: Watched) -> list[Path]:
        """What a save is writing or removing now, or a killed one has left."""
        try:
            folder = self.sweep / (worker.run or "none") / "checkpoints"
            return [folder / name for name in os.listdir(folder) if name.startswith(".part-")]
        except FileNotFoundError:
            return []

    def _count_hits(self, workers: list[Path]) -> None:
        """What the workers were at when they died. A command's workers end by themselves when it is killed."""
        until(
            lambda: not any(process_lives(Watched.at(path).pid) for path in workers),
            "a worker that was killed, or whose command was, lives on",
        )
        dead = [Watched.at(path) for path in workers]
        self.tally.hits["step"] += any(worker.in_step for worker in dead)
        self.tally.hits["save"] += any([self._cut_a_save(worker) for worker in dead])

    def _cut_a_save(self, worker: Watched) -> bool:
        cut = False
        for path in self._parts(worker):
            try:
                what = (str(path), path.stat().st_mtime_ns)
            except FileNotFoundError:  # the next command is here already
                continue
            cut |= what not in self._seen
            self._seen.add(what)
        return cut

    def _ended(self, command: Command) -> None:
        self.commands.remove(command)
        expected = {0, -signal.SIGKILL}
        expected |= {1} if command in self._bereft else set()
        # -SIGTERM: before the command has come to handle it
        expected |= {130, -signal.SIGTERM} if command in self._asked else set()
        said = command.said.read_text(encoding="utf-8", errors="replace") if command.said.exists() else ""
        if command.code not in expected or "Traceback" in said:
            raise Unexpected(f"{command.said.name}: exit code {command.code}: {said.strip()[-300:]!r}")
        self.tally.lost += finished_but_failed(self.sweep)
        if command.code != 0:
            self.commands.append(self._start())

    def _judge(self) -> None:
        sessions = {Watched.at(path).pid for command in self._all for path in command.all_workers()}
        try:
            until(lambda: not processes_of(sessions), "a worker's processes live on")
        except Unexpected as error:
            self.tally.others.append(str(error))
            for pid in processes_of(sessions):
                os.kill(pid, signal.SIGKILL)
        for command in self._all:
            said = command.said.read_text(encoding="utf-8", errors="replace") if command.said.exists() else ""
            self.tally.resumes += sum("goes on from" in line and ", epoch " in line for line in said.splitlines())
        found = outcome(self.sweep)
        self.tally.differences += differences(self.reference, found)
        self.tally.lost += lost_runs(self.sweep, runs=self.runs)
        self.tally.finished += self.runs
        self.tally.others += still_held(self.sweep)
        self.tally.others += [reason for reason in failures(self.sweep) if not reason.startswith(_KILLED)]
