"""What the walk keeps of what it passed on: the accounts are those of all the arrays, to the last bit."""

from __future__ import annotations

import pytest
import torch
from engine.nets import NETWORKS
from engine.test_flows import example
from torch import Tensor

import bbp_widgets as bbp
from bbp_widgets.engine import walk
from bbp_widgets.engine.passed import Sums


def accounts(result: bbp.Attribution) -> list[Tensor]:
    steps = [
        part
        for step in result.ledger
        for part in (step.mass_in, step.intercept, step.cut_gradient, step.cut_bias)
    ]
    return [*steps, *(part for flow in result.flows for part in (flow.net, flow.gross))]


@pytest.mark.parametrize("name", [*NETWORKS, "mixed"])
def test_the_accounts_of_sums_are_those_of_the_arrays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network, x = example(name)
    by_sums = bbp.attribute(network, x, 1)
    monkeypatch.setattr(walk, "joined", lambda nodes, outputs: set())
    by_arrays = bbp.attribute(network, x, 1)
    assert not any(
        isinstance(part, Sums) for site in by_arrays.local._gradients.sites for part in site.pulled
    )
    for got, wanted in zip(accounts(by_sums), accounts(by_arrays), strict=True):
        assert torch.equal(got, wanted)


def test_no_array_is_kept_of_what_joins_others() -> None:
    network, x = example("residual")
    result = bbp.attribute(network, x, 1)
    uses: dict[object, int] = {}
    for site in result.local._gradients.sites:
        for value in site.node.inputs:
            uses[value] = uses.get(value, 0) + 1
    several = 0
    for site, step in zip(result.local._gradients.sites, result._masses.steps, strict=True):
        for value, grad, mass in zip(site.node.inputs, site.pulled, step.given, strict=True):
            kept = {isinstance(part, Sums) for part in (grad, mass)}
            assert kept == {uses[value] > 1}
            several += uses[value] > 1
    assert several >= 2


@pytest.mark.parametrize("rule", ["proportional", "softmax"])
@pytest.mark.parametrize("name", [*NETWORKS, "mixed"])
def test_a_walk_that_keeps_nothing_walks_once_more_when_it_is_asked(name: str, rule: str) -> None:
    network, x = example(name)
    local = bbp.linearize(network, x, 1)
    kept, lean = (local.attribute(rule, keep=keep) for keep in (True, False))
    inputs = local.inputs if isinstance(local.inputs, tuple) else (local.inputs,)
    assert len(lean._walked.mass_of) == len(inputs)
    assert lean._walked.steps == ()
    arrays = [(a, b) for name in ("bias", "total", "unshared", "residual")
              for a, b in zip(listed(getattr(kept, name)), listed(getattr(lean, name)), strict=True)]  # fmt: skip
    assert "_masses" not in vars(lean)  # none of these needs what lies between
    arrays += zip(accounts(kept), accounts(lean), strict=True)
    arrays += [(kept.at(i).mass, lean.at(i).mass) for i in range(len(kept.ledger))]
    for wanted, got in arrays:
        assert torch.equal(got, wanted)


@pytest.mark.parametrize("name", [*NETWORKS, "mixed"])
def test_grads_that_were_let_go_are_pulled_once_more_when_they_are_asked_for(name: str) -> None:
    network, x = example(name)
    kept, lean = (bbp.linearize(network, x, 1, keep=keep) for keep in (True, False))
    for wanted, got in zip(listed(kept.w), listed(lean.w), strict=True):
        assert torch.equal(got, wanted)
    assert torch.equal(lean.b, kept.b)
    whole, thin = (local.attribute("softmax", keep=False) for local in (kept, lean))
    for wanted, got in zip(listed(whole.bias), listed(thin.bias), strict=True):
        assert torch.equal(got, wanted)
    assert "_all_gradients" not in vars(lean)  # none of these needs what lies between
    arrays = list(zip(accounts(whole), accounts(thin), strict=True))
    arrays += [(whole.at(i).grad, thin.at(i).grad) for i in range(len(whole.ledger))]
    for wanted, got in arrays:
        assert torch.equal(got, wanted)


def test_of_the_grads_only_those_that_meet_an_intercept_are_kept_for_the_walk() -> None:
    network, x = example("residual")
    local = bbp.linearize(network, x, 1, keep=False)
    assert set(local._gradients.grad_of) <= set(local._graph.inputs)
    for site in local._gradients.sites:
        assert all(array is None for array in site.pulled)
        assert (site.grads[0] is None) == (site.facts.intercept is None)


@pytest.mark.parametrize("keep", [True, False])
def test_a_network_without_a_finite_derivative_is_told_where_though_no_grad_is_kept(keep: bool) -> None:
    class Quotient(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.tanh() / (x.tanh() * 0 + 1e-25)

    with pytest.raises(bbp.errors.UnsupportedOp, match='at node "div"'):
        bbp.linearize(Quotient().eval(), torch.ones(1, 2), 0, keep=keep)


def test_what_is_large_is_not_kept_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    network, x = example("residual")
    assert bbp.attribute(network, x, 1)._walked.kept
    assert bbp.linearize(network, x, 1)._gradients.kept
    monkeypatch.setattr("bbp_widgets.engine.local_model._KEPT_MASSES", 1000)
    assert not bbp.attribute(network, x, 1)._walked.kept
    monkeypatch.setattr("bbp_widgets.engine.local_model._KEPT_GRADS", 1000)
    assert not bbp.linearize(network, x, 1)._gradients.kept
    parts = bbp.attribute(network, x, 1, batch_size=2)
    torch.testing.assert_close(parts.bias, bbp.attribute(network, x, 1).bias)


def test_a_second_walk_wants_the_network_as_it_was() -> None:
    network, x = example("residual")
    result = bbp.linearize(network, x, 1).attribute("uniform", keep=False)
    with torch.no_grad():
        next(network.parameters()).add_(1)
    assert torch.isfinite(result.residual).all()
    with pytest.raises(bbp.errors.NotCaptured, match="was changed"):
        _ = result.ledger


def listed(part: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return part if isinstance(part, tuple) else (part,)
