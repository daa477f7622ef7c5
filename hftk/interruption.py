"""SIGTERM, SIGINT (Ctrl-C) and SIGHUP (a closed terminal): the first one ends the work in order, the second at once.

In a soft section the first signal is only noted, and the section ends itself, its state saved; elsewhere it raises
KeyboardInterrupt, as Ctrl-C does in Python. The second ends the process with exit code 130, also where no handler of
Python's comes to turn, in a long computation or a transfer that hangs: a thread of its own waits for it. A
KeyboardInterrupt that was raised where Python drops exceptions, in a `__del__` or a weak reference's callback, is
raised again a moment later.
"""

import _thread
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import NoReturn

from hftk.errors import HftkError

EXIT_CODE = 130
# accelerate launch passes Ctrl-C on to processes that had it from the terminal already
RELAYED_WITHIN = 2.0  # seconds
# a terminal or pipe that nobody reads must not hold the end up
_LONGEST_LAST_WORD = 0.5  # seconds

# a dropped KeyboardInterrupt is raised again when the main thread should be out of what dropped it
_AGAIN_AFTER = 0.05  # seconds

_END = 0  # no signal's number

_NAMES = ("SIGINT", "SIGBREAK") if os.name == "nt" else ("SIGINT", "SIGTERM", "SIGHUP")
_NUMBERS = {getattr(signal, name): name for name in _NAMES if hasattr(signal, name)}


class Interruption:
    """Whether the user, or the system, wants this process to end. One made without `interruptible` is never asked."""

    def __init__(self) -> None:
        self.asked: str | None = None
        """The name of the first signal."""
        self._soft = False

    @contextmanager
    def soft(self) -> Iterator[None]:
        """A section that looks at `asked` itself and ends then. Raises KeyboardInterrupt behind it if it was asked to.

        What fails meanwhile counts as the interruption's doing (a signal to the whole group ends a loader's workers
        too), unless it is an error of hftk's own.
        """
        self.stop_if_asked()
        before, self._soft = self._soft, True
        try:
            yield
        except HftkError:
            raise
        except Exception as error:
            if self.asked:
                raise KeyboardInterrupt(self.asked) from error
            raise
        finally:
            self._soft = before
        self.stop_if_asked()

    def stop_if_asked(self) -> None:
        """Raises KeyboardInterrupt if the end was asked for and this is no soft section."""
        if self.asked and not self._soft:
            raise KeyboardInterrupt(self.asked)

    def ask(self, name: str) -> None:
        """name: who asks, a signal or another process of this launch. Raises KeyboardInterrupt as the signal does."""
        if self.asked is None:
            self.asked = name
            self.stop_if_asked()

    @property
    def waits(self) -> bool:
        """Is this a soft section?"""
        return self._soft


@contextmanager
def interruptible(
    *, tell: Callable[[str], None], last_word: Callable[[str], None], relayed: bool
) -> Iterator[Interruption]:
    """Handles the signals in the block, and puts back what handled them before.

    In a thread other than the main one nothing is handled: signals belong to the program around. A signal that is
    ignored stays so (nohup, a job in the background). tell: hears, from another thread, that a soft section has to end
    first. last_word: hears why the process ends at once; it must not need what the main thread may hold. relayed: does
    a parent pass on what may have reached this process by itself? Then what comes within two seconds is one signal.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    ours = {number: signal.getsignal(number) for number in _NUMBERS}
    ours = {number: former for number, former in ours.items() if former not in (signal.SIG_IGN, None)}
    process = os.getpid()
    watch = _Watch(interruption, numbers=ours.keys(), tell=tell, last_word=last_word, relayed=relayed)

    def handle(number: int, frame: object) -> None:
        if os.getpid() == process:
            if watch.echoed(number):
                interruption.stop_if_asked()
            else:
                interruption.ask(_NUMBERS[number])
        elif number != signal.SIGINT:  # a loader's worker: it ends with its parent, whom Ctrl-C reaches as well
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    former_hook = sys.unraisablehook

    def raise_again(dropped: "sys.UnraisableHookArgs") -> None:
        if isinstance(dropped.exc_value, KeyboardInterrupt) and interruption.asked and os.getpid() == process:
            watch.echo()
        else:
            former_hook(dropped)

    with watch.running():
        for number in ours:
            signal.signal(number, handle)
        sys.unraisablehook = raise_again
        try:
            yield interruption
        finally:
            sys.unraisablehook = former_hook
            for number, former in ours.items():
                # on the way out a second one has the exit code that the first one was promised
                ended = interruption.asked is not None and former is signal.SIG_DFL
                signal.signal(number, _leave if ended else former)


def _leave(number: int, frame: object) -> NoReturn:
    os._exit(EXIT_CODE)


class _Watch:
    """A thread that hears of every signal as it comes in, whatever the main thread is busy with."""

    def __init__(
        self,
        interruption: Interruption,
        *,
        numbers: Collection[int],
        tell: Callable[[str], None],
        last_word: Callable[[str], None],
        relayed: bool,
    ) -> None:
        self._interruption = interruption
        self._numbers = numbers
        self._tell = tell
        self._last_word = last_word
        self._relayed_within = RELAYED_WITHIN if relayed else 0.0
        self._running = False
        self._echo = min(numbers, default=_END)
        self._unheard = 0
        self._unhandled = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        reading, writing = socket.socketpair()
        writing.setblocking(False)  # Python's signal handler writes there, and must never wait
        former = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        self._running = True
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave_to_parent)
        thread = threading.Thread(target=self._listen, args=[reading], name="hftk signals", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._running = False
            signal.set_wakeup_fd(former)
            writing.send(bytes([_END]))  # closing alone would not do: forked workers hold it open
            thread.join()
            writing.close()
            reading.close()

    def _leave_to_parent(self) -> None:
        """A signal to the whole group must not be heard once per loader's worker: they share the socket."""
        if self._running:
            signal.set_wakeup_fd(-1)

    def echo(self) -> None:
        """Has the handler called once more in the main thread, a moment later, without a signal of the user's."""
        timer = threading.Timer(_AGAIN_AFTER, self._send_echo)
        timer.daemon = True
        timer.start()

    def _send_echo(self) -> None:
        if self._running:
            self._unheard += 1
            self._unhandled += 1
            _thread.interrupt_main(self._echo)

    def echoed(self, number: int) -> bool:
        """Is this call of the handler an echo? Asked by the handler, once per call."""
        if number != self._echo or not self._unhandled:
            return False
        self._unhandled -= 1
        return True

    def _listen(self, reading: socket.socket) -> None:
        first: float | None = None
        while (number := reading.recv(1)[0]) != _END:
            if number not in self._numbers:
                continue
            if number == self._echo and self._unheard:
                self._unheard -= 1
                continue
            if first is None:
                first = time.monotonic()
                self._tell_of(number)
            elif time.monotonic() - first > self._relayed_within:
                self._end_at_once(number)

    def _tell_of(self, number: int) -> None:
        if self._interruption.waits:
            _try(
                self._tell,
                f"{_NUMBERS[number]}: ending after this step, with its state saved; a second one ends at once",
            )

    def _end_at_once(self, number: int) -> NoReturn:
        speaker = threading.Thread(target=self._speak, args=[_NUMBERS[number]], daemon=True)
        speaker.start()
        speaker.join(_LONGEST_LAST_WORD)
        os._exit(EXIT_CODE)

    def _speak(self, name: str) -> None:
        _try(sys.stdout.flush)
        _try(
            self._last_word,
            f"ended at once by a second signal ({name}); finished runs are kept, and the same command goes on with "
            "the rest",
        )
        _try(sys.stderr.flush)


def _try(function: Callable[..., object], *arguments: object) -> None:
    """The streams may be closed, the terminal gone."""
    try:
        function(*arguments)
    except (OSError, ValueError, RuntimeError, AttributeError):
        pass
