"""Can the Hub be asked, and for this?"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar

T = TypeVar("T")
UNREACHABLE = "the Hub cannot be reached as there is no network, or HF_HUB_OFFLINE is set"
PROBE_SECONDS = 3
_ANSWER_SECONDS = 5
# a file that every repository of its kind has, and that asks for the same rights as the rest of them
_PROBED = {"model": "config.json", "data set": "README.md"}
_PLACES = {"model": "", "data set": "datasets/"}
# of answers below 500: what will be another answer later
_PASSING = (408, 409, 425, 429)


@dataclass(frozen=True)
class Trouble:
    """Why something cannot be had from the Hub."""

    reason: str
    """With what to do about it."""
    passing: bool
    """Is it the Hub's or the network's, so that what lies in the cache will do? Else it is about the name or rights."""


def trouble(name: str, *, kind: Literal["model", "data set"], revision: str | None) -> Trouble | None:
    """What stands in the way of loading a model or data set; None: load it.

    name: `owner/name`. Told within 8 seconds, asked once per process and name. It is asked before transformers and
    datasets are: those (huggingface_hub 2.4) try what was answered with 408, 429 or from 500 on five times more, for 23
    seconds per file, wait as long as a 429 asks for, be it hours, and tell a person little of why.
    """
    if not reachable():
        return Trouble(UNREACHABLE, passing=True)
    return _trouble(name, kind=kind, revision=revision)


@cache
def _trouble(name: str, *, kind: str, revision: str | None) -> Trouble | None:
    from huggingface_hub.errors import OfflineModeIsEnabled

    try:
        answer = within(_ANSWER_SECONDS, lambda: _answer(name, kind=kind, revision=revision or "main"))
    except TimeoutError:
        return Trouble(f"the Hub did not answer within {_ANSWER_SECONDS} seconds; try again later", passing=True)
    except OfflineModeIsEnabled:
        return None
    # the http client's exceptions, which huggingface_hub exchanges from version to version
    except Exception as error:
        return Trouble(f"the Hub cannot be reached because of {type(error).__name__}", passing=True)
    return _judged(*answer, name=name, kind=kind, revision=revision)


@cache
def reachable() -> bool:
    """One request, answered within 3 seconds, once per process.

    Left to themselves, `load_dataset` and `from_pretrained` try again and again for most of a minute, per file
    (datasets 5.2, transformers 5.23). False in offline mode.
    """
    from huggingface_hub import constants, get_session, is_offline_mode

    if is_offline_mode():
        return False
    with suppress(Exception):
        within(PROBE_SECONDS, lambda: get_session().head(constants.ENDPOINT, timeout=PROBE_SECONDS))
        return True
    return False


def within(seconds: float, ask: Callable[[], T]) -> T:
    """What `ask` gives or raises; TimeoutError after so long.

    The client's own limit holds for each of its steps, and not for the look-up of the name.
    """
    given: list[T] = []
    raised: list[Exception] = []

    def run() -> None:
        try:
            given.append(ask())
        except Exception as error:
            raised.append(error)

    asking = threading.Thread(target=run, name="is the Hub there", daemon=True)
    asking.start()
    asking.join(seconds)
    if raised:
        raise raised[0]
    if not given:
        raise TimeoutError
    return given[0]


def _answer(name: str, *, kind: str, revision: str) -> tuple[int, Mapping[str, Any]]:
    """Status and headers. Asked with the user's login, if there is one; a redirect is an answer."""
    from urllib.parse import quote

    from huggingface_hub import constants, get_session
    from huggingface_hub.utils import build_hf_headers

    url = f"{constants.ENDPOINT}/{_PLACES[kind]}{name}/resolve/{quote(revision, safe='')}/{_PROBED[kind]}"
    answer = get_session().head(url, headers=build_hf_headers(), timeout=_ANSWER_SECONDS, follow_redirects=False)
    return answer.status_code, answer.headers


def _judged(status: int, headers: Mapping[str, Any], *, name: str, kind: str, revision: str | None) -> Trouble | None:
    from huggingface_hub import constants

    code = headers.get("X-Error-Code")
    page = f"{constants.ENDPOINT}/{_PLACES[kind]}{name}"
    if status < 400 or (status == 404 and code not in ("RepoNotFound", "RevisionNotFound")):
        return None
    if code == "GatedRepo" or status == 403:
        reason = (
            f"the Hub refuses access ({status}): accept its conditions, or ask for access, at {page}, and log in with: "
            "hf auth login"
        )
    elif code == "RevisionNotFound":
        reason = f"the Hub has no revision {revision or 'main'} of it ({status}); its revisions are at {page}/commits"
    elif status in (401, 404):
        reason = (
            f"the Hub has no public {kind} of this name ({status}): check its spelling; for a private one, or where a "
            "login has run out, log in with: hf auth login"
        )
    elif status == 429:
        after = str(headers.get("Retry-After", ""))
        wait = f"{int(after):,} seconds" if after.isdecimal() else "some minutes"
        reason = (
            f"the Hub takes no more requests for now (429): wait {wait}, then give the same command again; those who "
            "are logged in (hf auth login) may ask more often"
        )
    else:
        reason = f"the Hub answers with an error ({status}): try again later"
    return Trouble(reason, passing=status in _PASSING or status >= 500)
