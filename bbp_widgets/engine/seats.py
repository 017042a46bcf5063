"""Where the units of one sample sit in an array that holds several samples."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .graph import Value
from .samples import Layout

__all__ = ["Seats", "layout_of"]


class Seats:
    """Where the units of one sample sit in an array, and where a place of the array is in its sample."""

    def __init__(self, value: Value, samples: int) -> None:
        """An axis that only counts samples is left out of an index."""
        self.whole, self.samples = tuple(value.tensor.shape), samples
        layout = layout_of(value, samples)
        self.axis, self.inner = len(self.whole) + layout.axis, layout.inner
        own = [*self.whole]
        own[self.axis] //= samples
        self.drops = own[self.axis] == 1
        self.shape = tuple(own[: self.axis] + own[self.axis + 1 :]) if self.drops else tuple(own)

    def unit(self, index: int | Sequence[int]) -> tuple[int, ...]:
        """Return an index as a tuple; a number counts the units of a sample.

        Raises: ``IndexError``.
        """
        size = torch.Size(self.shape).numel()
        if isinstance(index, int):
            if 0 <= index < size:
                flat = torch.unravel_index(torch.tensor(index), self.shape or (1,))
                return tuple(int(i) for i in flat) if self.shape else ()
        else:
            unit = tuple(int(i) for i in index)
            if len(unit) == len(self.shape) and all(
                0 <= i < n for i, n in zip(unit, self.shape, strict=True)
            ):
                return unit
        raise IndexError(
            f"no unit {index!r} in a value of shape {self.shape} (without its samples).\n"
            f"  An index has {len(self.shape)} numbers from zero, or is one number below {size}."
        )

    def place(self, unit: tuple[int, ...], sample: int) -> int:
        """Return the place of a sample's unit in the flattened array."""
        full = [*unit[: self.axis], 0, *unit[self.axis :]] if self.drops else [*unit]
        block, rest = divmod(full[self.axis], self.inner)
        full[self.axis] = (block * self.samples + sample) * self.inner + rest
        place = 0
        for i, size in zip(full, self.whole, strict=True):
            place = place * size + i
        return place

    def index(self, places: Tensor, axes: int) -> Tensor:
        """Return the units that places of the flattened array are, (n, axes), filled up with −1."""
        columns = list(torch.unravel_index(places, self.whole))
        along = columns[self.axis]
        block = along.div(self.inner * self.samples, rounding_mode="floor")
        columns[self.axis] = block * self.inner + along % self.inner
        if self.drops:
            del columns[self.axis]
        columns += [torch.full_like(places, -1)] * (axes - len(columns))
        return torch.stack(columns, 1) if columns else places.new_empty(len(places), 0)


def layout_of(value: Value, samples: int) -> Layout:
    """Return how a value holds its samples: one after another along its first axis, where nothing else is known."""
    shape = value.tensor.shape
    return value.layout or Layout(-len(shape), max(1, shape[0] // samples))
