"""Fan-ins that a rule has to decide about: every output is a weighted sum over several live inputs.

A ``Mixing`` states which inputs a unit has and with which weights; it knows nothing of rules. It answers in
two ways. Every mixing gives *tiles*: the strengths s = W·x of some units, written out along a last axis, with
a way to hand each input what it was given. A ``Dense`` mixing can also evaluate its own sum with other numbers
in the place of W and x (``spread``) and its transpose (``collect``): a rule whose φ(W·x) factors into
functions of W and of x then costs a few ordinary convolutions, and nothing is ever written out.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from .graph import Value

__all__ = [
    "TILE_ELEMENTS", "Dense", "Mixing", "Reduction", "Side", "Summands", "Tile", "Windows", "kept", "outer",
    "parts_of_rows", "parts_of_units", "side_of",
]  # fmt: skip

#: Strengths written out at once, 8 MB in float32: the calls of a smaller tile take longer than its arithmetic.
TILE_ELEMENTS = 1 << 21
#: Entries of the larger of input and output that are worked on at once: 4 MB in float32.
PART = 1 << 20
#: How much larger than the weights a part is at least, for they are put in another order for each.
OF_WEIGHTS = 4


@dataclass(frozen=True, slots=True)
class Tile:
    """The fan-ins of some units, written out along the axis ``dim``.

    Shapes: ``strength`` (..., fan-in), zero where nothing is live; ``live`` and ``weight`` broadcast to it;
    ``mass`` (...).
    """

    strength: Tensor
    weight: Tensor
    live: Tensor | None  # which inputs of the fan-in are there and depend on the network's input
    mass: Tensor
    #: ``give(phi, ratio)``: what each input gets from each unit is phi, like ``strength``, times the unit's ratio.
    give: Callable[[Tensor, Tensor], None]
    dim: int = -1  # the axis of the fan-in


class Mixing(ABC):
    """A node that is a weighted sum of its live inputs, plus an intercept."""

    inputs: tuple[Value, ...]
    #: Whether all inputs of a unit have weights of one size.
    alike: bool = False

    def evenly(self, mass: Tensor) -> tuple[Tensor, ...] | None:
        """Return what each input gets where all of a unit get the same; ``None`` where that takes more than a line."""
        return None

    def nothing(self, mass: Tensor) -> tuple[Tensor, ...]:
        """Return zeros for every live input, to give into."""
        return tuple(mass.new_zeros(value.tensor.shape) for value in self.inputs)

    def home(self, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Bring what was given to the shapes of the inputs, where a mixing works on copies laid out otherwise."""
        return given

    @abstractmethod
    def tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        """Write out every unit's fan-in; what the tiles give is added into ``given``, one array per input.

        The strengths of a tile are nobody else's until the next one: a rule may overwrite them.
        """


#: Which entries of one side of a product are inputs: a mask, ``None`` for all, ``False`` for none (a constant).
Side = Tensor | Literal[False] | None


class Dense(Mixing):
    """A mixing that multiplies two arrays: strength = weight · x, summed over the fan-in.

    Mostly x is live and the weight is constant. Of a matrix product of two live values, both sides are inputs, and
    each entry of either has the product of the two as its strength.
    """

    weight: Tensor
    x: Tensor
    x_side: Side
    weight_side: Side = False
    #: What a strength costs in ``spread`` and ``collect`` together, in nanoseconds of two cores.
    effort: float = 0.022
    #: What another array in the place of the weight costs by itself, for each of its entries.
    renewal: float = 1.0
    #: The longest fan-in that surely costs less written out.
    brief: int = 12

    @abstractmethod
    def spread(self, weight: Tensor, x: Tensor) -> Tensor:
        """Return Σ_p weight[q, p] · x[p] for every output q."""

    @abstractmethod
    def collect(self, weight: Tensor, mass: Tensor) -> Tensor:
        """Return Σ_q weight[q, p] · mass[q] for every x[p]: the transpose of ``spread``."""

    def collect_weight(self, x: Tensor, mass: Tensor) -> Tensor:
        """Return Σ x[p] · mass[q] for every weight[q, p], summed over all places where it is used."""
        raise AssertionError("a constant weight is no input")

    @abstractmethod
    def count(self) -> Tensor:
        """Return how many live inputs each output has, broadcastable to the output."""

    @abstractmethod
    def scatter(self, mass: Tensor) -> tuple[Tensor, ...]:
        """Give every output's mass to each of its live inputs: ``hand_out`` with ones for both sides."""

    @abstractmethod
    def normalized(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return (rates, inputs, scale): |weight| and |x| with their scales taken off, which together are ``scale``.

        No entry is larger than one; ``scale`` is positive and broadcasts to the output.
        """

    @abstractmethod
    def reach(self, x: Tensor) -> Tensor:
        """Return the largest ``x`` among each output's inputs, broadcastable to the output. ``x`` is ≥ 0."""

    @abstractmethod
    def tiles_of(self, units: Tensor, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        """Write out the fan-ins of some units only: those where the mask ``units``, like the output, is true."""

    def parts(self) -> Iterator[tuple[slice, Dense]]:
        """Return the mixing in parts of its samples, where its arrays are too large to stay near the processor.

        Each comes with where its samples are, in every input and in the mass alike. None where one will do.
        """
        return iter(())

    def sides(self) -> tuple[Tensor, ...]:
        """Return the arrays that are inputs, x first."""
        both = ((self.x, self.x_side), (self.weight, self.weight_side))
        return tuple(array for array, side in both if side is not False)

    def total(self, rates: Tensor, inputs: Tensor) -> Tensor:
        """Return Σ rates · inputs over every output's live inputs."""
        if self.x_side is None and self.weight_side is None:
            return 2 * self.spread(rates, inputs)
        parts = []
        if self.x_side is not False:
            parts.append(self.spread(rates, kept(self.x_side, inputs)))
        if self.weight_side is not False:
            parts.append(self.spread(kept(self.weight_side, rates), inputs))
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    def hand_out(self, rates: Tensor, inputs: Tensor, mass: Tensor) -> tuple[Tensor, ...]:
        """Return what every live input gets of Σ_q rates · inputs · mass[q]."""
        given = []
        if self.x_side is not False:
            given.append(kept(self.x_side, self.collect(rates, mass).mul_(inputs)))
        if self.weight_side is not False:
            given.append(kept(self.weight_side, self.collect_weight(inputs, mass).mul_(rates)))
        return tuple(given)

    def add_to(
        self, given: tuple[Tensor, ...], rates: Tensor, inputs: Tensor, mass: Tensor, times: float = 1
    ) -> None:
        """Add ``times`` what ``hand_out`` returns into ``given``."""
        if self.x_side is None:
            given[0].addcmul_(self.collect(rates, mass), inputs, value=times)
        elif self.x_side is not False:
            given[0].add_(kept(self.x_side, self.collect(rates, mass).mul_(inputs)), alpha=times)
        if self.weight_side is None:
            given[-1].addcmul_(self.collect_weight(inputs, mass), rates, value=times)
        elif self.weight_side is not False:
            given[-1].add_(kept(self.weight_side, self.collect_weight(inputs, mass).mul_(rates)), alpha=times)

    def total_weight(self, power: float) -> tuple[Tensor, Tensor, Tensor]:
        """Return (rates, factors, Σ rates): |weight|^power is how x is wired, |x|^power how a live weight is."""
        rates, factors = self.weight.abs() ** power, self.x.abs() ** power
        parts = []
        if self.x_side is not False:
            parts.append(self._wiring(rates))
        if self.weight_side is not False:
            parts.append(self.spread(kept(self.weight_side, torch.ones_like(rates)), factors))
        return rates, factors, parts[0] if len(parts) == 1 else parts[0] + parts[1]

    def _wiring(self, rates: Tensor) -> Tensor:
        return self.spread(rates, kept(self.x_side, torch.ones_like(self.x)))

    def hand_out_weight(self, rates: Tensor, factors: Tensor, mass: Tensor) -> tuple[Tensor, ...]:
        """Return what every live input gets by its wiring."""
        given = []
        if self.x_side is not False:
            given.append(kept(self.x_side, self.collect(rates, mass)))
        if self.weight_side is not False:
            given.append(kept(self.weight_side, self.collect_weight(factors, mass)))
        return tuple(given)


def side_of(value: Value | None) -> Side:
    """Return which entries of an operand are inputs."""
    return False if value is None else value.live


def kept(side: Side, array: Tensor) -> Tensor:
    """Return an array with zeros where nothing is an input."""
    return array if side is None else torch.where(side, array, 0)  # type: ignore[arg-type]


def outer(a: Tensor, b: Tensor, room: Tensor) -> Tensor:
    """Return a · b, broadcast, in the memory of ``room``: a tile that has it to itself until the next one."""
    shape = torch.broadcast_shapes(a.shape, b.shape)
    return torch.mul(a, b, out=room[: math.prod(shape)].view(shape))


def parts_of_rows(rows: int, each: int, weight: Tensor) -> Iterator[slice]:
    """Return the rows in parts that stay near the processor, of ``each`` entries a row; none where one will do."""
    step = max(1, max(PART, OF_WEIGHTS * weight.numel()) // max(1, each))
    if step < rows:
        for start in range(0, rows, step):
            yield slice(start, min(start + step, rows))


def parts_of_units(units: Tensor, fan_in: int) -> Iterator[tuple[Tensor, ...]]:
    """Return where a mask of units is true, as one index per axis, in parts that fill a tile."""
    step = max(1, TILE_ELEMENTS // max(1, fan_in))
    for part in units.nonzero().split(step):
        yield part.unbind(1)


class Windows(Mixing):
    """Sums over windows of one input, all entries of a window with the same weight: mean pooling.

    The input is seen as (rows, places); every output (row, window) sums ``x[row, index[window]]`` times
    ``weight[window]``. An index of -1 is padding: nobody there.
    """

    def __init__(
        self,
        value: Value,
        index: Tensor,
        weight: Tensor,
        rows: Callable[[Tensor], Tensor] = lambda x: x,
        unrows: Callable[[Tensor], Tensor] = lambda x: x,
    ) -> None:
        """``index`` (windows, places of a window), ``weight`` (windows, 1); ``unrows`` undoes ``rows``."""
        self.inputs = (value,)
        self.index, self.weight, self.rows, self.unrows = index, weight, rows, unrows

    def tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        value = self.inputs[0]
        x = self.rows(value.tensor)
        there = self.index >= 0
        index = self.index.clamp(min=0)
        live = None if value.live is None else self.rows(value.live)
        flat_mass = mass.reshape(x.shape[0], len(index))
        received = torch.zeros_like(x)
        step = max(1, TILE_ELEMENTS // max(1, index.numel()))
        for start in range(0, x.shape[0], step):
            part = slice(start, start + step)
            mask = there if live is None else live[part][:, index] & there

            def give(phi: Tensor, ratio: Tensor, part: slice = part, mask: Tensor = mask) -> None:
                shares = phi * ratio.unsqueeze(-1) * mask
                received[part].index_add_(1, index.flatten(), shares.flatten(1))

            strength = torch.where(mask, x[part][:, index], 0) * self.weight
            yield Tile(strength, self.weight, mask, flat_mass[part], give)
        given[0].add_(self.unrows(received))


class Reduction(Mixing):
    """A sum over whole axes, all entries with the same weight: a global mean."""

    alike = True

    def __init__(self, value: Value, over: tuple[int, ...], scale: float) -> None:
        """``over`` are the axes summed over; a unit is ``scale`` times its sum."""
        self.inputs, self.over, self.scale = (value,), over, scale
        others = [d for d in range(value.tensor.dim()) if d not in over]
        self._order = [*others, *over]
        self._units = [value.tensor.shape[d] for d in others]

    def evenly(self, mass: Tensor) -> tuple[Tensor, ...] | None:
        value = self.inputs[0]
        if value.live is not None:
            return None
        shape = value.tensor.shape
        each = mass.reshape([1 if d in self.over else size for d, size in enumerate(shape)])
        return ((each / math.prod(shape[d] for d in self.over)).expand(shape),)

    def _rows(self, array: Tensor) -> Tensor:
        """Return the array as (units, entries of a unit)."""
        return array.permute(self._order).reshape(math.prod(self._units), -1)

    def tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        value = self.inputs[0]
        x, flat_mass = self._rows(value.tensor), mass.reshape(-1)
        live = None if value.live is None else self._rows(value.live)
        received = torch.empty_like(x)
        step = max(1, TILE_ELEMENTS // max(1, x.shape[1]))
        weight = x.new_tensor(self.scale)
        for start in range(0, len(x), step):
            part = slice(start, start + step)

            def give(phi: Tensor, ratio: Tensor, part: slice = part) -> None:
                torch.mul(phi, ratio.unsqueeze(-1), out=received[part])

            strength = x[part] * self.scale
            mask = None if live is None else live[part]
            if mask is not None:
                strength = torch.where(mask, strength, 0)
            yield Tile(strength, weight, mask, flat_mass[part], give)
        inverse = [self._order.index(d) for d in range(len(self._order))]
        given[0].add_(received.view([value.tensor.shape[d] for d in self._order]).permute(inverse))


class Summands(Mixing):
    """A sum of live values, element by element: the strengths are the summands."""

    def __init__(self, inputs: tuple[Value, ...], factors: tuple[float, ...], shape: torch.Size) -> None:
        """``factors`` is ±1 for each input, or the ``alpha`` of an addition."""
        self.inputs, self.factors, self.shape = inputs, factors, shape
        self.alike = len({abs(factor) for factor in factors}) == 1

    def evenly(self, mass: Tensor) -> tuple[Tensor, ...] | None:
        if any(v.live is not None or v.tensor.shape != self.shape for v in self.inputs):
            return None
        return (mass / len(self.inputs),) * len(self.inputs)

    def tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        rows = 1
        if self.shape and all(v.tensor.shape == self.shape for v in self.inputs):
            rows = self.shape[0]
        step = max(1, rows * TILE_ELEMENTS // max(1, len(self.inputs) * mass.numel()))
        if step >= rows:
            yield self._tile(mass, given, [v.tensor for v in self.inputs], [v.live for v in self.inputs])
            return
        for start in range(0, rows, step):
            part = slice(start, start + step)
            yield self._tile(
                mass[part],
                tuple(array[part] for array in given),
                [v.tensor[part] for v in self.inputs],
                [None if v.live is None else v.live[part] for v in self.inputs],
            )

    def _tile(
        self, mass: Tensor, given: tuple[Tensor, ...], summands: list[Tensor], masks: list[Tensor | None]
    ) -> Tile:
        shape = mass.shape
        strength = torch.stack(
            [(x * factor).expand(shape) for x, factor in zip(summands, self.factors, strict=True)]
        )
        live = None
        if any(mask is not None for mask in masks):
            everywhere = torch.ones((), dtype=torch.bool, device=mass.device)
            live = torch.stack([(everywhere if mask is None else mask).expand(shape) for mask in masks])
            strength = torch.where(live, strength, 0)
        weight = strength.new_tensor(self.factors).view(-1, *[1] * len(shape))

        def give(phi: Tensor, ratio: Tensor) -> None:
            for array, part in zip(given, phi.unbind(0), strict=True):
                if array.shape == shape:
                    array.addcmul_(part, ratio)
                else:
                    array.add_((part * ratio).sum_to_size(array.shape))

        return Tile(strength, weight, live, mass, give, dim=0)
