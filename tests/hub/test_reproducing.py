"""Runs that are trained again from what they say of themselves, and compared with it."""

import io
import json
import shutil
from pathlib import Path

import pytest

import hftk
from hftk.cli import main
from hftk.errors import DataError, RecipeError
from hftk.hub import reaching
from hftk.hub.contents import contents, lay_out
from hftk.hub.reproducing import reproduce

RECIPE = {
    "name": "reviews",
    "data": {"path": "data/reviews.csv", "max_length": 12},
    "model": {"architecture": "rnn", "hidden_size": 8, "embedding_size": 8},
    "training": {"num_train_epochs": 2, "per_device_train_batch_size": 16, "learning_rate": 5e-3, "use_cpu": True},
    "tracking": {"report_to": []},
    "sweep": {"parameters": {"model.cell": {"values": ["gru", "rnn"]}}},
}


@pytest.fixture(scope="module")
def sweep(tmp_path_factory, tiny_csv) -> Path:
    """The folder in which two runs were trained, runs/reviews/cell=gru and cell=rnn, on data/reviews.csv."""
    folder = tmp_path_factory.mktemp("author")
    (folder / "data").mkdir()
    shutil.copy(tiny_csv, folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HFTK_CACHE", str(tmp_path_factory.mktemp("cache")))
        assert hftk.run(RECIPE, jobs=0, stream=io.StringIO()).exit_code == 0
    return folder


@pytest.fixture
def author(sweep, tmp_path, monkeypatch) -> Path:
    """A copy of it, the current folder; returns the run's folder."""
    shutil.copytree(sweep, tmp_path / "author")
    monkeypatch.chdir(tmp_path / "author")
    return Path("runs/reviews/cell=gru")


@pytest.fixture
def reader(sweep, tmp_path, monkeypatch, loopback_hub_here) -> str:
    """An empty current folder, far from the author's; returns the commit of the run on the Hub, me/reviews."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(sweep)
        lay_out(contents(Path("runs/reviews/cell=gru"), merged=False), tmp_path / "repository")
    (tmp_path / "reader").mkdir()
    monkeypatch.chdir(tmp_path / "reader")
    reaching.reachable.cache_clear()
    reaching._trouble.cache_clear()
    return loopback_hub_here.add_model("me/reviews", tmp_path / "repository").head.sha


def edit(folder: Path, **changes) -> None:
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps(record | changes), encoding="utf-8")


def quietly(*arguments, **keys):
    return reproduce(*arguments, **keys, tell=lambda text: None)


@pytest.mark.slow
def test_a_run_folder_is_reproduced_to_the_bit(author, capsys):
    assert main(["reproduce", str(author)]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{author}: training it again in runs/reproduce-reviews-cell=gru\n")
    assert "versions and hardware are those of the stated run, on a CPU: every figure should be the same to" in told
    assert told.endswith("reproduced: 6 figures, to the bit\n")
    content = json.loads(Path("runs/reproduce-reviews-cell=gru/reproduction.json").read_text(encoding="utf-8"))
    assert (content["reproduced"], content["exact"], content["exact_expected"]) == (True, True, True)
    assert content["same_weights"] is True
    assert content["changes"] == content["versions"] == content["hardware"] == {}
    assert {one["verdict"] for one in content["figures"]} == {"exact"}
    assert content["data"]["stated"] == content["data"]["here"]
    assert sorted(path.name for path in Path("runs").iterdir()) == ["reproduce-reviews-cell=gru", "reviews"]
    assert sorted(path.name for path in Path("runs/reviews").glob("cell*")) == ["cell=gru", "cell=rnn"]
    # finished is finished: the same command compares once more
    again = quietly(str(author))
    assert again.reproduced


@pytest.mark.slow
def test_a_figure_that_nobody_gets_is_not_reproduced(author, capsys):
    metrics = json.loads((author / "run.json").read_text(encoding="utf-8"))["metrics"]
    edit(author, metrics=metrics | {"test_accuracy": metrics["test_accuracy"] + 1e-9})
    assert main(["reproduce", str(author)]) == 1
    assert capsys.readouterr().out.endswith("not reproduced: 1 of 6 figures differ by more than is allowed\n")


@pytest.mark.slow
def test_from_the_hub_with_the_data_at_hand(reader, sweep, capsys):
    with pytest.raises(
        DataError, match=rf"^me/reviews at commit {reader}: it was trained on reviews\.csv, a file or fo"
    ):
        quietly("me/reviews")
    assert not Path("runs").exists()
    data = str(sweep / "data" / "reviews.csv")
    assert main(["reproduce", "me/reviews", "--data", data, "--revision", reader]) == 0
    told = capsys.readouterr().out
    assert f"recipe.yaml of me/reviews at commit {reader}" in told
    assert told.endswith("reproduced: 6 figures, to the bit\n")
    made = Path(f"runs/reproduce-me--reviews-{reader[:7]}")
    assert json.loads((made / "reproduction.json").read_text(encoding="utf-8"))["commit"] == reader


@pytest.mark.slow
def test_what_changes_the_training_is_told_and_judged_by_the_sampling_error(author, capsys):
    words = ["training.num_train_epochs=1", "training.learning_rate=5e-3"]  # the second is what it was
    assert main(["reproduce", str(author), *words]) == 0
    told = capsys.readouterr().out
    assert "changed: training.num_train_epochs is 1 here, 2 in the run\n" in told
    assert "learning_rate is" not in told
    assert "equality to the bit is not expected, as the training was changed; allowed: what the draw" in told
    assert "reproduced, with the changes above: 6 figures, within what the choice of rows alone would change\n" in told


@pytest.mark.slow
def test_as_many_rows_in_a_batch_as_all_processes_had(author, capsys):
    recipe = (author / "recipe.yaml").read_text(encoding="utf-8")
    assert "per_device_train_batch_size: 16" in recipe
    halved = recipe.replace("per_device_train_batch_size: 16", "per_device_train_batch_size: 8")
    (author / "recipe.yaml").write_text(halved, encoding="utf-8")
    edit(author, world_size=2)
    assert main(["reproduce", str(author)]) == 0
    told = capsys.readouterr().out
    assert "processes: 2 trained it together, 1 does here, with as many rows in a batch as all of them had\n" in told
    assert "equality to the bit is not expected, as the number of processes differs; " in told
    assert "reproduced: 6 figures, to the bit" in told  # the same batches, no dropout


@pytest.mark.slow
def test_a_run_that_does_not_end_here_is_not_reproduced(author, capsys):
    assert main(["reproduce", str(author), "limits.minutes_per_run=0.00001"]) == 1
    assert (
        "\nnot reproduced: the run in runs/reproduce-reviews-cell=gru/seed=0 did not finish ("
        in capsys.readouterr().out
    )
    content = json.loads(Path("runs/reproduce-reviews-cell=gru/reproduction.json").read_text(encoding="utf-8"))
    assert content["reproduced"] is False
    assert content["reason"].startswith("failed: ")


def test_other_rows_are_refused_before_anything_is_trained(author):
    data = Path("data/reviews.csv")
    data.write_text(data.read_text(encoding="utf-8") + "one more film,pos\n", encoding="utf-8")
    with pytest.raises(DataError) as error:
        quietly(str(author))
    told = str(error.value)
    assert told.startswith(f"{author}: the data here are not those that it was trained on")
    assert "train differs (121 rows, stated 120; fingerprint " in told
    assert "Nothing was trained. Give the data of then with --data PATH" in told
    assert not Path("runs/reproduce-reviews-cell=gru").exists()


def test_a_file_of_another_name_is_told(author):
    Path("data/reviews.csv").rename("mine.csv")
    message = r"Give the data of then in a file called reviews\.csv, by which its rows are known, with --data PATH"
    with pytest.raises(DataError, match=message):
        quietly(str(author), data="mine.csv")


def test_data_that_are_elsewhere(author):
    Path("data/reviews.csv").unlink()
    with pytest.raises(
        DataError, match=r"^runs/reviews/cell=gru: it was trained on data/reviews\.csv, a file or folder"
    ):
        quietly(str(author))
    with pytest.raises(RecipeError, match=r"^override data\.path=\"none\.csv\": data\.path: no file or folder"):
        quietly(str(author), data="none.csv")


def test_one_run_is_compared(author):
    with pytest.raises(RecipeError, match=r"^runs/reviews/cell=gru: its recipe asks for 2 runs; one is compared$"):
        quietly(str(author), ["seeds=[1, 2]"])


def test_mistakes_in_overrides_are_those_of_any_recipe(author, capsys):
    assert main(["reproduce", str(author), "training.num_train_epoch=1"]) == 2
    assert "did you mean num_train_epochs?" in capsys.readouterr().err
    assert main(["reproduce", "runs/reviews"]) == 2
    assert "holds several runs; name one of them: runs/reviews/cell=gru" in capsys.readouterr().err
