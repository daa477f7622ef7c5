import pytest

from hftk.errors import DataError, RecipeError
from hftk.recipe import read_sweep
from hftk.sweep.checking import checked_lines


@pytest.fixture
def recipe(tiny_bert, tiny_csv, tmp_path, monkeypatch) -> dict:
    monkeypatch.setenv("HFTK_CACHE", str(tmp_path / "cache"))
    return {
        "name": "grid",
        "output_dir": str(tmp_path / "runs"),
        "data": {"path": str(tiny_csv), "max_length": 8},
        "model": {"pretrained": str(tiny_bert)},
        "training": {"per_device_train_batch_size": 32, "use_cpu": True},
        "sweep": {"parameters": {"training.learning_rate": {"values": [1e-3, 1e-2]}}},
    }


def test_counts_runs_and_what_the_model_sees(recipe, tiny_csv, tmp_path):
    lines = checked_lines(read_sweep(recipe))
    assert lines[0] == "grid: 2 runs to train, 24 steps in all, on cpu"
    assert lines[1].startswith("rows: train 120, validation 15, test 15; 2 classes; longer than 8 tokens and cut: ")
    start = lines.index("runs:")
    assert lines[start + 1 : start + 3] == ["  learning_rate=0.001", "  learning_rate=0.01"]
    assert "train: 120 rows" in lines
    assert "  classes: neg 60 (50.0 %), pos 60 (50.0 %)" in lines
    found = lines[lines.index("found in the data:") + 1 :]
    assert found[0].endswith(" are longer than 8 tokens and lose what follows; see data.max_length")
    assert found[1].startswith("  vocabulary: "), "nothing else is wrong with them"
    seen = lines[lines.index("the first rows of train as the model sees them (at most 8 tokens):") + 1 :]
    assert len(seen) == 4
    first = tiny_csv.read_text().splitlines()[1]  # "<text>,<label>"
    text, label = first.split(",")
    assert seen[0].startswith(f"  {label}: [CLS] {' '.join(text.split()[:3])}")
    assert seen[0].endswith("[SEP]")
    assert not (tmp_path / "runs").exists(), "nothing is trained or written"


def test_what_is_odd_in_the_data(recipe, tmp_path):
    words = [f"{first} {second} film" for first in ("good", "bad", "very") for second in ("plot", "actor", "scene")]
    for name, rows in {
        "train": words * 4,
        "validation": [*words, "bad plot film too"],
        "test": ["the scene"] * 8,
    }.items():
        lines = [f"{text},{'neg' if text.startswith('bad') else 'pos'}" for text in rows]
        lines[-1] = lines[-1].split(",")[0] + ",neg"
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / f"{name}.csv").write_text("\n".join(["text,label", *lines]))
    recipe["data"] = {"path": str(tmp_path / "set"), "max_length": 5}
    lines = checked_lines(read_sweep(recipe))
    start = lines.index("found in the data:")
    found = lines[start + 1 : lines.index("", start)]
    assert (
        found[0]
        == "  10 % of the rows of validation are longer than 5 tokens and lose what follows; see data.max_length"
    )
    assert found[1].startswith("  9 of 10 rows of validation also occur in train, 9 of them with at most 5 words: ")
    assert found[2].startswith(
        "  2 texts occur with different labels, in 4 rows of train, 1 row of validation and 8 rows "
    )
    assert found[3] == "  rows that repeat an earlier row of their own split: 27 of 36 of train and 7 of 8 of test"
    assert found[4].startswith("  vocabulary: ") and len(found) == 6


def test_runs_of_different_data_are_told_apart(recipe):
    recipe["sweep"] = {
        "parameters": {"data.limit": {"values": [20, 30]}, "training.learning_rate": {"values": [1e-3, 1e-2]}}
    }
    lines = checked_lines(read_sweep(recipe))
    headings = [line for line in lines if line.startswith("the data of ")]
    assert len(headings) == 2 and all(heading.endswith(" and 1 more:") for heading in headings)
    assert "train: 20 of 120 rows" in lines and "train: 30 of 120 rows" in lines
    assert lines.count("the first rows of train as the model sees them (at most 8 tokens):") == 2


def test_bad_rows_stop_it(recipe, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("text,label\n" + "\n".join(f"{'' if i == 3 else 'text'},{i % 2}" for i in range(40)))
    recipe["data"]["path"] = str(path)
    with pytest.raises(DataError, match="on_bad_rows"):
        checked_lines(read_sweep(recipe))


def test_every_problem_of_the_second_phase_is_told_at_once(recipe):
    recipe["model"]["hiden_size"] = 3
    recipe["peft"] = {"peft_type": "LORA", "rr": 8}
    recipe["training"]["fp16"] = True
    with pytest.raises(RecipeError) as caught:
        checked_lines(read_sweep(recipe))
    told = caught.value.problems
    assert any("peft.rr: not a field of LoraConfig" in line for line in told)
    assert any("model.hiden_size: not a field of BertConfig; did you mean hidden_size?" in line for line in told)
    assert any(line.startswith("recipe: training.fp16: needs a GPU and none is used here") for line in told)
    assert len(told) == len(set(told)) == 3, told


def test_a_weight_for_a_label_that_the_data_do_not_have(recipe):
    recipe["class_weights"] = {"positive": 2.0}
    with pytest.raises(RecipeError, match="recipe: class_weights.positive: not a label of the data; allowed: neg, pos"):
        checked_lines(read_sweep(recipe))
