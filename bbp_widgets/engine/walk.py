"""The walk: from the output to the input, node by node, carrying grad and mass.

At a node q, in reverse order of the run, with J the Jacobian of its op here and c its intercept:

1. mass[q] += grad[q] ⊙ c          the node's own bias enters
2. grad[i] += Jᵢᵀ grad[q]          for every live input i: the chain rule
3. mass[i] += Aᵢᵀ mass[q]          the rule's shares, which add up to one for every unit

so that at every cut between output and input  Σ grad ⊙ value + Σ mass + unshared = target. The first two need
no rule and are done once (``pull_gradients``); each rule pays only for the third (``carry_mass``).

Source: Wang, Zhou and Bilmes, "Bias Also Matters: Bias Attribution for Deep Neural Network Explanation",
ICML 2019, PMLR 97:6659-6667, for the idea of passing biases back; grad ⊙ c is the bias gradient of Srinivas and
Fleuret, "Full-Gradient Representation for Neural Network Visualization", NeurIPS 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from .errors import NotCaptured
from .graph import Graph, Node, Value
from .linearization import Follows, Linearization, linearize_node
from .mixing import Mixing
from .target import Contraction, Target

__all__ = [
    "Gradients",
    "Masses",
    "Progress",
    "RuleAt",
    "Site",
    "carry_mass",
    "pull_gradients",
    "sum_per_sample",
]

#: Numbers added up in single precision before double takes over: an error of 5e-10 of their magnitudes was measured.
_BLOCK = 64
#: Called before each node with (nodes done, nodes in all); may raise ``Cancelled``.
Progress = Callable[[int, int], None]


class SharingRule(Protocol):
    """What the walk needs of a rule."""

    def share(self, mixing: Mixing, mass: Tensor) -> tuple[Tensor, ...]:
        """Return what each live input of a node gets of the node's mass."""
        ...


RuleAt = Callable[[Node | None], SharingRule]


@dataclass(frozen=True, slots=True)
class Site:
    """A node on the way from the input to the target, with what its op states and its grads here.

    ``intercept`` and ``cut_gradient`` are (N,) in target units: Σ grad ⊙ c of this node, and Σ grad ⊙ value over the
    frontier once it is passed. Double precision, whatever the network's.
    """

    node: Node
    facts: Linearization
    grads: tuple[Tensor | None, ...]
    intercept: Tensor
    cut_gradient: Tensor


@dataclass(frozen=True, slots=True)
class Gradients:
    """The first half of the walk: what needs no rule."""

    sites: tuple[Site, ...]  # in walk order: the output's node first
    grad_of: dict[Value, Tensor]
    opening: Tensor  # (N,): the target's own intercept
    first_cut: Tensor  # (N,): Σ grad ⊙ output, the gradient part before any step


@dataclass(frozen=True, slots=True)
class Masses:
    """The second half of the walk, under one choice of rules. The per-step arrays are (steps, N)."""

    mass_of: dict[Value, Tensor]  # arrived at a value, its node's own intercept included
    mass_in: Tensor
    cut_bias: Tensor
    unshared: Tensor  # left behind at each step
    opening_cut: Tensor  # (N,): the bias part of the cut once the target has shared its own intercept
    opening_unshared: Tensor  # (N,): left behind at the target itself


def sum_per_sample(array: Tensor, samples: int) -> Tensor:
    """Return the sum of each sample of ``array``, (N,), in double precision.

    Raises: ``NotCaptured`` where the samples are no longer along the first axis.
    """
    if array.dim() == 0 or array.shape[0] % samples:
        if samples == 1:
            return array.sum(dtype=torch.double).reshape(1)
        raise NotCaptured(
            f"a value of shape {tuple(array.shape)} does not keep the {samples} samples along its first axis.\n"
            "  Explain one sample at a time."
        )
    # a sum knows no order, so a channels-last array need not be copied into another one
    flat = (array if array.is_contiguous() or array.dim() < 3 else array.movedim(1, -1)).reshape(samples, -1)
    # blocks in the array's own precision, then their sums in double: a third of the time of all in double
    whole = flat.shape[1] // _BLOCK * _BLOCK
    total = flat[:, whole:].sum(1, dtype=torch.double)
    return (
        total + flat[:, :whole].unflatten(1, (-1, _BLOCK)).sum(2).sum(1, dtype=torch.double)
        if whole
        else total
    )


def pull_gradients(graph: Graph, target: Target, samples: int, progress: Progress | None = None) -> Gradients:
    """Linearize every node on the way to the target, and carry the gradient back through all of them."""
    nodes = _on_the_way(graph, target)
    # forward, because an op must know which elements of its inputs are live
    facts = {node: linearize_node(node) for node in nodes}
    grad_of: dict[Value, Tensor] = {}
    cut = torch.zeros(samples, dtype=torch.double, device=target.value.device)
    for value, grad in zip(target.outputs, target.grads, strict=True):
        cut = cut + _add(grad_of, value, value.only_live(grad), samples)
    opening, first_cut = target.intercept().double(), cut
    sites = []
    for done, node in enumerate(reversed(nodes)):
        if progress is not None:
            progress(done, len(nodes))
        site = _pull_through(node, facts[node], grad_of, cut, samples)
        cut = site.cut_gradient
        sites.append(site)
    return Gradients(tuple(sites), grad_of, opening, first_cut)


def _pull_through(
    node: Node, facts: Linearization, grad_of: dict[Value, Tensor], cut: Tensor, samples: int
) -> Site:
    """Take a node out of the frontier: its grads go to its inputs, and the cut changes by as much."""
    grads = tuple(None if value is None else grad_of.get(value) for value in node.outputs)
    filled = _filled(node, grads)
    for output, grad in zip(node.outputs, grads, strict=True):
        if output is not None and grad is not None:
            cut = cut - _gradient_part(output, grad, samples)
    for source, pulled in zip(node.inputs, facts.pullback(*filled), strict=True):
        cut = cut + _add(grad_of, source, source.only_live(pulled), samples)
    intercept = torch.zeros_like(cut)
    if facts.intercept is not None:
        intercept = sum_per_sample(injected(node, facts, filled[0]), samples)
    return Site(node, facts, grads, intercept, cut)


def carry_mass(
    gradients: Gradients, target: Target, samples: int, rule_at: RuleAt, progress: Progress | None = None
) -> Masses:
    """Carry every intercept back to the input, shared at each node by the rule that ``rule_at`` gives it."""
    zero = torch.zeros(samples, dtype=torch.double, device=target.value.device)
    mass_of: dict[Value, Tensor] = {}
    cut, opening_unshared = _open(gradients, target, samples, rule_at, mass_of)
    opening_cut = cut
    rows = []
    for done, site in enumerate(gradients.sites):
        if progress is not None:
            progress(done, len(gradients.sites))
        arriving, stranded = zero, zero
        for value in site.node.outputs:
            if value is None:
                continue
            arrived = mass_of.get(value)
            if arrived is not None:
                arriving = arriving + sum_per_sample(arrived, samples)
            mass = _with_own(site, value, arrived)
            if mass is not None:
                mass_of[value] = value.only_live(mass)
                if value.live is not None:
                    stranded = stranded + sum_per_sample(mass - mass_of[value], samples)
        cut = cut - arriving + _pass_on(site, mass_of, rule_at, samples, zero)
        rows.append((arriving, cut, stranded))
    arrivals, cuts, lost = (torch.stack(column) for column in zip(*rows, strict=True))
    return Masses(mass_of, arrivals, cuts, lost, opening_cut, opening_unshared)


def _open(
    gradients: Gradients, target: Target, samples: int, rule_at: RuleAt, mass_of: dict[Value, Tensor]
) -> tuple[Tensor, Tensor]:
    """Share the target's own intercept among the outputs; return the mass in the cut, and what stayed behind."""
    cut = torch.zeros_like(gradients.opening)
    if not bool((gradients.opening != 0).any()):
        return cut, cut
    mixing = Contraction(target)
    given = rule_at(None).share(mixing, gradients.opening.to(target.value.dtype))
    for value, mass in zip(mixing.inputs, given, strict=True):
        cut = cut + _add_mass(mass_of, value, mass, samples)
    return cut, torch.where(mixing.reachable(), 0, gradients.opening)


def _with_own(site: Site, value: Value, arrived: Tensor | None) -> Tensor | None:
    """Return what has arrived at one of a node's outputs, with what the node's own intercept adds to it."""
    grad = site.grads[0]
    if value is not site.node.outputs[0] or site.facts.intercept is None or grad is None:
        return arrived
    own = injected(site.node, site.facts, grad)
    return own if arrived is None else arrived + own


def _pass_on(site: Site, mass_of: dict[Value, Tensor], rule_at: RuleAt, samples: int, zero: Tensor) -> Tensor:
    """Share a node's mass among its inputs; return what that adds to the bias part of the cut."""
    masses = [None if value is None else mass_of.get(value) for value in site.node.outputs]
    if all(mass is None for mass in masses):
        return zero
    filled = _filled(site.node, masses)
    fan_in = site.facts.fan_in
    given = (
        fan_in.pull(*filled) if isinstance(fan_in, Follows) else rule_at(site.node).share(fan_in, filled[0])
    )
    added = zero
    for value, mass in zip(site.node.inputs, given, strict=True):
        added = added + _add_mass(mass_of, value, mass, samples)
    return added


def injected(node: Node, facts: Linearization, grad: Tensor) -> Tensor:
    """Return grad ⊙ c of a node: what its own intercept adds to its mass."""
    assert facts.intercept is not None
    return node.output.only_live(grad * facts.intercept)


def _on_the_way(graph: Graph, target: Target) -> list[Node]:
    """Return the nodes that the target depends on, in the order they ran."""
    wanted: set[Value] = set(target.outputs)
    kept = []
    for node in reversed(graph.nodes):
        if any(value in wanted for value in node.outputs if value is not None):
            wanted.update(node.inputs)
            kept.append(node)
    return kept[::-1]


def _filled(node: Node, arrays: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
    """Return one array per live output: zeros where nothing has arrived."""
    live = [(v, a) for v, a in zip(node.outputs, arrays, strict=True) if v is not None]
    return tuple(torch.zeros_like(v.tensor) if a is None else a for v, a in live)


def _gradient_part(value: Value, grad: Tensor, samples: int) -> Tensor:
    return sum_per_sample(grad * value.tensor, samples)


def _add(grad_of: dict[Value, Tensor], value: Value, grad: Tensor, samples: int) -> Tensor:
    """Add to a value's grad; return what that adds to the gradient part of the cut."""
    before = grad_of.get(value)
    grad_of[value] = grad if before is None else before + grad
    return _gradient_part(value, grad, samples)


def _add_mass(mass_of: dict[Value, Tensor], value: Value, mass: Tensor, samples: int) -> Tensor:
    """Add to a value's mass; return what that adds to the bias part of the cut."""
    before = mass_of.get(value)
    mass_of[value] = mass if before is None else before + mass
    return sum_per_sample(mass, samples)
