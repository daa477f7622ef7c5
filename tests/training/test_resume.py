"""Is it the same run? The differences, in words."""

from pathlib import Path

import pytest

from hftk.errors import RunError
from hftk.recipe.schema import Recipe
from hftk.training.resume import about_run, check_same_run

PATH = Path("runs/x/checkpoints/step-4")


def about(
    *, fingerprint="a", labels=("neg", "pos"), rows=150, world_size=1, steps_per_epoch=10, device="cpu", **recipe
):
    content = {"name": "x", "data": {"path": "d.csv"}, "model": {"pretrained": "bert"}} | recipe
    return about_run(
        Recipe.model_validate(content),
        fingerprint=fingerprint,
        labels=list(labels),
        rows={"train": rows},
        world_size=world_size,
        steps_per_epoch=steps_per_epoch,
        device=device,
    )


def told(then, now):
    texts = []
    check_same_run(PATH, then, now, tell=texts.append)
    return texts


def test_the_same_run_is_told_nothing():
    assert told(about(), about()) == []
    assert told(about(), about(name="y", output_dir="elsewhere", training={"learning_rate": 5e-5})) == []


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"training": {"learning_rate": 2e-3}}, "training.learning_rate 5e-05, and this one has 0.002"),
        ({"seeds": [2]}, r"seeds \[0\], and this one has \[2\]"),
        ({"data": {"path": "e.csv"}}, "data.path d.csv, and this one has e.csv"),
        ({"rows": 140}, "rows.train 150, and this one has 140"),
        ({"labels": ("pos", "neg")}, r"labels \['neg', 'pos'\], and this one has \['pos', 'neg'\]"),
        ({"training": {"per_device_train_batch_size": 4}}, "train_batch_size 8, and this one has 4"),
        ({"training": {"num_train_epochs": 9}}, r"num_train_epochs 3(\.0)?, and this one has 9"),
        ({"early_stopping": {"patience": 2}}, "early_stopping.metric none, and this one has loss"),
        ({"model": {"pretrained": "bert", "dropout": 0.3}}, r"model.dropout none, and this one has 0.3"),
        ({}, "the fingerprint a, and this one has b: its data, word vectors or model files differ"),
    ],
)
def test_another_run_is_refused_with_the_difference(changed, difference):
    with pytest.raises(RunError, match=difference) as caught:
        told(about(), about(fingerprint="b", **changed))
    text = str(caught.value)
    assert text.startswith(f"{PATH} was written by a run with ")
    assert text.endswith(f"Take that back to go on from it, or delete {PATH.parent} to train this run from its start")


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"world_size": 2}, "with world_size 1, and this one has 2"),
        ({"steps_per_epoch": 5}, "with steps_per_epoch 10, and this one has 5"),
    ],
)
def test_other_batches_are_refused_though_the_fingerprint_is_the_same(changed, difference):
    with pytest.raises(RunError, match=difference):
        told(about(), about(**changed))


def test_harmless_differences_are_stated():
    changed = {"per_device_eval_batch_size": 64, "logging_strategy": "steps", "logging_steps": 5}
    (text,) = told(about(), about(training=changed))
    assert text.endswith(": of no effect on the result")
    assert "training.per_device_eval_batch_size 32, and this one has 64" in text
    assert "training.logging_steps none, and this one has 5" in text


def test_another_version_or_device_is_stated():
    then = about()
    then["versions"]["torch"] = "2.5.0"
    (text,) = told(then, about(device="cuda"))
    assert "versions.torch 2.5.0, and this one has " in text
    assert "device cpu, and this one has cuda" in text
    assert text.endswith(": the last digits of the result may differ")


def test_a_manifest_without_anything_is_another_run():
    with pytest.raises(RunError, match="was written by a run with .*world_size none, and this one has 1"):
        told({}, about())
