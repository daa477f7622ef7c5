"""Fits the cases of killed_run.py one after another in the processes of one launch, and writes what each rank found.

Started in two processes: python two_process_runs.py FOLDER CASES_JSON. `stop_rank` of a case: where its end is
asked for; `hidden`: the other process sees an empty folder in place of the run's.
"""

import json
import sys
from pathlib import Path

import torch
from accelerate import PartialState
from killed_run import run

from hftk.errors import HftkError
from hftk.launcher import leave
from hftk.training.processes import quiet_libraries, start_processes


def main() -> None:
    folder, cases = Path(sys.argv[1]), json.loads(sys.argv[2])
    torch.set_num_threads(1)
    quiet_libraries()
    processes = start_processes(use_cpu=True)
    found = []
    for number, case in enumerate(cases):
        if case.pop("stop_rank", processes.rank) != processes.rank:
            del case["stop_at"]
        if case.pop("hidden", False) and not processes.main:
            case["folder"] = str(folder / f"unseen-{number}")
        try:
            found.append(run(case))
        except KeyboardInterrupt:
            found.append({"interrupted": True})
        except HftkError as error:
            found.append({"error": str(error)})
        PartialState().wait_for_everyone()
    (folder / f"rank-{processes.rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
    leave(0)
