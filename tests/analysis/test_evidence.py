"""Run folders as evidence: whole ones, old ones, and what is left of failed ones."""

import json

import numpy as np
import pandas as pd
import pytest

from hftk.analysis.evidence import Judged, read_evidence
from hftk.errors import RunError

RUN = {
    "run": "a,seed=0", "setting": "a", "seed": 0, "status": "finished",
    "ranking": {"metric": "validation_accuracy", "goal": "maximize"}, "metrics": {"validation_accuracy": 0.5},
    "data": {"labels": ["no", "yes"], "fingerprint": "f"},
}  # fmt: skip
NOTICE = (
    "embeddings glove.txt: 74.0 % of the tokens of train and 33.3 % of the 3 words have a vector; most frequent "
    "without: Film (12), (a) (3); probable cause: 40 % of the missing tokens are in the file in small letters: write "
    "tokenizer.lowercase: true"
)


def write(folder, *, tokens=True, **record):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(RUN | record))
    frame = {
        "row": [0, 1, 2, 0], "source": "t", "split": ["validation"] * 3 + ["test"], "label": ["no", "yes", "no", "yes"],
        "prediction": ["no", "no", "no", "yes"], "probabilities": [[0.75, 0.25], [0.5, 0.5], [1.0, 0.0], [0.0, 1.0]],
    }  # fmt: skip
    pd.DataFrame(frame | ({"tokens": np.int32([5, 9, 2, 1])} if tokens else {})).to_parquet(
        folder / "predictions.parquet"
    )
    return folder


def test_a_whole_folder(tmp_path):
    folder = write(tmp_path / "a", embeddings={"method": "file", "tokens_found": 0.9})
    (folder / "trace.csv").write_text("step,epoch,loss\n1,0.5,0.7\n2,1,\n")
    (folder / "gradients.csv").write_text("step,epoch,a,b\n1,0,0.1,\n")
    (folder / "recipe.yaml").write_text("name: x\ntraining: {learning_rate: 1e-3}\nmodel: {pretrained: null}\n")
    evidence = read_evidence(folder, baseline=0.6)
    assert evidence.trace == [{"step": 1, "epoch": 0.5, "loss": 0.7}, {"step": 2, "epoch": 1}]
    assert evidence.gradients == [{"step": 1, "epoch": 0, "a": 0.1}]
    assert evidence.validation.label_ids.tolist() == [0, 1, 0] and evidence.validation.tokens.tolist() == [5, 9, 2]
    assert evidence.validation.right.tolist() == [True, False, True] and evidence.baseline == 0.6
    assert evidence.training["learning_rate"] == 1e-3 and evidence.training["max_grad_norm"] == 1.0
    assert evidence.setting("model", "pretrained", default="x") == "x"
    assert evidence.embeddings["tokens_found"] == 0.9


def test_an_old_folder(tmp_path):
    evidence = read_evidence(write(tmp_path / "a", tokens=False, notices=["else", NOTICE]))
    assert evidence.trace == evidence.gradients == [] and evidence.validation.tokens is None
    assert evidence.embeddings["tokens_found"] == 0.74
    assert evidence.embeddings["missing_most_frequent"] == {"Film": 12, "(a)": 3}
    assert evidence.embeddings["causes"] == {"capitals": pytest.approx(0.104)}


def test_what_a_failed_run_left(tmp_path):
    folder = write(tmp_path / "a", status="failed")
    (folder / "predictions.parquet").unlink()
    evidence = read_evidence(folder)
    assert evidence.validation is None and evidence.recipe == {} and not len(evidence.train_loss)
    assert evidence.constant_loss == evidence.even_loss == pytest.approx(np.log(2))


def test_siblings_are_finished_runs_of_the_same_setting_and_data(tmp_path):
    from hftk.report.runs import read_run

    others = {
        "a,seed=1": {}, "b,seed=0": {"setting": "b"}, "a,seed=2": {"status": "failed"},
        "a,seed=3": {"data": {"labels": ["no", "yes"], "fingerprint": "g"}},
    }  # fmt: skip
    runs = [read_run(write(tmp_path / name, **{"run": name} | values)) for name, values in others.items()]
    folder = write(tmp_path / "a,seed=0")
    evidence = read_evidence(folder, runs=[read_run(folder), *runs])
    assert [run.name for run in evidence.siblings] == ["a,seed=1"]


def test_a_label_that_is_not_the_run_s(tmp_path):
    folder = write(tmp_path / "a", data={"labels": ["no", "maybe"]})
    with pytest.raises(RunError, match=r"predictions\.parquet: cannot be read \('yes'\)"):
        read_evidence(folder)


def test_shares_and_entropy():
    judged = Judged(label_ids=np.array([0, 0, 1, 2]), probabilities=np.eye(3)[[0, 0, 0, 0]])
    assert judged.label_shares.tolist() == [0.5, 0.25, 0.25] and judged.prediction_shares.tolist() == [1, 0, 0]
    assert judged.entropy == 0 and judged.accuracy == 0.5
    even = Judged(label_ids=np.array([0, 1]), probabilities=np.eye(2))
    assert even.entropy == pytest.approx(1)
