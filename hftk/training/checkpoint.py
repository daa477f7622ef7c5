"""The checkpoints of one run: sealed folders, of which the newest whole one counts, and the best weights beside them.

    checkpoints/step-12/    weights.safetensors, state.json, state.safetensors (its tensors), manifest.json
    checkpoints/best-8/     weights.safetensors, manifest.json

A checkpoint names the best weights that its state goes with; they stay as long as a checkpoint names them. So a kill
between the two never pairs an older state with newer best weights.
"""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from hftk.errors import RunError
from hftk.sealed import Damaged, Manifest, Sealing, read_manifest, sealed_folder, verified
from hftk.training.packing import pack, read_json, read_tensors, unpack, write_json, write_tensors
from hftk.training.space import check_free_space, told_when_full
from hftk.training.weights import check_finite

WEIGHTS = "weights.safetensors"
STATE = "state.json"
STATE_TENSORS = "state.safetensors"
_STEP, _BEST = "step-", "best-"
# sealed_folder writes here; what is removed goes here first, so that no half of it is ever taken for a checkpoint
_BESIDE = ".part-"


@dataclass(frozen=True)
class Checkpoint:
    path: Path
    about: dict[str, Any]
    """Of the manifest: step, epoch, best, and what the run said of itself."""
    weights: dict[str, torch.Tensor]
    state: dict[str, Any]
    """What training needs besides the weights; see `SweepTrainer`."""

    @property
    def step(self) -> int:
        return self.about["step"]


class Checkpoints:
    """The folder `checkpoints` of one run. Used by the main process."""

    def __init__(self, folder: Path, *, limit: int | None) -> None:
        """limit: how many checkpoints stay, the newest; None: all."""
        self.folder = folder
        self.limit = limit
        self.about: dict[str, Any] = {}
        """JSON values for every manifest: what the run says of itself."""
        self.best: str | None = None
        """The folder of the best weights so far."""
        self.seconds = 0.0
        """That the last save took."""

    def save(self, *, step: int, epoch: float, weights: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> None:
        """Seals a checkpoint and removes those beyond the limit.

        Raises RunError where a weight is not finite, the disk refuses, or the state cannot be written without pickle;
        what was sealed before is untouched then.
        """
        began = time.monotonic()
        check_finite(weights)
        tensors: dict[str, torch.Tensor] = {}
        try:
            packed = pack(dict(state), tensors, at="state")
            check_free_space(self.folder, [weights, tensors])
            with (
                told_when_full(self.folder),
                self._sealing(f"{_STEP}{step}", step=step, epoch=epoch, best=self.best) as sealing,
            ):
                with sealing.open(WEIGHTS) as file:
                    write_tensors(file, weights)
                with sealing.open(STATE_TENSORS) as file:
                    write_tensors(file, tensors)
                with sealing.open(STATE) as file:
                    write_json(file, packed)
            self._rotate(step)
            self.seconds = time.monotonic() - began
        except TypeError as error:
            raise RunError(
                f"the state of this training cannot be saved: {error}; choose another training.optim or "
                "training.lr_scheduler_type, or write training.save_strategy: no to train without checkpoints"
            ) from error
        except OSError as error:
            raise self._not_written(f"{_STEP}{step}", error) from error

    def newest(self, *, needed: Sequence[str], tell: Callable[[str], None]) -> Checkpoint | None:
        """The whole one with the highest step in its manifest, whatever the folders are called or dated.

        needed: the parts that its state must have. tell: hears of every one that is skipped, and why.
        """

        def skip(path: Path, reason: Damaged) -> None:
            tell(f"the checkpoint {path} is skipped: {reason}")

        self._remove_unfinished()
        for path, manifest in self._newest_first(skip):
            try:
                checkpoint = self._read(path, manifest, needed=needed)
            except Damaged as reason:
                skip(path, reason)
            else:
                self.best = checkpoint.about["best"]
                self._rotate(checkpoint.step)  # a kill may have cut the last one short, and no save may follow
                return checkpoint
        return None

    def keep_best(self, *, step: int, epoch: float, weights: Mapping[str, torch.Tensor]) -> None:
        """Seals the best weights so far. Raises RunError as `save` does."""
        check_finite(weights)
        name = f"{_BEST}{step}"
        try:
            check_free_space(self.folder, weights)
            with (
                told_when_full(self.folder),
                self._sealing(name, step=step, epoch=epoch) as sealing,
                sealing.open(WEIGHTS) as file,
            ):
                write_tensors(file, weights)
            self.best = name
            self._remove_unnamed_best()
        except OSError as error:
            raise self._not_written(name, error) from error

    def best_weights(self) -> dict[str, torch.Tensor]:
        """Raises RunError where they are not what was written."""
        path = self.folder / str(self.best)
        try:
            verified(path)
            return _read_weights(path)
        except Damaged as reason:
            raise RunError(
                f"{path}: the best weights cannot be used: {reason}; the same command again goes on from a checkpoint "
                "that has whole ones"
            ) from reason

    def _sealing(self, name: str, **told: Any) -> AbstractContextManager[Sealing]:
        return sealed_folder(self.folder / name, about=self.about | told)

    def _not_written(self, name: str, error: OSError) -> RunError:
        return RunError(
            f"{self.folder / name} cannot be written: {error.strerror or error}; what was saved before is whole, and "
            "the same command again goes on from there"
        )

    def _newest_first(self, damaged: Callable[[Path, Damaged], None]) -> list[tuple[Path, Manifest]]:
        """Every checkpoint with a manifest, by its step; `damaged` is told of the others."""
        found = []
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if not path.is_dir() or path.name.startswith((_BEST, _BESIDE)):
                continue
            try:
                manifest = read_manifest(path)
                if not isinstance(manifest.about.get("step"), int):
                    raise Damaged("its manifest names no step")
                found.append((path, manifest))
            except Damaged as reason:
                damaged(path, reason)
        return sorted(found, key=lambda one: one[1].about["step"], reverse=True)

    def _read(self, path: Path, manifest: Manifest, *, needed: Sequence[str]) -> Checkpoint:
        for name in (WEIGHTS, STATE, STATE_TENSORS):
            if name not in manifest.files:
                raise Damaged(f"{name} is missing")
        verified(path)
        try:
            state = unpack(read_json(path / STATE), read_tensors(path / STATE_TENSORS))
            best = manifest.about["best"]
        except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError, SafetensorError) as error:
            raise Damaged(f"{STATE} cannot be read ({type(error).__name__})") from error
        for part in needed:
            if not isinstance(state, dict) or part not in state:
                raise Damaged(f"{STATE} lacks {part}")
        if best is not None:
            try:
                verified(self.folder / best)
            except Damaged as reason:
                raise Damaged(f"its best weights, {best}, cannot be used: {reason}") from reason
        return Checkpoint(path=path, about=manifest.about, weights=_read_weights(path), state=state)

    def _rotate(self, step: int) -> None:
        """After the checkpoint of `step` is sealed. One with a higher step was skipped when this run went on."""
        damaged: list[Path] = []
        sealed = self._newest_first(lambda path, reason: damaged.append(path))
        kept = [path for path, manifest in sealed if manifest.about["step"] <= step][: self.limit]
        for path in [path for path, _ in sealed] + damaged:
            if path not in kept and path.name.startswith(_STEP):
                self._remove(path)
        self._remove_unnamed_best()

    def _remove_unnamed_best(self) -> None:
        sealed = self._newest_first(lambda path, reason: None)
        named = {manifest.about.get("best") for _, manifest in sealed} | {self.best}
        for path in list(self.folder.glob(f"{_BEST}*")):
            if path.name not in named:
                self._remove(path)

    def _remove(self, path: Path) -> None:
        beside = path.with_name(_BESIDE + path.name)
        if beside.exists():
            shutil.rmtree(beside)
        path.rename(beside)
        shutil.rmtree(beside)

    def _remove_unfinished(self) -> None:
        for path in list(self.folder.glob(f"{_BESIDE}*")):
            if path.is_dir():  # a file is none of ours
                shutil.rmtree(path)


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    try:
        return read_tensors(path / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        raise Damaged(f"{WEIGHTS} cannot be read ({type(error).__name__})") from error
