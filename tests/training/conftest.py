"""What the tests of training share."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def fit_in_child() -> Iterator[Callable[..., dict[str, Any]]]:
    """Fits one of killed_run.py's cases in a child process, and gives its answer and exit code."""
    script = Path(__file__).parent / "killed_run.py"
    with subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:

        def fit(folder: Path, **case: Any) -> dict[str, Any]:
            server.stdin.write(json.dumps({"folder": str(folder), **case}) + "\n")
            server.stdin.flush()
            return json.loads(server.stdout.readline())

        yield fit
        server.stdin.close()
