"""What a reader of the contract finds in a film's body, held against the arrays it was made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

__all__ = ["check_tensor", "floats", "grid", "planes"]

Array = np.ndarray[Any, Any]


def floats(body: bytes, offset: int, count: int) -> Array:
    return np.frombuffer(body, "<f4", count, offset)


def planes(body: bytes, tensor: dict[str, Any], view: str) -> tuple[Array, Array]:
    """Return the bytes of a view's tiles, and what they stand for."""
    shape = (len(tensor["shown"]), tensor["height"], tensor["width"])
    steps = np.frombuffer(body, np.uint8, int(np.prod(shape)), tensor[view]["tiles"]).reshape(shape)
    return steps, (steps.astype(np.float64) - 128) / 127 * tensor[view]["limit"]


def grid(array: Array) -> Array:
    """Return an array of one sample as channels of maps: the last two axes are places."""
    return array[:, None] if array.ndim == 2 else array.reshape(-1, *array.shape[-2:])


def blocks(maps: Array, size: int, mean: bool = False) -> Array:
    rows, columns = (range(0, n, size) for n in maps.shape[-2:])
    parts = [[maps[..., r : r + size, c : c + size] for c in columns] for r in rows]
    return np.stack(
        [np.stack([(p.mean((-2, -1)) if mean else p.sum((-2, -1))) for p in row], -1) for row in parts], -2
    )


def check_tensor(body: bytes, tensor: dict[str, Any], place: Any, chosen: list[int] | None = None) -> None:
    """Hold the three views of a value against what they stand for, to half a step of their scales."""
    value, mass = (a.double().numpy() for a in (place.value, place.mass))
    # a product is rounded once, in the network's own type
    contribution = (place.grad * place.value).double().numpy()
    views = {"value": value, "contribution": contribution, "mass": mass}
    if tensor["kind"] == "vector":
        assert value.ndim < 2 or value.size == len(value)
        assert tensor["channels"] == value.size
        assert tensor["length"] == min(value.size, 4096)
        for name, array in views.items():
            wanted = array.reshape(-1)[: tensor["length"]].astype(np.float32)
            assert np.array_equal(floats(body, tensor[name], tensor["length"]), wanted)
        return
    assert tensor["kind"] == "maps"
    maps = {name: grid(array) for name, array in views.items()}
    count, height, width = maps["mass"].shape
    block = tensor["block"]
    assert tensor["channels"] == count
    assert (tensor["height"], tensor["width"]) == (-(-height // block), -(-width // block))
    shown = tensor["shown"]
    assert len(set(shown)) == len(shown)
    if chosen is not None:
        assert shown == chosen
    else:
        amounts = np.abs(maps["mass"]).sum((1, 2))
        found = amounts[shown]
        assert found == pytest.approx(np.sort(amounts)[::-1][: len(shown)], rel=1e-5)
        assert (np.diff(found) <= 1e-5 * found[:-1]).all()
    noise = 1e-5 if place.mass.dtype.itemsize == 4 else 1e-12
    for name, array in maps.items():
        wanted = array[shown]
        size = np.abs(wanted).sum((1, 2))
        assert np.abs(np.array(tensor[name]["sums"]) - wanted.sum((1, 2))).max() <= noise * size.max()
        check_steps(planes(body, tensor, name)[0], tensor[name], blocks(wanted, block, name == "value"))
    flat = tensor["flat"]
    if flat is not None:
        steps = np.frombuffer(body, np.uint8, tensor["height"] * tensor["width"], flat["tile"])
        whole = blocks(maps["mass"].sum(0), block)
        check_steps(steps.reshape(1, *whole.shape), flat, whole[None])


def check_steps(steps: Array, view: dict[str, Any], wanted: Array) -> None:
    limit = view["limit"]
    beyond = np.abs(wanted) > limit * (1 + 1e-5)
    clipped = view.get("clipped")
    if clipped is not None:
        assert len(clipped) == len(view["broken"]) == len(wanted)
        assert clipped == beyond.sum((1, 2)).tolist()
        assert view["broken"] == [0] * len(wanted)
    assert beyond.sum() <= 0.01 * wanted.size
    assert beyond.any() or limit == pytest.approx(np.abs(wanted).max(), rel=1e-4, abs=1e-12)
    read = (steps.astype(np.float64) - 128) / 127 * limit
    # block sums of floats, in another order
    room = limit / 127 / 2 * (1 + 1e-3) + 1e-5 * np.abs(wanted).max()
    assert np.abs(read - np.clip(wanted, -limit, limit)).max() <= room
