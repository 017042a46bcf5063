"""Convolutions of one to three dimensions, plain and transposed, with stride, padding, dilation and groups."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..graph import Node, Value
from ..linearization import Linearization, linearizes, unsupported
from ..mixing import TILE_ELEMENTS, Dense, Tile, kept, outer, parts_of_rows, parts_of_units, side_of
from ..windows import all_dims, axis_places, window_places

aten = torch.ops.aten
#: Fewer channels than this in a group, and one map for each group costs more than the convolution itself.
_NARROW = 8
#: A fan-in up to this is written out along the outermost axis; longer ones are contiguous.
_SHORT = 64
#: Strengths of such fan-ins written out at once: a second array of them still lies near the processor.
_SHORT_TILE = 1 << 20
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
        self.x, self.x_side = value.tensor, side_of(value)
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.dims = weight.dim() - 2
        self.effort = 0.03 if weight.shape[1] >= 16 else 0.12  # kernels want many channels
        self.brief = _SHORT if weight.shape[1] < _NARROW else self.brief
        self.renewal = 3.0  # and weights in an order of their own

    def parts(self) -> Iterator[tuple[slice, Dense]]:
        n = self.x.shape[0]
        each = max(self.x[0].numel(), math.prod(self.output[1:])) if n else 0
        for part in parts_of_rows(n, each, self.weight):
            live = self.x_side[part] if isinstance(self.x_side, Tensor) else None
            output = torch.Size((part.stop - part.start, *self.output[1:]))
            geometry = (self.stride, self.padding, self.dilation, self.groups, output)
            yield part, ConvolutionMixing(Value(self.x[part], live), self.weight, *geometry)

    def _convolve(self, x: Tensor, weight: Tensor, groups: int) -> Tensor:
        zeros = [0] * self.dims
        return aten.convolution(
            x, weight, None, self.stride, self.padding, self.dilation, False, zeros, groups
        )

    def _transposed(self, mass: Tensor, weight: Tensor, groups: int) -> Tensor:
        zeros = [0] * self.dims
        x = self.x
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
        if isinstance(self.x_side, Tensor):
            live = self._group_maps(self.x_side.to(self.x.dtype))
            return self._to_outputs(self._convolve(live, self._ones(), 1))
        # without constant elements only the border tells windows apart, and it does so axis by axis
        windows = self.x.new_full((1,), float(self.weight.shape[1]))
        for places in self._axes():
            windows = windows.unsqueeze(-1) * (places >= 0).sum(1).to(windows)
        return windows.view(1, 1, *self.output[2:])

    def _wiring(self, rates: Tensor) -> Tensor:
        if isinstance(self.x_side, Tensor):
            return super()._wiring(rates)
        # all channels are there alike: sum them first, over one sample
        one = rates.new_ones(1, 1, *self.x.shape[2:])
        return self._convolve(one, rates.sum(1, keepdim=True), 1)

    def normalized(self) -> tuple[Tensor, Tensor, Tensor]:
        tiny = torch.finfo(self.x.dtype).tiny
        rates, inputs = self.weight.abs(), self.x.abs()
        if isinstance(self.x_side, Tensor):
            inputs = torch.where(self.x_side, inputs, 0)
        top_rate = rates.flatten(1).amax(1).clamp(min=tiny).view(-1, *[1] * (rates.dim() - 1))
        top_input = inputs.flatten(1).amax(1).clamp(min=tiny).view(-1, *[1] * (inputs.dim() - 1))
        return rates / top_rate, inputs / top_input, top_rate.flatten(1, 2) * top_input

    def scatter(self, mass: Tensor) -> tuple[Tensor, ...]:
        if self.groups > 1 and self.weight.shape[1] < _NARROW:
            every = self._transposed(mass, torch.ones_like(self.weight), self.groups)
        else:
            maps = self._transposed(self._group_maps(mass), self._ones(), 1)  # (N · groups, 1, *)
            grouped = maps.view(-1, self.groups, 1, *maps.shape[2:])
            every = grouped.expand(-1, -1, self.weight.shape[1], *maps.shape[2:]).flatten(1, 2)
        return (torch.where(self.x_side, every, 0) if isinstance(self.x_side, Tensor) else every,)

    def reach(self, x: Tensor) -> Tensor:
        top = x.unflatten(1, (self.groups, -1)).amax(2).flatten(0, 1).unsqueeze(1)
        border = [p for pad in reversed(self.padding) for p in (pad, pad)]
        if any(border):  # max pooling itself pads by at most half a window
            top = F.pad(top, border)
        if all(k == 1 for k in self.weight.shape[2:]):
            return self._to_outputs(top[(..., *(slice(None, None, t) for t in self.stride))])
        top = _MAX_POOL[self.dims](top, self.weight.shape[2:], self.stride, 0, self.dilation)
        return self._to_outputs(top)

    def _axes(self) -> list[Tensor]:
        """Return, for each axis, the places that each window sees; outside the input they are -1."""
        sizes, kernel, windows = self.x.shape[2:], self.weight.shape[2:], self.output[2:]
        geometry = zip(sizes, windows, kernel, self.stride, self.padding, self.dilation, strict=True)
        return [axis_places(*axis) for axis in geometry]

    def _places(self, device: torch.device) -> Tensor:
        """Return the places each window sees, (windows, places of a window)."""
        return window_places(self._axes(), self.x.shape[2:]).to(device)

    def nothing(self, mass: Tensor) -> tuple[Tensor, ...]:
        return (mass.new_zeros(self.x.shape),)

    def tiles_of(self, units: Tensor, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        n, groups, channels = mass.shape[0], self.groups, self.weight.shape[1]
        places = self._places(mass.device)
        x = self.x.reshape(-1)
        live = self.x_side.reshape(-1) if isinstance(self.x_side, Tensor) else None
        rates = self.weight.reshape(-1, channels, places.shape[1])
        flat_mass = mass.reshape(n, -1, len(places))
        received = given[0].view(-1)
        volume = self.x[0, 0].numel()
        channel = torch.arange(channels, device=mass.device)[None, :, None] * volume
        for sample, unit, window in parts_of_units(units.reshape(flat_mass.shape), rates[0].numel()):
            there = places[window][:, None] >= 0
            block = (sample * groups + unit // (self.output[1] // groups)) * channels * volume
            index = block[:, None, None] + channel + places[window][:, None].clamp(min=0)
            mask = there if live is None else live[index] & there
            mask = mask.expand(index.shape).flatten(1)
            weight = rates[unit]

            def give(phi: Tensor, ratio: Tensor, index: Tensor = index, mask: Tensor = mask) -> None:
                received.index_add_(0, index.flatten(), (phi * ratio.unsqueeze(-1) * mask).flatten())

            strength = torch.where(mask, (x[index] * weight).flatten(1), 0)
            yield Tile(strength, weight.flatten(1), mask, flat_mass[sample, unit, window], give)

    def _windows(self, padded: Tensor, groups: int) -> Tensor:
        """See (N, C, *) as (channels of a group, *kernel, N, groups, *windows), without copying anything."""
        n = padded.shape[0]
        per_sample, per_channel, *steps = padded.stride()
        channels = padded.shape[1] // groups
        shape = (channels, *self.weight.shape[2:], n, groups, *self.output[2:])
        stride = (
            per_channel,
            *(a * d for a, d in zip(steps, self.dilation, strict=True)),
            per_sample,
            per_channel * channels,
            *(a * t for a, t in zip(steps, self.stride, strict=True)),
        )
        return padded.as_strided(shape, stride, padded.storage_offset())

    def _short_tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        """Write out short fan-ins, as the outermost axis: every pass of a rule then runs along the windows."""
        n, groups, dims = mass.shape[0], self.groups, self.dims
        channels, kernel, windows = self.weight.shape[1], self.weight.shape[2:], self.output[2:]
        border = [p for pad in reversed(self.padding) for p in (pad, pad)]
        padded = F.pad(self.x, border) if any(border) else self.x
        padded = padded.contiguous()
        received = torch.zeros_like(padded)
        seen, places = self._windows(padded, groups).unsqueeze(-dims - 1), self._windows(received, groups)
        there, live = None, isinstance(self.x_side, Tensor)
        if any(border) or live:
            mask = self.x_side.to(self.x.dtype) if live else torch.ones_like(self.x[:1, :1])  # type: ignore[union-attr]
            padded_mask = F.pad(mask, border).contiguous()
            there = self._windows(padded_mask, groups if live else 1).unsqueeze(-dims - 1) > 0.5
        # (channels, *kernel, 1, groups, units, 1, ...)
        rates = self.weight.unflatten(0, (groups, -1)).permute(2, *range(3, 3 + dims), 0, 1)
        rates = rates.unsqueeze(dims + 1).reshape(*rates.shape[: dims + 1], 1, groups, -1, *[1] * dims)
        units = rates.shape[dims + 3]
        fan = channels * math.prod(kernel)
        flat_mass = mass.unflatten(1, (groups, units))
        steps = _tile_steps((n, groups, units, windows[0]), fan * math.prod(windows[1:]))
        room = padded.new_empty(fan * math.prod(steps) * math.prod(windows[1:]))
        blocks = (
            range(0, size, step) for size, step in zip((n, groups, units, windows[0]), steps, strict=True)
        )
        lead = (slice(None),) * (dims + 1)
        for at in itertools.product(*blocks):
            of_n, of_group, of_unit, row = (slice(a, a + step) for a, step in zip(at, steps, strict=True))
            wires = rates[(*lead, slice(None), of_group, of_unit)]
            strength = outer(seen[(*lead, of_n, of_group, slice(None), row)], wires, room)
            tile = strength.view(fan, *strength.shape[dims + 1 :])

            def give(
                phi: Tensor, ratio: Tensor, tile: Tensor = tile, at: Any = (of_n, of_group, row)
            ) -> None:
                parts = torch.mul(phi, ratio, out=tile)
                parts = parts.sum(3) if parts.shape[3] > 1 else parts.squeeze(3)
                parts = parts.view(channels, *kernel, *parts.shape[1:])
                for place in itertools.product(*map(range, kernel)):
                    here: Any = (slice(None), *place)
                    places[(*here, *at)].add_(parts[here])

            mask = None
            if there is not None:
                whose: tuple[slice, ...] = (of_n, of_group) if live else lead[:1] * 2
                seen_by = there[(*lead, *whose, slice(None), row)]
                mask = seen_by.expand(channels, *seen_by.shape[1:]).flatten(0, dims)
            yield Tile(
                tile, wires.flatten(0, dims), mask, flat_mass[of_n, of_group, of_unit, row], give, dim=0
            )
        inner = F.pad(received, [-p for p in border]) if any(border) else received
        given[0].add_(kept(self.x_side, inner))

    def tiles(self, mass: Tensor, given: tuple[Tensor, ...]) -> Iterator[Tile]:
        if self.weight[0].numel() <= _SHORT:
            yield from self._short_tiles(mass, given)
            return
        n, groups, channels = mass.shape[0], self.groups, self.weight.shape[1]
        places = self._places(mass.device)
        x = self.x.reshape(n, groups, channels, -1)
        live = self.x_side.reshape(x.shape) if isinstance(self.x_side, Tensor) else None
        flat_mass = (
            mass.reshape(n, groups, -1, len(places)).movedim(2, 3).contiguous()
        )  # (n, groups, windows, units)
        weight = self.weight.reshape(groups, 1, -1, channels * places.shape[1])
        received = given[0].view(x.shape)
        fan = n * groups * channels * places.shape[1]
        units = max(1, min(weight.shape[2], TILE_ELEMENTS // max(1, fan)))
        rows = max(1, TILE_ELEMENTS // max(1, fan * units))
        room = x.new_empty(n * groups * min(rows, len(places)) * units * weight.shape[-1])
        for top in range(0, len(places), rows):
            window = slice(top, top + rows)
            index = places[window].clamp(min=0)
            patch = x[..., index].movedim(2, -2)  # (n, groups, windows, channels, places)
            mask = None
            there = places[window][:, None] >= 0
            if live is not None or not bool(there.all()):
                mask = there if live is None else live[..., index].movedim(2, -2) & there
                mask = mask.expand(patch.shape).flatten(-2).unsqueeze(3)
            total = patch.new_zeros(*patch.shape[:3], 1, weight.shape[-1])
            # (n, groups, windows, 1, fan-in), the fan-in innermost in memory too: every pass of a rule goes along it
            seen = patch.flatten(-2).unsqueeze(3).contiguous()
            if mask is not None:
                seen = torch.where(mask, seen, 0)
            for start in range(0, weight.shape[2], units):
                part = slice(start, start + units)
                rates = weight[:, :, part]

                def give(phi: Tensor, ratio: Tensor, total: Tensor = total) -> None:
                    if ratio.shape[-1] == 1:  # a unit for each window: nothing to sum
                        total.addcmul_(phi, ratio.unsqueeze(-1))
                    else:
                        total.add_(ratio.unsqueeze(-2) @ phi)

                yield Tile(outer(seen, rates, room), rates, mask, flat_mass[:, :, window, part], give)
            kept = total if mask is None else torch.where(mask, total, 0)
            back = kept.view(patch.shape).movedim(-2, 2).flatten(3)
            received.index_add_(3, index.flatten(), back)


def _tile_steps(sizes: tuple[int, ...], each: int) -> tuple[int, ...]:
    """Return how many of each axis fill a tile, the last axes first, where one entry of all takes ``each``."""
    steps, room = [], max(1, _SHORT_TILE // max(1, each))
    for size in reversed(sizes):
        steps.append(max(1, min(size, room)))
        room //= steps[-1]
    return tuple(reversed(steps))


class TransposedMixing(ConvolutionMixing):
    """A transposed convolution, as the plain one that it is on its input spread apart: the gaps are nobody."""

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
        """``weight`` is (I, output channels of a group, *kernel), as torch has it."""
        x, dims = value.tensor, weight.dim() - 2
        kernel = weight.shape[2:]
        # (I, J/g, *) → (J, I/g, *), the kernel turned around
        turned = weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1).flip(*range(2, dims + 2))
        margin = [d * (k - 1) - p for d, k, p in zip(dilation, kernel, padding, strict=True)]
        apart = [(s - 1) * t + 1 for s, t in zip(x.shape[2:], stride, strict=True)]
        # what the output needs on the far side, output_padding included
        far = [o - 1 + d * (k - 1) + 1 - a - m for o, d, k, a, m in zip(
            output[2:], dilation, kernel, apart, margin, strict=True)]  # fmt: skip
        self._border = [n for m, f in zip(reversed(margin), reversed(far), strict=True) for n in (m, f)]
        self._stride, self._real = stride, value
        everywhere = torch.ones_like(x, dtype=torch.bool) if value.live is None else value.live
        wide = Value(self._apart(x), self._apart(everywhere.to(x.dtype)) > 0.5)
        ones, none = (1,) * dims, (0,) * dims
        super().__init__(wide, turned.contiguous(), ones, none, dilation, groups, output)
        self.inputs = (value,)

    def _apart(self, x: Tensor) -> Tensor:
        sizes = [(s - 1) * t + 1 for s, t in zip(x.shape[2:], self._stride, strict=True)]
        wide = x.new_zeros(*x.shape[:2], *sizes)
        wide[self._real_places()] = x
        return F.pad(wide, self._border)

    def home(self, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        inner = F.pad(given[0], [-n for n in self._border])
        return (inner[self._real_places()],)

    def _real_places(self) -> tuple[Any, ...]:
        return (..., *(slice(None, None, t) for t in self._stride))


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
    if value is None or node.value(weight) is not None or node.value(bias) is not None:
        raise unsupported(node, "with a live kernel or bias")
    dims = weight.dim() - 2
    if x.dim() != dims + 2:
        raise unsupported(node, "without a sample axis")
    kind = TransposedMixing if transposed else ConvolutionMixing
    geometry = (all_dims(stride, dims), all_dims(padding, dims), all_dims(dilation, dims))
    mixing = kind(value, weight, *geometry, groups, node.output.tensor.shape)
    intercept = None if bias is None else bias.view(1, -1, *[1] * dims)
    constant = value.constant_part()
    if constant is not None:
        fixed = aten.convolution(constant, weight, None, *geometry, transposed, list(output_padding), groups)
        intercept = fixed if intercept is None else fixed + intercept
    # a window without gaps that is wider than the border sees the input somewhere
    seeing = all(d == 1 and p < k for d, p, k in zip(geometry[2], geometry[1], weight.shape[2:], strict=True))
    live = mixing.count() > 0.5 if constant is not None or transposed or not seeing else None

    def pullback(grad: Tensor) -> tuple[Tensor, ...]:
        if transposed:
            return (aten.convolution(grad, weight, None, *geometry, False, [0] * dims, groups),)
        return (mixing.collect(weight, grad),)

    return Linearization(pullback, mixing, intercept, live)
