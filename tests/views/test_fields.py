"""Receptive fields: what the arithmetic says a unit sees holds what it really sees, and mostly nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from engine.nets import NETWORKS, randomized
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from views.seen import planes

import bbp_widgets as bbp
from bbp_widgets.views import film_of
from bbp_widgets.views.tensors import sheets_of


def positive(network: nn.Module) -> nn.Module:
    """Give every weight a positive value: nothing cancels, and no ReLU is dead."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if tensor.is_floating_point():
                noise = torch.rand(tensor.shape, generator=generator) + 0.5
                tensor.copy_(torch.zeros_like(tensor) if "running_mean" in name else noise)
    return network.eval()


class Probe(nn.Module):
    """Runs some ops one after another, and gives back what each of them returned."""

    def __init__(self, ops: list[Callable[[Tensor], Tensor]]) -> None:
        super().__init__()
        self.ops = ops
        self.held = nn.ModuleList(op for op in ops if isinstance(op, nn.Module))

    def values(self, x: Tensor) -> list[Tensor]:
        found = []
        for op in self.ops:
            x = op(x)
            found.append(x)
        return found

    def forward(self, x: Tensor) -> Tensor:
        last = self.values(x)[-1].flatten(1)
        return torch.stack([last.sum(1), 2 * last.sum(1)], 1)


def fields(network: nn.Module, x: Tensor) -> list[dict[str, Any]]:
    """Return the frames of a network, input first."""
    made = film_of(bbp.attribute(network, x, target=0, rule="uniform"), state={})
    return made.header["frames"][:0:-1]


def rectangle(field: dict[str, Any] | None, unit: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Return the places that a field gives to a unit, as a page would draw them."""
    seen = torch.ones(size, dtype=torch.bool)
    if field is None:
        return seen
    for axis in range(2):
        start = field["start"][axis] + field["step"][axis] * unit[axis]
        at = torch.arange(size[axis], dtype=torch.double)
        inside = (at >= start - 1e-6) & (at <= start + field["size"][axis] - 1 + 1e-6)
        seen &= inside[:, None] if axis == 0 else inside[None]
    return seen


def hold(network: Probe, x: Tensor, exact: bool = True) -> dict[str, Any] | None:
    """Hold the field of the last value against the gradient's support, for every unit; return the field."""
    x = x.double().requires_grad_()
    network = network.double()
    last = network.eval().values(x)[-1]
    frames = fields(network, x.detach())
    shape = list(last.shape[1:])
    frame = [f for f in frames if f["shape"] == shape][-1]
    field = frame["field"]
    size = (x.shape[-2], x.shape[-1]) if x.dim() > 3 else (1, x.shape[-1])
    units = torch.cartesian_prod(*(torch.arange(n) for n in last.shape[1:])).view(-1, last.dim() - 1)
    for unit in units[:: max(1, len(units) // 40)].tolist():
        (grad,) = torch.autograd.grad(last[(0, *unit)], x, retain_graph=True)
        real = (grad[0] != 0).reshape(-1, *size).any(0)
        place = (unit[-2], unit[-1]) if len(unit) > 2 else (0, unit[-1])
        said = rectangle(field, place, size)
        assert not (real & ~said).any(), (unit, field)
        if exact and real.any():
            rows, columns = real.any(1).nonzero(), real.any(0).nonzero()
            box = torch.zeros_like(real)
            box[int(rows.min()) : int(rows.max()) + 1, int(columns.min()) : int(columns.max()) + 1] = True
            assert torch.equal(box, said), (unit, field)
    return field


def conv(a: int, b: int, *args: Any, **options: Any) -> nn.Module:
    return positive(nn.Conv2d(a, b, *args, **options))


EXACT: dict[str, tuple[list[Any], tuple[int, ...]]] = {
    "convolution": ([conv(2, 3, 3)], (2, 9, 8)),
    "strided and padded": ([conv(2, 3, (3, 2), stride=(2, 1), padding=(1, 1))], (2, 15, 11)),
    "two in a row": ([conv(2, 3, 3, stride=2, padding=1), F.relu, conv(3, 2, 3, padding=1)], (2, 12, 13)),
    "max pool": ([conv(1, 2, 3, padding=1), lambda x: F.max_pool2d(x, 3, 2, 1)], (1, 11, 12)),
    "mean pool": ([lambda x: F.avg_pool2d(x, 2), conv(1, 2, 3)], (1, 12, 10)),
    "adaptive": ([lambda x: F.adaptive_avg_pool2d(x, (4, 2))], (1, 12, 10)),
    "batch norm": ([positive(nn.BatchNorm2d(2)), conv(2, 2, 3)], (2, 6, 7)),
    "grouped": ([conv(4, 4, 3, groups=2)], (4, 6, 7)),
    "nearest": ([lambda x: F.interpolate(x, scale_factor=2), conv(1, 1, 1)], (1, 5, 6)),
    "transposed": ([positive(nn.ConvTranspose2d(1, 2, 2, stride=2))], (1, 5, 4)),
    "zero pad and slice": ([lambda x: F.pad(x, (1, 2, 0, 3)), lambda x: x[:, :, 1::2, 2:-1]], (1, 8, 9)),
    "channels last and back": ([lambda x: x.permute(0, 2, 3, 1), positive(nn.Linear(2, 3)),
                                lambda x: x.permute(0, 3, 1, 2), conv(3, 1, 3)], (2, 6, 5)),
    "flip": ([lambda x: x.flip(2), conv(1, 1, (2, 1))], (1, 6, 5)),
    "sequence": ([positive(nn.Conv1d(2, 3, 4, stride=2, padding=1)), F.relu], (2, 17)),
    "sequence pool": ([positive(nn.Conv1d(2, 3, 3)), lambda x: F.max_pool1d(x, 2)], (2, 17)),
    "split": ([lambda x: x.split([2, 4], 3)[1]], (1, 5, 6)),
    "unbind": ([lambda x: x.unbind(1)[1].unsqueeze(1)], (2, 5, 6)),
    "pixel shuffle": ([conv(1, 4, 3), lambda x: F.pixel_shuffle(x, 2)], (1, 6, 5)),
    "channel norm": ([lambda x: x.permute(0, 2, 3, 1), positive(nn.LayerNorm(3)), lambda x: x.permute(0, 3, 1, 2)],
                     (3, 4, 5)),
    "rows summed": ([lambda x: x.sum(2, keepdim=True), conv(1, 1, (1, 3))], (1, 5, 6)),
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_a_field_is_what_the_gradient_reaches(name: str) -> None:
    ops, shape = EXACT[name]
    x = torch.rand(1, *shape, generator=torch.Generator().manual_seed(1)) + 0.5
    assert hold(Probe(ops), x, exact="pool" not in name) is not None


LOOSE: dict[str, tuple[list[Any], tuple[int, ...]]] = {
    "strided, padded, dilated": ([conv(2, 3, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(2, 3))], (2, 15, 11)),
    "uneven adaptive": ([lambda x: F.adaptive_avg_pool2d(x, (5, 3))], (1, 12, 10)),
    "bilinear": ([lambda x: F.interpolate(x, scale_factor=2, mode="bilinear")], (1, 5, 6)),
    "bilinear to a size": ([lambda x: F.interpolate(x, size=(7, 4), mode="bilinear")], (1, 5, 6)),
    "aligned corners": ([lambda x: F.interpolate(x, size=(7, 4), mode="bilinear", align_corners=True)], (1, 5, 6)),
    "nearest to a size": ([lambda x: F.interpolate(x, size=(7, 4))], (1, 5, 6)),
    "nearest exact": ([lambda x: F.interpolate(x, size=(7, 4), mode="nearest-exact")], (1, 5, 6)),
    "reflected": ([lambda x: F.pad(x, (2, 1, 3, 0), mode="reflect"), conv(1, 1, 3)], (1, 6, 7)),
    "repeated edges": ([lambda x: F.pad(x, (2, 1, 3, 0), mode="replicate"), conv(1, 1, 3)], (1, 6, 7)),
    "transposed with overlap": ([positive(nn.ConvTranspose2d(1, 2, 5, stride=3, padding=1, dilation=2))], (1, 5, 4)),
    "rolled": ([lambda x: x.roll(2, 3), conv(1, 1, 3)], (1, 6, 5)),
    "side by side": ([lambda x: torch.cat([x, 2 * x], 3)], (1, 6, 5)),
    "two sizes": ([lambda x: F.conv2d(x, torch.ones(1, 1, 3, 3).double(), padding=1) + x], (1, 6, 5)),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOSE)
def test_a_field_holds_what_the_gradient_reaches(name: str) -> None:
    ops, shape = LOOSE[name]
    x = torch.rand(1, *shape, generator=torch.Generator().manual_seed(1)) + 0.5
    assert hold(Probe(ops), x, exact=False) is not None


EVERYTHING: dict[str, tuple[list[Any], tuple[int, ...]]] = {
    "pooled": ([conv(1, 2, 3), lambda x: F.adaptive_avg_pool2d(x, 1)], (1, 6, 7)),
    "flattened": ([lambda x: x.flatten(1), positive(nn.Linear(12, 3))], (1, 3, 4)),
    "softmax over places": ([lambda x: x.softmax(3).softmax(2)], (1, 3, 4)),
    "product of places": ([lambda x: x @ x.transpose(2, 3)], (2, 3, 4)),
    "squeeze and excitation": ([lambda x: x * x.mean((2, 3), keepdim=True).sigmoid()], (2, 3, 4)),
    "instance norm": ([lambda x: F.instance_norm(x)], (2, 3, 4)),
    "a row of a table": ([lambda x: 2 * x], (5,)),
}  # fmt: skip


@pytest.mark.parametrize("name", EVERYTHING)
def test_what_may_see_everything_has_no_field(name: str) -> None:
    ops, shape = EVERYTHING[name]
    x = torch.rand(1, *shape, generator=torch.Generator().manual_seed(1)) + 0.5
    network = Probe(ops).eval()
    shape = network.values(x)[-1].shape[1:]  # type: ignore[assignment]
    frames = [f for f in fields(network, x) if f["shape"] == list(shape)]
    assert frames[-1]["field"] is None


def test_the_input_sees_itself() -> None:
    frames = fields(Probe([conv(1, 2, 3)]).eval(), torch.rand(1, 1, 6, 5))
    assert frames[0]["field"] == {"start": [0, 0], "step": [1, 1], "size": [1, 1]}
    assert frames[1]["field"] == {"start": [0, 0], "step": [1, 1], "size": [3, 3]}


class Skip(nn.Module):
    """A layer, and beside it what it was given."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + x


def random_layer(draw: random.Random) -> nn.Module:
    kernel, stride = draw.randint(1, 3), draw.randint(1, 2)
    padding = draw.randint(0, kernel // 2)
    kind = draw.random()
    if kind < 0.2:
        return nn.AvgPool2d(kernel, stride, padding, ceil_mode=draw.random() < 0.3)
    if kind < 0.35:
        return positive(nn.ConvTranspose2d(2, 2, kernel, stride, padding))
    if kind < 0.6:
        odd = draw.choice([1, 3])
        return Skip(conv(2, 2, odd, padding=odd // 2))
    return conv(2, 2, kernel, stride=stride, padding=padding, dilation=draw.randint(1, 2))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_networks_of_random_windows(seed: int) -> None:
    """Convolutions, poolings and skips of random shapes, one after another."""
    draw = random.Random(seed)
    x = (
        torch.rand(1, 2, draw.randint(7, 14), draw.randint(7, 14), generator=torch.Generator().manual_seed(1))
        + 0.5
    )
    ops: list[Any] = []
    value = x
    for _ in range(draw.randint(1, 4)):
        layer = random_layer(draw)
        if min(value.shape[2:]) >= 5 and max(value.shape[2:]) <= 16:
            value = layer(value)
            ops.append(layer)
    hold(Probe(ops), x, exact=False)


class Last(nn.Module):
    """Keeps channels last for a while, as rows and columns, and as tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.wide = nn.Conv2d(2, 4, 3), nn.LayerNorm(4), nn.Linear(4, 6)
        self.mix, self.head = nn.Linear(6, 5), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.wide(self.norm(self.conv(x).permute(0, 2, 3, 1))).relu()  # (N, H, W, C)
        x = self.mix(x.flatten(1, 2)) + 1  # (N, H·W, C)
        return self.head(x).transpose(1, 2).mean(2)  # (N, C, H·W), then (N, C)


@pytest.mark.parametrize("samples", [1, 2])
def test_channels_are_found_where_they_are_kept_last(samples: int) -> None:
    x = torch.randn(samples, 2, 9, 7, generator=torch.Generator().manual_seed(0))
    result = bbp.attribute(randomized(Last()), x, target=0, rule="uniform")
    made = film_of(result, state={}, sample=samples - 1)
    kinds: list[tuple[int, ...]] = []
    for i, frame in enumerate(made.header["frames"][1:-1]):
        tensor, shape = frame["tensor"], frame["shape"]
        if tensor["kind"] != "maps" or 7 * 5 not in (
            shape[0],
            shape[-1],
            shape[0] * shape[1],
            shape[-1] * shape[-2],
        ):
            continue  # what a linear layer does with all rows joined may be one axis of everything
        assert (tensor["height"], tensor["width"]) == (7, 5), frame["name"]
        place = result.at(i).of(samples - 1)
        mass = (
            place.mass
            if shape[-1] in (35, 5) and shape[0] != 7 and shape[0] != 35
            else place.mass.movedim(-1, 0)
        )
        maps = mass.reshape(tensor["channels"], 7, 5)
        _, found = planes(made.body, tensor, "mass")
        assert np.abs(found - maps[tensor["shown"]].numpy()).max() <= tensor["mass"]["limit"] / 127
        assert frame["field"] == {"start": [0, 0], "step": [1, 1], "size": [3, 3]}
        kinds.append(tuple(shape))
        for unit in ([0, 0, 0], [1, 3, 2], [2, 6, 4]):
            grid = sheets_of(result, samples - 1)[i].grid
            assert grid.unit(grid.index(unit)) == unit
            assert float(place.mass[grid.index(unit)]) == float(maps[tuple(unit)])
    assert {(4, 7, 5), (7, 5, 4), (7, 5, 6), (35, 5), (35, 3), (3, 35)} <= set(kinds)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_has_fields_that_hold(name: str) -> None:
    build, shape = NETWORKS[name]
    torch.manual_seed(0)
    x = torch.randn(1, *shape, generator=torch.Generator().manual_seed(5))
    for frame in fields(randomized(build()), x):
        field = frame["field"]
        assert field is None or all(size > 0 for size in field["size"])


def test_a_picture_that_is_turned_is_drawn_as_it_was() -> None:
    x = torch.rand(1, 1, 3, 4, generator=torch.Generator().manual_seed(1)) + 0.5
    network = Probe([conv(1, 2, 2), lambda x: x.transpose(2, 3)]).eval()
    result = bbp.attribute(network, x, target=0, rule="uniform")
    turned = next(i for i, step in enumerate(result.ledger) if step.op == "transpose")
    grid, place = sheets_of(result, 0)[turned].grid, result.at(turned).of(0)
    assert (grid.shape, grid.height, grid.width, grid.placed) == ((2, 3, 2), 2, 3, True)
    assert grid.index([1, 0, 2]) == (1, 2, 0)
    assert float(grid.maps(place.value)[1, 0, 2]) == float(place.value[1, 2, 0])
    seen = fields(network, x)[-1 - turned]
    assert (seen["op"], seen["field"]["size"]) == ("transpose", [2, 2])


class Patches(nn.Module):
    """A small vision transformer: patches of 4 by 4, a class token and a register, two layers of attention."""

    def __init__(self, tokens: int = 2) -> None:
        super().__init__()
        self.cut = nn.Conv2d(3, 8, 4, 4)
        self.tokens = nn.Parameter(torch.randn(1, tokens, 8))
        self.places = nn.Parameter(torch.randn(1, tokens + 15, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        patches = self.cut(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.tokens.expand(len(x), -1, -1), patches], 1) + self.places
        return self.head(self.layers(tokens)[:, 0])


@pytest.mark.parametrize("tokens", [1, 2, 7])
def test_the_patches_of_a_vision_transformer_are_maps_below_its_own_tokens(tokens: int) -> None:
    x = torch.randn(1, 3, 12, 20, generator=torch.Generator().manual_seed(0))
    result = bbp.attribute(randomized(Patches(tokens)).eval(), x, target=1)
    above = -(-tokens // 5)
    found = 0
    for i, (step, sheet) in enumerate(zip(result.ledger, sheets_of(result, 0), strict=False)):
        grid, place = sheet.grid, result.at(i).of(0)
        if tokens + 15 not in grid.shape or grid.shape.count(tokens + 15) > 1:
            continue  # the class token alone, or weights of attention
        found += 1
        assert (grid.height, grid.width, grid.lead, grid.placed) == (above + 3, 5, tokens, True), step
        maps, units = grid.maps(place.mass), grid.by_channel(place.mass)
        assert torch.equal(maps.flatten(1)[:, :tokens], units[:, :tokens])
        assert torch.equal(maps[:, above:].flatten(1), units[:, tokens:])
        assert float(maps.double().sum()) == pytest.approx(float(place.mass.double().sum()), abs=1e-9)
        for unit in ([0, 0, 0], [1, above, 0], [3, above + 2, 4]):
            assert grid.unit(grid.index(unit)) == unit
            assert float(place.mass[grid.index(unit)]) == float(maps[tuple(unit)])
        if tokens % 5:
            with pytest.raises(IndexError, match="no unit"):
                grid.index([0, above - 1, 4])
    assert found > 40
    made = film_of(result, state={})
    frame = next(f for f in made.header["frames"] if f["module"] == "layers.layers.0.linear1" and f["mixes"])
    tensor = frame["tensor"]
    assert frame["grid"]["lead"] == tokens
    assert (tensor["height"], tensor["width"]) == (above + 3, 5)
    assert (tensor["flat"]["height"], tensor["flat"]["width"]) == (3, 5)
    # the scale is that of the patches, whatever the tokens hold
    sheet = sheets_of(result, 0)[made.header["frames"].index(frame) - 1]
    maps = sheet.grid.maps(sheet.place.mass)[tensor["shown"]]
    assert 0 < tensor["mass"]["limit"] <= float(maps[:, above:].abs().max())
    assert sum(tensor["mass"]["clipped"]) == int((maps.abs() > tensor["mass"]["limit"]).sum())


class Windows(nn.Module):
    """Attention in shifted windows, as Swin has it: rolled, cut, put together, and rolled back."""

    def __init__(self) -> None:
        super().__init__()
        self.cut, self.mix, self.head = nn.Conv2d(3, 4, 2, 2), nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.cut(x).permute(0, 2, 3, 1)  # (N, 4, 6, C)
        windows = x.roll((-1, -1), (1, 2)).view(-1, 2, 2, 3, 2, 4).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, 4)
        mixed = self.mix(windows).relu() + windows.mean(1, keepdim=True)
        back = (
            mixed.view(-1, 2, 3, 2, 2, 4).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, 6, 4).roll((1, 1), (1, 2))
        )
        return self.head((x + back).mean((1, 2)))


def test_what_is_rolled_is_drawn_but_not_laid_over_the_input() -> None:
    x = torch.randn(1, 3, 8, 12, generator=torch.Generator().manual_seed(0))
    result = bbp.attribute(randomized(Windows()).eval(), x, target=1)
    grids = [sheet.grid for sheet in sheets_of(result, 0)]
    steps = {
        step.op: grid for step, grid in zip(result.ledger, grids, strict=False) if grid.shape == (4, 6, 4)
    }
    for op in ("permute", "add", "roll"):  # of several the one nearest the input
        assert (steps[op].channels, steps[op].height, steps[op].width) == (4, 4, 6)
    assert (steps["permute"].placed, steps["add"].placed, steps["roll"].placed) == (True, True, False)
