"""Single units of the walk: their terms against dense oracles, against the walk, and against one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from engine import oracle
from engine.nets import NETWORKS, OneNode, randomized
from engine.test_rules import EXACT, EXPONENTIAL, FAN_INS, RULES, Op, written_out
from torch import Tensor, nn
from torch.nn import functional as F

import bbp_widgets as bbp
from bbp_widgets.engine import Comes, Gives, UnitEquation, giver, unit
from bbp_widgets.engine.giver import Giver
from bbp_widgets.engine.graph import Value
from bbp_widgets.engine.mixing import Reduction
from bbp_widgets.engine.samples import Layout
from bbp_widgets.engine.seats import Seats, layout_of

#: The walk may share by sums of powers, whose φ are within 2e-4 of those of the terms, which are written out.
POWERS = 2e-4
SHARING = [*RULES[:8], *EXPONENTIAL[2:4], *EXPONENTIAL[14:16], *EXPONENTIAL[28:31], *EXPONENTIAL[40:43]]


def dense(terms: Gives | Comes, column: str, source: str, shape: Sequence[int]) -> Tensor:
    """Return a column of the terms as an array like their source, zero where there is no term."""
    array = torch.zeros(*shape, dtype=torch.double)
    for i, at in enumerate(terms.index.tolist()):
        if terms.sources[terms.source[i]] == source:
            array[tuple(at[: len(shape)])] += getattr(terms, column)[i]
    return array.flatten()


# -- against the formula ------------------------------------------------------------------------------------


def one_node(op: Op, ones: Op, x: Tensor) -> tuple[nn.Module, Tensor, Tensor]:
    """Return a network of one op, the op's matrix for each sample, and which inputs each unit has."""
    network = OneNode(op, op(x).shape[1:]).double().eval()
    network.intercept *= ones(torch.ones_like(x[:1]))[0] != 0
    weight = torch.stack([oracle.matrix_of(lambda y: op(y[None]), sample) for sample in x])
    return network, weight, oracle.matrix_of(lambda y: ones(y[None]), x[0]) != 0


@pytest.mark.parametrize("name", FAN_INS)
def test_the_terms_are_the_formulas(name: str) -> None:
    shape, op, ones = FAN_INS[name]
    x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(3), dtype=torch.double)
    x.view(2, -1)[:, ::5] = 0
    network, weight, there = one_node(op, ones, x)
    local = bbp.linearize(network, x, target=1)
    mass, sample = network.mass(1), 1
    values = op(x)[sample].flatten()
    generator = torch.Generator().manual_seed(len(name))
    inputs = torch.randperm(x[0].numel(), generator=generator)[:4].tolist()
    outputs = torch.randperm(len(mass), generator=generator)[:4].tolist()
    for rule, phi in SHARING:
        result = local.attribute(rule)
        node = result.ledger[-1].node
        shares = oracle.shares(phi, weight[sample], there, x[sample].flatten(), mass)
        for q in outputs:
            seen = result.unit(node, q, sample)
            expected = {
                "weight": weight[sample, q] * there[q],
                "value": x[sample].flatten() * there[q],
                "strength": weight[sample, q] * x[sample].flatten(),
                "share": shares[q],
                "mass": shares[q] * mass[q],
            }
            assert len(seen.gives) == there[q].sum()
            for column, row in expected.items():
                got = dense(seen.gives, column, "input", shape)
                assert (got - row).abs().max() <= EXACT * (1 + row.abs().max()), (rule, column)
            size = seen.gives.mass.abs()
            assert (size[:-1] >= size[1:]).all()
            assert abs(seen.value - values[q]) < EXACT
            assert seen.rule == rule
        for p in inputs:
            comes = result.unit("input", p, sample).comes
            unit_shape = result.ledger[-1].shape[1:]
            got = {c: dense(comes, c, node, unit_shape) for c in ("share", "contribution", "mass")}
            reached = shares[:, p] * mass != 0
            assert (got["share"] - shares[:, p] * reached).abs().max() < EXACT, rule
            assert (got["contribution"] - shares[:, p] * mass).abs().max() < EXACT, rule
            assert (got["mass"] - mass * reached).abs().max() < EXACT
            assert len(comes) == reached.sum()


@pytest.mark.parametrize("rule", range(len(SHARING)))
def test_both_sides_of_a_live_product_are_terms(rule: int) -> None:
    chosen, phi = SHARING[rule]
    generator = torch.Generator().manual_seed(4)
    a, b = (torch.randn(1, *s, generator=generator, dtype=torch.double) for s in ((3, 5), (5, 4)))
    network = OneNode(torch.bmm, torch.Size([3, 4])).double().eval()
    result = bbp.attribute(network, (a, b), target=1, rule=chosen)
    mass = result.at("bmm").mass[0]
    for i, j in ((0, 0), (2, 3)):
        w, x = torch.cat([b[0, :, j], a[0, i]]), torch.cat([a[0, i], b[0, :, j]])
        there = torch.ones(1, 10, dtype=torch.bool)
        shares = oracle.shares(phi, w[None], there, x, mass[i, j][None])[0]
        seen = result.unit("bmm", (i, j))
        got = torch.zeros(2, 10, dtype=torch.double)
        for n, at in enumerate(seen.gives.index.tolist()):
            place = at[1] if seen.gives.source[n] == 0 else 5 + at[0]
            got[0, place], got[1, place] = seen.gives.share[n], seen.gives.strength[n]
        torch.testing.assert_close(got[0], shares, rtol=0, atol=EXACT)
        torch.testing.assert_close(got[1], w * x, rtol=0, atol=EXACT)
        comes = result.unit("input_1", (2, j)).comes
        assert dense(comes, "share", "bmm", (3, 4)).view(3, 4)[i, j] == pytest.approx(
            float(shares[5 + 2]), abs=EXACT
        )
        assert len(comes) == 3 or chosen == bbp.rules.winner()


# -- against the walk ---------------------------------------------------------------------------------------


class Many(nn.Module):
    """Kinds of fan-in that the other networks lack: drawn larger, transposed, depthwise, attention, running sums."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1)
        self.depth = nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=4)
        self.strided = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.norm = nn.LayerNorm(6)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = F.interpolate(F.silu(self.up(x)), scale_factor=1.5, mode="bilinear")
        y = F.max_pool2d(self.depth(y), 3, 2, 1) + y.mean((2, 3), keepdim=True)
        y = F.avg_pool2d(self.strided(F.pad(y, (1, 1, 1, 1), mode="reflect")), 2, 1, 1)
        t = y.flatten(2).transpose(1, 2)
        t = self.norm(t + self.attention(t, t, t)[0]).cumsum(1)
        a, b = self.head(t).split(3, -1)[0].amax(1), self.head(t[:, 1])
        return a * b.sigmoid() + torch.cat([b[:, 1:], a[:, :1]], 1).softmax(1)


EXAMPLES: dict[str, Any] = {**NETWORKS, "many": (Many, (2, 4, 4))}
PLANS: dict[str, Any] = {
    "uniform": ("uniform", None), "proportional": ("proportional", None), "winner": ("winner", None),
    "weights": ("weights", None), "softmax": ("softmax", None), "opposed": ("opposed", None),
    "several": ("proportional", {"first": "winner", "last": "uniform"}),
}  # fmt: skip


def example(name: str) -> tuple[nn.Module, Tensor]:
    build, shape = EXAMPLES[name]
    return randomized(build()), torch.randn(2, *shape, generator=torch.Generator().manual_seed(5))


def equation(result: bbp.Attribution, name: str, index: int, sample: int, tolerance: float) -> UnitEquation:
    """Return a unit, once its sums are checked."""
    seen = result.unit(name, index, sample)
    gross = 1e-12 + float(seen.comes.contribution.abs().sum())
    assert float(seen.comes.contribution.sum()) == pytest.approx(seen.arrived, abs=tolerance * gross), name
    bound = 1e-9 * (1 + abs(seen.arrived) + abs(seen.own))
    assert seen.mass == pytest.approx(seen.arrived + seen.own - seen.unshared, abs=bound), name
    if len(seen.gives):
        strength = float(seen.gives.strength.sum())
        assert seen.value == pytest.approx(strength + seen.intercept, abs=1e-9 * (1 + abs(seen.value))), name
        assert float(seen.gives.share.sum()) == pytest.approx(1, abs=1e-9), name
        torch.testing.assert_close(seen.gives.mass, seen.gives.share * seen.mass)
    return seen


def size_of(result: bbp.Attribution, name: str, samples: int) -> int:
    return unit._Walk(result, 0).find(name).tensor.numel() // samples


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_what_comes_is_what_arrived(name: str, plan: str) -> None:
    network, x = example(name)
    rule, choices = PLANS[plan]
    result = bbp.attribute(network, x, 1, rule, choices, dtype=torch.float64)
    generator = torch.Generator().manual_seed(7)
    tolerance = POWERS if plan in ("softmax", "opposed") else 1e-9
    for step in [*result.ledger, "input"]:
        node = step if isinstance(step, str) else step.node
        size = size_of(result, node, len(x))
        for index in torch.randint(size, (2,), generator=generator).tolist():
            sample = index % 2
            seen = equation(result, node, index, sample, tolerance)
            for i in range(min(2, len(seen.comes))):  # what one gets is what the other gives
                source = seen.comes.sources[seen.comes.source[i]]
                other = result.unit(source, trimmed(seen.comes.index[i]), sample)
                assert other.mass == pytest.approx(float(seen.comes.mass[i]))
                back = [
                    float(other.gives.share[j])
                    for j in range(len(other.gives))
                    if other.gives.sources[other.gives.source[j]] == seen.node
                    and trimmed(other.gives.index[j]) == seen.index
                ]
                assert back == [pytest.approx(float(seen.comes.share[i]), abs=1e-9)], (node, source)


def trimmed(index: Tensor) -> tuple[int, ...]:
    return tuple(i for i in index.tolist() if i >= 0)


@pytest.mark.parametrize("name", EXAMPLES)
def test_without_derivatives_the_terms_are_found_by_halves(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, x = example(name)
    result = bbp.attribute(network, x, 1, "aligned", dtype=torch.float64)
    nodes = [*(step.node for step in result.ledger[1::3]), "input"]
    before = [result.unit(node, 1, 1).comes for node in nodes]

    def refuse(*_: object) -> None:
        raise RuntimeError("no derivative")

    monkeypatch.setattr(Giver, "_derivative", refuse)
    for node, comes in zip(nodes, before, strict=True):
        again = result.unit(node, 1, 1).comes
        assert len(again) == len(comes)
        assert again.sources == comes.sources
        torch.testing.assert_close(again.contribution, comes.contribution, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["residual", "table", "many"])
def test_derivatives_are_not_what_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The short way works for the ops here: they are not looked through by halves."""
    network, x = example(name)
    result = bbp.attribute(network, x, 1, "softmax", dtype=torch.float64)
    by_halves = Giver._by_halves

    def only_a_mean(giver: Giver, value: Value, place: int) -> list[Tensor]:
        assert isinstance(giver.fan_in, Reduction)  # each entry has one unit to get from
        return by_halves(giver, value, place)

    monkeypatch.setattr(Giver, "_by_halves", only_a_mean)
    for step in result.ledger:
        result.unit(step.node, 0)


LONG: dict[str, tuple[tuple[int, ...], Callable[[Tensor, Tensor], Tensor], tuple[int, ...]]] = {
    "strided": ((10, 7, 6), lambda x, w: F.conv2d(x, w, stride=2, padding=1), (3, 10, 3, 3)),
    "grouped": ((20, 5, 6), lambda x, w: F.conv2d(x, w, padding=(1, 2), groups=2), (4, 10, 3, 3)),
    "dilated": ((10, 8, 8), lambda x, w: F.conv2d(x, w, dilation=2, padding=4), (3, 10, 3, 3)),
    "transposed": ((20, 9), lambda x, w: F.conv_transpose1d(x, w, stride=2, padding=1), (20, 2, 9)),
}


@pytest.mark.parametrize("name", LONG)
def test_many_units_are_written_out_as_a_block(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shape, convolve, kernel = LONG[name]
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, *shape, generator=generator, dtype=torch.double)
    weight = torch.randn(kernel, generator=generator, dtype=torch.double)
    network, _, _ = one_node(lambda y: convolve(y, weight), lambda y: convolve(y, torch.ones_like(weight)), x)
    result = bbp.attribute(network, x, 1, "aligned")
    places = (0, x[0].numel() // 2, x[0].numel() - 1)
    one_by_one = [result.unit("input", place, 1).comes for place in places]
    monkeypatch.setattr(giver, "TILE_ELEMENTS", 0)
    monkeypatch.setattr(Giver, "_by_halves", None)
    for place, expected in zip(places, one_by_one, strict=True):
        in_a_block = result.unit("input", place, 1).comes
        for column in ("index", "share", "contribution"):
            torch.testing.assert_close(getattr(in_a_block, column), getattr(expected, column))


def test_parameters_and_inputs_that_want_a_gradient_do_no_harm() -> None:
    network, x = example("residual")
    network.requires_grad_()
    result = bbp.attribute(network, nn.Parameter(x), 1, "softmax")
    seen = result.unit("input", (1, 4, 4))
    assert not seen.comes.contribution.requires_grad
    assert float(seen.comes.contribution.sum()) == pytest.approx(seen.arrived, rel=1e-3)
    assert all(parameter.grad is None for parameter in network.parameters())


# -- places -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "layout", "samples", "own"),
    [
        ((3, 4, 5), None, 3, (4, 5)),
        ((1, 4), None, 1, (4,)),
        ((6, 5), None, 1, (6, 5)),
        ((6, 5), Layout(-2, 2), 3, (2, 5)),
        ((4, 6, 5), Layout(-2, 2), 3, (4, 2, 5)),
        ((4, 6), Layout(-1, 1), 3, (4, 2)),
        ((4, 3, 2), Layout(-2, 1), 3, (4, 2)),
        ((3,), None, 3, ()),
    ],
)
def test_every_unit_has_its_place(
    shape: tuple[int, ...], layout: Layout | None, samples: int, own: tuple[int, ...]
) -> None:
    value = Value(torch.zeros(shape), layout=layout)
    seats = Seats(value, samples)
    assert seats.shape == own
    size = torch.Size(own).numel()
    marks = layout_of(value, samples).marks(torch.Size(shape), samples, torch.device("cpu")).flatten()
    taken = []
    for sample in range(samples):
        places = [seats.place(seats.unit(i), sample) for i in range(size)]
        assert (marks[places] == sample).all()
        index = seats.index(torch.tensor(places), len(own) + 1)
        assert [tuple(row) for row in index.tolist()] == [(*seats.unit(i), -1) for i in range(size)]
        taken += places
    assert sorted(taken) == list(range(value.tensor.numel()))


def test_a_sample_is_as_it_is_alone() -> None:
    network, x = example("many")
    both = bbp.attribute(network, x, 1, "winner", dtype=torch.float64)
    alone = bbp.attribute(network, x[1:], 1, "winner", dtype=torch.float64)
    for node in ("convolution", "convolution_1", "convolution_2", "native_layer_norm"):
        a, b = both.unit(node, 3, 1), alone.unit(node, 3)
        assert a.index == b.index
        assert (a.value, a.mass) == (pytest.approx(b.value), pytest.approx(b.mass))
        for terms in ("gives", "comes"):
            one, other = getattr(a, terms), getattr(b, terms)
            assert one.sources == other.sources
            assert sorted(map(tuple, one.index.tolist())) == sorted(map(tuple, other.index.tolist()))
            torch.testing.assert_close(one.share.sort().values, other.share.sort().values)


def test_the_target_has_its_own_unit() -> None:
    network, x = example("table")
    result = bbp.attribute(network, x, lambda out: out.log_softmax(1)[:, 1], "uniform", dtype=torch.float64)
    seen = result.unit("target", (), 1)
    assert seen.own == pytest.approx(float(result.ledger[0].intercept[1]))
    assert seen.value == pytest.approx(float(seen.gives.strength.sum()) + seen.intercept)
    assert seen.gives.share.tolist() == [pytest.approx(0.25)] * 4
    assert len(seen.comes) == 0
    assert result.unit(0, 0, 1).mass == seen.mass
    last = result.ledger[1].node
    got = result.unit(last, 2, 1)
    assert got.comes.sources == ("target",)
    assert float(got.comes.contribution) == pytest.approx(got.arrived) == pytest.approx(seen.mass / 4)


def test_a_constant_unit_gives_nothing() -> None:
    network, x = example("residual")
    result = bbp.attribute(network, x, 1, "uniform")
    padded = result.unit("constant_pad_nd", (0, 1, 1))
    assert (padded.value, padded.mass, len(padded.gives)) == (0, 0, 0)


def test_what_is_not_there_is_named() -> None:
    network, x = example("residual")
    result = bbp.attribute(network, x, 1)
    with pytest.raises(KeyError, match="no node or module"):
        result.unit("nothing", 0)
    for index in ((0, 0), (0, 0, 99), (0, 0, -1), 10**6, -1):
        with pytest.raises(IndexError, match=r"no unit .* in a value of shape \(4, 8, 8\)"):
            result.unit("relu_0", index)
    with pytest.raises(IndexError, match="no sample 2: there are 2"):
        result.unit("relu_0", 0, 2)
    with pytest.raises(IndexError, match="the ledger has"):
        result.unit(999, 0)
    assert result.unit(0, 0).node == result.ledger[0].node
    assert result.unit("relu_0", 65).index == (1, 0, 1)
    parts = bbp.attribute(network, x, 1, batch_size=1)
    with pytest.raises(bbp.errors.NotCaptured, match="a unit of"):
        parts.unit("relu", 0)
    with pytest.raises(bbp.errors.NotCaptured, match=r"how .* shares"):
        parts.share_entropy("relu")


# -- how evenly a node shares -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["conv2d", "linear", "avg_pool", "transposed", "mean"])
def test_entropy_is_that_of_the_largest_units(name: str) -> None:
    shape, op, ones = FAN_INS[name]
    x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(3), dtype=torch.double)
    network, weight, there = one_node(op, ones, x)
    local, mass = bbp.linearize(network, x, target=1), network.mass(1)
    for rule, phi in SHARING:
        result = local.attribute(rule)
        shares = oracle.shares(phi, weight[1], there, x[1].flatten(), mass)
        largest = [q for q in mass.abs().argsort(descending=True)[:3].tolist() if there[q].sum() > 1]
        entropy = torch.special.entr(shares[largest]).sum(1) / there[largest].sum(1).double().log()
        expected = float((entropy * mass[largest].abs()).sum() / mass[largest].abs().sum())
        assert result.share_entropy(result.ledger[-1].node, 3, 1) == pytest.approx(expected, abs=1e-9), rule


def test_entropy_is_one_for_all_alike_and_none_where_nothing_is_decided() -> None:
    network, x = example("many")
    uniform, winner = (
        bbp.attribute(network, x, 1, written_out(rule)) for rule in (bbp.rules.uniform(), bbp.rules.winner())
    )
    for step in uniform.ledger:
        entropy = uniform.share_entropy(step.node)
        assert entropy is None or entropy == pytest.approx(1, abs=1e-5)
        assert step.mixes or entropy is None
    assert winner.share_entropy("convolution_2") == pytest.approx(0, abs=1e-6)
    assert uniform.share_entropy("input") is None
    target = bbp.attribute(network, x, lambda out: out.log_softmax(1)[:, 1], "uniform")
    assert target.share_entropy("target") == pytest.approx(1)
