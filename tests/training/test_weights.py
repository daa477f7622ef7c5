"""The weights that training changes."""

import pytest
import torch

from hftk.errors import RunError
from hftk.training.weights import changing_weights, check_finite, put_weights


class Small(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)
        self.frozen = torch.nn.Linear(2, 2)
        self.frozen.requires_grad_(False)
        self.tied = torch.nn.Linear(3, 2, bias=False)
        self.tied.weight = self.linear.weight
        self.norm = torch.nn.BatchNorm1d(2)
        self.register_buffer("passing", torch.zeros(2), persistent=False)


def test_what_training_changes_is_put_back_and_the_rest_left():
    model = Small()
    stored = {name: tensor.detach().clone() for name, tensor in changing_weights(model).items()}
    assert "passing" not in stored and "frozen.weight" not in stored and "tied.weight" not in stored
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.add_(1)
    put_weights(model, stored, source="there")
    found = model.state_dict()
    for name in ("linear.weight", "linear.bias", "tied.weight", "norm.weight", "norm.running_mean"):
        torch.testing.assert_close(found[name], before[name])
    torch.testing.assert_close(found["frozen.weight"], before["frozen.weight"] + 1)
    assert model.tied.weight is model.linear.weight


@pytest.mark.parametrize("other", [torch.nn.Linear(2, 2), torch.nn.Linear(3, 3)])
def test_weights_of_another_model_are_refused(other):
    stored = changing_weights(torch.nn.Linear(3, 2))
    with pytest.raises(RunError, match="step-4 holds other weights than the model that it is read into: (bias|weight)"):
        put_weights(other, stored, source="step-4")


def test_a_number_that_is_not_finite_is_named():
    check_finite({"steps": torch.tensor(3), "w": torch.ones(2)})
    with pytest.raises(RunError, match="non-finite: the weight w holds"):
        check_finite({"v": torch.ones(1), "w": torch.tensor([1.0, float("inf")])})
