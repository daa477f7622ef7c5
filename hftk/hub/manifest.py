"""What a push puts into a repository and what it leaves out: plain values, shown before anything is sent."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """A file of the repository."""

    path: str
    """In the repository, with "/" between its parts."""
    source: Path | bytes
    """A file of this machine, or what the file holds."""
    size: int
    """In bytes."""


@dataclass(frozen=True)
class LeftOut:
    """A file or folder of the run that stays on this machine."""

    path: str
    """In the run's folder; a folder's ends with "/"."""
    size: int
    """In bytes; of a folder, with all that is in it."""
    reason: str


@dataclass(frozen=True)
class Manifest:
    """All of a run, in two parts; each sorted by path."""

    entries: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def size(self) -> int:
        """Bytes that go up."""
        return sum(entry.size for entry in self.entries)


def manifest_lines(manifest: Manifest) -> list[str]:
    """What a person is shown before a push, a line per file: what goes up, then what does not and why."""
    shown = [(entry.path, size_text(entry.size), "") for entry in manifest.entries]
    left = [(one.path, size_text(one.size), one.reason) for one in manifest.left_out]
    width = max((len(path) for path, _, _ in shown + left), default=0)
    lines = [f"goes up: {_files(len(shown))}, {size_text(manifest.size)}"]
    lines += [f"  {path:<{width}}  {size:>8}" for path, size, _ in shown]
    if left:
        lines += ["stays here:", *(f"  {path:<{width}}  {size:>8}  {reason}" for path, size, reason in left)]
    return lines


def size_text(size: int) -> str:
    """Bytes as a person reads them: 512 B, 1.5 kB, 267.8 MB; units are powers of 1,000, as the Hub shows them."""
    if size < 1_000:
        return f"{size} B"
    amount = float(size)
    for unit in ("kB", "MB", "GB"):
        amount /= 1_000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1_000:.1f} TB"


def _files(count: int) -> str:
    return f"{count:,} file" + ("s" if count != 1 else "")
