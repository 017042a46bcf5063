"""Which pixels an attribution puts first, and inputs with some of them taken away."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["baseline_like", "order_of", "ranks_of", "replaced", "total_per_pixel"]


def total_per_pixel(attribution: Tensor) -> Tensor:
    """Add channels up and write every sample as a row: a pixel is taken away with all of its channels.

    Shapes: ``(N, C, ...)`` to ``(N, P)``; a table ``(N, F)`` stays as it is.
    """
    return (attribution if attribution.dim() == 2 else attribution.sum(1)).flatten(1)


def order_of(attribution: Tensor, seed: int = 0) -> Tensor:
    """Give the pixels of each sample, the largest attribution first, ``(N, P)``; ties stand in an order by ``seed``."""
    rows = total_per_pixel(attribution)
    shuffle = torch.randperm(rows.shape[1], generator=torch.Generator().manual_seed(seed)).to(rows.device)
    return shuffle[rows[:, shuffle].argsort(dim=1, descending=True, stable=True)]


def ranks_of(order: Tensor) -> Tensor:
    """Give the place of every pixel in an order, 0 for the first. Shapes: ``(N, P)`` both."""
    return order.argsort(1)


def replaced(x: Tensor, where: Tensor, by: Tensor) -> Tensor:
    """Put ``by`` in the place of ``x`` at some pixels.

    Shapes: ``x`` and ``by`` ``(N, C, ...)`` or ``(N, F)``; ``where`` ``(N, P)``, true where to replace.
    """
    mask = where if x.dim() == 2 else where.reshape(len(x), 1, *x.shape[2:])
    return torch.where(mask, by, x)


def baseline_like(baseline: Tensor | float, x: Tensor) -> Tensor:
    """Give a baseline, a number or something that spreads over one input, the shape of ``x``."""
    return torch.as_tensor(baseline).to(x).expand_as(x)
