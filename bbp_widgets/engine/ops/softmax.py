"""Softmax and its logarithm: the tangent here; mass follows each score."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..graph import Node
from ..linearization import Linearization, linearizes, where_finite, within_samples
from .groups import grouped

aten = torch.ops.aten


@linearizes(aten._softmax.default, aten._safe_softmax.default)
def softmax(node: Node, x: Tensor, dim: int, *args: object, **kwargs: object) -> Linearization:
    """Shares of one, by the exponential; a gate (attention). A score of minus infinity is out, and gets nothing."""
    y = node.output.tensor

    def push(v: Tensor) -> Tensor:
        # zero times infinity is no number
        return _back(torch.where(y > 0, v, 0))

    def _back(grad: Tensor) -> Tensor:
        return aten._softmax_backward_data(grad, y, dim, y.dtype)

    within_samples(node, node.inputs[0], [dim])
    return replace(grouped(node, x, x.shape, [dim], _back, push), gate=True)


@linearizes(aten._log_softmax.default)
def log_softmax(node: Node, x: Tensor, dim: int, *args: object) -> Linearization:
    """The logarithm of a softmax: each score less the smooth maximum of all."""
    y = node.output.tensor

    def push(v: Tensor) -> Tensor:
        kept = torch.where(torch.isfinite(y), v, 0)
        return kept - (y.exp() * kept).sum(dim, keepdim=True)

    def pull(grad: Tensor) -> Tensor:
        return aten._log_softmax_backward_data(grad, y, dim, y.dtype)

    within_samples(node, node.inputs[0], [dim])
    return where_finite(node, grouped(node, x, x.shape, [dim], pull, push), y)
