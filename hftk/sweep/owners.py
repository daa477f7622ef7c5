"""Which process owns something, told so that any other can find out whether it still lives."""

import hashlib
import os
import socket
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

import psutil


class Life(Enum):
    ALIVE = "it lives"
    GONE = "its process is gone"
    RESTARTED = "its machine was started anew"
    OUT_OF_SIGHT = "its process cannot be seen from here"


@dataclass(frozen=True)
class Owner:
    """A process, told apart from all others of all machines at all times, as far as each value can be had here."""

    host: str
    machine: str
    """Hash of the installed system's id: hosts may share a name."""
    boot: str
    """Random per start of the kernel."""
    namespace: str
    """Of process ids: containers count their own."""
    pid: int
    started: str
    """When the process started, as the kernel counts: a pid is used again."""


def this_process() -> Owner:
    return Owner(
        host=socket.gethostname(),
        machine=_machine(),
        boot=_text("/proc/sys/kernel/random/boot_id"),
        namespace=_namespace(),
        pid=os.getpid(),
        started=_started(os.getpid()) or "",
    )


def life(owner: Owner) -> Life:
    """Certain knowledge, or OUT_OF_SIGHT: on another machine, in another container, of a user who hides it."""
    me = this_process()
    same_host = (owner.host, owner.machine) == (me.host, me.machine)
    if (owner.boot, owner.namespace) == (me.boot, me.namespace) and (me.boot or same_host):
        return _life_here(owner)
    if same_host and me.machine and me.boot and owner.boot and owner.boot != me.boot:
        return Life.RESTARTED
    return Life.OUT_OF_SIGHT


def _life_here(owner: Owner) -> Life:
    started = _started(owner.pid)
    if started is None:
        return Life.OUT_OF_SIGHT if _exists(owner.pid) else Life.GONE
    return Life.ALIVE if started == owner.started else Life.GONE


def _exists(pid: int) -> bool:
    """Also of a process that /proc hides from other users, which psutil.pid_exists would miss."""
    if os.name != "posix":
        return psutil.pid_exists(pid)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _started(pid: int) -> str | None:
    """None where there is no such process to be seen; a killed one that nobody has buried yet is `ended`."""
    try:
        if os.path.exists("/proc/self/stat"):
            # not psutil's create_time: it is told in the wall clock's time, and moves when the clock is set
            after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
            state, *others = after_name.split()
            return "ended" if state in "ZXx" else others[18]
        process = psutil.Process(pid)
        return "ended" if process.status() == psutil.STATUS_ZOMBIE else str(process.create_time())
    except (OSError, psutil.Error):
        return None


@cache
def _machine() -> str:
    told = _text("/etc/machine-id") or _text("/var/lib/dbus/machine-id")
    return hashlib.sha256(told.encode()).hexdigest()[:16] if told else ""


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""
