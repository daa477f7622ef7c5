import hashlib
import json
import subprocess
from pathlib import Path

import pandas as pd
import pytest

import hftk
from hftk.recipe.schema import Recipe
from hftk.sweep.record import (
    damaged_files,
    environment,
    file_checks,
    identity,
    mark_started,
    read_run,
    started_identity,
    write_epochs,
    write_json,
    write_predictions,
)

RECIPE = {
    "name": "grid",
    "data": {"path": "reviews.csv", "max_length": 64},
    "model": {"pretrained": "bert-base-uncased"},
    "training": {"learning_rate": 5e-5, "num_train_epochs": 3},
    "metrics": ["accuracy", "f1"],
    "seeds": [1],
}


def of(changes: dict | None = None, *, data="d", model="m", world_size=1) -> str:
    """The identity of RECIPE with sections changed key by key."""
    recipe = {key: dict(value) if isinstance(value, dict) else value for key, value in RECIPE.items()}
    for key, value in (changes or {}).items():
        recipe[key] = recipe.get(key, {}) | value if isinstance(value, dict) else value
    return identity(
        Recipe.model_validate(recipe), data_fingerprint=data, model_fingerprint=model, world_size=world_size
    )


def test_an_identity_is_sixteen_hexadecimal_digits_and_always_the_same():
    assert of() == of()
    assert len(of()) == 16 and int(of(), 16) >= 0


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"output_dir": "elsewhere"},
        {"data": {"path": "copy/of/reviews.parquet"}},
        {"data": {"encoding": "cp949"}},
        {"training": {"num_train_epochs": 3.0}},
        {"tracking": {"report_to": ["wandb"], "tags": ["a"]}},
        {"hub": {"push": "best", "model_id": "me/x"}},
        {"training": {"logging_steps": 10, "logging_strategy": "steps", "log_level": "info"}},
        {"training": {"save_strategy": "epoch", "save_total_limit": 1}},
        {"training": {"per_device_eval_batch_size": 64, "dataloader_num_workers": 2}},
        {"sweep": {"parameters": {"training.learning_rate": {"values": [5e-5, 1e-4]}}}},
    ],
    ids=str,
)
def test_what_decides_nothing_does_not_count(changes):
    assert of(changes) == of()


@pytest.mark.parametrize(
    "changes",
    [
        {"training": {"learning_rate": 5.1e-5}},
        {"training": {"num_train_epochs": 4}},
        {"training": {"weight_decay": 0.01}},
        {"training": {"gradient_accumulation_steps": 2}},
        {"training": {"per_device_train_batch_size": 16}},
        {"seeds": [2]},
        {"metrics": ["f1", "accuracy"]},
        {"metrics": ["accuracy"]},
        {"keep": "last"},
        {"early_stopping": {"patience": 2}},
        {"class_weights": "balanced"},
        {"data": {"max_length": 32}},
        {"model": {"hidden_dropout_prob": 0.0}},
        {"model": {"pretrained": "bert-large-uncased"}},
        {"peft": {"peft_type": "LORA"}},
    ],
    ids=str,
)
def test_what_decides_counts(changes):
    assert of(changes) != of()


def test_data_count_by_content_and_a_model_by_its_files():
    assert len({of(), of(data="other"), of(model="other")}) == 3


def test_the_batch_counts_over_all_processes():
    eight, sixteen = ({"training": {"per_device_train_batch_size": size}} for size in (8, 16))
    assert of(eight, world_size=2) == of(sixteen, world_size=1)
    assert of(eight, world_size=2) != of(eight, world_size=1)
    assert of(eight) == of(), "8 is the default"


def test_label_names_and_limits_count_through_the_data(tmp_path):
    # they are part of data, whose fingerprint stands for all of it
    from hftk.data import load
    from hftk.recipe.schema import Data

    path = tmp_path / "reviews.csv"
    path.write_text("text,label\n" + "\n".join(f"text {i},{i % 2}" for i in range(40)))
    names = {"label_names": {0: "neg", 1: "pos"}}
    prints = [
        load(Data.model_validate({"path": str(path), **more})).fingerprint
        for more in (names, {"label_names": {0: "bad", 1: "good"}}, {**names, "limit": 10}, {**names, "seed": 1})
    ]
    assert len(set(prints)) == 4


# files


def test_json_is_written_whole_and_read_again(tmp_path):
    write_json(tmp_path / "run.json", {"run": "임베딩=a", "metrics": {"validation_loss": 0.5}})
    assert read_run(tmp_path) == {"run": "임베딩=a", "metrics": {"validation_loss": 0.5}}
    assert "임베딩" in (tmp_path / "run.json").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("text", [None, "", '{"run": "a", "stat', "[]", "null"])
def test_no_record_or_half_of_one_is_none(tmp_path, text):
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    assert read_run(tmp_path) is None


def test_epochs_are_written_without_the_step_and_with_nan(tmp_path):
    rows = [{"step": 4, "epoch": 1.0, "train_loss": 0.7}, {"step": 8, "epoch": 2.0, "train_loss": float("nan")}]
    write_epochs(tmp_path, rows)
    assert (tmp_path / "epochs.csv").read_text() == "epoch,train_loss\n1.0,0.7\n2.0,nan\n"


def test_predictions_of_all_splits_stand_in_one_file(tmp_path):
    frames = [pd.DataFrame({"split": [split], "probabilities": [[0.25, 0.75]]}) for split in ("validation", "test")]
    write_predictions(tmp_path, frames)
    read = pd.read_parquet(tmp_path / "predictions.parquet")
    assert read["split"].tolist() == ["validation", "test"]
    assert read["probabilities"][1].tolist() == [0.25, 0.75]
    assert [path.name for path in tmp_path.iterdir()] == ["predictions.parquet"]


# what is finished


@pytest.fixture
def finished(tmp_path):
    """A finished run's folder, with weights that are too large to be read at each start."""
    files = {"model/config.json": b"{}", "model/code/net.py": b"x = 1", "epochs.csv": b"epoch\n1\n"}
    for name, content in (
        files | {"predictions.parquet": b"PAR1", "model/README.md": b"#", "recipe.yaml": b"a"}
    ).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    with open(tmp_path / "model" / "model.safetensors", "wb") as file:
        file.truncate(17 * 2**20)
    return tmp_path


def test_the_files_that_a_run_leaves_for_good_are_checked(finished):
    checks = file_checks(finished)
    assert list(checks) == [
        *("model/code/net.py", "model/config.json", "model/model.safetensors", "epochs.csv", "predictions.parquet")
    ]
    assert checks["model/config.json"] == {"bytes": 2, "sha256": hashlib.sha256(b"{}").hexdigest()}
    assert damaged_files(finished, json.loads(json.dumps({"files": checks}))) == []


def test_each_damage_of_a_finished_run_is_told(finished):
    record = {"files": file_checks(finished)}
    (finished / "model" / "README.md").write_text("another card")
    (finished / "recipe.yaml").write_text("another name")
    assert damaged_files(finished, record) == []
    (finished / "model" / "code" / "net.py").write_bytes(b"x = 3")
    with open(finished / "model" / "model.safetensors", "r+b") as file:
        file.truncate(17 * 2**20 - 1)
    (finished / "epochs.csv").unlink()
    (finished / "predictions.parquet").unlink()
    (finished / "predictions.parquet").mkdir()
    assert damaged_files(finished, record) == [
        "model/code/net.py is not what was written: its checksum differs",
        "model/model.safetensors has 17,825,791 bytes, and 17,825,792 were written",
        "epochs.csv is missing",
        "predictions.parquet cannot be read (Is a directory)",
    ]
    (finished / "model" / "config.json").unlink()
    assert damaged_files(finished, record) == ["model/config.json is missing"]


def test_a_record_that_tells_nothing_of_files_is_believed(finished):
    assert damaged_files(finished, {}) == []


@pytest.mark.parametrize("files", [[], "x", None, {"epochs.csv": 3}, {"epochs.csv": {"bytes": "x", "sha256": ""}}])
def test_a_list_of_files_that_is_none_is_damage(finished, files):
    told = damaged_files(finished, {"files": files})
    assert told == ["run.json does not tell the sizes and checksums of its files"]


@pytest.mark.parametrize("name", ["/etc/passwd", "model/../../x"])
def test_files_elsewhere_are_not_read(finished, name):
    told = damaged_files(finished, {"files": {name: {"bytes": 1, "sha256": "0"}}})
    assert told == [f"run.json names files outside of the folder: {name}"]


def test_a_killed_run_is_known_by_its_checkpoints(tmp_path):
    assert started_identity(tmp_path) is None
    mark_started(tmp_path, identity="12ab")
    assert started_identity(tmp_path) is None, "nothing saved yet"
    (tmp_path / "checkpoints" / ".part-checkpoint-8").mkdir()
    assert started_identity(tmp_path) is None, "killed while it saved the first one"
    (tmp_path / "checkpoints" / "checkpoint-8").mkdir()
    assert started_identity(tmp_path) == "12ab"
    (tmp_path / "checkpoints" / "started.json").write_text('{"iden')
    assert started_identity(tmp_path) is None


# environment


@pytest.fixture
def command(monkeypatch, tmp_path):
    """environment()["command"] of a program started with these words, the home folder being /home/me."""
    home = tmp_path / "me"
    monkeypatch.setattr(Path, "home", lambda: home)

    def command(*words: str) -> str:
        monkeypatch.setattr("sys.argv", [word.replace("HOME", str(home)) for word in words])
        return environment()["command"]

    return command


TRAIN = str(Path(hftk.__file__).with_name("train.py"))


def test_the_command_can_be_typed_again(command):
    told = command(TRAIN, "recipes/x.yaml", "data.columns={text: body}")
    assert told == "accelerate launch hftk/train.py recipes/x.yaml 'data.columns={text: body}'"
    assert command("/usr/bin/hftk", "train", "x.yaml") == "hftk train x.yaml"


def test_the_command_does_not_name_the_home_folder(command):
    told = command("/usr/bin/hftk", "train", "HOME/x.yaml", "data.path=HOME/data", "output_dir=HOME")
    assert told == "hftk train '~/x.yaml' 'data.path=~/data' 'output_dir=~'"
    assert command("/usr/bin/hftk", "train", "HOMEmade/x.yaml").endswith("memade/x.yaml"), "another folder"


def test_of_a_script_or_notebook_only_the_name_is_told(command):
    told = command("HOME/secret/experiment.py", "--hf_token", "hf_abcdefghijklmnop", "-f", "HOME/kernel.json")
    assert told == "hftk.run(…) in experiment.py"


def test_versions_and_hardware(monkeypatch):
    told = environment()
    assert told["versions"]["hftk"] == hftk.__version__
    assert {"python", "torch", "transformers", "datasets"} <= told["versions"].keys()
    assert told["hardware"].keys() == {"machine", "cpu", "cpus", "threads", "gpus"}
    json.dumps(told)


def test_the_commit_is_told_and_whether_files_differ_from_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert environment()["git_commit"] is None, "no repository"
    for words in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", *words], check=True)
    commit = environment()["git_commit"]
    assert len(commit) == 40
    (tmp_path / "file").write_text("1")
    assert environment()["git_commit"] == commit, "files that git does not know do not count"
    subprocess.run(["git", "add", "file"], check=True)
    assert environment()["git_commit"] == f"{commit}+changes"
