"""Pooling: a mean shares by rule, a maximum follows its winner."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..graph import Node, Value
from ..linearization import Follows, Linearization, first, linearizes, unsupported, within_samples
from ..mixing import Reduction, Windows
from ..windows import adaptive_places, all_dims, axis_places, window_places

aten = torch.ops.aten


def _window_mean(
    node: Node,
    value: Value,
    places: Tensor,
    weight: Tensor,
    rows: Callable[[Tensor], Tensor],
    unrows: Callable[[Tensor], Tensor],
    backward: Callable[[Tensor], Tensor],
) -> Linearization:
    """State sums of ``weight`` times the places of each window; ``rows`` flattens all but those axes."""
    device = value.tensor.device
    places, weight = places.to(device), weight.to(device, value.tensor.dtype)
    mixing = Windows(value, places, weight[:, None], rows, unrows)
    intercept, live = None, None
    if value.live is not None:
        there = places >= 0
        index = places.clamp(min=0)
        constant = rows(torch.where(value.live, 0, value.tensor))[:, index] * there
        intercept = (constant.sum(-1) * weight).view(node.shape)
        live = (rows(value.live)[:, index] & there).any(-1).view(node.shape)
    elif bool((places < 0).all(1).any()):
        live = (places >= 0).any(1).view(node.shape[-_pooled_axes(node) :]).expand(node.shape)
    return Linearization(lambda grad: (backward(grad),), mixing, intercept, live)


def _pooled_axes(node: Node) -> int:
    return len(node.shape) - 2


def _pooling(
    node: Node,
    x: Tensor,
    axes: list[Tensor],
    divisor: Callable[[Tensor], Tensor],
    backward: Callable[[Tensor], Tensor],
) -> Linearization:
    """State a mean over windows of the last axes of ``x`` (N, C, *)."""
    value = node.value(x)
    assert value is not None
    sizes = x.shape[-len(axes) :]
    if x.dim() != len(axes) + 2:
        raise unsupported(node, "without a sample axis")
    places = window_places(axes, sizes)
    weight = 1 / divisor((places >= 0).sum(1).double())
    return _window_mean(
        node, value, places, weight,
        lambda a: a.reshape(-1, math.prod(sizes)), lambda a: a.view(x.shape), backward,
    )  # fmt: skip


def _avg_pool(
    node: Node,
    x: Tensor,
    kernel: list[int],
    stride: list[int],
    padding: list[int],
    ceil_mode: bool,
    include_pad: bool,
    override: int | None,
    backward: Any,
) -> Linearization:
    dims = x.dim() - 2
    size, pad = all_dims(kernel, dims), all_dims(padding, dims)
    step = all_dims(stride, dims) if stride else size
    windows = node.shape[-dims:]
    axes = [axis_places(*axis) for axis in zip(x.shape[2:], windows, size, step, pad, strict=True)]

    def divisor(real: Tensor) -> Tensor:
        if override:
            return torch.full_like(real, float(override))
        if not include_pad:
            return real
        # with padding counted, a window is cut only where it leaves the padded input (ceil mode)
        padded = [
            (axis_places(s + 2 * p, w, k, t, 0) >= 0).sum(1).double()
            for s, p, w, k, t in zip(x.shape[2:], pad, windows, size, step, strict=True)
        ]
        product = padded[0]
        for axis in padded[1:]:
            product = (product[:, None] * axis).flatten()
        return product

    def pullback(grad: Tensor) -> Tensor:
        return backward(grad, x, size, step, pad, ceil_mode, include_pad, override)

    return _pooling(node, x, axes, divisor, pullback)


@linearizes(aten.avg_pool2d.default)
def avg_pool2d(
    node: Node, x: Tensor, kernel: list[int], stride: Any = (), padding: Any = 0, ceil_mode: bool = False,
    include_pad: bool = True, override: int | None = None,
) -> Linearization:  # fmt: skip
    """Means of windows of a picture."""
    return _avg_pool(
        node, x, kernel, stride, padding, ceil_mode, include_pad, override, aten.avg_pool2d_backward.default
    )


@linearizes(aten.avg_pool3d.default)
def avg_pool3d(
    node: Node, x: Tensor, kernel: list[int], stride: Any = (), padding: Any = 0, ceil_mode: bool = False,
    include_pad: bool = True, override: int | None = None,
) -> Linearization:  # fmt: skip
    """Means of windows of a volume."""
    return _avg_pool(
        node, x, kernel, stride, padding, ceil_mode, include_pad, override, aten.avg_pool3d_backward.default
    )


@linearizes(aten._adaptive_avg_pool2d.default)
def adaptive_avg_pool2d(node: Node, x: Tensor, size: list[int]) -> Linearization:
    """Means of windows that fill the asked-for size."""
    axes = [adaptive_places(s, w) for s, w in zip(x.shape[-2:], node.shape[-2:], strict=True)]
    return _pooling(
        node, x, axes, lambda real: real, lambda grad: aten._adaptive_avg_pool2d_backward(grad, x)
    )


@linearizes(aten._adaptive_avg_pool3d.default)
def adaptive_avg_pool3d(node: Node, x: Tensor, size: list[int]) -> Linearization:
    """Means of windows that fill the asked-for size, in a volume."""
    axes = [adaptive_places(s, w) for s, w in zip(x.shape[-3:], node.shape[-3:], strict=True)]
    return _pooling(
        node, x, axes, lambda real: real, lambda grad: aten._adaptive_avg_pool3d_backward(grad, x)
    )


def _reduce(node: Node, x: Tensor, dims: Any, keepdim: bool, scale: float) -> Linearization:
    """State ``scale`` times the sum over some axes."""
    value = node.value(x)
    assert value is not None
    over = sorted({d % x.dim() for d in dims}) if dims else list(range(x.dim()))
    within_samples(node, value, over)
    open_shape = [1 if d in over else x.shape[d] for d in range(x.dim())]

    def backward(grad: Tensor) -> tuple[Tensor, ...]:
        return ((grad.reshape(open_shape) * scale).expand(x.shape),)

    intercept, live = None, None
    if value.live is not None:
        constant = value.constant_part()
        assert constant is not None
        intercept = constant.sum(over, keepdim) * scale
        live = value.live.any(over[0], keepdim=True)
        for d in over[1:]:
            live = live.any(d, keepdim=True)
        live = live.view(node.shape)
    return Linearization(
        backward, Reduction(value, tuple(over), scale), intercept, live, lambda marks: marks.amax(over, keepdim)
    )


@linearizes(aten.mean.dim)
def mean(
    node: Node, x: Tensor, dims: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Linearization:
    """A mean over whole axes: one window."""
    over = {d % x.dim() for d in dims} if dims else set(range(x.dim()))
    return _reduce(node, x, dims, keepdim, 1 / math.prod(x.shape[d] for d in over))


@linearizes(aten.mean.default)
def mean_of_all(node: Node, x: Tensor, *, dtype: Any = None) -> Linearization:
    """The mean of everything."""
    return _reduce(node, x, None, False, 1 / x.numel())


@linearizes(aten.sum.dim_IntList)
def sum_(
    node: Node, x: Tensor, dims: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Linearization:
    """A sum over whole axes."""
    return _reduce(node, x, dims, keepdim, 1.0)


@linearizes(aten.sum.default)
def sum_of_all(node: Node, x: Tensor, *, dtype: Any = None) -> Linearization:
    """The sum of everything."""
    return _reduce(node, x, None, False, 1.0)


def _winner(node: Node, x: Tensor, places: Tensor, axes: int) -> Linearization:
    """State that each output is the input at ``places``, counted along the flattened last ``axes``."""
    value = node.value(x)
    assert value is not None
    flat = places.flatten(-axes)

    def pull(array: Tensor) -> tuple[Tensor, ...]:
        back = array.new_zeros(*x.shape[:-axes], math.prod(x.shape[-axes:]))
        return (back.scatter_add_(-1, flat, array.flatten(-axes)).view(x.shape),)

    live = None
    if value.live is not None:
        live = value.live.flatten(-axes).gather(-1, flat).view(node.shape)
    follow = first(pull)
    return Linearization(follow, Follows(follow), None, (live, None))


@linearizes(aten.max_pool2d_with_indices.default, aten.adaptive_max_pool2d.default)
def max_pool2d(node: Node, x: Tensor, *args: Any) -> Linearization:
    """The largest of each window; the winning input is the linearization."""
    return _winner(node, x, node.indices, 2)


@linearizes(aten.max_pool3d_with_indices.default, aten.adaptive_max_pool3d.default)
def max_pool3d(node: Node, x: Tensor, *args: Any) -> Linearization:
    """The largest of each window of a volume."""
    return _winner(node, x, node.indices, 3)


@linearizes(aten.max.dim)
def max_(node: Node, x: Tensor, dim: int, keepdim: bool = False) -> Linearization:
    """The largest along one axis."""
    where = node.indices if keepdim else node.indices.unsqueeze(dim)

    def pull(array: Tensor) -> tuple[Tensor, ...]:
        opened = array if keepdim else array.unsqueeze(dim)
        return (torch.zeros_like(x).to(array.dtype).scatter(dim, where, opened),)

    value = node.value(x)
    assert value is not None
    within_samples(node, value, [dim])
    live = None
    if value.live is not None:
        live = value.live.gather(dim, where).view(node.shape)
    follow = first(pull)
    return Linearization(
        follow, Follows(follow), None, (live, None), lambda marks: (marks.amax(dim, keepdim), marks)
    )


@linearizes(aten.amax.default)
def amax(node: Node, x: Tensor, dims: Any = (), keepdim: bool = False) -> Linearization:
    """The largest over some axes; ties share evenly, as autograd has it."""
    value = node.value(x)
    assert value is not None
    over = sorted({d % x.dim() for d in dims}) if dims else list(range(x.dim()))
    within_samples(node, value, over)
    winners = (x == x.amax(over, keepdim=True)).to(x.dtype)
    winners = winners / winners.sum(over, keepdim=True)
    open_shape = [1 if d in over else x.shape[d] for d in range(x.dim())]

    def pull(array: Tensor) -> tuple[Tensor, ...]:
        return (array.reshape(open_shape) * winners,)

    if value.live is not None:
        raise unsupported(node, "over partly constant values")
    return Linearization(pull, Follows(pull), carry=lambda marks: marks.amax(over, keepdim))
