"""A saved adapter on its base model: the same logits as when it was trained; what its files may not ask for."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import set_seed

from hftk.errors import RecipeError
from hftk.models._adapter import load_with_adapter
from hftk.models._peft import add_adapter
from hftk.models._pretrained import load_model
from hftk.models._vetting import ModelFiles

TASK, LABELS = "text-classification", ["a", "b", "c"]
BATCH = {"input_ids": torch.tensor([[2, 5, 9, 11, 3]]), "attention_mask": torch.ones(1, 5, dtype=torch.int64)}


@pytest.fixture(scope="module", params=["LORA", "IA3"])
def trained(request, tiny_bert, tmp_path_factory):
    """Folder of an adapter as it goes to the Hub, and the logits of the model that was trained."""
    set_seed(0)
    loaded = load_model(str(tiny_bert), task=TASK, revision=None, config_overrides={}, labels=LABELS)
    model = add_adapter(
        loaded.model, task=TASK, peft={"peft_type": request.param}, new_modules=loaded.new_modules, commit="abc"
    )
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)
        logits = model.eval()(**BATCH).logits
    folder = tmp_path_factory.mktemp("adapter") / "x"
    model.peft_config["default"].base_model_name_or_path = str(tiny_bert)
    model.save_pretrained(folder)
    return folder, logits


@pytest.fixture
def changed(trained, tmp_path):
    """A copy with other keys in its config."""

    def change(**keys):
        folder = shutil.copytree(trained[0], tmp_path / "adapter", dirs_exist_ok=True)
        told = json.loads((folder / "adapter_config.json").read_text())
        (folder / "adapter_config.json").write_text(json.dumps(told | keys))
        return folder

    return change


def loaded(folder):
    files = ModelFiles(source=str(folder), revision="main", offline=True)
    return load_with_adapter("me/x", files, task=TASK, labels=LABELS).eval()


def test_it_gives_the_logits_of_the_trained_model(trained):
    folder, logits = trained
    set_seed(1)  # nothing of it is drawn
    model = loaded(folder)
    assert json.loads((folder / "adapter_config.json").read_text())["revision"] == "abc"
    with torch.no_grad():
        torch.testing.assert_close(model(**BATCH).logits, logits, atol=1e-5, rtol=0)
    assert model.config.id2label == dict(enumerate(LABELS))
    assert not any("lora" in name or "ia3" in name for name, _ in model.named_parameters()), "merged"


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"megatron_config": {"x": 1}}, "asks for megatron_config, which can name code or files elsewhere; take"),
        ({"megatron_core": "evil", "megatron_config": {"x": 1}}, "asks for megatron_c[a-z]+, which can name code"),
        ({"peft_type": "EVIL"}, "names the peft_type 'EVIL', which the installed PEFT does not know"),
        ({"peft_type": None}, "names the peft_type None, which the installed"),
        ({"base_model_name_or_path": None}, "names None as its base model; allowed: the id of a model on the Hub"),
        ({"revision": ["x"]}, r"names \['x'\] as revision of the base model; allowed: a commit, branch or tag"),
    ],
)
def test_a_config_that_asks_for_more_is_refused(changed, keys, told):
    with pytest.raises(RecipeError, match=rf"^me/x: adapter_config.json {told}"):
        loaded(changed(**keys))


@pytest.mark.parametrize("base", ["/etc", "../elsewhere", "package:os/x", "~/x"])
def test_an_adapter_of_the_hub_names_a_base_of_the_hub(changed, monkeypatch, base):
    files = ModelFiles(source=str(changed(base_model_name_or_path=base)), revision="main", offline=True)
    monkeypatch.setattr("hftk.models._adapter._is_folder", lambda source: False)  # as if it came from the Hub's cache
    with pytest.raises(RecipeError, match="as its base model; allowed: the id of a model on the Hub"):
        load_with_adapter("me/x", files, task=TASK, labels=LABELS)


def test_a_folder_named_like_the_base_is_not_taken_for_it(changed, monkeypatch, tmp_path):
    files = ModelFiles(source=str(changed(base_model_name_or_path="me/base")), revision="main", offline=True)
    (tmp_path / "me" / "base").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    real = "hftk.models._adapter._is_folder"
    monkeypatch.setattr(real, lambda source: source == "me/base")
    with pytest.raises(RecipeError, match="its base model is me/base on the Hub, and a folder of this name would be"):
        load_with_adapter("me/x", files, task=TASK, labels=LABELS)


def test_weights_that_can_hold_code_are_not_read(changed):
    folder = changed()
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(RecipeError, match=r"it holds no adapter_model.safetensors; other forms can hold code, and are"):
        loaded(folder)


def test_weights_of_another_model_are_refused(changed):
    folder = changed()
    path = folder / "adapter_model.safetensors"
    weights = load_file(path)
    own = next(key for key in weights if "classifier" not in key)

    def refused(held, told):
        save_file(held, path)
        with pytest.raises(RecipeError, match=told):
            loaded(folder)

    headless = {key: value for key, value in weights.items() if "classifier" not in key}
    refused(headless, "its files hold no weights for classifier, so it was not trained to tell classes")
    refused({key: value for key, value in weights.items() if key != own}, "does not fit .*: only one of them has .*")
    refused(weights | {"base_model.model.more.weight": torch.zeros(2)}, "only one of them has .*more.weight")
    refused(weights | {own: torch.zeros(7, 7)}, "its adapter does not fit .*size mismatch")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RecipeError, match="adapter_model.safetensors cannot be read"):
        loaded(folder)


def test_a_config_that_is_no_json_is_refused(changed):
    folder = changed()
    for text, told in (("{", "adapter_config.json is not JSON"), ("[]", "adapter_config.json holds no JSON object")):
        (folder / "adapter_config.json").write_text(text)
        with pytest.raises(RecipeError, match=told):
            loaded(folder)
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "r": "no", "base_model_name_or_path": "x"}')
    with pytest.raises(RecipeError):
        loaded(folder)
