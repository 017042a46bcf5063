"""Tiles: one byte a pixel that can be read back, and sums over blocks that lose nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bbp_widgets.views.colour import diverging
from bbp_widgets.views.tiles import block_counts, block_sum, largest, quantized

Array = np.ndarray[Any, Any]


def read(steps: Array, limit: float) -> Array:
    """Return what a reader of the contract finds in bytes."""
    return np.where(steps == 0, np.nan, (steps.astype(np.float64) - 128) / 127 * limit)


def test_one_byte_around_zero() -> None:
    tiles = quantized(np.array([[[0.0, -0.0, 2.0, -2.0, 1.0, np.nan, np.inf, -np.inf]]]))
    assert tiles.limit == 2
    assert tiles.steps.tolist() == [[[128, 128, 255, 1, 192, 0, 0, 0]]]
    assert (tiles.clipped, tiles.broken) == ([0], [3])


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_tiles_of_nothing(value: float) -> None:
    tiles = quantized(np.full((2, 3, 1), value))
    assert tiles.limit == 0
    assert tiles.steps.tolist() == [[[128 if value == 0 else 0]] * 3] * 2
    assert tiles.broken == [0 if value == 0 else 3] * 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-42, 1e-30, 1.0, 1e30, 3e38])
def test_bytes_are_read_back_to_half_a_step(dtype: type, size: float) -> None:
    values: Array = (np.random.default_rng(0).uniform(-1, 1, size=(4, 5, 6)) * size).astype(dtype)
    tiles = quantized(values)
    assert tiles.limit == largest(values) == np.abs(values).max()
    assert tiles.steps.dtype == np.uint8
    assert tiles.steps.min() >= 1
    tiny = float(np.finfo(dtype).smallest_subnormal)
    assert np.abs(read(tiles.steps, tiles.limit) - values).max() <= tiles.limit / 127 / 2 * (1 + 1e-4) + tiny
    assert (tiles.clipped, tiles.broken) == ([0] * 4, [0] * 4)


def test_a_few_that_outshine_all_others_are_clipped_and_counted() -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (3, 10, 20))
    values[1, 2, 3], values[1, 4, 5], values[2, 0, 0] = 50.0, -70.0, 9.0
    values[0, 0, 0] = np.nan
    tiles = quantized(values)
    others = np.sort(np.abs(values[np.isfinite(values)]))
    assert tiles.limit <= 1
    assert (np.abs(values) > tiles.limit).sum((1, 2)).tolist() == tiles.clipped
    assert sum(tiles.clipped) <= 0.01 * values.size
    assert tiles.limit in others
    assert tiles.steps[1, 2, 3] == tiles.steps[2, 0, 0] == 255
    assert tiles.steps[1, 4, 5] == 1
    assert tiles.broken == [1, 0, 0]
    few = np.zeros((1, 10, 10))  # one that is alone outshines nothing
    few[0, 3, 3] = 5
    assert (quantized(few).limit, quantized(few).clipped) == (5, [0])


@given(st.lists(st.floats(width=32), min_size=1, max_size=300), st.integers(1, 5))
def test_every_pixel_is_right_clipped_or_broken(numbers: list[float], rows: int) -> None:
    values = np.array(numbers * rows, np.float32).reshape(rows, 1, -1)
    tiles = quantized(values)
    found = read(tiles.steps, tiles.limit)
    known = np.isfinite(values)
    assert (tiles.steps[~known] == 0).all()
    assert tiles.broken == (~known).sum((1, 2)).tolist()
    beyond = known & (np.abs(np.where(known, values, 0)) > tiles.limit)
    assert tiles.clipped == beyond.sum((1, 2)).tolist()
    assert beyond.sum() <= 0.01 * values.size
    inside = known & ~beyond
    error = np.abs(found - values.astype(np.float64))[inside]
    assert error.max(initial=0) <= tiles.limit / 127 / 2 * (1 + 1e-3) + 1e-44
    assert (np.sign(found) == np.sign(values))[beyond].all()


def test_largest_looks_at_finite_numbers_only() -> None:
    assert largest(np.array([1.0, -3.0, 2.0])) == 3
    assert largest(np.array([np.nan, -1.0, np.inf])) == 1
    assert largest(np.array([np.nan])) == 0
    assert largest(np.zeros(0)) == 0


@pytest.mark.parametrize("shape", [(8, 8), (3, 9, 7), (2, 3, 17, 5), (1, 1000), (57, 56), (4, 4)])
@pytest.mark.parametrize("block", [1, 2, 3, 4, 60])
def test_block_sums_are_exact(shape: tuple[int, ...], block: int) -> None:
    maps = np.random.default_rng(1).integers(-9, 9, shape).astype(np.float64)
    kept = maps.copy()
    result, counts = block_sum(maps, block), block_counts(*shape[-2:], block)
    assert np.array_equal(maps, kept)
    assert result.shape[:-2] == shape[:-2]
    assert result.shape[-2:] == counts.shape == tuple(-(-size // block) for size in shape[-2:])
    for i in range(result.shape[-2]):
        for j in range(result.shape[-1]):
            part = maps[..., i * block : (i + 1) * block, j * block : (j + 1) * block]
            assert np.array_equal(result[..., i, j], part.sum((-2, -1)))
            assert counts[i, j] == part[..., :, :].size // max(1, int(np.prod(shape[:-2])))


def test_colours_mean_a_sign() -> None:
    pixels = diverging(np.array([[1.0, -1.0, 0.0, 9.0, np.nan, np.inf]]), 1.0).astype(int)
    red, blue, paper, beyond, unknown, infinite = pixels[0]
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    assert paper.min() > 240
    assert np.array_equal(beyond, red)
    assert len({tuple(c) for c in (red, blue, paper, unknown)}) == 4
    assert np.array_equal(infinite, unknown)
    assert np.array_equal(diverging(np.zeros((1, 1)), 0.0)[0, 0], paper)
