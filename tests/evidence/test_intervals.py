"""Intervals against numbers worked out by hand and against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bbp_widgets.evidence import bootstrap, wilson

HAND = 5e-4  # of the published example, given to three places


def test_wilson_is_scipys() -> None:
    for right, total in [(0, 10), (1, 10), (5, 10), (10, 10), (183, 200)]:
        expected = stats.binomtest(right, total).proportion_ci(0.95, method="wilson")
        assert wilson(right, total) == pytest.approx((expected.low, expected.high))


def test_wilson_by_hand() -> None:
    # z = 1.96, p = 0.5, n = 4: middle 0.5, half 1.96 / (1 + 3.8416 / 4) · sqrt(0.0625 + 3.8416 / 64) = 0.350
    assert wilson(2, 4) == pytest.approx((0.150, 0.850), abs=HAND)


def test_nothing_counted_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


def test_bootstrap_is_seeded_and_about_two_standard_errors() -> None:
    values = np.random.default_rng(1).normal(3.0, 1.0, 400)
    low, high = bootstrap(values)
    assert (low, high) == bootstrap(values)
    assert (low, high) != bootstrap(values, seed=1)
    error = values.std() / math.sqrt(len(values))
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.3 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.3 * error)


def test_bootstrap_leaves_out_what_is_no_number() -> None:
    assert bootstrap([2.0, math.nan, 2.0]) == (2.0, 2.0)
    assert all(math.isnan(limit) for limit in bootstrap([math.nan]))
