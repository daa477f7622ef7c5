"""A finished run to the Hub: shown, searched for secrets, tried here, sent, tried from there, recorded."""

import hashlib
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import hftk
from hftk.errors import HubError
from hftk.hub.access import MARK, Login, Standing, check_access, logged_in
from hftk.hub.contents import contents, lay_out
from hftk.hub.manifest import Entry, Manifest, manifest_lines
from hftk.hub.secrets import find_secrets
from hftk.hub.uploading import upload
from hftk.hub.verification import Verified, verify
from hftk.replacing import replace_text

RECORD = "pushed.json"
"""In the run's folder: where the run was pushed to."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Pushed:
    """A run on the Hub."""

    commit: str
    url: str
    """Of the commit."""
    verified_here: Verified
    """The files, before they went up."""
    verified_there: Verified | None
    """The same from the Hub, at the commit; None: it was not tried."""


def push_run(
    run_folder: Path,
    *,
    model_id: str,
    private: bool,
    merged: bool = False,
    overwrite: bool = False,
    login: Login | None = None,
    tell: Tell,
) -> Pushed:
    """One run as a repository: model, card and all that belongs to them, in one commit.

    merged: of a PEFT run the merged weights instead of the adapter. overwrite: also over files that hftk did not write.
    login: as asked before, so that the Hub is not asked again. Nothing in the run's folder changes but pushed.json,
    which is written when it is on the Hub. The same content pushed again is no new commit.
    Raises HubError where it is not pushed: a secret in its files, files that do not give the stored logits, an answer
    of the Hub. A run that is there and gives other logits from there is a Pushed that says so.
    """
    manifest = marked(contents(run_folder, merged=merged, model_id=model_id))
    tell("\n".join([f"to {model_id}, {'private' if private else 'public'}:", *manifest_lines(manifest)]))
    if found := find_secrets(manifest):
        lines = [f"  {one.path}: {one.kind}" for one in found]
        raise HubError(
            "\n".join([f"{model_id}: not pushed, as secrets would go up with it:", *lines])
            + "\nTake them out of the data or the recipe, train again, and revoke what others may have seen"
        )
    standing = check_access(
        model_id, private=private, overwrite=overwrite, login=logged_in() if login is None else login
    )
    if standing.exists and standing.private and not private:
        tell(f"{model_id} is private and stays so; make it public in its settings on the Hub")
    content = _content(manifest)
    adapter = any(entry.path == "adapter_config.json" for entry in manifest.entries)
    before = _before(run_folder, standing=standing, content=content)
    if before is not None:
        tell(f"{model_id} holds just this already, verified: {before.url}")
        return before
    with tempfile.TemporaryDirectory(prefix="hftk-push-", ignore_cleanup_errors=True) as scratch:
        layout = Path(scratch)
        lay_out(manifest, layout)
        here = verify(layout, run_folder=run_folder, adapter=adapter)
        if not here.ok:
            raise HubError(f"{model_id}: not pushed, as its files are not what was trained: {here.reason}")
        tell(_verified_line("here", here))
        commit, url = upload(
            manifest,
            layout=layout,
            standing=standing,
            private=private,
            message=f"hftk: {run_folder.resolve().name}",
            tell=tell,
        )
    tell(f"pushed: {url}")
    private_now = standing.private if standing.private is not None else private
    pushed = Pushed(commit, url, here, None)
    _record(run_folder, pushed, model_id=model_id, private=private_now, content=content)
    there = verify(model_id, run_folder=run_folder, revision=commit, adapter=adapter)
    pushed = replace(pushed, verified_there=there)
    _record(run_folder, pushed, model_id=model_id, private=private_now, content=content)
    if there.ok:
        tell(_verified_line("from the Hub", there))
    return pushed


def _verified_line(where: str, verified: Verified) -> str:
    difference = (
        "" if verified.largest_difference is None else f", largest difference {verified.largest_difference:.1e}"
    )
    told = f" ({verified.reason})" if verified.reason else ""
    return f"verified {where}: the stored logits of {verified.rows} rows{difference}{told}"


def marked(manifest: Manifest) -> Manifest:
    """With the file by which hftk knows, another time, what of a repository it wrote."""
    paths = sorted([*(entry.path for entry in manifest.entries), MARK])
    mark = json.dumps({"written_by": f"hftk {hftk.__version__}", "files": paths}, indent=2) + "\n"
    entry = Entry(MARK, mark.encode(), len(mark.encode()))
    return Manifest(tuple(sorted([*manifest.entries, entry], key=lambda one: one.path)), manifest.left_out)


def _content(manifest: Manifest) -> str:
    """A checksum over all paths and bytes."""
    total = hashlib.sha256()
    for entry in manifest.entries:
        if isinstance(entry.source, bytes):
            own = hashlib.sha256(entry.source).hexdigest()
        else:
            with entry.source.open("rb") as file:
                own = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{own} {entry.path}\n".encode())
    return total.hexdigest()


def _record(run_folder: Path, pushed: Pushed, *, model_id: str, private: bool, content: str) -> None:
    record = {
        "model_id": model_id,
        "commit": pushed.commit,
        "url": pushed.url,
        "private": private,
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "content": content,
        "verified": {
            "here": asdict(pushed.verified_here),
            "there": asdict(pushed.verified_there) if pushed.verified_there is not None else None,
        },
    }
    replace_text(run_folder / RECORD, json.dumps(record, ensure_ascii=False, indent=2) + "\n")


def _before(run_folder: Path, *, standing: Standing, content: str) -> Pushed | None:
    """The push of this very content, verified, if the repository has not changed since."""
    try:
        record: dict[str, Any] = json.loads((run_folder / RECORD).read_bytes())
        here, there = (Verified(**record["verified"][where]) for where in ("here", "there"))
        pushed = Pushed(record["commit"], record["url"], here, there)
        same = (record["model_id"], record["content"], record["commit"]) == (standing.model_id, content, standing.head)
    except (OSError, ValueError, KeyError, TypeError):  # none, or of another version
        return None
    return pushed if same and there.ok else None
