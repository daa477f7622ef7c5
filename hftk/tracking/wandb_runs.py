"""W&B's run for a run of ours: online where its server answers, else in files that are sent later.

W&B is opened here because Trainer would pass neither group nor tags, would stop at a prompt without a login, and would
fail the run where the server cannot be reached. What is sent goes to a service process of W&B's on this machine, which
writes it to disk and uploads it; so a server that goes away is felt at the start and at the end only (wandb 0.31).
"""

import json
import os
import secrets
import shlex
import string
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import psutil

from hftk.tracking.bounded import LONGEST_END, LONGEST_LOCAL, LONGEST_START, TooSlow, bounded, reason_of
from hftk.tracking.outage import Outage, forget_outage
from hftk.tracking.told import About

if TYPE_CHECKING:
    import wandb

Mode = Literal["online", "offline", "disabled"]

_FIRST_ANSWER = 2.0  # seconds
_DOWN = {500, 502, 503, 504}


def notices(*, folder: Path) -> list[str]:
    """What to tell before the first run of the sweep in `folder`. An outage of an earlier command is forgotten."""
    forget_outage(folder)
    _keep_quiet()
    if _must_be_offline():
        return [f"W&B: not logged in, so the runs are written offline; send them later with: {_sync(folder)}"]
    return []


def open_run(about: About, *, folder: Path, run_id: str, resumed: bool, job_type: str = "train") -> list[str]:
    """Opens `wandb.run`: online, or offline, or in the worst case one that keeps nothing. Returns what to tell.

    folder: the sweep's. resumed: a server that knows the run goes on with it. Offline files are whole each time: of
    several of a run `wandb sync` sends each from the beginning, and the last one counts.
    """
    _keep_quiet()
    given = {
        "project": about.project,
        "group": about.group,
        "name": about.run,
        "tags": about.tags,
        "config": about.config,
        "job_type": job_type,
        "id": run_id,
    }
    begin = partial(_begin, given, folder=folder)
    known = Outage.known(folder)
    try:
        mode = known.then if known else _wanted_mode()
        if mode != "online":
            begin(mode)
            return []
        settings = _settings()
        started = time.monotonic()
        bounded(partial(_ask_server, settings), seconds=_FIRST_ANSWER + 0.5)  # looking up its name has no limit
        left = max(LONGEST_START - (time.monotonic() - started), 1.0)
        begin(mode, seconds=left, resume="allow" if resumed else None)
        return []
    except Exception as error:
        reason = "its server did not answer in time" if isinstance(error, TooSlow) else reason_of(error)
    try:
        begin("offline")
    except Exception as error:
        Outage(reason_of(error), then="disabled").note(folder)
        with suppress(Exception):
            begin("disabled")
        return [f"W&B: it does not start ({reason_of(error)}); the runs are not tracked"]
    Outage(reason, then="offline").note(folder)
    return [f"W&B: {reason}; the runs are written offline, send them later with: {_sync(folder)}"]


def close_run(*, exit_code: int = 0) -> list[str]:
    """Ends `wandb.run`, if one is open here. Returns what to tell, unless an outage of this sweep was told before."""
    import wandb

    run = wandb.run
    reason = _finish(run, exit_code) if run is not None else None
    return _give_up(run, reason) if reason else []


def end_service() -> None:
    """Ends W&B's service process, if this process started one: it would outlive us for a moment. Waits for its end."""
    if "wandb" in sys.modules and _services():
        _drop_service(kindly=True)


def stop_run(error: Exception) -> list[str]:
    """Ends `wandb.run` after a call that failed or hung. Returns what to tell, as above."""
    import wandb

    run = wandb.run
    if run is None:
        return []
    if isinstance(error, TooSlow):
        _drop_service()
    else:
        _finish(run, exit_code=1)
    return _give_up(run, f"it stopped working ({reason_of(error)})")


def _finish(run: "wandb.Run", exit_code: int) -> str | None:
    """The reason why not all was sent; None if it was."""
    try:
        bounded(partial(run.finish, exit_code=exit_code), seconds=LONGEST_END + 3)  # W&B itself keeps to LONGEST_END
    except TimeoutError:
        return f"its server did not take everything within {LONGEST_END:g} s at the end of the run"
    except Exception as error:
        _drop_service()
        return f"it stopped working ({reason_of(error)})"
    return None


def _give_up(run: "wandb.Run", reason: str) -> list[str]:
    """Notes that the sweep's further runs do without the server. Returns what to tell, if nothing was told before."""
    folder = Path(run.settings.root_dir)
    known = Outage.known(folder)
    # a second fault, with no server in play, is W&B's own on this machine
    then = "disabled" if known and run.offline else "offline"
    Outage(reason, then=then).note(folder)
    if known:
        return []
    return [
        f"W&B: {reason}; what is not sent is on disk, and further runs are written offline; send it later with: "
        f"{_sync(folder, all_of_it=True)}"
    ]


def _drop_service(*, kindly: bool = False) -> None:
    """Ends W&B's service process, if this process started it, so that nothing waits for it; the next run starts one."""
    import wandb

    services = _services()
    if not kindly:
        _kill(services)
    # it fails to say good-bye to a dead process, and forgets it all the same
    with suppress(Exception):
        bounded(wandb.teardown, seconds=LONGEST_END if kindly else LONGEST_LOCAL)
    _kill(services)
    os.environ.pop("WANDB_SERVICE", None)  # where the process that it names is gone
    wandb.run = None


def _services() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if _name(child).startswith("wandb-core")]


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""


def _kill(services: list[psutil.Process]) -> None:
    killed = []
    for service in services:
        with suppress(psutil.Error):
            for process in [*service.children(recursive=True), service]:
                process.kill()
                killed.append(process)
    psutil.wait_procs(killed, timeout=1)


def _begin(
    given: dict[str, Any], mode: Mode, *, folder: Path, seconds: float = LONGEST_START, resume: str | None = None
) -> None:
    """seconds: for the server; the service's own start on this machine comes on top."""
    import wandb

    folder.mkdir(parents=True, exist_ok=True)
    # a service that is killed leaves what it has flushed, and by itself it does that every 15 s
    flushed = "x_transaction_log_flush_interval"
    settings = wandb.Settings(
        **({flushed: 1.0} if flushed in wandb.Settings.model_fields else {}),
        silent=True,
        console="off",
        symlink=False,  # `wandb sync` would send the run behind latest-run twice
        # paths of this machine, and its user's name; the config says what matters
        x_disable_meta=True,
        program="hftk",
        disable_git=True,
        save_code=False,
        init_timeout=seconds,
        finish_timeout=LONGEST_END,
        finish_timeout_raises=True,
    )
    try:
        bounded(
            partial(wandb.init, **given, dir=folder, mode=mode, resume=resume, settings=settings),
            seconds=seconds + LONGEST_LOCAL,
        )
    except Exception:
        _drop_service()
        raise


def _wanted_mode() -> Mode:
    """$WANDB_MODE, or what `wandb offline` left in W&B's settings, is the user's own decision."""
    if _must_be_offline():
        return "offline"
    asked = os.environ.get("WANDB_MODE") or _settings().mode
    return {"offline": "offline", "dryrun": "offline", "disabled": "disabled"}.get(asked, "online")


def _must_be_offline() -> bool:
    """Without a login W&B would ask for one."""
    if "WANDB_MODE" in os.environ or os.environ.get("WANDB_API_KEY"):
        return False
    try:
        import wandb

        return not wandb.login(prompt=False, verify=False)
    except Exception:  # whatever is wrong with the login, there is none
        return True


def _settings() -> "wandb.Settings":
    """W&B's of this process; starts its service."""
    import wandb

    try:
        return bounded(wandb.setup, seconds=LONGEST_LOCAL).settings
    except Exception:
        _drop_service()
        raise


def _keep_quiet() -> None:
    """To be called before W&B reads its environment.

    It would report on itself to the server, for offline runs too, and where the server hangs the process waits up to
    20 s for that at its end (wandb 0.31).
    """
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    os.environ.setdefault("WANDB_SILENT", "true")  # the terminal is our display's


def _ask_server(settings: "wandb.Settings") -> None:
    """Raises ConnectionError with the reason where W&B's server is not in a state to be used."""
    import requests

    address = urlsplit(settings.base_url)
    place = address.hostname + (f":{address.port}" if address.port else "")
    proxies = {"http": settings.http_proxy, "https": settings.https_proxy}
    try:
        answer = requests.post(
            f"{settings.base_url}/graphql",
            json={"query": "query { __typename }"},
            auth=lambda request: request,  # else requests sends what ~/.netrc has for this host
            proxies={scheme: proxy for scheme, proxy in proxies.items() if proxy},
            timeout=_FIRST_ANSWER,
            stream=True,
        )
    except requests.exceptions.SSLError:
        return  # there is somebody; W&B has settings of its own for certificates
    except requests.exceptions.Timeout as error:
        raise ConnectionError(f"{place} does not answer") from error
    except requests.exceptions.RequestException as error:
        raise ConnectionError(f"{place} cannot be reached") from error
    if answer.status_code in _DOWN:
        raise ConnectionError(f"{place} answers with HTTP {answer.status_code}")


def run_id(run_folder: Path, *, resumed: bool) -> str:
    """W&B's id of the run, kept in its folder: a resumed run goes on there, one that starts anew is a new one."""
    file = run_folder / "wandb.json"
    if resumed:
        with suppress(OSError, ValueError, KeyError, TypeError):
            return str(json.loads(file.read_text(encoding="utf-8"))["id"])
    made = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))
    with suppress(OSError):
        run_folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"id": made}) + "\n", encoding="utf-8")
    return made


def _sync(folder: Path, *, all_of_it: bool = False) -> str:
    """all_of_it: a run that was online is sent again too, which W&B skips otherwise."""
    return f"wandb sync {'--include-online ' if all_of_it else ''}{shlex.quote(str(folder / 'wandb'))}"
