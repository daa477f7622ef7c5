"""How many threads a process trains with on a CPU."""

import math
import os

import psutil

from hftk.launcher import under_launcher


def threads_each(jobs: int) -> int | None:
    """Threads of each of `jobs` workers on a CPU; None: as torch decides, or as $OMP_NUM_THREADS says.

    `accelerate launch` gives a process one thread where nobody said how many; alone it may have them all.
    """
    launched = under_launcher() and os.environ.get("OMP_NUM_THREADS") == "1"
    if "OMP_NUM_THREADS" in os.environ and not (launched and not _asked_of_the_launcher()):
        return None
    if jobs == 1 and not launched:
        return None
    usable = len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else math.inf
    return max(1, int(min(psutil.cpu_count(logical=False) or 1, usable)) // jobs)


def _asked_of_the_launcher() -> bool:
    try:
        return "OMP_NUM_THREADS" in psutil.Process(os.getppid()).environ()
    except psutil.Error:
        return True
