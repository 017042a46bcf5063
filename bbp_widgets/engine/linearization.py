"""What an op states about itself near this input, and the register of ops that do.

An op function gets its node and the arguments of the call, and returns a ``Linearization``: facts only. How a
unit's mass is shared where the facts leave a choice is a rule's business (``rules.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from .errors import UnsupportedOp
from .graph import Mask, Node, Value
from .mixing import Mixing
from .samples import Layout, moved

__all__ = [
    "Follows",
    "Linearization",
    "by_kernel",
    "elementwise",
    "first_along",
    "first_output",
    "layout_of",
    "linearize_node",
    "linearizes",
    "mask_of",
    "moves",
    "sloped",
    "slopes",
    "supported_ops",
    "tangent",
    "unsupported",
    "where_finite",
    "within_samples",
]


@dataclass(frozen=True, slots=True)
class Follows:
    """A fan-in that leaves a rule no choice: each unit has one input, or one that decides (max pooling)."""

    pull: Callable[..., tuple[Tensor | None, ...]]  # one mass per output in, one mass per live input out


@dataclass(frozen=True, slots=True)
class Linearization:
    """An op at this input: output = Σ Jᵢ · inputᵢ + intercept, over its live inputs.

    ``pullback`` takes one grad per output (zeros where the target does not depend on it) and returns Jᵢᵀ grad
    for every live input, in the order of the arguments; ``None`` for an input that is held fixed (a gate).
    ``intercept`` is broadcastable to the first output and ``None`` where it is zero; a function of nothing where it
    is cheaper to compute again than to keep. ``live`` says which output elements depend on the input at all, for
    each output where there are several; ``False`` for a by-product that no target may depend on (a mean, a buffer).
    ``carry`` does to marks of the first live input what the op does to its elements, where these change places:
    so the samples of a batch are followed. ``layout`` says outright where they are. ``gate`` says whether the output
    is a gate, to be held fixed where it multiplies another value; ``None``: if all that it is made of are gates.
    """

    pullback: Callable[..., tuple[Tensor | None, ...]]
    fan_in: Follows | Mixing
    intercept: Tensor | Callable[[], Tensor] | None = None
    live: Mask | tuple[Mask | Literal[False], ...] = None
    carry: Callable[[Tensor], Any] | None = None
    layout: Layout | None = None
    gate: bool | None = None

    def constant(self) -> Tensor:
        """Return the intercept of an op that has one."""
        assert self.intercept is not None
        return self.intercept if isinstance(self.intercept, Tensor) else self.intercept()


OpFunction = Callable[..., Linearization]
_OPS: dict[Any, OpFunction] = {}


def linearizes(*ops: Any) -> Callable[[OpFunction], OpFunction]:
    """Register a function as what these ATen overloads (or your own ``torch.library`` ops) state about themselves.

    The function is called with the node and the arguments of the op call::

        @linearizes(aten.relu.default)
        def relu(node, x):
            return elementwise(node, x, slope=(x > 0).to(x.dtype))

    ``elementwise``, ``tangent`` and ``moves`` write most of what there is to say. The last one registered counts.
    """

    def register(function: OpFunction) -> OpFunction:
        for op in ops:
            if not isinstance(op, torch._ops.OpOverload):
                raise TypeError(
                    f"linearizes wants op overloads such as torch.ops.aten.relu.default, got {op!r}."
                )
            _OPS[op] = function
        return function

    return register


def supported_ops() -> tuple[str, ...]:
    """Return the names of the ops that have a linearization, sorted."""
    return tuple(sorted(str(op).removesuffix(".default") for op in _OPS))


def linearize_node(node: Node) -> Linearization:
    """Ask the node's op what it states, and mark its outputs: which elements are live, whose sample, whether a gate.

    Raises: ``UnsupportedOp`` naming the op, the module and the source line.
    """
    function = _OPS.get(node.op)
    if function is None:
        raise unsupported(node, "has no linearization")
    facts = function(node, *node.args, **node.kwargs)
    masks = facts.live if isinstance(facts.live, tuple) else (facts.live,) * len(node.outputs)
    for value, mask in zip(node.outputs, masks, strict=True):
        if value is not None and isinstance(mask, Tensor):
            value.live = None if bool(mask.all()) else mask.expand(value.tensor.shape)
    if node.samples > 1:
        _follow_samples(node, facts)
    if node.gated:
        made_of_gates = isinstance(facts.fan_in, Follows) and all(value.gate for value in node.inputs)
        for value in node.outputs:
            if value is not None:
                value.gate = made_of_gates if facts.gate is None else facts.gate
    return facts


def _follow_samples(node: Node, facts: Linearization) -> None:
    """Find where the samples lie in the outputs.

    Raises: ``UnsupportedOp`` where they have mixed, or lie along more than one axis.
    """
    layout = facts.layout or layout_of(node, node.inputs)
    source = node.inputs[0].tensor
    for i, value in enumerate(node.outputs):
        if value is None or (isinstance(facts.live, tuple) and facts.live[i] is False):
            continue
        shape = value.tensor.shape
        found: Layout | None = None
        if facts.layout is not None:
            found = facts.layout if facts.layout.fits(shape, node.samples) else None
        elif facts.carry is not None:
            if shape == source.shape and facts.live is None and _keeps_places(node):
                found = layout
            else:
                found = moved(
                    layout, source.shape, node.samples, source.device,
                    lambda marks, i=i: _nth(facts.carry(marks), i),  # type: ignore[misc]
                )  # fmt: skip
        elif -layout.axis <= len(shape) and any(
            shape[layout.axis] == v.tensor.shape[layout.axis]
            for v in node.inputs
            if v.tensor.dim() >= -layout.axis
        ):
            found = layout
        if found is None:
            raise unsupported(
                node, f"mixes or scatters the {node.samples} samples (explain one at a time: batch_size=1)"
            )
        value.layout = found


def _keeps_places(node: Node) -> bool:
    return node.op_name in ("clone", "to_copy", "alias", "detach", "contiguous", "dropout")


def layout_of(node: Node, values: Iterable[Value]) -> Layout:
    """Return where the samples lie in the live inputs of a node, which must agree."""
    layouts = {v.layout or Layout(-v.tensor.dim(), max(1, v.tensor.shape[0] // node.samples)) for v in values}
    if len(layouts) > 1:
        raise unsupported(
            node, "joins values whose samples lie along different axes (explain one at a time: batch_size=1)"
        )
    return layouts.pop()


def within_samples(node: Node, value: Value, dims: Iterable[int]) -> None:
    """Refuse an op that works along the axis of the samples, where there is more than one.

    Raises: ``UnsupportedOp``.
    """
    if node.samples == 1:
        return
    layout = layout_of(node, [value])
    if any(d % value.tensor.dim() - value.tensor.dim() == layout.axis for d in dims):
        raise unsupported(node, f"mixes the {node.samples} samples (explain one at a time: batch_size=1)")


def first_along(marks: Tensor, over: Iterable[int], keepdim: bool) -> Tensor:
    """Return what a reduction over some axes, none of them the samples', makes of marks: all there are alike."""
    for dim in sorted((d % marks.dim() for d in over), reverse=True):
        marks = marks.narrow(dim, 0, 1) if keepdim else marks.select(dim, 0)
    return marks


def _nth(result: Any, i: int) -> Tensor:
    return result[i] if isinstance(result, (tuple, list)) else result


def unsupported(node: Node, why: str) -> UnsupportedOp:
    """Return the error for an op call that cannot be linearized, with its place and the way on."""
    shapes = ", ".join(str(tuple(v.tensor.shape)) for v in node.inputs)
    place = f'module "{node.module}"' if node.module else "the network's own forward"
    return UnsupportedOp(
        f'{node.op} {why}, needed at node "{node.name}" in {place} with live input {shapes}.'
        + (f"\n  Called at {node.source}." if node.source else "")
        + "\n  Give it a linearization with @bbp_widgets.engine.linearizes, or explain what follows it: "
        'wrt="a.module" takes that module\'s output for the input.'
    )


def elementwise(
    node: Node,
    x: Tensor,
    slope: Tensor | None = None,
    intercept: Tensor | Callable[[], Tensor] | None = None,
    pull: Callable[[Tensor], Tensor] | None = None,
) -> Linearization:
    """State y = slope · x + intercept, element by element; ``slope=None`` is one.

    ``pull`` multiplies by the slope in another way, where a kernel does it better.
    """
    shape = x.shape
    value = node.value(x)
    assert value is not None

    def pullback(grad: Tensor) -> tuple[Tensor, ...]:
        if pull is not None:
            return (_summed(pull(grad), shape),)
        return (_summed(grad if slope is None else grad * slope, shape),)

    def follow(mass: Tensor) -> tuple[Tensor, ...]:
        return (_summed(mass, shape),)

    live = None if value.live is None else value.live.expand(node.shape)
    return first_output(node, pullback, Follows(follow), intercept, live)


def tangent(node: Node, x: Tensor) -> Linearization:
    """State the tangent of an op that works element by element on its only live input ``x``.

    The slope is autograd's; what the tangent misses at ``x`` is the intercept, y − slope · x. Where the slope is
    infinite (a root at zero) the element takes part with slope zero; where the output is, it is a constant.

    Raises: ``UnsupportedOp`` where the op does not work element by element, or autograd has no derivative.
    """
    if len(node.inputs) != 1:
        raise unsupported(
            node, "does not work element by element on one live input, as its linearization says"
        )
    (slope,) = slopes(node)
    return where_finite(node, sloped(node, x, slope), node.output.tensor)


def where_finite(node: Node, facts: Linearization, constant: Tensor | None) -> Linearization:
    """State that where ``constant`` is infinite (a masked score) the first output is a constant, whatever the input."""
    if constant is None or bool((finite := torch.isfinite(constant)).all()):
        return facts
    there = finite.expand(node.output.tensor.shape)
    several = isinstance(facts.live, tuple)
    mask, *others = facts.live if isinstance(facts.live, tuple) else (facts.live,)
    mask = there if not isinstance(mask, Tensor) else there & mask
    intercept = None if facts.intercept is None else lambda: torch.where(there, facts.constant(), 0)
    return replace(facts, live=(mask, *others) if several else mask, intercept=intercept)


def slopes(node: Node) -> tuple[Tensor, ...]:
    """Return the slope of an op that works element by element in each of its live inputs, by autograd.

    Shapes: each is like the output. Infinite slopes are zero.
    Raises: ``UnsupportedOp``.
    """
    shape = node.output.tensor.shape
    with torch.enable_grad():
        fresh = {id(v.tensor): v.tensor.detach().expand(shape).requires_grad_() for v in node.inputs}
        args = [fresh.get(id(a), a) for a in node.args]
        kwargs = {k: fresh.get(id(a), a) for k, a in node.kwargs.items()}
        y = node.op(*args, **kwargs)
        y = y[0] if isinstance(y, (tuple, list)) else y
        if not y.requires_grad or y.shape != shape:
            raise unsupported(node, "has no derivative in autograd, element by element")
        found = torch.autograd.grad(y, list(fresh.values()), torch.ones_like(y))
    return tuple(slope.nan_to_num_(0, 0, 0) for slope in found)


def sloped(node: Node, x: Tensor, slope: Tensor) -> Linearization:
    """State y = slope · x + what is left of the output, element by element."""
    return elementwise(node, x, slope, lambda: torch.addcmul(node.output.tensor, slope, x, value=-1))


def by_kernel(node: Node, x: Tensor, pull: Callable[[Tensor], Tensor]) -> Linearization:
    """State a tangent whose kernel is as cheap as keeping its slope; slope · x is what it makes of ``x``."""

    def rest() -> Tensor:
        linear = pull(x)
        return torch.sub(node.output.tensor, linear, out=linear)

    return elementwise(node, x, intercept=rest, pull=pull)


def moves(
    node: Node, pull: Callable[..., tuple[Tensor, ...]], carry: Callable[[Tensor], Any] | None
) -> Linearization:
    """State that elements only change their places.

    ``pull`` brings one array per output back to the places of the inputs. ``carry`` does to marks of the (single)
    live input what the op did to the values: which are constant, and which sample they belong to.
    """
    live: Any = None
    mask = node.inputs[0].live
    if mask is not None and carry is not None:
        carried = carry(mask.to(node.inputs[0].tensor.dtype))
        live = tuple(part > 0.5 for part in carried) if isinstance(carried, (tuple, list)) else carried > 0.5
    return Linearization(pull, Follows(pull), None, live, carry)


def first_output(
    node: Node,
    pullback: Callable[[Tensor], tuple[Tensor | None, ...]],
    fan_in: Follows | Mixing,
    intercept: Tensor | Callable[[], Tensor] | None = None,
    live: Mask = None,
    **more: Any,
) -> Linearization:
    """State an op by its first output; the others (indices, statistics) are by-products.

    Raises: ``UnsupportedOp``, on the way back, where the target depends on a by-product.
    """
    if len(node.outputs) == 1:
        return Linearization(pullback, fan_in, intercept, live, **more)

    def pull(grad: Tensor, *others: Tensor) -> tuple[Tensor | None, ...]:
        if any(bool(other.any()) for other in others):
            raise unsupported(
                node, "has a second result, which only counts as a by-product, on the way to the target"
            )
        return pullback(grad)

    if isinstance(fan_in, Follows):
        follow = fan_in.pull
        fan_in = Follows(lambda mass, *others: follow(mass))
    masks: list[Mask | Literal[False]] = [False] * len(node.outputs)
    masks[0] = live
    return Linearization(pull, fan_in, intercept, tuple(masks), **more)


def _summed(array: Tensor, shape: torch.Size) -> Tensor:
    return array if array.shape == shape else array.sum_to_size(shape)


def mask_of(node: Node, argument: Any) -> Tensor:
    """Return which elements of an argument are live, in its shape: none of a constant."""
    value = node.value(argument)
    if value is None:
        return torch.zeros_like(argument, dtype=torch.bool)
    return torch.ones_like(argument, dtype=torch.bool) if value.live is None else value.live
