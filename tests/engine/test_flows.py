"""Flows: what every step gave to each of its inputs, against the ledger and against the masses themselves."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from engine.nets import NETWORKS, randomized
from torch import Tensor, nn

import bbp_widgets as bbp

#: Sums in double precision over arrays in double precision.
EXACT = 1e-9


class Mixed(nn.Module):
    """A split, a value used twice, a product of live values, an attention: producers of several outputs, too."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(8, 12), nn.Linear(8, 3)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.norm = nn.LayerNorm(4)

    def forward(self, x: Tensor) -> Tensor:
        a, b, c = self.first(x).chunk(3, -1)
        y = self.norm(torch.stack([a * b, c + c], 1))
        y = self.attention(y, y, y)[0] + y
        return self.head(y.flatten(1))


EXAMPLES = {**NETWORKS, "mixed": (Mixed, (8,))}
TARGETS: dict[str, Any] = {"index": 1, "log-odds": lambda out: out.log_softmax(1)[:, 1]}


def example(name: str) -> tuple[nn.Module, Tensor]:
    build, shape = EXAMPLES[name]
    return randomized(build()), torch.randn(3, *shape, generator=torch.Generator().manual_seed(5))


def near(got: Tensor | float, expected: Tensor, scale: Tensor) -> bool:
    return bool(((torch.as_tensor(got) - expected).abs() <= EXACT * scale).all())


def check_flows(result: bbp.Attribution) -> None:
    """What comes into a step is what its inputs' users gave; what leaves it is that and its own."""
    ledger, flows = result.ledger, result.flows
    scale = 1 + sum(flow.gross for flow in flows)
    for place, step in enumerate(ledger):
        arriving = sum(flow.net for flow in flows if flow.to == place)
        leaving = sum(flow.net for flow in flows if flow.step == place)
        assert near(arriving, step.mass_in, scale), step
        assert near(leaving, arriving + step.intercept - step.unshared, scale), step
    for flow in flows:
        assert flow.net.dtype == flow.gross.dtype == torch.float64
        assert flow.net.shape == flow.gross.shape == result.value.shape
        assert (flow.gross >= flow.net.abs() - EXACT * scale).all()
        assert flow.to is None or flow.to > flow.step
        assert flow.to is None or flow.source == ledger[flow.to].node
    assert [flow.step for flow in flows] == sorted(flow.step for flow in flows)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("rule", ["proportional", "uniform", "softmax"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_what_comes_into_a_step_leaves_it(name: str, rule: str, target: str) -> None:
    network, x = example(name)
    result = bbp.attribute(network, x, TARGETS[target], rule, dtype=torch.float64)
    check_flows(result)
    assert (result.flows[0].step == 0) == (target == "log-odds" or result.ledger[0].node != "target")
    reached = [flow for flow in result.flows if flow.to is None]
    assert {flow.source for flow in reached} == {"input"}
    assert near(sum(f.net for f in reached), result.bias.flatten(1).sum(1), 1 + sum(f.gross for f in reached))


def test_gross_is_what_does_not_cancel() -> None:
    network, x = example("table")
    result = bbp.attribute(network, x, 1, dtype=torch.float64)
    (last,) = [flow for flow in result.flows if flow.step == 0]
    mass = result.at("cat").mass
    assert last.source == "cat"
    torch.testing.assert_close(last.net, mass.sum(1))
    torch.testing.assert_close(last.gross, mass.abs().sum(1))


def test_every_use_and_every_output_of_a_producer_has_its_flow() -> None:
    network, x = example("mixed")
    result = bbp.attribute(network, x, 0, "proportional")
    by_name = {step.node: place for place, step in enumerate(result.ledger)}
    split = next(place for name, place in by_name.items() if name.startswith("split"))
    assert sum(flow.to == split for flow in result.flows) == 4  # a, b, and c twice
    assert len([flow for flow in result.flows if flow.step == split]) == 1


def test_several_inputs_and_inner_layers_have_their_names() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Linear(3, 4), nn.Linear(4, 2)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return self.head(self.first(x).relu() + y)

    network = randomized(Two())
    result = bbp.attribute(network, (torch.ones(1, 3), torch.ones(1, 4)), 0, dtype=torch.float64)
    check_flows(result)
    for name, bias in zip(("input_0", "input_1"), result.bias, strict=True):
        net = sum(flow.net for flow in result.flows if flow.to is None and flow.source == name)
        torch.testing.assert_close(net, bias.sum(1).double())
    inner = bbp.attribute(nn.Sequential(*network.children()).eval(), torch.ones(2, 3), 0, wrt="0")
    check_flows(inner.local.attribute("uniform"))
    assert {flow.source for flow in inner.flows if flow.to is None} == {"0"}


def test_what_no_output_could_be_given_flows_nowhere() -> None:
    class Half(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x.sum(1, keepdim=True), torch.full((len(x), 1), 3.0)], 1)

    result = bbp.attribute(Half().eval(), torch.tensor([[1.0, 1.0], [1.0, 5.0]]))
    check_flows(result)
    assert all(not flow.net.any() for flow in result.flows)


def test_the_flows_of_a_batch_in_parts_are_gone() -> None:
    network, x = example("residual")
    with pytest.raises(bbp.errors.NotCaptured, match=r"what each step gave.*not to be had"):
        _ = bbp.attribute(network, x, 1, batch_size=1).flows
