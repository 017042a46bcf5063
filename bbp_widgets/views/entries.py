"""The inputs of one sample, one by one: what each is, what the attribution says of it, and how that is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from bbp_widgets.engine import Attribution, Place

from .budget import VECTOR_LENGTH
from .signals import Line, line_in
from .tiles import block_sum
from .wire import Body

__all__ = ["PICTURE_SIDE", "Entry", "entries_of"]

Array = np.ndarray[Any, Any]

#: Longest side of a picture of an input.
PICTURE_SIDE = 256


@dataclass(frozen=True, slots=True)
class Entry:
    """One input of one sample.

    ``line`` says how it lies along a line, if it does; ``title`` what it is called among several; ``picture`` is
    (H, W, 3) bytes to show for it, ``features`` are the names of its columns, positions or channels.
    """

    place: Place
    line: Line | None
    title: str = ""
    picture: Array | None = None
    features: Sequence[str] | None = None

    @property
    def kind(self) -> str:
        """What it is drawn as: a signal, a vector, or a picture."""
        if self.line is not None:
            return "signal"
        return "vector" if self.place.value.dim() == 1 else "picture"

    @property
    def names(self) -> list[str]:
        """What the columns of a row of a table are called."""
        given = [] if self.features is None else list(self.features)
        return [given[i] if i < len(given) else f"x{i}" for i in range(len(self.place.value))]

    @property
    def gradient(self) -> Tensor:
        """The gradient attribution, like the input."""
        return self.place.grad * self.place.value

    def planes(self) -> tuple[Array, Array]:
        """Return the gradient and the bias attribution as they are drawn.

        Shapes: (H, W), summed over channels and, beyond ``PICTURE_SIDE``, over blocks; of a signal (lanes, places); a
        vector is a picture of height one.
        """
        parts = (self.gradient, self.place.mass)
        if self.line is not None:
            gradient, bias = map(self.line.sums, parts)
            return gradient, bias
        gradient, bias = (_plane(part.double()).cpu().numpy() for part in parts)
        block = -(-max(gradient.shape) // PICTURE_SIDE) if self.kind == "picture" else 1
        return block_sum(gradient, block)[:, :VECTOR_LENGTH], block_sum(bias, block)[:, :VECTOR_LENGTH]

    def described(self, name: str, label: str | None, body: Body) -> dict[str, Any]:
        """Add its values or pixels to ``body``, and return it as the contract has it."""
        x = self.place.value
        common = {
            "kind": self.kind, "name": name, "label": label, "title": self.title, "shape": list(x.shape),
            "rgb": None, "names": None, "values": None,
        }  # fmt: skip
        if self.line is not None:
            line, values = self.line, self.line.values(x).astype(np.float32)
            height, width = values.shape
            drawn = {"height": height, "width": width, "length": line.length, "block": line.block}
            known = {
                "channels": line.channels,
                "axes": line.axes,
                **line.names(self.features),
                "values": body.add(values),
            }
            return {**common, **drawn, **known}
        if self.kind == "vector":
            length = min(len(x), VECTOR_LENGTH)
            at = body.add(x[:length].float().cpu().numpy())
            return {**common, "height": 1, "width": length, "names": self.names[:length], "values": at}
        height, width = _plane(x).shape
        rgb = None
        if self.picture is not None:
            rgb = body.add(self.picture)
            height, width = self.picture.shape[:2]
        return {**common, "height": height, "width": width, "rgb": rgb}

    def pictures(self, body: Body) -> dict[str, Any]:
        """Add both parts as they are drawn to ``body``, and return where they are, with their exact sums."""
        gradient, bias = self.planes()
        height, width = gradient.shape
        return {
            "height": height,
            "width": width,
            "gradient": body.add(gradient.astype(np.float32)),
            "bias": body.add(bias.astype(np.float32)),
            "gradient_sum": float(self.gradient.double().sum()),
            "bias_sum": float(self.place.mass.double().sum()),
        }


def entries_of(
    attribution: Attribution,
    sample: int,
    features: Sequence[str] | None = None,
    pictures: Sequence[Array | None] = (),
    titles: Sequence[str] = (),
) -> list[Entry]:
    """Return the inputs of one sample.

    ``pictures`` and ``titles`` have an entry for each, or none. Of several inputs ``features`` names the columns of
    those that have as many.
    """
    found = []
    several = len(attribution.entries) > 1
    for i, entry in enumerate(attribution.entries):
        place = entry.of(sample)
        names = features
        if several and features is not None and place.value.dim() == 1 and len(place.value) != len(features):
            names = None
        title = titles[i] if titles else f"input {i + 1}" if several else ""
        picture = pictures[i] if pictures else None
        found.append(Entry(place, line_in(attribution, sample, names, i), title, picture, names))
    return found


def _plane(array: Tensor) -> Tensor:
    """Sum the channels of one sample: (C, H, W) → (H, W); (C, L) → (1, L); (L,) → (1, L); () → (1, 1)."""
    if array.dim() <= 1:
        return array.reshape(1, -1)
    if array.dim() == 2:
        return array.sum(0, keepdim=True)
    return array.reshape(-1, *array.shape[-2:]).sum(0)
