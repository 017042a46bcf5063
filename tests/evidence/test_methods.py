"""The methods are what their names say."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

import bbp_widgets as bbp
from bbp_widgets import evidence

from .toys import small

CLOSE = 1e-5  # float32

X = torch.randn(5, 3, generator=torch.Generator().manual_seed(2))
TARGET = torch.tensor([0, 1, 2, 0, 1])
PAIR = torch.stack([TARGET, (TARGET + 1) % 3], 1)


def test_every_rule_has_its_place() -> None:
    named = evidence.methods()
    assert list(named)[:3] == ["random", "gradient", "w·x"]
    assert {f"b: {name}" for name in bbp.rules.names()} <= set(named)
    assert "w·x + b: proportional" in named
    sharp = bbp.rules.softmax(temperature=0.2)
    assert "b: softmax temperature=0.2" in evidence.methods([sharp], total=[])


@pytest.mark.parametrize("target", [TARGET, PAIR], ids=["class", "pair"])
def test_each_is_what_it_is_called(target: torch.Tensor) -> None:
    network, x = small(), X
    named = evidence.methods(["uniform"], total=["uniform"])
    leaf = x.clone().requires_grad_()
    output = network(leaf)
    rows = torch.arange(len(x))
    value = output[rows, TARGET] if target.dim() == 1 else output[rows, PAIR[:, 0]] - output[rows, PAIR[:, 1]]
    (w,) = torch.autograd.grad(value.sum(), leaf)
    torch.testing.assert_close(named["gradient"](network, x, target), w)
    torch.testing.assert_close(named["w·x"](network, x, target), w * x)
    b = value.detach() - (w * x).sum(1)
    torch.testing.assert_close(named["b: uniform"](network, x, target).sum(1), b)
    torch.testing.assert_close(named["w·x + b: uniform"](network, x, target).sum(1), value.detach())


@pytest.mark.parametrize("target", [TARGET, PAIR], ids=["class", "pair"])
def test_integrated_gradients_add_up_to_the_difference_from_the_baseline(target: torch.Tensor) -> None:
    pytest.importorskip("captum")
    network = small()
    found = evidence.methods([], total=[], steps=500)["integrated gradients"](network, X, target)
    output = network(X) - network(torch.zeros_like(X))
    rows = torch.arange(len(X))
    expected = output[rows, TARGET]
    if target.dim() == 2:
        expected = expected - output[rows, PAIR[:, 1]]
    torch.testing.assert_close(found.sum(1), expected.detach(), rtol=0.02, atol=0.02)


def test_without_captum_integrated_gradients_are_named_as_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[evidence.Methods.__module__]  # the function of that name hides it
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    named = evidence.methods()
    assert "integrated gradients" not in named
    scores = evidence.digit_switch(small(), X, named, progress=False)
    assert "integrated gradients: skipped, Captum is not installed" in str(scores)


def test_random_is_the_same_for_the_same_input() -> None:
    network = small()
    one, other = evidence.methods(), evidence.methods(seed=1)
    first = one["random"](network, X, TARGET)
    one["random"](network, X + 1, TARGET)
    assert torch.equal(first, one["random"](network, X, TARGET))
    assert not torch.equal(first, other["random"](network, X, TARGET))


def test_what_changes_is_looked_at_again() -> None:
    network, x, target = small(), X.clone(), TARGET.clone()
    named = evidence.methods(["uniform"], total=[])
    first = named["gradient"](network, x, target).clone()
    with torch.no_grad():
        network[2].weight.mul_(2)
    torch.testing.assert_close(named["gradient"](network, x, target), 2 * first)
    target.add_(1).remainder_(3)
    assert not torch.allclose(named["gradient"](network, x, target), 2 * first)
    assert named["b: uniform"](network, x, target).shape == x.shape


def test_modes_are_left_as_they_were() -> None:
    network = nn.Sequential(small(), nn.Dropout(0.5)).train()
    network[0].eval()
    named = evidence.methods()
    evidence.deletion(network, X, TARGET, named, progress=False)
    evidence.digit_switch(network, X, named, progress=False)
    evidence.randomization(network, X, TARGET, {"w·x": named["w·x"]}, progress=False)
    assert [module.training for module in network] == [False, True]
