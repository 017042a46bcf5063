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
from .samples import Layout, by_sample, from_samples, sum_per_sample

__all__ = ["Contraction", "Target", "TargetLike", "resolve"]

TargetLike = int | Sequence[int] | Tensor | tuple[int, int] | Callable[[Any], Tensor] | None


@dataclass(frozen=True, slots=True)
class Target:
    """The number explained, and its first step back.

    Shapes: ``value`` (N,); ``index`` (N,), or (N, 2) for a pair, or ``None`` for a callable; each of ``grads`` is
    like the output it belongs to; ``probe``: the grads of a callable's numbers, each times another factor.
    """

    value: Tensor
    index: Tensor | None
    outputs: tuple[Value, ...]
    grads: tuple[Tensor, ...]
    probe: tuple[Tensor, ...] = ()

    def intercept(self) -> Tensor:
        """Return, (N,), what of the target is not grad · live output.

        Zero for an index; the curvature of a callable, and the value of an output that the input cannot reach.
        """
        n = len(self.value)
        linear = [
            sum_per_sample(v.only_live(torch.where(grad == 0, 0, v.tensor * grad)), n, v.layout)
            for v, grad in zip(self.outputs, self.grads, strict=True)
        ]
        return (self.value - torch.stack(linear).sum(0)).to(self.value.dtype)

    def check_samples(self) -> None:
        """Refuse a target whose number for one sample looks at others: their grads would be added up unseen.

        Where the samples lie in the outputs is known only once the nodes before them are linearized.

        Raises: ``BadTarget``.
        """
        n = len(self.value)
        if n == 1:
            return
        if self.index is not None and self.outputs[0].layout not in (
            None,
            Layout(-self.outputs[0].tensor.dim()),
        ):
            raise BadTarget(
                f"the samples do not lie along the first axis of the output, {tuple(self.outputs[0].tensor.shape)}.\n"
                "  Use a callable that returns one number per sample, e.g. target=lambda out: out[3, :]."
            )
        for value, grad, probe in zip(self.outputs, self.grads, self.probe, strict=False):
            layout = value.layout or Layout(-grad.dim(), max(1, len(grad) // n))
            factor = _factors(n, grad)[layout.marks(grad.shape, n, grad.device).long()]
            if bool(((probe - grad * factor).abs() > _ROUNDING * grad.abs().amax()).any()):
                raise BadTarget(
                    "the target callable mixes samples: the number of one depends on the outputs of others.\n"
                    "  Reduce over all axes but the samples', e.g. target=lambda out: out[:, 3].mean((1, 2))."
                )


#: |difference| of a grad and the same grad computed with another factor, of the largest.
_ROUNDING = 1e-4


def _factors(samples: int, like: Tensor) -> Tensor:
    """Return a factor for each sample, of which no two are alike."""
    return torch.linspace(1, 2, samples, dtype=like.dtype, device=like.device)


class Contraction(Mixing):
    """The target as a sum over the network's outputs: the strengths are grad · output."""

    def __init__(self, target: Target) -> None:
        self.inputs, self.grads, self.samples = target.outputs, target.grads, len(target.value)

    def tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        """Write out one tile: every sample's outputs, side by side. ``mass`` is (N,)."""
        weight, live = self._weight(), self._live()
        x = self._rows([v.tensor for v in self.inputs])

        def give(phi: Tensor, ratio: Tensor) -> None:
            sizes = [array.numel() // self.samples for array in given]
            parts = torch.where(live, phi * ratio.unsqueeze(-1), 0).split(sizes, 1)
            for array, share, value in zip(given, parts, self.inputs, strict=True):
                array.add_(from_samples(share, array.shape, value.layout))

        yield Tile(torch.where(live, weight * x, 0), weight, live, mass, give)

    def reachable(self) -> Tensor:
        """Return, (N,), whether any output that the target looks at depends on the input."""
        return self._live().any(1)

    def _rows(self, arrays: Sequence[Tensor]) -> Tensor:
        """Return arrays that are like the outputs as one row for each sample."""
        rows = [by_sample(a, self.samples, v.layout) for a, v in zip(arrays, self.inputs, strict=True)]
        return torch.cat(rows, 1)

    def _weight(self) -> Tensor:
        return self._rows(self.grads)

    def _live(self) -> Tensor:
        masks = [
            torch.ones_like(v.tensor, dtype=torch.bool) if v.live is None else v.live for v in self.inputs
        ]
        return self._rows(masks) & (self._weight() != 0)


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
    if output.dim() not in (1, 2) or output.shape[0] != samples or not output.numel():
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
    value = torch.where(grad != 0, table * grad, 0).sum(1)  # another class may be infinite
    return _target(graph, [(output, grad.view(output.shape), None)], value, index)


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
        outputs = [fresh[i] for i in where]
        grads = torch.autograd.grad(value.sum(), outputs, allow_unused=True, retain_graph=samples > 1)
        probes = grads
        if samples > 1:
            probes = torch.autograd.grad((value * _factors(samples, value)).sum(), outputs, allow_unused=True)
    if not all(bool(torch.isfinite(grad).all()) for grad in grads if grad is not None):
        raise BadTarget("the target callable has no finite derivative at these outputs of the network.")
    used = [(leaves[i], g, p) for i, g, p in zip(where, grads, probes, strict=True) if g is not None]
    return _target(graph, used, value.detach(), None)


def _target(
    graph: Graph, used: Sequence[tuple[Tensor, Tensor, Tensor | None]], value: Tensor, index: Tensor | None
) -> Target:
    """Return the target that has these grads (and probes) at these outputs.

    An overflow to infinity is a target that can still be looked at; a NaN is none.

    Raises: ``BadTarget`` where it is NaN, or no live output has to do with it.
    """
    if bool(value.isnan().any()):
        raise BadTarget(
            f"the target of sample {int(value.isnan().nonzero()[0])} is nan at these inputs.\n"
            f"{_first_nan(graph)}  Look for a NaN or infinite weight, or an overflow on the way."
        )
    live = [(graph.value_of[id(t)], grad, probe) for t, grad, probe in used if id(t) in graph.value_of]
    if not live:
        raise BadTarget("the target does not depend on the inputs: there is no live path between them.")
    values, grads, probes = zip(*live, strict=True)
    return Target(value, index, values, grads, probes if index is None else ())


def _first_nan(graph: Graph) -> str:
    """Return, as a line of a message, where in the order of the run a live value first has a NaN."""
    for node in graph.nodes:
        if any(value is not None and bool(value.tensor.isnan().any()) for value in node.outputs):
            place = f'module "{node.module}"' if node.module else "the network's own forward"
            called = f", called at {node.source}" if node.source else ""
            return f'  The first value with a NaN is that of node "{node.name}" in {place}{called}.\n'
    return ""
