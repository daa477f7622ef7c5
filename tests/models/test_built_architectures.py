"""From a recipe's keys to an architecture's config, model and folder."""

import ast
import json
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, set_seed

import hftk.models
from hftk.errors import RecipeError
from hftk.models._architectures import architecture_config, build_model, model_class, save_with_source
from hftk.recipe.architectures import architectures, settings_of, tasks_of

TEXTS, TAGGING, IMAGES = "text-classification", "token-classification", "image-classification"
LABELS = ["부정", "중립", "긍정"]
PAIRS = [(architecture, task) for architecture in architectures() for task in tasks_of(architecture)]
SOURCES = Path(hftk.models.__file__).parent


def config_of(architecture="rnn", *, task=TEXTS, decided=None, max_length=20, **settings):
    decided = {"vocab_size": 9} if decided is None and task != IMAGES else decided or {"image_size": [5, 6]}
    length = None if task == IMAGES else max_length
    return architecture_config(architecture, task=task, settings=settings, decided=decided, max_length=length)


def small(architecture, task):
    known = settings_of(architecture).model_fields
    return config_of(architecture, task=task, **({"hidden_size": 8} if "hidden_size" in known else {}))


def build(config, *, architecture="rnn", task=TEXTS, seed=0, **options):
    set_seed(seed)
    return build_model(architecture, task=task, config=config, labels=LABELS, **options).model


def batch(task):
    if task == IMAGES:
        return {"pixel_values": torch.zeros(2, 1, 5, 6)}
    return {"input_ids": torch.tensor([[3, 4], [5, 0]]), "attention_mask": torch.tensor([[1, 1], [1, 0]])}


# config


def test_settings_and_what_the_data_decide():
    config = config_of(decided={"vocab_size": 9, "pad_token_id": 0, "embedding_size": 7}, cell="gru", dropout=0)
    assert (config.vocab_size, config.embedding_size, config.cell, config.dropout) == (9, 7, "gru", 0)
    assert config.hidden_size == settings_of("rnn")().hidden_size
    assert config_of(task=IMAGES, decided={"image_size": [5, 6], "num_channels": 3}).num_channels == 3


@pytest.mark.parametrize(
    ("architecture", "task", "settings", "message"),
    [
        (
            "transformer",
            TEXTS,
            {"num_attention_heads": 3, "hidden_size": 20},
            "num_attention_heads: 3 does not divide hidden_size 20; allowed: 1, 2, 4, 5, 10, 20",
        ),
        (
            "transformer",
            IMAGES,
            {"num_attention_heads": 3, "hidden_size": 20},
            "num_attention_heads: 3 does not divide hidden_size 20; allowed: 1, 2, 4, 5, 10, 20",
        ),
        ("transformer", TEXTS, {"hidden_dropout_prob": 1.0}, "hidden_dropout_prob: 1.0; allowed: from 0 to below 1"),
        ("rnn", TEXTS, {"hidden_size": 0}, "hidden_size: 0; allowed: 1 or more"),
        ("rnn", TAGGING, {"num_layers": -1}, "num_layers: -1; allowed: 1 or more"),
        ("rnn", IMAGES, {"dropout": 1}, "dropout: 1; allowed: from 0 to below 1"),
        ("rnn", TEXTS, {"embedding_size": 0}, "embedding_size: 0; allowed: 1 or more"),
        ("rnn", TEXTS, {"pooling": []}, "pooling: []; allowed: one name, or a list of different names"),
        (
            "rnn",
            TEXTS,
            {"pooling": ["max", "max"]},
            "pooling: ['max', 'max']; allowed: one name, or a list of different names",
        ),
        ("rnn", TAGGING, {"head_hidden_sizes": [8, 0]}, "head_hidden_sizes: [8, 0]; allowed: 1 or more"),
        ("cnn_lstm", TEXTS, {"kernel_sizes": []}, "kernel_sizes: []; allowed: at least one number"),
        ("cnn_lstm", TEXTS, {"kernel_sizes": [0]}, "kernel_sizes: [0]; allowed: 1 or more"),
        ("attention", TEXTS, {"attention_size": 0}, "attention_size: 0; allowed: 1 or more"),
        ("attention", TAGGING, {}, "architecture: attention has no class …ForTokenClassification"),
    ],
)
def test_what_config_or_model_refuse_names_the_field(architecture, task, settings, message):
    with pytest.raises(RecipeError) as raised:
        config_of(architecture, task=task, **settings)
    assert raised.value.problems == [f"model.{message}"]


def test_no_memory_is_taken_to_check_a_model():
    config = config_of(hidden_size=8, decided={"vocab_size": 10**9, "embedding_size": 10**4})
    assert config.vocab_size == 10**9


@pytest.mark.parametrize("pooling", ["flatten", ["flatten", "max"]])
def test_flatten_knows_the_longest_text(pooling):
    assert config_of(pooling=pooling).max_position_embeddings == 20
    assert config_of(pooling=pooling, max_position_embeddings=7).max_position_embeddings == 7
    assert config_of(pooling="max").max_position_embeddings is None
    assert config_of(task=IMAGES, pooling=pooling).max_position_embeddings is None
    model = build(config_of(pooling=pooling, hidden_size=4, embedding_size=3))
    ids = torch.full((1, 20), 3)
    assert model(input_ids=ids).logits.shape == (1, 3)
    with pytest.raises(ValueError, match="a text of 21 tokens is longer than max_position_embeddings 20"):
        model(input_ids=torch.full((1, 21), 3))


# model


@pytest.mark.parametrize(("architecture", "task"), PAIRS)
def test_labels_are_named_both_ways(architecture, task):
    model = build(small(architecture, task), architecture=architecture, task=task)
    assert type(model) is model_class(architecture, task)
    assert model.config.num_labels == 3
    assert model.config.id2label == {0: "부정", 1: "중립", 2: "긍정"}
    assert model.config.label2id == {"부정": 0, "중립": 1, "긍정": 2}
    assert model(**batch(task)).logits.shape[-1] == 3


@pytest.mark.parametrize(("architecture", "task"), PAIRS)
def test_weights_are_a_function_of_the_seed(architecture, task):
    config = small(architecture, task)
    one, again, other = (build(config, architecture=architecture, task=task, seed=seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), again.parameters(), strict=True))
    assert not torch.equal(last(one), last(other))


def last(model):
    """The classification layer's weight."""
    return [parameter for parameter in model.parameters() if parameter.ndim > 1][-1]


def test_runs_do_not_share_a_config():
    config = config_of(hidden_size=4)
    first, second = build(config), build(config)
    assert first.config is not config and first.config is not second.config
    first.config.id2label[0] = "changed"
    first.config.head_hidden_sizes.append(3)
    assert second.config.id2label[0] == "부정" and second.config.head_hidden_sizes == config.head_hidden_sizes == []
    assert config.num_labels == 2


@pytest.mark.parametrize("freeze", [True, False])
@pytest.mark.parametrize(("architecture", "task"), [pair for pair in PAIRS if pair[1] != IMAGES])
def test_vectors_are_loaded_and_frozen(architecture, task, freeze):
    config = architecture_config(
        architecture,
        task=task,
        settings={"hidden_size": 8},
        decided={"vocab_size": 9, "pad_token_id": 0, "embedding_size": 5},
        max_length=20,
    )
    vectors, ids = torch.randn(3, 5), torch.tensor([7, 2, 4])
    model = build(config, architecture=architecture, task=task, vectors=vectors, token_ids=ids, freeze=freeze)
    weight = model.get_input_embeddings().weight
    assert torch.equal(weight[ids], vectors) and not weight[0].any() and weight[5].any()
    assert weight.requires_grad is not freeze
    labels = torch.zeros((2,) if task == TEXTS else (2, 2), dtype=torch.long)
    model(**batch(task), labels=labels).loss.backward()
    assert (weight.grad is None) is freeze


# folder


def sources_of(architecture):
    """The architecture's file and, step by step, its siblings that it imports."""
    found, left = set(), [architecture]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            tree = ast.parse((SOURCES / f"{name}.py").read_text(encoding="utf-8"))
            left += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1]
    return {f"{name}.py" for name in found}


@pytest.mark.parametrize(("architecture", "task"), PAIRS)
def test_the_folder_holds_what_it_needs_and_no_more(architecture, task, tmp_path):
    model = build(small(architecture, task), architecture=architecture, task=task)
    save_with_source(model, tmp_path)
    files = {path.name for path in tmp_path.iterdir() if path.name != "__pycache__"}
    assert files == {"config.json", "model.safetensors"} | sources_of(architecture)
    for name in sources_of(architecture):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert text == (SOURCES / name).read_text(encoding="utf-8")
        assert "import hftk" not in text and "from hftk" not in text
    saved = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    suffix = {TEXTS: "SequenceClassification", TAGGING: "TokenClassification", IMAGES: "ImageClassification"}[task]
    assert set(saved["auto_map"]) == {"AutoConfig", f"AutoModelFor{suffix}"}
    assert saved["auto_map"][f"AutoModelFor{suffix}"] == f"{architecture}.{type(model).__name__}"
    config = AutoConfig.from_pretrained(tmp_path, trust_remote_code=True)
    assert config.id2label == dict(enumerate(LABELS))


def test_a_size_that_no_memory_holds_is_refused():
    with pytest.raises(RecipeError, match=r"model\..*overflow"):
        config_of(hidden_size=10**12)


def test_a_folder_of_ours_is_not_fine_tuned_and_its_code_not_run(tmp_path):
    from hftk.models._pretrained import load_config

    save_with_source(build(config_of()), tmp_path / "model")
    with pytest.raises(
        RecipeError, match="defined by code of its own, which this version does not run; name a model of"
    ):
        load_config(str(tmp_path / "model"), revision=None, overrides={})
