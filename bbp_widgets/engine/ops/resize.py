"""Pictures made larger or smaller, bordered by themselves, or sampled at other places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..graph import Node, Value
from ..linearization import Follows, Linearization, layout_of, linearizes, moves, unsupported, within_samples
from ..samples import Layout

aten = torch.ops.aten


def _adjoint(node: Node, x: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the transpose of an op that is linear in ``x``, as autograd has it."""
    with torch.enable_grad():
        fresh = x.detach().requires_grad_()
        y = node.op(*(fresh if a is x else a for a in node.args), **node.kwargs)
        edge = torch.autograd.graph.get_gradient_edge(y)  # the way back alone: the output itself can go

    def back(array: Tensor) -> Tensor:
        # linear itself: its own derivative is asked for where single shares are (unit.py)
        again = torch.is_grad_enabled()
        return torch.autograd.grad(edge, fresh, array, retain_graph=True, create_graph=again)[0]

    return back


def _applied(node: Node, x: Tensor, array: Tensor) -> Tensor:
    return node.op(*(array if a is x else a for a in node.args), **node.kwargs)


@linearizes(
    aten.reflection_pad1d.default, aten.reflection_pad2d.default, aten.reflection_pad3d.default,
    aten.replication_pad1d.default, aten.replication_pad2d.default, aten.replication_pad3d.default,
    aten.upsample_nearest1d.default, aten.upsample_nearest2d.default, aten.upsample_nearest3d.default,
    aten._upsample_nearest_exact1d.default, aten._upsample_nearest_exact2d.default,
    aten._upsample_nearest_exact3d.default,
)  # fmt: skip
def repeated(node: Node, x: Tensor, *how: Any) -> Linearization:
    """Some elements appear in several places: a mirrored border, a pixel drawn larger."""
    back = _adjoint(node, x)
    return moves(node, lambda array: (back(array),), lambda marks: _applied(node, x, marks))


@linearizes(
    aten.upsample_linear1d.default, aten.upsample_bilinear2d.default, aten.upsample_trilinear3d.default,
    aten._upsample_bilinear2d_aa.default,
)  # fmt: skip
def interpolated(node: Node, x: Tensor, *how: Any) -> Linearization:
    """Weighted means of neighbours. Mass goes to them by these weights, which add up to one."""
    return _interpolated(node, x, whole=True)


@linearizes(aten.grid_sampler_2d.default, aten.grid_sampler_3d.default)
def grid_sampler(
    node: Node, x: Tensor, grid: Tensor, mode: int, padding: int, align_corners: bool
) -> Linearization:
    """A picture looked at where a constant grid says; what lies outside of it is no input."""
    if node.value(grid) is not None:
        raise unsupported(node, "with a live grid")
    if mode == 2:
        raise unsupported(node, "with bicubic weights")
    return _interpolated(node, x, whole=padding != 0)


def _interpolated(node: Node, x: Tensor, whole: bool) -> Linearization:
    """State means with weights ≥ 0. ``whole``: they add up to one; otherwise part of them may lie outside."""
    value = node.value(x)
    assert value is not None
    back = _adjoint(node, x)
    layout = _picture_layout(node, value)
    if whole and value.live is None:
        return Linearization(lambda grad: (back(grad),), Follows(lambda mass: (back(mass),)), layout=layout)
    ones = torch.ones_like(x) if value.live is None else value.live.to(x.dtype)
    total = _applied(node, x, ones)
    live = total > torch.finfo(x.dtype).eps
    constant = value.constant_part()

    def follow(mass: Tensor) -> tuple[Tensor, ...]:
        return (value.only_live(back(torch.where(live, mass / total, 0))),)

    return Linearization(
        lambda grad: (back(grad),),
        Follows(follow),
        None if constant is None else _applied(node, x, constant),
        live,
        layout=layout,
    )


@linearizes(aten.upsample_bicubic2d.default, aten._upsample_bicubic2d_aa.default)
def bicubic(
    node: Node, x: Tensor, size: list[int], align_corners: bool, scale_h: float | None = None,
    scale_w: float | None = None,
) -> Linearization:  # fmt: skip
    """Weighted means of neighbours, some weights below zero. Mass goes to them by the weights' sizes."""
    value = node.value(x)
    assert value is not None
    back = _adjoint(node, x)
    rows = node.op(_unit(x, -2), [size[0], 1], align_corners, scale_h, 1.0)[0, :, :, 0].abs()  # (H, height)
    columns = node.op(_unit(x, -1), [1, size[1]], align_corners, 1.0, scale_w)[0, :, 0].abs()  # (W, width)
    ones = torch.ones_like(x) if value.live is None else value.live.to(x.dtype)
    total = rows.mT @ ones @ columns
    live = total > torch.finfo(x.dtype).eps
    constant = value.constant_part()

    def follow(mass: Tensor) -> tuple[Tensor, ...]:
        return (value.only_live(rows @ torch.where(live, mass / total, 0) @ columns.mT),)

    return Linearization(
        lambda grad: (back(grad),),
        Follows(follow),
        None if constant is None else _applied(node, x, constant),
        live,
        layout=_picture_layout(node, value),
    )


def _unit(x: Tensor, axis: int) -> Tensor:
    """Return one picture for each place along an axis, one pixel wide: a one in that place."""
    one = torch.eye(x.shape[axis], dtype=x.dtype, device=x.device)
    return one[None, :, :, None] if axis == -2 else one[None, :, None, :]


def _picture_layout(node: Node, value: Value) -> Layout | None:
    """Return where the samples lie: where they did, outside of the picture."""
    within_samples(node, value, range(2, value.tensor.dim()))
    return None if node.samples == 1 else layout_of(node, [value])
