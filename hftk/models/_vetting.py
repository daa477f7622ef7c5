"""What the files of a pretrained model may not ask for: code, kernels, pickles, files elsewhere."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import file_exists, try_to_load_from_cache
from transformers.utils.hub import cached_file, resolve_revision

from hftk.errors import RecipeError
from hftk.hub.ids import ADAPTER

_ATTENTIONS = ("eager", "sdpa", "flex_attention")
_EXPERTS = ("eager", "batched_mm", "grouped_mm")
# keys of config.json, in transformers' own spelling and in that of its attributes
_IMPLEMENTATIONS = {
    "attn_implementation": _ATTENTIONS,
    "_attn_implementation": _ATTENTIONS,
    "experts_implementation": _EXPERTS,
    "_experts_implementation": _EXPERTS,
}
# of tokenizer_config.json: what transformers hands on to a tokenizer, which opens it as a path (transformers 5.23)
_OPENED = ("vocab", "merges")
_WEIGHTS, _WEIGHTS_INDEX = "model.safetensors", "model.safetensors.index.json"
_PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
# of a config or tokenizer: a folder that is saved with them would run code of others when it is loaded with trust
CODE_KEYS = ("auto_map", "custom_pipelines")


def pinned_revision(source: str, revision: str | None, *, offline: bool) -> str:
    """The commit of a Hub model that a branch or tag is now, so that all its files are of one state.

    The revision itself for a folder, and where neither the Hub nor the cache tells: loading says why then. offline: is
    the cache asked only?
    """
    resolved = resolve_revision(source, revision or "main", local_files_only=offline)
    return str(getattr(resolved, "resolved", resolved))  # of a ResolvedRevision, which as text is what was asked for


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model in a folder, or on the Hub."""

    source: str
    """A folder, or a Hub id."""
    revision: str
    """Of a Hub id."""
    offline: bool
    """Is a Hub id looked up in the cache only?"""

    def path(self, name: str) -> Path | None:
        """Where the file lies on this machine, fetched if need be; None where the model has no such file."""
        found = cached_file(
            self.source,
            name,
            revision=self.revision,
            local_files_only=self.offline,
            _raise_exceptions_for_gated_repo=False,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        return None if found is None else Path(found)

    def has(self, name: str) -> bool:
        """The same without fetching it.

        Not by transformers' has_file: of a model that was renamed (bert-base-uncased is google-bert/bert-base-uncased
        now) it says that every file is there, as it takes the Hub's redirect for a yes (transformers 5.23).
        """
        if Path(self.source).is_dir():
            return (Path(self.source) / name).is_file()
        if isinstance(try_to_load_from_cache(self.source, name, revision=self.revision), str):
            return True
        return not self.offline and file_exists(self.source, name, revision=self.revision)


def vet(pretrained: str, files: ModelFiles, *, weights: bool, adapter: bool = False) -> None:
    """Raises RecipeError where a file of the model asks for something that hftk does not give.

    weights: are the weights about to be read? adapter: may it hold one, as what is read now does not follow it? Raises
    ValueError where a file is not the JSON that it should be.
    """
    reasons = [] if adapter else [*_wrong_adapter(files)]
    reasons += [*_wrong_config(files), *_wrong_tokenizer(files)]
    if weights:
        reasons += _wrong_weights(pretrained, files)
    if reasons:
        raise RecipeError([f"model.pretrained: {pretrained}: {reason}" for reason in reasons])


def _wrong_adapter(files: ModelFiles) -> Iterator[str]:
    # transformers would go to the base model that it names, and PEFT import the module that it names
    if files.has(ADAPTER):
        yield (
            "it holds an adapter (adapter_config.json), which can point to another model; merge the adapter into its "
            "model with PEFT's merge_and_unload(), save that, and name the folder"
        )


def _wrong_config(files: ModelFiles) -> Iterator[str]:
    config = _json("config.json", files)
    for key, value in _implementations(config):
        allowed = ", ".join(_IMPLEMENTATIONS[key])
        yield (
            f"config.json asks for {key}: {value!r}, which can be a kernel from elsewhere; allowed: {allowed}; "
            "take the key out of the file"
        )
    if config.get("quantization_config") is not None:
        yield "its weights are quantized (quantization_config in config.json); name the model that it was made from"
    named = config.get("transformers_weights")
    if named is not None and not _is_weights_file(named):
        yield f"config.json names {named!r} as transformers_weights; allowed: a .safetensors file beside it"


def _implementations(value: Any) -> Iterator[tuple[str, str]]:
    """Key and value of every implementation that is none of transformers' own, at any depth."""
    for key, child in value.items() if isinstance(value, Mapping) else ():
        if key in _IMPLEMENTATIONS:
            given = child.values() if isinstance(child, Mapping) else [child]
            yield from ((key, one) for one in given if isinstance(one, str) and one not in _IMPLEMENTATIONS[key])
        else:
            yield from _implementations(child)


def _wrong_tokenizer(files: ModelFiles) -> Iterator[str]:
    config = _json("tokenizer_config.json", files)
    opened = [key for key in _OPENED if isinstance(config.get(key), str)]
    opened += [key for key in ("init_inputs", "tokenizer_object") if config.get(key)]
    more = config.get("sp_model_kwargs")
    if isinstance(more, Mapping):
        opened += [f"sp_model_kwargs.{key}" for key in ("model_file", "model_proto") if key in more]
    versions = config.get("fast_tokenizer_files") or []
    if not isinstance(versions, list) or not all(_is_plain_name(name) for name in versions):
        opened.append("fast_tokenizer_files")
    for key in opened:
        yield f"tokenizer_config.json names a file elsewhere under {key}; take the key out of the file"


def _wrong_weights(pretrained: str, files: ModelFiles) -> Iterator[str]:
    if files.has(_WEIGHTS) or _json("config.json", files).get("transformers_weights") is not None:
        return
    if files.has(_WEIGHTS_INDEX):
        named = _json(_WEIGHTS_INDEX, files).get("weight_map")
        shards = set(map(str, named.values())) if isinstance(named, Mapping) else set()
        if wrong := sorted(name for name in shards if not _is_weights_file(name)):
            yield f"{_WEIGHTS_INDEX} names {wrong[0]!r}; allowed: .safetensors files beside it"
        return
    if any(files.has(name) for name in _PICKLES):
        target = f"{Path(pretrained).name}-safetensors"
        yield (
            f"its weights are a pickle ({_PICKLES[0]}), which can hold code; safetensors only are read. If you trust "
            f'it, convert it: python -c "import transformers as t; [kind.from_pretrained({pretrained!r})'
            f'.save_pretrained({target!r}) for kind in (t.AutoModel, t.AutoTokenizer)]" and write '
            f"model.pretrained: {target}"
        )


def _json(name: str, files: ModelFiles) -> dict[str, Any]:
    """The content of a file of JSON; nothing where there is no such file."""
    path = files.path(name)
    if path is None:
        return {}
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{name} holds no JSON object")
    return content


def _is_weights_file(name: Any) -> bool:
    return _is_plain_name(name) and name.endswith(".safetensors")


def _is_plain_name(name: Any) -> bool:
    return isinstance(name, str) and not set("/\\\0") & set(name) and name not in ("", ".", "..")
