"""Nothing that opens a door goes up: a search through every file of a push."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from netrc import NetrcParseError, netrc
from pathlib import Path

from hftk.hub.manifest import Entry, Manifest
from hftk.recipe.credentials import UNMISTAKABLE, is_secret_key, secrets_of_environment

_PIECE = 16_000_000
"""Bytes read at a time, so that a model of any size is searched in little memory."""
_LONGEST = 4_096
"""Bytes of a piece that are searched again with the next one: longer than any token."""
_WEIGHTS = (".safetensors", ".bin", ".pt", ".npy")
"""Numbers: only their header and the known secrets are looked for, at the speed of the disk."""
_HEADER = 1_000_000
_PRIVATE_KEY = r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"
_KINDS = {
    kind: re.compile(pattern.encode()) for kind, pattern in {**UNMISTAKABLE, "a private key": _PRIVATE_KEY}.items()
}
# `WANDB_API_KEY: 0123…`, `"api_key": "0123…"`: 40 hexadecimal digits alone are a git commit as well
_NAMED = re.compile(rb"([\w.-]{3,60})[\"']?\s{0,3}[:=]\s{0,3}[\"']?([0-9a-f]{40})(?![0-9A-Za-z])")


@dataclass(frozen=True)
class Found:
    """A secret, without the secret."""

    path: str
    """In the repository."""
    kind: str


def find_secrets(manifest: Manifest) -> list[Found]:
    """Every file that holds what looks like a token or is one of this machine's, each kind once per file.

    Known ones are those of the environment, the Hub's login and the keys in ~/.netrc. Raises OSError where a file
    cannot be read.
    """
    known = known_secrets()
    found = (Found(entry.path, kind) for entry in manifest.entries for kind in _kinds_in(entry, known))
    return list(dict.fromkeys(found))


def known_secrets() -> dict[str, str]:
    """Where a secret of this machine stands → the secret. Never shown or kept."""
    from huggingface_hub import get_token

    known = {f"the value of {name}": value for name, value in secrets_of_environment().items()}
    if (token := get_token()) is not None:
        known.setdefault("the login of the Hub", token)
    with suppress(OSError, NetrcParseError):  # most have none
        for host, (_, _, password) in netrc().hosts.items():
            if password and len(password) >= 16:
                known[f"the key of {host} in ~/.netrc"] = password
    return known


def _kinds_in(entry: Entry, known: Mapping[str, str]) -> Iterator[str]:
    yield from _kinds(entry.path.encode(), known, patterns=True)
    weights = entry.path.endswith(_WEIGHTS)
    for number, piece in enumerate(_pieces(entry.source)):
        yield from _kinds(piece, known, patterns=not weights)
        if weights and number == 0:
            yield from _kinds(piece[:_HEADER], {}, patterns=True)


def _pieces(source: Path | bytes) -> Iterator[bytes]:
    """With an overlap: a secret is whole in one of them."""
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        last = b""
        while piece := file.read(_PIECE):
            yield last + piece
            last = piece[-_LONGEST:]


def _kinds(content: bytes, known: Mapping[str, str], *, patterns: bool) -> Iterator[str]:
    for where, value in known.items():
        if value.encode() in content:
            yield where
    if not patterns:
        return
    for kind, pattern in _KINDS.items():
        if pattern.search(content):
            yield kind
    if any(is_secret_key(name.decode(errors="replace")) for name, _ in _NAMED.findall(content)):
        yield "a key of 40 digits"
