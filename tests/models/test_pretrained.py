"""Pretrained encoders: where they come from, what their config may be told, how their head is drawn."""

import pytest
import torch
from transformers import AutoModelForSequenceClassification, BertConfig, ByT5Tokenizer, RobertaConfig, set_seed

from hftk.errors import RecipeError, RunError
from hftk.models._pretrained import load_config, load_model, load_tokenizer, longest_input, resolve_source


def model_with(folder, *, labels=("neg", "pos"), seed=0, task="text-classification", **overrides):
    set_seed(seed)
    return load_model(str(folder), task=task, revision=None, config_overrides=overrides, labels=labels)


def tokenizer_of(folder, *, task="text-classification"):
    return load_tokenizer(str(folder), task=task, revision=None)


def test_the_config_carries_the_label_names_both_ways(tiny_bert):
    config = model_with(tiny_bert, labels=["부정", "중립", "긍정"]).model.config
    assert config.id2label == {0: "부정", 1: "중립", 2: "긍정"}
    assert config.label2id == {"부정": 0, "중립": 1, "긍정": 2}
    assert config.num_labels == 3
    assert config.problem_type == "single_label_classification"


def test_the_head_is_a_function_of_the_seed(tiny_bert):
    def head(seed):
        return model_with(tiny_bert, seed=seed).model.classifier.weight

    torch.testing.assert_close(head(1), head(1))
    assert not torch.equal(head(1), head(2))


def test_only_the_head_is_new(tiny_bert):
    assert model_with(tiny_bert).new_modules == ["classifier"]


def test_weights_are_float32_even_from_a_bfloat16_checkpoint(tiny_bert, tmp_path):
    model_with(tiny_bert).model.to(torch.bfloat16).save_pretrained(tmp_path)
    model = model_with(tmp_path).model
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_a_head_for_other_labels_is_replaced(tiny_bert, tmp_path):
    model_with(tiny_bert, labels=["a", "b", "c"]).model.save_pretrained(tmp_path)
    loaded = model_with(tmp_path, labels=["a", "b"])
    assert loaded.model.classifier.weight.shape == (2, 32)
    assert loaded.new_modules == ["classifier"]


def test_an_encoder_weight_of_another_shape_is_refused(tiny_bert):
    with pytest.raises(RunError, match=r"word_embeddings.weight have another shape in the checkpoint than the config"):
        model_with(tiny_bert, vocab_size=7)


def test_further_keys_override_the_config(tiny_bert):
    config = load_config(str(tiny_bert), revision=None, overrides={"hidden_dropout_prob": 0.3})
    assert config.hidden_dropout_prob == 0.3


def test_every_wrong_config_key_is_told_at_once(tiny_bert):
    with pytest.raises(RecipeError) as raised:
        load_config(
            str(tiny_bert), revision=None, overrides={"hiden_dropout_prob": 0.3, "num_labels": 3, "no_such_thing": 1}
        )
    assert raised.value.problems == [
        "model.hiden_dropout_prob: not a field of BertConfig; did you mean hidden_dropout_prob?",
        "model.num_labels: decided by the data's labels; take it out of the recipe",
        "model.no_such_thing: not a field of BertConfig",
    ]


def test_a_config_value_of_another_type_is_refused(tiny_bert):
    with pytest.raises(RecipeError, match=r"model.hidden_dropout_prob: 'high' is refused by BertConfig"):
        load_config(str(tiny_bert), revision=None, overrides={"hidden_dropout_prob": "high"})


def test_a_package_s_model_is_found_without_importing_it(tmp_path, monkeypatch, tiny_bert):
    package = tmp_path / "weights_inside"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "model").symlink_to(tiny_bert)
    monkeypatch.syspath_prepend(tmp_path)
    assert resolve_source("package:weights_inside/model") == str(package / "model")
    with pytest.raises(RecipeError, match="package 'weights_inside' holds no other/config.json"):
        resolve_source("package:weights_inside/other")


def test_a_package_that_is_not_installed_is_named():
    with pytest.raises(RecipeError, match="no Python package 'no_such_package' is installed"):
        resolve_source("package:no_such_package/model")


def test_a_model_that_cannot_be_loaded_says_what_is_allowed(tmp_path):
    (tmp_path / "config.json").write_text("not json")
    with pytest.raises(RecipeError, match=rf"{tmp_path}: cannot be loaded \(.*\); give a Hub id that"):
        load_config(str(tmp_path), revision=None, overrides={})


def test_a_hub_model_that_cannot_be_asked_for_is_told_at_once():
    with pytest.raises(RecipeError, match=r"cannot be loaded \(the Hub cannot be reached .*, and it is not in"):
        load_config("me/none", revision=None, overrides={})


def test_a_tokenizer_without_padding_is_refused(tiny_bert, tmp_path):
    tokenizer = tokenizer_of(tiny_bert)
    tokenizer.pad_token = None
    tokenizer.save_pretrained(tmp_path)
    load_config(str(tiny_bert), revision=None, overrides={}).save_pretrained(tmp_path)
    with pytest.raises(RecipeError, match="its tokenizer has no padding token; choose an encoder"):
        tokenizer_of(tmp_path)


def test_the_longest_input_is_what_both_config_and_tokenizer_take(tiny_bert):
    tokenizer = tokenizer_of(tiny_bert)
    assert longest_input(BertConfig(max_position_embeddings=512), tokenizer) == 64
    assert longest_input(BertConfig(max_position_embeddings=40), tokenizer) == 40
    # positions of RoBERTa start at 2
    assert longest_input(RobertaConfig(max_position_embeddings=42, pad_token_id=1), tokenizer) == 40


def test_padding_never_changes_logits(tiny_bert):
    model = model_with(tiny_bert).model.eval()
    tokenizer = tokenizer_of(tiny_bert)
    short = tokenizer(["good film"], return_tensors="pt")
    long = tokenizer(["good film"], padding="max_length", max_length=30, return_tensors="pt")
    with torch.no_grad():
        torch.testing.assert_close(model(**short).logits, model(**long).logits)


def test_save_and_reload_give_the_same_logits(tiny_bert, tmp_path):
    model = model_with(tiny_bert).model.eval()
    tokenizer = tokenizer_of(tiny_bert)
    batch = tokenizer(["good film", "a very bad plot"], padding=True, return_tensors="pt")
    model.save_pretrained(tmp_path)
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    with torch.no_grad():
        torch.testing.assert_close(model(**batch).logits, again(**batch).logits)


# tagging


def test_a_tagger_has_a_class_per_token(tiny_bert):
    loaded = load_model(
        str(tiny_bert), task="token-classification", revision=None, config_overrides={}, labels=["O", "B-X", "I-X"]
    )
    assert type(loaded.model).__name__ == "BertForTokenClassification"
    assert loaded.new_modules == ["classifier"]
    assert loaded.model.config.label2id == {"O": 0, "B-X": 1, "I-X": 2}
    assert loaded.model(input_ids=torch.tensor([[2, 5, 9, 3]])).logits.shape == (1, 4, 3)


def test_a_tokenizer_that_knows_no_words_cannot_tag(tiny_bert, tmp_path):
    ByT5Tokenizer().save_pretrained(tmp_path)
    load_config(str(tiny_bert), revision=None, overrides={}).save_pretrained(tmp_path)
    assert not tokenizer_of(tmp_path).is_fast
    with pytest.raises(RecipeError, match="does not say which word a piece belongs to .* so it cannot tag words"):
        tokenizer_of(tmp_path, task="token-classification")
