"""W&B on a machine of its own: nobody logged in, no other server than one on loopback."""

import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from hftk.recipe.schema import Tracking
from hftk.tracking.told import About, Ending
from hftk.tracking.trackers import Trackers


@pytest.fixture
def tracked():
    """Opens the trackers of a run of the sweep in `folder`, by default W&B's: (folder, run, …) → OpenRun."""
    return OpenRun


class OpenRun:
    def __init__(
        self,
        folder: Path,
        run: str = "lr=1",
        *,
        report_to: Sequence[str] = ("wandb",),
        project: str = "hftk-tests",
        config: Mapping[str, Any] | None = None,
        resumed: bool = False,
    ) -> None:
        self.told: list[str] = []
        self.trackers = Trackers(tell=self.told.append)
        tracking = Tracking(report_to=list(report_to), project=project, tags=["tiny", "첫째"])
        about = About(
            project=project,
            group="grid",
            run=run,
            tags=tracking.tags,
            config={"training.learning_rate": 1.0, "seed": 0} | dict(config or {}),
            swept=["training.learning_rate", "seed"],
            metrics=["accuracy", "loss"],
        )
        self.trackers.open(tracking, about, folder=folder, resumed=resumed)

    def end(self, status: str = "finished", reason: str | None = None, **figures: float) -> list[str]:
        """What the user is told then."""
        before = len(self.told)
        self.trackers.end(Ending(status, reason, {name.replace("_", "/", 1): one for name, one in figures.items()}))
        return self.told[before:]


@pytest.fixture
def logged_out(monkeypatch, tmp_path) -> Iterator[None]:
    """A machine on which nobody has logged in to W&B; a prompt fails the test."""
    forget_wandb()
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "home" / "netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "home"))

    def ask(*args, **kwargs):
        raise AssertionError("asked at a prompt")

    monkeypatch.setattr("builtins.input", ask)
    monkeypatch.setattr("getpass.getpass", ask)
    yield
    forget_wandb()


def forget_wandb() -> None:
    """The next test's W&B reads its environment anew."""
    import wandb

    for child in services():
        child.resume()
    wandb.teardown()
    os.environ.pop("WANDB_SERVICE", None)
    os.environ.pop("WANDB_ERROR_REPORTING", None)
    os.environ.pop("WANDB_SILENT", None)


def services() -> list[psutil.Process]:
    """W&B's service processes that this process started."""
    return [child for child in psutil.Process().children() if child.name().startswith("wandb-core")]


@pytest.fixture
def wandb_services():
    return services


@pytest.fixture
def wandb_server(logged_out, monkeypatch) -> Iterator["Server"]:
    """A W&B server on loopback, to which somebody is logged in."""
    with Server() as server:
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        yield server


@pytest.fixture
def black_hole(logged_out, monkeypatch) -> Iterator[str]:
    """An address that takes connections and never says a word; somebody is logged in there."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
        yield f"127.0.0.1:{listening.getsockname()[1]}"


class Server(ThreadingHTTPServer):
    """Says to W&B's clients what they need to hear, and fails as it is told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.place = f"127.0.0.1:{self.server_port}"
        self.asked: list[str] = []
        """What was asked for: the name of a GraphQL operation, or a path."""
        self.runs: list[dict] = []
        """The variables of each upsertBucket."""
        self.histories: dict[str, list[dict]] = {}
        """By run id: the rows of its history, put where the client said they belong."""
        self.summaries: dict[str, dict] = {}
        """By run id, as sent last."""
        self.exit_codes: dict[str, int] = {}
        self.bodies: list[bytes] = []
        """All that was sent."""
        self.fault: str | None = None
        """500, or hang: from now on."""
        self.hangs_at = "nothing"
        """A part of what is asked for: that alone is never answered."""
        self.dies_at = "nothing"
        """A part of what is asked for: after that answer the server is gone."""
        self.delay = 0.0
        """Seconds before each answer."""
        self.gone = threading.Event()

    def __enter__(self) -> "Server":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.die()

    def die(self) -> None:
        if not self.gone.is_set():
            self.gone.set()
            self.shutdown()
            self.server_close()

    def handle_error(self, *args: object) -> None:
        """A client that leaves early is no news."""


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server.bodies.append(body)
        asked = json.loads(body) if self.path == "/graphql" else {}
        query, variables = asked.get("query", ""), asked.get("variables") or {}
        what = query.split("(")[0].strip() if query else self.path
        server.asked.append(what)
        if server.gone.wait(server.delay) or server.fault == "hang" or server.hangs_at in what:
            server.gone.wait()
            self.close_connection = True
            return
        if server.fault == "500":
            self._send({"errors": [{"message": "out of order"}]}, code=500)
            return
        if "upsertBucket" in query:
            server.runs.append(variables)
        if "file_stream" in self.path:
            self._stream(json.loads(body))
        self._send({"data": self._data(query, variables)} if query else {"exitcode": None, "limits": {}})
        if server.dies_at in what:
            self.close_connection = True
            threading.Thread(target=server.die, daemon=True).start()

    do_GET = do_PUT = do_POST

    def _stream(self, sent: dict) -> None:
        run, files = self.path.split("/")[-2], sent.get("files") or {}
        for name, file in files.items():
            rows = [json.loads(line) for line in file["content"]]
            if name == "wandb-history.jsonl":
                history = self.server.histories.setdefault(run, [])
                history[file["offset"] : file["offset"] + len(rows)] = rows
            elif name == "wandb-summary.json":
                self.server.summaries[run] = rows[-1]
        if sent.get("complete"):
            self.server.exit_codes[run] = sent["exitcode"]

    def _known(self, run: str) -> dict | None:
        """What the server says of a run that a client wants to go on with."""
        history = self.server.histories.get(run)
        if history is None:
            return None
        return {
            "id": "Yg==",
            "name": run,
            "displayName": run,
            "summaryMetrics": json.dumps(self.server.summaries.get(run, {})),
            "historyLineCount": len(history),
            "eventsLineCount": 0,
            "logLineCount": 0,
            "historyTail": json.dumps([json.dumps(history[-1])] if history else []),
            "eventsTail": "[]",
            "config": "{}",
            "tags": [],
            "wandbConfig": json.dumps({"t": 1}),  # without it the run never started
        }

    def _data(self, query: str, variables: dict) -> dict:
        if "query Viewer" in query:
            who = {"id": "bWU=", "entity": "me", "username": "me", "email": "", "flags": "{}", "teams": {"edges": []}}
            return {"viewer": who}
        if "query ArtifactType" in query:
            return {"project": {"artifactType": None, "artifact": None}}
        if "RunResumeStatus" in query:
            return {"model": {"bucket": self._known(variables["name"])}}
        if "createArtifact(" in query:
            sequence = {"id": "cw==", "latestArtifact": {"id": "YQ==", "versionIndex": 0}}
            return {"createArtifact": {"artifact": {"id": "YQ==", "state": "COMMITTED", "artifactSequence": sequence}}}
        if "upsertBucket" in query:
            project = {"id": "cA==", "name": variables.get("project"), "entity": {"id": "ZQ==", "name": "me"}}
            bucket = {"id": "Yg==", "name": variables["name"], "displayName": "n", "config": "{}", "project": project}
            return {"upsertBucket": {"bucket": bucket | {"historyLineCount": 0}, "inserted": True}}
        if "createRunFiles" in query:
            files = [{"name": name, "uploadUrl": f"{self.server.url}/up/{name}"} for name in variables["files"]]
            return {"createRunFiles": {"runID": "Yg==", "uploadHeaders": [], "files": files}}
        return {"model": None}

    def _send(self, content: dict, *, code: int = 200) -> None:
        answer = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


@pytest.fixture
def written_runs():
    """Reads the files that W&B keeps for `wandb sync`: folder → its runs, as W&B would send them, by display name."""
    return runs_below


def runs_below(folder: Path) -> dict[str, dict]:
    """Name → `run`, the run's record, `config`, `history`, its logged values, `summary`, `exit_code` and `folder`, of
    every run below `folder`/wandb; `files` counts those of one that was opened again, of which the last one counts."""
    import wandb

    wandb.teardown()  # its service closes the files after it has said that the run is finished
    found: dict[str, dict] = {}
    for path in sorted(folder.glob("wandb/*run-*/*.wandb"), key=lambda path: path.stat().st_mtime_ns):
        records = list(records_of(path))
        run = next((one.run for one in records if one.HasField("run")), None)
        if run is None:  # its service was killed before it was written
            continue
        summary: dict = {}
        for one in records:
            if one.HasField("summary"):
                summary |= values_of(one.summary.update)
        found[run.display_name] = {
            "run": run,
            "config": values_of(run.config.update),
            "history": [values_of(one.history.item) for one in records if one.HasField("history")],
            "summary": summary,
            "exit_code": next((one.exit.exit_code for one in records if one.HasField("exit")), None),
            "folder": path.parent,
            "files": found.get(run.display_name, {"files": 0})["files"] + 1,
        }
    return found


def values_of(items) -> dict:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def records_of(path: Path) -> Iterator:
    """LevelDB's log: a header of 7 bytes, then, in blocks of 32 KiB, parts of checksum (4), length (2), type (1) and
    content; a record is one whole part, or a first, middle ones and a last."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, record = path.read_bytes(), 7, b""
    while at + 7 < len(content):
        if 32_768 - at % 32_768 < 7:
            at += 32_768 - at % 32_768
            continue
        length, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        record = (b"" if kind in (1, 2) else record) + content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield Record.FromString(record)
