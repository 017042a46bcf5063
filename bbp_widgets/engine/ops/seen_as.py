"""Products in other shapes: with a vector, of three tensors, and sums in which each element has its own weight."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ..graph import Node, Value
from ..linearization import Linearization, layout_of, linearizes, unsupported, within_samples
from ..mixing import Dense, Side, Tile, side_of
from ..samples import Layout
from .linear import ProductMixing

aten = torch.ops.aten

#: What was given to the two sides of a product, brought to the shapes of the live inputs.
Home = Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]]


class SeenAs(ProductMixing):
    """A matrix product x @ weight that the op's live values are seen as, its result in the shape ``output``."""

    def __init__(
        self, x: Tensor, weight: Tensor, x_side: Side, weight_side: Side, inputs: tuple[Value, ...], home: Home,
        output: torch.Size,
    ) -> None:  # fmt: skip
        """``x_side`` and ``weight_side`` tell which of their entries are live."""
        self.x, self.weight, self.x_side, self.weight_side = x, weight, x_side, weight_side
        self.inputs, self._home, self._output = inputs, home, output
        self._inner = (*x.shape[:-1], weight.shape[-1])

    def _outer(self, array: Tensor) -> Tensor:
        return array.expand(self._inner).reshape(self._output)

    def home(self, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return self._home(given)

    def nothing(self, mass: Tensor) -> tuple[Tensor, ...]:
        sides = ((self.x, self.x_side), (self.weight, self.weight_side))
        return tuple(mass.new_zeros(array.shape) for array, side in sides if side is not False)

    def spread(self, weight: Tensor, x: Tensor) -> Tensor:
        return self._outer(super().spread(weight, x))

    def collect(self, weight: Tensor, mass: Tensor) -> Tensor:
        return super().collect(weight, mass.reshape(self._inner))

    def collect_weight(self, x: Tensor, mass: Tensor) -> Tensor:
        return super().collect_weight(x, mass.reshape(self._inner))

    def count(self) -> Tensor:
        return self._outer(super().count())

    def scatter(self, mass: Tensor) -> tuple[Tensor, ...]:
        return super().scatter(mass.reshape(self._inner))

    def _wiring(self, rates: Tensor) -> Tensor:
        return Dense._wiring(self, rates)

    def normalized(self) -> tuple[Tensor, Tensor, Tensor]:
        rates, inputs, scale = super().normalized()
        return rates, inputs, self._outer(scale)

    def reach(self, x: Tensor) -> Tensor:
        return self._outer(super().reach(x))

    def tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        return super().tiles(mass.reshape(self._inner), given)

    def tiles_of(self, units: Tensor, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        return super().tiles_of(units.reshape(self._inner), mass.reshape(self._inner), given)


def weighted_sum(value: Value, weight: Tensor, over: list[int], output: torch.Size) -> SeenAs:
    """Return the fan-in of a sum over the axes ``over``, in which each element has its own weight."""
    x = value.only_live(value.tensor)
    order = [*(d for d in range(x.dim()) if d not in over), *over]
    back = [order.index(d) for d in range(x.dim())]
    sizes = [x.shape[d] for d in order]

    def rows(array: Tensor) -> Tensor:
        return array.permute(order).reshape(output.numel(), 1, -1)

    def home(given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (given[0].reshape(sizes).permute(back),)

    side = None if value.live is None else rows(value.live)
    finite = torch.where(torch.isfinite(x), x, 0)  # a masked score, whose weight is zero
    return SeenAs(rows(finite), rows(weight).mT, side, False, (value,), home, output)


@linearizes(aten.mv.default)
def mv(node: Node, a: Tensor, b: Tensor) -> Linearization:
    """A matrix times a vector."""
    return _with_vector(node, a, b, None, 1)


@linearizes(aten.addmv.default)
def addmv(
    node: Node, bias: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1
) -> Linearization:
    """beta · bias + alpha · a @ b."""
    if node.value(bias) is not None and beta != 0:
        raise unsupported(node, "with a live bias")
    return _with_vector(node, a, b, None if beta == 0 else bias * beta, alpha)


@linearizes(aten.dot.default)
def dot(node: Node, a: Tensor, b: Tensor) -> Linearization:
    """The product of two vectors."""
    return _with_vector(node, a, b, None, 1)


def _with_vector(node: Node, a: Tensor, b: Tensor, bias: Tensor | None, alpha: float) -> Linearization:
    """State alpha · a @ b + bias of a vector ``b`` and a matrix or vector ``a``."""
    a_value, b_value = node.value(a), node.value(b)
    layout = None
    if node.samples > 1:
        layout = layout_of(node, node.inputs)
        if b_value is not None or layout.axis != -2:
            raise unsupported(node, f"mixes the {node.samples} samples (explain one at a time: batch_size=1)")
        layout = Layout(-1, layout.inner)
    if node.gated and a_value is not None and b_value is not None and a_value.gate != b_value.gate:
        a_value, b_value = (None, b_value) if a_value.gate else (a_value, None)
    x, weight = torch.atleast_2d(a if alpha == 1 else a * alpha), b.unsqueeze(-1)
    sides = [(value, i) for value, i in ((a_value, 0), (b_value, 1)) if value is not None]
    places = [node.inputs.index(value) for value, _ in sides]
    x_side = side_of(a_value)
    mixing = SeenAs(
        x, weight,
        torch.atleast_2d(x_side) if isinstance(x_side, Tensor) else x_side,
        b_value.live.unsqueeze(-1) if b_value is not None and b_value.live is not None else side_of(b_value),
        tuple(value for value, _ in sides),
        lambda given: tuple(array.reshape(v.tensor.shape) for array, (v, _) in zip(given, sides, strict=True)),
        node.output.tensor.shape,
    )  # fmt: skip

    def pullback(grad: Tensor) -> tuple[Tensor | None, ...]:
        found: list[Tensor | None] = [None] * len(node.inputs)
        column = grad.reshape(-1, 1)
        for (value, side), place in zip(sides, places, strict=True):
            back = (column @ weight.mT * alpha if side == 0 else x.mT @ column).reshape(value.tensor.shape)
            before = found[place]
            found[place] = back if before is None else before + back
        return tuple(found)

    def rest() -> Tensor:
        linear = node.output.tensor.new_zeros(node.shape)
        for value, side in sides:
            v = value.only_live(value.tensor)
            part = torch.atleast_2d(v) @ weight * alpha if side == 0 else x @ v.unsqueeze(-1)
            linear = linear + part.reshape(node.shape)
        return node.output.tensor - linear

    partly = len(sides) > 1 or any(value.live is not None for value, _ in sides)
    live = mixing.count() > 0.5 if partly else None
    return Linearization(pullback, mixing, rest if partly else bias, live, layout=layout)


@linearizes(aten._trilinear.default)
def bilinear(
    node: Node, a: Tensor, weight: Tensor, b: Tensor, expand_a: list[int], expand_w: list[int],
    expand_b: list[int], over: list[int], unroll: int = 1,
) -> Linearization:  # fmt: skip
    """Σᵢⱼ aᵢ Wₖᵢⱼ bⱼ, as ``nn.Bilinear`` has it. An entry's strength is what it adds beside the other vector."""
    if (expand_a, expand_w, expand_b, over) != ([1, 3], [0], [1, 2], [2, 3]) or node.value(
        weight
    ) is not None:
        raise unsupported(node, "as something else than a bilinear form with a constant matrix")
    a_value, b_value = node.value(a), node.value(b)
    if node.gated and a_value is not None and b_value is not None and a_value.gate != b_value.gate:
        a_value, b_value = (None, b_value) if a_value.gate else (a_value, None)
    sides = []
    if a_value is not None:
        sides.append((a_value, torch.einsum("kij,nj->nik", weight, b)))
    if b_value is not None:
        sides.append((b_value, torch.einsum("kij,ni->njk", weight, a)))
    for value, _ in sides:
        within_samples(node, value, [1])
    x = torch.cat([value.tensor for value, _ in sides], 1)
    slope = torch.cat([part for _, part in sides], 1)
    masks = [torch.ones_like(v.tensor, dtype=torch.bool) if v.live is None else v.live for v, _ in sides]
    partly = any(value.live is not None for value, _ in sides)
    live = torch.cat(masks, 1)
    sizes = [value.tensor.shape[1] for value, _ in sides]
    places = [node.inputs.index(value) for value, _ in sides]

    def placed(array: Tensor) -> tuple[Tensor | None, ...]:
        found: list[Tensor | None] = [None] * len(node.inputs)
        for place, part in zip(places, array.split(sizes, 1), strict=True):
            before = found[place]
            found[place] = part if before is None else before + part
        return tuple(found)

    def home(given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return given[0].squeeze(1).split(sizes, 1)

    mixing = SeenAs(
        x.unsqueeze(1), slope, live.unsqueeze(1) if partly else None, False, tuple(v for v, _ in sides), home,
        node.output.tensor.shape,
    )  # fmt: skip

    def rest() -> Tensor:
        seen = torch.where(live, x, 0)
        return node.output.tensor - (seen.unsqueeze(1) @ slope).squeeze(1)

    return Linearization(
        lambda grad: placed((slope @ grad.unsqueeze(-1)).squeeze(-1)),
        mixing,
        rest if partly or len(sides) > 1 else None,
        live.any(1, keepdim=True).expand(node.shape) if partly else None,
    )
