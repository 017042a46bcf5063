"""Products of a live value with a constant matrix."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..graph import Node, Value
from ..linearization import Linearization, linearizes, unsupported
from ..mixing import TILE_ELEMENTS, Dense, Tile, parts_of_units

aten = torch.ops.aten


class LinearMixing(Dense):
    """y = x Wᵀ along the last axis: every output sees every input of its row."""

    def __init__(self, value: Value, weight: Tensor) -> None:
        """``weight`` is (J, I)."""
        self.inputs, self.weight = (value,), weight

    def spread(self, weight: Tensor, x: Tensor) -> Tensor:
        return x @ weight.t()

    def collect(self, weight: Tensor, mass: Tensor) -> Tensor:
        return mass @ weight

    def count(self) -> Tensor:
        value = self.inputs[0]
        if value.live is None:
            return value.tensor.new_tensor(float(value.tensor.shape[-1]))
        return value.live.to(value.tensor.dtype).sum(-1, keepdim=True)

    def scatter(self, mass: Tensor) -> Tensor:
        value = self.inputs[0]
        return value.only_live(mass.sum(-1, keepdim=True).expand(value.tensor.shape))

    def reach(self, x: Tensor) -> Tensor:
        return x.amax(-1, keepdim=True)

    def per_unit(self, array: Tensor) -> Tensor:
        return array

    def tiles_of(self, units: Tensor, mass: Tensor, given: Tensor) -> Iterator[Tile]:
        value = self.inputs[0]
        x = value.tensor.flatten(0, -2)
        live = None if value.live is None else value.live.flatten(0, -2)
        flat_mass = mass.reshape(len(x), -1)
        received = given.view(x.shape)
        for row, unit in parts_of_units(units.reshape(flat_mass.shape), x.shape[1]):
            mask = None if live is None else live[row]
            weight = self.weight[unit]

            def give(shares: Tensor, row: Tensor = row) -> None:
                received.index_add_(0, row, shares)

            yield Tile(x[row] * weight, weight, mask, flat_mass[row, unit], give)

    def tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        value = self.inputs[0]
        x = value.tensor.flatten(0, -2)
        live = None if value.live is None else value.live.flatten(0, -2)[:, None]
        flat_mass = mass.reshape(len(x), -1)
        received = given[0].view(x.shape)
        step = max(1, TILE_ELEMENTS // max(1, x.numel()))

        def give(shares: Tensor) -> None:
            received.add_(shares.sum(1))

        for start in range(0, len(self.weight), step):
            part = slice(start, start + step)
            weight = self.weight[part]
            yield Tile(x[:, None] * weight, weight, live, flat_mass[:, part], give)


def _linear(node: Node, x: Tensor, weight: Tensor, bias: Tensor | None) -> Linearization:
    value = node.value(x)
    if value is None or node.value(weight) is not None or node.value(bias) is not None:
        raise unsupported(node, "with a live matrix or bias")
    mixing = LinearMixing(value, weight)
    constant = value.constant_part()
    intercept = bias
    live = None
    if constant is not None:
        fixed = mixing.spread(weight, constant)
        intercept = fixed if bias is None else fixed + bias
        live = mixing.count() > 0
    return Linearization(lambda grad: (mixing.collect(weight, grad),), mixing, intercept, live)


@linearizes(aten.linear.default)
def linear(node: Node, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Linearization:
    """x Wᵀ + bias."""
    return _linear(node, x, weight, bias)


@linearizes(aten.addmm.default)
def addmm(
    node: Node, bias: Tensor, x: Tensor, matrix: Tensor, *, beta: float = 1, alpha: float = 1
) -> Linearization:
    """beta · bias + alpha · x @ matrix."""
    weight = matrix.t() if alpha == 1 else matrix.t() * alpha
    if node.value(matrix) is not None or node.value(bias) is not None:
        raise unsupported(node, "with a live matrix or bias")
    return _linear(node, x, weight, bias if beta == 1 else bias * beta)


@linearizes(aten.mm.default)
def mm(node: Node, x: Tensor, matrix: Tensor) -> Linearization:
    """x @ matrix."""
    if node.value(matrix) is not None:
        raise unsupported(node, "with a live matrix")
    return _linear(node, x, matrix.t(), None)
