"""What an op states about itself near this input, and the register of ops that do.

An op function gets its node and the arguments of the call, and returns a ``Linearization``: facts only. How a
unit's mass is shared where the facts leave a choice is a rule's business (``rules.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .errors import UnsupportedOp
from .graph import Mask, Node
from .mixing import Mixing

__all__ = [
    "Follows",
    "Linearization",
    "elementwise",
    "linearize_node",
    "linearizes",
    "moves",
    "supported_ops",
]


@dataclass(frozen=True, slots=True)
class Follows:
    """A fan-in that leaves a rule no choice: each unit has one input, or one that decides (max pooling)."""

    pull: Callable[..., tuple[Tensor, ...]]  # one mass per output in, one mass per live input out


@dataclass(frozen=True, slots=True)
class Linearization:
    """An op at this input: output = Σ Jᵢ · inputᵢ + intercept, over its live inputs.

    ``pullback`` takes one grad per output (zeros where the target does not depend on it) and returns Jᵢᵀ grad
    for every live input, in the order of the arguments. ``intercept`` is broadcastable to the first output
    and ``None`` where it is zero. ``live`` says which output elements depend on the input at all.
    """

    pullback: Callable[..., tuple[Tensor, ...]]
    fan_in: Follows | Mixing
    intercept: Tensor | None = None
    live: Mask | tuple[Mask, ...] = None


OpFunction = Callable[..., Linearization]
_OPS: dict[Any, OpFunction] = {}


def linearizes(*ops: Any) -> Callable[[OpFunction], OpFunction]:
    """Register a function as what these ATen overloads state about themselves.

    The function is called with the node and the arguments of the op call::

        @linearizes(aten.relu.default)
        def relu(node, x):
            return elementwise(node, x, slope=(x > 0).to(x.dtype))
    """

    def register(function: OpFunction) -> OpFunction:
        for op in ops:
            _OPS[op] = function
        return function

    return register


def supported_ops() -> tuple[str, ...]:
    """Return the names of the ops that have a linearization, sorted."""
    return tuple(sorted(str(op).removesuffix(".default") for op in _OPS))


def linearize_node(node: Node) -> Linearization:
    """Ask the node's op what it states, and mark which elements of its outputs are live.

    Raises: ``UnsupportedOp`` naming the op, the module and the source line.
    """
    function = _OPS.get(node.op)
    if function is None:
        raise unsupported(node, "has no linearization")
    facts = function(node, *node.args, **node.kwargs)
    masks = facts.live if isinstance(facts.live, tuple) else (facts.live,) * len(node.outputs)
    for value, mask in zip(node.outputs, masks, strict=True):
        if value is not None:
            value.live = None if mask is None or bool(mask.all()) else mask.expand(value.tensor.shape)
    return facts


def unsupported(node: Node, why: str) -> UnsupportedOp:
    """Return the error for an op call that cannot be linearized, with its place and the way on."""
    shapes = ", ".join(str(tuple(v.tensor.shape)) for v in node.inputs)
    place = f'module "{node.module}"' if node.module else "the network's own forward"
    return UnsupportedOp(
        f'{node.op} {why}, needed at node "{node.name}" in {place} with live input {shapes}.'
        + (f"\n  Called at {node.source}." if node.source else "")
        + "\n  Give it one with @bbp_widgets.engine.linearizes, or explain a part of the network without it."
    )


def elementwise(
    node: Node, x: Tensor, slope: Tensor | None = None, intercept: Tensor | None = None
) -> Linearization:
    """State y = slope · x + intercept, element by element; ``slope=None`` is one."""
    shape = x.shape
    value = node.value(x)
    assert value is not None

    def pullback(grad: Tensor) -> tuple[Tensor, ...]:
        return ((grad if slope is None else grad * slope).sum_to_size(shape),)

    def pull(mass: Tensor) -> tuple[Tensor, ...]:
        return (mass.sum_to_size(shape),)

    live = None if value.live is None else value.live.expand(node.shape)
    return Linearization(first(pullback), Follows(first(pull)), intercept, live)


def moves(
    node: Node, pull: Callable[..., tuple[Tensor, ...]], carry: Callable[[Tensor], Any] | None
) -> Linearization:
    """State that elements only change their places.

    ``pull`` brings one array per output back to the places of the inputs. ``carry`` does to a mask what the op
    did to the values; it is called only where some element of the (single) live input is constant.
    """
    live: Any = None
    mask = node.inputs[0].live
    if mask is not None and carry is not None:
        live = carry(mask)
        live = tuple(live) if isinstance(live, (tuple, list)) else live
    return Linearization(pull, Follows(pull), None, live)


def first(function: Callable[[Tensor], tuple[Tensor, ...]]) -> Callable[..., tuple[Tensor, ...]]:
    """Let ``function`` look at the first output only; the others of such ops are never live."""
    return lambda array, *others: function(array)


def as_float(mask: Tensor, like: Tensor) -> Tensor:
    """Return a mask as ones and zeros of the type of ``like``."""
    return mask.to(like.dtype) if mask is not None else torch.ones((), dtype=like.dtype, device=like.device)
