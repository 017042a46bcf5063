"""Smooth activations and functions of one value, element by element: their tangent here, the rest is intercept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..graph import Node
from ..linearization import Linearization, by_kernel, linearizes, sloped, slopes, tangent
from .arithmetic import shared_alike

aten = torch.ops.aten


@linearizes(
    aten.acos.default, aten.acosh.default, aten.asin.default, aten.asinh.default, aten.atan.default,
    aten.atanh.default, aten.cos.default, aten.cosh.default, aten.erf.default, aten.erfc.default, aten.exp2.default,
    aten.expm1.default, aten.log.default, aten.log10.default, aten.log1p.default, aten.log2.default,
    aten.logit.default, aten.sin.default, aten.sinc.default, aten.sinh.default, aten.tan.default,
    aten.sqrt.default, aten.square.default, aten.softplus.default, aten.log_sigmoid_forward.default,
)  # fmt: skip
def function(node: Node, x: Tensor, *args: Any) -> Linearization:
    """A function of one number, by autograd's derivative."""
    return tangent(node, x)


@linearizes(
    aten.pow.Scalar, aten.pow.Tensor_Tensor, aten.atan2.default, aten.hypot.default, aten.xlogy.Tensor,
    aten.logaddexp.default, aten.logaddexp2.default,
)  # fmt: skip
def function_of_two(node: Node, *args: Any) -> Linearization:
    """A function of two numbers. Where both are live they share the mass alike."""
    if len(node.inputs) == 1:
        return tangent(node, node.inputs[0].tensor)
    values = tuple(dict.fromkeys(node.inputs))
    return shared_alike(node, *zip(values, slopes(node), strict=True))


@linearizes(aten.pow.Tensor_Scalar)
def power(node: Node, x: Tensor, exponent: float) -> Linearization:
    """A power. A negative one is what normalizes another value: a gate."""
    return replace(tangent(node, x), gate=True if exponent < 0 else None)


@linearizes(aten.rsqrt.default, aten.reciprocal.default)
def inverse(node: Node, x: Tensor) -> Linearization:
    """One over the value or its root: what normalizes another value, a gate."""
    return replace(tangent(node, x), gate=True)


@linearizes(aten.exp.default)
def exp(node: Node, x: Tensor) -> Linearization:
    """The exponential, its own slope."""
    return sloped(node, x, node.output.tensor)


@linearizes(aten.sigmoid.default)
def sigmoid(node: Node, x: Tensor) -> Linearization:
    """The logistic function, and a gate: what it multiplies it lets through."""
    y = node.output.tensor
    return replace(by_kernel(node, x, lambda grad: aten.sigmoid_backward(grad, y)), gate=True)


@linearizes(aten.hardsigmoid.default)
def hardsigmoid(node: Node, x: Tensor) -> Linearization:
    """The logistic function in three straight pieces, and a gate."""
    return replace(by_kernel(node, x, lambda grad: aten.hardsigmoid_backward(grad, x)), gate=True)


@linearizes(aten.tanh.default)
def tanh(node: Node, x: Tensor) -> Linearization:
    """The hyperbolic tangent."""
    y = node.output.tensor
    return by_kernel(node, x, lambda grad: aten.tanh_backward(grad, y))


@linearizes(aten.elu.default)
def elu(node: Node, x: Tensor, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Linearization:
    """Identity above zero, an exponential below. SELU is one of these."""
    return sloped(node, x, aten.elu_backward(torch.ones_like(x), alpha, scale, input_scale, False, x))


@linearizes(aten.celu.default)
def celu(node: Node, x: Tensor, alpha: float = 1) -> Linearization:
    """The same with a slope of one at zero, whatever its ``alpha``."""
    return elu(node, x, alpha, 1, 1 / alpha)
