"""HTTP of the tests' Hub: which function answers what, faults before it, and bytes in and out."""

import os
import re
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.loopback_hub import reading, writing
from tests.loopback_hub.call import Answer, Call, Refused, told
from tests.loopback_hub.faults import Fault, Request
from tests.loopback_hub.store import Kind

_PIECE = 65_536
_REPOSITORY = r"(?P<name>[^/]+(?:/[^/]+)?)"
_API = rf"/api/(?P<kind>models|datasets)/{_REPOSITORY}"
_PAGE = rf"/(?P<kind>datasets/)?{_REPOSITORY}"
_REVISION = r"/(?P<revision>[^/]+)"
# method, address (with percent signs, as %2F in a revision is no separator) → who answers
_ROUTES: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = [
    (method, re.compile(pattern), answer)
    for method, pattern, answer in [
        ("GET", r"/?", lambda call: Answer(200, b"the tests' Hub\n")),
        ("GET", r"/api/whoami-v2", reading.whoami),
        ("POST", r"/api/repos/create", writing.create),
        ("POST", r"/api/validate-yaml", writing.validate_yaml),
        ("GET", rf"{_API}/revision{_REVISION}", reading.info),
        ("GET", rf"{_API}/tree{_REVISION}(?:/(?P<folder>.+))?", reading.tree),
        ("POST", rf"{_API}/paths-info{_REVISION}", reading.paths_info),
        ("GET", rf"{_API}/refs", reading.refs),
        ("GET", rf"{_API}/commits{_REVISION}", reading.commits),
        ("GET", rf"{_API}/auth-check", reading.auth_check),
        ("GET", rf"{_API}/auth-check/write", writing.may_write),
        ("PUT", rf"{_API}/settings", writing.settings),
        ("POST", rf"{_API}/preupload{_REVISION}", writing.preupload),
        ("POST", rf"{_API}/commit{_REVISION}", writing.commit),
        ("GET", _API, reading.info),
        ("POST", rf"{_PAGE}\.git/info/lfs/objects/batch", writing.lfs_batch),
        ("POST", rf"{_PAGE}\.git/info/lfs/objects/verify", writing.lfs_verify),
        ("PUT", r"/lfs-store/(?P<sha256>[0-9a-f]{64})", writing.lfs_put),
        ("GET", rf"{_PAGE}/resolve{_REVISION}/(?P<path>.+)", reading.resolve),
    ]
]
_KINDS: dict[str | None, Kind] = {None: "model", "models": "model", "datasets": "dataset", "datasets/": "dataset"}


class Handler(BaseHTTPRequestHandler):
    """One connection. `server` is a `hub.Server`."""

    protocol_version = "HTTP/1.1"
    # a client that went away without a word does not hold its thread for ever
    timeout = 120

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def _any(self) -> None:
        hub = self.server.hub
        self._status: int | None = None
        self._received = 0
        self._fault = fault = hub.faults.take(self.command, self.path)
        try:
            if fault is not None and self._failed(fault):
                return
            call = self._call()
            answer = self._refused_login(call) or self._answer(call)
            while self._left():  # what nobody read, before the next request of the connection
                pass
            if fault is not None and fault.lost:
                self._cut()
            self._send(answer)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        finally:
            authenticated = "Authorization" in self.headers
            hub.record(Request(self.command, self.path, self._status, self._received, authenticated))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _any  # noqa: N815 the names that http.server calls

    def _failed(self, fault: Fault) -> bool:
        """Is it all that happens to this request?"""
        self.server.hub.ending.wait(fault.delay)
        if fault.die:
            os._exit(1)
        if fault.hang:
            self.server.hub.ending.wait()
            raise ConnectionError
        if fault.status is None:
            return False
        self._prepare_body()
        while self._left():
            pass
        headers = {"X-Error-Message": fault.message, "Content-Type": "application/json"}
        if fault.retry_after is not None:
            headers["Retry-After"] = str(fault.retry_after)
        self._send(Answer(fault.status, told({"error": fault.message}).body, headers))
        return True

    def _call(self) -> Call:
        self._prepare_body()
        parts = urlsplit(self.path)
        hub = self.server.hub
        return Call(
            store=hub.store,
            method=self.command,
            path=parts.path,
            query=parts.query,
            headers=self.headers,
            login=hub.login(self.headers.get("Authorization", "").removeprefix("Bearer ")),
            endpoint=hub.endpoint,
            body=lambda: b"".join(iter(self._left, b"")),
            body_into=self._body_into,
        )

    def _refused_login(self, call: Call) -> Answer | None:
        if call.login is None and "Authorization" in self.headers:
            return Refused(401, "Invalid credentials in Authorization header").answer
        return None

    def _answer(self, call: Call) -> Answer:
        method = "GET" if call.method == "HEAD" else call.method
        for wanted, pattern, answer in _ROUTES:
            if wanted == method and (found := pattern.fullmatch(call.path)):
                names = {key: unquote(value) for key, value in found.groupdict().items() if value is not None}
                if "name" not in names:
                    return self._tried(answer, call, names)
                kind = _KINDS[found["kind"]]
                name = names.pop("name")
                if (newer := call.store.renamed.get((kind, name))) is not None:
                    path = call.path[: found.start("name")] + newer + call.path[found.end("name") :]
                    query = f"?{call.query}" if call.query else ""
                    return Answer(307, b"", {"Location": f"{path}{query}"})
                names.pop("kind", None)
                return self._tried(answer, call, {"kind": kind, "name": name, **names})
        return Refused(404, f"the tests' Hub does not know {call.method} {call.path}").answer

    def _tried(self, answer: Callable[..., Answer], call: Call, names: dict[str, str]) -> Answer:
        try:
            return answer(call, **names)
        except Refused as refused:
            return refused.answer

    def _prepare_body(self) -> None:
        self._chunked = "chunked" in self.headers.get("Transfer-Encoding", "")
        self._to_come = 0 if self._chunked else int(self.headers.get("Content-Length") or 0)

    def _left(self) -> bytes:
        """The next piece of the body; empty: there is no more."""
        if self._chunked and self._to_come == 0:
            self._to_come = int(self.rfile.readline().split(b";")[0] or b"0", 16)
            if self._to_come == 0:
                self.rfile.readline()
                self._chunked = False
                return b""
        if self._to_come == 0:
            return b""
        piece = self.rfile.read1(min(_PIECE, self._to_come))
        if not piece:
            raise ConnectionError("the client went away")
        self._to_come -= len(piece)
        self._received += len(piece)
        if self._chunked and self._to_come == 0:
            self.rfile.readline()
        limit = self._fault.cut_after if self._fault is not None else None
        if limit is not None and self.command in ("PUT", "POST") and self._received >= limit:
            self._cut()
        return piece

    def _body_into(self, path: Path) -> None:
        with path.open("wb") as file:
            while piece := self._left():
                file.write(piece)

    def _cut(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionError("cut by the test")

    def _send(self, answer: Answer) -> None:
        size = answer.body.stat().st_size if isinstance(answer.body, Path) else len(answer.body)
        begin, end, status = 0, size, answer.status
        headers = dict(answer.headers)
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if wanted and status == 200 and isinstance(answer.body, Path):
            if wanted[1]:
                begin, end = int(wanted[1]), min(int(wanted[2] or size - 1) + 1, size)
            else:
                begin = max(0, size - int(wanted[2]))
            status = 206 if begin < max(size, 1) else 416
            headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}" if status == 206 else f"bytes */{size}"
            begin, end = (begin, end) if status == 206 else (0, 0)
        self._status = status
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(end - begin))
        self.end_headers()
        if self.command != "HEAD":
            self._send_body(answer.body, begin, end)

    def _send_body(self, body: bytes | Path, begin: int, end: int) -> None:
        limit = self._fault.cut_after if self._fault is not None and self.command == "GET" else None
        if isinstance(body, bytes):
            self.wfile.write(body[begin : end if limit is None else min(end, limit)])
        else:
            with body.open("rb") as file:
                file.seek(begin)
                left = end - begin if limit is None else min(end - begin, limit)
                while left > 0 and (piece := file.read(min(_PIECE, left))):
                    self.wfile.write(piece)
                    left -= len(piece)
        if limit is not None:
            self.wfile.flush()
            self._cut()
