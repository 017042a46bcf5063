"""Ops that see a whole group of elements for each output, while mass follows each element by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..graph import Node
from ..linearization import Follows, Linearization, first_output

__all__ = ["grouped"]


def grouped(
    node: Node,
    x: Tensor,
    view: Sequence[int],
    over: Sequence[int],
    pull: Callable[[Tensor], Tensor],
    push: Callable[[Tensor], Tensor],
    rest: Callable[[], Tensor] | None = None,
) -> Linearization:
    """State an op whose outputs, of the shape of ``x``, each depend on the group of elements that they are in.

    A group is an entry of ``x`` seen as ``view``, summed over the axes ``over``. ``pull`` is Jᵀ grad, ``push`` J v
    and ``rest`` the intercept where all elements are live, if it has a closed form. The mass of an output goes to the
    element in its place; where that one is a constant, to the live elements of its group alike.
    """
    (value,) = (v for v in node.inputs if v.tensor is x)
    if value.live is None:
        whole = rest or (lambda: node.output.tensor - push(x))
        return first_output(node, lambda grad: (pull(grad),), Follows(lambda mass: (mass,)), whole)
    dims = list(over)
    mask = value.live.reshape(view)
    count = mask.sum(dims, keepdim=True)

    def follow(mass: Tensor) -> tuple[Tensor, ...]:
        seen = mass.reshape(view)
        stray = torch.where(mask, 0, seen).sum(dims, keepdim=True) / count.clamp(min=1)
        return (torch.where(mask, seen + stray, 0).reshape(x.shape),)

    live = (count > 0).expand(view).reshape(x.shape)
    return first_output(
        node,
        lambda grad: (pull(grad),),
        Follows(follow),
        lambda: node.output.tensor - push(value.only_live(x)),
        live,
    )
