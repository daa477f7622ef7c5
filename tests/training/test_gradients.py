"""gradients.csv's rows, against autograd."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from hftk.models._architectures import architecture_config, build_model
from hftk.training.gradients import MOST_SAMPLES, LayerGradients, group_of


def model_with_gradients():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    model(torch.randn(5, 3)).square().sum().backward()
    return model


def sampled(model, *, limit, total, step=1, steps=10):
    seen = LayerGradients(grad_norms=[total])
    args = SimpleNamespace(max_grad_norm=limit)
    seen.on_pre_optimizer_step(
        args, SimpleNamespace(global_step=step - 1, epoch=0.0, max_steps=steps), None, model=model
    )
    return seen


def expected(model):
    gradients = {name: torch.cat([p.grad.flatten() for p in model[int(name)].parameters()]) for name in ("0", "2")}
    return {name: gradient.square().mean().sqrt().item() for name, gradient in gradients.items()}


@pytest.mark.parametrize("limit", [0, 1e9, 1.0, 0.01])
def test_a_cell_is_the_root_mean_square_before_clipping(limit):
    model = model_with_gradients()
    wanted = expected(model)
    total = torch.nn.utils.get_total_norm([p.grad for p in model.parameters()])
    if limit:
        torch.nn.utils.clip_grad_norm_(model.parameters(), limit)
    (row,) = sampled(model, limit=limit, total=total).rows()
    assert row == pytest.approx({"step": 1, "epoch": 0.0, **wanted}, rel=1e-4)


def test_frozen_groups_have_no_column_and_a_step_that_overflows_no_row():
    model = model_with_gradients()
    for parameter in model[0].parameters():
        parameter.grad = None
    assert list(sampled(model, limit=0, total=torch.tensor(1.0)).rows()[0]) == ["step", "epoch", "2"]
    assert sampled(model, limit=0, total=torch.tensor(math.inf)).rows() == []


def test_few_steps_are_looked_at():
    model = model_with_gradients()
    for steps in (20, 1000, 100_000):
        seen = LayerGradients(grad_norms=[torch.tensor(1.0)])
        args = SimpleNamespace(max_grad_norm=0)
        for step in range(1, min(steps, 20_000) + 1):
            state = SimpleNamespace(global_step=step - 1, epoch=0.0, max_steps=steps)
            seen.on_pre_optimizer_step(args, state, None, model=model)
        rows = seen.rows()
        assert [row["step"] for row in rows[:4]] == [1, 2, 4, 8]
        assert len(rows) <= min(MOST_SAMPLES, steps / 16) + 4


@pytest.mark.parametrize(
    ("name", "prefix", "group"),
    [
        ("bert.encoder.layer.3.attention.self.query.weight", "bert", "encoder.layer.3"),
        ("bert.embeddings.word_embeddings.weight", "bert", "embeddings"),
        ("classifier.weight", "bert", "classifier"),
        ("recurrent.forwards.0.weight_ih_l0", "", "recurrent.forwards.0"),
        ("embedding.words.weight", "", "embedding"),
        ("classifier.1.bias", "", "classifier.1"),
        ("scale", "", "scale"),
    ],
)
def test_groups_are_modules_down_to_the_layer(name, prefix, group):
    assert group_of(name, prefix) == group


def test_the_layers_of_an_architecture_are_told_apart():
    config = architecture_config(
        "rnn", task="text-classification", settings={"num_layers": 3}, decided={"vocab_size": 9}, max_length=None
    )
    model = build_model("rnn", task="text-classification", config=config, labels=["a", "b"]).model
    groups = {group_of(name, model.base_model_prefix) for name, _ in model.named_parameters()}
    assert groups == {"embedding", *(f"recurrent.forwards.{layer}" for layer in range(3)), "classifier.1"}
