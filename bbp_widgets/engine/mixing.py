"""Fan-ins that a rule has to decide about: every output is a weighted sum over several live inputs.

A ``Mixing`` states which inputs a unit has and with which weights; it knows nothing of rules. It answers in
two ways. Every mixing gives *tiles*: the strengths s = W·x of some units, written out along a last axis, with
a way to hand each input what it was given. A ``Dense`` mixing can also evaluate its own sum with other numbers
in the place of W and x (``spread``) and its transpose (``collect``): a rule whose φ(W·x) factors into
functions of W and of x then costs a few ordinary convolutions, and nothing is ever written out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .graph import Value

__all__ = ["TILE_ELEMENTS", "Dense", "Mixing", "Summands", "Tile", "Windows", "parts_of_units"]

#: Strengths written out at once, 16 MB in float32: larger tiles were slower here, smaller ones no faster.
TILE_ELEMENTS = 1 << 22


@dataclass(frozen=True, slots=True)
class Tile:
    """The fan-ins of some units, written out along the axis ``dim``.

    Shapes: ``strength`` (..., fan-in); ``live`` and ``weight`` broadcast to it; ``mass`` (...).
    """

    strength: Tensor
    weight: Tensor
    live: Tensor | None  # which inputs of the fan-in are there and depend on the network's input
    mass: Tensor
    give: Callable[[Tensor], None]  # hand out an array like `strength`: what each input gets from each unit
    dim: int = -1  # the axis of the fan-in


class Mixing(ABC):
    """A node that is a weighted sum of its live inputs, plus an intercept."""

    inputs: tuple[Value, ...]

    @abstractmethod
    def tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        """Write out every unit's fan-in; what the tiles give is added into ``given``, one array per input."""


class Dense(Mixing):
    """A mixing of one live input with constant weights: strength = weight · x, over all of the fan-in."""

    weight: Tensor  # output units along the first axis

    @property
    def x(self) -> Tensor:
        """Return the live input, its constant elements set to zero."""
        return self.inputs[0].only_live(self.inputs[0].tensor)

    @abstractmethod
    def spread(self, weight: Tensor, x: Tensor) -> Tensor:
        """Return Σ_p weight[q, p] · x[p] for every output q."""

    @abstractmethod
    def collect(self, weight: Tensor, mass: Tensor) -> Tensor:
        """Return Σ_q weight[q, p] · mass[q] for every input p: the transpose of ``spread``."""

    @abstractmethod
    def count(self) -> Tensor:
        """Return how many live inputs each output has, broadcastable to the output."""

    @abstractmethod
    def scatter(self, mass: Tensor) -> Tensor:
        """Give every output's mass to each of its live inputs: ``collect`` with ones for weights."""

    @abstractmethod
    def reach(self, x: Tensor) -> Tensor:
        """Return the largest ``x`` among each output's inputs, broadcastable to the output. ``x`` is ≥ 0."""

    @abstractmethod
    def tiles_of(self, units: Tensor, mass: Tensor, given: Tensor) -> Iterator[Tile]:
        """Write out the fan-ins of some units only: those where the mask ``units``, like the output, is true."""

    @abstractmethod
    def per_unit(self, array: Tensor) -> Tensor:
        """Reshape one number per row of ``weight`` so that it broadcasts to the output."""


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

            def give(shares: Tensor, part: slice = part, mask: Tensor = mask) -> None:
                received[part].index_add_(1, index.flatten(), (shares * mask).flatten(1))

            yield Tile(x[part][:, index] * self.weight, self.weight, mask, flat_mass[part], give)
        given[0].add_(self.unrows(received))


class Summands(Mixing):
    """A sum of live values, element by element: the strengths are the summands."""

    def __init__(self, inputs: tuple[Value, ...], factors: tuple[float, ...], shape: torch.Size) -> None:
        """``factors`` is ±1 for each input, or the ``alpha`` of an addition."""
        self.inputs, self.factors, self.shape = inputs, factors, shape

    def tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        summands = zip(self.inputs, self.factors, strict=True)
        strength = torch.stack([(v.tensor * factor).expand(self.shape) for v, factor in summands])
        live = None
        if any(v.live is not None for v in self.inputs):
            everywhere = torch.ones((), dtype=torch.bool, device=mass.device)
            masks = [everywhere if v.live is None else v.live for v in self.inputs]
            live = torch.stack([mask.expand(self.shape) for mask in masks])
        weight = strength.new_tensor(self.factors).view(-1, *[1] * len(self.shape))

        def give(shares: Tensor) -> None:
            for array, share in zip(given, shares.unbind(0), strict=True):
                array.add_(share.sum_to_size(array.shape))

        yield Tile(strength, weight, live, mass, give, dim=0)
