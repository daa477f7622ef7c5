"""A copy of a model is tried in a clean process, and told from one that is not what was trained."""

import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from hftk.hub import verification
from hftk.hub.verification import TOLERANCE, Verified, verify
from hftk.training.reference import read_reference

TEXT = {"task": "text-classification", "labels": ["a", "b"], "max_length": 8, "threads": 1}
REFERENCE = TEXT | {"rows": [{"text": "x", "logits": [0.0, 0.0], "adapter_logits": [1.0, 1.0]}]}


def judged(*, adapter: bool = False, told: str | None = None, **said) -> Verified:
    scores = [[{"label": "a", "score": 0.5}, {"label": "b", "score": 0.5}]]
    whole = {"labels": ["a", "b"], "logits": [[0.0, 0.0]], "scores": scores} | said
    return verification._judged(whole, REFERENCE, adapter=adapter, told=told)


def test_a_copy_is_verified_without_hftk(gru):
    found = verify(gru / "model", run_folder=gru)
    assert found.ok and found.reason is None
    assert found.rows == len(read_reference(gru)["rows"]) == 8
    assert found.largest_difference <= TOLERANCE


@pytest.fixture
def tried(tmp_path):
    """What one clean process says of several (folder, its run, adapter?), judged."""

    def tried(*asked: tuple[Path, Path, bool]) -> list[Verified]:
        references = [read_reference(run) for _, run, _ in asked]
        questions = [
            verification._asked(model, reference, run, None, adapter)
            for (model, run, adapter), reference in zip(asked, references, strict=True)
        ]
        (tmp_path / "scratch").mkdir()
        answers = verification._said(questions, scratch=tmp_path / "scratch")
        return [
            verification._judged(answer, reference, adapter=adapter, told=None)
            for answer, reference, (_, _, adapter) in zip(answers, references, asked, strict=True)
        ]

    return tried


@pytest.mark.slow
def test_what_is_another_model_or_does_not_load(gru, tmp_path, tried):
    copies = [Path(shutil.copytree(gru / "model", tmp_path / name)) for name in ("changed", "needs_hftk", "no_weights")]
    changed, needs_hftk, no_weights = copies
    tensors = load_file(changed / "model.safetensors")
    for tensor in tensors.values():
        tensor += 1e-3
    save_file(tensors, changed / "model.safetensors", metadata={"format": "pt"})
    file = needs_hftk / "rnn.py"
    file.write_text("import hftk\n" + file.read_text())
    (no_weights / "model.safetensors").unlink()
    found = tried(*((copy, gru, False) for copy in copies))
    assert [one.ok for one in found] == [False] * 3
    assert found[0].rows == 8 and found[0].largest_difference > TOLERANCE
    assert found[0].reason.startswith("logits differ by up to ") and "1e-05 is allowed" in found[0].reason
    assert "hftk is blocked: the model must load where there is no hftk" in found[1].reason
    assert found[2].rows == 0 and "model.safetensors" in found[2].reason


@pytest.mark.slow
def test_an_adapter_and_its_merged_model(lora, tmp_path, tried):
    other = Path(shutil.copytree(lora / "model", tmp_path / "other"))
    path = other / "adapter" / "adapter_model.safetensors"
    tensors = load_file(path)
    for name in tensors:
        tensors[name] += 0.05
    save_file(tensors, path, metadata={"format": "pt"})
    model = lora / "model"
    merged, adapter, changed = tried((model, lora, False), (model, lora, True), (other, lora, True))
    assert merged.ok and adapter.ok, (merged.reason, adapter.reason)
    assert changed.reason.startswith("logits differ")


@pytest.mark.slow
def test_a_run_of_an_earlier_hftk(gru):
    (gru / "reference.json").unlink()
    found = verify(gru / "model", run_folder=gru)
    assert found.ok and found.reason.startswith("the run left no reference.json (an earlier hftk trained it)")
    made = read_reference(gru)
    assert made["made"] == "made-up inputs"
    assert [len(row["text"].split()) for row in made["rows"]][:3] == [0, 1, 2]


def test_never_raises(gru, tmp_path, monkeypatch):
    monkeypatch.setattr(verification, "SECONDS_HERE", 0.1)
    assert verify(gru / "model", run_folder=gru) == Verified(
        False, 0, None, "it was not loaded and tried within 0.1 seconds"
    )
    (gru / "reference.json").unlink()
    (gru / "run.json").write_text("{}")
    assert "is not finished but None" in verify(gru / "model", run_folder=gru).reason
    assert not verify(tmp_path, run_folder=tmp_path).ok


@pytest.mark.slow
def test_every_architecture_and_task(train_run, tmp_path, tried):
    words = "\n".join(["a D", "good J", "film N", ""] * 40)
    (tmp_path / "tags.conll").write_text(words + "\n")
    tags = {"data": {"path": str(tmp_path / "tags.conll"), "columns": {"tokens": 0, "tags": 1}}}
    digits = {"data": {"path": "builtin:digits", "limit": 200}}
    runs = [train_run(name, model={"architecture": name}) for name in ("attention", "cnn_lstm", "transformer")]
    for name in ("rnn", "transformer"):
        runs.append(train_run(name, task="token-classification", model={"architecture": name}, **tags))
        runs.append(train_run(name, task="image-classification", model={"architecture": name}, **digits))
    found = tried(*((run / "model", run, False) for run in runs))
    assert [one.reason for one in found] == [None] * 7
    assert [one.rows for one in found] == [8, 8, 8, 4, 8, 4, 8]


def test_what_is_known_is_told():
    assert judged() == Verified(True, 1, 0.0, None)
    assert judged(told="made up").reason == "made up"
    assert judged(adapter=True, logits=[[1.0, 1.0]]).ok, "an adapter has logits of its own"


def test_labels_count():
    assert judged(labels=["LABEL_0", "LABEL_1"]).reason == "its labels are LABEL_0, LABEL_1, and not a, b"


@pytest.mark.parametrize(
    "logits", [[[0.0, 2e-5]], [[0.0, float("nan")]], [[0.0, float("inf")]], [[0.0]], [[0.0, 0.0, 0.0]]]
)
def test_logits_that_differ(logits):
    found = judged(logits=logits)
    assert not found.ok and found.reason.startswith("logits differ by up to")


def test_logits_within_the_tolerance():
    assert judged(logits=[[0.0, 0.9e-5]]).ok


def test_the_pipeline_counts():
    wrong = judged(scores=[[{"label": "a", "score": 0.6}]])
    assert wrong.reason == "pipeline: row 1: a has the score 0.600000, and its logits give 0.500000"
    assert (
        judged(scores=[[{"label": "LABEL_0", "score": 0.5}]]).reason == "pipeline: row 1: it names the label 'LABEL_0'"
    )
    assert judged(scores=[None]).ok, "a row that the pipeline would cut elsewhere"


def test_no_token_reaches_a_process_that_loads_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 30)
    here = verification._environment(tmp_path, offline=True, base=None)
    assert "HF_TOKEN" not in here and here["HF_HUB_OFFLINE"] == "1" and here["HF_HUB_CACHE"] == str(tmp_path / "cache")
    (tmp_path / "cache").rmdir()
    there = verification._environment(tmp_path, offline=False, base=None)
    assert there["HF_TOKEN"].startswith("hf_") and there["HF_HUB_CACHE"] == str(tmp_path / "cache")


def test_a_base_model_is_not_downloaded_again(tmp_path, monkeypatch):
    from huggingface_hub import constants

    (tmp_path / "hub" / "models--me--base").mkdir(parents=True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    cold = verification._cold_cache(tmp_path / "cold", base="me/base")
    assert [path.name for path in cold.iterdir()] == ["models--me--base"]
    assert list(verification._cold_cache(tmp_path / "other", base="me/unknown").iterdir()) == []
