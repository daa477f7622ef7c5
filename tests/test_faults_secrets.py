"""Tokens in the environment of a sweep that fails in part, is interrupted and goes on: none is left anywhere."""

import base64
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from hftk.sweep import runners

ROOT = Path(__file__).resolve().parents[1]
SENTINELS = {
    "HF_TOKEN": "hf_SentinelOfTheHubToken0123456789abc",
    "HUGGING_FACE_HUB_TOKEN": "hf_SentinelOfTheOldHubTokenabcdefgh012",
    "WANDB_API_KEY": "5e17135e17135e17135e17135e17135e17135e17",
    "AWS_SECRET_ACCESS_KEY": "SentinelOfAmazon/abcdefghijklmnop+012345",
    "GITHUB_TOKEN": "ghp_SentinelOfGitHub0123456789abcdefghij",
}


def spellings(secret: str) -> Iterator[bytes]:
    """In plain text, UTF-16, hexadecimal, and the three ways in which it can stand in base64."""
    plain = secret.encode()
    yield from (plain, secret.encode("utf-16-le"), plain.hex().encode())
    for before in range(3):
        # what the neighbours of the token decide is cut off
        coded = base64.b64encode(b"x" * before + plain)
        yield coded[(4 if before else 0) : len(coded) - 4]


def found_in(content: bytes, *, depth: int = 3) -> list[str]:
    """Names of the sentinels in it, also in what is packed in it."""
    names = [name for name, secret in SENTINELS.items() if any(one in content for one in spellings(secret))]
    for inner in unpacked(content) if depth else ():
        names += found_in(inner, depth=depth - 1)
    return names


def unpacked(content: bytes) -> Iterator[bytes]:
    if content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    for start in (b"\x78\x01", b"\x78\x9c", b"\x78\xda"):  # zlib, as in PNG
        at = content.find(start)
        while at >= 0:
            try:
                yield zlib.decompressobj().decompress(content[at:])
            except zlib.error:
                pass
            at = content.find(start, at + 1)


def leaks(folder: Path) -> list[tuple[str, str]]:
    """File, and the sentinel in its name or content."""
    paths = [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
    named = [(str(path), name) for path in paths for name in found_in(os.fsencode(path), depth=0)]
    return named + [(str(path), name) for path in paths if path.is_file() for name in found_in(path.read_bytes())]


@pytest.mark.parametrize("pack", ["plain", "gzip", "zip", "zlib", "base64", "name"])
def test_a_leak_would_be_found(tmp_path, pack):
    secret = SENTINELS["AWS_SECRET_ACCESS_KEY"].encode()
    text, path = b"key=" + secret + b" and more", tmp_path / "left"
    match pack:
        case "plain":
            path.write_bytes(text)
        case "gzip":
            path.write_bytes(gzip.compress(text))
        case "zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("inner.gz", gzip.compress(text))
        case "zlib":
            path.write_bytes(b"before" + zlib.compress(text) + b"after")
        case "base64":
            path.write_bytes(base64.b64encode(text))
        case "name":
            (tmp_path / SENTINELS["WANDB_API_KEY"]).touch()
    assert leaks(tmp_path)


def test_a_reason_that_quotes_a_token_is_recorded_without_it(monkeypatch):
    """Libraries put what they were given into their messages, as an address with a password."""
    for name, secret in SENTINELS.items():
        monkeypatch.setenv(name, secret)
    for secret in SENTINELS.values():
        reason = runners._reason(ValueError(f"401 for https://user:{secret}@example.org/x"))
        assert reason == "ValueError: 401 for https://user:<secret>@example.org/x"


class CommandLines:
    """What can be read of every process of this machine while the block runs: those that came since, each once."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "CommandLines":
        self._looking.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._looking.join()

    def _look(self) -> None:
        while not self._over.wait(0.01):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(path.read_bytes())
                except OSError:  # it has ended
                    pass


@pytest.fixture
def recipe(tiny_csv, tmp_path) -> Path:
    """Four runs, of which one diverges."""
    trackers = ["wandb", *(["tensorboard"] if find_spec("tensorboard") else [])]
    vectors = {"method": "word2vec", "vector_size": 8, "epochs": 2}  # they fill the cache
    content = {
        "name": "secret",
        "output_dir": str(tmp_path / "runs"),
        "data": {"path": str(tiny_csv)},
        "model": {"architecture": "rnn", "hidden_size": 8},
        "tokenizer": {"min_count": 1},
        "embeddings": vectors,
        "training": {"num_train_epochs": 20, "per_device_train_batch_size": 15, "use_cpu": True},
        "sweep": {"parameters": {"training.learning_rate": {"values": [1e38, 1e-3, 2e-3, 3e-3]}}},
        "tracking": {"report_to": trackers, "project": "hftk-tests"},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_token_is_left_by_a_sweep(recipe, tmp_path):
    for name in ("home", "temporary"):
        (tmp_path / name).mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    environment |= SENTINELS | {
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "temporary"),
        "HFTK_CACHE": str(tmp_path / "cache"),
        "HF_HOME": str(tmp_path / "hf"),
        "WANDB_MODE": "offline",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "hftk.cli", "train", str(recipe), "--jobs", "2"]

    def start() -> subprocess.Popen:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
        return subprocess.Popen(command, env=environment, cwd=tmp_path, **streams)

    folder = tmp_path / "runs" / "secret"
    with CommandLines() as lines:
        first = start()
        end = time.monotonic() + 120
        while first.poll() is None and not list(folder.glob("*/epochs.csv")):
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.02)
        first.send_signal(signal.SIGINT)
        said = [first.communicate(timeout=120)[0]]
        assert first.returncode == 130, said
        second = start()
        said += [second.communicate(timeout=180)[0]]
        assert second.returncode == 1, said
    records = {path.parent.name: json.loads(path.read_text()) for path in folder.glob("*/run.json")}
    statuses = {run: record["status"] for run, record in records.items()}
    assert sorted(statuses.values()) == ["failed", "finished", "finished", "finished"]
    assert list(folder.glob("wandb/offline-run-*/*.wandb")) and (tmp_path / "cache").is_dir()
    assert b"--jobs" in b"".join(lines.seen) and any(b"wandb" in line for line in lines.seen), "they were looked at"
    assert not found_in(b"\n".join(said)) and not found_in(b"\n".join(lines.seen), depth=0)
    assert leaks(tmp_path) == []
    assert not [one for one in psutil.process_iter(["environ"]) if str(tmp_path / "home") in str(one.info["environ"])]
