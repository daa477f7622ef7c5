"""One commit with all files of a manifest; retried where that helps, gone on with after a kill."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any, TextIO

from hftk.errors import HubError
from hftk.hub.access import MARK, HubAway, Standing, one_line, refusal
from hftk.hub.manifest import Manifest, size_text
from hftk.recipe.credentials import redacted

Tell = Callable[[str], None]

LONGEST_WAIT = 300.0
"""Seconds, in all, between tries: the Hub's limits on requests are by five minutes."""
STEP_SECONDS = 60.0
"""Until a connection, or a piece of it in either direction, counts as dead. The Hub commits within 10 s."""
_LEAST_SPEED = 50_000
"""Bytes per second, below which a push is given up: a file of 440 MB may take two and a half hours."""
_LEAST_SECONDS = 900.0
_SECONDS_BETWEEN_WORDS = 30.0
_SCRIPT = Path(__file__).with_name("sending.py")


def upload(
    manifest: Manifest,
    *,
    layout: Path,
    standing: Standing,
    private: bool,
    message: str,
    tell: Tell,
    longest_wait: float = LONGEST_WAIT,
    step_seconds: float = STEP_SECONDS,
) -> tuple[str, str]:
    """Makes the repository where it is not there, and one commit; returns the commit and its page.

    layout: the manifest as `contents.lay_out` left it. private: of a new repository. message: the commit's title.
    tell: hears of each wait, and every half a minute of how much was sent. A process of its own sends: it ends with
    this one, and after longest_wait seconds of waiting for the Hub in all. Large files that the Hub has, of a push that
    was killed or of an older one, are not sent again. Files of an older push that are not in this one are removed, and
    no others.
    Where nothing differs there is no new commit. Raises HubError; HubAway where it is the Hub's or the network's doing.
    """
    order = {
        "model_id": standing.model_id,
        "exists": standing.exists,
        "private": private,
        "files": [[entry.path, str(layout / entry.path)] for entry in manifest.entries],
        "mark": MARK,
        "message": message,
        "longest_wait": longest_wait,
        "step_seconds": step_seconds,
    }
    longest = _LEAST_SECONDS + longest_wait + manifest.size / _LEAST_SPEED
    sender = subprocess.Popen(
        [sys.executable, "-P", str(_SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )
    try:
        sender.stdin.write(json.dumps(order) + "\n")
        sender.stdin.flush()
        end = _heard(sender, seconds=longest, size=manifest.size, model_id=standing.model_id, tell=tell)
    except BrokenPipeError:
        end = {}
    finally:
        sender.kill()
        sender.wait()
        sender.stdout.close()
        try:
            sender.stdin.close()
        except BrokenPipeError:
            pass
    return _judged(end, sender.returncode, standing.model_id)


def _heard(sender: subprocess.Popen, *, seconds: float, size: int, model_id: str, tell: Tell) -> dict[str, Any]:
    """The sender's last word; empty where it ended without one."""
    lines: Queue[str | None] = Queue()
    Thread(target=_read, args=(sender.stdout, lines), daemon=True).start()
    end, told_at = time.monotonic() + seconds, time.monotonic()
    while (left := end - time.monotonic()) > 0:
        try:
            line = lines.get(timeout=min(left, 1.0))
        except Empty:
            continue
        if line is None:
            return {}
        word = json.loads(line)
        if "told" in word:
            tell(f"{model_id}: {redacted(word['told'])}")
        elif "sent" not in word:
            return word
        elif time.monotonic() - told_at >= _SECONDS_BETWEEN_WORDS:
            told_at = time.monotonic()
            tell(f"{model_id}: {size_text(word['sent'])} of at most {size_text(size)} sent")
    return {"away": f"it was not done after {seconds / 60:,.0f} minutes"}


def _read(stream: TextIO, lines: "Queue[str | None]") -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _judged(end: dict[str, Any], code: int, model_id: str) -> tuple[str, str]:
    if "commit" in end:
        return end["commit"], end["url"]
    if "status" in end:
        raise refusal(end["status"], one_line(end["message"]), model_id=model_id)
    if "away" in end:
        raise HubAway(f"{model_id}: {redacted(one_line(end['away']))}; push again later: what was sent is kept there")
    if "failed" in end:
        raise HubError(f"{model_id}: it could not be pushed: {redacted(one_line(end['failed']))}")
    raise HubError(f"{model_id}: the process that sends it ended with {code} before it was done; push again")
