"""The tests' Hub as Python object: started, filled, made to fail, asked what was asked of it."""

import threading
from collections.abc import Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path

from tests.loopback_hub.faults import Fault, Faults, Request
from tests.loopback_hub.handler import Handler
from tests.loopback_hub.store import Login, Repository, Store


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # connections of many clients at once; the default of 5 lets the next ones wait
    request_queue_size = 64

    def __init__(self, hub: "LoopbackHub", port: int) -> None:
        self.hub = hub
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no error of the server's; everything else is for the test to see."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class LoopbackHub:
    """Listens from construction to `close` on 127.0.0.1.

    folder: an empty folder for files' bytes and for the clients' home. logins: token → who it belongs to.
    token: the one that `environment` logs in with.
    """

    def __init__(self, folder: Path, *, logins: Mapping[str, Login], token: str | None, port: int = 0) -> None:
        self.folder = folder
        self.logins = dict(logins)
        self.token = token
        self.store = Store(folder / "bytes")
        self.faults = Faults()
        self.ending = threading.Event()
        self._requests: list[Request] = []
        self._lock = threading.Lock()
        self._server = Server(self, port)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No further answers; connections that hang end."""
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def environment(self) -> dict[str, str]:
        """For a client's process: this Hub and no other, a home of its own, no proxies, no large-file service."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        variables = {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(home),
            "HF_HUB_OFFLINE": "0",
            "HF_DATASETS_OFFLINE": "0",
            "TRANSFORMERS_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
        return variables | ({"HF_TOKEN": self.token} if self.token is not None else {})

    @property
    def repositories(self) -> dict[str, Repository]:
        """Models by `owner/name`, data sets by `datasets/owner/name`."""
        with self.store.lock:
            return {
                name if kind == "model" else f"datasets/{name}": repository
                for (kind, name), repository in self.store.repositories.items()
            }

    def content(self, repository: str, path: str, *, revision: str = "main") -> bytes:
        """What a file of a repository holds."""
        commit = self.repositories[repository].at(revision)
        if commit is None:
            raise KeyError(revision)
        return self.store.bytes_of(commit.files[path]).read_bytes()

    def add_model(self, name: str, folder: Path, *, private: bool = False) -> Repository:
        """A folder's files under a name: `owner/name`, or one of the old names without an owner."""
        return self.store.add("model", name, Path(folder), private=private)

    def add_dataset(self, name: str, folder: Path, *, private: bool = False) -> Repository:
        """As `add_model`. Parquet files and the configurations in README.md's metadata are what load_dataset wants."""
        return self.store.add("dataset", name, Path(folder), private=private)

    def rename_model(self, old: str, new: str) -> None:
        """Who asks for `old` is sent to `new`, as from bert-base-uncased to google-bert/bert-base-uncased."""
        self.store.renamed["model", old] = new

    def fail(
        self,
        pattern: str,
        status: int | None = None,
        times: int | None = None,
        retry_after: int | str | None = None,
        *,
        after: int = 0,
        delay: float = 0.0,
        hang: bool = False,
        cut_after: int | None = None,
        lost: bool = False,
        message: str = "made to fail by the test",
    ) -> None:
        """Requests whose `METHOD /path?query` the pattern (a regular expression) is found in; see `faults.Fault`."""
        self.faults.plan(
            Fault(
                pattern=pattern,
                status=status,
                times=times,
                after=after,
                retry_after=retry_after,
                message=message,
                delay=delay,
                hang=hang,
                cut_after=cut_after,
                lost=lost,
            )
        )

    def heal(self) -> None:
        """No more faults."""
        self.faults.clear()

    def record(self, request: Request) -> None:
        with self._lock:
            self._requests.append(request)

    @property
    def requests(self) -> list[Request]:
        """All that was asked so far, in the order of the answers' ends."""
        with self._lock:
            return list(self._requests)

    def asked(self, pattern: str) -> list[Request]:
        """The requests whose `METHOD /path?query` the pattern is found in."""
        import re

        return [one for one in self.requests if re.search(pattern, f"{one.method} {one.path}")]

    def forget(self) -> None:
        """Empties the list of requests."""
        with self._lock:
            self._requests.clear()

    def login(self, token: str) -> Login | None:
        return self.logins.get(token)
