"""Slow twins of the rules, written straight from their formulas: dense, float64, and importing nothing of ours.

A mixing node is given as its matrix W (outputs by inputs), which inputs each output has (a bool matrix), the input
values x and the mass m of every output. Each oracle returns what every input gets: Σ_q share[q, p] · m[q].
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: Strengths, mask, weights and mass of one unit -> φ of its inputs.
Phi = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def uniform(s: Tensor, there: Tensor, w: Tensor, m: Tensor) -> Tensor:
    return torch.ones_like(s)


def proportional(power: float) -> Phi:
    return lambda s, there, w, m: s.abs() ** power


def weights(power: float) -> Phi:
    return lambda s, there, w, m: w.abs() ** power


def winner(s: Tensor, there: Tensor, w: Tensor, m: Tensor) -> Tensor:
    return (s.abs() == s[there].abs().max()).double() if there.any() else torch.zeros_like(s)


def _exponential(read: Callable[[Tensor, Tensor], Tensor], temperature: float, relative: bool) -> Phi:
    def phi(s: Tensor, there: Tensor, w: Tensor, m: Tensor) -> Tensor:
        if not there.any():
            return torch.zeros_like(s)
        if relative:
            rms = (s[there] ** 2).mean().sqrt()
            s = s / rms if rms > 0 else torch.zeros_like(s)
        z = read(s, m) / temperature
        return (z - z[there].max()).clamp(max=0).exp()

    return phi


def softmax(temperature: float, relative: bool) -> Phi:
    return _exponential(lambda s, m: s.abs(), temperature, relative)


def softmin(temperature: float, relative: bool) -> Phi:
    return _exponential(lambda s, m: -s.abs(), temperature, relative)


def aligned(temperature: float, relative: bool) -> Phi:
    return _exponential(lambda s, m: s * m.sign(), temperature, relative)


def opposed(temperature: float, relative: bool) -> Phi:
    return _exponential(lambda s, m: -s * m.sign(), temperature, relative)


def shares(phi: Phi, weight: Tensor, there: Tensor, x: Tensor, mass: Tensor) -> Tensor:
    """Return the matrix of shares: row q adds up to one over the inputs that unit q has."""
    weight, x = weight.double(), x.double()
    rows = []
    for w, mask, m in zip(weight, there, mass.double(), strict=True):
        value = phi(w * x, mask, w, m) * mask
        if not mask.any():
            rows.append(torch.zeros_like(value))
        elif value.sum() > 0:
            rows.append(value / value.sum())
        else:
            rows.append(mask.double() / mask.sum())
    return torch.stack(rows)


def given(phi: Phi, weight: Tensor, there: Tensor, x: Tensor, mass: Tensor) -> Tensor:
    """Return what each input gets of the units' mass."""
    return shares(phi, weight, there, x, mass).t() @ mass.double()


def matrix_of(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the Jacobian of a linear function at ``x``, (outputs, inputs), in float64."""
    jacobian = torch.autograd.functional.jacobian(function, x.double())
    return jacobian.reshape(-1, x.numel())
