"""Arithmetic of what a unit sees: the places along each axis of the picture, as it changes from op to op."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from .grids import Along

__all__ = ["Seen", "Span", "each", "over", "rearranged", "tidied", "union", "whole", "window"]


@dataclass(frozen=True, slots=True)
class Span:
    """The places seen along one axis of the picture: from ``start + step · i``, ``size`` of them.

    ``i`` is counted by a value's axis (from the end), or by a part of one that was joined of several:
    i = ((index - lead) // div) mod ``mod``. Without ``axis`` all units see the same.
    """

    start: Fraction
    step: Fraction
    size: Fraction
    axis: int | None
    div: int = 1
    mod: int | None = None
    lead: int = 0
    shifted: bool = False  # the places are there, but not in their order

    @property
    def along(self) -> Along | None:
        """What counts the places."""
        return None if self.axis is None else Along(self.axis, self.div, self.mod, self.lead)


Seen = tuple[Span, ...]  # one for each axis of the picture: rows and columns


def each(value: Any, dims: int) -> list[int]:
    """Return a number for each axis, of one for all or one for each."""
    values = [value] if isinstance(value, int) else list(value)
    return values * dims if len(values) == 1 else values


def window(seen: Seen, axis: int, stride: Fraction, start: Fraction, reach: Fraction) -> Seen:
    """Return what units see, that look at the units from ``stride · o + start`` on, up to ``reach`` further along."""
    found = []
    for span in seen:
        still = stride == 1 and not reach
        if span.axis == axis and still and 0 <= start <= span.lead:
            span = replace(span, lead=span.lead - int(start))
        elif span.axis == axis and span.lead:
            span = Span(span.start, Fraction(0), span.size, None)
        elif span.axis == axis and span.mod is not None and (not still or start):
            span = whole(span, span.mod)
        elif span.axis == axis:
            first = span.start + span.step * (start if span.step >= 0 else start + reach)
            size = span.size + abs(span.step) * reach
            span = replace(span, start=first, step=span.step * stride, size=size)
        found.append(span)
    return tuple(found)


def over(seen: Seen, shape: Sequence[int], axes: Iterable[int]) -> Seen:
    """Return what is seen by units that look along whole axes."""
    gone = {d - len(shape) for d in axes}
    return tuple(
        span if span.axis not in gone or span.axis is None else whole(span, shape[span.axis]) for span in seen
    )


def whole(span: Span, size: int) -> Span:
    """Return what is seen along a whole axis of ``size``, or along the part of it that counts."""
    reach = span.step * ((span.mod or size) - 1)
    return Span(span.start + min(Fraction(0), reach), Fraction(0), span.size + abs(reach), None)


def rearranged(seen: Seen, rank: int, places: dict[int, int], new_rank: int) -> Seen:
    """Return spans that follow their axes to other places; those of axes that are gone are along nothing."""
    found = []
    for span in seen:
        if span.axis is not None:
            new = places.get(span.axis + rank)
            span = (
                Span(span.start, Fraction(0), span.size, None)
                if new is None
                else replace(span, axis=new - new_rank)
            )
        found.append(span)
    return tuple(found)


def tidied(seen: Seen, shape: Sequence[int]) -> Seen:
    """Return spans of which none follows an axis of one place: there a broadcast may follow."""
    return tuple(
        replace(span, step=Fraction(0), axis=None)
        if span.axis is not None and shape[span.axis] == 1
        else span
        for span in seen
    )


def union(parts: Iterable[Seen | None], everything: Seen, *, keeping: bool = False) -> Seen:
    """Return what holds all of some fields: everything, along an axis where no one span does.

    With ``keeping`` an axis on which they differ is still followed, as one of them does.
    """
    joined = []
    there = [part for part in parts if part is not None]
    for spans, every in zip(zip(*there, strict=True), everything, strict=True):
        start = min(span.start for span in spans)
        end = max(span.start + span.size for span in spans)
        alike = len({(span.along, span.step) for span in spans}) == 1
        shifted = all(span.shifted for span in spans)
        joined.append(replace(spans[0], start=start, size=end - start, shifted=shifted) if alike else every)
        if keeping and not alike:
            joined[-1] = next((span for span in spans if span.axis is not None), every)
    return tuple(joined)
