"""A still picture of an input along a line: its values and both parts as bars about zero, one below the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .canvas import Box, Mark, Text
from .colour import NEGATIVE, POSITIVE, SOFT, UNKNOWN
from .tiles import block_sum, largest

__all__ = ["line_marks"]

Array = np.ndarray[Any, Any]

#: Columns of bars: more positions are summed over blocks.
_COLUMNS = 180
_HALF, _CAPTION, _GAP = 26, 18, 14


def line_marks(
    values: Array, parts: Sequence[tuple[str, Array]], left: int, width: int, pixels: int
) -> Iterator[Mark]:
    """Draw the values of an input, then its parts, each (lanes, places): lanes are summed, of the values averaged.

    ``pixels`` is how many positions a place holds.
    """
    places = values.shape[1]
    block = -(-places // _COLUMNS)
    counts = block_sum(np.ones((1, places)), block)[0]
    rows: list[tuple[str, Array, float | None]] = [
        ("input", block_sum(values.mean(0, keepdims=True), block)[0] / counts, None)
    ]
    rows += [
        (name, block_sum(part.sum(0, keepdims=True), block)[0], float(part.sum())) for name, part in parts
    ]
    grain = block * pixels
    for i, (name, bars, total) in enumerate(rows):
        top = i * (_CAPTION + 2 * _HALF + _GAP)
        limit = largest(bars)
        each = f", sums of {grain} positions" if total is not None and grain > 1 else ""
        yield Text(left, top + 14, f"{name}   ±{limit:.3g}{each}", "soft")
        if total is not None:
            yield Text(left + width, top + 14, f"Σ {total:.6g}", "end")
        zero = top + _CAPTION + _HALF
        yield Box(left, zero, width, 0.5, SOFT, left + width)
        step = width / len(bars)
        colours = (SOFT, SOFT) if total is None else (POSITIVE, NEGATIVE)
        for column, bar in enumerate(bars.tolist()):
            size, start = abs(bar) / (limit or 1.0) * _HALF, zero
            colour = colours[0] if bar >= 0 else colours[1]
            if bar >= 0:
                start = zero - size
            if not np.isfinite(bar):  # a mark of its own, over the whole height
                start, size, colour = zero - _HALF, 2.0 * _HALF, UNKNOWN
            if size > 0:
                yield Box(
                    left + column * step, start, max(step - 0.5, 0.6 * step), size, colour, left + width
                )
