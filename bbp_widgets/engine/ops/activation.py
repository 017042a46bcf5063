"""Piecewise linear activations: one slope and one intercept for each element, by the piece it is on."""

from __future__ import annotations

import torch
from torch import Tensor

from ..graph import Node
from ..linearization import Linearization, elementwise, linearizes, unsupported

aten = torch.ops.aten


def _gate(keep: Tensor, x: Tensor) -> Tensor:
    return keep.to(x.dtype)


def _slope(x: Tensor, below: float) -> Tensor:
    return torch.where(x > 0, x.new_ones(()), x.new_tensor(below))


@linearizes(aten.relu.default)
def relu(node: Node, x: Tensor) -> Linearization:
    """Zero or identity, by the sign of ``x``; nothing at 0, as autograd has it."""
    return elementwise(node, x, slope=_gate(x > 0, x))


@linearizes(aten.leaky_relu.default)
def leaky_relu(node: Node, x: Tensor, negative_slope: float = 0.01) -> Linearization:
    """Identity above zero, ``negative_slope`` below."""
    return elementwise(node, x, slope=_slope(x, negative_slope))


@linearizes(aten._prelu_kernel.default)
def prelu(node: Node, x: Tensor, weight: Tensor) -> Linearization:
    """Identity above zero, a learned slope below."""
    if node.value(weight) is not None:
        raise unsupported(node, "with a live slope")
    return elementwise(node, x, slope=torch.where(x > 0, torch.ones_like(x), weight.expand_as(x)))


@linearizes(aten.hardtanh.default)
def hardtanh(node: Node, x: Tensor, low: float = -1.0, high: float = 1.0) -> Linearization:
    """Identity between the two ends; the clipped ends are intercept. ReLU6 is one of these."""
    inside = (x > low) & (x < high)
    return _clipped(node, x, inside)


@linearizes(aten.clamp.default)
def clamp(node: Node, x: Tensor, low: float | None = None, high: float | None = None) -> Linearization:
    """Identity within the limits, both of them included; the clipped ends are intercept."""
    inside = torch.ones_like(x, dtype=torch.bool)
    if low is not None:
        inside &= x >= low
    if high is not None:
        inside &= x <= high
    return _clipped(node, x, inside)


@linearizes(aten.clamp_min.default)
def clamp_min(node: Node, x: Tensor, low: float) -> Linearization:
    """Identity from ``low`` upwards."""
    return _clipped(node, x, x >= low)


@linearizes(aten.clamp_max.default)
def clamp_max(node: Node, x: Tensor, high: float) -> Linearization:
    """Identity up to ``high``."""
    return _clipped(node, x, x <= high)


@linearizes(aten.threshold.default)
def threshold(node: Node, x: Tensor, at: float, value: float) -> Linearization:
    """Identity above the threshold, a constant below."""
    return _clipped(node, x, x > at)


@linearizes(aten.rrelu_with_noise.default)
def rrelu(
    node: Node, x: Tensor, noise: Tensor, lower: float, upper: float, training: bool = False, *rest: object
) -> Linearization:
    """In eval mode a leaky ReLU with the mean of the two slopes."""
    return elementwise(node, x, slope=_slope(x, (lower + upper) / 2))


@linearizes(aten.abs.default)
def absolute(node: Node, x: Tensor) -> Linearization:
    """Identity or its negative, by the sign of ``x``."""
    return elementwise(node, x, slope=x.sign())


@linearizes(aten.hardshrink.default)
def hardshrink(node: Node, x: Tensor, lambd: float = 0.5) -> Linearization:
    """Identity outside ±``lambd``, zero inside."""
    return elementwise(node, x, slope=_gate(x.abs() > lambd, x))


@linearizes(aten.softshrink.default)
def softshrink(node: Node, x: Tensor, lambd: float = 0.5) -> Linearization:
    """Moved toward zero by ``lambd``, zero inside it: the shift is intercept."""
    return _clipped(node, x, x.abs() > lambd)


def _clipped(node: Node, x: Tensor, inside: Tensor) -> Linearization:
    """Slope one inside, zero outside; what is left of the output is intercept."""
    slope = _gate(inside, x)
    return elementwise(node, x, slope=slope, intercept=node.output.tensor - slope * x)
