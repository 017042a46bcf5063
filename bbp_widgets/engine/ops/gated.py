"""Activations that are a value times a gate made of it: the tangent, or the gate held fixed."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..graph import Node
from ..linearization import Follows, Linearization, by_kernel, elementwise, linearizes, sloped, within_samples

aten = torch.ops.aten


@linearizes(aten.silu.default)
def silu(node: Node, x: Tensor) -> Linearization:
    """x · sigmoid(x)."""
    if node.gated:
        return elementwise(node, x, x.sigmoid())
    return by_kernel(node, x, lambda grad: aten.silu_backward(grad, x))


@linearizes(aten.gelu.default)
def gelu(node: Node, x: Tensor, *, approximate: str = "none") -> Linearization:
    """x · Φ(x), Φ the normal distribution function, or x times its approximation by a tanh."""
    if not node.gated:
        return by_kernel(node, x, lambda grad: aten.gelu_backward(grad, x, approximate=approximate))
    if approximate == "tanh":
        return elementwise(node, x, 0.5 + 0.5 * torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))
    return elementwise(node, x, torch.special.ndtr(x))


@linearizes(aten.mish.default)
def mish(node: Node, x: Tensor) -> Linearization:
    """x · tanh(softplus(x))."""
    if node.gated:
        return elementwise(node, x, F.softplus(x).tanh())
    return sloped(node, x, aten.mish_backward(torch.ones_like(x), x))


@linearizes(aten.hardswish.default)
def hardswish(node: Node, x: Tensor) -> Linearization:
    """x · relu6(x + 3) / 6."""
    if node.gated:
        return elementwise(node, x, F.hardsigmoid(x))
    return by_kernel(node, x, lambda grad: aten.hardswish_backward(grad, x))


@linearizes(aten.glu.default)
def glu(node: Node, x: Tensor, dim: int = -1) -> Linearization:
    """a · sigmoid(b) of the halves a and b. The tangent shares mass alike between them; a fixed gate gets none."""
    value = node.inputs[0]
    within_samples(node, value, [dim])
    a, b = x.chunk(2, dim)
    gate = b.sigmoid()
    there = torch.ones_like(x, dtype=torch.bool) if value.live is None else value.live
    live_a, live_b = there.chunk(2, dim)
    carry = lambda marks: marks.chunk(2, dim)[0]  # noqa: E731
    if node.gated:
        zeros = torch.zeros_like(gate)

        def through(grad: Tensor) -> tuple[Tensor, ...]:
            return (torch.cat([grad * gate, zeros], dim),)

        def beside(mass: Tensor) -> tuple[Tensor, ...]:
            return (torch.cat([mass, zeros], dim),)

        return Linearization(through, Follows(beside), None, None if value.live is None else live_a, carry)
    count = (live_a.to(x.dtype) + live_b).clamp(min=1)

    def pull(grad: Tensor) -> tuple[Tensor, ...]:
        return (aten.glu_backward(grad, x, dim),)

    def alike(mass: Tensor) -> tuple[Tensor, ...]:
        each = mass / count
        return (torch.cat([each * live_a, each * live_b], dim),)

    def rest() -> Tensor:
        linear = value.only_live(x)
        of_a, of_b = linear.chunk(2, dim)
        return node.output.tensor - gate * (of_a + a * (1 - gate) * of_b)

    return Linearization(pull, Follows(alike), rest, live_a | live_b, carry)
