"""What the model was given to read."""

from dataclasses import replace

import numpy as np

from hftk.analysis.diagnosis import diagnose

COVERED = {
    "name": "glove.txt",
    "tokens_found": 0.9,
    "types_found": 0.7,
    "words": 1000,
    "missing_most_frequent": {"Film": 12},
    "causes": {},
}


def test_uncovered_and_its_cure(make, the_one):
    changes = {"tokenizer.lowercase": False}
    finding = the_one(make(changes=changes, embeddings=COVERED | {"tokens_found": 0.7, "causes": {"capitals": 0.25}}))
    assert finding.kind == "uncovered-embeddings"
    assert (finding.suggestion.key, finding.suggestion.value) == ("tokenizer.lowercase", True)
    assert "Film (12)" in finding.message
    assert the_one(make(embeddings=COVERED | {"tokens_found": 0.2})).suggestion.value == {"method": "word2vec"}
    assert diagnose(make(embeddings=COVERED | {"tokens_found": 0.75})) == []
    assert diagnose(make(embeddings=COVERED | {"causes": {"unknown": 0.2}})) == []


def test_dead(make, the_one):
    finding = the_one(make(embeddings={"zero_tokens": 0.4, "unmoved_tokens": 1.0, "frozen": True}))
    assert finding.kind == "dead-embeddings" and "40 % of the tokens of train have a vector of zeros" in finding.message
    finding = the_one(make(embeddings={"zero_tokens": 0.0, "unmoved_tokens": 0.8, "frozen": False}))
    assert "are as they were before training" in finding.message
    assert diagnose(make(embeddings={"zero_tokens": 0.0, "unmoved_tokens": 1.0, "frozen": True})) == []


def test_truncation_by_what_a_linear_model_loses(make, judge, the_one, cutting):
    changes = {"data.max_length": 32}
    finding = the_one(make(changes=changes, cutting=cutting))
    assert finding.kind == "truncation-hurts" and finding.numbers["least_lost"] == 0.03
    assert (finding.suggestion.key, finding.suggestion.value) == ("data.max_length", 128)
    assert finding.message == (
        "Texts are cut too short: 70 % of the rows of validation are longer than 32 tokens, and what is cut off tells "
        "something. A linear model on their words is right on 0.9200 of 563 rows where it reads them whole, and on "
        "0.8700 where it reads them as they are cut: 0.030 to 0.070 less (95 % interval); cut at 128 it gets 0.9150."
    )
    chance = replace(cutting, low=-0.01, enough=None, enough_accuracy=None)
    assert diagnose(make(changes=changes, cutting=chance)) == []
    assert diagnose(make(changes=changes, cutting=replace(chance, low=0.009))) == [], "a trifle"
    n = 400  # the last 40 are wrong: here they are whole, and cut ones judged better
    tokens = np.where(np.arange(n) >= 280, 10, 90)
    finding = the_one(make(changes=changes, cutting=cutting, validation=judge(tokens=tokens)))
    assert "right on 1.0000 of the rows that are cut, and on 0.6667 of the others" in finding.message
    assert finding.numbers["accuracy_cut"] == 1.0 and finding.numbers["accuracy_whole"] == 0.6667
    assert diagnose(make(changes=changes, validation=judge(tokens=tokens[::-1]))) == [], "the run itself does not tell"
    limit = replace(cutting, max_length=512, enough=None, enough_accuracy=None)
    assert the_one(make(cutting=limit)).suggestion is None, "the model takes no more"


def test_truncation_hides_no_other_fault(make, kinds, cutting, rising):
    assert kinds(make(curve=rising, cutting=cutting, baseline=0.92)) == ["truncation-hurts", "overfitting"]


def test_what_the_tokenizer_does_not_know_is_not_the_files_fault(make, kinds):
    few = COVERED | {"tokens_found": 0.55, "tokens_unknown": 0.35, "causes": {"unknown": 0.35}}
    assert kinds(make(embeddings=few)) == [], "0.85 of the others have a vector"
    assert kinds(make(embeddings=few | {"tokens_found": 0.3})) == ["uncovered-embeddings"]
