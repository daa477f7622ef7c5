"""What opens a door is found wherever it stands, and never shown."""

import json
import os
import struct
import time

import pytest

from hftk.hub.manifest import Entry, Manifest
from hftk.hub.secrets import Found, find_secrets

HUB = "hf_" + "Q7" * 17
GIT_COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def nobody_at_home(tmp_path, monkeypatch):
    """No login, no ~/.netrc and no secret of the environment that the tests run in."""
    from hftk.recipe.credentials import secrets_of_environment

    for name in secrets_of_environment():
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no"))


def found_in(**files: bytes | str) -> list[Found]:
    entries = []
    for name, content in files.items():
        content = content.encode() if isinstance(content, str) else content
        entries.append(Entry(name.replace("__", "."), content, len(content)))
    return find_secrets(Manifest(tuple(entries), ()))


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        (HUB, "a Hugging Face token"),
        ("wandb_v1_" + "a8" * 20, "a W&B key"),
        ("ghp_" + "a8" * 18, "a GitHub token"),
        ("github_pat_" + "a8" * 18, "a GitHub token"),
        ("AKIA" + "A8" * 8, "an AWS key"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        (f"WANDB_API_KEY={GIT_COMMIT}", "a key of 40 digits"),
        (f'"api_key": "{GIT_COMMIT}"', "a key of 40 digits"),
    ],
)
def test_each_kind_in_a_text_in_json_and_in_the_header_of_weights(secret, kind, tmp_path):
    header = json.dumps({"__metadata__": {"note": secret}}).replace('\\"', '"').encode()
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(struct.pack("<Q", len(header)) + header + os.urandom(1000))
    found = found_in(README__md=f"# hello\n{secret}\n", run__json=json.dumps([{"a": 1}]) + secret)
    found += find_secrets(Manifest((Entry("model.safetensors", weights, 1),), ()))
    assert found == [Found(name, kind) for name in ("README.md", "run.json", "model.safetensors")]
    assert secret not in repr(found)


def test_the_values_of_the_environment_wherever_they_stand(monkeypatch, tmp_path):
    value = "just some words that are a password"
    monkeypatch.setenv("MY_SERVICE_PASSWORD", value)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(os.urandom(20_000_000) + value.encode() + os.urandom(1000))
    entries = (Entry("model.safetensors", weights, 1), Entry("a.txt", value.encode(), 1))
    kind = "the value of MY_SERVICE_PASSWORD"
    assert find_secrets(Manifest(entries, ())) == [Found("model.safetensors", kind), Found("a.txt", kind)]


def test_a_secret_over_the_border_of_two_pieces(monkeypatch, tmp_path):
    monkeypatch.setattr("hftk.hub.secrets._PIECE", 10_000)
    path = tmp_path / "a.txt"
    path.write_bytes(b" " * 9_990 + HUB.encode() + b" " * 20_000)
    assert find_secrets(Manifest((Entry("a.txt", path, 1),), ())) == [Found("a.txt", "a Hugging Face token")]


def test_the_login_and_netrc(tmp_path, monkeypatch):
    (tmp_path / "token").write_text("a-login-of-no-known-form")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    (tmp_path / ".netrc").write_text(f"machine api.wandb.ai login user password {GIT_COMMIT}\n")
    (tmp_path / ".netrc").chmod(0o600)
    found = found_in(a="x a-login-of-no-known-form x", b=f"commit {GIT_COMMIT}")
    assert found == [Found("a", "the login of the Hub"), Found("b", "the key of api.wandb.ai in ~/.netrc")]


def test_what_only_looks_a_little_like_one():
    record = {"git_commit": GIT_COMMIT, "commit": GIT_COMMIT, "sha256": "ab" * 32, "pad_token": "[PAD]"}
    texts = "hf_short A hf_ word, the AKIA, wandb_v1_ and `hf auth login`; token: [SEP] secret: none\n"
    assert found_in(run__json=json.dumps(record), README__md=texts) == []


def test_a_path_is_looked_at_as_well():
    assert find_secrets(Manifest((Entry(f"logs/{HUB}.txt", b"", 0),), ()))[0].kind == "a Hugging Face token"


def test_a_large_model_takes_a_moment(tmp_path):
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        for _ in range(10):
            file.write(os.urandom(10_000_000))
    began = time.monotonic()
    assert find_secrets(Manifest((Entry("model.safetensors", path, 1),), ())) == []
    assert time.monotonic() - began < 5, "100 MB of weights"
