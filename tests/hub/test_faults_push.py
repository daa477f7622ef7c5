"""A Hub that refuses, limits, breaks, hangs, and a push that is killed: told, bounded in time, gone on with."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hftk.errors import HubError
from hftk.hub.access import HubAway, Standing
from hftk.hub.manifest import Entry, Manifest
from hftk.hub.uploading import upload

NEW = Standing("me/x", exists=False, private=None, head=None)


@pytest.fixture
def hub(loopback_hub_here):
    return loopback_hub_here


@pytest.fixture
def files(tmp_path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    (folder / "a.safetensors").write_bytes(os.urandom(300_000))
    (folder / "b.safetensors").write_bytes(os.urandom(400_000))
    return folder


@pytest.fixture
def push(files):
    """The files; returns the commit, the seconds and what was told."""
    entries = tuple(Entry(path.name, path, path.stat().st_size) for path in sorted(files.iterdir()))

    def run(**limits) -> tuple[str, float, list[str]]:
        told: list[str] = []
        began = time.monotonic()
        limits = {"longest_wait": 30.0, "step_seconds": 20.0} | limits
        commit, _ = upload(
            Manifest(entries, ()),
            layout=files,
            standing=NEW,
            private=True,
            message="hftk: seed=1",
            tell=told.append,
            **limits,
        )
        return commit, time.monotonic() - began, told

    return run


def whole(hub) -> bool:
    return {"README.md", "a.safetensors", "b.safetensors"} <= set(hub.repositories["me/x"].files)


# where it fails, how, what is told
REFUSED = [
    ("POST /api/repos/create", 401, r"me/x: the Hub does not know this login \(401\)"),
    (
        "POST /api/repos/create",
        403,
        r"me/x: the Hub does not let this login write there \(403\) \(the Hub says: made",
    ),
    ("GET /api/models/me/x", 404, r"me/x: the Hub has no such repository, or this login may not see it \(404\)"),
    ("POST /api/models/me/x/preupload", 403, r"does not let this login write there \(403\)"),
    ("POST .*lfs/objects/batch", 402, r"there is no room left for it on the Hub \(402\)"),
    ("PUT /lfs-store", 413, r"takes no commit or file of this size \(413\)"),
    ("POST /api/models/me/x/commit", 409, r"somebody else changed the repository while this was pushed, .* \(409\)"),
    ("POST /api/models/me/x/commit", 412, r"somebody else changed the repository while this was pushed, .* \(412\)"),
]


@pytest.mark.parametrize(
    ("where", "status", "told"),
    [
        pytest.param(*one, id=f"{one[1]}-{one[0].split('/')[-1]}", marks=[] if one[1] == 403 else pytest.mark.slow)
        for one in REFUSED
    ],
)
def test_a_refusal_is_told_at_once(hub, push, where, status, told):
    hub.fail(where, status)
    with pytest.raises(HubError, match=told) as raised:
        push()
    assert not isinstance(raised.value, HubAway)
    assert len(hub.asked(where)) <= 2, "asked once, each file once"
    assert len(hub.repositories["me/x"].commits) == 1 if "me/x" in hub.repositories else True


@pytest.mark.slow
def test_what_passes_is_waited_for_and_every_wait_is_told(hub, push):
    hub.fail("POST /api/repos/create", 503, times=1)
    hub.fail("POST /api/models/me/x/preupload", 429, times=1, retry_after=2)
    hub.fail("PUT /lfs-store", 500, times=1)
    hub.fail("POST /api/models/me/x/commit", 408, times=1)
    _, _, told = push()
    assert told == [
        "me/x: the Hub answers with 503; next try in 1 s",
        "me/x: the Hub answers with 429; next try in 3 s",
        "me/x: the Hub answers with 500; next try in 2 s",
        "me/x: the Hub answers with 408; next try in 4 s",
    ]
    assert whole(hub)
    assert len(hub.repositories["me/x"].commits) == 2
    taken = [one.path.split("?")[0] for one in hub.asked("PUT /lfs-store") if one.status == 200]
    assert len(taken) == len(set(taken)) == 2, "no file was taken twice"


def test_a_hub_that_asks_for_an_hour_is_not_waited_for(hub, push):
    hub.fail("POST /api/models/me/x/preupload", 429, retry_after=3600)
    began = time.monotonic()
    with pytest.raises(
        HubAway, match="429 and asks to wait 3,600 seconds; it was tried for 0 seconds; push again later"
    ):
        push()
    assert time.monotonic() - began < 15


@pytest.mark.slow
def test_a_hub_that_is_down_is_given_up_in_time(hub, push):
    hub.fail("GET /api/models/me/x", 500)
    began = time.monotonic()
    with pytest.raises(HubAway, match="me/x: the Hub answers with 500; it was tried for 3 seconds; push again later"):
        push(longest_wait=5.0)
    assert time.monotonic() - began < 15
    assert len(hub.asked("GET /api/models/me/x")) == 3


@pytest.mark.slow
def test_a_hub_that_is_gone(hub, push):
    hub.close()
    with pytest.raises(HubAway, match=r"me/x: no connection \(ConnectError\); it was tried for 1 seconds"):
        push(longest_wait=2.0)


@pytest.mark.slow
def test_a_hub_that_hangs_once(hub, push):
    hub.fail("POST /api/models/me/x/commit", hang=True, times=1)
    _, _, told = push(step_seconds=2.0)
    assert told == ["me/x: no connection (ReadTimeout); next try in 1 s"]
    assert whole(hub)


@pytest.mark.slow
def test_an_upload_that_is_cut_in_the_middle(hub, push):
    hub.fail("PUT /lfs-store", cut_after=100_000, times=1)
    _, _, told = push()
    assert len(told) == 1
    assert "no connection" in told[0]
    assert whole(hub)


def test_a_commit_whose_answer_is_lost_is_not_made_twice(hub, push):
    hub.fail("POST /api/models/me/x/commit", lost=True, times=1)
    commit, _, told = push()
    assert len(told) == 1
    assert [one.title for one in hub.repositories["me/x"].commits] == ["initial commit", "hftk: seed=1"]
    assert commit == hub.repositories["me/x"].head.sha


@pytest.mark.slow
def test_huggingface_hubs_endless_question_has_an_end(hub, push):
    """It asks at once again, without end, when another repository is being made (2.4)."""
    message = "Cannot create repo: another conflicting operation is in progress"
    hub.fail("POST /api/repos/create", 409, message=message)
    with pytest.raises(HubAway, match="the Hub makes another repository; it was tried for 1 seconds"):
        push(longest_wait=2.0)
    assert len(hub.asked("POST /api/repos/create")) == 2


PUSHES = """
import json, sys
from pathlib import Path
from hftk.hub.access import Standing
from hftk.hub.manifest import Entry, Manifest
from hftk.hub.uploading import upload
folder = Path(sys.argv[1])
entries = tuple(Entry(path.name, path, path.stat().st_size) for path in sorted(folder.iterdir()))
print("begun", flush=True)
commit, _ = upload(Manifest(entries, ()), layout=folder, standing=Standing("me/x", False, None, None), private=True,
                   message="hftk: seed=1", tell=print, step_seconds=60.0)
print(commit)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_push_that_is_killed_goes_on_where_it_was(loopback_hub, files):
    """A real process, killed while its second large file is on the way; then the same again."""
    hub = loopback_hub
    command = [sys.executable, "-c", PUSHES, str(files)]
    # of the two one is taken, and the other hangs
    hub.fail("PUT /lfs-store", hang=True, times=1)
    process = subprocess.Popen(command, env=os.environ | hub.environment, stdout=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 60
        while len(hub.asked("PUT /lfs-store")) < 1 and time.monotonic() < end:
            time.sleep(0.05)
        sender = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    while Path(f"/proc/{sender}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path(f"/proc/{sender}").exists(), "the process that sends ends with the one that asked"
    assert [one.title for one in hub.repositories["me/x"].commits] == ["initial commit"]
    again = subprocess.run(command, env=os.environ | hub.environment, capture_output=True, text=True, timeout=60)
    assert again.returncode == 0, again.stderr
    assert again.stdout.split() == ["begun", hub.repositories["me/x"].head.sha]
    assert whole(hub)
    # asked once more for the one that hung, and not for the other
    taken = [one.path.split("?")[0] for one in hub.asked("PUT /lfs-store") if one.status == 200]
    assert len(taken) == len(set(taken)) == 2
    assert hub.content("me/x", "b.safetensors") == (files / "b.safetensors").read_bytes()
    assert json.dumps([one.path for one in hub.requests]).count(hub.token) == 0
