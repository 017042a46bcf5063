"""A still picture of an attribution: what a notebook shows at the end of a cell, also without a kernel."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from PIL import Image

from bbp_widgets.engine import Attribution

from .colour import NEGATIVE, POSITIVE, UNKNOWN, diverging
from .pictures import as_pictures
from .sources import picture_planes, target_label
from .tiles import largest

__all__ = ["mime_bundle", "still_svg"]

Array = np.ndarray[Any, Any]

_SIDE, _GAP, _LEFT, _HEAD, _FOOT, _TITLE = 168, 16, 16, 22, 20, 34
_FONT = "Inter, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
#: Characters that XML cannot hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
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
    x = attribution.local.inputs
    inputs = (x[0] if isinstance(x, tuple) else x).double().cpu().numpy()
    rows = [_row(attribution, i, inputs, classes, pictures, features) for i in range(min(len(inputs), _ROWS))]
    width = max(w for _, w, _ in rows)
    parts, top = [], 12.0
    for text, _, height in rows:
        parts.append(f'<g transform="translate(0 {top:g})">{text}</g>')
        top += height
    if len(inputs) > _ROWS:
        parts.append(_text(_LEFT, top + 14, f"and {len(inputs) - _ROWS} more samples", "soft"))
        top += 24
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top:g}" width="{width}" height="{top:g}" '
        f'role="img" aria-label="{escape(repr(attribution), quote=True)}">'
        f"<style>text{{font:12px {_FONT};fill:#1f2328;font-variant-numeric:tabular-nums}}"
        ".soft{fill:#626870}.end{text-anchor:end}.mid{text-anchor:middle}.strong{font-weight:600;font-size:13px}</style>"
        f'<rect width="100%" height="100%" rx="4" fill="#fff"/>{"".join(parts)}</svg>'
    )


def _row(
    attribution: Attribution, sample: int, inputs: Array, classes: Any, pictures: Any, features: Any
) -> tuple[str, int, int]:
    gradient, bias = picture_planes(attribution, sample)
    value = float(attribution.value[sample])
    b = float(attribution.local.b[sample])
    label = target_label(attribution, sample, classes)
    head = _text(_LEFT, 16, f"{label} {value:.6g}", "strong") + _text(
        _LEFT,
        32,
        f"= w·x {value - b:.6g} + b {b:.6g}   residual {float(attribution.residual[sample]):.1e}, "
        f"unshared {float(attribution.unshared[sample]):.3g}, rule {attribution.rule}",
        "soft",
    )
    planes = [("w ⊙ x", gradient), ("bias attribution", bias), ("total", gradient + bias)]
    if inputs.ndim == 2:
        body, width, height = _bars(planes, inputs[sample], features)
    else:
        shown = as_pictures(inputs, pictures)
        body, width, height = _pictures(planes, None if shown is None else shown[sample])
    return head + f'<g transform="translate(0 {_TITLE + 8})">{body}</g>', width, _TITLE + height + 20


def _pictures(planes: list[tuple[str, Array]], picture: Array | None) -> tuple[str, int, int]:
    parts, left = [], _LEFT
    if picture is not None:
        parts.append(_text(left, 14, "input", "soft") + _image(picture, left, _HEAD))
        left += _SIDE + _GAP
    for name, plane in planes:
        limit = largest(plane)
        parts.append(_text(left, 14, name, "soft") + _text(left + _SIDE, 14, f"Σ {plane.sum():.6g}", "end"))
        parts.append(_image(diverging(plane, limit), left, _HEAD))
        bottom = _HEAD + _SIDE + 15
        parts.append(
            _text(left, bottom, f"−{limit:.3g}", "soft")
            + _text(left + _SIDE, bottom, f"+{limit:.3g}", "soft end")
        )
        left += _SIDE + _GAP
    return "".join(parts), left, _HEAD + _SIDE + _FOOT


def _bars(planes: list[tuple[str, Array]], x: Array, features: Sequence[str] | None) -> tuple[str, int, int]:
    order = np.argsort(-np.abs(planes[-1][1][0]), kind="stable")[:_BARS]
    names = [str(features[i]) if features is not None else f"x{i}" for i in order]
    parts = []
    for row, (i, name) in enumerate(zip(order, names, strict=True)):
        y = _HEAD + 14 + row * 18
        parts.append(_text(_LEFT, y, name[:18]) + _text(_LEFT + _SIDE, y, f"{x[i]:.5g}", "soft end"))
    left = _LEFT + _SIDE + _GAP
    for name, plane in planes:
        parts.append(_text(left, 14, name, "soft") + _text(left + _SIDE, 14, f"Σ {plane.sum():.6g}", "end"))
        limit = largest(plane) or 1.0
        middle, half = left + _SIDE / 2, _SIDE / 2 - 2
        for row, i in enumerate(order):
            size = float(plane[0, i]) / limit * half
            start, colour = (middle, POSITIVE) if size >= 0 else (middle + size, NEGATIVE)
            if not np.isfinite(size):  # a mark of its own, over the whole width
                start, size, colour = middle - half, 2 * half, UNKNOWN
            y = _HEAD + 4 + row * 18
            parts.append(
                f'<rect x="{start:.2f}" y="{y}" width="{abs(size):.2f}" height="12" fill="{colour}"/>'
            )
        left += _SIDE + _GAP
    return "".join(parts), left, _HEAD + len(order) * 18 + 8


def _image(pixels: Array, left: float, top: float) -> str:
    """Embed pixels as a PNG that keeps them square, whatever the picture's proportions."""
    height, width = pixels.shape[:2]
    factor = max(1, -(-2 * _SIDE // max(height, width)))  # whole pixels, so that no viewer blurs them
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((width * factor, height * factor), Image.Resampling.NEAREST).save(
        buffer, "PNG"
    )
    code = base64.b64encode(buffer.getvalue()).decode()
    box = f'x="{left:g}" y="{top:g}" width="{_SIDE}" height="{_SIDE}"'
    return f'<image {box} href="data:image/png;base64,{code}"/>'


def _text(x: float, y: float, text: str, style: str = "") -> str:
    shown = escape(_NO_XML.sub("\ufffd", text))
    return f'<text x="{x:g}" y="{y:g}" class="{style}">{shown}</text>'
