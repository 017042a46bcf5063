"""Round numbers for an axis, whatever its ends."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bbp_widgets.views import round_ticks


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 10, [0, 5, 10]),
        (-1.5, 2.2, [-1, 0, 1, 2]),
        (0, 0.7, [0, 0.2, 0.4, 0.6]),
        (-3e6, 0, [-3e6, -2e6, -1e6, 0]),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert round_ticks(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("low", "high"),
    [(1, 1), (0, math.inf), (-math.inf, 0), (math.nan, 1), (0, math.nan), (-1e308, 1e308), (0, 5e-324)],
)
def test_there_is_an_answer_for_every_axis(low: float, high: float) -> None:
    """A network may overflow: the panel must not be what stops the explorer."""
    assert all(math.isfinite(tick) for tick in round_ticks(low, high))


@given(st.floats(-1e9, 1e9), st.floats(1e-9, 1e9))
def test_ticks_are_inside_and_few(low: float, span: float) -> None:
    high = low + span
    ticks = round_ticks(low, high)
    assert len(ticks) <= 6
    room = (high - low) * 1e-9 + abs(low) * 1e-12
    assert all(low - room <= tick <= high + room for tick in ticks)
