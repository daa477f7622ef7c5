"""Adapters: what is trained, what is refused, and that the merged model equals the adapted one."""

import pytest
import torch
from peft import AutoPeftModelForSequenceClassification, PeftModel
from transformers import (
    AutoModelForSequenceClassification,
    DistilBertConfig,
    DistilBertModel,
    set_seed,
)

from hftk.errors import RecipeError
from hftk.models._peft import add_adapter, check_adapter, peft_config
from hftk.models._pretrained import load_config, load_model

TEXTS, TAGGING = "text-classification", "token-classification"
LORA = {"peft_type": "LORA", "r": 4, "lora_alpha": 8}


def adapted(folder, peft, task=TEXTS):
    set_seed(0)
    loaded = load_model(str(folder), task=task, revision=None, config_overrides={}, labels=["a", "b", "c"])
    return add_adapter(loaded.model, task=task, peft=peft, new_modules=loaded.new_modules)


def trained_names(model):
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_only_the_adapter_and_the_head_are_trained(tiny_bert):
    names = trained_names(adapted(tiny_bert, LORA))
    assert names
    assert all("lora_" in name or "classifier" in name for name in names)
    assert any("classifier" in name for name in names)


def test_every_new_module_is_trained_whatever_its_name(tmp_path):
    """DistilBERT's head has a pre_classifier that PEFT leaves frozen, at random values, by itself."""
    set_seed(0)
    DistilBertModel(DistilBertConfig(vocab_size=50, dim=32, hidden_dim=64, n_layers=1, n_heads=2)).save_pretrained(
        tmp_path
    )
    names = trained_names(adapted(tmp_path, {**LORA, "target_modules": ["q_lin", "v_lin"]}))
    assert any("pre_classifier" in name for name in names)
    assert any(".classifier" in name for name in names)


def test_the_merged_model_and_the_adapter_give_the_same_logits(tiny_bert, tmp_path):
    model = adapted(tiny_bert, LORA)
    with torch.no_grad():  # as if trained: LoRA's B starts at zero
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    model.eval()
    batch = {"input_ids": torch.tensor([[2, 5, 9, 11, 3]]), "attention_mask": torch.ones(1, 5, dtype=torch.int64)}
    with torch.no_grad():
        expected = model(**batch).logits
    model.save_pretrained(tmp_path / "adapter")
    model.merge_and_unload().save_pretrained(tmp_path / "merged")
    merged = AutoModelForSequenceClassification.from_pretrained(tmp_path / "merged")
    adapter = AutoPeftModelForSequenceClassification.from_pretrained(tmp_path / "adapter", num_labels=3)
    with torch.no_grad():
        torch.testing.assert_close(merged.eval()(**batch).logits, expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(adapter.eval()(**batch).logits, expected, atol=1e-5, rtol=0)
    assert merged.config.id2label == {0: "a", 1: "b", 2: "c"}


@pytest.mark.parametrize("peft_type", ["LORA", "IA3", "LOHA"])
def test_mergeable_types_are_taken(tiny_bert, peft_type):
    fields = {} if peft_type != "LOHA" else {"target_modules": ["query", "value"]}
    assert isinstance(adapted(tiny_bert, {"peft_type": peft_type, **fields}), PeftModel)


def test_a_type_that_cannot_be_merged_is_refused(tiny_bert):
    with pytest.raises(
        RecipeError, match=r"peft.peft_type: PROMPT_TUNING cannot be merged .* allowed: types that merge"
    ):
        adapted(tiny_bert, {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 4})


def test_every_unknown_field_is_told():
    with pytest.raises(RecipeError) as raised:
        peft_config({"peft_type": "LORA", "lora_alfa": 8, "task_type": "SEQ_CLS"}, task=TEXTS)
    assert raised.value.problems == [
        "peft.lora_alfa: not a field of LoraConfig; did you mean lora_alpha?",
        "peft.task_type: decided by task; take it out of the recipe",
    ]


def test_a_field_without_a_near_name_lists_what_is_allowed():
    with pytest.raises(RecipeError, match=r"peft.zzz: not a field of LoraConfig; allowed: .*lora_alpha, "):
        peft_config({"peft_type": "LORA", "zzz": 8}, task=TEXTS)


def test_values_that_the_config_class_refuses_carry_its_reason():
    with pytest.raises(RecipeError, match="peft: refused by LoraConfig: "):
        peft_config(
            {
                "peft_type": "LORA",
                "init_lora_weights": "gaussian",
                "use_dora": True,
                "loftq_config": 3,
                "layers_pattern": "x",
                "target_modules": "all",
                "layers_to_transform": [1],
            },
            task=TEXTS,
        )


def test_target_modules_that_the_model_lacks_are_told(tiny_bert):
    with pytest.raises(RecipeError, match=r"peft: LORA cannot be added to this model: No modules were targeted"):
        adapted(tiny_bert, {**LORA, "target_modules": ["nowhere"]})


@pytest.mark.parametrize(
    ("peft", "message"),
    [
        ({**LORA, "target_modules": ["nowhere"]}, "peft: LORA cannot be added to this model: No modules were targeted"),
        ({"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 4}, "peft.peft_type: PROMPT_TUNING cannot be merged"),
    ],
)
def test_an_adapter_is_checked_without_the_weights(tiny_bert, peft, message):
    config = load_config(str(tiny_bert), revision=None, overrides={})
    with pytest.raises(RecipeError, match=message):
        check_adapter(config, task=TEXTS, peft=peft)
    check_adapter(config, task=TEXTS, peft=LORA)


def test_a_tagger_takes_an_adapter_too(tiny_bert, tmp_path):
    model = adapted(tiny_bert, LORA, task=TAGGING)
    assert peft_config(LORA, task=TAGGING).task_type == "TOKEN_CLS"
    assert {type(module).__name__ for module in model.modules()} >= {"BertForTokenClassification"}
    names = trained_names(model)
    assert any("classifier" in name for name in names) and any("lora_" in name for name in names)
    assert all("lora_" in name or "classifier" in name for name in names)
    batch = {"input_ids": torch.tensor([[2, 5, 9, 11, 3]])}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
        expected = model.eval()(**batch).logits
        merged = model.merge_and_unload()
        torch.testing.assert_close(merged(**batch).logits, expected, atol=1e-5, rtol=0)
    config = load_config(str(tiny_bert), revision=None, overrides={})
    check_adapter(config, task=TAGGING, peft=LORA)
