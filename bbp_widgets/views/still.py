"""A still picture of an attribution: what a notebook shows at the end of a cell, also without a kernel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bbp_widgets.engine import Attribution

from .canvas import Box, Mark, Picture, Text, as_png, as_svg
from .colour import NEGATIVE, POSITIVE, UNKNOWN, diverging
from .entries import Entry, entries_of
from .pictures import as_pictures
from .sources import target_label
from .still_line import line_marks
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
    titles: Sequence[str] = (),
) -> str:
    """Return an SVG of up to four samples: the input, w ⊙ x, the bias attribution and their total, with their sums.

    A row of a table is bars beside its names, an input along a line bars along it, its channels summed. Of several
    inputs ``pictures`` has an entry for each.

    Every picture has its own limits, printed under it; zero is paper.
    """
    return as_svg(*_still(attribution, classes, pictures, features, titles), label=repr(attribution))


def still_png(
    attribution: Attribution,
    *,
    classes: Sequence[str] | None = None,
    pictures: Any = None,
    features: Sequence[str] | None = None,
    titles: Sequence[str] = (),
    scale: int = 2,
) -> bytes:
    """Return the same as a PNG, with ``scale`` pixels for each of the SVG's."""
    return as_png(*_still(attribution, classes, pictures, features, titles), scale=scale)


def _still(
    attribution: Attribution, classes: Any, pictures: Any, features: Any, titles: Sequence[str]
) -> tuple[list[Mark], int, int]:
    """Return what is drawn, and how wide and high that is."""
    shown = _shown(attribution, pictures)
    samples = len(attribution.value)
    marks: list[Mark] = []
    width, top = 0, 12
    for sample in range(min(samples, _ROWS)):
        seen = [None if one is None else one[sample] for one in shown]
        row = list(
            _row(attribution, sample, classes, entries_of(attribution, sample, features, seen, titles))
        )
        bottom = max(mark.bottom for mark in row)
        width = max(width, *(int(mark.right) + _GAP for mark in row if not isinstance(mark, Text)))
        marks += [mark.moved(0, top) for mark in row]
        top += int(bottom) + 20
    if samples > _ROWS:
        marks.append(Text(_LEFT, top + 14, f"and {samples - _ROWS} more samples", "soft"))
        top += 24
    return marks, width, top


def _shown(attribution: Attribution, pictures: Any) -> list[Array | None]:
    """Return what is shown of each input, (N, H, W, 3) bytes. ``pictures`` are of the one, or a list for several."""
    x = attribution.local.inputs
    several = isinstance(x, tuple)
    given = [None] * len(attribution.entries) if pictures is None else pictures if several else [pictures]
    inputs = x if isinstance(x, tuple) else (x,)
    return [as_pictures(one.double().cpu().numpy(), other) for one, other in zip(inputs, given, strict=True)]


def _row(attribution: Attribution, sample: int, classes: Any, entries: Sequence[Entry]) -> Iterator[Mark]:
    value = float(attribution.value[sample])
    b = float(attribution.local.b[sample])
    yield Text(_LEFT, 16, f"{target_label(attribution.local, sample, classes)} {value:.6g}", "strong")
    yield Text(
        _LEFT,
        32,
        f"= w·x {value - b:.6g} + b {b:.6g}   residual {float(attribution.residual[sample]):.1e}, "
        f"unshared {float(attribution.unshared[sample]):.3g}, rule {attribution.rule}",
        "soft",
    )
    top = float(_TITLE + 8)
    for entry in entries:
        if entry.title:
            yield Text(_LEFT, top + 14, entry.title, "strong")
            top += 22
        marks = [mark.moved(0, top) for mark in _marks(entry)]
        yield from marks
        top = max(mark.bottom for mark in marks) + 16


def _marks(entry: Entry) -> Iterator[Mark]:
    gradient, bias = entry.planes()
    planes = [("w ⊙ x", gradient), ("bias attribution", bias), ("total", gradient + bias)]
    if entry.line is not None:
        values = entry.line.values(entry.place.value)
        return line_marks(values, planes, _LEFT, 4 * _SIDE + 3 * _GAP, entry.line.block)
    if entry.kind == "vector":
        return _bars(planes, entry)
    return _pictures(planes, entry.picture)


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


def _bars(planes: list[tuple[str, Array]], entry: Entry) -> Iterator[Mark]:
    order = np.argsort(-np.abs(planes[-1][1][0]), kind="stable")[:_BARS]
    x, names = entry.place.value.tolist(), entry.names
    for row, i in enumerate(order):
        y = _HEAD + 14 + row * 18
        yield Text(_LEFT, y, names[i][:18])
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
