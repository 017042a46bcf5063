"""Convolutions of one to three dimensions, with stride, padding, dilation and groups."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from ..graph import Node, Value
from ..linearization import Linearization, linearizes, unsupported
from ..mixing import TILE_ELEMENTS, Dense, Tile, parts_of_units
from ..windows import all_dims, axis_places, window_places

aten = torch.ops.aten
_MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


class ConvolutionMixing(Dense):
    """Every output sees the real positions of its window, in the channels of its group.

    Zero padding is not an input: sums run over it, but it never counts and never receives.
    """

    def __init__(
        self,
        value: Value,
        weight: Tensor,
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
        groups: int,
        output: torch.Size,
    ) -> None:
        """``weight`` is (J, channels of a group, *kernel)."""
        self.inputs, self.weight, self.output = (value,), weight, output
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.dims = weight.dim() - 2

    def _convolve(self, x: Tensor, weight: Tensor, groups: int) -> Tensor:
        zeros = [0] * self.dims
        return aten.convolution(
            x, weight, None, self.stride, self.padding, self.dilation, False, zeros, groups
        )

    def _transposed(self, mass: Tensor, weight: Tensor, groups: int) -> Tensor:
        zeros = [0] * self.dims
        x = self.inputs[0].tensor
        shape = (mass.shape[0], weight.shape[1] * groups, *x.shape[2:])
        last = x.dim() == 4 and not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if last else torch.contiguous_format
        # only its shape and its layout are looked at; the result gets both
        like = torch.empty(shape, dtype=mass.dtype, device=mass.device, memory_format=layout)
        return aten.convolution_backward(
            mass, like, weight, None, self.stride, self.padding, self.dilation, False, zeros, groups,
            [True, False, False],
        )[0]  # fmt: skip

    def spread(self, weight: Tensor, x: Tensor) -> Tensor:
        return self._convolve(x, weight, self.groups)

    def collect(self, weight: Tensor, mass: Tensor) -> Tensor:
        return self._transposed(mass, weight, self.groups)

    def _ones(self) -> Tensor:
        return self.weight.new_ones(1, 1, *self.weight.shape[2:])

    def _group_maps(self, array: Tensor) -> Tensor:
        """Sum the channels of each group: (N, C, *) → (N · groups, 1, *)."""
        return array.unflatten(1, (self.groups, -1)).sum(2).flatten(0, 1).unsqueeze(1)

    def _to_outputs(self, maps: Tensor) -> Tensor:
        """Repeat one map per group for each output channel of it: (N · groups, 1, *) → (N, J, *)."""
        grouped = maps.view(-1, self.groups, 1, *maps.shape[2:])
        return grouped.expand(-1, -1, self.output[1] // self.groups, *maps.shape[2:]).flatten(1, 2)

    def count(self) -> Tensor:
        value = self.inputs[0]
        if value.live is None:
            one = self.weight.new_ones(1, 1, *value.tensor.shape[2:])
            return self._convolve(one, self._ones(), 1) * self.weight.shape[1]
        return self._to_outputs(
            self._convolve(self._group_maps(value.live.to(value.tensor.dtype)), self._ones(), 1)
        )

    def scatter(self, mass: Tensor) -> Tensor:
        value = self.inputs[0]
        maps = self._transposed(self._group_maps(mass), self._ones(), 1)  # (N · groups, 1, *)
        grouped = maps.view(-1, self.groups, 1, *maps.shape[2:])
        every = grouped.expand(-1, -1, self.weight.shape[1], *maps.shape[2:]).flatten(1, 2)
        return value.only_live(every)

    def reach(self, x: Tensor) -> Tensor:
        top = x.unflatten(1, (self.groups, -1)).amax(2).flatten(0, 1).unsqueeze(1)
        border = [p for pad in reversed(self.padding) for p in (pad, pad)]
        if any(border):  # max pooling itself pads by at most half a window
            top = F.pad(top, border)
        top = _MAX_POOL[self.dims](top, self.weight.shape[2:], self.stride, 0, self.dilation)
        return self._to_outputs(top)

    def per_unit(self, array: Tensor) -> Tensor:
        return array.view(-1, *[1] * self.dims)

    def _places(self, device: torch.device) -> Tensor:
        """Return the places each window sees, (windows, places of a window)."""
        sizes, kernel, windows = self.inputs[0].tensor.shape[2:], self.weight.shape[2:], self.output[2:]
        geometry = zip(sizes, windows, kernel, self.stride, self.padding, self.dilation, strict=True)
        return window_places([axis_places(*axis) for axis in geometry], sizes).to(device)

    def tiles_of(self, units: Tensor, mass: Tensor, given: Tensor) -> Iterator[Tile]:
        value = self.inputs[0]
        n, groups, channels = mass.shape[0], self.groups, self.weight.shape[1]
        places = self._places(mass.device)
        x = value.tensor.reshape(-1)
        live = None if value.live is None else value.live.reshape(-1)
        rates = self.weight.reshape(-1, channels, places.shape[1])
        flat_mass = mass.reshape(n, -1, len(places))
        received = given.view(-1)
        volume = value.tensor[0, 0].numel()
        channel = torch.arange(channels, device=mass.device)[None, :, None] * volume
        for sample, unit, window in parts_of_units(units.reshape(flat_mass.shape), rates[0].numel()):
            there = places[window][:, None] >= 0
            block = (sample * groups + unit // (self.output[1] // groups)) * channels * volume
            index = block[:, None, None] + channel + places[window][:, None].clamp(min=0)
            mask = there if live is None else live[index] & there
            mask = mask.expand(index.shape)
            weight = rates[unit]

            def give(shares: Tensor, index: Tensor = index, mask: Tensor = mask) -> None:
                received.index_add_(0, index.flatten(), (shares * mask.flatten(1)).flatten())

            strength = (x[index] * weight).flatten(1)
            yield Tile(strength, weight.flatten(1), mask.flatten(1), flat_mass[sample, unit, window], give)

    def tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        value = self.inputs[0]
        n, groups, channels = mass.shape[0], self.groups, self.weight.shape[1]
        places = self._places(mass.device)
        x = value.tensor.reshape(n, groups, channels, -1)
        live = None if value.live is None else value.live.reshape(n, groups, channels, -1)
        flat_mass = mass.reshape(n, groups, -1, len(places))
        weight = self.weight.reshape(groups, -1, channels, places.shape[1])
        received = given[0].view(n, groups, channels, -1)
        units = max(1, min(weight.shape[1], TILE_ELEMENTS // max(1, n * groups * channels * places.shape[1])))
        rows = max(1, TILE_ELEMENTS // max(1, n * groups * units * channels * places.shape[1]))
        for top in range(0, len(places), rows):
            window = slice(top, top + rows)
            there = places[window] >= 0  # (windows, places)
            index = places[window].clamp(min=0)
            patch = x[..., index].movedim(2, -2)  # (n, groups, windows, channels, places)
            mask = there[:, None] if live is None else live[..., index].movedim(2, -2) & there[:, None]
            mask = mask.expand(patch.shape)[:, :, None]
            total = torch.zeros_like(patch)
            for start in range(0, weight.shape[1], units):
                part = slice(start, start + units)
                rates = weight[:, part, None]  # (groups, units, 1, channels, places)
                strength = (patch[:, :, None] * rates).flatten(-2)

                def give(shares: Tensor, total: Tensor = total) -> None:
                    total.add_(shares.sum(2).view_as(total))

                yield Tile(strength, rates.flatten(-2), mask.flatten(-2), flat_mass[:, :, part, window], give)
            masked = (total * mask[:, :, 0]).movedim(-2, 2).flatten(3)
            received.index_add_(3, index.flatten(), masked)


@linearizes(aten.convolution.default)
def convolution(
    node: Node,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    output_padding: list[int],
    groups: int,
) -> Linearization:
    """W ∗ x + bias, over real positions only."""
    value = node.value(x)
    if transposed:
        raise unsupported(node, "transposed")
    if value is None or node.value(weight) is not None or node.value(bias) is not None:
        raise unsupported(node, "with a live kernel or bias")
    dims = weight.dim() - 2
    if x.dim() != dims + 2:
        raise unsupported(node, "without a sample axis")
    geometry = (all_dims(stride, dims), all_dims(padding, dims), all_dims(dilation, dims))
    mixing = ConvolutionMixing(value, weight, *geometry, groups, node.output.tensor.shape)
    intercept = None if bias is None else bias.view(1, -1, *[1] * dims)
    constant = value.constant_part()
    if constant is not None:
        fixed = mixing.spread(weight, constant)
        intercept = fixed if intercept is None else fixed + intercept
    live = mixing.count() > 0.5 if constant is not None or any(padding) else None
    return Linearization(lambda grad: (mixing.collect(weight, grad),), mixing, intercept, live)
