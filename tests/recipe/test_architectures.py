"""What a recipe may say of an architecture, a tokenizer and word vectors: read from the files, without torch."""

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from hftk.errors import RecipeError
from hftk.recipe import read_sweep
from hftk.recipe.architectures import (
    CLASS_SUFFIX,
    DECIDED,
    architectures,
    fields_without_effect,
    settings_of,
    tasks_of,
)

TEXTS, TAGGING, IMAGES = CLASS_SUFFIX
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with data and vectors to name."""
    for name in ("train.csv", "train.conllu", "glove.6B.50d.txt", "vectors/other.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recipe_for(task: str, *, model: object = None, **sections: object) -> dict:
    data = {
        TEXTS: {"path": "train.csv"},
        TAGGING: {"path": "train.conllu", "columns": {"tokens": 1, "tags": 3}},
        IMAGES: {"path": "builtin:digits"},
    }[task]
    given = {key: value for key, value in sections.items() if value is not None}
    return {"name": "x", "task": task, "data": data, "model": {"architecture": "rnn"} | (model or {})} | given


def told(task: str = TEXTS, **sections: object) -> list[str]:
    try:
        read_sweep(recipe_for(task, **sections))
    except RecipeError as error:
        return [problem.removeprefix("recipe: ") for problem in error.problems]
    return []


# the files against the classes in them


@pytest.fixture(scope="module", params=architectures())
def architecture(request: pytest.FixtureRequest) -> str:
    return request.param


def classes(architecture: str) -> dict[str, type]:
    module = importlib.import_module(f"hftk.models.{architecture}")
    return {name: cls for name, cls in inspect.getmembers(module, inspect.isclass) if cls.__module__ == module.__name__}


def test_the_fields_are_those_of_the_config_with_its_defaults(architecture: str) -> None:
    [config_class] = [cls for name, cls in classes(architecture).items() if name.endswith("Config")]
    config, settings = config_class(vocab_size=9), settings_of(architecture)()
    own = set(inspect.get_annotations(config_class)) - set(DECIDED) - {"model_type"}
    assert own == set(settings.model_fields_set | set(type(settings).model_fields))
    for name, value in settings.model_dump().items():
        if name != "intermediate_size":  # None: from the hidden size
            assert getattr(config, name) == value, name


def test_the_tasks_are_those_of_the_model_classes(architecture: str) -> None:
    names = list(classes(architecture))
    assert tasks_of(architecture) == [
        task for task, suffix in CLASS_SUFFIX.items() if any(name.endswith(suffix) for name in names)
    ]
    for task in tasks_of(architecture):
        [model] = [cls for name, cls in classes(architecture).items() if name.endswith(CLASS_SUFFIX[task])]
        assert fields_without_effect(architecture, task) == set(model.fields_without_effect)


def test_its_default_is_a_recipe_for_each_of_its_tasks(architecture: str) -> None:
    for task in CLASS_SUFFIX:
        problems = told(task, model={"architecture": architecture})
        if task in tasks_of(architecture):
            assert problems == []
        else:
            assert problems[0].startswith(f"model.architecture: {architecture} does not do {task}; allowed: ")


def test_every_default_may_be_written_out(architecture: str) -> None:
    for task in tasks_of(architecture):
        settings = settings_of(architecture)().model_dump()
        kept = {key: value for key, value in settings.items() if key not in fields_without_effect(architecture, task)}
        assert told(task, model={"architecture": architecture, **kept}) == []


# the model


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"architecture": "rn"}, 'architecture: no architecture "rn"; did you mean rnn? (allowed: attention, cnn_lstm'),
        ({"architecture": "_head"}, 'architecture: no architecture "_head"; allowed: attention, cnn_lstm, rnn, trans'),
        ({"pretrained": "bert-base-uncased"}, "architecture: together with pretrained; a model is one or the other"),
        (
            {"revision": "main"},
            "revision: has no effect on an architecture, which is trained from its start; take it out",
        ),
        ({"hiden_size": 3}, "hiden_size: no field of rnn; did you mean hidden_size? (allowed: embedding_size, embed"),
        ({"zzz": 3}, "zzz: no field of rnn; allowed: embedding_size, embedding_dropout, word_dropout, cell, hidden_s"),
        ({"num_attention_heads": 4}, "num_attention_heads: no field of rnn"),
        ({"output_attentions": True}, "output_attentions: no field of rnn"),
        ({"hidden_size": "64"}, 'hidden_size: must be a whole number, not "64"; take the quotes away'),
        ({"hidden_size": 1.5}, "hidden_size: must be a whole number, not 1.5"),
        ({"hidden_size": True}, "hidden_size: must be a whole number, not true"),
        ({"hidden_size": None}, "hidden_size: must be a whole number, not null; take the key out, or fill it"),
        ({"bidirectional": 1}, "bidirectional: must be true or false, not 1"),
        ({"dropout": "half"}, 'dropout: must be a number, not "half"'),
        ({"cell": "grru"}, 'cell: "grru" is none of its values; did you mean gru? (allowed: rnn, lstm, gru)'),
        ({"cell": None}, "cell: null is none of its values; allowed: rnn, lstm, gru"),
        ({"pooling": "maxx"}, 'pooling: "maxx" is none of its values; did you mean max? (allowed: last, mean, max'),
        ({"pooling": 3}, "pooling: 3 is none of its values; allowed: last, mean, max, attention, flatten"),
        ({"pooling": ["max", "x"]}, 'pooling.1: "x" is none of its values; allowed: last, mean, max, attention'),
        ({"head_hidden_sizes": 512}, "head_hidden_sizes: must be a list, not 512; write [512]"),
        ({"head_hidden_sizes": [1.5]}, "head_hidden_sizes.0: must be a whole number, not 1.5"),
        ({"vocab_size": 3}, "vocab_size: the tokenizer decides it; take it out"),
        ({"pad_token_id": 0}, "pad_token_id: the tokenizer decides it; take it out"),
        ({"unk_token_id": 0}, "unk_token_id: the tokenizer decides it; take it out"),
        ({"image_size": [8, 8]}, "image_size: the images of the data decide it; take it out"),
        ({"num_channels": 1}, "num_channels: the images of the data decide it; take it out"),
        ({"num_labels": 2}, "num_labels: the labels of the data decide it; take it out"),
        ({"id2label": {0: "a"}}, "id2label: the labels of the data decide it, and data.label_names their names; take"),
        ({"architectures": ["X"]}, "architectures: task decides it; take it out"),
        ({"problem_type": "regression"}, "problem_type: task decides it (multi-label and regression are not supp"),
    ],
)
def test_what_is_wrong_with_a_model(model: dict, expected: str) -> None:
    problems = told(model=model)
    assert len(problems) == 1 and problems[0].startswith(f"model.{expected}"), problems


@pytest.mark.parametrize("architecture", ["rnn", "transformer"])
@pytest.mark.parametrize(
    ("task", "field", "value"),
    [
        (TAGGING, "pooling", "max"),
        (IMAGES, "embedding_size", 10),
        (IMAGES, "embedding_dropout", 0.1),
        (IMAGES, "word_dropout", 0.1),
        (IMAGES, "max_position_embeddings", 64),
    ],
)
def test_fields_without_effect_on_the_task(architecture: str, task: str, field: str, value: object) -> None:
    assert told(task, model={"architecture": architecture, field: value}) == [
        f"model.{field}: has no effect on {task}; take it out"
    ]
    assert told(TEXTS, model={"architecture": architecture, field: value}) == []


def test_all_problems_of_a_model_are_told_at_once() -> None:
    problems = told(model={"hiden_size": 3, "cell": "x", "vocab_size": 3}, embeddings={"method": "file"})
    assert sorted(problem.split(":")[0] for problem in problems) == [
        "embeddings.path",
        "model.cell",
        "model.hiden_size",
        "model.vocab_size",
    ]


def test_no_model_at_all() -> None:
    recipe = recipe_for(TEXTS) | {"model": {"hidden_size": 3}}
    with pytest.raises(RecipeError, match="model.architecture: attention | cnn_lstm | rnn | transformer"):
        read_sweep(recipe)
    with pytest.raises(RecipeError, match=r"model\.architectur: unknown key; did you mean architecture\?"):
        read_sweep(recipe | {"model": {"architectur": "rnn"}})


# beside the model


def test_an_architecture_has_nothing_to_adapt() -> None:
    assert told(peft={"peft_type": "LORA"}) == [
        "peft: has no effect here: PEFT adapts pretrained weights, and rnn begins without any; take it out"
    ]


def test_images_have_no_words() -> None:
    assert told(IMAGES, tokenizer={"type": "word"}) == ["tokenizer: has no effect on images; take it out"]
    assert told(IMAGES, embeddings={"method": "word2vec"}) == ["embeddings: has no effect on images; take it out"]
    assert told(IMAGES, model={"architecture": None, "pretrained": "bert-base-uncased"}) == [
        "model.pretrained: images are read by an architecture only; write model.architecture: rnn"
    ]


@pytest.mark.parametrize("task", [TEXTS, IMAGES])
@pytest.mark.parametrize("metric", ["entity_precision", "entity_recall", "entity_f1"])
def test_entities_are_found_in_tagged_sentences_only(task: str, metric: str) -> None:
    assert told(task, metrics=["accuracy", metric]) == [f"metrics.1: {metric} is for token-classification; take it out"]
    assert told(TAGGING, metrics=["accuracy", metric]) == []


@pytest.mark.parametrize(
    ("tokenizer", "expected"),
    [
        ({"type": "wrd"}, 'type: "wrd" is none of its values; did you mean word? (allowed: word, wordpiece, bpe, uni'),
        (
            {"typ": "word"},
            "typ: unknown key; did you mean type? (allowed: type, lowercase, split, min_count, max_vocab)",
        ),
        ({"max_vocab": 2}, "max_vocab: must be 3 or greater, not 2"),
        ({"min_count": 0}, "min_count: must be 1 or greater, not 0"),
        ({"lowercase": "yes"}, 'lowercase: must be true or false, not "yes"; write true, without quotes'),
        ({"split": "spaces"}, 'split: "spaces" is none of its values; did you mean whitespace? (allowed: '),
        ({"type": "unigram", "min_count": 3}, "min_count: has no effect on unigram, which keeps the likeliest pieces"),
    ],
)
def test_what_is_wrong_with_a_tokenizer(tokenizer: dict, expected: str) -> None:
    for task in (TEXTS, TAGGING):
        problems = told(task, tokenizer=tokenizer)
        assert len(problems) == 1 and problems[0].startswith(f"tokenizer.{expected}"), problems


@pytest.mark.parametrize(
    ("embeddings", "expected"),
    [
        ({"method": "glove"}, ['method: "glove" is none of its values; allowed: word2vec, fasttext, file']),
        ({"vector_size": 3}, ["method: missing; needed here"]),
        ({"method": "file"}, ["path: missing; the file with the vectors, such as glove.6B.100d.txt"]),
        (
            {"method": "file", "path": "glove.6B.50.txt"},
            ['path: "glove.6B.50.txt": no such file; did you mean glove.6B.50d.txt?'],
        ),
        ({"method": "file", "path": "vectors"}, ['path: "vectors": is a folder; name the file in it']),
        (
            {"method": "file", "path": "vectors/other.txt", "window": 3, "sg": 1},
            [
                "sg: has no effect on vectors from a file; take it out",
                "window: has no effect on vectors from a file; take it out",
            ],
        ),
        (
            {"method": "word2vec", "path": "glove.6B.50d.txt"},
            ["path: has no effect with method word2vec; write method: file"],
        ),
        (
            {"method": "word2vec", "min_n": 2, "max_n": 9, "bucket": 100},
            [f"{key}: has no effect on word2vec; it is for method: fasttext" for key in ("bucket", "max_n", "min_n")],
        ),
        ({"method": "fasttext", "min_n": 7}, ["min_n: 7 is more than max_n 6"]),
        ({"method": "word2vec", "alpha": 0}, ["alpha: must be greater than 0, not 0"]),
        ({"method": "word2vec", "alpha": 0.3}, ["alpha: must be at most 0.2, not 0.3"]),
        ({"method": "word2vec", "sample": -1}, ["sample: must be 0 or greater, not -1"]),
        ({"method": "word2vec", "workers": 0}, ["workers: must be 1 or greater, not 0"]),
        ({"method": "word2vec", "freeze": 1}, ["freeze: must be true or false, not 1"]),
    ],
)
def test_what_is_wrong_with_embeddings(embeddings: dict, expected: list[str]) -> None:
    assert told(embeddings=embeddings) == [f"embeddings.{message}" for message in expected]


def test_a_misspelt_key_of_embeddings() -> None:
    [problem] = told(embeddings={"method": "word2vec", "vector_sise": 3})
    assert problem.startswith("embeddings.vector_sise: unknown key; did you mean vector_size? (allowed: method, path")


def test_the_vectors_decide_their_size() -> None:
    assert told(model={"embedding_size": 50}) == []
    assert told(model={"embedding_size": 50}, embeddings={"method": "word2vec"}) == [
        "model.embedding_size: the embeddings decide it; take it out"
    ]


def test_every_default_of_tokenizer_and_embeddings_may_be_written_out() -> None:
    """As `hftk show` writes them."""
    from hftk.recipe.schema import Embeddings, Tokenizer

    assert told(tokenizer=Tokenizer(type="unigram").model_dump()) == []
    for method in ("word2vec", "fasttext"):
        assert told(embeddings=Embeddings(method=method).model_dump()) == []
    assert told(embeddings=Embeddings(method="file", path="glove.6B.50d.txt").model_dump()) == []


# sweeps


def test_a_sweep_over_kinds_of_models() -> None:
    """Each setting is judged by itself; what a whole `model` replaces has no part in it."""
    runs = [
        {"model": {"pretrained": "bert-base-uncased"}},
        {"model": {"architecture": "cnn_lstm", "pooling": "global"}, "tokenizer": {"type": "bpe"}},
        {"model.cell": "gru", "embeddings": {"method": "word2vec"}},
    ]
    plan = read_sweep(recipe_for(TEXTS, sweep={"method": "list", "runs": runs}))
    assert [run.recipe.model.architecture for run in plan.runs] == [None, "cnn_lstm", "rnn"]
    assert [run.recipe.embeddings is None for run in plan.runs] == [True, True, False]


def test_a_wrong_setting_of_a_sweep_is_told_with_its_place(folder: Path) -> None:
    (folder / "r.yaml").write_text(
        """name: x
data: {path: train.csv}
model: {architecture: rnn}
sweep:
  parameters:
    model.cell:
      values:
        - gru
        - grru
"""
    )
    with pytest.raises(RecipeError) as raised:
        read_sweep("r.yaml")
    [problem] = raised.value.problems
    assert problem.startswith('r.yaml:9: model.cell: "grru" is none of its values; did you mean gru?')


# phase one is quick


def test_nothing_heavy_is_imported() -> None:
    recipe = recipe_for(TEXTS, embeddings={"method": "fasttext"}, tokenizer={"type": "bpe"})
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1])\n"
        "from hftk.recipe import read_sweep; from hftk.recipe.showing import show\n"
        "for recipe in json.loads(sys.argv[2]): read_sweep(recipe); show(recipe)\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    recipes = json.dumps([recipe, recipe_for(TAGGING), recipe_for(IMAGES, model={"architecture": "transformer"})])
    done = subprocess.run([sys.executable, "-c", code, str(ROOT), recipes], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    heavy = {"torch", "transformers", "datasets", "tokenizers", "gensim", "pandas", "pyarrow", "sklearn", "PIL", "peft"}
    assert not heavy & set(json.loads(done.stdout))


def test_a_default_that_is_written_out_asks_for_the_same_run() -> None:
    from hftk.sweep.record import identity

    recipe = {"name": "x", "data": {"path": "builtin:docstrings"}, "model": {"architecture": "rnn"}}
    written = [{}, {"model.cell": "lstm"}, {"tokenizer": {"split": "punctuation"}}, {"model.pooling": "last"}]
    plan = read_sweep({**recipe, "sweep": {"method": "list", "runs": written}})
    assert len(plan.runs) == 1
    assert any("4 runs became 1 distinct one" in notice for notice in plan.notices)

    def known_by(**sections: dict) -> str:
        [run] = read_sweep({**recipe, **sections}).runs
        return identity(run.recipe, data_fingerprint="d", model_fingerprint="m", world_size=1)

    assert known_by() == known_by(tokenizer={"type": "word"}) == known_by(model={"architecture": "rnn", "cell": "lstm"})
    assert known_by() != known_by(model={"architecture": "rnn", "cell": "gru"})


def test_vectors_of_a_file_count_by_their_content(tmp_path: Path) -> None:
    from hftk.sweep.record import identity

    def known_by(path: Path, digest: str) -> str:
        path.touch()
        recipe = {"name": "x", "data": {"path": "builtin:docstrings"}, "model": {"architecture": "rnn"}}
        [run] = read_sweep({**recipe, "embeddings": {"method": "file", "path": str(path)}}).runs
        return identity(run.recipe, data_fingerprint="d", model_fingerprint=digest, world_size=1)

    assert known_by(tmp_path / "a.txt", "m") == known_by(tmp_path / "b.txt", "m") != known_by(tmp_path / "a.txt", "n")
