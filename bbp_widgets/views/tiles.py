"""Signed arrays as small pictures: one byte a pixel around a symmetric scale."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["block_sum", "largest", "quantized"]

Array = np.ndarray[Any, Any]


def largest(values: Array) -> float:
    """Return the largest finite magnitude, 0.0 where there is none."""
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size else 0.0


def quantized(values: Array, limit: float) -> Array:
    """Return ``values`` as bytes: 128 is zero, 1 and 255 are ∓``limit`` and beyond, 0 is NaN or infinite."""
    scaled = np.zeros_like(values, dtype=np.float64) if limit == 0 else values.astype(np.float64) / limit
    known = np.isfinite(scaled)
    steps = np.clip(np.rint(np.where(known, scaled, 0) * 127), -127, 127) + 128
    return np.where(known, steps, 0).astype(np.uint8)


def block_sum(maps: Array, most: int) -> Array:
    """Sum blocks of the last two axes until neither is longer than ``most``.

    Attributions add up, so a sum over a block is exact: nothing is blurred or dropped. Where the block does not divide
    the axis the last block is smaller.
    """
    height, width = maps.shape[-2:]
    block = -(-max(height, width) // most)
    if block <= 1:
        return maps
    rows, columns = range(0, height, block), range(0, width, block)
    return np.add.reduceat(np.add.reduceat(maps, list(rows), axis=-2), list(columns), axis=-1)
