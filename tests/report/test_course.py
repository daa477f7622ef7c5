"""How the losses went in all runs."""

import pytest

from hftk.report.comparison import compared
from hftk.report.course import course
from hftk.report.runs import read_runs

TURNS = [(1, 0.6, 0.6, 0.70), (2, 0.5, 0.5, 0.72), (3, 0.3, 0.55, 0.73)]
TURNS_LATER = [(1, 0.7, 0.7, 0.6), (2, 0.6, 0.6, 0.7), (3, 0.5, 0.5, 0.75), (4, 0.4, 0.7, 0.74)]
FALLS = [(1, 0.6, 0.6, 0.70), (2, 0.5, 0.5, 0.72), (3, 0.4, 0.4, 0.75)]


@pytest.fixture
def told(write_run):
    def told(*curves, **changes) -> list[str]:
        for number, curve in enumerate(curves):
            folder = write_run(f"run {number}", epochs=curve, **changes)
        return course(read_runs(folder))

    return told


def test_a_validation_loss_that_turns_in_all_runs(told):
    assert told(TURNS, TURNS_LATER) == [
        "In all 2 runs the validation loss was lowest after epoch 2 to 3 and rose by 10 to 40 % from there, while the "
        "training loss fell on and validation accuracy changed by -0.010 to +0.010."
    ]


def test_one_figure_where_all_say_the_same(told):
    (sentence,) = told(TURNS, TURNS, FALLS)
    assert sentence.startswith(
        "In 2 of 3 runs the validation loss was lowest after epoch 2 and rose by 10 % from there"
    )
    assert sentence.endswith("validation accuracy changed by +0.010.")


def test_a_metric_that_is_the_loss_is_not_told_twice(told):
    (sentence,) = told(TURNS, TURNS, ranking={"metric": "validation_loss", "goal": "minimize"})
    assert sentence.endswith("while the training loss fell on.")


@pytest.mark.parametrize(
    "curves",
    [
        pytest.param([TURNS], id="one run alone, which its finding tells"),
        pytest.param([TURNS, FALLS, FALLS, FALLS], id="few of them"),
        pytest.param([TURNS, FALLS, FALLS, FALLS, TURNS], id="less than half"),
        pytest.param([TURNS[:2], TURNS[:2]], id="two evaluations"),
        pytest.param([[*FALLS[:2], (3, 0.4, 0.504, 0.7)]] * 2, id="a rise of less than a hundredth"),
        pytest.param([[*FALLS[:2], (3, 0.55, 0.9, 0.7)]] * 2, id="train gets worse as well"),
        pytest.param([[*FALLS[:2], (3, 0.4, "nan", 0.7)]] * 2, id="a loss that is no number at the end"),
        pytest.param([None, None], id="no curves"),
    ],
)
def test_otherwise_nothing_is_said(told, curves):
    assert told(*curves) == []


def test_unfinished_runs_do_not_count(told):
    assert told(TURNS, TURNS, status="interrupted") == []


def test_the_summary_says_so(write_run):
    write_run("a", epochs=TURNS)
    folder = write_run("b", epochs=TURNS, accuracy=0.8)
    summary = compared(read_runs(folder), title="grid", notices=[]).summary
    assert any(
        sentence.startswith("In all 2 runs the validation loss was lowest after epoch 2") for sentence in summary
    )


def test_the_advice_says_which_settings_of_the_optimizer_fit_train_closer(write_run):
    """And of no other key: what a larger model fits says nothing of what to do next."""
    for number, (rate, cell) in enumerate([(1e-5, "gru"), (1e-5, "rnn"), (1e-4, "gru"), (1e-4, "rnn")] * 3):
        loss = (0.5 if rate == 1e-5 else 0.2) + (0.1 if cell == "rnn" else 0.0) + 0.001 * number
        curve = [*FALLS[:2], (3, loss, 0.45, 0.75)]
        swept = {"training.learning_rate": rate, "model.cell": cell}
        folder = write_run(f"run {number}", epochs=curve, swept=swept, accuracy=0.8 + 0.001 * number)
    told = [line for line in compared(read_runs(folder), title="grid", notices=[]).advice if "training loss" in line]
    (line,) = told
    assert line.startswith("training.learning_rate: 1e-4 against 1e-5 -0.29")
    assert " training loss after the last epoch (95 %: " in line and "is better" not in line
