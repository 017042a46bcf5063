"""A value seen three ways, ready to draw: what it is, what it contributes, and the mass that waits there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bbp_widgets.engine import Attribution, Place

from .budget import Budget
from .fields import grids_of
from .grids import Grid
from .tiles import Tiles, block_counts, block_sum, held, quantized
from .wire import Body

__all__ = ["NONE", "PENDING", "Sheet", "sheets_of", "tensor_of"]

Array = np.ndarray[Any, Any]

NONE: dict[str, Any] = {"kind": "none"}
PENDING: dict[str, Any] = {"kind": "pending"}
#: Sums of float32 agree in about so many parts of their leading digit.
_BEYOND_ROUNDING = 2.0**16


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a step holds of one sample, with how large the mass of each channel is."""

    place: Place
    grid: Grid
    weight: Tensor  # Σ|mass| of each channel; of a vector, of each unit


def sheets_of(attribution: Attribution, sample: int) -> list[Sheet]:
    """Return what every frame but the output holds; the last ones are the inputs."""
    steps = (attribution.at(i) for i in range(len(attribution.ledger)))
    places = [place.of(sample) for place in (*steps, *attribution.entries)]
    grids = grids_of(attribution, [place.value.shape for place in places])
    return [Sheet(place, grid, _weight(place, grid)) for place, grid in zip(places, grids, strict=True)]


def _weight(place: Place, grid: Grid) -> Tensor:
    return grid.by_channel(place.mass).abs().sum(1)


def by_mass(weight: Tensor) -> Tensor:
    """Return the channels, the largest mass first; what is not finite before all others.

    Channels that differ by rounding alone, as those of a mass shared alike, keep their order on every machine.
    """
    digits, power = torch.frexp(torch.nan_to_num(weight, nan=torch.inf))
    coarse = torch.ldexp((digits * _BEYOND_ROUNDING).round(), power)
    return torch.sort(coarse, descending=True, stable=True).indices


@np.errstate(over="ignore", invalid="ignore")  # what overflows is shown as broken
def tensor_of(sheet: Sheet, budget: Budget, body: Body, channels: Tensor | None = None) -> dict[str, Any]:
    """Add a value's three views to ``body``, and return where they are: a tensor of the contract.

    ``channels`` are the ones to show, in place of those with the most mass.
    """
    place, grid = sheet.place, sheet.grid
    if grid.kind == "vector":
        return _vector(place, grid, budget, body)
    if channels is None:
        channels = by_mass(sheet.weight)[: budget.shown]
    value, grad, mass = (grid.maps(array) for array in (place.value, place.grad, place.mass))
    shown = [_array(array.index_select(0, channels)) for array in (value, grad, mass)]
    block = budget.block(grid)
    counts = _counts(grid, block)
    views = {}
    for name, maps in (("value", shown[0]), ("contribution", shown[0] * shown[1]), ("mass", shown[2])):
        pixels = block_sum(maps, block)
        if name == "value" and block > 1:
            pixels /= counts
        tiles = _quantized(pixels, -(-grid.above // block))
        views[name] = {
            "limit": tiles.limit,
            "tiles": body.add(tiles.steps),
            "sums": maps.sum((1, 2), dtype=np.float64).tolist(),
            "clipped": tiles.clipped,
            "broken": tiles.broken,
        }
    height, width = counts.shape
    return {
        "kind": "maps",
        "channels": grid.channels,
        "height": height,
        "width": width,
        "block": block,
        "shown": channels.tolist(),
        "flat": _flat(_array(mass[:, grid.above :]), block, body),
        **views,
    }


def _quantized(pixels: Array, above: int) -> Tiles:
    """Return tiles whose limit is that of the places; a class token above them may hold more than all of them."""
    limit = quantized(pixels[:, above:]).limit if above else 0.0
    return held(pixels, limit) if limit > 0 else quantized(pixels)


def _flat(mass: Array, block: int, body: Body) -> dict[str, Any]:
    tiles = quantized(block_sum(mass.sum(0, keepdims=True), block))
    height, width = tiles.steps.shape[1:]
    return {"limit": tiles.limit, "height": height, "width": width, "tile": body.add(tiles.steps)}


def _counts(grid: Grid, block: int) -> Array:
    if not grid.lead:
        return block_counts(grid.height, grid.width, block)
    return np.maximum(block_sum(_array(grid.held), block), 1)


def _array(tensor: Tensor) -> Array:
    return tensor.detach().cpu().numpy()


def _vector(place: Place, grid: Grid, budget: Budget, body: Body) -> dict[str, Any]:
    length = min(grid.width, budget.length)
    value, grad, mass = (a.reshape(-1)[:length] for a in (place.value, place.grad, place.mass))
    views = {"value": value, "contribution": grad * value, "mass": mass}
    return {
        "kind": "vector",
        "channels": grid.channels,
        "length": length,
        **{name: body.add(_array(array)) for name, array in views.items()},
    }
