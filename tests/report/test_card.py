"""The model card: whole, and with no figure or path that does not belong there."""

from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from hftk.recipe.schema import Recipe
from hftk.report.card import Evidence, Known, card, eval_results, gather_evidence
from hftk.report.content import Classes, DataNote, Interval
from hftk.report.runs import Run, read_run

EXPECTED = Path(__file__).with_name("expected_card.md")
RUN = Run.model_validate(
    {
        "run": "cell=x",
        "status": "finished",
        "seed": 3,
        "ranking": {"metric": "validation_accuracy", "goal": "maximize"},
        "metrics": {"validation_loss": 0.5, "validation_accuracy": 0.75, "test_loss": 0.625, "test_accuracy": 0.7},
        "keep": "best",
        "epochs": 2.0,
        "best_epoch": 1.0,
        "seconds": 65.0,
        "parameters": 1234567,
        "trainable_parameters": 1234567,
        "versions": {"hftk": "0.1.0", "torch": "2.13.0"},
        "hardware": {"cpus": 2, "gpus": []},
        "device": "cpu",
        "finished": "2026-01-02T03:04:05Z",
        "pretrained": {"name": "bert-base-uncased", "commit": "1" * 40, "fingerprint": "1" * 40},
        "data": {
            "path": "nyu-mll/glue",
            "commit": "2" * 40,
            "fingerprint": "f" * 64,
            "labels": ["부정", "pos|neg"],
            "rows": {"train": 1200, "validation": 80, "test": 90},
            "rows_before": {"train": 1200, "validation": 80, "test": 100},
            "max_length": 64,
            "truncated": {"train": 60, "validation": 0, "test": 9},
        },
        "curve": [
            {"epoch": 1.0, "train_loss": 0.6, "validation_loss": 0.5, "validation_accuracy": 0.75},
            {"epoch": 2.0, "train_loss": 0.4, "validation_loss": 0.55, "validation_accuracy": 0.7},
        ],
    }
)


def recipe(**changes) -> Recipe:
    content = {
        "name": "reviews",
        "data": {"path": "nyu-mll/glue"},
        "model": {"pretrained": "bert-base-uncased"},
        "metrics": ["accuracy"],
    }
    return Recipe.model_validate(content | changes)


EVIDENCE = Evidence(
    intervals={"accuracy": Interval(0.65, 0.75)},
    baselines={"majority class": {"accuracy": 0.71, "loss": None}},
    classes=Classes("cell=x", "test", [0.9, 0.3], [0.8, 0.4], [0.85, 0.34], [70, 20], [[56, 14], [12, 8]]),
    data=[
        DataNote("problem", "3 of 90 rows of test also occur in train: rows 4 and 7 of reviews.csv “my private words”")
    ],
    vocabulary=["vocabulary: 90.0 % of the words of test occur in train"],
    train_rows={"부정": 900, "pos|neg": 300},
)


def of_this_machine(**changes) -> Run:
    """Trained on data and weights of the machine."""
    data = RUN.data.model_copy(update={"commit": None, "path": "reviews.csv"})
    return RUN.model_copy(update={"data": data, "pretrained": {"name": "x", "commit": None}, **changes})


def test_the_whole_card():
    given = recipe(data={"path": "nyu-mll/glue", "name": "cola", "splits": {"train": "train", "test": "validation"}})
    assert card(RUN, given, evidence=EVIDENCE, model_id="me/reviews", pushed=True) == EXPECTED.read_text("utf-8")


def test_without_evidence():
    """As it is written when the run is finished."""
    told = card(RUN, recipe())
    assert 'model="path/to/this/folder"' in told and "hftk reproduce path/to/the/run" in told
    assert "95 %" not in told and "## Class by class" not in told and "curves.png" not in told
    assert "nothing is known of how much another would change it" in told


def test_the_same_input_gives_the_same_card():
    assert card(RUN, recipe(), evidence=EVIDENCE) == card(RUN, recipe(), evidence=EVIDENCE)


@pytest.mark.parametrize("path", ["/home/somebody/reviews.csv", "builtin:docstrings", "./reviews.csv", "data/reviews"])
def test_what_lies_on_this_machine_is_no_metadata(path):
    text = card(of_this_machine(), recipe(data={"path": path}, model={"pretrained": "/home/me/weights"}))
    metadata = ModelCard(text).data
    assert metadata.base_model is None and metadata.datasets is None
    assert metadata.eval_results[0].dataset_type == "local"
    assert "/home/" not in text and "huggingface.co" not in text
    assert ("hftk reproduce path/to/the/run --data" in text) == (not path.startswith("builtin:"))


def test_records_of_an_earlier_hftk_tell_neither_commit():
    data = {"path": "reviews.csv", "labels": ["a", "b"], "rows": {"train": 1}}
    run = Run.model_validate(RUN.model_dump(by_alias=True, exclude={"data", "pretrained"}) | {"data": data})
    metadata = ModelCard(card(run, recipe(data={"path": "reviews.csv"}))).data
    assert (metadata.base_model, metadata.datasets) == ("bert-base-uncased", None)
    assert ModelCard(card(run, recipe())).data.datasets == ["nyu-mll/glue"]


def test_labels_made_anew_are_told():
    run = RUN.model_copy(update={"data": RUN.data.model_copy(update={"relabelled": {"train": 0.547}})})
    assert "Labels were made anew from the texts: 54.7 % of train have another one than the data." in card(
        run, recipe()
    )
    assert "made anew" not in card(RUN, recipe())


def test_an_architecture_s_card_says_how_to_load_its_code():
    model = {"architecture": "rnn", "cell": "gru", "pooling": ["max", "mean"], "bidirectional": True, "head": []}
    told = card(RUN, recipe(model=model, embeddings={"method": "word2vec", "freeze": True}), model_id="me/x")
    assert (
        "rnn (cell gru, pooling max + mean, bidirectional true), from scratch, its word vectors begun with word2vec on "
        "the train split and left so; trained on" in told
    )
    assert 'pipeline("text-classification", model="me/x", trust_remote_code=True)' in told
    assert "a few short files of plain PyTorch" in told and "base_model" not in told


def test_an_adapter():
    given = recipe(peft={"peft_type": "LORA", "r": 8})
    text = card(RUN, given, model_id="me/x", adapter=True)
    assert "An adapter (LORA, by PEFT) for [bert-base-uncased]" in text
    assert "AutoPeftModelForSequenceClassification.from_pretrained(name, num_labels=len(labels)" in text
    data = ModelCard(text).data
    assert (data.library_name, data.base_model_relation) == ("peft", "adapter")
    assert "fine-tuned with an adapter (LORA) that was merged into it;" in card(RUN, given)


@pytest.mark.parametrize(
    ("task", "columns", "example"),
    [
        ("token-classification", {}, '"words , parted by spaces as in the data"'),
        ("image-classification", {}, '"picture.png"'),
        ("text-classification", {"text_pair": "b"}, '{"text": "the first text", "text_pair": "the second one"}'),
    ],
)
def test_each_task_has_its_example(task, columns, example):
    told = card(RUN, recipe(task=task, data={"path": "nyu-mll/glue", "columns": columns}))
    assert f'pipeline("{task}"' in told and f"print(classify({example}))" in told
    assert ModelCard(told).data.pipeline_tag == task


def test_findings_in_words():
    finding = {
        "kind": "learning-rate-too-low",
        "message": "It *learns* slowly.",
        "epoch": 2.0,
        "numbers": {},
        "suggestion": {"key": "training.learning_rate", "value": 0.001},
    }
    told = card(RUN.model_copy(update={"findings": [finding]}), recipe())
    assert (
        "- **learning rate too low** (epoch 2): It \\*learns\\* slowly. Worth trying: `training.learning_rate=0.001`."
    ) in told


def test_many_classes_and_epochs_are_folded():
    labels = [f"class {number:02}" for number in range(50)]
    found = Classes("cell=x", "test", [0.9] * 50, [0.9] * 50, [0.9] * 49 + [0.1], [40] * 49 + [0], [])
    data = RUN.data.model_copy(update={"labels": labels})
    curve = [{"epoch": float(number), "train_loss": 0.1} for number in range(1, 31)]
    run = RUN.model_copy(update={"data": data, "curve": curve})
    evidence = Evidence({}, {}, found, [], [], {})
    told = card(run, recipe(), evidence=evidence)
    assert "<summary>All 50 classes</summary>" in told and "<summary>All 30 epochs</summary>" in told
    assert "class 11 and 38 more" in told.replace("class 10, ", "")
    assert "Test has no item of class 49: nothing is known of them." in told
    assert "fewer than 30 items" not in told


def test_nothing_of_the_data_is_markup():
    labels = ["<script>alert(1)</script>", "a|b\n# x"]
    data = RUN.data.model_copy(update={"labels": labels})
    told = card(RUN.model_copy(update={"data": data}), recipe(name="<b>x</b> {{ 1 + 1 }}"), evidence=EVIDENCE)
    assert "<script" not in told.replace("\\<script", "") and "\n# x" not in told
    assert "# \\<b\\>x\\</b\\> {{ 1 + 1 }}: cell=x" in told


def test_a_run_without_a_test_split():
    metrics = {"validation_loss": 0.5, "validation_accuracy": 0.75}
    rows = {"rows": {"train": 5, "validation": 5}, "rows_before": {}, "truncated": {}}
    run = RUN.model_copy(update={"metrics": metrics, "data": RUN.data.model_copy(update=rows)})
    told = card(run, recipe(), evidence=Evidence({}, {}, None, [], [], {}))
    assert "There was no test split: nothing was kept aside to judge them by." in told
    assert "| metric | validation |\n" in told
    assert ModelCard(told).data.eval_results[0].dataset_split == "validation"
    assert eval_results(run, recipe()) is None


def test_the_last_epoch_s_weights_were_not_chosen():
    told = card(RUN.model_copy(update={"keep": "last"}), recipe(keep="last"))
    assert "The weights are those of the last epoch, 2; seed 3." in told and "was chosen" not in told


def test_the_hub_s_own_validation(loopback_hub_here):
    ModelCard(card(RUN, recipe(), evidence=EVIDENCE)).validate()


def test_language_and_license_only_when_known():
    metadata = ModelCard(card(RUN, recipe())).data
    assert metadata.language is None and metadata.license is None
    metadata = ModelCard(card(RUN, recipe(), known=Known(language="ko", license="mit"))).data
    assert (metadata.language, metadata.license) == ("ko", "mit")
    given = recipe(hub={"language": ["en", "ko"], "license": "apache-2.0"})
    metadata = ModelCard(card(RUN, given, known=Known(language="xx", license="mit"))).data
    assert (metadata.language, metadata.license) == (["en", "ko"], "apache-2.0")


def test_metrics_have_the_hub_s_names():
    given = recipe(metrics=["f1_macro", "f1", "entity_f1", "matthews_correlation"])
    assert ModelCard(card(RUN, given)).data.metrics == ["f1", "seqeval", "matthews_correlation"]


def test_evidence_of_a_run_without_baselines(write_judged):
    folder = write_judged("one", right=0.8) / "one"
    found = gather_evidence(read_run(folder))
    assert list(found.intervals) == ["accuracy", "loss"]
    interval = found.intervals["accuracy"]
    assert interval.low < 0.8 < interval.high and interval.high - interval.low == pytest.approx(0.111, abs=0.01)
    assert found.baselines == {} and found.train_rows == {} and found.classes.support == [100, 100]
    (folder / "predictions.parquet").unlink()
    assert gather_evidence(read_run(folder)) == Evidence({}, {}, None, [], [], {})
