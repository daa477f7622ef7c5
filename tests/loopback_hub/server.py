"""The tests' Hub as a process of its own, until it is ended or its standard input is closed.

python tests/loopback_hub/server.py FOLDER [--model NAME=FOLDER …] [--dataset NAME=FOLDER …] [--fault JSON …]

Its first line on standard output is its address. Each line written to its standard input is one of: a fault as JSON
({"pattern": …}, see faults.py), `heal`, `requests` (answered with a line of JSON). Logins are in FOLDER/logins.json:
{token: {"name": …, "role": …}}.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

if not __package__:
    # run as a file: imports begin at the repository's root
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from tests.loopback_hub.faults import Fault
from tests.loopback_hub.hub import LoopbackHub
from tests.loopback_hub.store import Login


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    for kind in ("model", "dataset", "fault"):
        parser.add_argument(f"--{kind}", action="append", default=[])
    arguments = parser.parse_args()
    file = arguments.folder / "logins.json"
    logins = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    hub = LoopbackHub(
        arguments.folder,
        logins={token: Login(**login) for token, login in logins.items()},
        token=None,
        port=arguments.port,
    )
    for add, pairs in ((hub.add_model, arguments.model), (hub.add_dataset, arguments.dataset)):
        for pair in pairs:
            name, _, folder = pair.partition("=")
            add(name, Path(folder))
    for fault in arguments.fault:
        hub.faults.plan(Fault(**json.loads(fault)))
    print(hub.endpoint, flush=True)
    for line in sys.stdin:
        if line.strip() == "requests":
            print(json.dumps([asdict(one) for one in hub.requests]), flush=True)
        elif line.strip() == "heal":
            hub.heal()
        else:
            hub.faults.plan(Fault(**json.loads(line)))
    hub.close()


if __name__ == "__main__":
    main()
