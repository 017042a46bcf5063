"""Slow twins of the rules, written straight from their formulas: dense, float64, and importing nothing of ours.

A mixing node is given as its matrix W (outputs by inputs), which inputs each output has (a bool matrix), the input
values x and the mass m of every output. Each oracle returns what every input gets: Σ_q share[q, p] · m[q].
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Phi = Callable[[Tensor, Tensor], Tensor]  # strengths and mask of one unit -> φ of its inputs


def uniform(s: Tensor, there: Tensor) -> Tensor:
    return torch.ones_like(s)


def proportional(power: float) -> Phi:
    return lambda s, there: s.abs() ** power


def softmax(temperature: float, relative: bool) -> Phi:
    def phi(s: Tensor, there: Tensor) -> Tensor:
        size = s.abs()
        if relative:
            rms = (size[there] ** 2).mean().sqrt() if there.any() else torch.tensor(0.0)
            size = size / rms if rms > 0 else torch.zeros_like(size)
        size = size / temperature
        return (size - size[there].max()).exp() if there.any() else torch.zeros_like(size)

    return phi


def shares(phi: Phi, weight: Tensor, there: Tensor, x: Tensor) -> Tensor:
    """Return the matrix of shares: row q adds up to one over the inputs that unit q has."""
    weight, x = weight.double(), x.double()
    rows = []
    for w, mask in zip(weight, there, strict=True):
        value = phi(w * x, mask) * mask
        if not mask.any():
            rows.append(torch.zeros_like(value))
        elif value.sum() > 0:
            rows.append(value / value.sum())
        else:
            rows.append(mask.double() / mask.sum())
    return torch.stack(rows)


def given(phi: Phi, weight: Tensor, there: Tensor, x: Tensor, mass: Tensor) -> Tensor:
    """Return what each input gets of the units' mass."""
    return shares(phi, weight, there, x).t() @ mass.double()


def matrix_of(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the Jacobian of a linear function at ``x``, (outputs, inputs), in float64."""
    jacobian = torch.autograd.functional.jacobian(function, x.double())
    return jacobian.reshape(-1, x.numel())
