"""A Trainer that goes on from a sealed checkpoint as if it had never ended."""

import dataclasses
from typing import Any

import torch
from accelerate.utils import gather_object
from transformers import Trainer
from transformers.trainer_callback import TrainerState

from hftk.training.checkpoint import Checkpoint, Checkpoints
from hftk.training.rng import restore_rng_state, rng_state
from hftk.training.saving import Stateful
from hftk.training.sharing import main_does
from hftk.training.weights import changing_weights, put_weights


class ResumableTrainer(Trainer):
    """Trainer, whose checkpoints are sealed folders and whose resume is exact.

    Trainer's own checkpoints are not whole after a kill; on resume it restarts an optimizer whose file is missing,
    forgets callbacks, validates nothing at the end of an epoch that was saved before, and trains a step more where
    training had ended (transformers 5.23).

    The state beside the weights: `optimizer`, `scheduler`, `scaler` (None without fp16), `trainer` (TrainerState),
    `ended` (was it the end of training?), `processes` (of each rank: random number generators, summed losses), and
    what each `Stateful` callback says, under the name of its class.
    """

    def __init__(self, *, checkpoints: Checkpoints | None, **kwargs) -> None:
        """checkpoints: where they are saved; without it none are, whatever `args` say."""
        super().__init__(**kwargs)
        self.checkpoints = checkpoints
        self._resumed: Checkpoint | None = None
        self._saved_step: int | None = None

    @property
    def state_parts(self) -> list[str]:
        """What `go_on_from` needs in a checkpoint's state."""
        return ["optimizer", "scheduler", "scaler", "trainer", "ended", "processes", *self._stateful()]

    def go_on_from(self, checkpoint: Checkpoint) -> None:
        """The next `train` begins where the checkpoint was saved. The same checkpoint in all processes."""
        self._resumed = checkpoint
        self._saved_step = checkpoint.step

    def _stateful(self) -> dict[str, Stateful]:
        return {type(one).__name__: one for one in self.callback_handler.callbacks if isinstance(one, Stateful)}

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        step = self.state.global_step
        if self.checkpoints is None or step == self._saved_step:
            return  # a second save at one step would write the same
        self.store_flos()
        process = {"rng": rng_state(self.args.device), "loss": self.compute_loss_func.state(), "log": self._log_sums()}
        processes = gather_object([process])
        main_does(
            lambda: self.checkpoints.save(
                step=step,
                epoch=self.state.epoch,
                weights=changing_weights(self.model),
                state={
                    "optimizer": self.optimizer.state_dict(),
                    "scheduler": self.lr_scheduler.state_dict(),
                    "scaler": self.accelerator.scaler and self.accelerator.scaler.state_dict(),
                    "trainer": dataclasses.asdict(self.state),
                    "ended": self.control.should_training_stop,
                    "processes": processes,
                    **{name: callback.state() for name, callback in self._stateful().items()},
                },
            )
        )
        self._saved_step = step

    def _log_sums(self) -> dict[str, float]:
        return {
            "_tr_loss": self._tr_loss.item(),
            "_total_loss_scalar": self._total_loss_scalar,
            "_globalstep_last_logged": self._globalstep_last_logged,
        }

    @property
    def _process(self) -> dict[str, Any]:
        """The checkpoint's state of this process."""
        return self._resumed.state["processes"][self.args.process_index]

    def _inner_training_loop(self, *args, resume_from_checkpoint=None, **kwargs):
        if self._resumed is None:
            return super()._inner_training_loop(*args, **kwargs)
        self.args.eval_on_start = False  # it has been done
        # Trainer hands the name to the methods below, which read nothing from it
        return super()._inner_training_loop(*args, resume_from_checkpoint=self._resumed.path.name, **kwargs)

    def _init_training_state(
        self, max_steps: int, num_update_steps_per_epoch: int, num_train_epochs: int, resume_from_checkpoint, trial
    ) -> tuple[int, int]:
        """Returns how many epochs are behind, and micro-batches of the next one."""
        super()._init_training_state(max_steps, num_update_steps_per_epoch, num_train_epochs, None, trial)
        if self._resumed is None:
            return 0, 0
        state = self._resumed.state
        self.state = TrainerState(**state["trainer"])
        self.state.compute_steps(self.args, max_steps)
        self.state.init_training_references(self, max_steps, num_train_epochs, trial)
        put_weights(self.model, self._resumed.weights, source=str(self._resumed.path))
        self.compute_loss_func.restore(self._process["loss"])
        for name, callback in self._stateful().items():
            callback.restore(state[name])
        if state["ended"]:
            return num_train_epochs, 0
        epochs, steps = divmod(self.state.global_step, num_update_steps_per_epoch)
        return epochs, steps * self.args.gradient_accumulation_steps

    def _load_optimizer_and_scheduler(self, checkpoint) -> None:
        self.optimizer.load_state_dict(self._resumed.state["optimizer"])
        self.lr_scheduler.load_state_dict(self._resumed.state["scheduler"])

    def _load_scaler(self, checkpoint) -> None:
        if self.accelerator.scaler is not None and self._resumed.state["scaler"] is not None:
            self.accelerator.scaler.load_state_dict(self._resumed.state["scaler"])

    def _load_rng_state(self, checkpoint) -> None:
        restore_rng_state(self._process["rng"], self.args.device)

    def _run_epoch(self, *, epoch: int, epochs_trained: int, **kwargs) -> None:
        if self._resumed is not None and epoch == epochs_trained:
            log = self._process["log"]
            self._tr_loss = torch.tensor(log["_tr_loss"], device=self.args.device)
            self._total_loss_scalar = log["_total_loss_scalar"]
            self._globalstep_last_logged = log["_globalstep_last_logged"]
        super()._run_epoch(epoch=epoch, epochs_trained=epochs_trained, **kwargs)
