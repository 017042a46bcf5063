"""Tiles: one byte a pixel that can be read back, and sums over blocks that lose nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bbp_widgets.views.colour import diverging
from bbp_widgets.views.tiles import block_sum, largest, quantized


def test_one_byte_around_zero() -> None:
    values = np.array([0.0, -0.0, 2.0, -2.0, 5.0, -5.0, 1.0, np.nan, np.inf, -np.inf])
    assert quantized(values, 2.0).tolist() == [128, 128, 255, 1, 255, 1, 192, 0, 0, 0]


def test_a_limit_of_zero_is_all_zero() -> None:
    assert quantized(np.zeros((2, 3)), 0.0).tolist() == [[128] * 3] * 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_bytes_are_read_back_to_half_a_step(dtype: type, size: float) -> None:
    values: np.ndarray[Any, Any] = (np.random.default_rng(0).normal(size=(4, 5, 6)) * size).astype(dtype)
    limit = largest(values)
    steps = quantized(values, limit)
    assert steps.dtype == np.uint8
    assert steps.min() >= 1
    read = (steps.astype(np.float64) - 128) / 127 * limit
    assert np.abs(read - values).max() <= limit / 127 / 2 * (1 + 1e-6)


def test_largest_looks_at_finite_numbers_only() -> None:
    assert largest(np.array([1.0, -3.0, 2.0])) == 3
    assert largest(np.array([np.nan, -1.0, np.inf])) == 1
    assert largest(np.array([np.nan])) == 0
    assert largest(np.zeros(0)) == 0


@pytest.mark.parametrize("shape", [(8, 8), (3, 9, 7), (2, 3, 17, 5), (1, 1000), (57, 56), (4, 4)])
def test_block_sums_are_exact(shape: tuple[int, ...]) -> None:
    maps = np.random.default_rng(1).integers(-9, 9, shape).astype(np.float64)
    most = 4
    result = block_sum(maps, most)
    block = -(-max(shape[-2:]) // most)
    assert max(result.shape[-2:]) <= most
    assert result.shape[:-2] == shape[:-2]
    for i in range(result.shape[-2]):
        for j in range(result.shape[-1]):
            part = maps[..., i * block : (i + 1) * block, j * block : (j + 1) * block]
            assert np.array_equal(result[..., i, j], part.sum((-2, -1)))


def test_small_maps_are_left_alone() -> None:
    maps = np.ones((3, 5, 4))
    assert block_sum(maps, 5) is maps


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
