"""What `accelerate launch` does to our last words: it prints a traceback of its own after them.

The launcher turns any exit code into 1 and ends with a CalledProcessError or ChildFailedError dump (accelerate 1.15).
So under it the message is left to a small process that waits for the launcher's end and prints then, once. And how a
process that trained together with others ends.
"""

import atexit
import os
import subprocess
import sys
from typing import NoReturn

LONGEST_WAIT = 30  # seconds

_SPEAK_AFTER = """
import os, select, sys
message = sys.stdin.read()
try:
    descriptor = os.pidfd_open(int(sys.argv[1]))
    select.select([descriptor], [], [], float(sys.argv[2]))
except OSError:
    pass  # it has ended already
sys.stderr.write(message)
"""


def last_word(message: str) -> None:
    """Prints the message to standard error as the last thing that the user sees."""
    sys.stdout.flush()
    if not _waits_for_launcher():
        print(message, file=sys.stderr)
        return
    speaker = subprocess.Popen(
        [sys.executable, "-c", _SPEAK_AFTER, str(os.getppid()), str(LONGEST_WAIT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    speaker.stdin.write(message + "\n")
    speaker.stdin.close()


def under_launcher() -> bool:
    """Did accelerate start this process?"""
    return "ACCELERATE_MIXED_PRECISION" in os.environ


def _waits_for_launcher() -> bool:
    """Its end can be waited for on Linux only; elsewhere we speak at once."""
    return under_launcher() and hasattr(os, "pidfd_open") and os.getppid() > 1


def leave(code: int) -> NoReturn:
    """Ends the process with this exit code; where several trained together, without taking torch down.

    gloo's threads abort about one exit in twenty of a process that was part of a group, also where the group is
    destroyed first (torch 2.13 on a busy CPU), which the launcher would take for a failed run.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.distributed.is_available() or not torch.distributed.is_initialized():
        sys.exit(code)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
