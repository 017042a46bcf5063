"""Normalization by the values' own mean and variance: layer, group, instance and batch norms.

y = γ x̂ + β with x̂ = (x − μ)/σ and σ² = variance + eps. Its tangent keeps nothing of a shift and almost nothing of a
scale, J x = γ x̂ · eps/σ², so that nearly all of y is intercept. With gates held fixed, μ and σ are: y is then
γ/σ · x + β − γμ/σ. Mass follows each element.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..graph import Node
from ..linearization import Linearization, elementwise, linearizes, unsupported, within_samples
from .groups import grouped

aten = torch.ops.aten


@dataclass(frozen=True, slots=True)
class _Norm:
    """What a norm went by. ``mean`` and ``rate`` = 1/σ broadcast to the groups' view, γ and β to the values."""

    view: Sequence[int]  # the values, seen as groups
    over: Sequence[int]  # the axes of a group
    mean: Tensor
    rate: Tensor
    gamma: Tensor | None
    beta: Tensor | None
    eps: float
    back: Callable[[Tensor, bool], Tensor]  # torch's kernel for Jᵀ grad, with its γ or without

    def scaled(self, array: Tensor) -> Tensor:
        """Return γ · array."""
        return array if self.gamma is None else array * self.gamma

    def shifted(self, array: Tensor) -> Tensor:
        """Return array + β."""
        return array if self.beta is None else array + self.beta


def _normalized(node: Node, x: Tensor, norm: _Norm) -> Linearization:
    def rest() -> Tensor:
        rate = norm.rate * (1 - norm.eps * norm.rate * norm.rate)
        return norm.shifted(norm.scaled(((x.reshape(norm.view) - norm.mean) * rate).reshape(x.shape)))

    if node.gated:
        slope = norm.scaled(norm.rate.expand(norm.view).reshape(x.shape))
        shift = norm.scaled((-norm.mean * norm.rate).expand(norm.view).reshape(x.shape))
        return replace(elementwise(node, x, slope, lambda: norm.shifted(shift)), gate=False)
    facts = grouped(
        node, x, norm.view, norm.over,
        pull=lambda grad: norm.back(grad, True),
        push=lambda v: norm.scaled(norm.back(v, False)),
        rest=rest,
    )  # fmt: skip
    return replace(facts, gate=False)


def _check(node: Node, over: Sequence[int], *parameters: Tensor | None) -> None:
    """Refuse live parameters, and groups that hold more than one sample."""
    if any(node.value(parameter) is not None for parameter in parameters):
        raise unsupported(node, "with live parameters")
    within_samples(node, node.inputs[0], over)


@linearizes(aten.native_layer_norm.default)
def layer_norm(
    node: Node, x: Tensor, shape: list[int], weight: Tensor | None, bias: Tensor | None, eps: float
) -> Linearization:
    """Normalize each token or row by itself."""
    over = tuple(range(-len(shape), 0))
    _check(node, over, weight, bias)
    _, mean, rate = node.results

    def back(grad: Tensor, weighted: bool) -> Tensor:
        gamma = weight if weighted else None
        mask = [True, False, False]
        return aten.native_layer_norm_backward(grad.contiguous(), x, shape, mean, rate, gamma, None, mask)[0]

    return _normalized(node, x, _Norm(x.shape, over, mean, rate, weight, bias, eps, back))


@linearizes(aten.native_group_norm.default)
def group_norm(
    node: Node,
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    samples: int,
    channels: int,
    size: int,
    groups: int,
    eps: float,
) -> Linearization:
    """Normalize each group of channels of each sample."""
    _check(node, range(1, x.dim()), weight, bias)
    view = (samples, groups, math.prod(x.shape) // (samples * groups))
    _, mean, rate = node.results

    def back(grad: Tensor, weighted: bool) -> Tensor:
        gamma = weight if weighted else None
        sizes = (samples, channels, size, groups)
        mask = [True, False, False]
        return aten.native_group_norm_backward(
            grad.contiguous(), x.contiguous(), mean, rate, gamma, *sizes, mask
        )[0]

    of_group = (samples, groups, 1)
    gamma, beta = (_along_channels(x, parameter) for parameter in (weight, bias))
    norm = _Norm(view, (2,), mean.reshape(of_group), rate.reshape(of_group), gamma, beta, eps, back)
    return _normalized(node, x, norm)


def by_the_batch(
    node: Node, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Linearization:
    """Normalize each channel over everything else: instance norm, whose channels are those of all samples.

    Raises: ``UnsupportedOp`` where that mixes samples.
    """
    over = tuple(d for d in range(x.dim()) if d != 1)
    _check(node, over, weight, bias)
    mean, rate = node.results[1:3]

    def back(grad: Tensor, weighted: bool) -> Tensor:
        gamma = weight if weighted else None
        mask = [True, False, False]
        # the kernel for the CPU is wrong for one sample whose grad is not contiguous
        grad, values = grad.contiguous(), x.contiguous()
        statistics = (None, None, mean, rate, True, eps)
        return aten.native_batch_norm_backward(grad, values, gamma, *statistics, mask)[0]

    mean_of, rate_of, gamma, beta = (_along_channels(x, p) for p in (mean, rate, weight, bias))
    assert mean_of is not None
    assert rate_of is not None
    return _normalized(node, x, _Norm(x.shape, over, mean_of, rate_of, gamma, beta, eps, back))


def _along_channels(x: Tensor, parameter: Tensor | None) -> Tensor | None:
    return None if parameter is None else parameter.view(1, -1, *[1] * (x.dim() - 2))
