"""Round numbers for an axis."""

from __future__ import annotations

import math

__all__ = ["round_ticks"]


def round_ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Return roughly ``about`` multiples of 1, 2 or 5 times a power of ten from ``low`` to ``high``."""
    rough = (high - low) / about
    if not 1e-300 < rough < math.inf:  # one point, or a network that overflowed
        return [low] if math.isfinite(low) else []
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(m * size for m in (1, 2, 5, 10) if m * size >= rough)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
