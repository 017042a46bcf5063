"""How far a share or a mean may be off, given how many samples it was counted on."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["LEVEL", "bootstrap", "wilson"]

LEVEL = 0.95
"""The level of every interval, unless another is asked for."""


def wilson(right: int, total: int, level: float = LEVEL) -> tuple[float, float]:
    """Give the interval of a share: ``right`` of ``total``. With no samples it is everything, (0, 1).

    Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
    """
    if not 0 <= right <= total:
        raise ValueError(f"a share is counted from 0 <= right <= total; got {right} of {total}.")
    if total == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share, room = right / total, z * z / total
    middle = (share + room / 2) / (1 + room)
    half = z / (1 + room) * (share * (1 - share) / total + room / (4 * total)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap(
    values: ArrayLike, level: float = LEVEL, *, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Give the interval of a mean over samples: the samples are drawn again with replacement (percentiles).

    Shapes: ``values`` ``(N,)``. What is not a number is left out; with nothing left, the interval is not one either.
    Source: B. Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979.
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    means = [known[rng.integers(0, len(known), len(known))].mean() for _ in range(resamples)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
