"""The walk: from the output to the input, node by node, carrying grad and mass.

At a node q, in reverse order of the run, with J the Jacobian of its op here and c its intercept:

1. mass[q] += grad[q] ⊙ c          the node's own bias enters
2. grad[i] += Jᵢᵀ grad[q]          for every live input i: the chain rule
3. mass[i] += Aᵢᵀ mass[q]          the rule's shares, which add up to one for every unit

so that at every cut between output and input  Σ grad ⊙ value + Σ mass + unshared = target. The first two need
no rule and are done once (``pull_gradients``); each rule pays only for the third (``carry_mass``). What the cuts
add up to is read off what each step passed on, when somebody asks (``accounts.py``).

Source: Wang, Zhou and Bilmes, "Bias Also Matters: Bias Attribution for Deep Neural Network Explanation",
ICML 2019, PMLR 97:6659-6667, for the idea of passing biases back; grad ⊙ c is the bias gradient of Srinivas and
Fleuret, "Full-Gradient Representation for Neural Network Visualization", NeurIPS 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

import torch
from torch import Tensor

from .errors import BadRule
from .graph import Graph, Node, Value
from .linearization import Follows, Linearization, linearize_node
from .mixing import Mixing
from .passed import Passed, Sums, gradient_sums, joined, mass_sums
from .samples import sum_per_sample
from .target import Contraction, Target

__all__ = [
    "Gradients",
    "MassStep",
    "Masses",
    "Progress",
    "RuleAt",
    "Site",
    "carry_mass",
    "injected",
    "pull_again",
    "pull_gradients",
    "stranded",
]

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
    """A node on the way from the input to the target, with what its op states and its grads here."""

    node: Node
    facts: Linearization
    #: What has arrived at each output; where grads are not kept, what the intercept needs of it.
    grads: tuple[Tensor | None, ...]
    pulled: tuple[Passed | None, ...]  # what went on to each live input; none of it where grads are not kept


@dataclass(frozen=True, slots=True)
class Gradients:
    """The first half of the walk: what needs no rule.

    Without ``kept``, only the grads of the inputs are there, and those of the nodes that add an intercept: all that
    a walk asks for.
    """

    kept: bool
    sites: tuple[Site, ...]  # in walk order: the output's node first
    grad_of: dict[Value, Tensor]
    first: tuple[Tensor, ...]  # the target's grad of each output that it looks at
    opening: Tensor  # (N,): the target's own intercept, in double precision


@dataclass(frozen=True, slots=True)
class MassStep:
    """What one step did with the mass: what had arrived at each output, what each live input got, how long it took."""

    arrived: tuple[Tensor | None, ...]
    given: tuple[Passed | None, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Masses:
    """The second half of the walk, under one choice of rules.

    Without ``kept``, only what has arrived at the inputs is there, and no steps: what lies between was let go once it
    had been shared.
    """

    kept: bool
    mass_of: dict[Value, Tensor]  # arrived at a value, its node's own intercept included
    opening: tuple[Tensor, ...]  # what each output got of the target's own intercept
    opening_unshared: Tensor  # (N,): what no output could be given of it
    unshared: Tensor  # (N,): that, and what stayed behind at every step
    steps: tuple[MassStep, ...]


def pull_gradients(
    graph: Graph, target: Target, progress: Progress | None = None, keep: bool = True
) -> Gradients:
    """Linearize every node on the way to the target, and carry the gradient back through all of them.

    With ``keep`` every array stays, for whoever asks what was done on the way.
    """
    nodes = _on_the_way(graph, target)
    # forward, because an op must know which elements of its inputs are live
    facts = [linearize_node(node) for node in nodes]
    return _pulled(list(zip(nodes, facts, strict=True))[::-1], target, progress, keep)


def pull_again(gradients: Gradients, target: Target) -> Gradients:
    """Carry the gradient back once more, and keep every array."""
    return _pulled([(site.node, site.facts) for site in gradients.sites], target, None, True)


def _pulled(
    steps: Sequence[tuple[Node, Linearization]], target: Target, progress: Progress | None, keep: bool
) -> Gradients:
    grad_of: dict[Value, Tensor] = {}
    first = tuple(value.only_live(grad) for value, grad in zip(target.outputs, target.grads, strict=True))
    for value, grad in zip(target.outputs, first, strict=True):
        _add(grad_of, value, grad)
    several = joined((node for node, _ in steps), target.outputs) if keep else set()
    samples, sites = len(target.value), []
    for done, (node, facts) in enumerate(steps):
        if progress is not None:
            progress(done, len(steps))
        grads = tuple(None if value is None else grad_of.get(value) for value in node.outputs)
        if all(grad is None for grad in grads):
            continue  # the way passes only through inputs that are held fixed
        back = facts.pullback(*_filled(node, grads))
        pulled: tuple[Passed | None, ...] = tuple(
            None if array is None else source.only_live(array)
            for source, array in zip(node.inputs, back, strict=True)
        )
        for source, array in zip(node.inputs, pulled, strict=True):
            assert not isinstance(array, Sums)
            _add(grad_of, source, array)
        if keep:
            pulled = tuple(
                gradient_sums(source, array, samples)
                if isinstance(array, Tensor) and source in several
                else array
                for source, array in zip(node.inputs, pulled, strict=True)
            )
        else:  # let go at once, so that the next arrays come from memory that was just freed
            for output in node.outputs:
                if output is not None:
                    grad_of.pop(output, None)
            wanted = None if facts.intercept is None else grads[0]
            grads, pulled = (wanted, *(None,) * (len(grads) - 1)), (None,) * len(pulled)
            del back, array
        sites.append(Site(node, facts, grads, pulled))
    return Gradients(keep, tuple(sites), grad_of, first, target.intercept().double())


def carry_mass(
    gradients: Gradients, target: Target, rule_at: RuleAt, progress: Progress | None = None, keep: bool = True
) -> Masses:
    """Carry every intercept back to the input, shared at each node by the rule that ``rule_at`` gives it.

    With ``keep`` every array stays, for whoever asks what was done on the way.
    """
    mass_of: dict[Value, Tensor] = {}
    opening, opening_unshared = _open(gradients, target, rule_at, mass_of)
    unshared, samples = opening_unshared, len(target.value)
    several = joined((site.node for site in gradients.sites), target.outputs)
    steps = []
    for done, site in enumerate(gradients.sites):
        if progress is not None:
            progress(done, len(gradients.sites))
        start = perf_counter()
        arrived = tuple(None if value is None else mass_of.get(value) for value in site.node.outputs)
        for value, mass in zip(site.node.outputs, arrived, strict=True):
            if value is not None and mass is not None and value.live is not None:
                mass_of[value] = value.only_live(mass)
                unshared = unshared + stranded(value, mass, samples)
        _inject(site, mass_of)
        given = _pass_on(site, mass_of, rule_at)
        for source, mass in zip(site.node.inputs, given, strict=True):
            _add(mass_of, source, mass)
        if not keep:
            for value in site.node.outputs:
                if value is not None:
                    mass_of.pop(value, None)
            continue
        kept = tuple(
            mass_sums(source, mass, samples) if mass is not None and source in several else mass
            for source, mass in zip(site.node.inputs, given, strict=True)
        )
        steps.append(MassStep(arrived, kept, perf_counter() - start))
    return Masses(keep, mass_of, opening, opening_unshared, unshared, tuple(steps))


def stranded(value: Value, mass: Tensor, samples: int) -> Tensor:
    """Return what of the mass that arrived at a value has no live element to stay on, (N,)."""
    assert value.live is not None
    return sum_per_sample(torch.where(value.live, 0, mass), samples, value.layout)


def _inject(site: Site, mass_of: dict[Value, Tensor]) -> None:
    """Add what a node's own intercept adds to its mass."""
    grad = site.grads[0]
    if site.facts.intercept is None or grad is None:
        return
    value = site.node.output
    arrived = mass_of.get(value)
    if arrived is not None and value.live is None:
        mass_of[value] = torch.addcmul(arrived, grad, site.facts.constant())  # one pass over memory, not two
    else:
        _add(mass_of, value, injected(site))


def injected(site: Site) -> Tensor | None:
    """Return grad ⊙ c of a node: what its own intercept adds to its mass; ``None`` where it has none."""
    grad = site.grads[0]
    if site.facts.intercept is None or grad is None:
        return None
    return site.node.output.only_live(grad * site.facts.constant())


def _open(
    gradients: Gradients, target: Target, rule_at: RuleAt, mass_of: dict[Value, Tensor]
) -> tuple[tuple[Tensor, ...], Tensor]:
    """Share the target's own intercept among the outputs; return what they got, and what stayed behind."""
    if not bool((gradients.opening != 0).any()):
        return (), torch.zeros_like(gradients.opening)
    mixing = Contraction(target)
    given = _shared(None, rule_at, mixing, gradients.opening.to(target.value.dtype))
    for value, mass in zip(mixing.inputs, given, strict=True):
        _add(mass_of, value, mass)
    return given, torch.where(mixing.reachable(), 0, gradients.opening)


def _pass_on(site: Site, mass_of: dict[Value, Tensor], rule_at: RuleAt) -> tuple[Tensor | None, ...]:
    """Share a node's mass among its inputs: a rule does, where the op leaves it a choice."""
    masses = [None if value is None else mass_of.get(value) for value in site.node.outputs]
    if all(mass is None for mass in masses):
        return (None,) * len(site.node.inputs)
    filled = _filled(site.node, masses)
    fan_in = site.facts.fan_in
    if isinstance(fan_in, Follows):
        return fan_in.pull(*filled)
    given = iter(_shared(site.node, rule_at, fan_in, filled[0]))
    # inputs that are held fixed have no place in the fan-in
    return tuple(next(given) if value in fan_in.inputs else None for value in site.node.inputs)


def _shared(node: Node | None, rule_at: RuleAt, mixing: Mixing, mass: Tensor) -> tuple[Tensor, ...]:
    """Share by the rule of a node, or of the target.

    Raises: ``BadRule`` naming the place.
    """
    try:
        return rule_at(node).share(mixing, mass)
    except BadRule as error:
        place = "the target" if node is None else f"{node.name} ({node.module or 'the network itself'})"
        raise BadRule(f"at {place}: {error}") from None


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


def _add(array_of: dict[Value, Tensor], value: Value, array: Tensor | None) -> None:
    """Add to what has arrived at a value."""
    if array is not None:
        before = array_of.get(value)
        array_of[value] = array if before is None else before + array
