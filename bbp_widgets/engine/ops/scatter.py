"""Sums in which an index says what is added where: each place sums its own value and what was sent to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from ..graph import Node, Value
from ..linearization import Linearization, layout_of, linearizes, unsupported, within_samples
from ..mixing import Mixing, Tile, Windows
from ..samples import Layout
from .numbered import indexed

aten = torch.ops.aten


class Sent(Mixing):
    """Sums of the elements that were sent to each place."""

    def __init__(self, parts: Sequence[tuple[Value, Tensor, float]], places: int) -> None:
        """``parts``: a value, the place that each of its elements goes to (-1 for nowhere), and a factor."""
        self.inputs = tuple(value for value, _, _ in parts)
        seen = torch.cat([(value.tensor * factor).flatten() for value, _, factor in parts])
        mask = torch.cat([_mask(value).flatten() for value in self.inputs])
        place = torch.where(mask, torch.cat([place.flatten() for _, place, _ in parts]), -1)
        self.count = torch.bincount(place[place >= 0], minlength=places)
        rows = Value(seen.unsqueeze(0))
        self._windows = Windows(rows, _table(place, self.count), seen.new_ones(1, 1))

    def nothing(self, mass: Tensor) -> tuple[Tensor, ...]:
        return self._windows.nothing(mass)

    def tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        return self._windows.tiles(mass.reshape(1, -1), given)

    def home(self, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        parts = given[0].flatten().split([value.tensor.numel() for value in self.inputs])
        return tuple(part.view(v.tensor.shape) for part, v in zip(parts, self.inputs, strict=True))


def _mask(value: Value) -> Tensor:
    return torch.ones_like(value.tensor, dtype=torch.bool) if value.live is None else value.live


def _table(place: Tensor, count: Tensor) -> Tensor:
    """Return which elements each place gets, (places, most that one gets), filled up with -1."""
    order = place.argsort(stable=True)
    order = order[place[order] >= 0]
    at = place[order]
    rank = torch.arange(len(order), device=place.device) - (count.cumsum(0) - count)[at]
    table = place.new_full((len(count), max(1, int(count.max()))), -1)
    table[at, rank] = order
    return table


def _sums(node: Node, *terms: tuple[Tensor, Tensor, float]) -> Linearization:
    """State an output that sums ``factor`` times the elements of several tensors, by the place they go to."""
    y = node.output.tensor
    parts = [(value, place, factor) for x, place, factor in terms if (value := node.value(x)) is not None]
    mixing = Sent(parts, y.numel())
    # what goes nowhere is sent to a place past the end
    sent = [torch.where(place < 0, y.numel(), place) for _, place, _ in parts]

    def pullback(grad: Tensor) -> tuple[Tensor, ...]:
        flat = torch.cat([grad.flatten(), grad.new_zeros(1)])
        return tuple(flat[place] * factor for (_, _, factor), place in zip(parts, sent, strict=True))

    def rest() -> Tensor:
        total = y.new_zeros(y.numel() + 1)
        for (value, _, factor), place in zip(parts, sent, strict=True):
            total.index_add_(0, place.flatten(), value.only_live(value.tensor).flatten() * factor)
        return y - total[:-1].view(y.shape)

    layout = None if node.samples == 1 else _apart(node, parts)
    whole = len(parts) == len(terms) and all(value.live is None for value, _, _ in parts)
    live = (mixing.count > 0).view(y.shape)
    return Linearization(pullback, mixing, None if whole else rest, live, layout=layout)


def _apart(node: Node, parts: Sequence[tuple[Value, Tensor, float]]) -> Layout:
    """Return where the samples lie: as in what is summed, if everything stays with its own sample."""
    y = node.output.tensor
    value = parts[0][0]
    layout = layout_of(node, [value])
    if layout.axis == -value.tensor.dim():
        layout = Layout(-y.dim(), layout.inner)
    if layout.fits(y.shape, node.samples):
        marks = layout.marks(y.shape, node.samples, y.device).flatten()
        for value, place, _ in parts:
            own = layout_of(node, [value]).marks(value.tensor.shape, node.samples, y.device)
            if bool(((marks[place] != own) & (place >= 0)).any()):
                break
        else:
            return layout
    raise unsupported(node, f"mixes the {node.samples} samples (explain one at a time: batch_size=1)")


def _places(x: Tensor) -> Tensor:
    return torch.arange(x.numel(), device=x.device).view(x.shape)


@linearizes(aten.index_add.default)
def index_add(
    node: Node, x: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1
) -> Linearization:
    """Entries of one axis added to those that an index names."""
    places = _places(x)
    return _sums(node, (x, places, 1.0), (source, places.index_select(dim, index), float(alpha)))


@linearizes(aten.scatter_add.default)
def scatter_add(node: Node, x: Tensor, dim: int, index: Tensor, source: Tensor) -> Linearization:
    """Elements added along one axis, each where its index says."""
    places = _places(x)
    to = torch.full(source.shape, -1, device=x.device)
    to[tuple(slice(size) for size in index.shape)] = places.gather(dim, index)
    return _sums(node, (x, places, 1.0), (source, to, 1.0))


@linearizes(aten.index_put.default)
def index_put(node: Node, x: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Linearization:
    """Elements written, or added, to the places that indices name."""
    if not accumulate:
        return indexed(node, x, indices, values)
    places = _places(x)
    to = places[tuple(slice(None) if i is None else i for i in indices)]
    if to.shape != values.shape:
        raise unsupported(node, "adds one value to several places")
    return _sums(node, (x, places, 1.0), (values, to, 1.0))


@linearizes(aten.col2im.default)
def col2im(
    node: Node, x: Tensor, size: list[int], kernel: Any, dilation: Any, padding: Any, stride: Any
) -> Linearization:
    """Patches put back into a picture, summed where they overlap."""
    numbers = (_places(node.output.tensor) + 1).double()
    to = aten.im2col(numbers, kernel, dilation, padding, stride).long() - 1
    return _sums(node, (x, to, 1.0))


class RunningSum(Windows):
    """Each entry of an axis sums those up to it."""

    def __init__(self, value: Value, dim: int) -> None:
        """``dim`` is the axis summed along."""
        size = value.tensor.shape[dim]
        index = torch.arange(size, device=value.tensor.device).expand(size, size)
        shape = value.tensor.movedim(dim, -1).shape
        self._dim = dim
        super().__init__(
            value, torch.where(index <= index.mT, index, -1), value.tensor.new_ones(size, 1),
            lambda a: a.movedim(dim, -1).reshape(-1, size), lambda a: a.view(shape).movedim(-1, dim),
        )  # fmt: skip

    def tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        return super().tiles(mass.movedim(self._dim, -1), given)


@linearizes(aten.cumsum.default)
def cumsum(node: Node, x: Tensor, dim: int, *, dtype: Any = None) -> Linearization:
    """A running sum along one axis."""
    value = node.value(x)
    assert value is not None
    within_samples(node, value, [dim])
    constant = value.constant_part()
    return Linearization(
        lambda grad: (grad.flip(dim).cumsum(dim).flip(dim),),
        RunningSum(value, dim),
        None if constant is None else constant.cumsum(dim),
        None if value.live is None else value.live.cumsum(dim) > 0,
    )
