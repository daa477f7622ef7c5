"""Tokens do not belong in recipes: finding them, and never showing one."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_HUB_TOKEN = r"hf_[A-Za-z0-9]{20,}"
_TRACKER_KEY = r"wandb_v\d+_[A-Za-z0-9_]{20,}|(?<![0-9A-Za-z])[0-9a-f]{40}(?![0-9A-Za-z])"
_SECRET = re.compile(f"{_HUB_TOKEN}|{_TRACKER_KEY}")
_HUB_SECRET = re.compile(_HUB_TOKEN)
_SECRET_KEY = re.compile(
    r"(.*_)?(token|api_?key|password|passwd|secret)|use_auth_token", flags=re.IGNORECASE
)  # `hub_token`, `api_key`, …; not `tokens` or `pad_token_id`
# below these the keys are the user's own labels and files
_FREE_KEYS = {"label_names", "class_weights", "data_files"}
# config fields of tokenizers and models that end in `_token` hold ordinary words
_WORD_KEYS = {"pad_token", "unk_token", "cls_token", "sep_token", "mask_token", "bos_token", "eos_token"}


def redacted(text: str) -> str:
    """The text with every token in it replaced."""
    return _SECRET.sub("<secret>", text)


def is_secret_key(key: object) -> bool:
    """Is this the name of something that holds a token?"""
    last = str(key).rpartition(".")[2]
    return last not in _WORD_KEYS and _SECRET_KEY.fullmatch(last) is not None


def find_secrets(value: Any, path: tuple = ()) -> Iterator[tuple[tuple, str]]:
    """Where a token stands in the recipe, with what to say about it; a git commit in `revision` is none."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            if is_secret_key(key) and not _FREE_KEYS & {part for part in path if isinstance(part, str)}:
                yield (
                    (*path, key),
                    "a token has no place in a recipe; take it out and log in: `hf auth login`, `wandb login`",
                )
            else:
                yield from find_secrets(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from find_secrets(child, (*path, index))
    elif isinstance(value, str):
        pattern = _HUB_SECRET if any(str(part).rpartition(".")[2] == "revision" for part in path) else _SECRET
        if pattern.search(value):
            yield (
                path,
                "the value looks like a token, which has no place in a recipe; "
                "take it out, log in with `hf auth login` or `wandb login`, and revoke the token if it was shared",
            )
