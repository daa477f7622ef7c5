"""What a push puts into a repository: all that a reader needs, nothing that belongs to the machine or to the data."""

import json
import shutil
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from hftk.errors import HubError
from hftk.hub.contents import contents, lay_out
from hftk.hub.pushed_record import pushed_record
from hftk.recipe import read_sweep

CODE = ["_config.py", "_embedding.py", "_head.py", "_image_rows.py", "_model.py", "_pooling.py", "_recurrent.py"]
COMMON = ["README.md", "config.json", "curves.png", "epochs.csv", "recipe.yaml", "run.json"]
TOKENIZER = ["tokenizer.json", "tokenizer_config.json"]


def paths(manifest) -> list[str]:
    return [entry.path for entry in manifest.entries]


def left_out(manifest) -> dict[str, str]:
    return {one.path: one.reason for one in manifest.left_out}


def content(manifest, path: str) -> bytes:
    [entry] = [entry for entry in manifest.entries if entry.path == path]
    found = entry.source if isinstance(entry.source, bytes) else entry.source.read_bytes()
    assert len(found) == entry.size
    return found


def put_on_the_hub(run: Path, **data) -> None:
    """As if the base model had come from the Hub."""
    record = json.loads((run / "run.json").read_text())
    name = record["pretrained"]["name"]
    record["pretrained"] |= {"name": "me/base", "commit": "1" * 40}
    record["data"] |= data
    (run / "run.json").write_text(json.dumps(record))
    recipe = (run / "recipe.yaml").read_text().replace(name, "me/base")
    (run / "recipe.yaml").write_text(recipe)


def test_a_model_of_ours(gru):
    manifest = contents(gru, merged=False, model_id="me/gru")
    assert paths(manifest) == sorted([*COMMON, *CODE, *TOKENIZER, "rnn.py", "model.safetensors"])
    assert left_out(manifest) == {
        "gradients.csv": "for the diagnosis here; epochs.csv has the epochs",
        "predictions.parquet": "a row for every row of validation and test, with its label",
        "reference.json": "texts or images of the data, by which a copy of the model is tried",
        "trace.csv": "for the diagnosis here; epochs.csv has the epochs",
    }
    assert json.loads(content(manifest, "config.json"))["id2label"] == {"0": "neg", "1": "pos"}
    card = ModelCard(content(manifest, "README.md").decode())
    assert 'pipeline("text-classification", model="me/gru", trust_remote_code=True)' in card.text
    assert "| metric | validation | test | 95 % | majority class, test | TF-IDF and linear SVM, test |" in card.text
    assert "## Class by class" in card.text and "![Learning curves" in card.text
    assert content(manifest, "curves.png").startswith(b"\x89PNG")


def test_the_same_run_gives_the_same_bytes(gru):
    once, again = (contents(gru, merged=False, model_id="me/gru") for _ in range(2))
    assert once == again


def test_nothing_of_this_machine(gru, tiny_csv, monkeypatch):
    record = json.loads((gru / "run.json").read_text())
    home = "/home/somebody/secret project/x.csv"
    record |= {"command": f"hftk train {home}", "attention": [{"text": "a text of the data"}]}
    record["notices"] += [
        f"{tiny_csv}: read",
        "see /home/somebody/data/x.csv and https://a.org/b/c, 1/2 and/or C:\\a\\b",
    ]
    (gru / "run.json").write_text(json.dumps(record))
    manifest = contents(gru, merged=False)
    for path in paths(manifest):
        text = content(manifest, path).decode(errors="replace")
        for secret in (str(tiny_csv.parent), "/home/", "somebody", "a text of the data", str(gru.parent.parent)):
            assert secret not in text, path
    pushed = json.loads(content(manifest, "run.json"))
    assert pushed["data"]["path"] == "reviews.csv"
    assert pushed["notices"][-1] == "see x.csv and https://a.org/b/c, 1/2 and/or b"
    assert pushed["not_pushed"] == {
        "attention": "texts of the data",
        "command": "as it was typed on the machine that trained",
    }
    assert pushed["metrics"] == record["metrics"] and pushed["files"] == record["files"]


def test_the_recipe_says_what_it_needs_and_can_be_read(gru, tiny_csv, tmp_path):
    fingerprint = json.loads((gru / "run.json").read_text())["data"]["fingerprint"]
    recipe = content(contents(gru, merged=False), "recipe.yaml").decode()
    assert (
        f"# data.path: reviews.csv lay on the machine that trained, fingerprint of the rows and labels {fingerprint}."
        in (recipe)
    )
    (tmp_path / "recipe.yaml").write_text(recipe)
    [run] = read_sweep(tmp_path / "recipe.yaml", [f"data.path={tiny_csv}"]).runs
    assert run.recipe.output_dir == "runs" and run.recipe.data.path == str(tiny_csv)
    assert run.recipe.model.cell == "gru"


def test_what_publishes_is_not_in_the_recipe(gru):
    recipe = (gru / "recipe.yaml").read_text()
    recipe = recipe.replace("push: none", "push: best").replace("model_id: null", "model_id: me/private-name")
    (gru / "recipe.yaml").write_text(recipe.replace("project: hftk", "project: secret-project"))
    pushed = content(contents(gru, merged=False), "recipe.yaml").decode()
    assert "private-name" not in pushed and "secret-project" not in pushed and "push: none" in pushed


def test_data_and_model_of_the_hub_are_pinned(lora, tiny_csv):
    put_on_the_hub(lora, path="me/reviews", commit="2" * 40)
    recipe = (lora / "recipe.yaml").read_text().replace(str(tiny_csv), "me/reviews")
    (lora / "recipe.yaml").write_text(recipe)
    manifest = contents(lora, merged=True)
    pushed = content(manifest, "recipe.yaml").decode()
    assert f"revision: {json.dumps('2' * 40)}" in pushed and f"revision: {json.dumps('1' * 40)}" in pushed
    assert "lay on the machine" not in pushed
    card = ModelCard(content(manifest, "README.md").decode())
    assert card.data.datasets == ["me/reviews"] and card.data.base_model == "me/base"
    assert card.data.base_model_relation == "finetune"
    assert f"at revision `{'2' * 40}`" in card.text
    assert "--data" not in card.text


def test_an_adapter_goes_up_alone(lora):
    put_on_the_hub(lora)
    manifest = contents(lora, merged=False, model_id="me/lora")
    assert paths(manifest) == sorted([*COMMON, *TOKENIZER, "adapter_config.json", "adapter_model.safetensors"])
    assert left_out(manifest)["model/model.safetensors"] == (
        "the merged model; the adapter alone goes up (--merged pushes this)"
    )
    card = ModelCard(content(manifest, "README.md").decode())
    assert card.data.library_name == "peft" and card.data.base_model_relation == "adapter"
    assert (
        "AutoPeftModelForSequenceClassification" in card.text
        and "An adapter (LORA, by PEFT) for [me/base]" in card.text
    )


def test_or_merged(lora):
    manifest = contents(lora, merged=True)
    assert paths(manifest) == sorted([*COMMON, *TOKENIZER, "model.safetensors"])
    assert left_out(manifest)["model/adapter/adapter_config.json"] == "merged into the model"
    assert ModelCard(content(manifest, "README.md").decode()).data.library_name == "transformers"


def test_an_adapter_without_its_base_model_is_refused(lora):
    with pytest.raises(
        HubError, match="an adapter is of no use without its base model, and tiny_bert0? is not on the Hub"
    ):
        contents(lora, merged=False)


def test_what_does_not_belong_stays(gru, tmp_path):
    (tmp_path / "outside.json").write_text("{}")
    (gru / "model" / "linked.json").symlink_to(tmp_path / "outside.json")
    (gru / "model" / "training_args.bin").write_bytes(b"pickle")
    (gru / "model" / ".env").write_text("TOKEN=1")
    (gru / "model" / "notes.docx").write_text("x")
    (gru / "wandb" / "run-1").mkdir(parents=True)
    (gru / "wandb" / "run-1" / "log").write_text("12345")
    (gru / "checkpoints").mkdir()
    (gru / "mine").mkdir()
    (gru / "notes.txt").write_text("x")
    before = paths(contents(gru, merged=False))
    left = contents(gru, merged=False)
    assert paths(left) == before
    assert {"linked.json", "training_args.bin", ".env"}.isdisjoint(before)
    reasons = left_out(left)
    assert reasons["model/linked.json"] == "a link to elsewhere"
    assert reasons["model/training_args.bin"].startswith("a pickle, which can hold code")
    assert reasons["model/.env"] == "hidden"
    assert reasons["model/notes.docx"] == "no file of a model"
    assert reasons["wandb/"] == "a tracker's files"
    assert reasons["checkpoints/"].startswith("for going on with the training")
    assert reasons["mine/"] == "a folder that hftk does not write" and reasons["notes.txt"].startswith(
        "a file that hftk"
    )
    assert {one.path: one.size for one in left.left_out}["wandb/"] == 5


def test_code_goes_up_with_architectures_of_ours_only(lora):
    (lora / "model" / "evil.py").write_text("raise SystemExit")
    assert left_out(contents(lora, merged=True))["model/evil.py"] == "code that the model does not need"


def test_runs_that_are_not_finished_or_not_whole(gru, tmp_path):
    with pytest.raises(HubError, match="run.json cannot be read, so it is not known whether the run was finished"):
        contents(tmp_path, merged=False)
    weights = gru / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(HubError, match=r"the run .* is damaged: model/model.safetensors has [\d,]+ bytes"):
        contents(gru, merged=False)
    record = json.loads((gru / "run.json").read_text()) | {"status": "failed", "reason": "nan"}
    (gru / "run.json").write_text(json.dumps(record))
    with pytest.raises(
        HubError,
        match=r"the run .* is not finished but failed \(nan\): it has no model yet; give its hftk train command again",
    ):
        contents(gru, merged=False)


def test_a_recipe_of_another_version(gru):
    (gru / "recipe.yaml").write_text("name: x\n")
    with pytest.raises(HubError, match="no recipe of this version of hftk"):
        contents(gru, merged=False)


def test_laid_out(gru, tmp_path):
    manifest = contents(gru, merged=False)
    lay_out(manifest, tmp_path / "out")
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*"))
    assert found == paths(manifest)
    assert all((tmp_path / "out" / path).read_bytes() == content(manifest, path) for path in found)


def test_results_for_leaderboards_of_whole_test_splits_only(lora, tiny_csv):
    put_on_the_hub(lora, path="me/reviews", commit="2" * 40)
    recipe = (lora / "recipe.yaml").read_text().replace(str(tiny_csv), "me/reviews")
    (lora / "recipe.yaml").write_text(recipe)
    assert ".eval_results/hftk.yaml" not in paths(contents(lora, merged=True)), "hftk drew that test split itself"
    named = recipe.replace("splits: null", "splits: {train: train, validation: 0.1, test: test}")
    (lora / "recipe.yaml").write_text(named)
    manifest = contents(lora, merged=True)
    from huggingface_hub import parse_eval_result_entries
    from ruamel.yaml import YAML

    [entry] = parse_eval_result_entries(YAML(typ="safe").load(content(manifest, ".eval_results/hftk.yaml")))
    record = json.loads((lora / "run.json").read_text())
    assert (entry.dataset_id, entry.task_id, entry.dataset_revision) == ("me/reviews", "default", "2" * 40)
    assert entry.value == record["metrics"]["test_accuracy"]
    assert entry.notes == "accuracy on the split test, 15 rows"
    record["data"]["rows_before"]["test"] = 16
    (lora / "run.json").write_text(json.dumps(record))
    assert ".eval_results/hftk.yaml" not in paths(contents(lora, merged=True))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("~/data/x.csv is short", "x.csv is short"),
        ("../data/mine.csv: 3 rows", "mine.csv: 3 rows"),
        ("one/two of them", "one/two of them"),
        ("nyu-mll/glue at /", "nyu-mll/glue at /"),
        ("(/a/b.csv)", "(b.csv)"),
    ],
)
def test_paths_become_their_last_part(text, plain):
    pushed = json.loads(pushed_record({"notices": [text]}, paths={"data.path": "../data/mine.csv"}))
    assert pushed == {"notices": [plain]}


def test_old_cards_of_base_and_data_are_heard(lora, tiny_csv, tmp_path, monkeypatch):
    from huggingface_hub import constants

    put_on_the_hub(lora, path="me/reviews", commit="2" * 40)
    recipe = (lora / "recipe.yaml").read_text().replace(str(tiny_csv), "me/reviews")
    (lora / "recipe.yaml").write_text(recipe)
    cards = {
        f"models--me--base/snapshots/{'1' * 40}": "---\nlicense: mit\nlanguage: xx\n---\n",
        f"datasets--me--reviews/snapshots/{'2' * 40}": "---\nlicense: gpl\nlanguage: [ko]\n---\n",
    }
    for folder, text in cards.items():
        (tmp_path / "hub" / folder).mkdir(parents=True)
        (tmp_path / "hub" / folder / "README.md").write_text(text)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    data = ModelCard(content(contents(lora, merged=True), "README.md").decode()).data
    assert (data.license, data.language) == ("mit", ["ko"])
    shutil.rmtree(tmp_path / "hub")
    data = ModelCard(content(contents(lora, merged=True), "README.md").decode()).data
    assert (data.license, data.language) == (None, None), "nothing is guessed"
