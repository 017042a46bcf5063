"""Matrix products: of a live value with a constant matrix, and of two live values."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..graph import Mask, Node, Value
from ..linearization import Linearization, layout_of, linearizes, unsupported, where_finite
from ..mixing import TILE_ELEMENTS, Dense, Tile, outer, parts_of_rows, parts_of_units, side_of
from ..samples import Layout

aten = torch.ops.aten


class ProductMixing(Dense):
    """x @ weight: every output sees the row of x and the column of the weight that meet in it.

    Shapes: x (..., n, k) and weight (k, p), or x (B, n, k) and weight (B, k, p). Either may be live, or both.
    """

    def __init__(self, x: Tensor, weight: Tensor, x_value: Value | None, weight_value: Value | None) -> None:
        """``x_value`` and ``weight_value`` are the live values, ``None`` for a constant."""
        self.x, self.weight = x, weight
        self.x_side, self.weight_side = side_of(x_value), side_of(weight_value)
        self.inputs = tuple(value for value in (x_value, weight_value) if value is not None)

    def parts(self) -> Iterator[tuple[slice, Dense]]:
        shared = self.weight.dim() == 2
        if self.x.dim() < 2 or not len(self.x) or (shared and self.weight_side is not False):
            return  # a live weight that all rows share gets something from each
        one = self.x[0]
        each = max(one.numel(), one.numel() // self.x.shape[-1] * self.weight.shape[-1])
        for part in parts_of_rows(len(self.x), each, self.weight if shared else self.weight[0]):
            x, weight = self.x[part], self.weight if shared else self.weight[part]
            sides = (
                None if side is False else Value(array, side if side is None else side[part])
                for array, side in ((x, self.x_side), (weight, self.weight_side))
            )
            yield part, ProductMixing(x, weight, *sides)

    def spread(self, weight: Tensor, x: Tensor) -> Tensor:
        return x @ weight

    def collect(self, weight: Tensor, mass: Tensor) -> Tensor:
        return mass @ weight.mT

    def collect_weight(self, x: Tensor, mass: Tensor) -> Tensor:
        return x.mT @ mass

    def count(self) -> Tensor:
        size = self.x.new_tensor(float(self.x.shape[-1]))
        of_x, of_weight = self.x_side, self.weight_side
        total = self.x.new_zeros(())
        if of_x is not False:
            total = total + (size if of_x is None else of_x.sum(-1, keepdim=True, dtype=size.dtype))
        if of_weight is not False:
            total = total + (size if of_weight is None else of_weight.sum(-2, keepdim=True, dtype=size.dtype))
        return total

    def scatter(self, mass: Tensor) -> tuple[Tensor, ...]:
        given = []
        if self.x_side is not False:
            each = mass.sum(-1, keepdim=True).expand(self.x.shape)
            given.append(each if self.x_side is None else torch.where(self.x_side, each, 0))
        if self.weight_side is not False:
            each = mass.sum(-2, keepdim=True).expand(self.weight.shape)
            given.append(each if self.weight_side is None else torch.where(self.weight_side, each, 0))
        return tuple(given)

    def _wiring(self, rates: Tensor) -> Tensor:
        return super()._wiring(rates) if isinstance(self.x_side, Tensor) else rates.sum(-2, keepdim=True)

    def normalized(self) -> tuple[Tensor, Tensor, Tensor]:
        tiny = torch.finfo(self.x.dtype).tiny
        rates, inputs = self.weight.abs(), self.x.abs()
        if self.weight_side is False and isinstance(self.x_side, Tensor):
            inputs = torch.where(self.x_side, inputs, 0)
        if self.x_side is False and isinstance(self.weight_side, Tensor):
            rates = torch.where(self.weight_side, rates, 0)
        top_rate = rates.amax(-2, keepdim=True).clamp(min=tiny)
        top_input = inputs.amax(-1, keepdim=True).clamp(min=tiny)
        return rates / top_rate, inputs / top_input, top_rate * top_input

    def reach(self, x: Tensor) -> Tensor:
        return x.amax(-1, keepdim=True)

    def _flat(self) -> tuple[Tensor, Tensor, Mask, Mask]:
        """Return x as (B, n, k), the weight as (B, p, k), and their masks in these shapes."""
        batched = self.weight.dim() == 3
        rows = (lambda a: a) if batched else (lambda a: a.reshape(1, -1, a.shape[-1]))
        columns = (lambda a: a.mT) if batched else (lambda a: a.mT.unsqueeze(0))
        x_live = rows(self.x_side) if isinstance(self.x_side, Tensor) else None
        weight_live = columns(self.weight_side) if isinstance(self.weight_side, Tensor) else None
        return rows(self.x), columns(self.weight), x_live, weight_live

    def _tile(
        self,
        strength: Tensor,
        x: Tensor,
        weight: Tensor,
        x_live: Mask,
        weight_live: Mask,
        mass: Tensor,
        give: object,
    ) -> Tile:
        """Return a tile of the sides that are live; of two, x comes first along the fan-in."""
        if self.weight_side is False:
            live, wires = x_live, weight
        elif self.x_side is False:
            live, wires = weight_live, x
        else:
            live = None
            if x_live is not None or weight_live is not None:
                yes = torch.ones((), dtype=torch.bool, device=mass.device)
                sides = [(yes if m is None else m).expand(strength.shape) for m in (x_live, weight_live)]
                live = torch.cat(sides, -1)
            wires = torch.cat([weight.expand(strength.shape), x.expand(strength.shape)], -1)
            strength = torch.cat([strength, strength], -1)
        if live is not None:
            strength = torch.where(live, strength, 0)
        return Tile(strength, wires, live, mass, give)  # type: ignore[arg-type]

    def tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        x, weight, x_live, weight_live = self._flat()
        flat_mass = mass.reshape(*x.shape[:2], -1)
        to_x = given[0].view(x.shape) if self.x_side is not False else None
        to_weight = given[-1].view_as(self.weight) if self.weight_side is not False else None
        columns = weight.shape[1]
        fan = x.shape[2]
        step = max(1, min(columns, TILE_ELEMENTS // max(1, fan)))
        rows = max(1, min(x.shape[1], TILE_ELEMENTS // max(1, fan * step)))
        blocks = max(1, TILE_ELEMENTS // max(1, fan * step * rows))
        k = fan if self.x_side is not False else 0
        room = x.new_empty(min(blocks, len(x)) * rows * step * fan)
        for b in _slices(len(x), blocks):
            for i in _slices(x.shape[1], rows):
                for j in _slices(columns, step):
                    seen, wired = x[b, i, None], weight[b, None, j]

                    def give(phi: Tensor, ratio: Tensor, b: slice = b, i: slice = i, j: slice = j) -> None:
                        if to_x is not None:
                            to_x[b, i] += (ratio.unsqueeze(-2) @ phi[..., :k]).squeeze(-2)
                        if to_weight is not None:
                            got = (phi[..., k:] * ratio.unsqueeze(-1)).sum(1).mT
                            part = to_weight[:, j] if to_weight.dim() == 2 else to_weight[b, :, j]
                            part += got.view_as(part)

                    masks = (
                        None if x_live is None else x_live[b, i, None],
                        None if weight_live is None else weight_live[b, None, j],
                    )
                    yield self._tile(outer(seen, wired, room), seen, wired, *masks, flat_mass[b, i, j], give)

    def tiles_of(self, units: Tensor, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        x, weight, x_live, weight_live = self._flat()
        flat_mass = mass.reshape(*x.shape[:2], -1)
        n, p, k = x.shape[1], weight.shape[1], x.shape[2]
        rows, columns = x.reshape(-1, k), weight.reshape(-1, k)
        row_live = None if x_live is None else x_live.reshape(-1, k)
        column_live = None if weight_live is None else weight_live.reshape(-1, k)
        to_x = given[0].view(rows.shape) if self.x_side is not False else None
        to_weight = given[-1].view_as(self.weight) if self.weight_side is not False else None
        cut = k if self.x_side is not False else 0
        for b, i, j in parts_of_units(units.reshape(flat_mass.shape), 2 * k):
            row, column = b * n + i, b * p + j
            seen, wired = rows[row], columns[column]

            def give(
                phi: Tensor, ratio: Tensor, row: Tensor = row, column: Tensor = column, seen: Tensor = seen
            ) -> None:
                shares = phi * ratio.unsqueeze(-1)
                if to_x is not None:
                    to_x.index_add_(0, row, shares[:, :cut])
                if to_weight is not None:
                    got = torch.zeros_like(columns).index_add_(0, column, shares[:, cut:])
                    to_weight.add_(got.view(weight.shape).mT.reshape(to_weight.shape))

            masks = (
                None if row_live is None else row_live[row],
                None if column_live is None else column_live[column],
            )
            yield self._tile(seen * wired, seen, wired, *masks, flat_mass[b, i, j], give)


def _slices(size: int, step: int) -> Iterator[slice]:
    for start in range(0, size, step):
        yield slice(start, start + step)


def _product(node: Node, a: Tensor, b: Tensor, bias: Tensor | None = None, alpha: float = 1) -> Linearization:
    """State alpha · a @ b + bias."""
    a_value, b_value = node.value(a), node.value(b)
    if node.value(bias) is not None:
        raise unsupported(node, "with a live bias")
    layout = _layout(node, a_value is not None)
    if node.gated and a_value is not None and b_value is not None and a_value.gate != b_value.gate:
        # the gate is held fixed: attention weights let values through
        a_value, b_value = (None, b_value) if a_value.gate else (a_value, None)
    scaled = a if alpha == 1 else a * alpha
    mixing = ProductMixing(scaled, b, a_value, b_value)
    both = a_value is not None and b_value is not None

    def pullback(grad: Tensor) -> tuple[Tensor | None, ...]:
        pulled: list[Tensor | None] = []
        for place, value in enumerate(node.inputs):
            if value is a_value and not (both and place):
                back = grad @ b.mT
                pulled.append(back if alpha == 1 else back * alpha)
            elif value is b_value:
                pulled.append(scaled.mT @ grad)
            else:
                pulled.append(None)
        return tuple(pulled)

    def rest() -> Tensor:
        linear = [
            value.only_live(x) @ y if first else y @ value.only_live(x)
            for value, x, y, first in ((a_value, scaled, b, True), (b_value, b, scaled, False))
            if value is not None
        ]
        return node.output.tensor - sum(linear)

    partly = any(value is not None and value.live is not None for value in (a_value, b_value))
    live = mixing.count() > 0.5 if partly else None
    return Linearization(pullback, mixing, rest if both or partly else bias, live, layout=layout)


def _layout(node: Node, in_a: bool) -> Layout | None:
    """Return where the samples lie in the product: along a batch axis, or along the rows of a or columns of b."""
    if node.samples == 1:
        return None
    layout = layout_of(node, node.inputs)
    if layout.axis < -2 or (len(node.inputs) == 1 and layout.axis == (-2 if in_a else -1)):
        return layout
    raise unsupported(node, f"mixes the {node.samples} samples (explain one at a time: batch_size=1)")


@linearizes(aten.linear.default)
def linear(node: Node, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Linearization:
    """x Wᵀ + bias."""
    if node.value(weight) is not None:
        raise unsupported(node, "with a live matrix")
    return _product(node, x, weight.t(), bias)


@linearizes(aten.addmm.default, aten.baddbmm.default)
def addmm(
    node: Node, bias: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1
) -> Linearization:
    """beta · bias + alpha · a @ b."""
    if node.value(bias) is not None and beta != 0:
        raise unsupported(node, "with a live bias")
    scaled = None if beta == 0 else bias if beta == 1 else bias * beta
    return where_finite(node, _product(node, a, b, scaled, alpha), scaled)


@linearizes(aten.mm.default, aten.bmm.default)
def mm(node: Node, a: Tensor, b: Tensor) -> Linearization:
    """a @ b, of one pair or of many."""
    return _product(node, a, b)
