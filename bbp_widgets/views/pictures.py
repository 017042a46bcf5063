"""The inputs as a person would see them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from .wire import Body, pack

__all__ = ["as_pictures", "pack_thumbnails", "thumbnail", "thumbnail_png"]

Array = np.ndarray[Any, Any]

#: How far past 0 and 1 a picture may be: resizing overshoots at edges. It is clipped.
_OVERSHOOT = 0.5


def as_pictures(inputs: Array, pictures: ArrayLike | None = None) -> Array | None:
    """Return (N, H, W, 3) bytes to show for ``inputs``, or ``None`` where they are no pictures.

    ``pictures`` shows something else in their place: (N, H, W), (N, H, W, 1) or (N, H, W, 3), bytes or 0 to 1. Without
    it each input is stretched from its own least to its own largest value, over all channels at once.

    Raises: ``ValueError`` where ``pictures`` does not fit.
    """
    if pictures is None:
        if inputs.ndim != 4 or inputs.shape[1] not in (1, 3):
            return None
        shown = np.moveaxis(inputs.astype(np.float64), 1, -1)
        known = np.isfinite(shown)
        low = shown.min((1, 2, 3), keepdims=True, where=known, initial=np.inf)
        span = shown.max((1, 2, 3), keepdims=True, where=known, initial=-np.inf) - low
        shown = np.divide(shown - low, span, out=np.full_like(shown, 0.5), where=known & (span > 0))
    else:
        shown = np.asarray(pictures)
        shown = shown[..., None] if shown.ndim == 3 else shown
        if shown.ndim != 4 or len(shown) != len(inputs) or shown.shape[-1] not in (1, 3):
            raise ValueError(
                f"pictures must be ({len(inputs)}, H, W) or ({len(inputs)}, H, W, 1 or 3), got {np.shape(pictures)}."
            )
        if shown.dtype.kind in "iu":  # whole numbers are bytes, whatever they are kept in
            shown = np.clip(shown, 0, 255).astype(np.uint8)
        elif shown.min() < -_OVERSHOOT or shown.max() > 1 + _OVERSHOOT:
            raise ValueError(
                f"pictures must be bytes or 0 to 1, got {shown.dtype} from {shown.min():.4g} to {shown.max():.4g}."
            )
    if shown.dtype != np.uint8:
        shown = np.rint(np.clip(np.nan_to_num(shown), 0, 1) * 255).astype(np.uint8)
    return np.repeat(shown, 3, -1) if shown.shape[-1] == 1 else shown


def thumbnail(picture: Array, side: int) -> Array:
    """Return a (side, side, 3) picture: block means when larger, repeated pixels when smaller."""
    height, width = picture.shape[:2]
    if max(height, width) > side:
        rows = np.linspace(0, height, side + 1).astype(int)[:-1]
        columns = np.linspace(0, width, side + 1).astype(int)[:-1]
        sums = np.add.reduceat(np.add.reduceat(picture.astype(np.float64), rows, 0), columns, 1)
        counts = np.add.reduceat(np.add.reduceat(np.ones((height, width, 1)), rows, 0), columns, 1)
        return np.rint(sums / counts).astype(np.uint8)
    rows = np.arange(side) * height // side
    columns = np.arange(side) * width // side
    return picture[rows][:, columns]


def thumbnail_png(picture: Array, side: int) -> bytes:
    """Return a thumbnail as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(thumbnail(picture, side)).save(buffer, "png")
    return buffer.getvalue()


def pack_thumbnails(
    pictures: Array | None, count: int, side: int = 48, traces: Sequence[Array | None] = ()
) -> bytes:
    """Return small pictures of all inputs, packed for the page; no entry where there is no picture.

    ``traces`` are what ``trace_of`` draws of each, ``None`` where it is no signal.
    """
    body = Body()
    items = (
        [None] * count if pictures is None else [body.add(thumbnail(picture, side)) for picture in pictures]
    )
    drawn = [
        None if trace is None else {"lanes": len(trace), "width": trace.shape[-1], "ends": body.add(trace)}
        for trace in traces or [None] * count
    ]
    header = {"version": 2, "height": side, "width": side, "items": items, "traces": drawn}
    return pack(header, bytes(body))
