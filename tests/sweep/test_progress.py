import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from hftk.report.table import Table
from hftk.sweep.pace import Pace
from hftk.sweep.progress import SilentProgress, progress_for
from hftk.sweep.progress_live import LiveProgress
from hftk.sweep.progress_plain import PlainProgress, aligned

TABLE = Table(["rank", "run", "test accuracy"], [["1", "임베딩=[b]", "0.8100 (n=10 of 12)"], ["–", "b", "–"]])
METRICS = {"train_loss": 0.3, "validation_accuracy": 0.8123, "validation_f1": 0.7, "validation_loss": 0.44}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def drive(progress, clock, *, seconds_per_step: float = 1.0) -> None:
    with progress:
        progress.plan(["2 runs, 200 steps"], {"a": 100, "임베딩=[b]": 100})
        progress.run_kept("kept")
        progress.notice("no test split")
        for index, name in enumerate(["a", "임베딩=[b]"], 2):
            progress.run_started(index, name, 100, 2.0)
            for step in range(1, 101):
                clock.now += seconds_per_step
                progress.step(name, step, step / 50, 0.7 if step % 10 == 0 else None)
                if step % 50 == 0:
                    progress.evaluated(name, step / 50, METRICS)
            progress.run_ended(
                name, "finished" if index == 2 else "failed", None if index == 2 else "out of memory", METRICS
            )
        progress.ended(TABLE, Path("runs/grid/report.md"))


def test_plain_lines():
    stream, clock = io.StringIO(), Clock()
    drive(PlainProgress(stream, runs=3, clock=clock), clock)
    assert stream.getvalue() == (
        "2 runs, 200 steps\n"
        "kept, finished before: kept\n"
        "note: no test split\n"
        "[2/3] a: 100 steps, 2 epochs\n"
        "[2/3] step 9 of 100, epoch 0.18, about 4 min left of the sweep\n"
        "[2/3] step 39 of 100, epoch 0.78, about 3 min left of the sweep\n"
        "[2/3] epoch 1: validation accuracy 0.8123, validation loss 0.4400\n"
        "[2/3] step 80 of 100, epoch 1.6, loss 0.7000, about 2 min left of the sweep\n"
        "[2/3] epoch 2: validation accuracy 0.8123, validation loss 0.4400\n"
        "[2/3] finished after 1 min 40 s: validation accuracy 0.8123, validation loss 0.4400\n"
        "[3/3] 임베딩=[b]: 100 steps, 2 epochs\n"
        "[3/3] step 30 of 100, epoch 0.6, loss 0.7000, about 2 min left of the sweep\n"
        "[3/3] epoch 1: validation accuracy 0.8123, validation loss 0.4400\n"
        "[3/3] step 80 of 100, epoch 1.6, loss 0.7000, less than a minute left of the sweep\n"
        "[3/3] epoch 2: validation accuracy 0.8123, validation loss 0.4400\n"
        "[3/3] failed after 1 min 40 s: out of memory\n"
        "\n"
        "rank  run               test accuracy\n"
        "   1  임베딩=[b]  0.8100 (n=10 of 12)\n"
        "   –  b                             –\n"
        "\n"
        "Report: runs/grid/report.md\n"
    )


def test_a_run_without_figures_or_reason_says_so():
    stream = io.StringIO()
    progress = PlainProgress(stream, runs=1, clock=Clock())
    progress.run_started(1, "a", 1, 1.0)
    progress.run_ended("a", "finished", None, {"validation_loss": None})
    progress.run_started(1, "a", 1, 1.0)
    progress.run_ended("a", "interrupted", None, {})
    assert stream.getvalue().splitlines() == [
        "[1/1] a: 1 step, 1 epoch",
        "[1/1] finished after 0.0 s: no figures",
        "[1/1] a: 1 step, 1 epoch",
        "[1/1] interrupted after 0.0 s: no reason was given",
    ]


def test_a_stream_that_lacks_characters_gets_question_marks():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    PlainProgress(stream, runs=1).notice("한국어 –")
    assert raw.getvalue() == b"note: ??? ?\n"


def test_live_keeps_a_line_per_run_and_ends_with_the_table():
    stream, clock = Terminal(), Clock()
    console = Console(file=stream, width=100, force_terminal=True, color_system=None)
    drive(LiveProgress(console, runs=3, clock=clock), clock)
    shown = stream.getvalue()
    assert "      finished after 1 min 40 s: validation accuracy 0.8123, validation loss 0.4400\n" in shown
    assert "[3/3] 임베딩=[b]\n" in shown
    assert "      failed after 1 min 40 s: out of memory" in shown
    assert "epoch 1.98 of 2, step 99 of 100, loss 0.7000, validation accuracy 0.8123" in shown
    assert "1 of 3 runs" in shown and "about 3 min left" in shown
    assert "   1  임베딩=[b]  0.8100 (n=10 of 12)" in shown
    assert shown.endswith("Report: runs/grid/report.md\n")


def test_a_narrow_terminal_loses_nothing_of_the_table():
    stream, clock = Terminal(), Clock()
    progress = LiveProgress(Console(file=stream, width=30, force_terminal=True, color_system=None), runs=3, clock=clock)
    progress.ended(TABLE, Path("runs/a-folder-with-a-long-name/report.md"))
    assert [line.rstrip() for line in stream.getvalue().splitlines()] == [
        "",
        "  1  임베딩=[b]",
        "     test accuracy 0.8100",
        "     (n=10 of 12)",
        "  –  b",
        "",
        "Report: runs/a-folder-with-a-long-name/report.md",
    ]


@pytest.mark.parametrize("width", [20, 60, 200])
def test_no_line_of_the_display_is_wider_than_the_terminal(width):
    from rich.cells import cell_len

    stream, clock = Terminal(), Clock()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None)
    with LiveProgress(console, runs=9, clock=clock) as progress:
        progress.plan([], {})
        progress.run_started(1, "임베딩=워드투벡터," * 20, 1000, 3.0)
        clock.now += 1
        progress.step("임베딩=워드투벡터," * 20, 1, 0.1, 0.5)
        drawn = Console(file=io.StringIO(), width=width)
        drawn.print(progress._render())
    lines = drawn.file.getvalue().splitlines()
    assert len(lines) == 3
    assert all(cell_len(line) <= width for line in lines)


def test_an_error_closes_the_display():
    stream = Terminal()
    progress = LiveProgress(Console(file=stream, force_terminal=True), runs=1)
    with pytest.raises(ValueError, match="boom"), progress:
        progress.run_started(1, "a", 10, 1.0)
        raise ValueError("boom")
    # the cursor is shown again
    assert "\x1b[?25h" in stream.getvalue()


@pytest.mark.parametrize(
    ("stream", "environment", "main", "kind"),
    [
        (Terminal(), {}, True, LiveProgress),
        (Terminal(), {"TERM": "dumb"}, True, PlainProgress),
        (Terminal(), {"CI": "true"}, True, PlainProgress),
        (io.StringIO(), {}, True, PlainProgress),
        (Terminal(), {}, False, SilentProgress),
    ],
)
def test_the_observer_that_fits(monkeypatch, stream, environment, main, kind):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert type(progress_for(stream=stream, runs=1, main=main)) is kind


def test_a_terminal_that_lacks_unicode_gets_plain_lines(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    stream.encoding = "cp949"
    assert isinstance(progress_for(stream=stream, runs=1, main=True), PlainProgress)


def test_silence(capfd):
    drive(SilentProgress(), Clock())
    assert capfd.readouterr() == ("", "")


def test_time_left_leaves_the_warm_up_out_and_counts_what_lies_between_steps():
    clock = Clock()
    pace = Pace(clock)
    pace.plan({"a": 10, "b": 10, "c": 10})
    pace.run_started("a", 10)
    for step in range(1, 10):
        clock.now += 100 if step <= 4 else 1
        assert pace.seconds_left is None
        pace.step("a", step)
    # steps 5 to 9 took a second each; 21 remain
    assert pace.seconds_left == pytest.approx(21)
    clock.now += 5
    assert pace.seconds_left == pytest.approx(10 / 5 * 21)


def test_steps_planned_are_corrected_by_what_is_seen():
    pace = Pace(Clock())
    pace.plan({"a": 10, "b": 10, "c": 10})
    pace.run_kept("c")
    assert pace.total == 20
    pace.run_started("a", 30)
    pace.step("a", 4)
    assert (pace.done, pace.total) == (4, 40)
    # stopped early: nothing of it remains
    pace.run_ended("a")
    assert (pace.done, pace.total) == (30, 40)


def test_a_resumed_run_does_not_look_fast():
    clock = Clock()
    pace = Pace(clock)
    pace.plan({})
    pace.run_started("a", 1000)
    for step in range(901, 910):
        clock.now += 1
        pace.step("a", step)
    assert pace.seconds_left == pytest.approx(91)


def test_runs_side_by_side_count_together():
    clock = Clock()
    pace = Pace(clock)
    pace.plan({"a": 20, "b": 20, "c": 20})
    pace.run_started("a", 20)
    pace.run_started("b", 20)
    for step in range(1, 11):
        clock.now += 1
        pace.step("a", step)
        pace.step("b", step)
    # two steps a second, and 40 of 60 remain
    assert pace.seconds_left == pytest.approx(20, rel=0.1)
    assert pace.run_ended("a") == 10
    assert (pace.done, pace.total) == (30, 60)


def test_runs_side_by_side_are_shown_each():
    stream = Terminal()
    with LiveProgress(Console(file=stream, width=80, force_terminal=True, color_system=None), runs=2) as progress:
        progress.plan([], {"a": 10, "나": 10})
        progress.run_started(1, "a", 10, 1.0)
        progress.run_started(2, "나", 10, 1.0)
        progress.step("나", 3, 0.3, 0.5)
        progress.step("a", 4, 0.4, 0.25)
        drawn = Console(file=io.StringIO(), width=80)
        drawn.print(progress._render())
        assert [line.strip() for line in drawn.file.getvalue().splitlines()[:4]] == [
            "[1/2] a",
            "epoch 0.4 of 1, step 4 of 10, loss 0.2500",
            "[2/2] 나",
            "epoch 0.3 of 1, step 3 of 10, loss 0.5000",
        ]
        progress.run_ended("a", "finished", None, METRICS)
    assert "[1/2] a\n" in stream.getvalue()
    plain = io.StringIO()
    progress = PlainProgress(plain, runs=2, clock=Clock())
    progress.run_started(1, "a", 10, 1.0)
    progress.run_started(2, "나", 10, 1.0)
    progress.evaluated("a", 0.5, METRICS)
    progress.run_ended("나", "failed", "out of memory", {})
    assert plain.getvalue().splitlines()[2:] == [
        "[1/2] epoch 0.5: validation accuracy 0.8123, validation loss 0.4400",
        "[2/2] failed after 0.0 s: out of memory",
    ]


@pytest.mark.parametrize("kind", ["plain", "live"])
def test_most_steps_write_nothing(kind):
    stream = io.StringIO() if kind == "plain" else Terminal()
    progress = (
        PlainProgress(stream, runs=1)
        if kind == "plain"
        else LiveProgress(Console(file=stream, force_terminal=True), runs=1)
    )
    with progress:
        progress.run_started(1, "a", 20_000, 1.0)
        for step in range(1, 20_001):
            progress.step("a", step, 0.5, None)
    assert len(stream.getvalue()) < 20_000


def test_columns_align_across_wide_characters():
    from rich.cells import cell_len

    assert len({cell_len(line) for line in aligned(TABLE)}) == 1


def test_a_sweep_goes_on_when_nobody_reads_any_more():
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", encoding="utf-8") as stream, PlainProgress(stream, runs=1) as progress:
        progress.plan(["one run to train"], {"a": 2})
        progress.run_started(1, "a", 2, 1.0)
        progress.run_ended("a", "finished", None, {})
