"""Real signals to real processes, in each phase, once and twice.

The children are forked, so that they need not import anything.
"""

import gc
import hashlib
import multiprocessing
import os
import select
import signal
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from transformers import TrainerCallback, set_seed
from transformers.modeling_outputs import SequenceClassifierOutput

import hftk.interruption as interruption_module
from hftk.data import load
from hftk.data.encoded import ImageRows
from hftk.data.tokens import tokenize
from hftk.data.words import Corpus, build_tokenizer
from hftk.embeddings.training import train as train_vectors
from hftk.errors import RunError
from hftk.interruption import Interruption, interruptible
from hftk.recipe import schema
from hftk.recipe.schema import Recipe
from hftk.sealed import verified
from hftk.training.arguments import training_arguments
from hftk.training.checkpoint import Checkpoints
from hftk.training.loss import ClassificationLoss
from hftk.training.processes import quiet_libraries, start_processes
from hftk.training.saving import Saving
from hftk.training.trainer import SweepTrainer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
ALL = [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)]
LONG = 20.0  # seconds that nothing here may last


@pytest.fixture(scope="module", autouse=True)
def alone():
    quiet_libraries()
    start_processes(use_cpu=True)
    gc.freeze()
    yield
    gc.unfreeze()


class Child:
    """A forked process that runs `body(say)`; ends with 0, or as the command does at an interrupt: with 130."""

    def __init__(self, body: Callable[[Callable[[str], None]], None]) -> None:
        self._reading, writing = os.pipe()
        self.text = ""
        self.pid = os.fork()
        if not self.pid:
            os.setpgid(0, 0)
            os._exit(self._run(body, lambda text: os.write(writing, f"{text}\n".encode())))
        os.close(writing)

    def _run(self, body: Callable, say: Callable[[str], None]) -> int:
        os.environ["TOKENIZERS_PARALLELISM"] = "false"  # the threads that the parent may have begun are not here
        try:
            body(say)
            return 0
        except KeyboardInterrupt as error:
            say(f"interrupted {error}")
            return 130
        except BaseException:
            traceback.print_exc()
            return 1

    def hears(self, text: str, *, within: float = LONG) -> None:
        """Waits until the child has said it."""
        end = time.monotonic() + within
        while text not in self.text:
            ready, _, _ = select.select([self._reading], [], [], max(0, end - time.monotonic()))
            part = os.read(self._reading, 4096) if ready else b""
            if not part:
                os.kill(self.pid, signal.SIGKILL)  # it would hold on to what this process waits for at its end
                os.waitpid(self.pid, 0)
                pytest.fail(f"{text!r} was not said, but {self.text!r}")
            self.text += part.decode()

    def signal(self, number: int) -> float:
        os.kill(self.pid, number)
        return time.monotonic()

    def lives_on(self, seconds: float) -> None:
        time.sleep(seconds)
        assert os.waitpid(self.pid, os.WNOHANG) == (0, 0), self.text

    def ended(self, *, within: float = LONG) -> int:
        """The exit code, and all that was said in `text`."""
        ready = True
        end = time.monotonic() + within
        while ready:
            ready, _, _ = select.select([self._reading], [], [], max(0, end - time.monotonic()))
            part = os.read(self._reading, 4096) if ready else b""
            if not part:
                break
            self.text += part.decode()
        if not ready:
            os.kill(self.pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        assert ready, f"not ended in {within} s: {self.text}"
        return code


def handled(body: Callable, *, relayed: bool = False) -> Child:
    """A child that runs `body(interruption, say)` with the signals handled."""

    def run(say: Callable[[str], None]) -> None:
        told, last = (lambda text: say(f"told {text}")), (lambda text: say(f"last {text}"))
        with interruptible(tell=told, last_word=last, relayed=relayed) as interruption:
            body(interruption, say)

    return Child(run)


def busy(say: Callable[[str], None], seconds: float = LONG) -> None:
    say("busy")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))


@pytest.mark.parametrize("number", ALL)
def test_the_first_signal_raises_keyboardinterrupt(number):
    child = handled(lambda interruption, say: busy(say))
    child.hears("busy")
    child.signal(number)
    assert child.ended() == 130
    assert f"interrupted {signal.Signals(number).name}" in child.text
    assert "told" not in child.text


@pytest.mark.parametrize("number", ALL)
def test_a_soft_section_ends_itself(number):
    def body(interruption, say):
        with interruption.soft():
            while interruption.asked is None:
                busy(say, 0.01)
            time.sleep(2)  # the rest of a step: what ends before the thread hears of the signal needs no word of it
            say(f"saved after {interruption.asked}")
        say("never said")

    child = handled(body)
    child.hears("busy")
    child.signal(number)
    assert child.ended() == 130
    name = signal.Signals(number).name
    assert f"told {name}: ending after this step, with its state saved; a second one ends at once" in child.text
    lines = [line for line in child.text.splitlines() if not line.startswith("told")]  # by a thread: at any moment
    assert lines[-2:] == [f"saved after {name}", f"interrupted {name}"]
    assert "never said" not in child.text


@pytest.mark.parametrize(("first", "second"), [(ALL[0], ALL[0]), (ALL[1], ALL[1]), (ALL[0], ALL[1]), (ALL[2], ALL[1])])
def test_the_second_signal_ends_a_soft_section_at_once(first, second):
    def body(interruption, say):
        with interruption.soft():
            busy(say)

    child = handled(body)
    child.hears("busy")
    child.signal(first)
    child.hears("told")
    child.lives_on(0.2)
    child.signal(second)
    assert child.ended(within=5) == 130
    assert (
        f"last ended at once by a second signal ({signal.Signals(second).name}); finished runs are kept" in child.text
    )
    assert "interrupted" not in child.text


def test_the_second_signal_ends_what_python_cannot_interrupt():
    """A computation in native code, in which no handler of Python's is called."""

    def body(interruption, say):
        say("busy")
        hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)

    child = handled(body)
    child.hears("busy")
    time.sleep(0.1)
    child.signal(signal.SIGTERM)
    child.lives_on(0.5)
    child.signal(signal.SIGTERM)
    assert child.ended(within=5) == 130
    assert "last ended at once" in child.text


def test_the_second_signal_ends_a_clean_up_that_hangs():
    def body(interruption, say):
        try:
            busy(say)
        finally:
            say("cleaning up")
            time.sleep(LONG)

    child = handled(body)
    child.hears("busy")
    child.signal(signal.SIGINT)
    child.hears("cleaning up")
    child.signal(signal.SIGINT)
    assert child.ended(within=5) == 130


def test_a_last_word_that_nobody_reads_holds_nothing_up():
    def run(say):
        with interruptible(tell=say, last_word=lambda text: time.sleep(LONG), relayed=False) as interruption:
            with interruption.soft():
                busy(say)

    child = Child(run)
    child.hears("busy")
    child.signal(signal.SIGTERM)
    child.hears("SIGTERM")
    child.signal(signal.SIGTERM)
    assert child.ended(within=5) == 130


def test_a_signal_that_a_parent_passes_on_is_not_a_second_one(monkeypatch):
    monkeypatch.setattr(interruption_module, "RELAYED_WITHIN", 1.0)

    def body(interruption, say):
        with interruption.soft():
            busy(say)

    child = handled(body, relayed=True)
    child.hears("busy")
    child.signal(signal.SIGINT)
    child.hears("told")
    child.signal(signal.SIGINT)
    child.signal(signal.SIGTERM)
    child.lives_on(1.2)
    child.signal(signal.SIGINT)
    assert child.ended(within=5) == 130


def test_what_breaks_after_the_signal_counts_as_interrupted_but_for_our_own_errors():
    asked = Interruption()
    with pytest.raises(KeyboardInterrupt), asked.soft():
        asked.ask("SIGTERM")
        raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Terminated.")
    asked = Interruption()
    with pytest.raises(RunError, match="non-finite"), asked.soft():
        asked.ask("SIGTERM")
        raise RunError("non-finite: …")
    with pytest.raises(RuntimeError, match="shape"), Interruption().soft():
        raise RuntimeError("shape")
    with pytest.raises(KeyboardInterrupt), asked.soft():
        pytest.fail("the end was asked for already")


def test_handlers_are_put_back():
    before = [signal.getsignal(number) for number in ALL]
    former = signal.set_wakeup_fd(-1)
    with interruptible(tell=print, last_word=print, relayed=False) as outer:
        installed = [signal.getsignal(number) for number in ALL]
        with interruptible(tell=print, last_word=print, relayed=False):
            pass
        assert [signal.getsignal(number) for number in ALL] == installed != before
    assert [signal.getsignal(number) for number in ALL] == before
    assert signal.set_wakeup_fd(former) == -1
    assert outer.asked is None
    assert not any(thread.name == "hftk signals" for thread in threading.enumerate())


def test_in_a_thread_nothing_is_handled():
    before = [signal.getsignal(number) for number in ALL]
    found = []

    def run():
        with interruptible(tell=print, last_word=print, relayed=False) as interruption, interruption.soft():
            found.append([signal.getsignal(number) for number in ALL])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [before]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_an_ignored_signal_stays_ignored():
    """As nohup starts a command."""

    def run(say):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with interruptible(tell=say, last_word=say, relayed=False) as interruption:
            busy(say, 0.5)
            say(f"asked {interruption.asked}")

    child = Child(run)
    child.hears("busy")
    child.signal(signal.SIGHUP)
    child.signal(signal.SIGHUP)
    assert child.ended() == 0
    assert "asked None" in child.text


def test_a_forked_child_of_the_process_is_not_heard_and_can_be_ended():
    """Ctrl-C reaches a loader's workers as well: it must not count once for each of them."""

    def body(interruption, say):
        workers = [multiprocessing.get_context("fork").Process(target=time.sleep, args=[LONG]) for _ in range(3)]
        for worker in workers:
            worker.start()
        with interruption.soft():
            while interruption.asked is None:
                busy(say, 0.01)
            busy(say, 0.5)
            say(f"alive {sum(worker.is_alive() for worker in workers)}")
        for worker in workers:
            worker.terminate()
            worker.join(5)
            say(f"worker {worker.exitcode}")

    def run(interruption, say):
        try:
            body(interruption, say)
        finally:
            for worker in multiprocessing.active_children():
                worker.terminate()
                worker.join(5)
                say(f"worker {worker.exitcode}")

    child = handled(run)
    child.hears("busy")
    time.sleep(0.2)
    os.killpg(child.pid, signal.SIGINT)
    assert child.ended(within=10) == 130
    assert "alive 3" in child.text
    assert child.text.count(f"worker {-signal.SIGTERM}") == 3
    assert "last" not in child.text


# the phases of a run


class Slow(nn.Module):
    """Takes its time over a batch: `train` seconds in training, `evaluate` in evaluation."""

    main_input_name = "pixel_values"

    def __init__(self, train: float, evaluate: float, say: Callable[[str], None]) -> None:
        super().__init__()
        self.head, self.dropout = nn.Linear(4, 3), nn.Dropout(0.5)
        self.seconds, self.say, self.calls = {True: train, False: evaluate}, say, {True: 0, False: 0}

    def forward(self, pixel_values, labels=None):
        self.calls[self.training] += 1
        self.say(f"{'train' if self.training else 'evaluate'} {self.calls[self.training]}.")
        if self.calls[self.training] > 2:
            time.sleep(self.seconds[self.training])
        return SequenceClassifierOutput(logits=self.head(self.dropout(pixel_values.flatten(1))))


class Rows(TrainerCallback):
    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    def on_evaluate(self, args, state, control, **kwargs) -> None:
        self.say(f"row at {state.global_step}.")


STEPS = 6  # of an epoch


def train(folder: Path, interruption: Interruption, say, *, train=0.0, evaluate=0.0, workers=0) -> SweepTrainer:
    """As it is wired: soft, a checkpoint behind the step or the evaluation."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, size=(4 * STEPS, 1, 2, 2), dtype=np.uint8)
    rows = ImageRows(pixels=pixels, labels=rng.integers(0, 3, size=4 * STEPS), mean=[0.5], std=[0.3])
    values = {"num_train_epochs": 3, "per_device_train_batch_size": 4, "per_device_eval_batch_size": 4}
    values |= {"dataloader_num_workers": workers, "use_cpu": True, "learning_rate": 0.1}
    args = training_arguments(values, output_dir=str(folder), seed=1, run_name="")
    set_seed(0)
    checkpoints = Checkpoints(folder, limit=1)

    trainer = SweepTrainer(
        model=Slow(train, evaluate, say),
        args=args,
        train=rows,
        validation=rows,
        loss=ClassificationLoss(),
        metrics=["accuracy"],
        labels=["a", "b", "c"],
        callbacks=[Rows(say), Saving(checkpoints, by_time=False, stop_asked=lambda: interruption.asked is not None)],
        grad_norms=[],
        checkpoints=checkpoints,
    )
    newest = checkpoints.newest(needed=trainer.state_parts, tell=say)
    if newest is not None:
        trainer.go_on_from(newest)
    with interruption.soft():
        trainer.train()
    return trainer


def weights(trainer: SweepTrainer) -> list[torch.Tensor]:
    return [tensor.clone() for tensor in trainer.model.state_dict().values()]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("number", ALL[:2])
def test_training_saves_the_state_of_its_step_and_goes_on_from_it(number, workers, tmp_path):
    child = handled(lambda interruption, say: train(tmp_path / "cut", interruption, say, train=0.2, workers=workers))
    child.hears("train 4.")
    os.killpg(child.pid, number) if workers == 0 or number == signal.SIGINT else child.signal(number)
    assert child.ended() == 130
    assert "interrupted" in child.text and "row at" not in child.text
    (saved,) = (path for path in (tmp_path / "cut").iterdir())
    assert verified(saved).about["step"] in (3, 4)
    whole, resumed = (train(tmp_path / name, Interruption(), lambda text: None) for name in ("whole", "cut"))
    assert resumed.state.global_step == whole.state.global_step == 3 * STEPS
    for found, expected in zip(weights(resumed), weights(whole), strict=True):
        assert torch.equal(found, expected)


def test_training_is_left_at_once_by_a_second_signal(tmp_path):
    child = handled(lambda interruption, say: train(tmp_path / "cut", interruption, say, train=LONG))
    child.hears("train 3.")
    child.signal(signal.SIGTERM)
    child.lives_on(0.5)
    child.signal(signal.SIGTERM)
    assert child.ended(within=5) == 130
    assert not (tmp_path / "cut").exists() or not any((tmp_path / "cut").iterdir())


def test_a_step_that_ends_an_epoch_is_evaluated_and_saved(tmp_path):
    child = handled(lambda interruption, say: train(tmp_path / "cut", interruption, say, train=0.3))
    child.hears(f"train {STEPS}.")
    child.signal(signal.SIGTERM)
    assert child.ended() == 130
    assert f"row at {STEPS}." in child.text
    (saved,) = (path for path in (tmp_path / "cut").iterdir())
    assert verified(saved).about["step"] == STEPS


def test_an_evaluation_is_finished_and_saved(tmp_path):
    child = handled(lambda interruption, say: train(tmp_path / "cut", interruption, say, evaluate=0.1))
    child.hears("evaluate 3.")
    child.signal(signal.SIGTERM)
    assert child.ended() == 130
    assert f"row at {STEPS}." in child.text
    (saved,) = (path for path in (tmp_path / "cut").iterdir())
    assert verified(saved).about["step"] == STEPS


def test_an_evaluation_is_left_at_once_by_a_second_signal(tmp_path):
    child = handled(lambda interruption, say: train(tmp_path / "cut", interruption, say, evaluate=LONG))
    child.hears("evaluate 1.")
    child.signal(signal.SIGTERM)
    child.lives_on(0.5)
    child.signal(signal.SIGTERM)
    assert child.ended(within=10) == 130
    assert "row at" not in child.text


class BusyAtItsEnd:
    """What Python raises in here it drops."""

    def __init__(self, say: Callable[[str], None], seconds: float = 1.0) -> None:
        self._say, self._seconds = say, seconds

    def __del__(self) -> None:
        busy(self._say, seconds=self._seconds)


@pytest.mark.parametrize("number", ALL)
@pytest.mark.parametrize("relayed", [False, True])
def test_a_signal_in_what_drops_exceptions_is_not_lost(number, relayed):
    def drop(interruption, say):
        del_me = BusyAtItsEnd(say)
        del del_me
        busy(say)

    child = handled(drop, relayed=relayed)
    child.hears("busy")
    child.signal(number)
    assert child.ended(within=10) == 130
    assert f"interrupted {number.name}" in child.text and "last" not in child.text


def test_a_signal_dropped_again_and_again_is_not_lost():
    def drop(interruption, say):
        while True:
            BusyAtItsEnd(lambda text: None, seconds=0.2)
            busy(lambda text: None, seconds=0.1)
            say("dropped")

    child = handled(drop)
    child.hears("dropped")
    child.signal(signal.SIGINT)
    assert child.ended(within=15) == 130


def test_a_second_signal_after_one_that_was_dropped_ends_at_once():
    def drop(interruption, say):
        del_me = BusyAtItsEnd(say)
        del del_me
        with interruption.soft():
            busy(say)

    child = handled(drop)
    child.hears("busy")
    child.signal(signal.SIGINT)
    time.sleep(0.5)
    child.signal(signal.SIGINT)
    assert child.ended(within=5) == 130


@pytest.mark.parametrize("number", ALL[1:])
def test_a_second_signal_on_the_way_out_has_the_same_exit_code(number):
    """Its own default would end the process as if nothing had been told."""

    def body(say):
        try:
            with interruptible(tell=say, last_word=say, relayed=False):
                busy(say)
        finally:
            say("leaving")
            time.sleep(LONG)

    child = Child(body)
    child.hears("busy")
    child.signal(number)
    child.hears("leaving")
    child.signal(number)
    assert child.ended(within=10) == 130


def test_handlers_are_as_before_where_nobody_interrupted():
    before = [signal.getsignal(number) for number in ALL]
    with interruptible(tell=print, last_word=print, relayed=False):
        pass
    assert [signal.getsignal(number) for number in ALL] == before


@pytest.fixture(scope="module")
def long_data(tmp_path_factory):
    """Enough text to keep a tokenizer and gensim busy for a while."""
    rng = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(500)])
    lines = ["text,label"] + [f"{' '.join(rng.choice(words, 60))},{number % 2}" for number in range(6000)]
    path = tmp_path_factory.mktemp("long") / "long.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load(Recipe(name="x", data={"path": str(path)}, model={}).data)


class Said:
    """A tokenizer that says when it is asked."""

    def __init__(self, tokenizer, say) -> None:
        self._tokenizer, self._say = tokenizer, say

    def __getattr__(self, name):
        return getattr(self._tokenizer, name)

    def __call__(self, *args, **kwargs):
        self._say("tokenizing")
        return self._tokenizer(*args, **kwargs)


@pytest.mark.parametrize("number", ALL[:2])
@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("phase", ["tokenisation", "embedding training"])
def test_preparation_is_left_at_once(phase, twice, number, long_data, tiny_bert, tmp_path):
    from transformers import AutoTokenizer

    def tokenizing(interruption, say):
        tokenizer = Said(AutoTokenizer.from_pretrained(tiny_bert), say)
        while True:
            tokenize(long_data, tokenizer, 64, cache_dir=tmp_path / str(time.monotonic()))

    def embedding(interruption, say):
        settings = schema.Embeddings(method="word2vec", vector_size=50, epochs=1000, workers=1)
        rows = long_data.splits["train"]
        corpus = Corpus(rows, build_tokenizer(rows, schema.Tokenizer(type="word"), max_length=64))
        train_vectors(settings, corpus, at=str, tell=say)

    child = handled(tokenizing if phase == "tokenisation" else embedding)
    child.hears("tokenizing" if phase == "tokenisation" else "epoch 1 of 1000")
    child.signal(number)
    if twice:
        child.signal(number)
    assert child.ended(within=10) == 130
