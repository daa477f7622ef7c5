"""The tests' Hub answers the real clients as the Hub does."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    get_session,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

from tests.loopback_hub.store import Login

SERVER = Path(__file__).with_name("server.py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# hello\n")
    (folder / "config.json").write_text('{"model_type": "bert"}')
    (folder / "model.safetensors").write_bytes(os.urandom(200_000))
    for number in range(70):
        (folder / "sub" / f"{number}.txt").write_text(str(number))
    return folder


def test_a_folder_goes_up_in_one_commit_and_comes_down_unchanged(loopback_hub_here, folder, tmp_path):
    hub = loopback_hub_here
    api = HfApi()
    assert api.whoami()["name"] == "me"
    api.create_repo("me/x", private=True)
    commit = api.upload_folder(repo_id="me/x", folder_path=folder)
    assert len(hub.repositories["me/x"].commits) == 2
    assert len(hub.asked("PUT /lfs-store/")) == 1
    down = Path(snapshot_download("me/x", revision=commit.oid))
    for path in folder.rglob("*"):
        if path.is_file():
            assert (down / path.relative_to(folder)).read_bytes() == path.read_bytes()
    # pages of a tree
    assert len(list(api.list_repo_tree("me/x", recursive=True))) == 70 + 3 + 1 + 1
    assert [one.path for one in api.get_paths_info("me/x", ["sub", "config.json", "no"])] == ["sub", "config.json"]
    info = api.model_info("me/x", files_metadata=True)
    assert (info.sha, info.private, info.card_data.license) == (commit.oid, True, "mit")
    assert {one.rfilename: one.size for one in info.siblings}["model.safetensors"] == 200_000
    assert [one.title for one in api.list_repo_commits("me/x")][-1] == "initial commit"
    assert api.list_repo_refs("me/x").branches[0].target_commit == commit.oid
    # the same again is no commit, and nothing is sent
    assert api.upload_folder(repo_id="me/x", folder_path=folder).oid == commit.oid
    assert len(hub.asked("PUT /lfs-store/")) == 1


def test_large_files_that_are_there_are_not_sent_again_and_commits_know_their_parent(loopback_hub_here, folder):
    hub = loopback_hub_here
    api = HfApi()
    api.create_repo("me/a")
    first = api.repo_info("me/a").sha
    model = (folder / "model.safetensors").read_bytes()
    api.create_commit("me/a", [CommitOperationAdd("m.safetensors", model)], commit_message="one", parent_commit=first)
    operations = [CommitOperationAdd("n.safetensors", model), CommitOperationDelete("m.safetensors")]
    with pytest.raises(HfHubHTTPError, match="412"):
        api.create_commit("me/a", operations, commit_message="two", parent_commit=first)
    api.create_commit("me/a", operations, commit_message="two")
    assert len(hub.asked("PUT /lfs-store/")) == 1
    assert sorted(hub.repositories["me/a"].files) == [".gitattributes", "n.safetensors"]
    assert hub.content("me/a", "n.safetensors") == model


def test_who_may_do_what(loopback_hub_here, folder):
    hub = loopback_hub_here
    tokens = {name: f"hf_{name}{'x' * 30}" for name in ("reader", "other", "fine")}
    hub.logins[tokens["reader"]] = Login("me", "read")
    hub.logins[tokens["other"]] = Login("other")
    hub.logins[tokens["fine"]] = Login("me", "fineGrained", writable=("me/this",))
    HfApi().create_repo("me/this", private=True)
    HfApi().create_repo("lab/that", private=True)
    HfApi().auth_check("lab/that", write=True)
    with pytest.raises(HfHubHTTPError, match="409"):
        HfApi().create_repo("me/this")
    HfApi(token=tokens["reader"]).model_info("me/this")
    HfApi(token=tokens["fine"]).auth_check("me/this", write=True)
    for name in ("reader", "fine"):
        with pytest.raises(HfHubHTTPError, match="403"):
            HfApi(token=tokens[name]).create_repo("me/new")
    with pytest.raises(HfHubHTTPError, match="403"):
        HfApi(token=tokens["reader"]).upload_folder(repo_id="me/this", folder_path=folder)
    with pytest.raises(RepositoryNotFoundError, match="404"):
        HfApi(token=tokens["other"]).model_info("me/this")
    with pytest.raises(RepositoryNotFoundError, match="401"):
        HfApi(token=False).model_info("me/this")
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        HfApi(token="hf_" + "unknown" * 5).whoami()
    with pytest.raises(RevisionNotFoundError):
        HfApi().model_info("me/this", revision="v1")
    with pytest.raises(EntryNotFoundError):
        hf_hub_download("me/this", "no.json")
    with pytest.raises(ValueError, match="Invalid YAML"):
        HfApi().create_commit(
            "me/this", [CommitOperationAdd("README.md", b"---\na: [\n---\n")], commit_message="a bad card"
        )
    assert not any(token in repr(hub.requests) for token in tokens.values())


def test_faults_happen_as_often_as_asked(loopback_hub_here, folder):
    hub = loopback_hub_here
    hub.add_model("me/x", folder)
    hub.fail("GET /api/models/me/x", 500, times=1)
    with pytest.raises(HfHubHTTPError, match="500"):
        HfApi().model_info("me/x")
    hub.fail("/api/models/me/x", 429, times=1, retry_after=7, after=1)
    HfApi().model_info("me/x")
    with pytest.raises(HfHubHTTPError, match="429") as raised:
        HfApi().model_info("me/x")
    assert raised.value.response.headers["Retry-After"] == "7"
    HfApi().model_info("me/x")
    # a part of a file; a download that is cut is tried again
    url = f"{hub.endpoint}/me/x/resolve/main/model.safetensors"
    part = get_session().get(url, headers={"Range": "bytes=100-299"})
    assert (part.status_code, part.content) == (206, (folder / "model.safetensors").read_bytes()[100:300])
    hub.forget()
    hub.fail("GET /me/x/resolve/", cut_after=50_000, times=1)
    whole = Path(hf_hub_download("me/x", "model.safetensors")).read_bytes()
    assert whole == (folder / "model.safetensors").read_bytes()
    assert [one.status for one in hub.asked("GET /me/x/resolve/main/model.safetensors")] == [200, 200]
    # an upload that is cut is not there
    hub.fail("PUT /lfs-store/", cut_after=10_000, times=1)
    began = time.monotonic()
    hub.fail("POST /api/validate-yaml", delay=0.3, times=1)
    HfApi().create_repo("me/y")
    HfApi().upload_folder(repo_id="me/y", folder_path=folder)
    assert time.monotonic() - began >= 0.3
    assert hub.content("me/y", "model.safetensors") == whole
    assert [one.status for one in hub.asked("PUT /lfs-store/")] == []  # the Hub had it from me/x


def test_an_upload_that_is_cut_leaves_nothing(loopback_hub_here, folder):
    hub = loopback_hub_here
    HfApi().create_repo("me/y")
    hub.fail("PUT /lfs-store/", cut_after=100_000, times=1)
    HfApi().upload_folder(repo_id="me/y", folder_path=folder)
    assert [one.status for one in hub.asked("PUT /lfs-store/")] == [None, 200]
    assert hub.asked("PUT /lfs-store/")[0].received >= 100_000
    assert not any("." in path.name for path in (hub.folder / "bytes").iterdir())


CLIENTS = """
import sys
from datasets import load_dataset
from transformers import AutoModel, AutoTokenizer
splits = load_dataset("nyu-mll/glue", "cola")
print({name: split.num_rows for name, split in splits.items()}, splits["train"].features["label"].names)
for name in ("bert-base-uncased", "roberta-base"):
    AutoTokenizer.from_pretrained(name)
    print(AutoModel.from_pretrained(name).config.hidden_size)
"""


def test_datasets_and_transformers_load_by_the_names_of_the_recipes(loopback_hub, tiny_bert, tmp_path):
    from datasets import ClassLabel, Dataset, Features, Value

    folder = tmp_path / "glue"
    features = Features({"sentence": Value("string"), "label": ClassLabel(names=["unacceptable", "acceptable"])})
    (folder / "cola").mkdir(parents=True)
    for split, rows in (("train", 9), ("validation", 4), ("test", 3)):
        Dataset.from_dict({"sentence": ["a b"] * rows, "label": [1] * rows}, features=features).to_parquet(
            folder / "cola" / f"{split}-00000-of-00001.parquet"
        )
    files = "".join(f"  - split: {split}\n    path: cola/{split}-*\n" for split in ("train", "validation", "test"))
    (folder / "README.md").write_text(
        f"---\nconfigs:\n- config_name: cola\n  data_files:\n{files}- config_name: sst2\n  data_files: cola/*\n---\n"
    )
    loopback_hub.add_dataset("nyu-mll/glue", folder)
    loopback_hub.add_model("google-bert/bert-base-uncased", tiny_bert)
    loopback_hub.rename_model("bert-base-uncased", "google-bert/bert-base-uncased")
    loopback_hub.add_model("roberta-base", tiny_bert)
    environment = os.environ | loopback_hub.environment
    ended = subprocess.run(
        [sys.executable, "-c", CLIENTS], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        "{'train': 9, 'validation': 4, 'test': 3} ['unacceptable', 'acceptable']",
        "32",
        "32",
    ]


def test_as_a_process_of_its_own(folder, tmp_path):
    home = tmp_path / "hub"
    home.mkdir()
    token = "hf_" + "t" * 34
    (home / "logins.json").write_text(json.dumps({token: {"name": "me"}}))
    server = subprocess.Popen(
        [sys.executable, SERVER, home, "--model", f"me/x={folder}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    try:
        endpoint = server.stdout.readline().strip()
        environment = os.environ | {"HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0", "HF_TOKEN": token}
        ask = [sys.executable, "-c", "import huggingface_hub as h; print(h.model_info('me/x').sha, h.whoami()['name'])"]
        ended = subprocess.run(ask, env=environment, capture_output=True, text=True, timeout=60, check=True)
        assert ended.stdout.split()[1] == "me"
        server.stdin.write("requests\n")
        server.stdin.flush()
        asked = json.loads(server.stdout.readline())
        assert {"/api/models/me/x", "/api/whoami-v2"} <= {one["path"] for one in asked}
        server.stdin.write(json.dumps({"pattern": "whoami", "die": True}) + "\n")
        server.stdin.flush()
        time.sleep(0.2)
        ended = subprocess.run(ask, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 1
        assert server.wait(10) == 1
    finally:
        server.send_signal(signal.SIGKILL)
        server.communicate()
