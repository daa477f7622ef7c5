"""Finished runs, as `hftk train` leaves them."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def train_run(tiny_bert: Path, tiny_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Trains one run and returns its folder; keywords are the recipe's keys, absent ones those of a small BERT."""

    def train(name: str, **keys: Any) -> Path:
        import hftk

        recipe = {
            "name": name,
            "output_dir": str(tmp_path_factory.mktemp("runs")),
            "data": {"path": str(tiny_csv), "max_length": 16},
            "model": {"pretrained": str(tiny_bert)},
            "training": {"num_train_epochs": 1, "per_device_train_batch_size": 32, "learning_rate": 1e-2},
            "seeds": [1],
        } | keys
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HFTK_CACHE", str(tmp_path_factory.mktemp("cache")))
            result = hftk.run(recipe, {"training.use_cpu": True}, jobs=0, stream=io.StringIO())
        assert result.exit_code == 0, result.results["reason"].tolist()
        return result.folder / result.results["run"][0]

    return train


@pytest.fixture(scope="session")
def trained_gru(train_run) -> Path:
    """The run's folder; not to be changed."""
    return train_run("gru", model={"architecture": "rnn", "cell": "gru"}, tokenizer={"type": "word"})


@pytest.fixture(scope="session")
def trained_lora(train_run) -> Path:
    """Of a BERT with an adapter; not to be changed."""
    return train_run("lora", peft={"peft_type": "LORA", "r": 4, "target_modules": ["query", "value"]})


@pytest.fixture
def gru(trained_gru: Path, tmp_path: Path) -> Path:
    """A copy, with its sweep's folder."""
    return Path(shutil.copytree(trained_gru.parent, tmp_path / "sweep")) / trained_gru.name


@pytest.fixture
def lora(trained_lora: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained_lora.parent, tmp_path / "sweep")) / trained_lora.name
