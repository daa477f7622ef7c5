"""Whole sweeps of tiny models, killed again and again at random moments, against the same sweep undisturbed.

python -m benchmarks.torture [--minutes 15] [--kills 300] [--seed N] [--write benchmarks/reliability.md]
"""

import argparse
import json
import random
import secrets
import shutil
import signal
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch

from benchmarks.torture.commands import Command, start_server, until
from benchmarks.torture.outcome import differences, outcome
from benchmarks.torture.round import Pace, Round
from benchmarks.torture.sweep import MOST_RUNS, NAME, recipe, write_rows
from benchmarks.torture.tally import Tally
from benchmarks.torture.watched import Watched

BEGIN, END = "<!-- measured: torture -->", "<!-- /measured -->"
_MOST_SHOWN = 40


def main() -> int:
    """Returns 1 where anything differs, was lost, or left behind."""
    told = _arguments()
    began = time.monotonic()
    torch.set_num_threads(1)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # its commands end with it
    print(f"seed {told.seed}", flush=True)
    place = Path(tempfile.mkdtemp(prefix="hftk-torture-"))
    write_rows(place / "rows.csv")
    asked = place / "recipe.yaml"
    asked.write_text(json.dumps(recipe(place / "rows.csv", runs=told.runs)), encoding="utf-8")
    start_server(place / "workers.txt")
    tally, rng = Tally(), random.Random(told.seed)
    reference, _ = _undisturbed(place / "undisturbed", recipe=asked, cache=place / "cache")
    again, pace = _undisturbed(place / "again", recipe=asked, cache=place / "cache")
    tally.differences += differences(reference, again)
    print(f"{told.runs} runs undisturbed: {pace.whole:.1f} seconds, the first after {pace.start:.1f}", flush=True)

    def more() -> bool:
        return tally.kills < told.kills and time.monotonic() - began < 60 * told.minutes

    while more() and not tally.faults:
        folder = place / f"round-{tally.rounds + 1}"
        folder.mkdir()
        faults = Round(
            folder=folder,
            recipe=asked,
            runs=told.runs,
            reference=reference,
            pace=pace,
            rng=rng,
            tally=tally,
            cache=place / "cache",
            more=more,
        ).run()
        minutes = (time.monotonic() - began) / 60
        print(f"round {tally.rounds}: {tally.kills} kills, {minutes:.1f} minutes, {len(faults)} faults", flush=True)
        if not faults:
            shutil.rmtree(folder)
    print(tally.text())
    print("\n".join(tally.faults[:_MOST_SHOWN]))
    if told.write:
        _write(told.write, tally, told=told, minutes=(time.monotonic() - began) / 60)
    if tally.faults:
        print(f"kept: {place}", file=sys.stderr)
        return 1
    shutil.rmtree(place)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=15, help="no kill after so many (15)")
    parser.add_argument("--kills", type=int, default=300, help="no more than so many (300)")
    parser.add_argument(
        "--runs", type=int, default=MOST_RUNS, choices=range(2, MOST_RUNS + 1, 2), help=f"of the sweep ({MOST_RUNS})"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="of all choices; drawn and printed")
    parser.add_argument("--write", type=Path, help="the file whose measured part takes the figures")
    return parser.parse_args()


def _undisturbed(folder: Path, *, recipe: Path, cache: Path) -> tuple[dict[str, str], Pace]:
    folder.mkdir()
    began = time.monotonic()
    command = Command(
        "c", folder=folder, recipe=recipe, words=[f"output_dir={folder}"], environment={"HFTK_CACHE": str(cache)}
    )
    try:
        until(
            lambda: any(Watched.at(path).run for path in command.workers()) or not command.lives(), "no run has begun"
        )
        start = time.monotonic() - began
        while command.lives():
            time.sleep(0.01)
    finally:
        command.end()
    if command.code != 0:
        sys.exit(f"the undisturbed sweep ended with exit code {command.code}: {command.said.read_text()}")
    return outcome(folder / NAME), Pace(start=start, whole=time.monotonic() - began)


def _write(path: Path, tally: Tally, *, told: argparse.Namespace, minutes: float) -> None:
    before, rest = path.read_text(encoding="utf-8").split(BEGIN)
    about = (
        f"{date.today().isoformat()}, torch {torch.__version__.partition('+')[0]}, transformers "
        f"{version('transformers')}, {minutes:.0f} minutes:\n"
        f"`scripts/torture --kills {told.kills} --runs {told.runs} --seed {told.seed}`"
    )
    measured = f"{BEGIN}\n{about}\n\n{tally.markdown()}\n{END}"
    path.write_text(before + measured + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
