"""Text, boxes and pictures, drawn as SVG or as PNG: for stills, which no browser is asked for."""

from __future__ import annotations

import base64
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .colour import INK, SOFT

__all__ = ["Box", "Mark", "Picture", "Text", "as_png", "as_svg"]

Array = np.ndarray[Any, Any]

_FONT = "Inter, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
#: Fonts with all the letters that are needed, where the machine has one; Pillow's own knows few of them.
_FONTS = ("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "Arial.ttf", "arial.ttf", "NotoSans-Regular.ttf")
_SPELT = {"⊙": "*", "Σ": "sum", "−": "-", "φ": "phi", "σ": "sigma", "·": "."}
#: Characters that XML cannot hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Mark:
    """Something drawn at a place, in pixels from the upper left corner."""

    x: float
    y: float

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.x

    @property
    def bottom(self) -> float:
        """Where it ends."""
        return self.y

    def moved(self, x: float, y: float) -> Mark:
        """Return the same further right and down."""
        return replace(self, x=self.x + x, y=self.y + y)


@dataclass(frozen=True, slots=True)
class Text(Mark):
    """A line on its base; ``style`` holds some of soft, strong, end."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Box(Mark):
    """A filled rectangle; ``room`` is where the column that it stands in ends."""

    width: float
    height: float
    colour: str
    room: float

    @property
    def right(self) -> float:
        """Where its column ends."""
        return self.room

    @property
    def bottom(self) -> float:
        """Where it ends."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Picture(Mark):
    """Pixels (H, W, 3), kept square, in the middle of a square of ``side``."""

    side: int
    pixels: Array

    @property
    def right(self) -> float:
        """Where its square ends."""
        return self.x + self.side

    @property
    def bottom(self) -> float:
        """Where its square, and the line under it, end."""
        return self.y + self.side + 20


def as_svg(marks: Sequence[Mark], width: int, height: int, *, label: str) -> str:
    """Return an SVG; ``label`` is what is read aloud."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(_NO_XML.sub(_UNKNOWN, label), quote=True)}">'
        f"<style>text{{font:12px {_FONT};fill:{INK};font-variant-numeric:tabular-nums}}"
        f".soft{{fill:{SOFT}}}.end{{text-anchor:end}}.strong{{font-weight:600;font-size:13px}}</style>"
        f'<rect width="100%" height="100%" rx="4" fill="#fff"/>{"".join(map(_svg, marks))}</svg>'
    )


_UNKNOWN = "\ufffd"


def _svg(mark: Mark) -> str:
    if isinstance(mark, Text):
        shown = escape(_NO_XML.sub(_UNKNOWN, mark.text))
        return f'<text x="{mark.x:g}" y="{mark.y:g}" class="{mark.style}">{shown}</text>'
    if isinstance(mark, Box):
        return (
            f'<rect x="{mark.x:.2f}" y="{mark.y:g}" width="{mark.width:.2f}" height="{mark.height:g}" '
            f'fill="{mark.colour}"/>'
        )
    assert isinstance(mark, Picture)
    height, width = mark.pixels.shape[:2]
    factor = max(1, -(-2 * mark.side // max(height, width)))  # whole pixels, so that no viewer blurs them
    code = base64.b64encode(_png(_resized(mark.pixels, width * factor, height * factor))).decode()
    box = f'x="{mark.x:g}" y="{mark.y:g}" width="{mark.side}" height="{mark.side}"'
    return f'<image {box} href="data:image/png;base64,{code}"/>'


def as_png(marks: Sequence[Mark], width: int, height: int, *, scale: int = 2) -> bytes:
    """Return a PNG with ``scale`` pixels for each of the SVG's."""
    canvas = Image.new("RGB", (width * scale, height * scale), "#fff")
    draw = ImageDraw.Draw(canvas)
    for mark in marks:
        x, y = mark.x * scale, mark.y * scale
        if isinstance(mark, Text):
            font, letters = _font((13 if "strong" in mark.style else 12) * scale)
            anchor = "rs" if "end" in mark.style else "ls"
            colour = SOFT if "soft" in mark.style else INK
            bold = 0.3 * scale if "strong" in mark.style else 0
            text = mark.text if letters else _plain(mark.text)
            draw.text((x, y), " ".join(text.split("\n")), colour, font, anchor, stroke_width=bold)
        elif isinstance(mark, Box):
            bottom = max(y, y + mark.height * scale - 1)
            draw.rectangle((x, y, x + mark.width * scale, bottom), mark.colour)
        elif isinstance(mark, Picture):
            rows, columns = mark.pixels.shape[:2]
            side = mark.side * scale
            size = [max(1, round(n * side / max(rows, columns))) for n in (columns, rows)]
            corner = (round(x + (side - size[0]) / 2), round(y + (side - size[1]) / 2))
            canvas.paste(_resized(mark.pixels, *size), corner)
    return _png(canvas)


def _resized(pixels: Array, width: int, height: int) -> Image.Image:
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@cache
def _font(size: int) -> tuple[Any, bool]:
    """Return a font, and whether it has letters beyond English."""
    for name in _FONTS:
        try:
            return ImageFont.truetype(name, size), True
        except OSError:
            continue
    return ImageFont.load_default(size), False


def _plain(text: str) -> str:
    """Spell a text in letters that every font has."""
    spelt = "".join(_SPELT.get(letter, letter) for letter in text)
    return unicodedata.normalize("NFKD", spelt).encode("ascii", "ignore").decode()
