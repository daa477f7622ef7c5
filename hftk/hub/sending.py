"""The process that sends: started by uploading.py as a file, it needs huggingface_hub and nothing of hftk.

A line of JSON on standard input says what; when that is closed before the end, whoever asked is gone, and so is this.
Lines of JSON on standard output say how it goes: {"told": …}, {"sent": bytes}, and at the end {"commit": …, "url": …},
{"status": …, "message": …} for a refusal, or {"failed": …}.
"""

import json
import logging
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx2
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, get_session, set_client_factory
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import build_hf_headers, disable_progress_bars

T = TypeVar("T")
# answers that may be another one a moment later
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_SECONDS_BETWEEN_WORDS = 5
_CREATING = "another conflicting operation is in progress"

sent = 0
"""Bytes of large files so far, with those that were sent in vain."""


class Unavailable(Exception):
    """The Hub cannot take it now. retry_after: seconds that it asks to wait, where it does."""

    def __init__(self, what: str, retry_after: float | None = None) -> None:
        super().__init__(what)
        self.retry_after = retry_after


class Client(httpx2.Client):
    """Waits for each step at most so long, and leaves every retry to `tried`.

    Left to itself huggingface_hub 2.4 waits without limit, both for an answer and as long as a 429 asks for, and tells
    its log only. A Client of its own kind keeps the proxies of the environment, which another transport would not.
    """

    def send(self, request: httpx2.Request, **settings: Any) -> httpx2.Response:
        if request.method == "PUT":
            request.stream = _Counted(request.stream)
        try:
            answer = super().send(request, **settings)
        except httpx2.TransportError as error:
            raise Unavailable(f"no connection ({type(error).__name__})") from error
        if answer.status_code in _PASSING:
            raise Unavailable(f"the Hub answers with {answer.status_code}", _asked_to_wait(answer.headers))
        if answer.status_code == 409:
            answer.read()
            if _CREATING in answer.text:  # huggingface_hub asks again at once, without end
                raise Unavailable("the Hub makes another repository")
        return answer


class _Counted(httpx2.SyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        global sent
        for piece in self._stream:
            sent += len(piece)
            yield piece


def _asked_to_wait(headers: httpx2.Headers) -> float | None:
    """Of Retry-After in seconds, and of the Hub's own RateLimit: "api";r=0;t=55."""
    if (after := headers.get("Retry-After", "")).isdecimal():
        return float(after)
    found = re.search(r";\s*r=0;\s*t=(\d+)", headers.get("RateLimit", ""))
    return float(found[1]) if found else None


def tried(call: Callable[[], T], *, longest_wait: float, say: Callable[..., None]) -> T:
    """What `call` gives, asked again after a while where the Hub is unavailable; `longest_wait` seconds in all."""
    left, wait = longest_wait, 1.0
    while True:
        try:
            return call()
        except Exception as error:
            why = _cause(error, Unavailable)
            if why is None:
                raise
            pause = wait if why.retry_after is None else why.retry_after + 1
            if pause > left:
                asked = f" and asks to wait {why.retry_after:,.0f} seconds" if why.retry_after is not None else ""
                raise Unavailable(f"{why}{asked}; it was tried for {longest_wait - left:,.0f} seconds") from error
        say(told=f"{why}; next try in {pause:,.0f} s")
        time.sleep(pause)
        left -= pause
        wait = min(wait * 2, 60.0)


def _cause(error: BaseException | None, kind: type[T]) -> T | None:
    """The first of this kind in the chain of causes: what fails in a thread comes wrapped."""
    while error is not None:
        if isinstance(error, kind):
            return error
        error = error.__cause__ or error.__context__
    return None


def send(order: dict[str, Any], say: Callable[..., None]) -> None:
    """One commit with all files, after the repository was made where it is not there."""
    api = HfApi()
    name, files = order["model_id"], order["files"]

    def make() -> None:
        api.create_repo(name, private=order["private"], exist_ok=True)

    def commit() -> tuple[str, str]:
        """Each try looks anew at what is there: the last one may have got through, though its answer was lost."""
        now = api.model_info(name)
        there = {file.rfilename for file in now.siblings or []}
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            CommitOperationAdd(path, source) for path, source in files
        ]
        gone = _written_before(api, order, there=there, head=now.sha) - {path for path, _ in files}
        operations += [CommitOperationDelete(path, is_folder=False) for path in sorted(gone & there)]
        done = api.create_commit(name, operations, commit_message=order["message"], parent_commit=now.sha)
        return done.oid, done.commit_url

    if not order["exists"]:
        tried(make, longest_wait=order["longest_wait"], say=say)
    oid, url = tried(commit, longest_wait=order["longest_wait"], say=say)
    say(commit=oid, url=url)


def _written_before(api: HfApi, order: dict[str, Any], *, there: set[str], head: str) -> set[str]:
    """The files that an earlier push put there, by its mark; a person's own files are not among them."""
    mark = order["mark"]
    if mark not in there:
        return set()
    url = f"{api.endpoint}/{order['model_id']}/resolve/{head}/{mark}"
    answer = get_session().get(url, headers=build_hf_headers())
    try:
        told = json.loads(answer.content)["files"]
    except (ValueError, KeyError, TypeError):
        return set()
    return {path for path in told if isinstance(path, str)}


def main() -> None:
    lock = threading.Lock()

    def say(**words: Any) -> None:
        with lock:
            sys.stdout.write(json.dumps(words) + "\n")
            sys.stdout.flush()

    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threading.Thread(target=_tell_sent, args=(say,), daemon=True).start()
    warnings.simplefilter("ignore")
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
    disable_progress_bars()
    # the large-file service retries without end and without a word; files of the older way are taken over by the Hub
    constants.HF_HUB_DISABLE_XET = True
    timeout = httpx2.Timeout(order["step_seconds"])
    set_client_factory(lambda: Client(follow_redirects=True, timeout=timeout))
    try:
        send(order, say)
    except Exception as error:
        refused = _cause(error, HfHubHTTPError)
        away = _cause(error, Unavailable)
        if away is not None:
            say(away=str(away))
        elif refused is not None and not isinstance(
            error, ValueError
        ):  # a ValueError says more: what of a card is wrong
            message = refused.response.headers.get("X-Error-Message") or refused.server_message or ""
            say(status=refused.response.status_code, message=message)
        else:
            say(failed=str(error).strip() or type(error).__name__)
    sys.stdout.flush()
    # threads that still send are not waited for
    os._exit(0)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def _tell_sent(say: Callable[..., None]) -> None:
    while True:
        time.sleep(_SECONDS_BETWEEN_WORDS)
        say(sent=sent)


if __name__ == "__main__":
    main()
