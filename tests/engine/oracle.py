"""Slow twins of the rules, written straight from their formulas: dense, float64, and importing nothing of ours.

A mixing node is given as its matrix W (outputs by inputs), which inputs each output has (a bool matrix), the input
values x and the mass m of every output. Each oracle returns what every input gets: Σ_q share[q, p] · m[q].
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: Strengths, mask, weights (units, inputs) and mass (units, 1) -> φ of the inputs of every unit.
Phi = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def uniform(s: Tensor, there: Tensor, w: Tensor, m: Tensor) -> Tensor:
    return torch.ones_like(s)


def proportional(power: float) -> Phi:
    return lambda s, there, w, m: s.abs() ** power


def weights(power: float) -> Phi:
    return lambda s, there, w, m: w.abs() ** power


def winner(s: Tensor, there: Tensor, w: Tensor, m: Tensor) -> Tensor:
    return (s.abs() == _largest(s.abs(), there)).double()


def _largest(values: Tensor, there: Tensor) -> Tensor:
    return torch.where(there, values, -torch.inf).amax(1, keepdim=True)


def _exponential(read: Callable[[Tensor, Tensor], Tensor], temperature: float, relative: bool) -> Phi:
    def phi(s: Tensor, there: Tensor, w: Tensor, m: Tensor) -> Tensor:
        if relative:
            squares = torch.where(there, s**2, 0).sum(1, keepdim=True)
            rms = (squares / there.sum(1, keepdim=True)).sqrt()
            s = torch.where(rms > 0, s / rms, 0)
        z = read(s, m) / temperature
        return (z - _largest(z, there)).clamp(max=0).exp()

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
    value = torch.where(there, phi(weight * x, there, weight, mass.double()[:, None]), 0)
    total = value.sum(1, keepdim=True)
    even = there.double() / there.sum(1, keepdim=True).clamp(min=1)
    return torch.where(total > 0, value / total, even)


def given(phi: Phi, weight: Tensor, there: Tensor, x: Tensor, mass: Tensor) -> Tensor:
    """Return what each input gets of the units' mass."""
    return shares(phi, weight, there, x, mass).t() @ mass.double()


def matrix_of(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the Jacobian of a linear function at ``x``, (outputs, inputs), in float64."""
    jacobian = torch.autograd.functional.jacobian(function, x.double())
    return jacobian.reshape(-1, x.numel())
