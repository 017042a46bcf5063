"""How the units of a value lie on the screen: a row of numbers, or a map of places for each channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

__all__ = ["Along", "Grid", "grid_of"]

#: What counts rows or columns: an axis from the end, or a part of one, i = (index // div) mod ``mod``.
Along = tuple[int, int, "int | None"]


@dataclass(frozen=True, slots=True)
class Grid:
    """Where each unit of a value of ``shape`` (without the axis of samples) is drawn.

    A vector has its units in one row. Maps have two axes as rows and columns, and all others as channels: the last two,
    unless the value is known to keep its channels ``last``; of two axes the first is the channels, of height one.
    ``along`` says what counts rows and columns.
    """

    shape: tuple[int, ...]
    kind: Literal["vector", "maps"]
    channels: int
    height: int
    width: int
    last: bool = False
    along: tuple[Along | None, Along | None] = ((-2, 1, None), (-1, 1, None))

    def maps(self, array: Tensor) -> Tensor:
        """Return an array of the value's shape as (channels, height, width)."""
        if self.last:
            return array.reshape(self.height, self.width, self.channels).permute(2, 0, 1)
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
        if self.last:
            unit, sizes = (*unit[1:], unit[0]), (*sizes[1:], sizes[0])
        return _unravelled(_ravelled(unit, sizes), self.shape)

    def unit(self, index: Sequence[int]) -> list[int]:
        """Return how the screen counts a unit at ``index`` of the value."""
        flat = _ravelled(index, self.shape)
        if self.kind == "vector":
            return [flat]
        if self.last:
            row, column, channel = _unravelled(flat, (self.height, self.width, self.channels))
            return [channel, row, column]
        return list(_unravelled(flat, (self.channels, self.height, self.width)))


def grid_of(shape: Sequence[int], along: Sequence[Along | None] | None = None) -> Grid:
    """Return where the units of a value of this shape are drawn.

    ``along`` says what counts the rows and columns of the picture in it, where that is known.
    """
    sizes = tuple(int(size) for size in shape)
    count = math.prod(sizes)
    if len(sizes) < 2 or count == sizes[0]:  # (C,), or (C, 1, 1) after global pooling
        return Grid(sizes, "vector", count, 1, count, along=(None, None))
    rows, columns = along or (None, None)
    if len(sizes) == 3 and rows == (-3, 1, None) and columns == (-2, 1, None):
        return Grid(sizes, "maps", sizes[2], sizes[0], sizes[1], True, (rows, columns))
    if len(sizes) == 2 and rows is not None and columns is not None:
        found = _tokens(sizes, rows, columns)
        if found is not None:
            return found
    if len(sizes) == 2:
        return Grid(sizes, "maps", sizes[0], 1, sizes[1], along=(None, (-1, 1, None)))
    return Grid(sizes, "maps", math.prod(sizes[:-2]), sizes[-2], sizes[-1])


def _tokens(sizes: tuple[int, ...], rows: Along, columns: Along) -> Grid | None:
    """Return the grid of a value whose rows and columns were joined into one axis, in their order."""
    axis, width, height = rows
    if columns != (axis, 1, width) or height is None or width * height != sizes[axis]:
        return None
    return Grid(sizes, "maps", sizes[-3 - axis], height, width, axis == -2, (rows, columns))


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
