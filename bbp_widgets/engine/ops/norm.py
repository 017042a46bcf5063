"""Normalization by stored statistics: an affine map of each channel."""

from __future__ import annotations

import torch
from torch import Tensor

from ..graph import Node
from ..linearization import Linearization, elementwise, linearizes, unsupported
from .own_norm import by_the_batch

aten = torch.ops.aten


@linearizes(aten.native_batch_norm.default, aten.cudnn_batch_norm.default, aten.miopen_batch_norm.default)
def batch_norm(
    node: Node,
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    variance: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Linearization:
    """Scale each channel by γ/σ; the intercept is β − γμ/σ. Without stored statistics it uses those of the values."""
    if any(node.value(t) is not None for t in (weight, bias, mean, variance)):
        raise unsupported(node, "with live parameters")
    if training or mean is None or variance is None:
        return by_the_batch(node, x, weight, bias, eps)
    scale = (variance + eps).rsqrt()
    if weight is not None:
        scale = weight * scale
    shift = -mean * scale if bias is None else torch.addcmul(bias, mean, scale, value=-1)
    channels = (1, -1) + (1,) * (x.dim() - 2)
    return elementwise(node, x, slope=scale.view(channels), intercept=shift.view(channels))


@linearizes(aten._native_batch_norm_legit_no_training.default)
def batch_norm_no_training(
    node: Node,
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    momentum: float,
    eps: float,
) -> Linearization:
    """State the same under another name."""
    return batch_norm(node, x, weight, bias, mean, variance, False, momentum, eps)


@linearizes(aten._native_batch_norm_legit.no_stats)
def batch_norm_without_statistics(
    node: Node,
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Linearization:
    """State the same under a third name."""
    return batch_norm(node, x, weight, bias, None, None, True, momentum, eps)
