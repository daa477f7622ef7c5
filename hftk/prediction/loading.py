"""A chosen model → its network and what reads texts or images for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    ViTImageProcessorPil,
)

from hftk.errors import HftkError, RecipeError
from hftk.models._architectures import model_class
from hftk.models._pretrained import load_model, load_tokenizer, longest_input
from hftk.models._vetting import ModelFiles, vet
from hftk.prediction.chosen import ChosenModel

_KEY = "model.pretrained: "
_AUTO_CLASS = {
    "text-classification": AutoModelForSequenceClassification,
    "token-classification": AutoModelForTokenClassification,
}


@dataclass(frozen=True)
class LoadedPredictor:
    network: PreTrainedModel
    """In float32, on its device, not training."""
    processor: PreTrainedTokenizerBase | ViTImageProcessorPil
    max_length: int | None
    """Tokens, special ones included; None for images."""
    device: torch.device


def load_predictor(chosen: ChosenModel) -> LoadedPredictor:
    """Runs no code of the model's folder, unless it is trusted: hftk's own architectures are those of the installed
    hftk. Raises RecipeError where the files are not what they should be."""
    with _told_by_name(chosen.name):
        if chosen.architecture is not None:
            network, processor = _architecture(chosen)
        elif chosen.task == "image-classification":
            raise RecipeError(
                f"{chosen.name}: images are predicted by models that hftk trained; pretrained models for images are "
                "not supported yet"
            )
        elif chosen.trusted:
            network, processor = _trusted(chosen)
        else:
            network, processor = _of_transformers(chosen)
    max_length = None
    if chosen.task != "image-classification":
        max_length = chosen.max_length or longest_input(network.config, processor)
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
    return LoadedPredictor(network.to(device).eval(), processor, max_length, device)


def _architecture(chosen: ChosenModel) -> tuple[PreTrainedModel, Any]:
    _vet(chosen)
    network, info = model_class(chosen.architecture, chosen.task).from_pretrained(
        chosen.source,
        revision=chosen.revision,
        local_files_only=chosen.offline,
        use_safetensors=True,
        dtype=torch.float32,
        ignore_mismatched_sizes=True,  # told below
        output_loading_info=True,
    )
    differing = sorted(str(key) for kind in info.values() for key in kind)
    if differing:
        raise RecipeError(
            f"{chosen.name}: its weights are not those of the installed hftk's {chosen.architecture} ({differing[0]}): "
            "another version wrote it. Install that one, or run the model's own code with --trust-remote-code"
        )
    kind = ViTImageProcessorPil if chosen.task == "image-classification" else PreTrainedTokenizerFast
    where = {"revision": chosen.revision, "local_files_only": chosen.offline}
    return network, kind.from_pretrained(chosen.source, **where)


def _of_transformers(chosen: ChosenModel) -> tuple[PreTrainedModel, Any]:
    revision = chosen.revision
    tokenizer = load_tokenizer(chosen.source, task=chosen.task, revision=revision)
    if chosen.adapter:
        from hftk.models._adapter import load_with_adapter  # peft takes seconds to import

        files = ModelFiles(source=chosen.source, revision=revision, offline=chosen.offline)
        return load_with_adapter(chosen.name, files, task=chosen.task, labels=chosen.labels), tokenizer
    loaded = load_model(chosen.source, task=chosen.task, revision=revision, config_overrides={}, labels=chosen.labels)
    _check_head(chosen, loaded.new_modules)
    return loaded.model, tokenizer


def _trusted(chosen: ChosenModel) -> tuple[PreTrainedModel, Any]:
    _vet(chosen)
    where = {"revision": chosen.revision, "local_files_only": chosen.offline, "trust_remote_code": True}
    config = AutoConfig.from_pretrained(chosen.source, **where)
    tokenizer = AutoTokenizer.from_pretrained(chosen.source, **where)
    network, info = _AUTO_CLASS[chosen.task].from_pretrained(
        chosen.source,
        config=config,
        use_safetensors=True,
        dtype=torch.float32,
        output_loading_info=True,
        **where,
    )
    _check_head(chosen, sorted({key.rpartition(".")[0] for key in info["missing_keys"]}))
    return network, tokenizer


def _vet(chosen: ChosenModel) -> None:
    files = ModelFiles(source=chosen.source, revision=chosen.revision, offline=chosen.offline)
    vet(chosen.name, files, weights=True)


def _check_head(chosen: ChosenModel, new: list[str]) -> None:
    if new:
        raise RecipeError(
            f"{chosen.name}: its files hold no weights for {', '.join(new[:5])}, so it was not trained to tell "
            f"classes; hftk train makes a classifier of it: model.pretrained: {chosen.name}"
        )


@contextmanager
def _told_by_name(name: str) -> Iterator[None]:
    """What goes wrong while loading, as a message about the model that the user named: there is no recipe here."""
    try:
        yield
    except RecipeError as error:
        raise RecipeError([problem.removeprefix(_KEY) for problem in error.problems]) from error
    except (HftkError, MemoryError):
        raise
    # bad files make transformers raise almost anything
    except Exception as error:
        raise RecipeError(f"{name}: cannot be loaded ({' '.join(str(error).split())})") from error
