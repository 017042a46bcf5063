"""Pooling by means of windows, which share by rule."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..graph import Node, Value
from ..linearization import Linearization, linearizes, unsupported
from ..mixing import Windows
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
