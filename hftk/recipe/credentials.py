"""Tokens do not belong in recipes: finding them, and never showing one."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

_HUB_TOKEN = r"hf_[A-Za-z0-9]{20,}"
_TRACKER_KEY = r"wandb_v\d+_[A-Za-z0-9_]{20,}|(?<![0-9A-Za-z])[0-9a-f]{40}(?![0-9A-Za-z])"
_GITHUB_TOKEN = r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}"
_CLOUD_KEY = r"(?<![A-Z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Z0-9])"
_SECRET = re.compile(f"{_HUB_TOKEN}|{_TRACKER_KEY}|{_GITHUB_TOKEN}|{_CLOUD_KEY}")
_HUB_SECRET = re.compile(_HUB_TOKEN)
UNMISTAKABLE = {
    "a Hugging Face token": _HUB_TOKEN,
    "a W&B key": r"wandb_v\d+_[A-Za-z0-9_]{20,}",
    "a GitHub token": _GITHUB_TOKEN,
    "an AWS key": _CLOUD_KEY,
}
"""What a token is → the pattern that only such a token has. Not W&B's old key: git's commits look the same."""
_SECRET_KEY = re.compile(
    r"(.*_)?(token|(api|access|private|secret)_?key|password|passwd|secret)|use_auth_token", flags=re.IGNORECASE
)  # `hub_token`, `api_key`, …; not `tokens` or `pad_token_id`
# characters; a shorter value of the environment may stand in a recipe by chance
_LONG_ENOUGH = 16
# below these the keys are the user's own labels and files
_FREE_KEYS = {"label_names", "class_weights", "data_files"}
_LOOKS_LIKE_ONE = (
    "the value looks like a token, which has no place in a recipe; "
    "take it out, log in with `hf auth login` or `wandb login`, and revoke the token if it was shared"
)
# config fields of tokenizers and models that end in `_token` hold ordinary words
_WORD_KEYS = {"pad_token", "unk_token", "cls_token", "sep_token", "mask_token", "bos_token", "eos_token"}


def redacted(text: str) -> str:
    """The text with every token in it replaced: what looks like one, and what the environment holds as one."""
    for value in secrets_of_environment().values():
        text = text.replace(value, "<secret>")
    return _SECRET.sub("<secret>", text)


def secrets_of_environment() -> dict[str, str]:
    """Of HF_TOKEN, WANDB_API_KEY, AWS_SECRET_ACCESS_KEY and whatever else is named like them: name → value."""
    return {name: value for name, value in os.environ.items() if len(value) >= _LONG_ENOUGH and is_secret_key(name)}


def is_secret_key(key: object) -> bool:
    """Is this the name of something that holds a token?"""
    last = str(key).rpartition(".")[2]
    return last not in _WORD_KEYS and _SECRET_KEY.fullmatch(last) is not None


def find_secrets(value: Any, path: tuple = ()) -> Iterator[tuple[tuple, str]]:
    """Where a token stands in the recipe, with what to say about it; a git commit in `revision` is none."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            if isinstance(key, str) and redacted(key) != key:
                yield (*path, key), _LOOKS_LIKE_ONE
            elif is_secret_key(key) and not _FREE_KEYS & {part for part in path if isinstance(part, str)}:
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
        if pattern.search(value) or any(one in value for one in secrets_of_environment().values()):
            yield path, _LOOKS_LIKE_ONE
