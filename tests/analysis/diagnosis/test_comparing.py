"""A run beside others, and beside a baseline."""

from dataclasses import replace

import pytest

from hftk.analysis.diagnosis import diagnose
from hftk.report.runs import Run


def sibling(score, seed):
    ranking = {"metric": "validation_accuracy", "goal": "maximize"}
    values = {"run": f"seed={seed}", "status": "finished", "seed": seed, "ranking": ranking}
    return Run.model_validate(values | {"metrics": {"validation_accuracy": score}})


def test_below_the_baseline_that_reads_as_little(make, judge, kinds, cutting):
    assert kinds(make(validation=judge(0.86), cutting=cutting, baseline=0.92)) == ["truncation-hurts"], (
        "the cut explains it"
    )
    findings = diagnose(make(validation=judge(0.8), cutting=cutting, baseline=0.92))
    assert [one.kind for one in findings] == ["truncation-hurts", "below-baseline"]
    assert "baseline that reads no more of the texts than it does: validation accuracy 0.8000 beside 0.8700" in (
        findings[1].message
    )
    assert kinds(make(validation=judge(0.83), cutting=cutting, baseline=0.92)) == ["truncation-hurts"], "within noise"
    whole = replace(cutting, low=0.0)
    assert kinds(make(validation=judge(0.88), cutting=whole, baseline=0.92)) == ["below-baseline"], "nothing is lost"


def test_a_bad_seed_is_the_only_thing_told(make, judge, kinds, the_one, rising):
    siblings = [sibling(0.9, 1), sibling(0.91, 2), sibling(0.89, 3)]
    evidence = make(curve=rising, validation=judge(0.5), siblings=siblings)
    finding = the_one(evidence)
    assert finding.kind == "bad-seed" and "0.8900 to 0.9100 (median 0.9000)" in finding.message
    assert (finding.suggestion.key, finding.suggestion.value) == ("training.warmup_steps", 0.1)
    assert diagnose(make(validation=judge(0.87), siblings=siblings)) == []
    assert "bad-seed" not in kinds(make(validation=judge(0.5), siblings=siblings[:2])), "two siblings say too little"
    apart = [sibling(0.9, 1), sibling(0.5, 2), sibling(0.7, 3)]
    assert "bad-seed" not in kinds(make(validation=judge(0.6), siblings=apart)), "all of them differ"


def test_below_the_baseline_only_where_nothing_else_is_wrong(make, kinds, the_one, rising):
    finding = the_one(make(baseline=0.95))
    assert finding.kind == "below-baseline" and "0.9000 beside 0.9500 on the same 400 items" in finding.message
    assert kinds(make(curve=rising, baseline=0.95)) == ["overfitting"]


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
