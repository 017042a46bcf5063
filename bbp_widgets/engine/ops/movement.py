"""Ops that only move elements: each element of the output is one of the input, or a constant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..graph import Node, Value
from ..linearization import Follows, Linearization, layout_of, linearizes, mask_of, moves
from ..samples import Layout

aten = torch.ops.aten


def _moves(node: Node, x: Tensor, back: Callable[[Tensor], Tensor]) -> Linearization:
    """State that one output holds the elements of one input, ``back`` being the way home."""
    return moves(
        node, lambda array: (back(array),), lambda mask: node.op(mask, *node.args[1:], **node.kwargs)
    )


@linearizes(
    aten.view.default, aten._unsafe_view.default, aten.reshape.default, aten.view_copy.default,
    aten._reshape_alias.default, aten.unflatten.int,
)  # fmt: skip
def view(node: Node, x: Tensor, *size: Any) -> Linearization:
    """The same elements in another shape."""
    return moves(node, lambda a: (a.reshape(x.shape),), lambda marks: marks.reshape(node.shape))


@linearizes(
    aten.unsqueeze.default, aten.squeeze.default, aten.squeeze.dim, aten.squeeze.dims, aten.flatten.using_ints
)
def squeeze(node: Node, x: Tensor, *where: Any) -> Linearization:
    """Axes of length one come and go."""
    return _moves(node, x, lambda a: a.reshape(x.shape))


@linearizes(
    aten.clone.default,
    aten.alias.default,
    aten.contiguous.default,
    aten.dropout.default,
    aten.lift_fresh.default,
)
def same(node: Node, x: Tensor, *args: Any, **kwargs: Any) -> Linearization:
    """The same elements in the same places."""
    return moves(node, lambda a: (a,), lambda mask: mask)


@linearizes(aten._to_copy.default)
def to_type(node: Node, x: Tensor, **kwargs: Any) -> Linearization:
    """The same elements in another type."""
    return moves(node, lambda a: (a.to(x.dtype),), lambda mask: mask)


@linearizes(aten.permute.default)
def permute(node: Node, x: Tensor, dims: list[int]) -> Linearization:
    """Axes change their order."""
    order = [d % x.dim() for d in dims]
    inverse = [order.index(i) for i in range(x.dim())]
    return _moves(node, x, lambda a: a.permute(inverse))


@linearizes(aten.transpose.int)
def transpose(node: Node, x: Tensor, a: int, b: int) -> Linearization:
    """Two axes change places."""
    return _moves(node, x, lambda array: array.transpose(a, b))


@linearizes(aten.t.default)
def t(node: Node, x: Tensor) -> Linearization:
    """Rows become columns."""
    return _moves(node, x, lambda a: a.t())


@linearizes(aten.expand.default)
def expand(node: Node, x: Tensor, size: Any, **kwargs: Any) -> Linearization:
    """One element appears in many places; what they get comes back as a sum."""
    return _moves(node, x, lambda a: a.sum_to_size(x.shape))


@linearizes(aten.slice.Tensor)
def slice_(
    node: Node, x: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Linearization:
    """A range of one axis."""
    size, limit = x.shape[dim], 2**63 - 1
    begin, stop = 0 if start is None else start, limit if end is None else end
    return _moves(node, x, lambda a: aten.slice_backward(a, list(x.shape), dim, begin, min(stop, size), step))


@linearizes(aten.select.int)
def select(node: Node, x: Tensor, dim: int, index: int) -> Linearization:
    """One entry of an axis."""
    return _moves(node, x, lambda a: aten.select_backward(a, list(x.shape), dim, index))


@linearizes(aten.roll.default)
def roll(node: Node, x: Tensor, shifts: list[int], dims: Any = ()) -> Linearization:
    """Axes turned round: what leaves at one end comes back at the other."""
    return _moves(node, x, lambda a: a.roll([-n for n in shifts], dims))


@linearizes(aten.rot90.default)
def rot90(node: Node, x: Tensor, times: int = 1, dims: Any = (0, 1)) -> Linearization:
    """A plane turned by a right angle."""
    return _moves(node, x, lambda a: a.rot90(-times, dims))


@linearizes(aten.pixel_shuffle.default)
def pixel_shuffle(node: Node, x: Tensor, factor: int) -> Linearization:
    """Channels become pixels."""
    return _moves(node, x, lambda a: aten.pixel_unshuffle(a, factor))


@linearizes(aten.pixel_unshuffle.default)
def pixel_unshuffle(node: Node, x: Tensor, factor: int) -> Linearization:
    """Pixels become channels."""
    return _moves(node, x, lambda a: aten.pixel_shuffle(a, factor))


@linearizes(aten.channel_shuffle.default, aten.native_channel_shuffle.default)
def channel_shuffle(node: Node, x: Tensor, groups: int) -> Linearization:
    """Channels dealt out to the groups in turn."""
    return _moves(node, x, lambda a: aten.channel_shuffle(a, x.shape[1] // groups))


@linearizes(aten.flip.default)
def flip(node: Node, x: Tensor, dims: list[int]) -> Linearization:
    """Axes run backwards."""
    return _moves(node, x, lambda a: a.flip(dims))


@linearizes(aten.cat.default)
def cat(node: Node, tensors: list[Tensor], dim: int = 0) -> Linearization:
    """Inputs side by side; the constant ones among them are constant elements of the result."""
    offsets, start = [], 0
    for tensor in tensors:
        offsets.append(start)
        start += tensor.shape[dim] if tensor.numel() else 0
    values = [node.value(tensor) for tensor in tensors]

    def pull(array: Tensor) -> tuple[Tensor, ...]:
        return tuple(
            array.narrow(dim, offset, tensor.shape[dim])
            for tensor, value, offset in zip(tensors, values, offsets, strict=True)
            if value is not None
        )

    live = None
    if any(value is None or value.live is not None for value in values):
        live = torch.cat([mask_of(node, tensor) for tensor in tensors], dim)
    return Linearization(pull, Follows(pull), None, live)


@linearizes(aten.stack.default)
def stack(node: Node, tensors: list[Tensor], dim: int = 0) -> Linearization:
    """Inputs along a new axis."""
    values = [node.value(tensor) for tensor in tensors]
    where = [i for i, value in enumerate(values) if value is not None]

    def pull(array: Tensor) -> tuple[Tensor, ...]:
        return tuple(array.select(dim, i) for i in where)

    live = None
    if any(value is None or value.live is not None for value in values):
        live = torch.stack([mask_of(node, tensor) for tensor in tensors], dim)
    return Linearization(pull, Follows(pull), None, live, layout=_beside(node, node.inputs, dim))


def _beside(node: Node, values: Sequence[Value], dim: int) -> Layout | None:
    """Return where the samples lie once the values stand along a new axis."""
    if node.samples == 1:
        return None
    return layout_of(node, values).beside(dim, len(node.shape))


@linearizes(
    aten.split.Tensor, aten.split_with_sizes.default, aten.chunk.default, aten.unsafe_split.Tensor,
    aten.unsafe_split_with_sizes.default,
)  # fmt: skip
def split(node: Node, x: Tensor, sizes: Any, dim: int = 0) -> Linearization:
    """One axis cut into parts."""
    return moves(node, lambda *parts: (torch.cat(parts, dim),), lambda mask: node.op(mask, sizes, dim))


@linearizes(aten.unbind.int)
def unbind(node: Node, x: Tensor, dim: int = 0) -> Linearization:
    """The entries of one axis."""
    return moves(node, lambda *parts: (torch.stack(parts, dim),), lambda mask: node.op(mask, dim))


@linearizes(aten.slice_scatter.default)
def slice_scatter(
    node: Node, x: Tensor, source: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Linearization:
    """A range of one axis overwritten: what an assignment to a slice becomes."""
    return _overwritten(node, x, source, lambda a: aten.slice(a, dim, start, end, step))


@linearizes(aten.select_scatter.default)
def select_scatter(node: Node, x: Tensor, source: Tensor, dim: int, index: int) -> Linearization:
    """One entry of an axis overwritten."""
    facts = _overwritten(node, x, source, lambda a: a.select(dim, index))
    if node.value(x) is not None:
        return replace(facts, layout=None if node.samples == 1 else layout_of(node, node.inputs[:1]))
    return replace(facts, layout=_beside(node, node.inputs, dim))


def _overwritten(node: Node, x: Tensor, source: Tensor, part: Callable[[Tensor], Tensor]) -> Linearization:
    values = [node.value(x), node.value(source)]

    def pull(array: Tensor) -> tuple[Tensor, ...]:
        rest = array.clone()
        part(rest).zero_()
        both = (rest, part(array))
        return tuple(a for a, value in zip(both, values, strict=True) if value is not None)

    live = mask_of(node, x).clone()
    part(live).copy_(mask_of(node, source))
    return Linearization(pull, Follows(pull), None, live)


@linearizes(aten.copy.default)
def copy(node: Node, x: Tensor, source: Tensor, non_blocking: bool = False) -> Linearization:
    """Everything overwritten: the old values are gone, and where a constant came, it stays one."""

    def pull(array: Tensor) -> tuple[Tensor | None, ...]:
        gone = [None] if node.value(x) is not None else []
        if node.value(source) is None:
            return tuple(gone)
        return (*gone, array.sum_to_size(source.shape).to(source.dtype))

    value = node.value(source)
    whole = value is not None and value.live is None
    return Linearization(
        pull, Follows(pull), None, None if whole else mask_of(node, source).expand(node.shape)
    )


@linearizes(aten.constant_pad_nd.default)
def constant_pad(node: Node, x: Tensor, pad: list[int], fill: float = 0) -> Linearization:
    """A constant border: its elements are there, but they are not live."""
    value = node.value(x)
    assert value is not None
    back = [-n for n in pad]
    mask = torch.ones_like(x, dtype=torch.bool) if value.live is None else value.live

    def pull(array: Tensor) -> tuple[Tensor, ...]:
        return (aten.constant_pad_nd(array, back),)

    live = aten.constant_pad_nd(mask, pad, False)
    return Linearization(pull, Follows(pull), None, live)
