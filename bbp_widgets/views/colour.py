"""One meaning of colour: blue below zero, orange-brown above, paper at zero, a mark of its own for NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["INK", "NEGATIVE", "PAPER", "POSITIVE", "SOFT", "UNKNOWN", "diverging"]

POSITIVE, NEGATIVE, PAPER, UNKNOWN = "#b24016", "#1e54a0", "#faf9f7", "#d100d1"
INK, SOFT = "#1f2328", "#626870"

Array = np.ndarray[Any, Any]


def _rgb(colour: str) -> Array:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float64)


def diverging(values: Array, limit: float) -> Array:
    """Return (H, W, 3) bytes for signed ``values``: full colour at ±``limit``, magenta where not finite."""
    known = np.isfinite(values)
    share = np.where(known, values, 0)[..., None]
    share = np.clip(share / limit, -1, 1) if limit > 0 else np.zeros_like(share)
    ends = np.where(share > 0, _rgb(POSITIVE), _rgb(NEGATIVE))
    mixed = _rgb(PAPER) + (ends - _rgb(PAPER)) * np.abs(share)
    return np.rint(np.where(known[..., None], mixed, _rgb(UNKNOWN))).astype(np.uint8)
