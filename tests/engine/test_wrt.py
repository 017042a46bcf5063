"""Explained with respect to what a module returns: inner layers, token ids, one call of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from engine.exact import DOUBLE, SINGLE, accounted, assert_near
from engine.nets import randomized
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._pytree import tree_leaves

import bbp_widgets as bbp
from bbp_widgets.engine import BadInput, BadTarget, UnsupportedOp


class Picture(nn.Module):
    """Two stages, a skip over the second, and layers that do not run."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.stage = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.relu = nn.ReLU()
        self.head, self.idle = nn.Linear(4, 3), nn.Linear(4, 3)
        self.listed = nn.ModuleList([nn.Linear(2, 2)])

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.stem(x))
        x = self.relu(self.stage(x) + x)
        return self.head(x.mean((2, 3)))


class Tokens(nn.Module):
    """Token ids, their embeddings and places, and an encoder."""

    def __init__(self, batch_first: bool = True) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(20, 8), nn.Parameter(torch.zeros(5, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 12, batch_first=batch_first)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head, self.batch_first = nn.Linear(8, 3), batch_first

    def forward(self, ids: Tensor) -> Tensor:
        x = self.words(ids) + self.places
        if self.batch_first:
            return self.head(self.body(x)[:, -1])
        return self.head(self.body(x.transpose(0, 1))[-1])


class Pair(nn.Module):
    """Returns two values and a number."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 3), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> dict[str, Any]:
        return {"first": self.a(x), "others": [self.b(x), 3, None]}


class OfPair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pair, self.head = Pair(), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        both = self.pair(x)
        return self.head(F.silu(torch.cat([both["first"], both["others"][0]], 1)) * both["others"][1])


def picture(samples: int = 2) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    return randomized(Picture()), torch.randn(samples, 3, 5, 5, generator=torch.Generator().manual_seed(1))


def tokens(samples: int = 2, batch_first: bool = True) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    network = randomized(Tokens(batch_first))
    return network, torch.randint(20, (samples, 5), generator=torch.Generator().manual_seed(1))


def gradients(
    network: nn.Module, x: Tensor, names: Sequence[str], target: int
) -> tuple[list[Tensor], list[Tensor]]:
    """Return what the modules return, and autograd's gradients there, caught by forward hooks."""
    caught: list[Tensor] = []
    calls = dict.fromkeys(names, 0)

    def catching(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            calls[name] += 1
            if calls[name] == int(name.partition("#")[2] or 1):
                caught.extend(t for t in tree_leaves(output) if isinstance(t, Tensor))

        return hook

    handles = [network.get_submodule(n.partition("#")[0]).register_forward_hook(catching(n)) for n in names]
    try:
        value = network(x)[:, target].sum()
    finally:
        for handle in handles:
            handle.remove()
    return [t.detach() for t in caught], list(torch.autograd.grad(value, caught))


NETWORKS = {"picture": picture, "tokens": tokens}
CASES = [
    ("picture", "stem"), ("picture", "stage.0"), ("picture", "stage"), ("picture", "stage.2"), ("picture", "relu#1"),
    ("picture", "relu#2"), ("picture", "head"), ("picture", ("stem",)), ("picture", ("relu#2", "stem")),
    ("picture", ("stem", "stage.1")),
    ("tokens", "words"), ("tokens", "body"), ("tokens", "body.layers.1"), ("tokens", "body.layers.0.linear1"),
    ("tokens", ("words", "body.layers.0.self_attn")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "wrt"), CASES, ids=str)
def test_what_a_module_returns_is_explained_in_the_place_of_the_input(
    name: str, wrt: str | tuple[str, ...]
) -> None:
    network, x = NETWORKS[name]()
    names = (wrt,) if isinstance(wrt, str) else wrt
    values, expected = gradients(network.double(), x.double() if name == "picture" else x, names, 1)
    network.float()
    local = bbp.linearize(network, x, 1, torch.float64, wrt=wrt)
    assert isinstance(local.w, tuple) == isinstance(wrt, tuple)
    if len(names) == 1:
        assert_near(local.w, tuple(expected), DOUBLE)
        assert_near(local.inputs, tuple(values), DOUBLE)
    for rule in bbp.rules.names():
        accounted(local.attribute(rule), DOUBLE, rule)
    accounted(bbp.attribute(network, x, 1, wrt=wrt), SINGLE)
    accounted(bbp.attribute(network, x, 1, wrt=wrt, linearization="gated"), SINGLE)
    for i in range(len(x)):
        alone = bbp.attribute(network, x[i : i + 1], 1, dtype=torch.float64, wrt=wrt)
        both = local.attribute()
        for a, b in zip(_tuple(both.bias), _tuple(alone.bias), strict=True):
            assert_near(a[i : i + 1], b, DOUBLE)


def _tuple(arrays: Any) -> tuple[Tensor, ...]:
    return arrays if isinstance(arrays, tuple) else (arrays,)


def test_outputs_that_lie_behind_one_another_are_inputs_side_by_side() -> None:
    """What the first does by way of the second is the second's: its gradient is that of the other way alone."""
    network, x = picture()
    local = bbp.linearize(network, x, 1, torch.float64, wrt=("stem", "stage"))
    stem = F.relu(network.stem(x)).detach().double()
    network.double()
    fresh = [
        network.stem(x.double()).detach().requires_grad_(),
        network.stage(stem).detach().requires_grad_(),
    ]
    value = network.head(F.relu(fresh[1] + F.relu(fresh[0])).mean((2, 3)))[:, 1].sum()
    assert_near(local.w, torch.autograd.grad(value, fresh), DOUBLE)


def test_a_module_that_returns_several_tensors() -> None:
    network, x = randomized(OfPair()), torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    values, expected = gradients(network, x, ["pair"], 2)
    result = bbp.attribute(network, x, 2, wrt="pair")
    assert_near(result.local.w, tuple(expected), SINGLE)
    assert_near(result.local.inputs, tuple(values), SINGLE)
    accounted(result, SINGLE)
    assert torch.equal(result.at("pair:1").value, values[1])
    assert torch.equal(result.at("pair").mass, result.bias[0])


def test_a_layer_that_keeps_the_samples_elsewhere() -> None:
    network, ids = tokens(3, batch_first=False)  # (tokens, samples, features)
    expected = gradients(network, ids, ["body.layers.0"], 1)[1]
    result = bbp.attribute(network, ids, 1, wrt="body.layers.0")
    assert_near(result.local.w, tuple(expected), SINGLE)
    accounted(result, SINGLE)
    for i in range(3):
        alone = bbp.attribute(network, ids[i : i + 1], 1, wrt="body.layers.0")
        assert_near(result.bias[:, i : i + 1], alone.bias, SINGLE)


def test_as_many_tokens_as_samples() -> None:
    """Nothing but what follows tells which axis is whose: taken for the wrong one, the samples would mix."""
    network, ids = tokens(5, batch_first=False)
    with pytest.raises(UnsupportedOp, match="batch_size=1"):
        bbp.attribute(network, ids, 1, wrt="body.layers.0")
    assert bbp.attribute(network, ids, 1, wrt="body.layers.0", batch_size=1).residual.abs().max() < SINGLE


def test_an_inner_layer_agrees_with_the_whole_walk() -> None:
    """Mass at a cut that every way passes through is the bias attribution of what follows it."""
    network, x = picture()
    whole = bbp.attribute(network, x, 1, dtype=torch.float64).at("relu#1")
    part = bbp.attribute(network, x, 1, dtype=torch.float64, wrt="relu#1")
    assert_near(part.local.w, whole.grad, DOUBLE)
    assert_near(part.bias, whole.mass, DOUBLE)


def test_whole_numbers_are_refused_without_it() -> None:
    network, ids = tokens()
    with pytest.raises(BadInput, match=r'torch\.int64(?s:.)*wrt="embedding"'):
        bbp.attribute(network, ids)
    with pytest.raises(BadInput, match=r"torch\.int64"):
        bbp.decompose(network, ids)
    mixed = randomized(Mixed())
    result = bbp.attribute(mixed, (ids[:, 0], torch.randn(2, 4)), 0, wrt="words")
    accounted(result, SINGLE)
    assert result.bias.shape == (2, 4)


class Mixed(nn.Module):
    """Token ids beside numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(20, 4), nn.Linear(8, 3)

    def forward(self, ids: Tensor, x: Tensor) -> Tensor:
        return self.head(F.relu(torch.cat([self.words(ids), x], 1)))


BAD: list[tuple[Any, list[str]]] = [
    ("stemm", ['"stemm"', '"stem"']),
    ("layer9", ['"layer9"', '"head"', '"stage.0"']),
    ("idle", ['"idle"', "did not run"]),
    ("listed", ['"listed"', "did not run"]),
    ("relu", ['"relu"', "2 times", '"relu#1", "relu#2"']),
    ("relu#3", ['"relu#3"', "did not run"]),
    (("stem", "idle"), ['"idle"']),
    ("stem#1#2", ["stem#1#2"]),
]


@pytest.mark.parametrize(("wrt", "words"), BAD, ids=str)
def test_a_name_that_means_nothing_says_what_there_is(wrt: Any, words: list[str]) -> None:
    network, x = picture()
    with pytest.raises(BadInput) as caught:
        bbp.linearize(network, x, wrt=wrt)
    for word in words:
        assert word in str(caught.value)


def test_a_module_that_the_target_does_not_depend_on() -> None:
    class Aside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            self.b(x)
            return self.a(x)

    with pytest.raises(BadTarget, match="live path"):
        bbp.linearize(Aside().eval(), torch.ones(1, 2), wrt="b")


def test_a_module_named_with_its_only_call() -> None:
    network, x = picture()
    assert torch.equal(bbp.linearize(network, x, wrt="stem#1").w, bbp.linearize(network, x, wrt="stem").w)


@pytest.mark.parametrize("batch_first", [True, False])
def test_what_is_asked_for_in_parts(batch_first: bool) -> None:
    network, ids = tokens(3, batch_first)
    for name in ("words", "body.layers.0"):
        whole, parts = (
            bbp.attribute(network, ids, [0, 1, 2], wrt=name, dtype=torch.float64, batch_size=size)
            for size in (None, 2)
        )
        assert_near(parts.bias, whole.bias, DOUBLE)
        assert_near(parts.local.w, whole.local.w, DOUBLE)
