"""Receptive fields: which places of the input a unit of each frame can see.

Worked out from what the ops are, without running anything: along each axis of the picture, the unit at ``i`` of some
axis of a value sees the places from ``start + step · i`` on, ``size`` of them; fractions are rounded inwards. Where
ways through the network differ, the field is one that holds both; where an op is not known here, it is everything.
Of several inputs a unit has a field on each that reaches it.

The same arithmetic tells which axes of a value are the picture's rows and columns, wherever they have been moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bbp_widgets.engine import Attribution

from .follow import followed
from .grids import Grid, grid_of
from .spans import Seen

__all__ = ["Sight", "grids_of", "sights_of"]


@dataclass(frozen=True, slots=True)
class Sight:
    """What a step has to do with one input.

    Its rows and columns are ``placed`` where they are that input's. A unit sees its ``field``, as the contract has it;
    ``None`` where that is everything.
    """

    placed: bool
    field: dict[str, Any] | None

    @property
    def described(self) -> dict[str, Any]:
        """What the page is told of it."""
        return {"placed": self.placed, "field": self.field}


def sights_of(attribution: Attribution, grids: Sequence[Grid]) -> list[list[Sight | None]]:
    """Return what each step, and each input, sees of every input; ``None`` where that is nothing.

    ``grids`` says how the units of each are drawn.
    """
    by_input = []
    for entry in range(len(attribution.sources)):
        seen, everything = followed(attribution, keeping=False, entry=entry)
        places = _grids(attribution, [grid.shape for grid in grids], entry)
        by_input.append(
            [
                None
                if spans is None
                else Sight(grid.placed and grid == own, _as_field(spans, grid, everything))
                for spans, grid, own in zip(seen, grids, places, strict=True)
            ]
        )
    return [list(row) for row in zip(*by_input, strict=True)]


def grids_of(attribution: Attribution, shapes: Sequence[Sequence[int]]) -> list[Grid]:
    """Return how the units of each step, and of each input, are drawn, by where the graph has the inputs' places.

    ``shapes`` are those of the values, without the axis of samples. Of several inputs the first whose places are there
    counts.
    """
    by_input = [_grids(attribution, shapes, entry) for entry in range(len(attribution.sources))]
    return [
        next((grid for grid in found if grid is not None and grid.placed), None)
        or next((grid for grid in found if grid is not None), None)
        or grid_of(shape, in_order=False)
        for shape, found in zip(shapes, zip(*by_input, strict=True), strict=True)
    ]


def _grids(attribution: Attribution, shapes: Sequence[Sequence[int]], entry: int) -> list[Grid | None]:
    """Return the grids by the places of one input; ``None`` for what sees nothing of it."""
    seen, _ = followed(attribution, keeping=True, entry=entry)
    return [
        None
        if spans is None
        else grid_of(
            shape,
            [span.along for span in spans],
            in_order=not any(span.shifted or span.step < 0 for span in spans),
        )
        for shape, spans in zip(shapes, seen, strict=True)
    ]


def _as_field(seen: Seen, grid: Grid, everything: Seen) -> dict[str, Any] | None:
    """Return what the units of a value see, as the screen counts them."""
    spans = [
        span if span.along is None or span.along == along else whole
        for span, along, whole in zip(seen, grid.along, everything, strict=True)
    ]
    if all(
        span.step == 0 and span.start <= 0 and span.start + span.size >= whole.size
        for span, whole in zip(spans, everything, strict=True)
    ):
        return None
    return {
        "start": [_number(span.start) for span in spans],
        "step": [_number(span.step) for span in spans],
        "size": [_number(span.size) for span in spans],
    }


def _number(value: Fraction) -> float:
    return value.numerator if value.denominator == 1 else float(value)
