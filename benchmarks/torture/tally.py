"""What is counted, and how it is told."""

from collections import Counter
from dataclasses import dataclass, field

KINDS = {
    "command": "SIGKILL of a command",
    "worker": "SIGKILL of a worker",
    "stopped command": "SIGSTOP, then SIGKILL of a command",
    "stopped worker": "SIGSTOP, then SIGKILL of a worker",
    "asked": "SIGTERM to a command (not among the kills)",
}


@dataclass
class Tally:
    strikes: Counter[str] = field(default_factory=Counter)
    """By kind."""
    hits: Counter[str] = field(default_factory=Counter)
    """`save` and `step`: kills that ended a worker in the middle of one; `jobs`: that ended two workers at once."""
    rounds: int = 0
    """Sweeps trained under kills to their end."""
    shared: int = 0
    """Rounds with two commands in one folder."""
    starts: int = 0
    """Commands started."""
    resumes: int = 0
    """Runs that went on from a checkpoint."""
    finished: int = 0
    """Runs compared with those of the reference."""
    differences: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Runs that did not finish, or were trained again after that."""
    others: list[str] = field(default_factory=list)
    """Exit codes that nothing explains, hangs, what was left behind."""

    @property
    def kills(self) -> int:
        return self.strikes.total() - self.strikes["asked"]

    @property
    def faults(self) -> list[str]:
        return [*self.differences, *self.lost, *self.others]

    def rows(self) -> list[tuple[str, str]]:
        """What and how many."""
        figures = {
            "kills": self.kills,
            "of them in the middle of a save": self.hits["save"],
            "of them in the middle of a training step": self.hits["step"],
            **{words: self.strikes[kind] for kind, words in KINDS.items()},
            "sweeps trained under kills": self.rounds,
            "of them by two commands that share the folder": self.shared,
            "commands started": self.starts,
            "runs resumed from a checkpoint": self.resumes,
            "runs compared, bit for bit": self.finished,
            "differences": len(self.differences),
            "lost runs": len(self.lost),
            "other faults": len(self.others),
        }
        return [(words, f"{number:,}") for words, number in figures.items()]

    def text(self) -> str:
        return "\n".join(f"{number:>7}  {words}" for words, number in self.rows())

    def markdown(self) -> str:
        return "\n".join(["| | |", "|---|---|", *(f"| {words} | {number} |" for words, number in self.rows())])
