"""Answers to those who create repositories, upload and commit."""

import base64
import binascii
import json
import re
import secrets
from urllib.parse import parse_qs

import yaml

from tests.loopback_hub.call import Answer, Call, Refused, readable, told, writable
from tests.loopback_hub.store import Kind, Stored, kept_large

_FORM = re.compile(r"[\w.-]+/[\w.-]{1,96}")


def create(call: Call) -> Answer:
    wanted = call.json()
    kind: Kind = wanted.get("type", "model")
    if call.login is None:
        raise Refused(401, "Invalid username or password.")
    name = f"{wanted.get('organization') or call.login.name}/{wanted['name']}"
    if not _FORM.fullmatch(name):
        raise Refused(400, "Invalid repo name")
    if not call.login.may_write(name):
        raise Refused(403, f"You don't have the rights to create a {kind} under the namespace {name.split('/')[0]}")
    # the Hub's own default is public
    private = wanted.get("private", wanted.get("visibility") == "private")
    url = f"{call.endpoint}/{'datasets/' if kind == 'dataset' else ''}{name}"
    with call.store.lock:
        if call.store.find(kind, name) is not None:
            return told({"error": f"You already created this {kind} repo", "url": url}, status=409)
        call.store.create(kind, name, private=bool(private))
    return told({"url": url, "name": name, "id": name, "private": bool(private)})


def validate_yaml(call: Call) -> Answer:
    """The Hub's checks are many; here: that the metadata are YAML, a mapping, and that a model index is a list."""
    content = call.json()["content"]
    head = re.match(r"---\r?\n(.*?)\r?\n---", content, flags=re.DOTALL)
    if head is None:
        return told({"errors": [], "warnings": [{"message": "empty or missing yaml metadata in repo card"}]})
    try:
        card = yaml.safe_load(head[1])
    except yaml.YAMLError as error:
        return told({"errors": [{"message": f"Invalid YAML: {error}"}], "warnings": []}, status=400)
    if not isinstance(card, dict) or not isinstance(card.get("model-index", []), list):
        return told({"errors": [{"message": '"metadata" must be an object, "model-index" a list'}]}, status=400)
    return told({"errors": [], "warnings": []})


def may_write(call: Call, kind: Kind, name: str) -> Answer:
    writable(call, kind, name)
    return told({})


def preupload(call: Call, kind: Kind, name: str, revision: str) -> Answer:
    repository = writable(call, kind, name)
    answers = []
    for file in call.json()["files"]:
        there = repository.files.get(file["path"])
        large = kept_large(file["path"], file["size"])
        answer = {"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
        if there is not None:
            answer["oid"] = there.sha256 if there.large else there.git_sha
        answers.append(answer)
    return told({"files": answers, "commitOid": repository.head.sha})


def lfs_batch(call: Call, kind: Kind, name: str) -> Answer:
    writable(call, kind, name)
    prefix = "datasets/" if kind == "dataset" else ""
    objects = []
    for wanted in call.json()["objects"]:
        answer = {"oid": wanted["oid"], "size": wanted["size"]}
        if not call.store.has_large(wanted["oid"]):
            # the way to the bytes is a signed address, asked without the login
            upload = f"{call.endpoint}/lfs-store/{wanted['oid']}?signature={secrets.token_hex(8)}"
            verify = f"{call.endpoint}/{prefix}{name}.git/info/lfs/objects/verify"
            answer["actions"] = {"upload": {"href": upload}, "verify": {"href": verify}}
        objects.append(answer)
    return told({"transfer": "basic", "objects": objects})


def lfs_put(call: Call, sha256: str) -> Answer:
    if "signature" not in parse_qs(call.query):
        raise Refused(403, "the address is not signed")
    part = call.store.bytes_of(Stored(f"{sha256}.{secrets.token_hex(4)}", "", 0, large=True))
    try:
        call.body_into(part)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if not call.store.received(part, sha256=sha256):
        raise Refused(400, "the content does not have this checksum")
    return Answer(200, b"", {"ETag": f'"{sha256}"'})


def lfs_verify(call: Call, kind: Kind, name: str) -> Answer:
    writable(call, kind, name)
    if not call.store.has_large(call.json()["oid"]):
        raise Refused(404, "the object is not there")
    return told({})


def commit(call: Call, kind: Kind, name: str, revision: str) -> Answer:
    repository = writable(call, kind, name)
    lines = [json.loads(line) for line in call.body().splitlines() if line.strip()]
    header = next(line["value"] for line in lines if line["key"] == "header")
    with call.store.lock:
        if header.get("parentCommit") not in (None, repository.head.sha):
            raise Refused(412, "A commit has happened since. Please refresh and try again.")
        files = dict(repository.files)
        for line in lines:
            _apply(call, line["key"], line["value"], files)
        made = repository.commit(files, title=header["summary"], author=call.login.name if call.login else "")
    url = f"{call.endpoint}/{'datasets/' if kind == 'dataset' else ''}{name}/commit/{made.sha}"
    return told({"success": True, "commitOid": made.sha, "commitUrl": url, "hookOutput": "", "pullRequestUrl": None})


def _apply(call: Call, key: str, value: dict, files: dict[str, Stored]) -> None:
    path = value.get("path", "")
    if key == "file":
        try:
            content = base64.b64decode(value["content"], validate=True)
        except binascii.Error:
            raise Refused(400, "the content is not base64") from None
        files[path] = call.store.put(content, path="")
    elif key == "lfsFile":
        if not call.store.has_large(value["oid"]):
            raise Refused(400, f"the large file {path} was not uploaded")
        files[path] = call.store.known(value["oid"], large=True)
    elif key == "deletedFile":
        if path not in files:
            raise Refused(404, "A file with this name doesn't exist", code="EntryNotFound")
        del files[path]
    elif key == "deletedFolder":
        for inside in [one for one in files if one.startswith(f"{path.rstrip('/')}/")]:
            del files[inside]


def settings(call: Call, kind: Kind, name: str) -> Answer:
    """Who may see it."""
    writable(call, kind, name)
    repository = readable(call, kind, name)
    wanted = call.json()
    repository.private = wanted.get("private", wanted.get("visibility") == "private")
    return told({"private": repository.private})
