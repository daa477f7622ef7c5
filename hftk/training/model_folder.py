"""A trained model as a folder that plain transformers loads."""

from pathlib import Path

import torch
from accelerate import PartialState
from transformers import BaseImageProcessor, PreTrainedTokenizerBase

from hftk.models._architectures import save_with_source


def save_model(
    model: torch.nn.Module,
    *,
    processor: PreTrainedTokenizerBase | BaseImageProcessor,
    pretrained: str | None,
    folder: Path,
) -> None:
    """`folder` loads with the task's AutoModelFor… class; an adapter is merged there and kept in folder/adapter.

    processor: what reads texts or images for it. pretrained: the model that the recipe names, if it names one. Written
    by the main process.
    """
    if not PartialState().is_main_process:
        return
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
