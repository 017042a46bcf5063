"""A still picture of an attribution: what a notebook shows at the end of a cell, also without a kernel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bbp_widgets.engine import Attribution

from .canvas import Box, Mark, Picture, Text, as_png, as_svg
from .colour import NEGATIVE, POSITIVE, UNKNOWN, diverging
from .pictures import as_pictures
from .sources import picture_planes, target_label
from .tiles import largest

__all__ = ["mime_bundle", "still_png", "still_svg"]

Array = np.ndarray[Any, Any]

_SIDE, _GAP, _LEFT, _HEAD, _FOOT, _TITLE = 168, 16, 16, 22, 20, 34
#: Samples shown, and entries of a table.
_ROWS, _BARS = 4, 16


def mime_bundle(attribution: Attribution, **_: Any) -> dict[str, str]:
    """Return what Jupyter shows for an attribution: a picture, and the same in words."""
    return {"image/svg+xml": still_svg(attribution), "text/plain": repr(attribution)}


def still_svg(
    attribution: Attribution,
    *,
    classes: Sequence[str] | None = None,
    pictures: Any = None,
    features: Sequence[str] | None = None,
) -> str:
    """Return an SVG of up to four samples: the input, w ⊙ x, the bias attribution and their total, with their sums.

    Every picture has its own limits, printed under it; zero is paper.
    """
    return as_svg(*_still(attribution, classes, pictures, features), label=repr(attribution))


def still_png(
    attribution: Attribution,
    *,
    classes: Sequence[str] | None = None,
    pictures: Any = None,
    features: Sequence[str] | None = None,
    scale: int = 2,
) -> bytes:
    """Return the same as a PNG, with ``scale`` pixels for each of the SVG's."""
    return as_png(*_still(attribution, classes, pictures, features), scale=scale)


def _still(
    attribution: Attribution, classes: Any, pictures: Any, features: Any
) -> tuple[list[Mark], int, int]:
    """Return what is drawn, and how wide and high that is."""
    x = attribution.local.inputs
    inputs = (x[0] if isinstance(x, tuple) else x).double().cpu().numpy()
    marks: list[Mark] = []
    width, top = 0, 12
    for sample in range(min(len(inputs), _ROWS)):
        row = list(_row(attribution, sample, inputs, classes, pictures, features))
        bottom = max(mark.bottom for mark in row)
        width = max(width, *(int(mark.right) + _GAP for mark in row if not isinstance(mark, Text)))
        marks += [mark.moved(0, top) for mark in row]
        top += int(bottom) + 20
    if len(inputs) > _ROWS:
        marks.append(Text(_LEFT, top + 14, f"and {len(inputs) - _ROWS} more samples", "soft"))
        top += 24
    return marks, width, top


def _row(
    attribution: Attribution, sample: int, inputs: Array, classes: Any, pictures: Any, features: Any
) -> Iterator[Mark]:
    gradient, bias = picture_planes(attribution, sample)
    value = float(attribution.value[sample])
    b = float(attribution.local.b[sample])
    yield Text(_LEFT, 16, f"{target_label(attribution, sample, classes)} {value:.6g}", "strong")
    yield Text(
        _LEFT,
        32,
        f"= w·x {value - b:.6g} + b {b:.6g}   residual {float(attribution.residual[sample]):.1e}, "
        f"unshared {float(attribution.unshared[sample]):.3g}, rule {attribution.rule}",
        "soft",
    )
    planes = [("w ⊙ x", gradient), ("bias attribution", bias), ("total", gradient + bias)]
    if inputs.ndim == 2:
        marks = _bars(planes, inputs[sample], features)
    else:
        shown = as_pictures(inputs, pictures)
        marks = _pictures(planes, None if shown is None else shown[sample])
    for mark in marks:
        yield mark.moved(0, _TITLE + 8)


def _pictures(planes: list[tuple[str, Array]], picture: Array | None) -> Iterator[Mark]:
    left, bottom = _LEFT, _HEAD + _SIDE + 15
    if picture is not None:
        yield Text(left, 14, "input", "soft")
        yield Picture(left, _HEAD, _SIDE, picture)
        left += _SIDE + _GAP
    for name, plane in planes:
        limit = largest(plane)
        yield Text(left, 14, name, "soft")
        yield Text(left + _SIDE, 14, f"Σ {plane.sum():.6g}", "end")
        yield Picture(left, _HEAD, _SIDE, diverging(plane, limit))
        yield Text(left, bottom, f"−{limit:.3g}", "soft")
        yield Text(left + _SIDE, bottom, f"+{limit:.3g}", "soft end")
        left += _SIDE + _GAP


def _bars(planes: list[tuple[str, Array]], x: Array, features: Sequence[str] | None) -> Iterator[Mark]:
    order = np.argsort(-np.abs(planes[-1][1][0]), kind="stable")[:_BARS]
    names = [str(features[i]) if features is not None else f"x{i}" for i in order]
    for row, (i, name) in enumerate(zip(order, names, strict=True)):
        y = _HEAD + 14 + row * 18
        yield Text(_LEFT, y, name[:18])
        yield Text(_LEFT + _SIDE, y, f"{x[i]:.5g}", "soft end")
    left = _LEFT + _SIDE + _GAP
    for name, plane in planes:
        yield Text(left, 14, name, "soft")
        yield Text(left + _SIDE, 14, f"Σ {plane.sum():.6g}", "end")
        limit = largest(plane) or 1.0
        middle, half = left + _SIDE / 2, _SIDE / 2 - 2
        for row, i in enumerate(order):
            size = float(plane[0, i]) / limit * half
            start, colour = (middle, POSITIVE) if size >= 0 else (middle + size, NEGATIVE)
            if not np.isfinite(size):  # a mark of its own, over the whole width
                start, size, colour = middle - half, 2 * half, UNKNOWN
            yield Box(start, _HEAD + 4 + row * 18, abs(size), 12, colour, left + _SIDE)
        left += _SIDE + _GAP
