"""Sums of live values, and sums and products with constants."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..graph import Node, Value
from ..linearization import Linearization, elementwise, linearizes, unsupported
from ..mixing import Summands

aten = torch.ops.aten


@linearizes(aten.add.Tensor, aten.add.Scalar)
def add(node: Node, a: Any, b: Any, alpha: float = 1) -> Linearization:
    """A sum. Live operands share the mass by rule; a constant operand is intercept."""
    return _sum(node, (a, 1.0), (b, float(alpha)))


@linearizes(aten.sub.Tensor, aten.sub.Scalar)
def sub(node: Node, a: Any, b: Any, alpha: float = 1) -> Linearization:
    """A difference, as a sum."""
    return _sum(node, (a, 1.0), (b, -float(alpha)))


@linearizes(aten.rsub.Scalar)
def rsub(node: Node, a: Tensor, b: float, alpha: float = 1) -> Linearization:
    """A difference from a number."""
    return _sum(node, (a, -float(alpha)), (b, 1.0))


def _sum(node: Node, *terms: tuple[Any, float]) -> Linearization:
    output = node.output.tensor
    live = [(value, factor) for x, factor in terms if (value := node.value(x)) is not None]
    if len(live) == 1:
        value, factor = live[0]
        ((constant, scale),) = [(x, f) for x, f in terms if node.value(x) is None]
        intercept = torch.as_tensor(constant, dtype=output.dtype, device=output.device) * scale
        slope = None if factor == 1 else output.new_tensor(factor)
        return elementwise(node, value.tensor, slope, intercept)

    def pullback(grad: Tensor) -> tuple[Tensor, ...]:
        return tuple((grad if f == 1 else grad * f).sum_to_size(v.tensor.shape) for v, f in live)

    values, factors = zip(*live, strict=True)
    return Linearization(pullback, Summands(values, factors, output.shape), *_mixed(output.shape, live))


def _mixed(shape: torch.Size, live: list[tuple[Value, float]]) -> tuple[Tensor | None, Tensor | None]:
    """Return what the constant elements of the operands add, and which elements of the sum are live."""
    intercept = None
    for value, factor in live:
        constant = value.constant_part()
        if constant is not None:
            intercept = constant * factor if intercept is None else intercept + constant * factor
    masks = [value.live for value, _ in live]
    if any(mask is None for mask in masks):
        return intercept, None
    return intercept, torch.stack([mask.expand(shape) for mask in masks if mask is not None]).any(0)


@linearizes(aten.mul.Tensor, aten.mul.Scalar)
def mul(node: Node, a: Any, b: Any) -> Linearization:
    """A product with a constant."""
    va, vb = node.value(a), node.value(b)
    if va is not None and vb is not None:
        raise unsupported(node, "of two live values")
    x, factor = (a, b) if va is not None else (b, a)
    return elementwise(node, x, torch.as_tensor(factor, dtype=x.dtype, device=x.device))


@linearizes(aten.div.Tensor, aten.div.Scalar)
def div(node: Node, a: Any, b: Any) -> Linearization:
    """A quotient by a constant."""
    if node.value(a) is None or node.value(b) is not None:
        raise unsupported(node, "by a live value")
    return elementwise(node, a, 1 / torch.as_tensor(b, dtype=a.dtype, device=a.device))


@linearizes(aten.neg.default)
def neg(node: Node, x: Tensor) -> Linearization:
    """The negative."""
    return elementwise(node, x, -torch.ones((), dtype=x.dtype, device=x.device))
