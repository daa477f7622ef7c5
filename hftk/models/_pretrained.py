"""A pretrained encoder with a classification head for the labels of the data."""

import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from hftk.errors import HftkError, RecipeError, RunError
from hftk.hub import reaching
from hftk.models._vetting import CODE_KEYS, ModelFiles, pinned_revision, vet

PACKAGE_PREFIX = "package:"
_COMMIT = re.compile("[0-9a-f]{40}")
# task → the class that puts the head on
AUTO_CLASS = {
    "text-classification": AutoModelForSequenceClassification,
    "token-classification": AutoModelForTokenClassification,
}
# what the recipe's data, loss or saved folder decide: an override would be undone or break the labels
_OWNED_CONFIG_KEYS = {
    "num_labels": "the data's labels",
    "id2label": "the data's labels and data.label_names",
    "label2id": "the data's labels and data.label_names",
    "problem_type": "task",
    "architectures": "task",
    "model_type": "model.pretrained",
}


def resolve_source(pretrained: str) -> str:
    """package:<python package>/<path> → the folder inside that installed package; a Hub id or a folder stays.

    Raises RecipeError where the package is not installed or holds no such folder.
    """
    if not pretrained.startswith(PACKAGE_PREFIX):
        return pretrained
    package, _, inner = pretrained.removeprefix(PACKAGE_PREFIX).partition("/")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise RecipeError(f"model.pretrained: {pretrained}: no Python package {package!r} is installed")
    folder = Path(spec.submodule_search_locations[0]) / inner
    if not (folder / "config.json").is_file():
        raise RecipeError(f"model.pretrained: {pretrained}: the package {package!r} holds no {inner}/config.json")
    return str(folder)


def model_commit(pretrained: str, *, revision: str | None) -> str | None:
    """The commit of a Hub model that `revision` is now; None for a folder, and where nobody tells: loading says why."""
    source = resolve_source(pretrained)
    trouble = None if Path(source).is_dir() else reaching.trouble(source, kind="model", revision=revision)
    if Path(source).is_dir() or (trouble is not None and not trouble.passing):
        return None
    found = pinned_revision(source, revision, offline=trouble is not None)
    return found if _COMMIT.fullmatch(found) else None


def load_config(pretrained: str, *, revision: str | None, overrides: Mapping[str, Any]) -> PreTrainedConfig:
    """The model's config with the recipe's further `model.*` keys set.

    transformers stores a misspelt key silently; here a key that the config does not have is a RecipeError.
    """
    config = _from_pretrained(AutoConfig, pretrained, revision=revision)
    for key in CODE_KEYS:  # not used here, and not to be saved with the model either
        if hasattr(config, key):
            delattr(config, key)
    known = sorted(name for name in config.to_dict() if name not in _OWNED_CONFIG_KEYS)
    problems = []
    for key, value in overrides.items():
        if key in _OWNED_CONFIG_KEYS:
            problems.append(f"model.{key}: decided by {_OWNED_CONFIG_KEYS[key]}; take it out of the recipe")
        elif key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(f"model.{key}: not a field of {type(config).__name__}{hint}")
        else:
            try:
                setattr(config, key, value)
            except (TypeError, ValueError, StrictDataclassError) as error:
                reason = " ".join(str(error).split())
                problems.append(f"model.{key}: {value!r} is refused by {type(config).__name__}: {reason}")
    if problems:
        raise RecipeError(problems)
    return config


def load_tokenizer(pretrained: str, *, task: str, revision: str | None) -> PreTrainedTokenizerBase:
    """The model's own tokenizer, padding on the right unless the model says otherwise.

    For tagging it takes lists of words: one that marks word beginnings by a space puts it before every word.
    """
    tokenizer = _from_pretrained(AutoTokenizer, pretrained, revision=revision)
    if task == "token-classification":
        if not tokenizer.is_fast:
            raise RecipeError(
                f"model.pretrained: {pretrained}: its tokenizer does not say which word a piece belongs to (no fast "
                "tokenizer), so it cannot tag words; choose another model"
            )
        if getattr(tokenizer, "add_prefix_space", None) is False:
            tokenizer = _from_pretrained(AutoTokenizer, pretrained, revision=revision, add_prefix_space=True)
    for key in CODE_KEYS:
        tokenizer.init_kwargs.pop(key, None)
    if tokenizer.pad_token is None:
        raise RecipeError(
            f"model.pretrained: {pretrained}: its tokenizer has no padding token; "
            "choose an encoder such as BERT or RoBERTa"
        )
    return tokenizer


def longest_input(config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase) -> int:
    """Tokens that the model takes, special tokens included; 512 where neither config nor tokenizer names a bound."""
    bounds = [length for length in [tokenizer.model_max_length] if length < 1_000_000]
    positions = getattr(config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        # RoBERTa counts positions from pad_token_id + 1
        offset = config.pad_token_id + 1 if "roberta" in config.model_type else 0
        bounds.append(positions - offset)
    return min(bounds, default=512)


@dataclass(frozen=True)
class LoadedModel:
    model: PreTrainedModel
    new_modules: list[str]
    """Modules whose weights the checkpoint does not hold (the head), freshly initialised under the current seed."""
    commit: str | None = None
    """Of a Hub model, where `revision` named one."""


def load_model(
    pretrained: str, *, task: str, revision: str | None, config_overrides: Mapping[str, Any], labels: Sequence[str]
) -> LoadedModel:
    """The encoder in float32 with a new head of `len(labels)` classes, label names in its config.

    Call it under the run's seed: the head is drawn from torch's generator. A head of another size in the checkpoint
    is replaced; any other weight of another shape is a RunError.
    """
    config = load_config(pretrained, revision=revision, overrides=config_overrides)
    name_labels(config, labels)
    if task == "text-classification":
        config.problem_type = "single_label_classification"
    model, info = _from_pretrained(
        AUTO_CLASS[task],
        pretrained,
        revision=revision,
        config=config,
        use_safetensors=True,
        dtype=torch.float32,  # "auto" would train a bf16 checkpoint in bf16 weights
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    head_prefixes = tuple(
        name for name, _ in model.named_children() if name != getattr(model, "base_model_prefix", None)
    )
    mismatched = [entry[0] if isinstance(entry, (tuple, list)) else entry for entry in info["mismatched_keys"]]
    foreign = [key for key in mismatched if not key.startswith(head_prefixes)]
    if foreign:
        raise RunError(
            f"model.pretrained: {pretrained}: {', '.join(sorted(foreign)[:5])} have another shape in the checkpoint "
            "than the config asks for; take back the model.* key that changes it"
        )
    new = {key.rpartition(".")[0] for key in [*info["missing_keys"], *mismatched]}
    commit = revision if _COMMIT.fullmatch(revision or "") else None
    return LoadedModel(model=model, new_modules=sorted(new), commit=commit)


def name_labels(config: PreTrainedConfig, labels: Sequence[str]) -> None:
    """Both directions: transformers derives neither from the other."""
    config.num_labels = len(labels)
    config.id2label = dict(enumerate(labels))
    config.label2id = {name: label_id for label_id, name in enumerate(labels)}


def _from_pretrained(auto_class: Any, pretrained: str, *, revision: str | None, **options: Any) -> Any:
    source = resolve_source(pretrained)
    trouble = None if Path(source).is_dir() else reaching.trouble(source, kind="model", revision=revision)
    if trouble is not None and not trouble.passing:
        raise RecipeError(f"model.pretrained: {pretrained}: {trouble.reason}; or name a folder")
    offline = trouble is not None
    try:
        # once, so that what is vetted is what is loaded
        resolved = pinned_revision(source, revision, offline=offline)
        files = ModelFiles(source=source, revision=resolved, offline=offline)
        vet(pretrained, files, weights=auto_class in AUTO_CLASS.values(), adapter=auto_class is AutoTokenizer)
        return auto_class.from_pretrained(
            source,
            revision=resolved,
            local_files_only=offline,
            trust_remote_code=False,  # absent, transformers asks on a terminal whether to run the model's own code
            **options,
        )
    except (HftkError, RuntimeError, MemoryError):  # too little memory is no fault of the files
        raise
    # bad files make transformers raise almost anything
    except Exception as error:
        if "trust_remote_code" in str(error):
            raise RecipeError(
                f"model.pretrained: {pretrained}: it is defined by code of its own, which this version does not run; "
                "name a model of transformers' own, or train an architecture from its start with model.architecture"
            ) from error
        reason = f"{trouble.reason}, and it is not in the cache" if offline else " ".join(str(error).split())
        raise RecipeError(
            f"model.pretrained: {pretrained}: cannot be loaded ({reason}); give a Hub id that this machine can reach "
            "or has cached, a folder with config.json and weights, or package:<python package>/<path>"
        ) from error
