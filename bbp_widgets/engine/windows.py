"""Which places of an input each window of a convolution or a pooling sees."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["all_dims", "window_places"]


def all_dims(value: Sequence[int] | int, dims: int) -> tuple[int, ...]:
    """Return one number per axis, as ATen means a list of one number or an empty one."""
    if isinstance(value, int):
        return (value,) * dims
    return tuple(value) * dims if len(value) == 1 else tuple(value)


def axis_places(size: int, windows: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> Tensor:
    """Return the places of each window along one axis, (windows, kernel); outside the input they are -1."""
    places = torch.arange(windows)[:, None] * stride - padding + torch.arange(kernel)[None] * dilation
    return places.masked_fill((places < 0) | (places >= size), -1)


def adaptive_places(size: int, windows: int) -> Tensor:
    """Return the places of each window of an adaptive pooling along one axis, filled up with -1.

    Window i runs from floor(i·size/windows) to ceil((i+1)·size/windows), as PyTorch has it.
    """
    starts = [i * size // windows for i in range(windows)]
    stops = [-(-(i + 1) * size // windows) for i in range(windows)]
    length = max(stop - start for start, stop in zip(starts, stops, strict=True))
    rows = [
        list(range(start, stop)) + [-1] * (length - (stop - start))
        for start, stop in zip(starts, stops, strict=True)
    ]
    return torch.tensor(rows)


def window_places(axes: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
    """Combine the places along each axis into places of the flattened input.

    Shapes: each of ``axes`` is (windows, kernel) for its axis; the result is (all windows, places of a window).
    """
    flat = torch.zeros(1, 1, dtype=torch.long)
    for places, size in zip(axes, sizes, strict=True):
        here = places[None, :, None, :]  # (old windows, windows, old places, places)
        before = flat[:, None, :, None]
        joined = torch.where((here < 0) | (before < 0), -1, before * size + here)
        flat = joined.reshape(joined.shape[0] * joined.shape[1], -1)
    return flat
