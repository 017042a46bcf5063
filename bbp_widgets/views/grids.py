"""How the units of a value lie on the screen: a row of numbers, or a map of places for each channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

__all__ = ["Along", "Grid", "grid_of"]


class Along(NamedTuple):
    """What counts rows or columns: an axis from the end, or a part of one, i = ((index − lead) // div) mod ``mod``.

    The first ``lead`` entries of the axis have no place: a class token, registers.
    """

    axis: int
    div: int = 1
    mod: int | None = None
    lead: int = 0

    @property
    def plain(self) -> bool:
        """Whether it is an axis of its own."""
        return self.div == 1 and self.mod is None


@dataclass(frozen=True, slots=True)
class Grid:
    """Where each unit of a value of ``shape`` (without the axis of samples) is drawn.

    A vector has its units in one row. Maps have rows and columns, and all other axes are channels: the last two axes,
    unless others are known to be the input's (channels kept last, tokens); of two axes one is the channels, of height
    one. ``order`` has the axes of the channels before those of the places. ``along`` says what counts rows and columns,
    and they are ``placed`` where those are known to be the input's own. ``lead`` units of a channel come before its
    first place: they have rows of their own, above.
    """

    shape: tuple[int, ...]
    kind: Literal["vector", "maps"]
    channels: int
    height: int
    width: int
    order: tuple[int, ...]
    along: tuple[Along | None, Along | None] = (None, None)
    placed: bool = False
    lead: int = 0

    @property
    def above(self) -> int:
        """How many rows the units without a place have."""
        return -(-self.lead // self.width)

    @property
    def described(self) -> dict[str, Any]:
        """What the page is told of it."""
        return {
            "kind": self.kind, "channels": self.channels, "height": self.height, "width": self.width,
            "placed": self.placed, "lead": self.lead,
        }  # fmt: skip

    def by_channel(self, array: Tensor) -> Tensor:
        """Return an array of the value's shape as (channels, units of each)."""
        return array.permute(self.order).reshape(self.channels, -1)

    def maps(self, array: Tensor) -> Tensor:
        """Return an array of the value's shape as (channels, height, width), zero where no unit is."""
        units = self.by_channel(array)
        if self.lead:
            gap = units.new_zeros(self.channels, self._gap)
            units = torch.cat([units[:, : self.lead], gap, units[:, self.lead :]], 1)
        return units.reshape(self.channels, self.height, self.width)

    @property
    def held(self) -> Tensor:
        """Return where units are, (height, width): one there, else zero."""
        there = torch.ones(self.height * self.width)
        there[self.lead : self.lead + self._gap] = 0
        return there.reshape(self.height, self.width)

    def index(self, unit: Sequence[int]) -> tuple[int, ...]:
        """Return the index into the value of a unit as the screen counts: [i], or [channel, row, column].

        Raises: ``IndexError`` where there is no such unit.
        """
        sizes = (self.channels,) if self.kind == "vector" else (self.channels, self.height, self.width)
        there = len(unit) == len(sizes) and all(0 <= int(i) < n for i, n in zip(unit, sizes, strict=True))
        if there and self.kind == "vector":
            return _unravelled(int(unit[0]), self.shape)
        if there:
            channel, row, column = (int(i) for i in unit)
            place = row * self.width + column
            if row >= self.above:
                place -= self._gap
            if row >= self.above or place < self.lead:
                flat = channel * (self.height * self.width - self._gap) + place
                found = _unravelled(flat, [self.shape[axis] for axis in self.order])
                return tuple(found[self.order.index(axis)] for axis in range(len(self.shape)))
        raise IndexError(f"no unit {list(unit)} among {list(sizes)}.")

    def unit(self, index: Sequence[int]) -> list[int]:
        """Return how the screen counts a unit at ``index`` of the value."""
        if self.kind == "vector":
            return [_ravelled(index, self.shape)]
        places = self.height * self.width - self._gap
        flat = _ravelled([index[axis] for axis in self.order], [self.shape[axis] for axis in self.order])
        channel, place = divmod(flat, places)
        row, column = divmod(place if place < self.lead else place + self._gap, self.width)
        return [channel, row, column]

    @property
    def _gap(self) -> int:
        return self.above * self.width - self.lead


def grid_of(shape: Sequence[int], along: Sequence[Along | None] | None = None, in_order: bool = True) -> Grid:
    """Return where the units of a value of this shape are drawn.

    ``along`` says what counts the rows and columns of the picture in it, where that is known, and ``in_order`` whether
    they are where they were: rolled or flipped they are drawn, but not placed.
    """
    sizes = tuple(int(size) for size in shape)
    count = math.prod(sizes)
    if len(sizes) < 2 or count == sizes[0]:  # (C,), or (C, 1, 1) after global pooling
        return Grid(sizes, "vector", count, 1, count, tuple(range(len(sizes))))
    rows, columns = along or (None, None)
    known = None if columns is None else _placed(sizes, rows, columns)
    if known is not None:
        return replace(known, along=(rows, columns), placed=in_order)
    last = Along(-2), Along(-1)
    if len(sizes) == 2:
        return Grid(sizes, "maps", sizes[0], 1, sizes[1], (0, 1), (None, last[1]))
    return Grid(
        sizes, "maps", math.prod(sizes[:-2]), sizes[-2], sizes[-1], tuple(range(len(sizes))), last
    )  # fmt: skip


def _placed(sizes: tuple[int, ...], rows: Along | None, columns: Along) -> Grid | None:
    """Return the grid of a value that has the input's rows and columns; ``None`` where it has not all of them.

    Rows and columns have an axis each; or they were joined into one, in their order; or there are columns alone.
    """
    if any(one is not None and -one.axis > len(sizes) for one in (rows, columns)):
        return None  # counted with an axis of samples between
    axis = columns.axis
    if rows is not None and rows.axis != axis:
        if not (rows.plain and columns.plain) or rows.lead or columns.lead:
            return None
        return _moved(sizes, (rows.axis, axis), sizes[rows.axis], sizes[axis])
    lead, places = columns.lead, sizes[axis] - columns.lead
    if rows is None:
        if not columns.plain or (axis == -1 and len(sizes) > 2):
            return None
        return _moved(sizes, (axis,), 1, places, lead)
    height, width = rows.mod, columns.mod
    joined = rows == (axis, width, height, lead) and columns.div == 1
    if not joined or height is None or width is None or height * width != places:
        return None
    return _moved(sizes, (axis,), height, width, lead)


def _moved(sizes: tuple[int, ...], axes: tuple[int, ...], height: int, width: int, lead: int = 0) -> Grid:
    """Return the grid of a value whose places are along some axes, counted from the end."""
    places = [axis + len(sizes) for axis in axes]
    others = [axis for axis in range(len(sizes)) if axis not in places]
    channels = math.prod(sizes[axis] for axis in others)
    above = -(-lead // width)
    return Grid(sizes, "maps", channels, above + height, width, (*others, *places), lead=lead)


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
