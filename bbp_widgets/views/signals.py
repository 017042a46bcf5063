"""Inputs along one line: what each position says, for each channel or for all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from bbp_widgets.engine import Attribution

from .follow import features_last, own_axes, told_by
from .tiles import block_sum

__all__ = ["Line", "line_in", "line_of", "lines_of", "positions_of"]

Array = np.ndarray[Any, Any]

#: A row of a table with more columns than these, and no names for them, is a signal.
_TABLE = 256
#: Channels that are told apart; more of them are summed.
_LANES = 16
#: Entries of one array that are sent, of all lanes: beyond, positions are summed over blocks.
_ENTRIES = 65_536


@dataclass(frozen=True, slots=True)
class Line:
    """How an input of one sample lies along a line: ``channels`` values at each of ``length`` positions.

    Shapes: its arrays are (channels, length), or (length,), or (length, channels) where these are ``last``; drawn they
    are (lanes, places). A place holds ``block`` positions, a power of two. ``told`` is the op by which channels and
    positions are told apart, if there is one.
    """

    channels: int
    length: int
    last: bool = False
    told: str | None = None

    @property
    def apart(self) -> bool:
        """Whether each channel is a lane; else there is one lane, of all channels."""
        return self.channels <= _LANES

    @property
    def lanes(self) -> int:
        """How many lanes are drawn."""
        return self.channels if self.apart else 1

    @property
    def block(self) -> int:
        """How many positions a place holds; the last place may hold fewer."""
        block = 1
        while self.lanes * -(-self.length // block) > _ENTRIES:
            block *= 2
        return block

    @property
    def axes(self) -> dict[str, str | None] | None:
        """Which of its two axes are positions, and the op that tells so; ``None`` where there is no other axis."""
        if 1 in (self.channels, self.length):
            return None
        return {"positions": "first" if self.last else "last", "told": self.told}

    def sums(self, part: Tensor) -> Array:
        """Return what each place of each lane adds up to, in double precision."""
        arrays = self._by_channel(part)
        return self._blocks(arrays if self.apart else arrays.sum(0, keepdims=True))

    def values(self, x: Tensor) -> Array:
        """Return the mean value at each place of each lane; of channels that are not told apart, their length √Σx²."""
        arrays = self._by_channel(x)
        shown = arrays if self.apart else np.sqrt(np.square(arrays).sum(0, keepdims=True))
        counts = self._blocks(np.ones((1, self.length)))
        return np.asarray(self._blocks(shown) / counts)

    def names(self, features: Sequence[str] | None) -> dict[str, list[str] | None]:
        """Return the names of positions and lanes: whichever of them ``features`` has one for each of."""
        count = -1 if features is None else len(features)
        names = None if features is None else [str(name) for name in features]
        positions = self.block == 1 and count == self.length
        return {
            "names": names if positions else None,
            "lanes": names if self.apart and self.channels == count and not positions else None,
        }

    def _by_channel(self, array: Tensor) -> Array:
        numbers = array.detach().double().cpu().numpy()
        return (
            numbers.reshape(self.length, self.channels).T if self.last else numbers.reshape(self.channels, -1)
        )

    def _blocks(self, arrays: Array) -> Array:
        return block_sum(arrays[:, None], self.block)[:, 0]


def line_in(
    attribution: Attribution, sample: int, features: Sequence[str] | None = None, entry: int = 0
) -> Line | None:
    """Return how an input of one sample lies along a line; ``None`` where it does not.

    (C, L) does, tokens (T, D) do, and (L,) where it is too long for a table and has no names.
    """
    whole = attribution.sources[entry].tensor.shape
    shape = [whole[axis] for axis in own_axes(attribution, entry)]
    if len(shape) == 2 and features_last(attribution, entry):
        return Line(int(shape[1]), int(shape[0]), last=True, told=told_by(attribution, entry))
    line = line_of(shape, features)
    return line and replace(line, told=told_by(attribution, entry))


def lines_of(attribution: Attribution, features: Sequence[str] | None = None) -> tuple[Line | None, ...]:
    """Return how each input lies along a line; ``None`` for one that does not."""
    return tuple(line_in(attribution, 0, features, entry) for entry in range(len(attribution.entries)))


def positions_of(attribution: Attribution) -> int | None:
    """Return how many positions an input with two axes has; ``None`` of any other."""
    line = line_in(attribution, 0)
    return line.length if len(own_axes(attribution)) == 2 and line is not None else None


def line_of(shape: Sequence[int], features: Sequence[str] | None = None) -> Line | None:
    """Return the same of an input of this shape, without the axis of samples, that is no row of tokens."""
    if len(shape) == 2:
        return Line(int(shape[0]), int(shape[1]))
    if len(shape) == 1 and features is None and shape[0] > _TABLE:
        return Line(1, int(shape[0]))
    return None
