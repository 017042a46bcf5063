"""Reductions over whole axes: sums and means, and smooth ones such as norms, deviations and soft maxima."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..graph import Node
from ..linearization import Linearization, first_along, linearizes, unsupported, within_samples
from ..mixing import Reduction
from .seen_as import weighted_sum

aten = torch.ops.aten


def _axes(x: Tensor, dims: Any) -> list[int]:
    """Return the axes reduced, counted from the front; none given means all."""
    if isinstance(dims, int):
        dims = [dims]
    return sorted({d % x.dim() for d in dims}) if dims else list(range(x.dim()))


def _reduce(node: Node, x: Tensor, over: list[int], keepdim: bool, scale: float) -> Linearization:
    """State ``scale`` times the sum over some axes."""
    value = node.value(x)
    assert value is not None
    within_samples(node, value, over)
    open_shape = [1 if d in over else x.shape[d] for d in range(x.dim())]

    def backward(grad: Tensor) -> tuple[Tensor, ...]:
        return ((grad.reshape(open_shape) * scale).expand(x.shape),)

    intercept, live = None, None
    if value.live is not None:
        constant = value.constant_part()
        assert constant is not None
        intercept = constant.sum(over, keepdim) * scale
        live = (value.live.sum(over, keepdim) > 0).view(node.shape)
    mixing = Reduction(value, tuple(over), scale)
    return Linearization(backward, mixing, intercept, live, lambda marks: first_along(marks, over, keepdim))


@linearizes(aten.mean.dim)
def mean(
    node: Node, x: Tensor, dims: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Linearization:
    """A mean over whole axes: one window."""
    over = _axes(x, dims)
    return _reduce(node, x, over, keepdim, 1 / math.prod(x.shape[d] for d in over))


@linearizes(aten.mean.default)
def mean_of_all(node: Node, x: Tensor, *, dtype: Any = None) -> Linearization:
    """The mean of everything."""
    return mean(node, x)


@linearizes(aten.sum.dim_IntList)
def sum_(
    node: Node, x: Tensor, dims: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Linearization:
    """A sum over whole axes."""
    return _reduce(node, x, _axes(x, dims), keepdim, 1.0)


@linearizes(aten.sum.default)
def sum_of_all(node: Node, x: Tensor, *, dtype: Any = None) -> Linearization:
    """The sum of everything."""
    return sum_(node, x)


@linearizes(aten.logsumexp.default, aten.prod.dim_int)
def smooth(node: Node, x: Tensor, dims: Any, keepdim: bool = False, **kwargs: Any) -> Linearization:
    """A soft maximum or a product over some axes: its tangent, as a sum with a weight for each element."""
    return _smooth_reduction(node, x, _axes(x, dims), keepdim)


@linearizes(aten.var.correction, aten.std.correction)
def spread(
    node: Node, x: Tensor, dims: Any = None, *, correction: Any = None, keepdim: bool = False
) -> Linearization:
    """A variance or standard deviation over some axes, likewise."""
    return _smooth_reduction(node, x, _axes(x, dims), keepdim)


@linearizes(aten.linalg_vector_norm.default)
def vector_norm(
    node: Node, x: Tensor, order: float = 2, dims: Any = None, keepdim: bool = False, **kwargs: Any
) -> Linearization:
    """The length of a vector, by whichever norm, likewise."""
    return _smooth_reduction(node, x, _axes(x, dims), keepdim)


@linearizes(aten.norm.ScalarOpt_dim)
def norm(node: Node, x: Tensor, order: Any, dims: Any, keepdim: bool = False) -> Linearization:
    """The same under its older name."""
    return _smooth_reduction(node, x, _axes(x, dims), keepdim)


@linearizes(aten.dist.default)
def distance(node: Node, a: Tensor, b: Tensor, order: float = 2) -> Linearization:
    """The length of a difference, of which one side is a constant."""
    x = node.inputs[0].tensor
    return _smooth_reduction(node, x, list(range(x.dim())), False)


def _smooth_reduction(node: Node, x: Tensor, over: list[int], keepdim: bool) -> Linearization:
    """State a reduction by autograd's slope of each element; its strengths are slope · x, so that rules apply.

    An infinite slope (of a root, where all is zero) counts as none.
    """
    value = node.value(x)
    assert value is not None
    if len(node.inputs) > 1:
        raise unsupported(node, "of two live values")
    within_samples(node, value, over)
    with torch.enable_grad():
        fresh = x.detach().requires_grad_()
        y = node.op(*(fresh if a is x else a for a in node.args), **node.kwargs)
        (slope,) = torch.autograd.grad(y, fresh, torch.ones_like(y))
    slope = slope.nan_to_num(0, 0, 0)
    open_shape = [1 if d in over else x.shape[d] for d in range(x.dim())]

    def rest() -> Tensor:
        # a masked score may be minus infinity, where its slope is zero
        linear = torch.where(slope == 0, 0, value.only_live(x) * slope)
        return node.output.tensor - linear.sum(over, keepdim).view(node.shape)

    live = None if value.live is None else (value.live.sum(over, keepdim) > 0).view(node.shape)
    return Linearization(
        lambda grad: (grad.reshape(open_shape) * slope,),
        weighted_sum(value, slope, over, node.output.tensor.shape),
        rest,
        live,
        lambda marks: first_along(marks, over, keepdim),
    )
