"""Answers to those who ask what is there, and for files."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote

import yaml

from tests.loopback_hub.call import Answer, Call, Refused, commit_at, readable, told
from tests.loopback_hub.store import Commit, Kind, Stored, folders_of

# entries of a tree in one answer; the Hub's limit is 1,000, but pages have to be turned in tests too
PAGE = 50


def whoami(call: Call) -> Answer:
    login = call.login
    if login is None:
        raise Refused(401, "Invalid username or password.")
    access: dict[str, Any] = {"displayName": "a token", "role": login.role}
    if login.role == "fineGrained":
        scoped = [{"entity": {"type": "user", "name": name}, "permissions": ["repo.write"]} for name in login.writable]
        access["fineGrained"] = {"canReadGatedRepos": False, "global": [], "scoped": scoped}
    orgs = [{"type": "org", "name": name, "roleInOrg": role} for name, role in login.orgs.items()]
    return told(
        {"type": "user", "id": login.name, "name": login.name, "fullname": login.name, "orgs": orgs}
        | {"auth": {"type": "access_token", "accessToken": access}}
    )


def info(call: Call, kind: Kind, name: str, revision: str = "main") -> Answer:
    repository = readable(call, kind, name)
    commit = commit_at(repository, revision)
    blobs = call.asked("blobs").lower() in ("true", "1")
    tags = []
    card = _card(call, commit)
    if kind == "model" and (config := commit.files.get("config.json")):
        tags = ["transformers", str(json.loads(call.store.bytes_of(config).read_bytes()).get("model_type"))]
    return told(
        {"_id": f"{kind}:{name}", "id": name, "author": name.partition("/")[0], "sha": commit.sha, "tags": tags}
        | {"modelId": name, "lastModified": commit.when, "createdAt": repository.commits[0].when, "gated": False}
        | {"private": repository.private, "disabled": False, "downloads": 0, "likes": 0, "cardData": card}
        | {"siblings": [_sibling(path, stored, blobs=blobs) for path, stored in sorted(commit.files.items())]}
    )


def _card(call: Call, commit: Commit) -> dict[str, Any] | None:
    stored = commit.files.get("README.md")
    if stored is None:
        return None
    text = call.store.bytes_of(stored).read_text(encoding="utf-8")
    head = re.match(r"---\r?\n(.*?)\r?\n---", text, flags=re.DOTALL)
    return json.loads(json.dumps(yaml.safe_load(head[1]), default=str)) if head else None


def _sibling(path: str, stored: Stored, *, blobs: bool) -> dict[str, Any]:
    if not blobs:
        return {"rfilename": path}
    lfs = {"sha256": stored.sha256, "size": stored.size, "pointerSize": 134}
    return {"rfilename": path, "size": stored.size, "blobId": stored.git_sha} | ({"lfs": lfs} if stored.large else {})


def tree(call: Call, kind: Kind, name: str, revision: str, folder: str = "") -> Answer:
    commit = commit_at(readable(call, kind, name), revision)
    recursive = call.asked("recursive").lower() in ("true", "1")
    start = f"{folder}/" if folder else ""
    entries = {
        path: _entry(commit, path)
        for path in {*commit.files, *folders_of(commit.files)}
        if path.startswith(start) and (recursive or "/" not in path[len(start) :])
    }
    if folder and not entries:
        raise Refused(404, f"{folder} does not exist on {revision}", code="EntryNotFound")
    begin = int(call.asked("cursor", "0"))
    page = [entries[path] for path in sorted(entries)][begin : begin + PAGE]
    headers = {}
    if begin + PAGE < len(entries):
        query = f"recursive={recursive}&cursor={begin + PAGE}"
        headers["Link"] = f'<{call.endpoint}{call.path}?{query}>; rel="next"'
    return told(page, headers=headers)


def _entry(commit: Commit, path: str) -> dict[str, Any]:
    stored = commit.files.get(path)
    last = {"id": commit.sha, "title": commit.title, "date": commit.when}
    if stored is None:
        return {"type": "directory", "path": path, "size": 0, "oid": "0" * 40, "lastCommit": last}
    entry = {"type": "file", "path": path, "size": stored.size, "oid": stored.git_sha, "lastCommit": last}
    return entry | ({"lfs": {"oid": stored.sha256, "size": stored.size, "pointerSize": 134}} if stored.large else {})


def paths_info(call: Call, kind: Kind, name: str, revision: str) -> Answer:
    commit = commit_at(readable(call, kind, name), revision)
    if "json" in call.headers.get("Content-Type", ""):
        paths = call.json()["paths"]
    else:
        paths = parse_qs(call.body().decode())["paths"]
    there = {*commit.files, *folders_of(commit.files)}
    return told([_entry(commit, path) for path in dict.fromkeys(paths) if path in there])


def refs(call: Call, kind: Kind, name: str) -> Answer:
    head = readable(call, kind, name).head.sha
    branch = {"name": "main", "ref": "refs/heads/main", "targetCommit": head}
    return told({"branches": [branch], "converts": [], "tags": [], "pullRequests": []})


def commits(call: Call, kind: Kind, name: str, revision: str) -> Answer:
    repository = readable(call, kind, name)
    last = repository.commits.index(commit_at(repository, revision))
    return told(
        [
            {"id": one.sha, "title": one.title, "message": "", "date": one.when, "authors": [{"user": one.author}]}
            for one in reversed(repository.commits[: last + 1])
        ]
    )


def auth_check(call: Call, kind: Kind, name: str) -> Answer:
    readable(call, kind, name)
    return told({})


def resolve(call: Call, kind: Kind, name: str, revision: str, path: str) -> Answer:
    repository = readable(call, kind, name)
    commit = commit_at(repository, unquote(revision))
    stored = commit.files.get(path)
    if stored is None:
        raise Refused(404, "Entry not found", code="EntryNotFound")
    headers = {"X-Repo-Commit": commit.sha, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    if stored.large:
        headers |= {"ETag": f'"{stored.sha256}"', "X-Linked-Etag": f'"{stored.sha256}"'}
        headers |= {"X-Linked-Size": str(stored.size)}
    else:
        headers |= {"ETag": f'"{stored.git_sha}"'}
    return Answer(200, call.store.bytes_of(stored), headers)
