"""Sums of live values, and sums and products with constants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..graph import Node, Value
from ..linearization import Follows, Linearization, elementwise, linearizes
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
    """A product. Two live factors share alike, for the strength of both is the product; −ab is intercept."""
    va, vb = node.value(a), node.value(b)
    if va is not None and vb is not None:
        if node.gated and va.gate != vb.gate:
            return _through_gate(node, va, b) if vb.gate else _through_gate(node, vb, a)
        return _pair(node, (va, b), (vb, a))
    x, factor = (a, b) if va is not None else (b, a)
    slope = torch.as_tensor(factor, dtype=x.dtype, device=x.device)
    return elementwise(node, x, slope)


@linearizes(aten.div.Tensor, aten.div.Scalar)
def div(node: Node, a: Any, b: Any) -> Linearization:
    """A quotient. A live denominator is a smooth op of its own; with gates held fixed it is one."""
    va, vb = node.value(a), node.value(b)
    if vb is None:
        return elementwise(node, a, 1 / torch.as_tensor(b, dtype=a.dtype, device=a.device))
    y = node.output.tensor
    if va is None:
        return elementwise(node, b, -y / b, lambda: 2 * y)
    if node.gated:
        return _through_gate(node, va, 1 / b)
    return _pair(node, (va, 1 / b), (vb, -y / b))


def _through_gate(node: Node, value: Value, gate: Tensor) -> Linearization:
    """State gate · value with the gate held fixed."""
    facts = elementwise(node, value.tensor, gate)

    def placed(array: Tensor | None) -> tuple[Tensor | None, ...]:
        return tuple(array if v is value else None for v in node.inputs)

    def pull(mass: Tensor) -> tuple[Tensor | None, ...]:
        return placed(facts.fan_in.pull(mass)[0])  # type: ignore[union-attr]

    return replace(facts, pullback=lambda grad: placed(facts.pullback(grad)[0]), fan_in=Follows(pull))


def _pair(node: Node, *sides: tuple[Value, Tensor]) -> Linearization:
    """State a smooth op of two live values by the slopes of both; mass is shared alike between what is live."""
    shape = node.output.tensor.shape
    masks = [value.live for value, _ in sides]
    live = None
    if all(mask is not None for mask in masks):
        live = torch.stack([mask.expand(shape) for mask in masks if mask is not None]).any(0)
    if all(mask is None for mask in masks):
        shares: list[Any] = [0.5, 0.5]
    else:
        present = [
            torch.ones(shape, device=node.output.tensor.device) if m is None else m.expand(shape).float()
            for m in masks
        ]
        shares = [(p / (present[0] + present[1]).clamp(min=1)).to(node.output.tensor.dtype) for p in present]

    def pullback(grad: Tensor) -> tuple[Tensor, ...]:
        return tuple((grad * slope).sum_to_size(value.tensor.shape) for value, slope in sides)

    def pull(mass: Tensor) -> tuple[Tensor, ...]:
        return tuple(
            (mass * share).sum_to_size(value.tensor.shape)
            for (value, _), share in zip(sides, shares, strict=True)
        )

    def rest() -> Tensor:
        y = node.output.tensor
        for value, slope in sides:
            y = y - value.only_live(value.tensor) * slope
        return y

    return Linearization(pullback, Follows(pull), rest, live)


@linearizes(aten.neg.default)
def neg(node: Node, x: Tensor) -> Linearization:
    """The negative."""
    return elementwise(node, x, -torch.ones((), dtype=x.dtype, device=x.device))
