"""What is explained: one number of the network's output for each sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from .errors import BadTarget
from .graph import Graph, Value
from .mixing import Mixing, Tile

__all__ = ["Contraction", "Target", "TargetLike", "resolve"]

TargetLike = int | Sequence[int] | Tensor | tuple[int, int] | Callable[[Any], Tensor] | None


@dataclass(frozen=True, slots=True)
class Target:
    """The number explained, and its first step back.

    Shapes: ``value`` (N,); ``index`` (N,), or (N, 2) for a pair, or ``None`` for a callable; each of ``grads`` is
    like the output it belongs to.
    """

    value: Tensor
    index: Tensor | None
    outputs: tuple[Value, ...]
    grads: tuple[Tensor, ...]

    def intercept(self) -> Tensor:
        """Return, (N,), what of the target is not grad · live output.

        Zero for an index; the curvature of a callable, and the value of an output that the input cannot reach.
        """
        n = len(self.value)
        linear = [
            v.only_live(v.tensor * grad).reshape(n, -1).sum(1)
            for v, grad in zip(self.outputs, self.grads, strict=True)
        ]
        return self.value - torch.stack(linear).sum(0)


class Contraction(Mixing):
    """The target as a sum over the network's outputs: the strengths are grad · output."""

    def __init__(self, target: Target) -> None:
        self.inputs, self.grads, self.samples = target.outputs, target.grads, len(target.value)

    def tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        """Write out one tile: every sample's outputs, side by side. ``mass`` is (N,)."""
        weight, live = self._weight(), self._live()
        x = torch.cat([v.tensor.reshape(self.samples, -1) for v in self.inputs], 1)

        def give(phi: Tensor, ratio: Tensor) -> None:
            parts = (phi * ratio.unsqueeze(-1) * live).split([array[0].numel() for array in given], 1)
            for array, share in zip(given, parts, strict=True):
                array.add_(share.view(array.shape))

        yield Tile(weight * x, weight, live, mass, give)

    def reachable(self) -> Tensor:
        """Return, (N,), whether any output that the target looks at depends on the input."""
        return self._live().any(1)

    def _weight(self) -> Tensor:
        return torch.cat([grad.reshape(self.samples, -1) for grad in self.grads], 1)

    def _live(self) -> Tensor:
        masks = [
            torch.ones_like(v.tensor, dtype=torch.bool) if v.live is None else v.live for v in self.inputs
        ]
        return torch.cat([mask.reshape(self.samples, -1) for mask in masks], 1) & (self._weight() != 0)


def resolve(target: TargetLike, graph: Graph, samples: int) -> Target:
    """Return the target that ``target`` means for this output.

    Raises: ``BadTarget`` naming what was wanted and what came.
    """
    if callable(target) and not isinstance(target, Tensor):
        return _by_callable(target, graph, samples)
    output = graph.output
    if not isinstance(output, Tensor):
        raise BadTarget(
            f"the network returns {type(output).__name__}, not one tensor.\n"
            '  Say what to explain with a callable, e.g. target=lambda out: out["logits"][:, 3].'
        )
    if output.dim() not in (1, 2) or output.shape[0] != samples:
        raise BadTarget(
            f"an index wants an output of shape ({samples}, K), got {tuple(output.shape)}.\n"
            "  Use a callable that returns one number per sample, e.g. target=lambda out: out[:, 3].mean((1, 2))."
        )
    table = output[:, None] if output.dim() == 1 else output
    index = _index(target, table, samples)
    grad = torch.zeros_like(table)
    if index.dim() == 2:
        grad.scatter_add_(1, index[:, :1], torch.ones_like(table[:, :1]))
        grad.scatter_add_(1, index[:, 1:], -torch.ones_like(table[:, :1]))
    else:
        grad.scatter_(1, index[:, None], 1)
    return _target(graph, (output,), (grad.view(output.shape),), (table * grad).sum(1), index)


def _index(target: Any, table: Tensor, samples: int) -> Tensor:
    if target is None:
        return table.argmax(1)
    pair = isinstance(target, tuple)
    try:
        index = torch.as_tensor(target, device=table.device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise BadTarget(f"cannot read target {target!r}: {_WANTED}") from error
    if index.is_floating_point() or index.dtype == torch.bool or index.is_complex():
        raise BadTarget(f"target must be whole numbers, got {target!r}: {_WANTED}")
    index = index.long()
    if pair:
        if index.shape != (2,):
            raise BadTarget(f"a tuple is a pair (a, b), a rather than b; got {target!r}: {_WANTED}")
        if index[0] == index[1]:
            raise BadTarget(f"a pair (a, b) needs two different outputs, got {target!r}: {_WANTED}")
        index = index.expand(samples, 2)
    elif index.dim() == 0:
        index = index.expand(samples)
    elif index.shape != (samples,):
        raise BadTarget(f"got targets of shape {tuple(index.shape)} for {samples} samples: {_WANTED}")
    classes = table.shape[1]
    outside = index[(index < -classes) | (index >= classes)]
    if outside.numel():
        raise BadTarget(
            f"target {int(outside[0])} is out of range: the output has {classes} entries, 0 to {classes - 1}."
        )
    return index % classes


_WANTED = "\n  Wanted: an int, one int per sample, a pair (a, b), a callable output -> (N,), or None for the largest."


def _by_callable(function: Callable[[Any], Tensor], graph: Graph, samples: int) -> Target:
    leaves, spec = tree_flatten(graph.output)
    where = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor) and leaf.is_floating_point()]
    with torch.enable_grad():
        fresh = list(leaves)
        for i in where:
            fresh[i] = leaves[i].detach().requires_grad_()
        value = function(tree_unflatten(fresh, spec))
        if not isinstance(value, Tensor) or value.shape != (samples,):
            got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise BadTarget(
                f"the target callable must return a tensor of shape ({samples},), one number per sample, got {got}."
            )
        if not value.requires_grad:
            raise BadTarget("the target callable's result does not depend on the network's output.")
        grads = torch.autograd.grad(
            value.sum(), [fresh[i] for i in where], allow_unused=True, retain_graph=samples > 1
        )
        if samples > 1:
            _check_apart(value, [fresh[i] for i in where], samples)
    used = [(leaves[i], grad) for i, grad in zip(where, grads, strict=True) if grad is not None]
    outputs, kept = zip(*used, strict=True)
    return _target(graph, outputs, kept, value.detach(), None)


def _check_apart(value: Tensor, outputs: list[Tensor], samples: int) -> None:
    """Refuse a callable whose first number looks at other samples: their grads would be added up unseen.

    Raises: ``BadTarget``.
    """
    for grad in torch.autograd.grad(value[0], outputs, allow_unused=True):
        if grad is not None and len(grad) == samples and bool((grad[1:] != 0).any()):
            raise BadTarget(
                "the target callable mixes samples: its first number depends on the outputs of others.\n"
                "  Reduce over all axes but the first, e.g. target=lambda out: out[:, 3].mean((1, 2))."
            )


def _target(
    graph: Graph, outputs: tuple[Tensor, ...], grads: tuple[Tensor, ...], value: Tensor, index: Tensor | None
) -> Target:
    live = [
        (graph.value_of[id(t)], grad)
        for t, grad in zip(outputs, grads, strict=True)
        if id(t) in graph.value_of
    ]
    if not live:
        raise BadTarget("the target does not depend on the inputs: there is no live path between them.")
    return Target(value, index, tuple(v for v, _ in live), tuple(grad for _, grad in live))
