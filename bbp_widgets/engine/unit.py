"""One unit of the walk: what came to it, what it added, and what it gave on, term by term.

The walk moves whole arrays; here are the single terms that those are the sums of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .equation import NO_TERMS, Comes, Gives, UnitEquation
from .giver import Giver, tiles_of
from .graph import Value
from .mixing import Mixing, Tile
from .seats import Seats, layout_of
from .target import Contraction
from .walk import injected

if TYPE_CHECKING:
    from .attribution import Attribution

__all__ = ["share_entropy", "unit_equation"]


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

    def seats(self, value: Value) -> Seats:
        """Return where the units of a value sit."""
        return Seats(value, self.samples)

    def giver_of(self, value: Value) -> Giver | None:
        """Return what shares the mass of a value; ``None`` for an input of the network."""
        if value is self.target:
            return self._opening()
        i = self.made_by.get(value)
        return None if i is None else self._giver(i)

    def _giver(self, i: int) -> Giver:
        """Return a node as it shared its mass."""
        site = self.result._sites[i]
        outputs = tuple(value for value in site.node.outputs if value is not None)
        fan_in = site.facts.fan_in
        rule = self.result._rule_at(site.node) if isinstance(fan_in, Mixing) else None
        masses = tuple(self.result._mass(value) for value in outputs)
        return Giver(fan_in, rule, site.node.inputs, outputs, masses, site.facts.pullback)

    def _opening(self) -> Giver:
        """Return the target as it shared its own intercept."""
        gradients, target = self.result.local._gradients, self.result.local._target

        def pullback(grad: Tensor) -> tuple[Tensor, ...]:
            marks = [
                layout_of(v, self.samples).marks(v.tensor.shape, self.samples, grad.device)
                for v in target.outputs
            ]
            return tuple(g * grad[mark.long()] for g, mark in zip(gradients.first, marks, strict=True))

        mass = (gradients.opening - self.result._masses.opening_unshared).to(target.value.dtype)
        mixing, rule = Contraction(target), self.result._rule_at(None)
        return Giver(mixing, rule, target.outputs, (self.target,), (mass,), pullback)

    def gives(self, giver: Giver, output: int, place: int) -> Gives:
        """Return the terms that one unit of a node shares on."""
        units = [value.tensor.new_zeros(value.tensor.shape) for value in giver.outputs]
        units[output].view(-1)[place] = 1
        shares, weights, there = giver.shares(units), giver.weights(units), giver.fan_in_of(units)
        sources = tuple(dict.fromkeys(value for value in giver.inputs if value in shares or value in weights))
        if not sources:
            return NO_TERMS
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
    gives = NO_TERMS if giver is None or not live else walk.gives(giver, giver.outputs.index(value), place)
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


def share_entropy(result: Attribution, name: str | int, units: int, sample: int) -> float | None:
    """Return how evenly the largest units of a node share; see ``Attribution.share_entropy``."""
    walk = _Walk(result, sample)
    giver = walk.giver_of(walk.find(name))
    if giver is None or giver.rule is None:
        return None
    value, mass = giver.outputs[0], giver.masses[0]
    marks = layout_of(value, walk.samples).marks(mass.shape, walk.samples, mass.device)
    size = torch.where(marks == sample, mass.abs(), 0).flatten()
    largest = size.topk(min(units, len(size)))
    chosen = torch.zeros_like(size, dtype=torch.bool)
    chosen[largest.indices] = largest.values > 0
    chosen = chosen.view(mass.shape)
    held = torch.where(chosen, mass, 0)
    assert isinstance(giver.fan_in, Mixing)
    entropies, weights = [], []

    for tile in tiles_of(giver.fan_in, chosen, held, giver.fan_in.nothing(held)):

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
