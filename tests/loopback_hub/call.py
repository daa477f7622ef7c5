"""A request as the answering functions see it, and what they answer."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.loopback_hub.store import Commit, Kind, Login, Repository, Store


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes | Path = b""
    """Bytes, or a file that holds them."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """What was asked, of whom, by whom."""

    store: Store
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    login: Login | None
    endpoint: str
    body: Callable[[], bytes]
    """Reads it all; once."""
    body_into: Callable[[Path], None]
    """Writes it to a file; once."""

    def json(self) -> Any:
        return json.loads(self.body() or b"{}")

    def asked(self, key: str, default: str = "") -> str:
        return parse_qs(self.query).get(key, [default])[0]


class Refused(Exception):  # noqa: N818 an answer, not a mistake of the server
    """The request is answered with an error."""

    def __init__(self, status: int, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        headers = {"X-Error-Message": message, "Content-Type": "application/json"}
        if code is not None:
            headers["X-Error-Code"] = code
        self.answer = Answer(status, json.dumps({"error": message}).encode(), headers)


def told(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


def readable(call: Call, kind: Kind, name: str) -> Repository:
    """The repository; as the Hub does, one that is private is said not to be there."""
    repository = call.store.find(kind, name)
    hidden = repository is not None and repository.private and not (call.login and call.login.may_read(name))
    if repository is None or hidden:
        if call.login is None:
            raise Refused(401, "Invalid username or password.", code="RepoNotFound")
        raise Refused(404, "Repository not found", code="RepoNotFound")
    return repository


def writable(call: Call, kind: Kind, name: str) -> Repository:
    if call.login is None:
        raise Refused(401, "Invalid username or password.")
    repository = readable(call, kind, name)
    if not call.login.may_write(name):
        raise Refused(403, "you must use a token with write access, and have the right to write to this repository")
    return repository


def commit_at(repository: Repository, revision: str) -> Commit:
    commit = repository.at(revision)
    if commit is None:
        raise Refused(404, f"Invalid rev id: {revision}", code="RevisionNotFound")
    return commit
