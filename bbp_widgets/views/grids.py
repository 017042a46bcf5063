"""How the units of a value lie on the screen: a row of numbers, or a map of places for each channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

__all__ = ["Grid", "grid_of"]


@dataclass(frozen=True, slots=True)
class Grid:
    """Where each unit of a value of ``shape`` (without the axis of samples) is drawn.

    A vector has its units in one row. Maps have the last two axes as rows and columns, and all others as channels; of
    two axes the first is the channels, of height one.
    """

    shape: tuple[int, ...]
    kind: Literal["vector", "maps"]
    channels: int
    height: int
    width: int

    def maps(self, array: Tensor) -> Tensor:
        """Return an array of the value's shape as (channels, height, width)."""
        return array.reshape(self.channels, self.height, self.width)

    def index(self, unit: Sequence[int]) -> tuple[int, ...]:
        """Return the index into the value of a unit as the screen counts: [i], or [channel, row, column].

        Raises: ``IndexError`` where there is no such unit.
        """
        sizes = (self.channels,) if self.kind == "vector" else (self.channels, self.height, self.width)
        if len(unit) != len(sizes) or not all(
            0 <= int(i) < size for i, size in zip(unit, sizes, strict=True)
        ):
            raise IndexError(f"no unit {list(unit)} among {list(sizes)}.")
        return _unravelled(_ravelled(unit, sizes), self.shape)

    def unit(self, index: Sequence[int]) -> list[int]:
        """Return how the screen counts a unit at ``index`` of the value."""
        flat = _ravelled(index, self.shape)
        if self.kind == "vector":
            return [flat]
        return list(_unravelled(flat, (self.channels, self.height, self.width)))


def grid_of(shape: Sequence[int]) -> Grid:
    """Return where the units of a value of this shape are drawn."""
    sizes = tuple(int(size) for size in shape)
    count = math.prod(sizes)
    if len(sizes) < 2 or count == sizes[0]:  # (C,), or (C, 1, 1) after global pooling
        return Grid(sizes, "vector", count, 1, count)
    if len(sizes) == 2:
        return Grid(sizes, "maps", sizes[0], 1, sizes[1])
    return Grid(sizes, "maps", math.prod(sizes[:-2]), sizes[-2], sizes[-1])


def _ravelled(index: Sequence[int], shape: Sequence[int]) -> int:
    flat = 0
    for i, size in zip(index, shape, strict=True):
        flat = flat * size + int(i)
    return flat


def _unravelled(flat: int, shape: Sequence[int]) -> tuple[int, ...]:
    index = []
    for size in reversed(shape):
        flat, i = divmod(flat, size)
        index.append(i)
    return tuple(reversed(index))
