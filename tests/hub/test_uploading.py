"""A manifest goes up in one commit, nothing twice, and takes nobody's own files away."""

import json
import os
from pathlib import Path

import pytest

from hftk.errors import HubError
from hftk.hub.access import MARK, Standing
from hftk.hub.contents import lay_out
from hftk.hub.manifest import Entry, Manifest
from hftk.hub.uploading import upload

NEW = Standing("me/x", exists=False, private=None, head=None)
THERE = Standing("me/x", exists=True, private=True, head=None)


@pytest.fixture
def hub(loopback_hub_here):
    return loopback_hub_here


@pytest.fixture
def push(tmp_path):
    """Files by their names → what upload returns; with what was told."""
    told: list[str] = []

    def run(files: dict[str, bytes], *, standing: Standing = THERE, private: bool = True, **limits):
        folder = tmp_path / f"push{len(list(tmp_path.iterdir()))}"
        (folder / "source").mkdir(parents=True)
        entries = []
        for name, content in {**files, MARK: json.dumps({"files": [*files, MARK]}).encode()}.items():
            source: Path | bytes = content
            if name.endswith(".safetensors"):
                source = folder / "source" / name
                source.write_bytes(content)
            entries.append(Entry(name, source, len(content)))
        manifest = Manifest(tuple(entries), ())
        lay_out(manifest, folder / "layout")
        limits = {"longest_wait": 20.0, "step_seconds": 20.0} | limits
        return upload(
            manifest,
            layout=folder / "layout",
            standing=standing,
            private=private,
            message="hftk: seed=1",
            tell=told.append,
            **limits,
        )

    run.told = told
    return run


def test_a_new_repository_is_private_and_has_one_commit_with_all(hub, push):
    weights = os.urandom(100_000)
    commit, url = push(
        {"README.md": b"---\nlicense: mit\n---\n", "a/b.json": b"{}", "m.safetensors": weights}, standing=NEW
    )
    repository = hub.repositories["me/x"]
    assert repository.private
    assert [one.title for one in repository.commits] == ["initial commit", "hftk: seed=1"]
    assert (commit, url) == (repository.head.sha, f"{hub.endpoint}/me/x/commit/{commit}")
    assert sorted(repository.files) == [".gitattributes", MARK, "README.md", "a/b.json", "m.safetensors"]
    assert hub.content("me/x", "m.safetensors") == weights
    assert len(hub.asked("PUT /lfs-store")) == 1
    assert not push.told


@pytest.mark.slow
def test_a_public_one_and_one_of_an_organisation(hub, push):
    push({"a.json": b"{}"}, standing=Standing("lab/y", exists=False, private=None, head=None), private=False)
    assert not hub.repositories["lab/y"].private


def test_the_same_again_is_no_commit_and_a_change_sends_the_change(hub, push):
    files = {"a.json": b"{}", "m.safetensors": os.urandom(1000), "n.safetensors": os.urandom(1000)}
    first, _ = push(files, standing=NEW)
    again, _ = push(files)
    assert again == first
    assert len(hub.repositories["me/x"].commits) == 2
    hub.forget()
    second, _ = push(files | {"m.safetensors": os.urandom(1000)})
    assert second == hub.repositories["me/x"].head.sha != first
    assert len(hub.asked("PUT /lfs-store")) == 1
    # history is kept
    assert hub.content("me/x", "m.safetensors", revision=first) == files["m.safetensors"]


def test_files_of_an_older_push_go_and_a_persons_own_stay(hub, push):
    push({"a.json": b"{}", "old.json": b"{}", "own.json": b"{}"}, standing=NEW)
    repository = hub.repositories["me/x"]
    # by hand: a file more, one that hftk wrote is gone, and so is its line in no list
    files = dict(repository.files) | {"notes.md": repository.files["a.json"]}
    del files["own.json"]
    repository.commit(files, title="by hand", author="me")
    push({"a.json": b"[]"})
    assert sorted(repository.files) == [".gitattributes", MARK, "a.json", "notes.md"]
    assert [one.title for one in repository.commits][-2:] == ["by hand", "hftk: seed=1"]


@pytest.mark.slow
def test_a_mark_that_is_no_list_takes_nothing_away(hub, push):
    repository = hub.store.create("model", "me/x", private=True)
    there = {name: hub.store.put(b"[1, 2", path=name) for name in (MARK, "a.json")}
    repository.commit(there, title="by hand", author="me")
    push({"b.json": b"{}"})
    assert sorted(repository.files) == [MARK, "a.json", "b.json"]


@pytest.mark.slow
def test_a_card_that_the_hub_refuses(hub, push):
    with pytest.raises(HubError, match="me/x: it could not be pushed: Invalid metadata in README.md"):
        push({"README.md": b"---\na: [\n---\n"}, standing=NEW)
    assert len(hub.repositories["me/x"].commits) == 1


def test_the_login_is_in_no_process_list_and_no_message(hub, push, monkeypatch):
    started = []
    import subprocess

    class Watched(subprocess.Popen):
        def __init__(self, arguments, **settings):
            started.append(arguments)
            super().__init__(arguments, **settings)

    monkeypatch.setattr("subprocess.Popen", Watched)
    hub.fail("POST /api/repos/create", 403, message=f"no way for {hub.token}")
    with pytest.raises(HubError, match=r"no way for <secret>") as raised:
        push({"a.json": b"{}"}, standing=NEW)
    assert hub.token not in str(raised.value) + str(started)
    assert len(started) == 1
