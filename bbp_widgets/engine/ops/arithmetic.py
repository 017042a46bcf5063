"""Sums, differences, products and quotients of live values and constants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..graph import Mask, Node, Value
from ..linearization import Follows, Linearization, elementwise, linearizes, where_finite
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


@linearizes(aten.rsub.Scalar, aten.rsub.Tensor)
def rsub(node: Node, a: Any, b: Any, alpha: float = 1) -> Linearization:
    """A difference the other way round."""
    return _sum(node, (a, -float(alpha)), (b, 1.0))


@linearizes(aten.lerp.Scalar)
def lerp(node: Node, a: Tensor, b: Tensor, weight: float) -> Linearization:
    """A point between two values: a sum of two multiples."""
    return _sum(node, (a, 1.0 - weight), (b, float(weight)))


def _sum(node: Node, *terms: tuple[Any, float]) -> Linearization:
    output = node.output.tensor
    live = [(value, factor) for x, factor in terms if (value := node.value(x)) is not None]
    if len(live) == 1:
        value, factor = live[0]
        ((constant, scale),) = [(x, f) for x, f in terms if node.value(x) is None]
        intercept = torch.as_tensor(constant, dtype=output.dtype, device=output.device)
        if scale != 1:
            intercept = intercept * scale
        slope = None if factor == 1 else output.new_tensor(factor)
        return where_finite(node, elementwise(node, value.tensor, slope, intercept), intercept)

    def pullback(grad: Tensor) -> tuple[Tensor, ...]:
        return tuple((grad if f == 1 else grad * f).sum_to_size(v.tensor.shape) for v, f in live)

    values, factors = zip(*live, strict=True)
    constants, mask = _mixed(output.shape, live)
    facts = Linearization(pullback, Summands(values, factors, output.shape), constants, mask)
    return where_finite(node, facts, constants)


def _mixed(shape: torch.Size, live: list[tuple[Value, float]]) -> tuple[Tensor | None, Tensor | None]:
    """Return what the constant elements of the operands add, and which elements of the sum are live."""
    intercept = None
    for value, factor in live:
        constant = value.constant_part()
        if constant is not None:
            intercept = constant * factor if intercept is None else intercept + constant * factor
    return intercept, either(shape, [value for value, _ in live])


def either(shape: torch.Size, values: list[Value]) -> Mask:
    """Return which elements are live in at least one of some values that are broadcast to a shape."""
    masks = [value.live for value in values if value.live is not None]
    if len(masks) < len(values):
        return None
    return torch.stack([mask.expand(shape) for mask in masks]).any(0)


@linearizes(aten.mul.Tensor, aten.mul.Scalar)
def mul(node: Node, a: Any, b: Any) -> Linearization:
    """A product. Two live factors share alike, for the strength of both is the product; −ab is intercept."""
    va, vb = node.value(a), node.value(b)
    if va is not None and vb is not None:
        if node.gated and va.gate != vb.gate:
            return _through_gate(node, va, b) if vb.gate else _through_gate(node, vb, a)
        return shared_alike(node, (va, b), (vb, a))
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
        return replace(elementwise(node, b, -y / b, lambda: 2 * y), gate=True)
    if node.gated:
        return _through_gate(node, va, 1 / b)
    return shared_alike(node, (va, 1 / b), (vb, -y / b))


@linearizes(aten.lerp.Tensor)
def lerp_each(node: Node, a: Tensor, b: Tensor, weight: Tensor) -> Linearization:
    """A point between two values, at a weight that may be live (a gate); what is live shares alike."""
    va, vb, vw = node.value(a), node.value(b), node.value(weight)
    if node.gated and vw is not None and vw.gate and (va or vb):
        vw = None
    return _live_sides(node, (va, 1 - weight), (vb, weight), (vw, b - a))


@linearizes(aten.addcmul.default)
def addcmul(node: Node, x: Tensor, a: Tensor, b: Tensor, *, value: float = 1) -> Linearization:
    """x + value · a · b. What is live of the three shares alike."""
    va, vb = node.value(a), node.value(b)
    if node.gated and va is not None and vb is not None and va.gate != vb.gate:
        va, vb = (None, vb) if va.gate else (va, None)
    return _live_sides(node, (node.value(x), x.new_ones(())), (va, b * value), (vb, a * value))


@linearizes(aten.addcdiv.default)
def addcdiv(node: Node, x: Tensor, a: Tensor, b: Tensor, *, value: float = 1) -> Linearization:
    """x + value · a / b. What is live of the three shares alike."""
    va, vb, ratio = node.value(a), node.value(b), value / b
    if node.gated and va is not None:
        vb = None
    return _live_sides(node, (node.value(x), x.new_ones(())), (va, ratio), (vb, -ratio * a / b))


def _live_sides(node: Node, *sides: tuple[Value | None, Tensor]) -> Linearization:
    return shared_alike(node, *((value, slope) for value, slope in sides if value is not None))


def _through_gate(node: Node, value: Value, gate: Tensor) -> Linearization:
    """State gate · value with the gate held fixed."""
    facts = elementwise(node, value.tensor, gate)
    place = node.inputs.index(value)

    def placed(array: Tensor | None) -> tuple[Tensor | None, ...]:
        return tuple(array if i == place else None for i in range(len(node.inputs)))

    def pull(mass: Tensor) -> tuple[Tensor | None, ...]:
        return placed(facts.fan_in.pull(mass)[0])  # type: ignore[union-attr]

    return replace(facts, pullback=lambda grad: placed(facts.pullback(grad)[0]), fan_in=Follows(pull))


def shared_alike(node: Node, *sides: tuple[Value, Tensor]) -> Linearization:
    """State a smooth op of several live values by the slope in each; mass is shared alike among what is live.

    A value may come twice (x · x). Inputs of the node that are not among ``sides`` are held fixed.
    """
    shape = node.output.tensor.shape
    values = [value for value, _ in sides]
    live = either(shape, values)
    shares: list[Any] = [1 / len(sides)] * len(sides)
    if any(value.live is not None for value in values):
        dtype = node.output.tensor.dtype
        present = [
            torch.ones((), dtype=dtype, device=v.tensor.device) if v.live is None else v.live.to(dtype)
            for v in values
        ]
        count = sum(present).clamp(min=1)  # type: ignore[union-attr]
        shares = [p / count for p in present]

    def placed(arrays: list[Tensor]) -> tuple[Tensor | None, ...]:
        found: list[Tensor | None] = [None] * len(node.inputs)
        for value, array in zip(values, arrays, strict=True):
            before = found[place := node.inputs.index(value)]
            back = array.sum_to_size(value.tensor.shape)
            found[place] = back if before is None else before + back
        return tuple(found)

    def pullback(grad: Tensor) -> tuple[Tensor | None, ...]:
        return placed([grad * slope for _, slope in sides])

    def pull(mass: Tensor) -> tuple[Tensor | None, ...]:
        return placed([mass * share for share in shares])

    def rest() -> Tensor:
        y = node.output.tensor
        for value, slope in sides:
            y = torch.addcmul(y, value.only_live(value.tensor), slope, value=-1)
        return y

    return Linearization(pullback, Follows(pull), rest, live)


@linearizes(aten.neg.default)
def neg(node: Node, x: Tensor) -> Linearization:
    """The negative."""
    return elementwise(node, x, -torch.ones((), dtype=x.dtype, device=x.device))
