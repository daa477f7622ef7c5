"""What a sweep knows of an outage of W&B: a file, because its runs may be trained by several processes."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self


@dataclass(frozen=True)
class Outage:
    reason: str
    then: Literal["offline", "disabled"]
    """How the runs after it are opened."""

    @classmethod
    def known(cls, folder: Path) -> Self | None:
        """The one that was noted in this sweep's folder."""
        try:
            return cls(**json.loads(_file(folder).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def note(self, folder: Path) -> None:
        # where it cannot be written, the next run finds out for itself
        with suppress(OSError):
            _file(folder).parent.mkdir(parents=True, exist_ok=True)
            _file(folder).write_text(json.dumps(asdict(self), ensure_ascii=False) + "\n", encoding="utf-8")


def forget_outage(folder: Path) -> None:
    with suppress(OSError):
        _file(folder).unlink(missing_ok=True)


def _file(folder: Path) -> Path:
    return folder / "wandb" / "outage.json"
