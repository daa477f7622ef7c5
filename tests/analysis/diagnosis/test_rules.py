"""Each rule on evidence that has its fault and no other, and the limits of each."""

import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from hftk.analysis.cutting import Cutting
from hftk.analysis.diagnosis import RULES, SILENCES, diagnose
from hftk.analysis.evidence import Judged
from hftk.recipe import read_sweep
from hftk.report.runs import Run

EVEN = float(np.log(4))


def kinds(evidence):
    return [finding.kind for finding in diagnose(evidence)]


def the_one(evidence):
    """The only finding, whose suggestion the run's recipe accepts."""
    (finding,) = diagnose(evidence)
    if finding.suggestion is not None:
        read_sweep(evidence.recipe, {finding.suggestion.key: finding.suggestion.value})
    return finding


def trace(losses, norms=None):
    norms = norms or [1.0] * len(losses)
    return [
        {"step": float(step), "epoch": step / 10, "loss": loss, "grad_norm": norm, "learning_rate": 1e-3}
        for step, (loss, norm) in enumerate(zip(losses, norms, strict=True), start=1)
    ]


def one_class(n=200, *, label=0, shares=(0.6, 0.4)):
    labels = np.repeat(np.arange(len(shares)), [round(n * share) for share in shares])
    probabilities = np.tile(np.full(len(shares), 0.3 / (len(shares) - 1)), (n, 1))
    probabilities[:, label] = 0.7
    return Judged(label_ids=labels, probabilities=probabilities)


EVENLY = (0.25, 0.25, 0.25, 0.25)


def flat(loss, epochs=10):
    return {"train_loss": [loss] * epochs, "validation_loss": [loss] * epochs}


def falling(first, last, epochs=10):
    return {"train_loss": np.linspace(first, last, epochs).tolist(), "validation_loss": [last] * epochs}


def test_a_healthy_run_is_silent(make):
    assert diagnose(make()) == []
    assert diagnose(make(baseline=0.85)) == []


def test_a_run_that_left_next_to_nothing_is_silent(make):
    run = {"status": "failed", "curve": [], "epochs": None, "metrics": {}}
    assert diagnose(make(run=run)) == []


# --- the learning rate


def test_too_high_a_spike_and_chance(make):
    curve = {"train_loss": [2.9, 1.5, 1.45, 1.42], "validation_loss": [1.5, 1.45, 1.43, 1.42]}
    finding = the_one(make(curve=curve, changes={"training.learning_rate": 0.3}, trace=trace([1.4, 9.1, 2.0])))
    assert finding.kind == "learning-rate-too-high"
    assert finding.message == (
        "The learning rate, 0.3, is too high: the training loss rose to 9.1 at step 2 (epoch 0.2), and ended at 1.42; "
        "giving all 4 classes the same probability costs 1.39."
    )
    assert (finding.suggestion.key, finding.suggestion.value) == ("training.learning_rate", 0.01)


def test_too_high_without_a_trace_and_saved_by_its_schedule(make):
    curve = {"train_loss": [2.9, 1.2, 0.9, 0.7], "validation_loss": [1.5, 1.2, 0.9, 0.7]}
    finding = the_one(make(curve=curve, changes={"training.learning_rate": 0.02}))
    assert finding.kind == "learning-rate-too-high" and finding.epoch == 1.0
    assert finding.suggestion.value == 0.002


def test_too_high_what_was_learnt_is_lost_again(make):
    curve = {"train_loss": [1.0, 0.6, 0.5, 1.2, 1.3], "validation_loss": [1.0, 0.6, 0.5, 1.2, 1.3]}
    finding = the_one(make(curve=curve))
    assert finding.kind == "learning-rate-too-high" and finding.epoch == 3.0
    assert "had come down to 0.5 by epoch 3 and rose again" in finding.message


def test_too_high_for_pretrained_weights(make):
    changes = {"model": {"pretrained": "bert-base-uncased"}, "tokenizer": None, "training.learning_rate": 1e-3}
    evidence = make(curve=flat(1.385), changes=changes, validation=one_class(shares=EVENLY))
    assert the_one(evidence).kind == "learning-rate-too-high"
    assert kinds(make(curve=flat(1.385), changes=changes | {"training.learning_rate": 5e-5}))[0] != (
        "learning-rate-too-high"
    )


def test_class_weights_lift_the_plain_loss_by_themselves(make):
    curve = {"train_loss": [2.9, 2.7, 2.6], "validation_loss": [2.9, 2.7, 2.6]}
    assert "learning-rate-too-high" not in kinds(make(curve=curve, changes={"class_weights": "balanced"}))


@pytest.mark.parametrize(("rate", "wanted"), [(1e-6, 3e-5), (3e-5, 9e-4)])
def test_too_low(make, rate, wanted):
    evidence = make(
        curve=falling(1.40, 1.37), changes={"training.learning_rate": rate}, validation=one_class(shares=EVENLY)
    )
    finding = the_one(evidence)
    assert finding.kind == "learning-rate-too-low" and finding.suggestion.value == pytest.approx(wanted)
    assert "fell by 2.1 %, from 1.4 to 1.37" in finding.message


def test_too_low_by_its_pace_alone(make):
    finding = the_one(make(curve=falling(1.30, 1.24), changes={"training.learning_rate": 2e-4}))
    assert finding.kind == "learning-rate-too-low" and "times as long" in finding.message


def test_not_too_low_where_a_linear_model_does_no_better(make, judge):
    losses = np.linspace(1.30, 1.24, 10).tolist()
    curve, changes = {"train_loss": losses, "validation_loss": losses}, {"training.learning_rate": 2e-4}
    slow = {"curve": curve, "changes": changes, "validation": judge(0.5)}
    assert kinds(make(**slow, baseline=0.52)) == ["below-baseline"], "within two standard errors, 0.05"
    assert kinds(make(**slow, baseline=0.6)) == ["learning-rate-too-low"]
    cut = replace(CUT, cut_accuracy=0.52)
    assert kinds(make(**slow, baseline=0.6, cutting=cut)) == ["truncation-hurts"], "it reads as little"


def test_collapse_names_the_class_and_its_share(make):
    finding = the_one(make(curve=flat(0.673), changes={"training.optim": "sgd"}, validation=one_class()))
    assert finding.kind == "collapse"
    assert finding.message == (
        "The model collapsed: it predicts 'c0' for 100 % of the 200 items of validation, and its accuracy, 0.6000, is "
        "that class's share (0.6000); the entropy of its predictions is 0.0 % of that of the labels."
    )
    assert (finding.suggestion.key, finding.suggestion.value) == ("training.optim", "adamw_torch")


def test_one_class_that_most_labels_are_is_imbalance(make):
    assert kinds(make(curve=flat(0.42), validation=one_class(shares=(0.85, 0.15)))) == ["class-imbalance"]


# --- gradients


def stack(lowest, layers=8):
    values = np.geomspace(lowest, 1.0, layers)
    row = {f"recurrent.forwards.{number}": float(value) for number, value in enumerate(values)}
    return [{"step": 1.0, "epoch": 0.0, "embedding": 1e-9, **row, "classifier.1": 1.0}] * 5


def test_vanishing(make):
    changes = {"model.num_layers": 24}
    finding = the_one(
        make(curve=flat(1.386), changes=changes, gradients=stack(1e-6, 24), validation=one_class(shares=EVENLY))
    )
    assert finding.kind == "vanishing-gradients" and finding.suggestion.value == 3
    assert "the lowest of 24 layers (recurrent.forwards.0) got a median of 1e-06" in finding.message
    assert "vanishing-gradients" not in kinds(make(changes=changes, gradients=stack(1e-6, 24))), "it learnt"
    assert "vanishing-gradients" not in kinds(make(curve=flat(1.386), changes=changes, gradients=stack(0.1, 24)))
    assert "vanishing-gradients" not in kinds(make(curve=flat(1.386), gradients=stack(1e-6, 2))), "two layers"


SGD = {"training.optim": "sgd", "training.max_grad_norm": 0}


def test_exploding(make):
    evidence = {
        "curve": {"train_loss": [8.0, 4.0, 3.0], "validation_loss": [3.0, 3.0, 3.0]},
        "trace": trace([1.4, 1.5, 9.0, 4.0], [1.0, 2.0, 500.0, 3.0]),
        "gradients": stack(1.0),
    }
    finding = the_one(make(changes=SGD, **evidence))
    assert finding.kind == "exploding-gradients" and finding.numbers["step"] == 3
    assert (finding.suggestion.key, finding.suggestion.value) == ("training.max_grad_norm", 1.0)
    for cure in ({"training.max_grad_norm": 1.0}, {"training.optim": "adamw_torch"}):
        assert kinds(make(changes=SGD | cure, **evidence)) == ["learning-rate-too-high"]


def test_a_large_gradient_that_does_no_harm_is_none(make):
    assert diagnose(make(changes=SGD, trace=trace([1.4, 1.3, 1.0, 0.9], [1.0, 2.0, 500.0, 3.0]))) == []


# --- the length of training

RISING = {
    "train_loss": [1.2, 0.8, 0.6, 0.5, 0.4, 0.3],
    "validation_loss": [1.1, 0.8, 0.7, 0.75, 0.85, 0.95],
}


def test_overfitting_keeps_the_last(make):
    finding = the_one(make(curve=RISING, changes={"keep": "last"}))
    assert finding.kind == "overfitting" and finding.epoch == 3.0
    assert (finding.suggestion.key, finding.suggestion.value) == ("keep", "best")
    assert finding.message == (
        "The model overfits from epoch 3 on: the validation loss was lowest there, 0.7, and rose by 36 % to 0.95 in "
        "epoch 6, while the training loss fell from 0.6 to 0.3; the weights of the last epoch were kept."
    )


def test_no_overfitting_while_more_is_right(make):
    accuracy = [0.6, 0.7, 0.8, 0.89, 0.9, 0.9]
    assert diagnose(make(curve=RISING | {"validation_accuracy": accuracy})) == []
    accuracy[3:] = [0.82] * 3  # one standard error of 400 items: 0.015
    assert kinds(make(curve=RISING | {"validation_accuracy": accuracy})) == ["overfitting"]


def test_too_early_by_accuracy_while_the_loss_rises(make):
    curve = RISING | {"validation_accuracy": [0.6, 0.7, 0.8, 0.82, 0.86, 0.9]}
    finding = the_one(make(curve=curve))
    assert finding.kind == "stopped-too-early"
    assert (
        "after 6 epochs the accuracy still rose by 4.0 % per epoch; the loss is 0.95 on validation" in finding.message
    )


def test_overfitting_keeps_the_best(make):
    assert the_one(make(curve=RISING)).suggestion.key == "model.head_dropout"


def test_early_stopping_that_did_its_work_is_no_fault(make):
    changes = {"early_stopping": {"metric": "loss", "patience": 3}, "training.num_train_epochs": 30}
    assert diagnose(make(curve=RISING, changes=changes)) == []


def test_too_early(make):
    curve = {"train_loss": [1.3, 1.0, 0.8], "validation_loss": [1.2, 0.95, 0.75]}
    finding = the_one(make(curve=curve))
    assert finding.kind == "stopped-too-early"
    assert (finding.suggestion.key, finding.suggestion.value) == ("training.num_train_epochs", 9)


def test_too_early_after_a_single_epoch(make):
    curve = {"train_loss": [1.1], "validation_loss": [0.9]}
    assert kinds(make(curve=curve, trace=trace(np.linspace(1.4, 0.9, 40).tolist()))) == ["stopped-too-early"]
    assert kinds(make(curve=curve, trace=trace([1.4] * 10 + [0.9] * 30))) == []
    assert kinds(make(curve=curve)) == []


def test_too_early_by_early_stopping(make):
    changes = {"early_stopping": {"metric": "loss", "patience": 1}, "training.num_train_epochs": 30}
    curve = {"train_loss": [1.3, 1.0, 0.8], "validation_loss": [1.2, 0.95, 0.75]}
    finding = the_one(make(curve=curve, changes=changes))
    assert finding.suggestion.key == "early_stopping.patience" and "with a patience of 1" in finding.message


def test_too_late(make):
    curve = {"train_loss": [1.2, 0.5] + [0.4] * 18, "validation_loss": [1.1, 0.5] + [0.5] * 18}
    finding = the_one(make(curve=curve))
    assert finding.kind == "stopped-too-late" and finding.epoch == 2.0 and finding.numbers["wasted_epochs"] == 18
    assert finding.suggestion.key == "early_stopping"
    assert diagnose(make(curve=curve, changes={"early_stopping": {"metric": "loss", "patience": 20}})) == []


# --- what is read

COVERED = {
    "name": "glove.txt",
    "tokens_found": 0.9,
    "types_found": 0.7,
    "words": 1000,
    "missing_most_frequent": {"Film": 12},
    "causes": {},
}


def test_uncovered_and_its_cure(make):
    changes = {"tokenizer.lowercase": False}
    finding = the_one(make(changes=changes, embeddings=COVERED | {"tokens_found": 0.7, "causes": {"capitals": 0.25}}))
    assert finding.kind == "uncovered-embeddings"
    assert (finding.suggestion.key, finding.suggestion.value) == ("tokenizer.lowercase", True)
    assert "Film (12)" in finding.message
    assert the_one(make(embeddings=COVERED | {"tokens_found": 0.2})).suggestion.value == {"method": "word2vec"}
    assert diagnose(make(embeddings=COVERED | {"tokens_found": 0.75})) == []
    assert diagnose(make(embeddings=COVERED | {"causes": {"unknown": 0.2}})) == []


def test_dead(make):
    finding = the_one(make(embeddings={"zero_tokens": 0.4, "unmoved_tokens": 1.0, "frozen": True}))
    assert finding.kind == "dead-embeddings" and "40 % of the tokens of train have a vector of zeros" in finding.message
    finding = the_one(make(embeddings={"zero_tokens": 0.0, "unmoved_tokens": 0.8, "frozen": False}))
    assert "are as they were before training" in finding.message
    assert diagnose(make(embeddings={"zero_tokens": 0.0, "unmoved_tokens": 1.0, "frozen": True})) == []


CUT = Cutting(
    max_length=32, cut_share=0.7, n=563, whole_accuracy=0.92, cut_accuracy=0.87, low=0.03, high=0.07, enough=128,
    enough_accuracy=0.915,
)  # fmt: skip


def test_truncation_by_what_a_linear_model_loses(make, judge):
    changes = {"data.max_length": 32}
    finding = the_one(make(changes=changes, cutting=CUT))
    assert finding.kind == "truncation-hurts" and finding.numbers["least_lost"] == 0.03
    assert (finding.suggestion.key, finding.suggestion.value) == ("data.max_length", 128)
    assert finding.message == (
        "Texts are cut too short: 70 % of the rows of validation are longer than 32 tokens, and what is cut off tells "
        "something. A linear model on their words is right on 0.9200 of 563 rows where it reads them whole, and on "
        "0.8700 where it reads them as they are cut: 0.030 to 0.070 less (95 % interval); cut at 128 it gets 0.9150."
    )
    chance = replace(CUT, low=-0.01, enough=None, enough_accuracy=None)
    assert diagnose(make(changes=changes, cutting=chance)) == []
    assert diagnose(make(changes=changes, cutting=replace(chance, low=0.009))) == [], "a trifle"
    n = 400  # the last 40 are wrong: here they are whole, and cut ones judged better
    tokens = np.where(np.arange(n) >= 280, 10, 90)
    finding = the_one(make(changes=changes, cutting=CUT, validation=judge(tokens=tokens)))
    assert "right on 1.0000 of the rows that are cut, and on 0.6667 of the others" in finding.message
    assert finding.numbers["accuracy_cut"] == 1.0 and finding.numbers["accuracy_whole"] == 0.6667
    assert diagnose(make(changes=changes, validation=judge(tokens=tokens[::-1]))) == [], "the run itself does not tell"
    limit = replace(CUT, max_length=512, enough=None, enough_accuracy=None)
    assert the_one(make(cutting=limit)).suggestion is None, "the model takes no more"


def test_truncation_hides_no_other_fault(make):
    assert kinds(make(curve=RISING, cutting=CUT, baseline=0.92)) == ["truncation-hurts", "overfitting"]


def test_below_the_baseline_that_reads_as_little(make, judge):
    assert kinds(make(validation=judge(0.86), cutting=CUT, baseline=0.92)) == ["truncation-hurts"], (
        "the cut explains it"
    )
    findings = diagnose(make(validation=judge(0.8), cutting=CUT, baseline=0.92))
    assert [one.kind for one in findings] == ["truncation-hurts", "below-baseline"]
    assert "baseline that reads no more of the texts than it does: validation accuracy 0.8000 beside 0.8700" in (
        findings[1].message
    )
    whole = replace(CUT, low=0.0)
    assert kinds(make(validation=judge(0.88), cutting=whole, baseline=0.92)) == ["below-baseline"], "nothing is lost"


# --- labels


def noisy(share, *, n=1000, classes=4, hard=0.0):
    """A model that is right but for labels flipped anywhere, and unsure and half wrong on a share of hard items."""
    draw = np.random.default_rng(0)
    truth = np.arange(n) % classes
    sureness = np.where(draw.random(n) < hard, 0.4, 0.6 + 0.39 * draw.random(n))
    said = np.where((sureness < 0.5) & (draw.random(n) < 0.5), (truth + 1) % classes, truth)
    labels = np.where(draw.random(n) < share, (truth + 2) % classes, truth)
    probabilities = np.repeat(((1 - sureness) / (classes - 1))[:, None], classes, axis=1)
    probabilities[np.arange(n), said] = sureness
    return Judged(label_ids=labels, probabilities=probabilities)


def test_label_noise_is_told_from_a_hard_task(make):
    finding = the_one(make(validation=noisy(0.3)))
    assert finding.kind == "label-noise" and finding.numbers["suspected_share"] == pytest.approx(0.3, abs=0.06)
    assert (finding.suggestion.key, finding.suggestion.value) == ("training.label_smoothing_factor", 0.3)
    assert diagnose(make(validation=noisy(0.0, hard=0.6))) == []
    assert diagnose(make(validation=noisy(0.03))) == []
    assert diagnose(make(validation=noisy(0.15, hard=0.6))) == [], "most errors are elsewhere"
    assert kinds(make(validation=noisy(0.3), baseline=0.9)) == ["below-baseline"]
    assert diagnose(make(validation=noisy(0.3, n=80))) == [], "too few to say"


def rare(recall, *, n=400, share=0.1):
    count = round(n * share)
    labels = np.array([1] * count + [0] * (n - count))
    probabilities = np.tile([0.8, 0.2], (n, 1))
    # the rare ones rank above the others, as of a model that learnt something
    probabilities[:count] = [0.6, 0.4]
    probabilities[: round(recall * count)] = [0.3, 0.7]
    return Judged(label_ids=labels, probabilities=probabilities)


def test_class_imbalance(make):
    make = partial(make, curve={"train_loss": [0.3, 0.25, 0.25, 0.24], "validation_loss": [0.3, 0.27, 0.27, 0.27]})
    finding = the_one(make(validation=rare(0.05)))
    assert finding.kind == "class-imbalance" and "'c1' 5.0 % of 40" in finding.message
    assert (finding.suggestion.key, finding.suggestion.value) == ("class_weights", "balanced")
    assert diagnose(make(validation=rare(0.5))) == []
    assert diagnose(make(validation=rare(0.05), changes={"class_weights": "balanced"})) == []
    assert kinds(make(validation=rare(0.0))) == ["class-imbalance"], "one class is predicted, yet both are known"


# --- beside others


def sibling(score, seed):
    ranking = {"metric": "validation_accuracy", "goal": "maximize"}
    values = {"run": f"seed={seed}", "status": "finished", "seed": seed, "ranking": ranking}
    return Run.model_validate(values | {"metrics": {"validation_accuracy": score}})


def test_a_bad_seed_is_the_only_thing_told(make, judge):
    siblings = [sibling(0.9, 1), sibling(0.91, 2), sibling(0.89, 3)]
    evidence = make(curve=RISING, validation=judge(0.5), siblings=siblings)
    finding = the_one(evidence)
    assert finding.kind == "bad-seed" and "0.8900 to 0.9100 (median 0.9000)" in finding.message
    assert (finding.suggestion.key, finding.suggestion.value) == ("training.warmup_steps", 0.1)
    assert diagnose(make(validation=judge(0.87), siblings=siblings)) == []
    assert "bad-seed" not in kinds(make(validation=judge(0.5), siblings=siblings[:2])), "two siblings say too little"
    apart = [sibling(0.9, 1), sibling(0.5, 2), sibling(0.7, 3)]
    assert "bad-seed" not in kinds(make(validation=judge(0.6), siblings=apart)), "all of them differ"


def test_below_the_baseline_only_where_nothing_else_is_wrong(make):
    finding = the_one(make(baseline=0.95))
    assert finding.kind == "below-baseline" and "0.9000 beside 0.9500 on the same 400 items" in finding.message
    assert kinds(make(curve=RISING, baseline=0.95)) == ["overfitting"]


# --- the registry


def test_every_kind_has_a_rule_and_precedence():
    assert list(RULES) == list(SILENCES)
    for kind, silenced in SILENCES.items():
        assert kind not in silenced and set(silenced) <= set(RULES)
        assert all(list(RULES).index(other) > list(RULES).index(kind) for other in silenced), "causes come first"


def test_nothing_heavy_is_imported():
    code = "import sys, hftk.analysis.diagnosis; print({'torch', 'transformers', 'datasets'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("vectors", "key"),
    [
        (None, "embeddings"),
        ({"method": "fasttext", "freeze": True}, "embeddings.freeze"),
        ({"method": "fasttext", "freeze": False}, "model.bidirectional"),
    ],
)
def test_a_model_below_the_baseline_is_advised_what_it_has_not_got(make, vectors, key):
    [finding] = diagnose(make(changes={"embeddings": vectors}, baseline=0.95))
    assert finding.kind == "below-baseline"
    assert finding.suggestion.key == key
