"""Ops that put elements elsewhere by an index: which went where is found by sending their numbers the same way."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from ..graph import Node, Value
from ..linearization import Follows, Linearization, first_output, layout_of, linearizes, unsupported
from ..samples import Layout

aten = torch.ops.aten


@linearizes(
    aten.index.Tensor, aten.index_select.default, aten.gather.default, aten.take.default, aten.unfold.default,
    aten.diagonal.default, aten.diag_embed.default, aten.tril.default, aten.triu.default, aten.repeat.default,
    aten.im2col.default, aten.max_unpool2d.default, aten.max_unpool3d.default, aten.scatter.src,
    aten.index_copy.default, aten.masked_scatter.default, aten.diagonal_scatter.default,
)  # fmt: skip
def indexed(node: Node, *args: Any, **kwargs: Any) -> Linearization:
    """Each element of the output is one of an input, or a constant."""
    return _by_number(node, args, kwargs)


@linearizes(aten.scatter.value)
def scatter_value(node: Node, x: Tensor, dim: int, index: Tensor, value: Any) -> Linearization:
    """A constant written to places along one axis."""
    return _by_number(node, (x, dim, index, 0.0), {})


@linearizes(aten.index_fill.int_Scalar, aten.index_fill.int_Tensor)
def index_fill(node: Node, x: Tensor, dim: int, index: Tensor, value: Any) -> Linearization:
    """A constant written to some entries of an axis."""
    if node.value(value) is not None:
        raise unsupported(node, "with a live filling")
    fill = torch.zeros((), dtype=torch.double, device=x.device) if isinstance(value, Tensor) else 0.0
    return _by_number(node, (x, dim, index, fill), {})


@linearizes(aten.as_strided.default)
def as_strided(node: Node, x: Tensor, size: Any, stride: Any, offset: int | None = None) -> Linearization:
    """The memory of a value read another way, as far as it belongs to the value."""
    numbers = x.new_full((x.untyped_storage().nbytes() // x.element_size(),), -1, dtype=torch.double)
    seen = numbers.as_strided(x.shape, x.stride(), x.storage_offset())
    seen.copy_(_numbers(node)[id(x)])
    source = node.op(seen, size, stride, offset)
    if bool((source < 0).any()):
        raise unsupported(node, "reads memory that is not this value's")
    return _sent(node, source.long())


def _by_number(node: Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Linearization:
    """State that the first output holds elements of the inputs, by running the op on their numbers."""
    numbers = _numbers(node)

    def numbered(argument: Any) -> Any:
        if not isinstance(argument, Tensor) or not argument.is_floating_point():
            return argument
        known = numbers.get(id(argument))
        return torch.zeros_like(argument, dtype=torch.double) if known is None else known

    source = node.op(*tree_map(numbered, args), **tree_map(numbered, kwargs))
    return _sent(node, source.long())


def _numbers(node: Node) -> dict[int, Tensor]:
    """Number the elements of the live inputs from one, in double precision; constant ones are zero."""
    found: dict[int, Tensor] = {}
    start = 1
    for value in dict.fromkeys(node.inputs):
        x = value.tensor
        number = torch.arange(start, start + x.numel(), dtype=torch.double, device=x.device).view(x.shape)
        found[id(x)] = value.only_live(number)
        start += x.numel()
    return found


def _sent(node: Node, source: Tensor) -> Linearization:
    """State where the elements of the output came from: numbers from one, zero for a constant."""
    values = tuple(dict.fromkeys(node.inputs))
    sizes = [1, *(value.tensor.numel() for value in values)]
    flat = source.flatten()

    def pull(array: Tensor) -> tuple[Tensor | None, ...]:
        back = array.new_zeros(sum(sizes)).index_add_(0, flat, array.flatten())
        parts = dict(zip(values, back.split(sizes)[1:], strict=True))
        # a value that comes twice is given all at its first place
        return tuple(parts.pop(v).view(v.tensor.shape) if v in parts else None for v in node.inputs)

    layout = None if node.samples == 1 else followed(node, values, source)
    live = None if bool((source > 0).all()) else source > 0
    return first_output(node, pull, Follows(pull), None, live, layout=layout)


def followed(node: Node, values: tuple[Value, ...], source: Tensor) -> Layout:
    """Return where the samples lie in an output, by the numbers of the elements it was made of.

    Raises: ``UnsupportedOp`` where they lie along no one axis.
    """
    device = source.device
    marks = [torch.full((1,), -1.0, device=device)]
    for value in values:
        layout = layout_of(node, [value])
        marks.append(layout.marks(value.tensor.shape, node.samples, device).flatten())
    seen = torch.cat(marks)[source]
    shape = source.shape
    for axis in range(-source.dim(), 0):
        if shape[axis] % node.samples:
            continue
        for inner in range(1, shape[axis] // node.samples + 1):
            layout = Layout(axis, inner)
            if shape[axis] % (node.samples * inner) == 0:
                expected = layout.marks(shape, node.samples, device)
                if bool(((seen == expected) | (seen < 0)).all()):
                    return layout
    raise unsupported(
        node, f"mixes or scatters the {node.samples} samples (explain one at a time: batch_size=1)"
    )
