"""A Hub that refuses, limits, breaks or hangs, through the whole command: an error that says what to do, soon."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 15  # seconds
TOKEN = "hf_" + "ThisIsNobodysTokenAtAll" * 2
# how the Hub answers → what a person reads
TOLD = {
    "401": "has no public {kind} of this name (401): check its spelling; for a private one, or where a login has run",
    "403": "refuses access (403): accept its conditions, or ask for access, at {page}, and log in with: hf auth login",
    "404": "has no public {kind} of this name (404): check its spelling; for a private one, or where a login has run",
    "404-revision": "has no revision main of it (404); its revisions are at {page}/commits",
    "409": "answers with an error (409): try again later",
    "429": "takes no more requests for now (429): wait 3,600 seconds, then give the same command again; those who are",
    "500": "answers with an error (500): try again later",
    "503": "answers with an error (503): try again later",
    "hang": "did not answer within 5 seconds; try again later",
}
# a hang takes its time: once
CASES = [(fault, kind) for fault in TOLD for kind in ("model", "data set") if (fault, kind) != ("hang", "data set")]
# the Hub and all commands in one process, as its imports take longer than all that is looked at
PROGRAM = """
import contextlib, http.server, io, json, os, sys, threading, time

class Answer(http.server.BaseHTTPRequestHandler):
    # the fault is the name of what is asked for: me/429
    protocol_version = "HTTP/1.1"

    def log_message(self, *words): ...

    def do_GET(self):
        asked.append(self.path)
        words = self.path.split("/")
        fault = words[words.index("me") + 1] if "me" in words else "200"
        if fault == "hang":
            time.sleep(60)
        status, _, about = fault.partition("-")
        self.send_response(int(status))
        codes = {"403": "GatedRepo", "404": "RevisionNotFound" if about else "RepoNotFound"}
        if status in codes:
            self.send_header("X-Error-Code", codes[status])
        if status == "429":
            self.send_header("Retry-After", "3600")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_POST = do_GET

asked = []
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"

sys.path.insert(0, sys.argv[1])
from hftk.cli import main
import datasets, hftk.sweep.together  # these take seconds

for recipe in sys.argv[2:]:
    said = io.StringIO()
    began = time.monotonic()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main(["train", recipe, "--jobs", "0"])
    seconds = time.monotonic() - began
    print(json.dumps([recipe, code, seconds, said.getvalue(), len(asked), os.environ["HF_ENDPOINT"]]), flush=True)
    asked.clear()
os._exit(0)
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> dict[tuple[str, str], tuple[int, float, str, int, str]]:
    """(fault, kind) → exit code, seconds, all that was said, requests, and the Hub's address."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / "train.csv").write_text("text,label\n" + "".join(f"film {i},{'ab'[i % 2]}\n" for i in range(40)))
    for fault in TOLD:
        common = {"name": "x", "output_dir": "out", "training": {"use_cpu": True}}
        of_model = {"data": {"path": "train.csv"}, "model": {"pretrained": f"me/{fault}"}}
        of_data = {"data": {"path": f"me/{fault}"}, "model": {"architecture": "rnn"}}
        (folder / f"model {fault}.yaml").write_text(json.dumps(common | of_model))
        (folder / f"data set {fault}.yaml").write_text(json.dumps(common | of_data))
    environment = {name: value for name, value in os.environ.items() if name not in ("HF_HUB_OFFLINE", "HF_ENDPOINT")}
    environment |= {"HF_HOME": str(folder / "hf"), "HFTK_CACHE": str(folder / "cache"), "NO_PROXY": "127.0.0.1"}
    environment |= {"HF_TOKEN": TOKEN, "OMP_NUM_THREADS": "1"}
    names = [f"{kind} {fault}.yaml" for fault, kind in CASES]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(ROOT), *names],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert TOKEN not in done.stdout + done.stderr
    left = [path for path in folder.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert not left and not (folder / "out").exists()
    found = {}
    for line in done.stdout.splitlines():
        name, *answer = json.loads(line)
        kind, _, fault = name.removesuffix(".yaml").rpartition(" ")
        found[fault, kind] = tuple(answer)
    assert len(found) == len(names), done.stderr[-3000:]
    return found


@pytest.mark.parametrize(("fault", "kind"), CASES)
def test_a_hub_that_does_not_give_what_is_asked_for(answers, fault, kind):
    code, seconds, said, requests, url = answers[fault, kind]
    page = f"{url}/{'datasets/' if kind == 'data set' else ''}me/{fault}"
    expected = TOLD[fault].format(kind=kind, page=page)
    assert f"the Hub {expected}" in said
    assert f"me/{fault}" in said and "Traceback" not in said
    assert code == 2
    assert seconds < LONGEST
    assert requests < 6, "nothing is asked for again and again"
