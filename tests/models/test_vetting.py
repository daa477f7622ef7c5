"""Which files a model of the Hub has, at which commit."""

import json
import os
import subprocess
import sys

import pytest

from hftk.models._vetting import ModelFiles

PROGRAM = """
import json, sys
from hftk.models._pretrained import model_commit
from hftk.models._vetting import ModelFiles, pinned_revision

commit, folder = sys.argv[1:]
told = {}
for name in ("me/old", "me/new"):
    files = ModelFiles(source=name, revision=commit, offline=False)
    told[name] = [
        files.has("config.json"),
        files.has("adapter_config.json"),
        files.path("config.json").read_text(),
        files.path("adapter_config.json"),
        ModelFiles(source=name, revision=commit, offline=True).has("config.json"),
        ModelFiles(source=name, revision=commit, offline=True).has("tokenizer.json"),
        pinned_revision(name, None, offline=False),
        pinned_revision(name, "main", offline=True),
        pinned_revision(name, commit, offline=False),
        model_commit(name, revision=None),
    ]
told["no such revision"] = [pinned_revision("me/new", "v9", offline=False), model_commit("me/new", revision="v9")]
told["no such model"] = model_commit("me/none", revision=None)
told["a folder"] = model_commit(folder, revision=None)
print(json.dumps(told))
"""


@pytest.fixture
def renamed(loopback_hub, tmp_path):
    """me/old, which is called me/new now; its commit."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    loopback_hub.rename_model("me/old", "me/new")
    return loopback_hub.add_model("me/new", folder).head.sha


def test_a_model_has_its_own_files_and_its_commit_under_each_of_its_names(renamed, loopback_hub, tmp_path):
    words = [sys.executable, "-c", PROGRAM, renamed, str(tmp_path)]
    variables = os.environ | loopback_hub.environment
    done = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    asked_for = [True, False, "{}", None, True, False, renamed, renamed, renamed, renamed]
    assert json.loads(done.stdout) == {
        "me/old": asked_for,
        "me/new": asked_for,
        "no such revision": ["v9", None],
        "no such model": None,
        "a folder": None,
    }


def test_a_folder_has_the_files_that_lie_in_it(tmp_path):
    (tmp_path / "config.json").touch()
    files = ModelFiles(source=str(tmp_path), revision="main", offline=True)
    assert files.has("config.json")
    assert not files.has("model.safetensors")
