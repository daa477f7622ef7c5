"""trace.csv's rows, against sums made by hand."""

import math
from types import SimpleNamespace

import pytest
import torch

from hftk.training.trace import MOST_POINTS, StepTrace, read_together


class Sums:
    """In place of the loss: sums of float32, as the real one keeps them."""

    def __init__(self) -> None:
        self.total, self.items = torch.tensor(0.0), torch.tensor(0)

    def sums(self):
        return self.total, self.items

    def drain(self) -> None:
        self.total, self.items = 0.0, 0


def trained(losses, *, steps=None, evaluations=(), items=4, trace=None, first=1, norms=None):
    """A trace that saw these mean losses, one per step, and an evaluation after each of these steps."""
    norms = norms or [float(number) for number in range(1, len(losses) + 1)]
    seen = trace or StepTrace(loss=Sums(), grad_norms=[])
    optimizer = SimpleNamespace(param_groups=[{"lr": 0.5}])
    for number, loss in enumerate(losses, start=first):
        state = SimpleNamespace(global_step=number - 1, epoch=(number - 1) / 10, max_steps=steps or len(losses))
        seen.grad_norms.append(torch.tensor(norms[number - first]))
        seen.loss.total, seen.loss.items = seen.loss.total + loss * items, seen.loss.items + items
        seen.on_pre_optimizer_step(None, state, None, optimizer=optimizer)
        state = SimpleNamespace(global_step=number, epoch=number / 10, max_steps=state.max_steps)
        seen.on_step_end(None, state, None)
        if number in evaluations:
            seen.on_evaluate(None, state, None)
            seen.loss.drain()
            seen.grad_norms.clear()
    return seen


def test_a_point_per_step_of_a_short_training():
    rows = trained([1.0, 0.5, 0.25], evaluations=[2]).rows()
    assert [row["loss"] for row in rows] == [1.0, 0.5, 0.25]
    assert [row["grad_norm"] for row in rows] == [1.0, 2.0, 3.0]
    assert rows[1] == {"step": 2, "epoch": 0.2, "loss": 0.5, "grad_norm": 2.0, "learning_rate": 0.5}


@pytest.mark.parametrize("evaluations", [(), (3,), (2, 4, 6, 8), (1, 2, 3, 4, 5)])
def test_a_point_stands_for_the_steps_before_it_across_evaluations(evaluations):
    losses = [float(number) for number in range(1, 9)]
    rows = trained(losses, steps=MOST_POINTS * 4, evaluations=evaluations).rows()
    assert [row["step"] for row in rows] == [4, 8]
    assert [row["loss"] for row in rows] == [2.5, 6.5]
    assert [row["grad_norm"] for row in rows] == [4.0, 8.0], "the largest of the steps"


@pytest.mark.parametrize("steps", [1, 499, 500, 501, 1000, 12_345])
def test_at_most_500_points(steps):
    rows = trained([1.0] * steps).rows()
    assert min(steps, MOST_POINTS) / 2 <= len(rows) <= MOST_POINTS


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_trace_that_is_restored_ends_as_if_it_had_not_been(cut):
    losses = [0.1 * number for number in range(1, 13)]
    told = {"steps": MOST_POINTS * 5, "evaluations": (3, 9)}
    norms = [float(12 - number) for number in range(12)]  # the largest comes first, so before the cut
    whole = trained(losses, **told, norms=norms)
    first = trained(losses[:cut], **told, norms=norms)
    second = StepTrace(loss=first.loss, grad_norms=[])
    second.restore(first.state())
    assert trained(losses[cut:], **told, trace=second, first=cut + 1, norms=norms[cut:]).rows() == whole.rows()


def test_a_step_that_overflows_has_no_norm():
    rows = trained([1.0, 1.0], norms=[math.inf, 2.0]).rows()
    assert math.isnan(rows[0]["grad_norm"]) and rows[1]["grad_norm"] == 2.0


def test_figures_are_read_as_they_are():
    assert list(read_together([torch.tensor(1), 2.5, torch.tensor([0.5])])) == [1.0, 2.5, 0.5]
    assert list(read_together([])) == []
