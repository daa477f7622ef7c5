"""Calls that may take only so long, and the limits that hold for trackers."""

import threading
from collections.abc import Callable
from typing import TypeVar

from hftk.recipe.credentials import redacted

Result = TypeVar("Result")

# seconds; one outage costs a start, a call or an end, and then the sweep does without the server: 10 at most
LONGEST_START = 5.0
LONGEST_CALL = 5.0
LONGEST_END = 5.0
# seconds for what needs no server, on a busy machine
LONGEST_LOCAL = 10.0


class TooSlow(Exception):
    """The call has not returned in time; it may still be running, in a thread that nobody waits for."""


def bounded(call: Callable[[], Result], *, seconds: float) -> Result:
    """What `call` returns; what it raises is raised here, a SystemExit as RuntimeError.

    Raises TooSlow where it takes longer than `seconds`.
    """
    returned: list[Result] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            returned.append(call())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True, name="hftk-tracker")
    thread.start()
    thread.join(seconds)
    if raised and isinstance(raised[0], SystemExit):
        raise RuntimeError(f"it wanted to exit with {raised[0].code}") from raised[0]
    if raised:
        raise raised[0]
    if not returned:
        raise TooSlow(f"no answer in {seconds:g} s")
    return returned[0]


def reason_of(error: Exception) -> str:
    """One short line, without tokens."""
    lines = redacted(str(error)).strip().splitlines() or [type(error).__name__]
    return lines[0] if len(lines[0]) <= 200 else lines[0][:200] + "…"
