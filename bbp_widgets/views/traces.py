"""Inputs along a line as small drawings: what their values run between, in each column of the screen."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from .signals import Line

__all__ = ["TRACE_LANES", "TRACE_WIDTH", "trace_of"]

Array = np.ndarray[Any, Any]

#: Columns of a drawing, and the lanes that it has at most: of more channels the first ones.
TRACE_WIDTH, TRACE_LANES = 48, 3
#: A byte is this at the largest value of the drawing, and 0 at the least.
_TOP = 255


def trace_of(line: Line, x: Tensor) -> Array:
    """Return what one input's values run between, as bytes about its own extremes.

    Shapes: (lanes, 2, ``TRACE_WIDTH``): of each lane its least, then its largest value in each column. In a column with
    no finite value the least is larger than the largest.
    """
    values = line.values(x)[:TRACE_LANES]
    known = np.isfinite(values)
    low = values.min(where=known, initial=np.inf)
    span = values.max(where=known, initial=-np.inf) - low
    edges = np.arange(TRACE_WIDTH) * values.shape[1] // TRACE_WIDTH
    least = np.minimum.reduceat(np.where(known, values, np.inf), edges, 1)
    largest = np.maximum.reduceat(np.where(known, values, -np.inf), edges, 1)
    ends = np.stack([least, largest], 1)
    scaled = (ends - low) / span if span > 0 else np.where(np.isfinite(ends), 0.5, ends)
    nothing = np.isinf(ends)
    scaled[nothing] = np.broadcast_to(np.array([[1.0], [0.0]]), ends.shape)[nothing]
    return np.rint(scaled * _TOP).astype(np.uint8)
