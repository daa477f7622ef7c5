"""A run's record as it is pushed: without what belongs to the machine, to the person, or to the data's rows."""

import json
import re
from collections.abc import Mapping
from typing import Any

from hftk.report.card.origin import last_part

NOT_PUSHED = {
    "attention": "texts of the data",
    "command": "as it was typed on the machine that trained",
}
"""Keys of run.json that stay here, and what they hold."""
# two parts or more, so that `and/or` and a fraction stay; not the path of a URL
_PATH = re.compile(r"(?<![\w.:/~\\])(?:~|[A-Za-z]:)?[/\\](?:[\w.@+%=,-]+[/\\])*[\w.@+%=,-]+")


def pushed_record(record: Mapping[str, Any], *, paths: Mapping[str, str]) -> bytes:
    """run.json for the repository. paths: what the recipe names on this machine, by key.

    Paths become their last part wherever they stand; `not_pushed` names the keys that were left out.
    """
    known = sorted(set(paths.values()), key=len, reverse=True)
    kept = {key: value for key, value in record.items() if key not in NOT_PUSHED}
    left = {key: reason for key, reason in NOT_PUSHED.items() if record.get(key)}
    content = _plain(kept, known) | ({"not_pushed": left} if left else {})
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def _plain(value: Any, known: list[str]) -> Any:
    if isinstance(value, Mapping):
        return {_text(key, known): _plain(child, known) for key, child in value.items()}
    if isinstance(value, list):
        return [_plain(child, known) for child in value]
    return _text(value, known) if isinstance(value, str) else value


def _text(text: str, known: list[str]) -> str:
    for path in known:
        if "/" in path or "\\" in path:  # a bare name is its own last part
            text = text.replace(path, last_part(path))
    return _PATH.sub(lambda found: last_part(found[0]), text)
