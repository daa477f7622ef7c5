"""Names of runs: from what differs, the same on every machine and at every time, usable as folders."""

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hftk.analysis.short_values import TELLING

_LONGEST = 150  # bytes of UTF-8
_LONGEST_VALUE = 40  # characters


def setting_names(settings: Sequence[Mapping[str, Any]], *, longest: int = _LONGEST) -> list[str]:
    """One name per setting (dotted key → value): `cell=gru,embeddings=word2vec`; empty where nothing is set.

    Names are unique, also where a file system takes upper for lower case, and at most `longest` bytes of UTF-8. A name
    holds only what its own setting says, so that settings added to a sweep leave it as it is where they can.
    """
    keys = list(dict.fromkeys(key for setting in settings for key in setting))
    labels = _key_labels(keys)
    values = {key: [setting[key] for setting in settings if key in setting] for key in keys}
    names = [
        ",".join(f"{labels[key]}={_safe(_short(value, values[key]))}" for key, value in setting.items())
        for setting in settings
    ]
    times = Counter(map(_as_file, names))
    return [
        name if times[_as_file(name)] == 1 and len(name.encode()) <= longest else _with_hash(name, setting, longest)
        for name, setting in zip(names, settings, strict=True)
    ]


def run_name(setting: str, seed: int, *, seeds: int) -> str:
    """The setting's name, with the seed where there are several or nothing else to tell runs apart."""
    parts = [part for part in (setting, f"seed={seed}" if seeds > 1 or not setting else "") if part]
    return ",".join(parts)


def _key_labels(keys: Sequence[str]) -> dict[str, str]:
    """The last part of each dotted key; more parts where keys share it."""
    labels = {}
    for key in keys:
        parts = key.split(".")
        for count in range(1, len(parts) + 1):
            label = ".".join(parts[-count:])
            if not any(other != key and f".{other}".endswith(f".{label}") for other in keys):
                break
        labels[key] = _safe(label)
    return labels


def _short(value: Any, others: Sequence[Any]) -> str:
    """A value in few characters; of a mapping, what tells it from the others of its key."""
    if value is None or value == []:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, Mapping):
        return _short_mapping(value, [other for other in others if isinstance(other, Mapping)])
    text = "+".join(_short(item, []) for item in value) if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 7]}-{_hash(value)}"


def _short_mapping(value: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> str:
    distinct = {_content(other) for other in others} | {_content(value)}
    ordered = sorted(value, key=lambda key: key not in TELLING)
    for key in ordered:
        told = {_content(other.get(key)) for other in others}
        if not isinstance(value[key], Mapping | list) and (len(told) == len(distinct) or len(distinct) == 1):
            text = _short(value[key], [])
            return text if key in TELLING or not isinstance(value[key], int | float) else f"{key}-{text}"
    for key in TELLING:
        if key in value:
            return f"{_short(value[key], [])}-{_hash(value)}"
    return _hash(value)


def _safe(text: str) -> str:
    """Letters and digits of any script and a few signs; everything else becomes a dash."""
    return re.sub(r"[^\w.+-]+", "-", unicodedata.normalize("NFC", text)).strip(".")


def _as_file(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _with_hash(name: str, setting: Mapping[str, Any], longest: int) -> str:
    """The name, cut where needed, with a hash of the whole setting."""
    end = f"-{_hash(dict(setting))}"
    kept = name.encode()[: longest - len(end)].decode(errors="ignore")
    return kept.rstrip("-,=.") + end


def _content(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _hash(value: Any) -> str:
    return hashlib.sha256(_content(value).encode()).hexdigest()[:6]
