"""A node that shares its mass, asked about single units.

Sharing is linear in the masses, so what one unit gives is what the node gives when it alone holds mass, and what one
unit gets from each of the others is the derivative of what it gets by their masses. Both ask the rules and the ops
themselves. Only the fan-ins concerned are written out, by the rules' own formulas: where the walk shares by sums of
powers (``exponential.py``), it is within their 1e-4 of the terms here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from .graph import Value
from .linearization import Follows
from .mixing import TILE_ELEMENTS, Dense, Mixing, Tile
from .ops.convolution import ConvolutionMixing
from .rules import Rule, Uniform

__all__ = ["Giver", "tiles_of"]

#: Fan-ins up to this are written out for single units, however many these are.
_SHORT = 64


@dataclass(frozen=True, slots=True)
class Giver:
    """A node that shares mass, or the target: what it states, what decides, and what it holds."""

    fan_in: Follows | Mixing
    rule: Rule | None  # None where the op leaves no choice
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]  # those that are live
    masses: tuple[Tensor, ...]  # one for each of them
    pullback: Callable[..., tuple[Tensor | None, ...]]

    def shares(self, units: Sequence[Tensor]) -> dict[Value, Tensor]:
        """Return what every input gets of some units, each of which has a mass of one.

        ``units`` is one for a unit and zero for others, an array for each output; it may carry a derivative.
        """
        if self.rule is None:
            assert isinstance(self.fan_in, Follows)
            return self._of_each(self.inputs, self.fan_in.pull(*units))
        return self._written_out(self.rule, self.fan_in, self._signed(units[0]), units[0] != 0)

    def fan_in_of(self, units: Sequence[Tensor]) -> dict[Value, Tensor]:
        """Return the same for a rule that leaves no live input out."""
        if self.rule is None:
            return self.shares(units)
        return self._written_out(Uniform(), self.fan_in, self._signed(units[0]), units[0] != 0)

    def weights(self, units: Sequence[Tensor]) -> dict[Value, Tensor]:
        """Return the sum of the units' rows of the Jacobian, over live elements."""
        pulled = self._of_each(self.inputs, self.pullback(*units))
        return {value: value.only_live(array) for value, array in pulled.items()}

    def shares_of(self, value: Value, place: int) -> list[Tensor]:
        """Return the share that one unit of an input has in every unit of each output."""
        try:
            with torch.enable_grad():
                return self._derivative(value, place)
        except RuntimeError:  # of an op without a second derivative
            return self._by_halves(value, place)

    def _signed(self, units: Tensor) -> Tensor:
        """Return units that hold one with the signs of what they hold: some rules look at these."""
        return torch.where(self.masses[0] < 0, -units, units)

    def _written_out(
        self, rule: Rule, fan_in: Follows | Mixing, signed: Tensor, which: Tensor | None
    ) -> dict[Value, Tensor]:
        """Return what every input gets of units that hold ±1; with ``which``, only of those."""
        assert isinstance(fan_in, Mixing)
        given = fan_in.nothing(signed)
        for tile in tiles_of(fan_in, which, signed, given):

            def give(phi: Tensor, ratio: Tensor, tile: Tile = tile) -> None:
                # the sign comes twice; the next tile may use the memory of φ, whose derivative is asked for later
                tile.give(phi.clone() if tile.mass.requires_grad else phi, ratio * tile.mass)

            rule.share_tile(replace(tile, mass=tile.mass.detach(), give=give))
        return self._of_each(fan_in.inputs, fan_in.home(given))

    def _of_each(self, inputs: Sequence[Value], given: Sequence[Tensor | None]) -> dict[Value, Tensor]:
        """Return what each input gets, all uses of it together."""
        total: dict[Value, Tensor] = {}
        for value, array in zip(inputs, given, strict=True):
            if array is not None:
                total[value] = total[value] + array if value in total else array
        return total

    def _derivative(self, value: Value, place: int) -> list[Tensor]:
        ones = [torch.ones_like(v.tensor).requires_grad_() for v in self.outputs]
        if self.rule is None or not isinstance(self.fan_in, Dense):
            return _slopes(self.shares(ones), value, place, ones)
        # only the units that see this one are written out: some at a time, or where they are many the block they are in
        still = _still(self.fan_in)
        (unit,) = ones
        seeing = self._of_each(still.inputs, still.home(still.scatter(unit)))
        (found,) = _slopes(seeing, value, place, ones)
        if not found.any():
            return [found]
        units, fan_in = found.flatten().nonzero()[:, 0], int(still.count().max())
        if isinstance(still, ConvolutionMixing) and fan_in > _SHORT and len(units) * fan_in > TILE_ELEMENTS:
            block, where = _block_of(still, found)
            given = self._written_out(self.rule, block, self._signed(unit)[where], None)
            return _slopes(given, value, place, ones)
        found = found.new_zeros(found.shape)
        for part in units.split(max(1, TILE_ELEMENTS // max(1, fan_in))):
            mask = found.new_zeros(found.shape, dtype=torch.bool)
            mask.view(-1)[part] = True
            given = self._written_out(self.rule, still, self._signed(unit), mask)
            found += _slopes(given, value, place, ones)[0]
        return [found]

    def _by_halves(self, value: Value, place: int) -> list[Tensor]:
        """Look for the units that give to this one in ever smaller parts: no share is negative."""
        sizes = [v.tensor.numel() for v in self.outputs]
        found = self.masses[0].new_zeros(sum(sizes))
        ranges = [(0, len(found))]

        def shaped(flat: Tensor) -> list[Tensor]:
            return [p.view(v.tensor.shape) for p, v in zip(flat.split(sizes), self.outputs, strict=True)]

        while ranges:
            start, stop = ranges.pop()
            asked = torch.zeros_like(found)
            asked[start:stop] = 1
            given = self.shares(shaped(asked)).get(value)
            share = 0.0 if given is None else float(given.flatten()[place])
            if share and stop - start == 1:
                found[start] = share
            elif share:
                middle = (start + stop) // 2
                ranges += [(start, middle), (middle, stop)]
        return shaped(found)


def tiles_of(mixing: Mixing, which: Tensor | None, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
    """Write out the units of a mask where a mixing can leave the others out, and all of them where it cannot."""
    if which is not None and isinstance(mixing, Dense):
        return mixing.tiles_of(which, mass, given)
    return mixing.tiles(mass, given)


def _slopes(given: dict[Value, Tensor], value: Value, place: int, units: Sequence[Tensor]) -> list[Tensor]:
    """Return the derivative of what one unit is given by all that gave."""
    if value not in given:
        return [torch.zeros_like(unit, requires_grad=False) for unit in units]
    slopes = torch.autograd.grad(
        given[value].flatten()[place], units, allow_unused=True, materialize_grads=True
    )
    return [slope.detach() for slope in slopes]


def _still(mixing: Dense) -> Dense:
    """Return a mixing whose arrays carry no derivative: its weights are mostly parameters."""
    still = copy.copy(mixing)
    for name, array in vars(mixing).items():
        if isinstance(array, Tensor):
            setattr(still, name, array.detach())
    return still


def _block_of(mixing: ConvolutionMixing, units: Tensor) -> tuple[ConvolutionMixing, tuple[slice, ...]]:
    """Return the convolution of the block of outputs that these units are in, over what these see, and the block."""
    spans = [slice(int(at.min()), int(at.max()) + 1) for at in units.nonzero().unbind(1)]
    sample, outputs, windows = spans[0], spans[1], spans[2:]
    channels, per_group = mixing.weight.shape[1], mixing.output[1] // mixing.groups
    group = slice(outputs.start // per_group, (outputs.stop - 1) // per_group + 1)
    outputs = slice(group.start * per_group, group.stop * per_group)
    # what to add on either side of each axis: less than zero to cut
    edges = [(-sample.start, sample.stop - len(mixing.x))]
    edges += [(-group.start * channels, (group.stop - mixing.groups) * channels)]
    geometry = (mixing.x.shape[2:], mixing.weight.shape[2:], mixing.stride, mixing.padding, mixing.dilation)
    for window, size, kernel, stride, padding, dilation in zip(windows, *geometry, strict=True):
        last = (window.stop - 1) * stride - padding + dilation * (kernel - 1)
        edges.append((padding - window.start * stride, last + 1 - size))
    border = [n for edge in reversed(edges) for n in edge]
    live = mixing.x_side if isinstance(mixing.x_side, Tensor) else torch.ones_like(mixing.x, dtype=torch.bool)
    block = copy.copy(mixing)
    block.x, block.x_side = F.pad(mixing.x, border), F.pad(live, border)
    block.weight, block.groups = mixing.weight[outputs], group.stop - group.start
    block.padding = (0,) * mixing.dims
    where = (sample, outputs, *windows)
    block.output = torch.Size([span.stop - span.start for span in where])
    block.home = lambda given: mixing.home((F.pad(given[0], [-n for n in border]),))  # type: ignore[method-assign]
    return block, where
