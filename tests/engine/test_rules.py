"""Rules against dense float64 oracles written straight from the formula, on every kind of fan-in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from engine import oracle
from engine.nets import OneNode
from torch import Tensor
from torch.nn import functional as F

import bbp_widgets as bbp
from bbp_widgets.engine import UnknownRule
from bbp_widgets.engine.mixing import Tile
from bbp_widgets.engine.rules import Rule

#: Shares within 1e-4 of the oracle's; the mass of a unit is of order one, and a few hundred units meet in an input.
SHARES = 1e-4
#: Rules that need no approximation, in double precision.
EXACT = 1e-9


def written_out(rule: Rule) -> Rule:
    """Return the rule that never takes the short way."""
    kind = type(
        f"WrittenOut{type(rule).__name__}", (type(rule),), {"share_dense": lambda self, mixing, mass: None}
    )
    return kind(**rule.parameters)


def by_powers(rule: Rule) -> Rule:
    """Return the rule that takes the short way also where a fan-in is so small that writing it out costs less."""
    never = {name: lambda self, *costs: False for name in ("_short", "_dear")}
    return type(f"ByPowers{type(rule).__name__}", (type(rule),), never)(**rule.parameters)


def _weights(*shape: int) -> Tensor:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.double)
    weight[0] = 0  # a dead unit: all strengths zero
    weight[1] = 0.5  # ties wherever the inputs tie
    return weight


Op = Callable[[Tensor], Tensor]
FAN_INS: dict[str, tuple[tuple[int, ...], Op, Op]] = {}


def _fan_in(
    name: str, shape: tuple[int, ...], op: Callable[[Tensor, Tensor], Tensor], weight: Tensor
) -> None:
    ones = torch.ones_like(weight)
    FAN_INS[name] = (shape, lambda x: op(x, weight.to(x.dtype)), lambda x: op(x, ones.to(x.dtype)))


_fan_in("linear", (12,), F.linear, _weights(6, 12))
_fan_in("conv1d", (4, 15), lambda x, w: F.conv1d(x, w, stride=2, padding=2, groups=2), _weights(6, 2, 5))
_fan_in("conv2d", (3, 6, 5), lambda x, w: F.conv2d(x, w, padding=1), _weights(4, 3, 3, 3))
_fan_in(
    "conv2d_strided", (2, 7, 7), lambda x, w: F.conv2d(x, w, stride=2, padding=(2, 0)), _weights(3, 2, 3, 2)
)
_fan_in("conv2d_dilated", (2, 7, 7), lambda x, w: F.conv2d(x, w, dilation=2, padding=2), _weights(3, 2, 3, 3))
_fan_in("conv2d_empty", (2, 4, 4), lambda x, w: F.conv2d(x, w, padding=3), _weights(3, 2, 2, 2))
_fan_in("conv3d", (2, 4, 3, 4), lambda x, w: F.conv3d(x, w, padding=1), _weights(2, 2, 3, 2, 3))
_fan_in("transposed", (2, 5), lambda x, w: F.conv_transpose1d(x, w, stride=2, padding=1), _weights(2, 3, 4))
_fan_in(
    "transposed_grouped",
    (4, 4, 3),
    lambda x, w: F.conv_transpose2d(x, w, stride=(2, 1), padding=(0, 1), output_padding=(1, 0), groups=2),
    _weights(4, 2, 3, 2),
)
_fan_in(
    "transposed_dilated",
    (2, 4, 4),
    lambda x, w: F.conv_transpose2d(x, w, dilation=2, stride=3, output_padding=2, padding=1),
    _weights(2, 3, 2, 2),
)
FAN_INS["avg_pool"] = ((2, 6, 6), lambda x: F.avg_pool2d(x, 3, 2, 1), lambda x: F.avg_pool2d(x, 3, 2, 1))
FAN_INS["adaptive"] = (
    (2, 5, 7),
    lambda x: F.adaptive_avg_pool2d(x, 3),
    lambda x: F.adaptive_avg_pool2d(x, 3),
)
FAN_INS["mean"] = ((3, 4, 4), lambda x: x.mean((2, 3)), lambda x: x.mean((2, 3)))
FAN_INS["mean_of_channels"] = ((3, 4, 4), lambda x: x.mean(1), lambda x: x.mean(1))


def _inputs(shape: tuple[int, ...], scale: str) -> Tensor:
    x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(3), dtype=torch.double)
    flat = x.view(2, -1)
    flat[:, ::5] = 0
    flat[:, 1::7] = 0.25  # ties
    if scale == "wide":  # strengths from 1e-6 to 1e3 in one sample, and whole regions that are tiny
        steps = torch.linspace(-6, 3, flat.shape[1], dtype=torch.double)
        flat *= 10.0**steps
    elif scale == "dead":
        flat[1] = 0
    return x


RULES: list[tuple[Rule, oracle.Phi]] = [
    (bbp.rules.uniform(), oracle.uniform),
    (bbp.rules.proportional(), oracle.proportional(1.0)),
    (bbp.rules.proportional(2.0), oracle.proportional(2.0)),
    (bbp.rules.proportional(0.5), oracle.proportional(0.5)),
]
RULES += [(bbp.rules.winner(), oracle.winner)]
RULES += [(bbp.rules.weights(power), oracle.weights(power)) for power in (1.0, 2.0, 0.5)]
EXPONENTIAL = [
    (getattr(bbp.rules, name)(temperature, relative), getattr(oracle, name)(temperature, relative))
    for name in ("softmax", "softmin", "aligned", "opposed")
    for temperature in (0.01, 0.1, 0.5, 1.0, 3.0, 10.0)
    for relative in (True, False)
]
RULES += [(written_out(rule), phi) for rule, phi in RULES + EXPONENTIAL]
RULES += [(by_powers(rule), phi) for rule, phi in EXPONENTIAL]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("scale", ["plain", "wide", "dead"])
@pytest.mark.parametrize("name", FAN_INS)
def test_a_rule_shares_as_its_formula_says(name: str, scale: str, dtype: torch.dtype) -> None:
    shape, op, ones = FAN_INS[name]
    x = _inputs(shape, scale).to(dtype)
    network = OneNode(op, op(x).shape[1:]).to(dtype).eval()
    network.intercept *= ones(torch.ones_like(x[:1]))[0] != 0  # a window wholly in the border is a constant
    local = bbp.linearize(network, x, target=1)
    mass = network.mass(1)
    weight = [oracle.matrix_of(lambda y: op(y[None]), sample) for sample in x]
    there = oracle.matrix_of(lambda y: ones(y[None]), x[0]) != 0
    for rule, phi in RULES:
        bias = local.attribute(rule).bias
        fast = type(rule).__name__.startswith("ByPowers")
        tolerance = SHARES if fast or dtype == torch.float32 else EXACT
        for got, w, sample in zip(bias, weight, x, strict=True):
            expected = oracle.given(phi, w, there, sample.flatten(), mass)
            error = float((got.double().flatten() - expected).abs().max() / mass.abs().max())
            assert error < tolerance, (str(rule), type(rule).__name__, error)


@pytest.mark.parametrize(
    ("rule", "phi"), RULES + EXPONENTIAL, ids=lambda v: str(v) if isinstance(v, Rule) else ""
)
def test_summands_share_by_their_size(rule: Rule, phi: oracle.Phi) -> None:
    a = torch.tensor([[1.0, -2.0, 0.0, 0.0, 1e-6]], dtype=torch.double)
    b = torch.tensor([[3.0, 2.0, 0.0, -1.0, 1e3]], dtype=torch.double)
    network = OneNode(lambda x, y: torch.sub(x, y, alpha=2), torch.Size([5])).double().eval()
    result = bbp.attribute(network, (a, b), target=0, rule=rule)
    for i, mass in enumerate(network.mass(0)):
        expected = oracle.given(
            phi, torch.tensor([[1.0, -2.0]]), torch.ones(1, 2, dtype=torch.bool),
            torch.tensor([a[0, i], b[0, i]]), mass[None],
        )  # fmt: skip
        got = torch.stack([result.bias[0][0, i], result.bias[1][0, i]])
        torch.testing.assert_close(got, expected, rtol=SHARES, atol=SHARES)


@pytest.mark.parametrize(
    ("rule", "phi"), RULES, ids=lambda v: f"{type(v).__name__}-{v}" if isinstance(v, Rule) else ""
)
@pytest.mark.parametrize("partly", [False, True])
def test_both_sides_of_a_live_product_share(rule: Rule, phi: oracle.Phi, partly: bool) -> None:
    """Every entry of either matrix is an input of its own, with the product of the two as its strength."""
    generator = torch.Generator().manual_seed(4)
    a, b = (torch.randn(1, *s, generator=generator, dtype=torch.double) for s in ((3, 5), (5, 4)))
    a[0, 1, :2] = 0
    fixed = torch.randn(1, 1, 5, generator=generator, dtype=torch.double)

    def op(x: Tensor, y: Tensor) -> Tensor:
        return torch.bmm(torch.cat([fixed, x], 1) if partly else x, y)

    network = OneNode(op, op(a, b).shape[1:]).double().eval()
    result = bbp.attribute(network, (a, b), target=1, rule=rule)
    rows = torch.cat([fixed, a], 1)[0] if partly else a[0]
    mass = result.at("bmm").mass[0]  # the constant beside the product, and the product's own curvature
    y = network.rates[1].double().view_as(mass) * (rows @ b[0])
    own = torch.where(torch.arange(len(rows))[:, None] < partly, 0, -y)
    torch.testing.assert_close(mass, network.mass(1).view_as(mass) + own)
    expected = [torch.zeros_like(rows), torch.zeros_like(b[0])]
    for i in range(len(rows)):
        for j in range(4):
            weight = torch.cat([b[0, :, j], rows[i]])  # what multiplies each input
            x = torch.cat([rows[i], b[0, :, j]])
            there = torch.ones(10, dtype=torch.bool)
            there[:5] = not (partly and i == 0)
            got = oracle.given(phi, weight[None], there[None], x, mass[i, j][None])
            expected[0][i] += got[:5]
            expected[1][:, j] += got[5:]
    scale = float(mass.abs().max())
    torch.testing.assert_close(result.bias[0][0], expected[0][partly:], rtol=0, atol=SHARES * scale)
    torch.testing.assert_close(result.bias[1][0], expected[1], rtol=0, atol=SHARES * scale)


def test_a_rule_of_ones_own_is_a_few_lines() -> None:
    class Largest(Rule):
        name, says = "largest", "all to the largest strength"

        def phi(self, tile: bbp.rules.Tile) -> Tensor:
            size = tile.strength.abs()
            return (size == size.amax(tile.dim, keepdim=True)).to(size.dtype)

    network = OneNode(lambda x: F.linear(x, torch.tensor([[1.0, -3.0, 2.0]])), torch.Size([1])).eval()
    bias = bbp.attribute(network, torch.ones(1, 3), target=0, rule=Largest()).bias
    assert bias[0, 0] == bias[0, 2] == 0
    torch.testing.assert_close(bias[0, 1].double(), network.mass(0)[0])


def test_a_phi_of_ones_own_takes_the_place_of_a_known_rules_short_ways() -> None:
    class Squared(bbp.rules.Proportional):
        name = "squared"

        def phi(self, tile: bbp.rules.Tile) -> Tensor:
            return super().phi(tile) ** 2

    network, x = torch.nn.Linear(4, 3), torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    local = bbp.linearize(torch.nn.Sequential(network, torch.nn.ReLU(), torch.nn.Linear(3, 2)).eval(), x, 0)
    torch.testing.assert_close(local.attribute(Squared()).bias, local.attribute("proportional", power=2).bias)


def _one_nan(s: Tensor) -> Tensor:
    phi = torch.ones_like(s)
    phi[tuple(s.nonzero()[0])] = math.nan  # what has a strength is live
    return phi


@pytest.mark.parametrize(
    ("phi", "words"),
    [
        (_one_nan, ["finite", "nan", "1 of"]),
        (lambda s: 1 / torch.zeros_like(s), ["finite", "inf", "maximum off"]),
        (lambda s: -torch.ones_like(s), ["never negative", "-1.0"]),
        (lambda s: s.abs().sum(-1), ["shape of tile.strength", "a tensor of shape"]),
        (lambda s: None, ["shape of tile.strength", "None"]),
    ],
    ids=["nan", "infinite", "negative", "shape", "nothing"],
)
@pytest.mark.parametrize("network", ["linear", "convolution"])
def test_a_phi_by_which_nothing_can_be_shared_is_refused(network: str, phi: Any, words: list[str]) -> None:
    class Mine(Rule):
        name, says = "mine", "mine"

        def phi(self, tile: bbp.rules.Tile) -> Tensor:
            return phi(tile.strength)

    layers = {
        "linear": (torch.nn.Linear(6, 4), torch.ones(1, 6)),
        "convolution": (torch.nn.Conv2d(2, 3, 3, padding=1), torch.ones(1, 2, 5, 5)),
    }
    layer, x = layers[network]
    whole = torch.nn.Sequential(layer, torch.nn.Tanh(), torch.nn.Flatten()).eval()
    with pytest.raises(bbp.errors.BadRule) as caught:
        bbp.attribute(whole, x, 0, rule=Mine())
    for word in ['rule "mine"', " (0): ", *words]:
        assert word in str(caught.value)


def test_a_phi_that_is_broken_where_nothing_is_live_does_not_count() -> None:
    class Inverse(Rule):
        name, says = "inverse", "by the inverse of the size"

        def phi(self, tile: bbp.rules.Tile) -> Tensor:
            return 1 / tile.strength.abs()  # infinite where padding is

    x = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0)) + 1
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, padding=1), torch.nn.Flatten()).eval()
    result = bbp.attribute(network, x, 0, rule=Inverse(), dtype=torch.float64)
    assert float(result.residual.abs().max()) < 1e-12


def test_the_sums_of_powers_are_the_exponential() -> None:
    from bbp_widgets.engine.exponential import fits

    for fit in [*fits(both_ways=False), *fits(both_ways=True)]:
        z = torch.linspace(0, fit.reach, 50_001, dtype=torch.double)
        growing = 1 + sum(g * (z / fit.reach) ** a for a, g, _ in fit.terms)
        assert (growing * (-z).exp() - 1).abs().max() < 2e-4  # a share p is off by at most half of it
        assert all(g >= 0 and a > 0 for a, g, _ in fit.terms)
        if fit.falling_error:
            falling = 1 + sum(f * (z / fit.reach) ** a for a, _, f in fit.terms)
            assert (falling - (-z).exp()).abs().max() <= fit.falling_error * 1.01


@pytest.mark.parametrize(
    ("rule", "parameters", "words"),
    [
        ("proportionl", {}, ["proportionl", '"proportional"', '"softmax"']),
        ("softmax", {"temprature": 1}, ["temprature", '"temperature"']),
        ("softmax", {"temperature": 0}, ["positive", "0"]),
        ("softmax", {"temperature": float("nan")}, ["positive", "nan"]),
        ("uniform", {"power": 1}, ["uniform", "none"]),
        (3, {}, ["3"]),
        (bbp.rules.softmax(), {"temperature": 2}, ["softmax", "already", "temperature"]),
    ],
)
def test_an_unknown_rule_says_what_there_is(rule: object, parameters: dict, words: list[str]) -> None:
    with pytest.raises(UnknownRule) as caught:
        bbp.attribute(torch.nn.Linear(2, 2).eval(), torch.ones(1, 2), rule=rule, **parameters)
    for word in words:
        assert word in str(caught.value)


def test_a_plan_gives_nodes_their_own_rules() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Hardtanh(), torch.nn.Linear(5, 3)).eval()
    local = bbp.linearize(network, torch.tensor([[1.0, -2.0, 0.5, 3.0]]))
    by = {rule: local.attribute(rule).bias for rule in ("uniform", "proportional")}
    assert torch.equal(local.attribute("uniform", plan={"*": "proportional"}).bias, by["proportional"])
    mixed = local.attribute("uniform", plan={"last": "proportional"}).bias
    for key in ("2", "addmm_1"):
        assert torch.equal(local.attribute("uniform", plan={key: "proportional"}).bias, mixed)
    first_wins = local.attribute("uniform", plan={"2": "proportional", "*": "uniform"}).bias
    assert torch.equal(first_wins, mixed)
    assert not torch.equal(mixed, by["uniform"])
    with pytest.raises(UnknownRule, match="fits no node"):
        local.attribute(plan={"layer9.*": "uniform"})


@pytest.mark.parametrize(
    "rule", [bbp.rules.softmax(0.001), bbp.rules.softmin(0.001), bbp.rules.aligned(0.001, False)]
)
def test_a_sharp_rule_makes_no_numbers_too_small_for_the_processor(rule: Rule) -> None:
    strength = torch.tensor([[3.0, 2.0, 0.0, -1.0]])
    phi = rule.phi(Tile(strength, torch.ones(4), None, torch.ones(1), lambda phi, ratio: None))
    assert phi.max() == 1
    assert 0 < phi.min() < 1e-20
    assert phi.min() * 1e-9 > torch.finfo(phi.dtype).tiny  # nor does its product with a mass
