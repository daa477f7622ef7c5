"""May this login push to this repository? Asked before training, and again before the push."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hftk.errors import HubError
from hftk.hub.reaching import within
from hftk.recipe.credentials import redacted

MARK = ".hftk.json"
"""The file of a repository that says that hftk wrote it, and which of its files."""
ANSWER_SECONDS = 15
"""For one request, with the look-up of the name; the Hub answers within one."""
LOG_IN = "log in with: hf auth login (or set HF_TOKEN)"
# what a repository holds that was only just made
_EMPTY = {".gitattributes"}
_MAY_WRITE = ("admin", "write", "contributor")


class HubAway(HubError):
    """The Hub, or the way to it, is the trouble: another time it may be well."""


@dataclass(frozen=True)
class Login:
    """Who pushes."""

    name: str
    writable: frozenset[str]
    """Users and organisations under whose names it may make repositories."""
    sure: bool
    """Is `writable` all? Of a fine-grained token that is not known."""


@dataclass(frozen=True)
class Standing:
    """A model repository as it is now."""

    model_id: str
    exists: bool
    private: bool | None
    """None: it does not exist."""
    head: str | None
    """Its newest commit."""


def logged_in() -> Login:
    """Raises HubError where nobody is, or with a token that may only read; HubAway where the Hub cannot be asked."""
    from huggingface_hub import get_token, is_offline_mode

    if is_offline_mode():
        raise HubAway("the Hub is not asked, as HF_HUB_OFFLINE is set")
    if get_token() is None:
        raise HubError(f"nobody is logged in to the Hub; {LOG_IN}")
    status, answer, message = _get("/api/whoami-v2")
    if status != 200:
        raise refusal(status, message, model_id=None)
    token = (answer.get("auth") or {}).get("accessToken") or {}
    if token.get("role") == "read":
        raise HubError(
            f"the token of {answer.get('name')} may only read; make one with the role “write” at "
            f"{_page('settings/tokens')}, and {LOG_IN}"
        )
    groups = {org.get("name") for org in answer.get("orgs") or [] if org.get("roleInOrg") in (*_MAY_WRITE, None)}
    return Login(
        name=str(answer.get("name")),
        writable=frozenset({str(answer.get("name")), *map(str, groups)}),
        sure=token.get("role") != "fineGrained",
    )


def check_access(model_id: str, *, private: bool, overwrite: bool, login: Login) -> Standing:
    """Is everything there that a push to this repository needs?

    Raises HubError where the login may not write there, where the repository holds what hftk did not write and
    overwrite is not given, and where it is public and the push is to be private; HubAway where the Hub cannot be asked.
    """
    status, answer, message = _get(f"/api/models/{model_id}")
    if status in (401, 404):
        return _to_be_made(model_id, login=login)
    if status != 200:
        raise refusal(status, message, model_id=model_id)
    if str(answer.get("id")) != model_id:
        raise HubError(f"the repository {model_id} is called {answer.get('id')} now; write that as hub.model_id")
    status, _, message = _get(f"/api/models/{model_id}/auth-check/write")
    if status != 200:
        raise refusal(status, message, model_id=model_id)
    paths = {str(file.get("rfilename")) for file in answer.get("siblings") or []}
    if paths - _EMPTY and MARK not in paths and not overwrite:
        raise HubError(
            f"{model_id} holds files that hftk did not write ({len(paths):,} in all), and they are not overwritten "
            "unasked: name another hub.model_id, or, to put a run over them (the history stays): hftk push FOLDER "
            f"--model-id {model_id} --overwrite"
        )
    if private and not answer.get("private"):
        raise HubError(
            f"{model_id} is public, and the push is to be private: write hub.private: false (hftk push: --public), or "
            f"make it private at {_page(model_id)}/settings"
        )
    return Standing(model_id, exists=True, private=bool(answer.get("private")), head=answer.get("sha"))


def _to_be_made(model_id: str, *, login: Login) -> Standing:
    owner = model_id.partition("/")[0]
    if login.sure and owner not in login.writable:
        others = sorted(login.writable - {login.name})
        groups = f", nor in one of its organisations that it may write to ({', '.join(others)})" if others else ""
        raise HubError(
            f"{model_id} is not there, or may not be seen, and {login.name} may not make it: {owner} is not that "
            f"user{groups}; write hub.model_id: {login.name}/{model_id.partition('/')[2]}, or log in as another"
        )
    return Standing(model_id, exists=False, private=None, head=None)


def refusal(status: int, message: str, *, model_id: str | None) -> HubError:
    """An answer of the Hub in words: what it means, and what to do. message: the Hub's own, or empty."""
    where = model_id or "the login"
    own = f" (the Hub says: {redacted(message)})" if message else ""
    if status == 401:
        return HubError(f"{where}: the Hub does not know this login (401): its token is wrong or has run out; {LOG_IN}")
    if status == 403:
        return HubError(
            f"{where}: the Hub does not let this login write there (403){own}: it needs a token with the right to "
            f"write, see {_page('settings/tokens')}, and the right to write to that user or organisation"
        )
    if status == 404:
        return HubError(
            f"{where}: the Hub has no such repository, or this login may not see it (404); check hub.model_id"
        )
    if status in (409, 412):
        return HubError(
            f"{where}: somebody else changed the repository while this was pushed, or its name is taken "
            f"({status}){own}: look at it, then push again"
        )
    if status == 413:
        return HubError(f"{where}: the Hub takes no commit or file of this size (413){own}")
    if status in (402, 507):
        return HubError(
            f"{where}: there is no room left for it on the Hub ({status}){own}: delete what is not needed, or see "
            f"{_page('settings/billing')}"
        )
    if status in (408, 425, 429) or status >= 500:
        return HubAway(f"{where}: the Hub cannot take it now ({status}){own}; try again later")
    return HubError(f"{where}: the Hub refuses it ({status}){own}")


def _get(path: str) -> tuple[int, Mapping[str, Any], str]:
    """Status, answer and the Hub's own word for an error. Raises HubAway."""
    from huggingface_hub import constants, get_session
    from huggingface_hub.utils import build_hf_headers

    def ask() -> tuple[int, Mapping[str, Any], str]:
        answer = get_session().get(f"{constants.ENDPOINT}{path}", headers=build_hf_headers(), timeout=ANSWER_SECONDS)
        if answer.status_code == 200:
            return 200, answer.json(), ""
        return answer.status_code, {}, one_line(answer.headers.get("X-Error-Message") or "")

    try:
        return within(ANSWER_SECONDS, ask)
    except TimeoutError:
        raise HubAway(f"the Hub did not answer within {ANSWER_SECONDS} seconds; try again later") from None
    # the http client's exceptions, which huggingface_hub exchanges from version to version
    except Exception as error:
        raise HubAway(f"the Hub cannot be reached because of {type(error).__name__}; is there a network?") from error


def one_line(text: str) -> str:
    """The first 200 letters of a foreign message."""
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= 200 else text[:200] + "…"


def _page(path: str) -> str:
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/{path}"
