"""Axes that a view joins, and cuts again: by which of them places are counted afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .spans import Span, whole

__all__ = ["groups", "recounted", "strides"]


def recounted(span: Span, size: int, stride: int, axes: Sequence[tuple[int, int, int]]) -> Span:
    """Return a span as one of some axes (place, stride, size) counts it, whole where none does."""
    if span.lead:  # only where the axis stays as it is
        alike = [axis for axis, unit, length in axes if (unit, length) == (stride, size)]
        return replace(span, axis=alike[0]) if alike else whole(span, size)
    count = span.mod or size
    stride *= span.div
    for axis, unit, length in axes:
        div = stride // unit
        if div and stride % unit == 0 and length % (div * count) == 0:
            plain = div == 1 and count == length
            return replace(span, axis=axis, div=div, mod=None if plain else count)
    return whole(span, size)


def strides(shape: Sequence[int]) -> list[int]:
    """Return how many elements lie between two neighbours along each axis."""
    found = [1]
    for size in reversed(shape):
        found.append(found[-1] * size)
    return found[-2::-1]


def groups(before: Sequence[int], after: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Return the fewest axes on both sides of a view that have as many elements."""
    old = [d for d, size in enumerate(before) if size != 1]
    new = [d for d, size in enumerate(after) if size != 1]
    found = []
    while old and new:
        here, there = [old.pop(0)], [new.pop(0)]
        left, right = before[here[0]], after[there[0]]
        while left != right:
            if left < right:
                here.append(old.pop(0))
                left *= before[here[-1]]
            else:
                there.append(new.pop(0))
                right *= after[there[-1]]
        found.append((here, there))
    return found
