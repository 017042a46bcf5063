"""Rules against dense float64 oracles written straight from the formula, on every kind of fan-in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from engine import oracle
from engine.nets import OneNode
from torch import Tensor
from torch.nn import functional as F

import bbp_widgets as bbp
from bbp_widgets.engine import UnknownRule
from bbp_widgets.engine.rules import Rule, Softmax

#: Shares within 1e-4 of the oracle's; the mass of a unit is of order one, and a few hundred units meet in an input.
SHARES = 1e-4
#: Rules that need no approximation, in double precision.
EXACT = 1e-9


class Tiled(Softmax):
    """The softmax rule that never takes the short way."""

    def share_dense(self, mixing: object, mass: Tensor) -> None:
        return None


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
SOFTMAX = [(t, relative) for t in (0.01, 0.1, 0.5, 1.0, 3.0, 10.0) for relative in (True, False)]
RULES += [(bbp.rules.softmax(t, relative), oracle.softmax(t, relative)) for t, relative in SOFTMAX]
RULES += [(bbp.rules.winner(), oracle.winner), (bbp.rules.weights(), oracle.weights(1.0))]
RULES += [(bbp.rules.weights(2.0), oracle.weights(2.0))]
for _t, _relative in [(0.1, True), (1.0, True), (1.0, False), (10.0, True)]:
    for _name in ("softmin", "aligned", "opposed"):
        RULES.append((getattr(bbp.rules, _name)(_t, _relative), getattr(oracle, _name)(_t, _relative)))
RULES += [(Tiled(t, relative), oracle.softmax(t, relative)) for t, relative in SOFTMAX]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("scale", ["plain", "wide", "dead"])
@pytest.mark.parametrize("name", FAN_INS)
def test_a_rule_shares_as_its_formula_says(name: str, scale: str, dtype: torch.dtype) -> None:
    shape, op, ones = FAN_INS[name]
    x = _inputs(shape, scale).to(dtype)
    network = OneNode(op, op(x).shape[1:]).to(dtype).eval()
    network.intercept *= ones(torch.ones_like(x[:1]))[0] != 0  # a window wholly in the border is a constant
    local = bbp.linearize(network, x, target=1)
    for rule, phi in RULES:
        bias = local.attribute(rule).bias
        for i in range(len(x)):
            weight = oracle.matrix_of(lambda y: op(y[None]), x[i])
            there = oracle.matrix_of(lambda y: ones(y[None]), x[i]) != 0
            expected = oracle.given(phi, weight, there, x[i].double().flatten(), network.mass(1))
            fast = isinstance(rule, Softmax)
            tolerance = SHARES if fast or dtype == torch.float32 else EXACT
            error = (bias[i].double().flatten() - expected).abs().max()
            assert error < tolerance * network.mass(1).abs().max(), (
                str(rule),
                type(rule).__name__,
                i,
                float(error),
            )


@pytest.mark.parametrize(("rule", "phi"), RULES, ids=lambda v: str(v) if isinstance(v, Rule) else "")
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


def test_the_sum_of_powers_is_the_exponential() -> None:
    from bbp_widgets.engine.exponential import FARTHEST, powers

    z = torch.linspace(0, FARTHEST, 100_001, dtype=torch.double)
    for part in z.split(997):
        fit = powers(float(part.max()))
        assert fit is not None
        reach, terms = fit
        inside = torch.linspace(0, reach, 50_001, dtype=torch.double)
        total = 1 + sum(c * (inside / reach) ** a for a, c in terms)
        assert (total * (-inside).exp() - 1).abs().max() < 5e-5
        assert all(c > 0 and a > 0 for a, c in terms)
    assert powers(FARTHEST * 1.01) is None


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
