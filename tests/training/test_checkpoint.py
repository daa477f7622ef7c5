"""The weights that a run may go back to."""

import pytest
import torch

from hftk.training.checkpoint import KeptWeights


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


def test_restores_what_training_changes_and_leaves_the_rest(tmp_path):
    model = Small()
    kept = KeptWeights(tmp_path / "deep" / "best.safetensors")
    kept.store(model)
    stored = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.add_(1)
    kept.restore(model)
    found = model.state_dict()
    for name in ("linear.weight", "linear.bias", "tied.weight", "norm.weight", "norm.running_mean"):
        torch.testing.assert_close(found[name], stored[name])
    torch.testing.assert_close(found["frozen.weight"], stored["frozen.weight"] + 1)
    assert model.tied.weight is model.linear.weight
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["best.safetensors"]


def test_the_last_stored_set_counts(tmp_path):
    model, kept = Small(), KeptWeights(tmp_path / "best.safetensors")
    kept.store(model)
    with torch.no_grad():
        model.linear.bias.fill_(7)
    kept.store(model)
    with torch.no_grad():
        model.linear.bias.zero_()
    kept.restore(model)
    assert model.linear.bias.tolist() == [7, 7]


def test_weights_of_another_model_are_refused(tmp_path):
    kept = KeptWeights(tmp_path / "best.safetensors")
    kept.store(torch.nn.Linear(2, 2))
    with pytest.raises(RuntimeError, match="holds other weights than the model that it is read into"):
        kept.restore(Small())
