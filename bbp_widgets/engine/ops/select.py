"""Selections: each output is one of several elements, the one that wins or the one that a condition names."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..graph import Mask, Node
from ..linearization import (
    Follows,
    Linearization,
    first_along,
    first_output,
    linearizes,
    unsupported,
    within_samples,
)  # fmt: skip

aten = torch.ops.aten


@linearizes(
    aten.max_pool2d_with_indices.default, aten.adaptive_max_pool2d.default, aten.fractional_max_pool2d.default
)
def max_pool2d(node: Node, x: Tensor, *args: Any) -> Linearization:
    """The largest of each window; the winning input is the linearization."""
    return _winner(node, x, 2)


@linearizes(
    aten.max_pool3d_with_indices.default, aten.adaptive_max_pool3d.default, aten.fractional_max_pool3d.default
)
def max_pool3d(node: Node, x: Tensor, *args: Any) -> Linearization:
    """The largest of each window of a volume."""
    return _winner(node, x, 3)


def _winner(node: Node, x: Tensor, axes: int) -> Linearization:
    """State that each output is the input at ``node.indices``, counted along the flattened last ``axes``."""
    value = node.value(x)
    assert value is not None
    flat = node.indices.flatten(-axes)

    def pull(array: Tensor) -> tuple[Tensor, ...]:
        back = array.new_zeros(*x.shape[:-axes], math.prod(x.shape[-axes:]))
        return (back.scatter_add_(-1, flat, array.flatten(-axes)).view(x.shape),)

    live = None
    if value.live is not None:
        live = value.live.flatten(-axes).gather(-1, flat).view(node.shape)
    return first_output(node, pull, Follows(pull), None, live)


@linearizes(aten.max.dim, aten.min.dim, aten.median.dim, aten.mode.default)
def winner_along(node: Node, x: Tensor, dim: int = -1, keepdim: bool = False) -> Linearization:
    """The largest, the smallest or the one in the middle along one axis."""
    return _picked(node, x, dim, node.indices if keepdim else node.indices.unsqueeze(dim))


@linearizes(aten.kthvalue.default)
def kth_along(node: Node, x: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Linearization:
    """The one at a rank along one axis."""
    return winner_along(node, x, dim, keepdim)


@linearizes(aten.cummax.default, aten.cummin.default)
def winner_so_far(node: Node, x: Tensor, dim: int) -> Linearization:
    """The largest or the smallest of an axis up to each place."""
    return _picked(node, x, dim, node.indices)


@linearizes(aten.sort.default)
def sort(node: Node, x: Tensor, dim: int = -1, descending: bool = False) -> Linearization:
    """The elements of an axis in their order."""
    return _picked(node, x, dim, node.indices)


@linearizes(aten.sort.stable)
def sort_stable(node: Node, x: Tensor, *, stable: bool | None, dim: int = -1, **order: bool) -> Linearization:
    """The same, ties in the order they came."""
    return _picked(node, x, dim, node.indices)


@linearizes(aten.topk.default)
def topk(node: Node, x: Tensor, k: int, dim: int = -1, *order: bool) -> Linearization:
    """The few largest or smallest elements of an axis."""
    return _picked(node, x, dim, node.indices)


def _picked(node: Node, x: Tensor, dim: int, where: Tensor) -> Linearization:
    """State that the first output is ``x`` at ``where`` along an axis, which may then be dropped."""
    value = node.value(x)
    assert value is not None
    within_samples(node, value, [dim])
    shape = node.output.tensor.shape

    def pull(array: Tensor) -> tuple[Tensor, ...]:
        return (array.new_zeros(x.shape).scatter_add_(dim, where, array.reshape(where.shape)),)

    live = None if value.live is None else value.live.gather(dim, where).view(shape)
    return first_output(
        node, pull, Follows(pull), None, live, carry=lambda marks: (marks.gather(dim, where).view(shape),)
    )


@linearizes(aten.amax.default, aten.amin.default)
def extreme(node: Node, x: Tensor, dims: Any = (), keepdim: bool = False) -> Linearization:
    """The largest or smallest over some axes; ties share evenly, as autograd has it."""
    value = node.value(x)
    assert value is not None
    over = sorted({d % x.dim() for d in dims}) if dims else list(range(x.dim()))
    within_samples(node, value, over)
    open_shape = [1 if d in over else x.shape[d] for d in range(x.dim())]
    y = node.output.tensor.view(open_shape)
    wins = x == y
    weight = wins.to(x.dtype) / wins.sum(over, keepdim=True)
    shares, live, intercept = weight, None, None
    if value.live is not None:
        there = torch.where(value.live, weight, 0)
        part = there.sum(over, keepdim=True)
        shares, live = there / part.clamp(min=torch.finfo(x.dtype).tiny), (part > 0).view(node.shape)
        intercept = torch.where(part > 0, y * (1 - part), 0).view(node.shape)
    return Linearization(
        lambda grad: (grad.reshape(open_shape) * weight,),
        Follows(lambda mass: (mass.reshape(open_shape) * shares,)),
        intercept,
        live,
        lambda marks: first_along(marks, over, keepdim),
    )


@linearizes(aten.max.default, aten.min.default)
def extreme_of_all(node: Node, x: Tensor) -> Linearization:
    """The largest or smallest of everything."""
    return extreme(node, x)


@linearizes(aten.maximum.default)
def maximum(node: Node, a: Tensor, b: Tensor) -> Linearization:
    """The larger of two; a tie takes half of each, as autograd has it."""
    return _chosen(node, (a, _over(a, b)), (b, _over(b, a)))


@linearizes(aten.minimum.default)
def minimum(node: Node, a: Tensor, b: Tensor) -> Linearization:
    """The smaller of two; a tie takes half of each, as autograd has it."""
    return _chosen(node, (a, _over(b, a)), (b, _over(a, b)))


@linearizes(aten.fmax.default)
def fmax(node: Node, a: Tensor, b: Tensor) -> Linearization:
    """The larger of two; a tie takes the first."""
    first = a >= b
    return _chosen(node, (a, first.to(a.dtype)), (b, (~first).to(a.dtype)))


@linearizes(aten.fmin.default)
def fmin(node: Node, a: Tensor, b: Tensor) -> Linearization:
    """The smaller of two; a tie takes the first."""
    first = a <= b
    return _chosen(node, (a, first.to(a.dtype)), (b, (~first).to(a.dtype)))


def _over(a: Tensor, b: Tensor) -> Tensor:
    return ((a > b).to(a.dtype) + (a >= b).to(a.dtype)) / 2


@linearizes(aten.where.self)
def where(node: Node, condition: Tensor, a: Tensor, b: Tensor) -> Linearization:
    """One or the other, as a constant condition says."""
    dtype = node.output.tensor.dtype
    return _chosen(node, (a, condition.to(dtype)), (b, (~condition).to(dtype)))


@linearizes(aten.masked_fill.Scalar, aten.masked_fill.Tensor)
def masked_fill(node: Node, x: Tensor, mask: Tensor, fill: Any) -> Linearization:
    """A constant where the mask says so."""
    if node.value(fill) is not None:
        raise unsupported(node, "with a live filling")
    return _chosen(node, (x, (~mask).to(x.dtype)))


def _chosen(node: Node, *sides: tuple[Tensor, Tensor]) -> Linearization:
    """State y = Σ weight · side, with weights that are zero or positive and add up to one (or to less: a constant).

    Mass goes to the live sides by their weights.
    """
    shape = node.output.tensor.shape
    weights: dict[int, list[Tensor]] = {}  # of each place among the inputs, as often as its value is a side
    for side, weight in sides:
        value = node.value(side)
        if value is not None:
            weights.setdefault(node.inputs.index(value), []).append(weight)
    slope: dict[int, Any] = {place: sum(found) for place, found in weights.items()}
    shares, intercept, live = slope, None, None
    if sum(map(len, weights.values())) < 2 or any(value.live is not None for value in node.inputs):
        there = {place: _kept(weight, node.inputs[place].live) for place, weight in slope.items()}
        total: Any = sum(there.values())
        shares = {place: weight / total.clamp(min=0.5) for place, weight in there.items()}
        live = (total > 0).expand(shape)
        intercept = torch.where(live & (total < 1), node.output.tensor * (1 - total), 0)

    def by(factors: dict[int, Any]) -> Any:
        def pull(array: Tensor) -> tuple[Tensor | None, ...]:
            return tuple(
                (array * factors[i]).sum_to_size(v.tensor.shape) if i in factors else None
                for i, v in enumerate(node.inputs)
            )

        return pull

    return Linearization(by(slope), Follows(by(shares)), intercept, live)


def _kept(weight: Any, live: Mask) -> Tensor:
    return weight if live is None else weight * live
