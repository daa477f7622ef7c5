"""What goes wrong on demand at the tests' Hub, and the list of what was asked of it."""

import re
import threading
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Fault:
    """What happens to requests whose `METHOD path` the pattern is found in, instead of or before their answer."""

    pattern: str
    status: int | None = None
    """Answered instead; None: the request is answered as always, after the delay, or cut."""
    times: int | None = None
    """How often; None: always."""
    after: int = 0
    """How many requests are left alone before."""
    retry_after: int | str | None = None
    message: str = "made to fail by the test"
    delay: float = 0.0
    """In seconds, before the answer."""
    hang: bool = False
    """No answer, until the server ends or the client goes."""
    cut_after: int | None = None
    """The connection ends when so many bytes of the request's body were read, or of the answer's sent."""
    lost: bool = False
    """The request is done as always, and its answer never arrives."""
    die: bool = False
    """The server's process ends at once."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    """With the query."""
    status: int | None
    """None: no answer was given."""
    received: int
    """Bytes of the body."""
    authenticated: bool


class Faults:
    """The faults that are still to happen, oldest first; one per request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[Fault] = []

    def plan(self, fault: Fault) -> None:
        with self._lock:
            self._planned.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()

    def take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for index, fault in enumerate(self._planned):
                if not re.search(fault.pattern, f"{method} {path}"):
                    continue
                if fault.after > 0:
                    self._planned[index] = replace(fault, after=fault.after - 1)
                    continue
                if fault.times is not None:
                    left = fault.times - 1
                    if left > 0:
                        self._planned[index] = replace(fault, times=left)
                    else:
                        del self._planned[index]
                return fault
        return None
