"""What a recipe's `hub`, or `hftk push`, asks of a sweep's folder: a check before training, which run goes where."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from filelock import FileLock, Timeout

from hftk.errors import HftkError, HubError, RecipeError
from hftk.hub.access import HubAway, check_access, logged_in
from hftk.recipe.checks import MODEL_ID, MODEL_ID_RULE
from hftk.recipe.reading import read_document
from hftk.sweep.exclusive import CLAIMS

if TYPE_CHECKING:
    from hftk.hub.pushing import Pushed

Which = Literal["best", "all"]
Tell = Callable[[str], None]
_LONGEST_NAME = 96
"""Of a repository, without its owner: the Hub's limit."""
_PATIENCE = 3_600.0
"""Seconds that one command waits for another that pushes the same sweep."""


def check_push(runs: Sequence[str], *, push: Which, model_id: str, private: bool, tell: Tell) -> None:
    """Before anything is trained: may what a recipe wants pushed go there?

    runs: names of those that will be trained. Raises RecipeError where it may not. tell: hears of a Hub that cannot be
    asked now, which does not keep a sweep from its work.
    """
    names = [model_id] if push == "best" else list(repository_names(model_id, runs).values())
    try:
        login = logged_in()
        for name in names:
            check_access(name, private=private, overwrite=False, login=login)
    except HubAway as error:
        tell(f"hub.push: {error}. The sweep is trained all the same, and the push is tried at its end")
    except HubError as error:
        raise RecipeError(f"hub.push: {error}. Nothing was trained; hub.push: none trains without a push") from error


def push_runs(
    folder: Path,
    *,
    push: Which,
    model_id: str,
    private: bool,
    merged: bool,
    overwrite: bool = False,
    tell: Tell,
) -> "list[Pushed]":
    """Pushes of a sweep's folder the run that is best on validation, or every finished one; or a run's folder.

    Raises HubError, after all that could be pushed was, where one was not or is not verified; RunError where a record
    is broken.
    """
    options = {"private": private, "merged": merged, "overwrite": overwrite, "tell": tell}
    if _is_run(folder):
        return _push_each({folder: model_id}, **options)
    with _alone(folder):
        return _push_each(_chosen(folder, push=push, model_id=model_id), **options)


def _push_each(
    chosen: Mapping[Path, str], *, private: bool, merged: bool, overwrite: bool, tell: Tell
) -> "list[Pushed]":
    from hftk.hub.pushing import push_run  # torch with it

    login = logged_in()
    pushed, problems = [], []
    for run, name in chosen.items():
        try:
            one = push_run(
                run, model_id=name, private=private, merged=merged, overwrite=overwrite, login=login, tell=tell
            )
        except HubAway as error:  # it would not take the others either
            problems.append(str(error))
            break
        except HubError as error:
            problems.append(str(error))
            continue
        pushed.append(one)
        if one.verified_there is not None and not one.verified_there.ok:
            problems.append(f"{name}: pushed, but not verified: loaded from the Hub, {one.verified_there.reason}")
    if problems:
        raise HubError("\n".join(problems))
    return pushed


def _chosen(folder: Path, *, push: Which, model_id: str) -> dict[Path, str]:
    """Run folder → repository."""
    from hftk.report.runs import read_runs

    if _is_run(folder):
        return {folder: model_id}
    finished = [run for run in read_runs(folder) if run.status == "finished"]
    if not finished:
        raise HubError(f"{folder}: no run is finished, so there is nothing to push")
    if push == "best":
        return {finished[0].folder: model_id}
    names = repository_names(model_id, [run.name for run in finished])
    return {run.folder: names[run.name] for run in finished}


def wanted_model_id(folder: Path, given: str | None) -> str:
    """given, or the hub.model_id of the folder's recipe. Raises RecipeError where there is none, or no such folder."""
    if not folder.is_dir():
        raise RecipeError(f"there is no folder {folder}; name <output_dir>/<recipe name>, or a run's folder in it")
    recipes = [folder / "recipe.yaml"] if _is_run(folder) else sorted(folder.glob("*/recipe.yaml"))
    for path in recipes:
        with suppress(HftkError):  # of another version, or damaged: what is pushed is checked
            hub = read_document(str(path)).data.get("hub")
            given = given or (hub.get("model_id") if isinstance(hub, Mapping) else None)
    if given is None:
        raise RecipeError("where to? The recipe has no hub.model_id; give it: --model-id OWNER/NAME")
    if not re.fullmatch(MODEL_ID, given):
        raise RecipeError(f"--model-id {given}: {MODEL_ID_RULE}")
    return given


def _is_run(folder: Path) -> bool:
    return (folder / "run.json").is_file()


def repository_names(model_id: str, runs: Sequence[str]) -> dict[str, str]:
    """Run name → `<model_id>-<run name as a repository may be called>`; all distinct, whatever the names."""
    owner, _, base = model_id.partition("/")
    plain = {run: re.sub(r"[-.]{2,}", "-", re.sub(r"[^A-Za-z0-9._]+", "-", run)).strip("-.") for run in runs}
    names = {}
    for run in runs:
        # what tells runs apart may be just what a repository's name cannot hold
        lost = not plain[run] or re.search(r"[^A-Za-z0-9._=,+-]", run) or list(plain.values()).count(plain[run]) > 1
        end = f"-{hashlib.sha256(run.encode()).hexdigest()[:6]}" if lost else ""
        if len(base) + 1 + len(plain[run]) + len(end) > _LONGEST_NAME:
            end = f"-{hashlib.sha256(run.encode()).hexdigest()[:6]}"
        kept = plain[run][: max(0, _LONGEST_NAME - len(base) - 1 - len(end))].strip("-.")
        names[run] = f"{owner}/{base}-{kept}{end}" if kept else f"{owner}/{base}{end}"
    return names


def shown_contents(folder: Path, *, push: Which, model_id: str, merged: bool) -> list[str]:
    """What `push_runs` would push where, and nothing is sent or asked of the Hub."""
    from hftk.hub.contents import contents
    from hftk.hub.manifest import manifest_lines
    from hftk.hub.pushing import marked

    lines = []
    for run, name in _chosen(folder, push=push, model_id=model_id).items():
        lines += [f"{run} → {name}", *manifest_lines(marked(contents(run, merged=merged, model_id=name)))]
    return lines


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Of commands that share a sweep and end side by side, one pushes, and the others find it pushed."""
    path = folder / CLAIMS / ".pushing"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=_PATIENCE, poll_interval=0.1)
    try:
        lock.acquire()
    except Timeout:
        raise HubError(f"{folder}: another command has been pushing it for an hour") from None
    try:
        yield
    finally:
        lock.release()
