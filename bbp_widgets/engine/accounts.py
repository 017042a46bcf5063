"""The accounts: what arrives at each step, what is added, and what the cut behind it adds up to.

Nothing here is derived from what should hold. Every figure is a sum over arrays that the walk really passed on, so
that a wrong Jacobian, intercept or share shows as a residual. They are added up when the ledger is asked for, since
the sums cost about as much as the walk itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .graph import Value
from .passed import Passed, Sums, gradient_sums, mass_sums
from .samples import sum_per_sample
from .target import Target
from .walk import Gradients, Masses, injected, stranded

__all__ = ["Accounts", "Flow", "GradientAccounts", "flows_of", "gradient_accounts", "mass_accounts"]


@dataclass(frozen=True, slots=True)
class GradientAccounts:
    """What needs no rule. Per step and sample, (steps, N), in target units and double precision."""

    intercept: Tensor
    cut_gradient: Tensor
    first_cut: Tensor  # (N,): before any step


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the mass did under one choice of rules. Per step and sample, (steps, N)."""

    mass_in: Tensor
    unshared: Tensor
    cut_bias: Tensor
    opening_cut: Tensor  # (N,): once the target has shared its own intercept


@dataclass(frozen=True, slots=True)
class Flow:
    """What one step of the ledger gave to one of its inputs.

    ``step`` gave it and ``to`` took it: places in the ledger, with ``to=None`` where ``source`` is an input of the
    network. ``source`` names the node, or the input, whose value it is. A node that uses a value twice has a flow
    for either use; an input that is held fixed has none.

    Shapes: ``net`` and ``gross`` are (N,), in double precision. Units: target units. ``net`` is the sum of the mass,
    ``gross`` that of its magnitudes: how much of it cancels.
    """

    step: int
    source: str
    to: int | None
    net: Tensor
    gross: Tensor


class _Sums:
    """Sums of arrays, each taken once: what one step gives is mostly what arrives at another."""

    def __init__(self, samples: int) -> None:
        self.samples = samples
        self._known: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}

    def __call__(
        self, value: Value | None, array: Passed | None, times_value: bool = False
    ) -> Tensor | float:
        if value is None or array is None:
            return 0.0
        if isinstance(array, Sums):
            return array.net
        key = (id(array), id(value))
        known = self._known.get(key)
        if known is None:
            if times_value:
                total = gradient_sums(value, array, self.samples).net
            else:
                total = sum_per_sample(array, self.samples, value.layout)
            known = self._known[key] = (array, total)
        return known[1]


def gradient_accounts(gradients: Gradients, target: Target) -> GradientAccounts:
    """Add up the gradient part of every cut, and what each node's own intercept adds."""
    value: Value | None
    grad: Passed | None
    samples = len(target.value)
    zero = torch.zeros_like(gradients.opening)
    sums = _Sums(samples)
    cut = zero
    for value, grad in zip(target.outputs, gradients.first, strict=True):
        cut = cut + sums(value, grad, True)
    first, cuts, intercepts = cut, [], []
    for site in gradients.sites:
        for value, grad in zip(site.node.outputs, site.grads, strict=True):
            cut = cut - sums(value, grad, True)
        for value, grad in zip(site.node.inputs, site.pulled, strict=True):
            cut = cut + sums(value, grad, True)
        own = injected(site)
        intercepts.append(zero if own is None else sum_per_sample(own, samples, site.node.output.layout))
        cuts.append(cut)
    return GradientAccounts(_stacked(intercepts, zero), _stacked(cuts, zero), first)


def mass_accounts(masses: Masses, gradients: Gradients, target: Target) -> Accounts:
    """Add up the bias part of every cut."""
    value: Value | None
    mass: Passed | None
    zero = torch.zeros_like(gradients.opening)
    sums = _Sums(len(target.value))
    cut = zero
    for value, mass in zip(target.outputs, masses.opening, strict=False):
        cut = cut + sums(value, mass)
    opening, arrivals, cuts, lost = cut, [], [], []
    for site, step in zip(gradients.sites, masses.steps, strict=True):
        arriving = zero
        lost_here = zero
        for value, mass in zip(site.node.outputs, step.arrived, strict=True):
            if value is not None and mass is not None:
                arriving = arriving + sums(value, mass)
                if value.live is not None:
                    lost_here = lost_here + stranded(value, mass, sums.samples)
        cut = cut - arriving
        for value, mass in zip(site.node.inputs, step.given, strict=True):
            cut = cut + sums(value, mass)
        arrivals.append(arriving)
        cuts.append(cut)
        lost.append(lost_here)
    return Accounts(_stacked(arrivals, zero), _stacked(lost, zero), _stacked(cuts, zero), opening)


def flows_of(masses: Masses, gradients: Gradients, target: Target) -> Iterator[Flow]:
    """Add up what every step gave to each of its live inputs, in walk order.

    What arrives at a step, its intercept, less what stays unshared there, is what leaves it.
    """
    first = 1 if masses.opening else 0  # the target's own step
    samples = len(target.value)
    place_of: dict[Value, tuple[str, int]] = {}
    for place, site in enumerate(gradients.sites, first):
        place_of.update((value, (site.node.name, place)) for value in site.node.outputs if value is not None)

    def flows(step: int, inputs: Sequence[Value], given: Sequence[Passed | None]) -> Iterator[Flow]:
        for value, mass in zip(inputs, given, strict=True):
            if mass is not None:
                source, to = place_of.get(value, (value.name, None))
                sums = mass if isinstance(mass, Sums) else mass_sums(value, mass, samples)
                assert sums.gross is not None
                yield Flow(step, source, to, sums.net, sums.gross)

    if masses.opening:
        yield from flows(0, target.outputs, masses.opening)
    for step, (site, passed) in enumerate(zip(gradients.sites, masses.steps, strict=True), first):
        yield from flows(step, site.node.inputs, passed.given)


def _stacked(rows: list[Tensor], zero: Tensor) -> Tensor:
    return torch.stack(rows) if rows else zero.new_zeros(0, len(zero))
