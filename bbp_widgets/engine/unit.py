"""One unit of the walk: what came to it, what it added, and what it gave on, term by term.

The walk moves whole arrays; here are the single terms that those are the sums of. Sharing is linear in the masses, so
what one unit gives is what the node gives when it alone holds mass, and what one unit gets from each of the others is
the derivative of what it gets by their masses. Both ask the rules and the ops themselves. Only the fan-ins
concerned are written out, by the rules' own formulas: where the walk shares by sums of powers (``exponential.py``),
it is within their 1e-4 of the terms here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from .graph import Value
from .linearization import Follows
from .mixing import TILE_ELEMENTS, Dense, Mixing, Tile
from .ops.convolution import ConvolutionMixing
from .rules import Rule, Uniform
from .samples import Layout
from .target import Contraction
from .walk import injected

if TYPE_CHECKING:
    from .attribution import Attribution

__all__ = ["Comes", "Gives", "UnitEquation", "share_entropy", "unit_equation"]

#: Fan-ins up to this are written out for single units, however many these are.
_SHORT = 64


@dataclass(frozen=True, slots=True)
class Gives:
    """What a unit shares on: one term for every live input unit of its fan-in, the largest mass first.

    ``sources[source[i]]`` names the value that term i goes to, a node's or an input's, and ``index[i]`` the unit in it,
    without the sample axis, filled up with −1 where another source has more axes. strength = weight · value, and
    mass = share · the unit's mass. Shares are of the unit's whole mass, and add up to one.

    Shapes: ``source`` (n,), ``index`` (n, axes), the others (n,).
    Units: ``strength`` as the unit's value, ``mass`` in target units.
    """

    sources: tuple[str, ...]
    source: Tensor
    index: Tensor
    weight: Tensor
    value: Tensor
    strength: Tensor
    share: Tensor
    mass: Tensor

    def __len__(self) -> int:
        """Return the number of terms."""
        return len(self.source)


@dataclass(frozen=True, slots=True)
class Comes:
    """Where a unit's mass came from: one term for every unit that gave it some, the largest first.

    ``sources[source[i]]`` names the node (or ``"target"``) that term i comes from, and ``index[i]`` the unit in its
    value, as in ``Gives``. contribution = share · mass, where ``mass`` is all that the giving unit had.

    Shapes: ``source`` (n,), ``index`` (n, axes), the others (n,). Units: target units.
    """

    sources: tuple[str, ...]
    source: Tensor
    index: Tensor
    mass: Tensor
    share: Tensor
    contribution: Tensor

    def __len__(self) -> int:
        """Return the number of terms."""
        return len(self.source)


@dataclass(frozen=True, slots=True)
class UnitEquation:
    """What the walk does at one unit.

    value = Σ gives.strength + intercept, and mass = arrived + own − unshared, where own = grad · intercept and
    arrived = Σ comes.contribution; the mass then goes to the inputs as ``gives`` says. ``index`` has no sample axis.
    ``rule`` is the one that decided, or ``None`` where there was nothing to decide.

    Units: ``mass``, ``arrived``, ``own`` and ``unshared`` are in target units, ``grad`` in these per unit of value.
    """

    node: str
    index: tuple[int, ...]
    sample: int
    rule: Rule | None
    value: float
    intercept: float
    grad: float
    mass: float
    arrived: float
    own: float
    unshared: float
    gives: Gives
    comes: Comes


class _Seats:
    """Where the units of one sample sit in an array, and where a place of the array is in its sample."""

    def __init__(self, value: Value, samples: int) -> None:
        """An axis that only counts samples is left out of an index."""
        self.whole, self.samples = tuple(value.tensor.shape), samples
        layout = _layout(value, samples)
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


@dataclass(frozen=True, slots=True)
class _Giver:
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
        for tile in _tiles(fan_in, which, signed, given):

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


def _tiles(mixing: Mixing, which: Tensor | None, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
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


class _Walk:
    """A walk that has been done, from which single units are read."""

    def __init__(self, result: Attribution, sample: int) -> None:
        """Read a unit of ``sample`` from ``result``, which keeps what the walk carried.

        Raises: ``IndexError`` for a sample that does not exist.
        """
        self.result, self.samples = result, len(result.value)
        if not 0 <= sample < self.samples:
            raise IndexError(f"no sample {sample}: there are {self.samples}, counted from zero.")
        self.target = Value(result.value, name="target")
        self.names = {value: value.name for value in (self.target, *result._inputs)}
        self.made_by: dict[Value, int] = {}
        self.used_by: dict[Value, list[int]] = {}
        for i, site in enumerate(result._sites):
            for output, value in enumerate(site.node.outputs):
                if value is not None:
                    self.names[value] = f"{site.node.name}:{output}" if output else site.node.name
                    self.made_by[value] = i
            for value in dict.fromkeys(site.node.inputs):
                self.used_by.setdefault(value, []).append(i)

    def find(self, name: str | int) -> Value:
        """Return the value that the name of a node, an input or a module means, or a place in the ledger.

        Raises: ``KeyError``, ``IndexError``.
        """
        if isinstance(name, int):
            return self.result._of_step(name) or self.target
        if name == "target":
            return self.target
        found = [value for value, known in self.names.items() if known == name]
        return found[0] if found else self.result._find(name)

    def seats(self, value: Value) -> _Seats:
        """Return where the units of a value sit."""
        return _Seats(value, self.samples)

    def giver_of(self, value: Value) -> _Giver | None:
        """Return what shares the mass of a value; ``None`` for an input of the network."""
        if value is self.target:
            return self._opening()
        i = self.made_by.get(value)
        return None if i is None else self._giver(i)

    def _giver(self, i: int) -> _Giver:
        """Return a node as it shared its mass."""
        site = self.result._sites[i]
        outputs = tuple(value for value in site.node.outputs if value is not None)
        fan_in = site.facts.fan_in
        rule = self.result._rule_at(site.node) if isinstance(fan_in, Mixing) else None
        masses = tuple(self.result._mass(value) for value in outputs)
        return _Giver(fan_in, rule, site.node.inputs, outputs, masses, site.facts.pullback)

    def _opening(self) -> _Giver:
        """Return the target as it shared its own intercept."""
        gradients, target = self.result.local._gradients, self.result.local._target

        def pullback(grad: Tensor) -> tuple[Tensor, ...]:
            marks = [
                _layout(v, self.samples).marks(v.tensor.shape, self.samples, grad.device)
                for v in target.outputs
            ]
            return tuple(g * grad[mark.long()] for g, mark in zip(gradients.first, marks, strict=True))

        mass = (gradients.opening - self.result._masses.opening_unshared).to(target.value.dtype)
        mixing, rule = Contraction(target), self.result._rule_at(None)
        return _Giver(mixing, rule, target.outputs, (self.target,), (mass,), pullback)

    def gives(self, giver: _Giver, output: int, place: int) -> Gives:
        """Return the terms that one unit of a node shares on."""
        units = [value.tensor.new_zeros(value.tensor.shape) for value in giver.outputs]
        units[output].view(-1)[place] = 1
        shares, weights, there = giver.shares(units), giver.weights(units), giver.fan_in_of(units)
        sources = tuple(dict.fromkeys(value for value in giver.inputs if value in shares or value in weights))
        if not sources:
            return _NOTHING
        places, columns = [], []
        for value in sources:
            zeros = torch.zeros_like(value.tensor)
            arrays = [found.get(value, zeros).reshape(-1) for found in (shares, weights, there)]
            seen = torch.stack([array != 0 for array in arrays]).any(0)
            if value.live is not None:
                seen &= value.live.reshape(-1)
            at = seen.nonzero()[:, 0]
            places.append(at)
            columns.append([array[at] for array in (*arrays[:2], value.tensor.reshape(-1))])
        dtype = giver.masses[output].dtype
        share, weight, x = (torch.cat([column[i].to(dtype) for column in columns]) for i in range(3))
        source, index, order = self._terms(sources, places, share)
        share, weight, x = share[order], weight[order], x[order]
        strength = torch.where(weight == 0, 0, weight * x)  # a masked score may be minus infinity
        mass = share * giver.masses[output].flatten()[place]
        names = tuple(self.names[value] for value in sources)
        return Gives(names, source, index, weight, x, strength, share, mass)

    def comes(self, value: Value, place: int) -> Comes:
        """Return the terms that one unit of a value got."""
        sources: list[Value] = []
        names, places, masses, shares = [], [], [], []
        givers = [self._giver(i) for i in self.used_by.get(value, [])]
        if self.result._masses.opening and value in self.result.local._target.outputs:
            givers.append(self._opening())
        for giver in givers:
            if not any(bool(mass.any()) for mass in giver.masses):
                continue
            found = giver.shares_of(value, place)
            for source, mass, share in zip(giver.outputs, giver.masses, found, strict=True):
                flat = share.reshape(-1)
                at = ((flat != 0) & (mass.reshape(-1) != 0)).nonzero()[:, 0]
                if not len(at):
                    continue
                sources.append(source)
                names.append(self.names[source])
                places.append(at)
                masses.append(mass.reshape(-1)[at])
                shares.append(flat[at])
        held, part = (torch.cat(found) if found else value.tensor.new_empty(0) for found in (masses, shares))
        contribution = part * held
        which, index, order = self._terms(sources, places, contribution)
        return Comes(tuple(names), which, index, held[order], part[order], contribution[order])

    def _terms(
        self, sources: Sequence[Value], places: Sequence[Tensor], size: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the source and the index of every term, the largest first, and that order."""
        order = size.abs().argsort(descending=True, stable=True)
        if not sources:
            return order, order.new_empty(0, 0), order
        seats = [self.seats(value) for value in sources]
        axes = max(len(seat.shape) for seat in seats)
        source = torch.cat([torch.full_like(at, i) for i, at in enumerate(places)])
        index = torch.cat([seat.index(at, axes) for seat, at in zip(seats, places, strict=True)])
        return source[order], index[order], order


def unit_equation(
    result: Attribution, name: str | int, index: int | Sequence[int], sample: int
) -> UnitEquation:
    """Return what the walk does at one unit; see ``Attribution.unit``."""
    walk = _Walk(result, sample)
    value = walk.find(name)
    seats = walk.seats(value)
    unit = seats.unit(index)
    place = seats.place(unit, sample)

    def at(array: Tensor | None) -> float:
        return 0.0 if array is None else float(array.expand(value.tensor.shape).reshape(-1)[place])

    live = value.live is None or bool(value.live.reshape(-1)[place])
    own = unshared = intercept = 0.0
    if value is walk.target:
        own = intercept = at(result.local._gradients.opening)
        unshared = at(result._masses.opening_unshared)
        grad, mass, arrived = 1.0, own - unshared, 0.0
    else:
        grad, mass = at(result.local._grad(value)), at(result._mass(value))
        arrived = mass
    if value in walk.made_by:
        i = walk.made_by[value]
        site, step = result._sites[i], result._masses.steps[i]
        output = site.node.outputs.index(value)
        arrived = at(step.arrived[output])
        if not live:
            intercept, unshared = at(value.tensor), arrived
        elif output == 0 and site.facts.intercept is not None:
            intercept, own = at(site.facts.constant()), at(injected(site))
    giver = walk.giver_of(value)
    gives = _NOTHING if giver is None or not live else walk.gives(giver, giver.outputs.index(value), place)
    return UnitEquation(
        node=walk.names[value],
        index=unit,
        sample=sample,
        rule=None if giver is None else giver.rule,
        value=at(value.tensor),
        intercept=intercept,
        grad=grad,
        mass=mass,
        arrived=arrived,
        own=own,
        unshared=unshared,
        gives=gives,
        comes=walk.comes(value, place),
    )


_NOTHING = Gives(
    (), *(torch.empty(0, dtype=torch.long), torch.empty(0, 0, dtype=torch.long)), *[torch.empty(0)] * 5
)


def share_entropy(result: Attribution, name: str | int, units: int, sample: int) -> float | None:
    """Return how evenly the largest units of a node share; see ``Attribution.share_entropy``."""
    walk = _Walk(result, sample)
    giver = walk.giver_of(walk.find(name))
    if giver is None or giver.rule is None:
        return None
    value, mass = giver.outputs[0], giver.masses[0]
    marks = _layout(value, walk.samples).marks(mass.shape, walk.samples, mass.device)
    size = torch.where(marks == sample, mass.abs(), 0).flatten()
    largest = size.topk(min(units, len(size)))
    chosen = torch.zeros_like(size, dtype=torch.bool)
    chosen[largest.indices] = largest.values > 0
    chosen = chosen.view(mass.shape)
    held = torch.where(chosen, mass, 0)
    assert isinstance(giver.fan_in, Mixing)
    entropies, weights = [], []

    for tile in _tiles(giver.fan_in, chosen, held, giver.fan_in.nothing(held)):

        def give(phi: Tensor, ratio: Tensor, tile: Tile = tile) -> None:
            here = (tile.mass != 0).nonzero(as_tuple=True)
            rows = (phi.movedim(tile.dim, -1)[here] * ratio[here].unsqueeze(-1)) / tile.mass[here].unsqueeze(
                -1
            )
            live = torch.ones_like(rows, dtype=torch.bool)
            if tile.live is not None:
                live = tile.live.expand(phi.shape).movedim(tile.dim, -1)[here]
            count = live.sum(-1)
            entropy = torch.special.entr(torch.where(live, rows, 0).double()).sum(-1)
            decided = count > 1
            entropies.append((entropy / count.clamp(min=2).double().log())[decided])
            weights.append(tile.mass[here].abs().double()[decided])

        giver.rule.share_tile(replace(tile, give=give))
    entropy, weight = torch.cat(entropies), torch.cat(weights)
    return float((entropy * weight).sum() / weight.sum()) if len(weight) else None


def _layout(value: Value, samples: int) -> Layout:
    shape = value.tensor.shape
    return value.layout or Layout(-len(shape), max(1, shape[0] // samples))
