"""A trained model as a folder that plain transformers loads."""

import shutil
from pathlib import Path

import torch
from accelerate import PartialState
from transformers import BaseImageProcessor, PreTrainedTokenizerBase

from hftk.models._architectures import save_with_source
from hftk.training.space import check_free_space


def save_model(
    model: torch.nn.Module,
    *,
    processor: PreTrainedTokenizerBase | BaseImageProcessor,
    pretrained: str | None,
    folder: Path,
) -> None:
    """`folder` loads with the task's AutoModelFor… class; an adapter is merged there and kept in folder/adapter.

    processor: what reads texts or images for it. pretrained: the model that the recipe names, if it names one. Written
    by the main process. Raises NoSpace before anything is written.
    """
    if not PartialState().is_main_process:
        return
    check_free_space(folder, model.state_dict())
    if folder.exists():  # a killed process left it, with half of a file perhaps
        shutil.rmtree(folder)
    if hasattr(model, "merge_and_unload"):
        model.peft_config["default"].base_model_name_or_path = pretrained  # as the recipe names it, on any machine
        model.save_pretrained(folder / "adapter")
        (folder / "adapter" / "README.md").unlink(missing_ok=True)  # PEFT's, empty but for paths of this machine
        model = model.merge_and_unload()
    if pretrained is None:
        save_with_source(model, folder)
    else:
        model.save_pretrained(folder)
    processor.save_pretrained(folder)
    for weights in folder.rglob("*.safetensors"):  # safetensors 0.8 lets the owner alone read them
        weights.chmod((folder / "config.json").stat().st_mode)
