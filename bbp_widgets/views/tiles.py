"""Signed arrays as small pictures: one byte a pixel around a symmetric scale.

What is drawn is summed over blocks of places: attributions add up, so nothing is blurred or dropped. The arrays are
small here, and a film has thousands of them, so they are NumPy's: no thread has to be woken for any.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Tiles", "block_counts", "block_sum", "held", "largest", "quantized"]

Array = np.ndarray[Any, Any]

#: A few pixels that outshine the rest are clipped, and say so: at most this part of those that are not zero,
_FEW = 0.01
#: where they are more than so many times as large as all others.
_BEYOND = 4
#: Steps of a byte on either side of zero.
_STEPS = 127


@dataclass(frozen=True, slots=True)
class Tiles:
    """Tiles in bytes: 128 is zero, 1 and 255 are ∓``limit`` and beyond, 0 is NaN or infinite.

    Shapes: ``steps`` (C, H, W), ``clipped`` and ``broken`` (C,): how many pixels are beyond the limit, and not finite.
    """

    limit: float
    steps: Array
    clipped: list[int]
    broken: list[int]


def largest(values: Array) -> float:
    """Return the largest finite magnitude, 0.0 where there is none."""
    top = float(max(values.max(initial=0), -values.min(initial=0)))
    if math.isfinite(top):
        return top
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size else 0.0


def quantized(tiles: Array) -> Tiles:
    """Return tiles (C, H, W) as bytes, with the limit that they share.

    The limit is the largest finite magnitude, unless one pixel in a hundred or fewer would leave all others pale: then
    it is the largest of the others, and those few are clipped.
    """
    top = max(tiles.max(initial=0), -tiles.min(initial=0))
    none = [0] * len(tiles)
    if not math.isfinite(top):
        known = np.isfinite(tiles)
        inner = quantized(np.where(known, tiles, 0))
        broken = np.count_nonzero(~known, axis=(1, 2)).tolist()
        return Tiles(inner.limit, np.where(known, inner.steps, np.uint8(0)), inner.clipped, broken)
    steps = _steps(tiles, top)
    pale = _STEPS // _BEYOND
    outshone = np.count_nonzero((steps - np.uint8(128 - pale)) > 2 * pale)
    if outshone and outshone <= tiles.size * _FEW:
        sizes = np.abs(tiles)
        few = int(np.count_nonzero(sizes) * _FEW)
        # looking for the largest of the others takes longer than telling whether it is so far below
        if np.count_nonzero(sizes >= top / _BEYOND) <= few:
            limit = np.partition(sizes, tiles.size - 1 - few, axis=None)[tiles.size - 1 - few]
            if limit > 0:
                clipped = np.count_nonzero(sizes > limit, axis=(1, 2)).tolist()
                return Tiles(float(limit), _steps(np.clip(tiles, -limit, limit), limit), clipped, none)
    return Tiles(float(top), steps, none, none)


def held(tiles: Array, limit: float) -> Tiles:
    """Return tiles (C, H, W) as bytes with a limit that is given: what is beyond is clipped."""
    known = np.isfinite(tiles)
    numbers = np.where(known, tiles, 0)
    clipped = np.count_nonzero(np.abs(numbers) > limit, axis=(1, 2)).tolist()
    broken = np.count_nonzero(~known, axis=(1, 2)).tolist()
    steps = _steps(np.clip(numbers, -limit, limit), numbers.dtype.type(limit))
    return Tiles(limit, np.where(known, steps, np.uint8(0)), clipped, broken)


def _steps(tiles: Array, limit: Any) -> Array:
    if limit == 0:
        return np.full(tiles.shape, 128, np.uint8)
    # a limit may be so small that one over it is no number
    steps = tiles / limit if limit < 1e-30 else tiles * (type(limit)(1) / limit)
    steps *= _STEPS
    steps += 128.5
    return steps.astype(np.uint8)


def block_sum(maps: Array, block: int) -> Array:
    """Sum blocks of the last two axes. Where the block does not divide an axis, the last one is smaller.

    Shapes: (..., H, W) to (..., ⌈H / block⌉, ⌈W / block⌉).
    """
    if block <= 1:
        return maps
    rows = maps[..., ::block, :].copy()
    for i in range(1, min(block, maps.shape[-2])):
        part = maps[..., i::block, :]
        rows[..., : part.shape[-2], :] += part
    sums = rows[..., ::block].copy()
    for i in range(1, min(block, maps.shape[-1])):
        part = rows[..., i::block]
        sums[..., : part.shape[-1]] += part
    return sums


def block_counts(height: int, width: int, block: int) -> Array:
    """Return how many places each block of a map has."""
    rows, columns = (np.minimum(block, size - np.arange(0, size, block)) for size in (height, width))
    return rows[:, None] * columns
