"""Piecewise linear activations: one slope and one intercept for each element, by the piece it is on."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..graph import Node
from ..linearization import Follows, Linearization, by_kernel, elementwise, linearizes, unsupported

aten = torch.ops.aten


@linearizes(aten.relu.default)
def relu(node: Node, x: Tensor) -> Linearization:
    """Zero or identity, by the sign of ``x``; nothing at 0, as autograd has it."""
    y = node.output.tensor
    return elementwise(node, x, pull=lambda grad: aten.threshold_backward(grad, y, 0))


@linearizes(aten.leaky_relu.default)
def leaky_relu(node: Node, x: Tensor, negative_slope: float = 0.01) -> Linearization:
    """Identity above zero, ``negative_slope`` below."""
    return elementwise(node, x, pull=lambda grad: aten.leaky_relu_backward(grad, x, negative_slope, False))


@linearizes(aten._prelu_kernel.default)
def prelu(node: Node, x: Tensor, weight: Tensor) -> Linearization:
    """Identity above zero, a learned slope below."""
    if node.value(weight) is not None:
        raise unsupported(node, "with a live slope")
    return elementwise(node, x, pull=lambda grad: torch.where(x > 0, grad, grad * weight))


@linearizes(aten.rrelu_with_noise.default)
def rrelu(
    node: Node, x: Tensor, noise: Tensor, lower: float, upper: float, training: bool = False, *rest: object
) -> Linearization:
    """In eval mode a leaky ReLU with the mean of the two slopes."""
    if training:
        raise unsupported(node, "draws its slopes at random")
    return leaky_relu(node, x, (lower + upper) / 2)


@linearizes(aten.hardtanh.default)
def hardtanh(node: Node, x: Tensor, low: float = -1.0, high: float = 1.0) -> Linearization:
    """Identity between the two ends; the clipped ends are intercept. ReLU6 is one of these."""
    return by_kernel(node, x, lambda grad: aten.hardtanh_backward(grad, x, low, high))  # y is x inside


@linearizes(aten.clamp.default, aten.clamp.Tensor)
def clamp(node: Node, x: Tensor, low: Any = None, high: Any = None) -> Linearization:
    """Identity within the limits, both of them included; the clipped ends are intercept."""
    inside = torch.ones_like(node.output.tensor, dtype=torch.bool)
    if low is not None:
        inside &= x >= low
    if high is not None:
        inside &= x <= high
    return _clipped(node, x, inside)


@linearizes(aten.clamp_min.default, aten.clamp_min.Tensor)
def clamp_min(node: Node, x: Tensor, low: Any) -> Linearization:
    """Identity from ``low`` upwards."""
    return _clipped(node, x, x >= low)


@linearizes(aten.clamp_max.default, aten.clamp_max.Tensor)
def clamp_max(node: Node, x: Tensor, high: Any) -> Linearization:
    """Identity up to ``high``."""
    return _clipped(node, x, x <= high)


@linearizes(aten.threshold.default)
def threshold(node: Node, x: Tensor, at: float, value: float) -> Linearization:
    """Identity above the threshold, a constant below."""
    return _clipped(node, x, x > at)


@linearizes(aten.nan_to_num.default)
def nan_to_num(node: Node, x: Tensor, *instead: Any, **also: Any) -> Linearization:
    """Identity, but for what was no number."""
    return _clipped(node, x, torch.isfinite(x))


def _clipped(node: Node, x: Tensor, inside: Tensor) -> Linearization:
    """Identity inside, a constant outside."""
    if node.value(x) is None or len(node.inputs) > 1:
        raise unsupported(node, "with live limits")
    y = node.output.tensor
    return elementwise(
        node, x,
        intercept=lambda: torch.where(inside, 0, y),
        pull=lambda grad: torch.where(inside, grad, 0),
    )  # fmt: skip


@linearizes(aten.abs.default)
def absolute(node: Node, x: Tensor) -> Linearization:
    """Identity or its negative, by the sign of ``x``."""
    return elementwise(node, x, pull=lambda grad: grad * x.sign())


@linearizes(aten.hardshrink.default)
def hardshrink(node: Node, x: Tensor, lambd: float = 0.5) -> Linearization:
    """Identity outside ±``lambd``, zero inside."""
    return elementwise(node, x, pull=lambda grad: torch.where(x.abs() > lambd, grad, 0))


@linearizes(aten.softshrink.default)
def softshrink(node: Node, x: Tensor, lambd: float = 0.5) -> Linearization:
    """Moved toward zero by ``lambd``, zero inside it: the shift is intercept."""
    return elementwise(
        node, x,
        intercept=lambda: torch.where(x.abs() > lambd, x.sign() * -lambd, 0),
        pull=lambda grad: torch.where(x.abs() > lambd, grad, 0),
    )  # fmt: skip


@linearizes(
    aten.remainder.Scalar, aten.remainder.Tensor, aten.fmod.Scalar, aten.fmod.Tensor, aten.frac.default
)
def remainder(node: Node, x: Tensor, divisor: Any = 1) -> Linearization:
    """Identity, shifted by whole multiples of the divisor: these are intercept."""
    if node.value(x) is None or len(node.inputs) > 1:
        raise unsupported(node, "with a live divisor")
    return elementwise(node, x, intercept=lambda: node.output.tensor - x)


@linearizes(
    aten.sgn.default, aten.zero.default, aten.div.Tensor_mode, aten.div.Scalar_mode
)  # fmt: skip
def step(node: Node, *args: Any, rounding_mode: str | None = "floor") -> Linearization:
    """A constant on each piece: nothing of the output depends on the input."""
    if rounding_mode is None:
        raise unsupported(node, "as an exact quotient")
    nothing = (None,) * len(node.inputs)
    live = torch.zeros_like(node.output.tensor, dtype=torch.bool)
    return Linearization(lambda grad: nothing, Follows(lambda mass: nothing), None, live)
