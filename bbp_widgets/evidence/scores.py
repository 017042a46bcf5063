"""One number for every method and sample, and what can honestly be said of their means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from .intervals import LEVEL, bootstrap
from .table import Table

__all__ = ["Scores"]


@dataclass(frozen=True, eq=False, repr=False)
class Scores:
    """What a test gave each method, sample by sample.

    ``values`` names a method's numbers, (N,), the same samples in the same order for all; ``what`` says what they
    measure, ``better`` whether ``"higher"`` or ``"lower"`` speaks for a method. ``skipped`` says why a method is
    missing. Intervals come from the bootstrap over samples, by ``seed``.
    """

    what: str
    better: str
    values: Mapping[str, Tensor]
    skipped: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0

    @property
    def means(self) -> dict[str, float]:
        """The mean of each method over the samples that have a number."""
        return {name: float(np.nanmean(_known(numbers))) for name, numbers in self.values.items()}

    def interval(self, name: str, level: float = LEVEL) -> tuple[float, float]:
        """Give the bootstrap interval of a method's mean."""
        return bootstrap(_known(self.values[name]), level, seed=self.seed)

    def ranked(self) -> list[str]:
        """Name the methods, the best first."""
        return sorted(self.values, key=lambda name: self.means[name], reverse=self.better == "higher")

    def against(self, other: str) -> Scores:
        """Compare every method with one of them on the same samples: the differences, method minus ``other``."""
        base = self.values[other]
        differences = {name: numbers - base for name, numbers in self.values.items() if name != other}
        return Scores(
            f"{self.what}, minus that of {other}", self.better, differences, self.skipped, self.seed
        )

    @property
    def table(self) -> Table:
        """Means with their intervals, the best first."""
        rows = []
        for name in self.ranked():
            low, high = self.interval(name)
            count = int(np.isfinite(_known(self.values[name])).sum())
            rows.append([name, f"{self.means[name]:.3f}", f"{low:.3f} to {high:.3f}", str(count)])
        notes = [
            f"{self.what}; {self.better} is better",
            *(f"{name}: skipped, {why}" for name, why in self.skipped.items()),
        ]
        return Table(["method", "mean", "95 % interval", "samples"], rows, notes)

    def bars(self) -> Any:
        """Draw the means as bars with their intervals, the best at the top (a bqplot figure)."""
        from ..widgets import interval_bars

        names = self.ranked()
        limits = [self.interval(name) for name in names]
        return interval_bars(names, [self.means[name] for name in names], limits, self._title())

    def _title(self) -> str:
        return f"{self.what} ({self.better} is better)"

    def __str__(self) -> str:
        return str(self.table)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def _known(numbers: Tensor) -> np.ndarray[Any, Any]:
    return np.asarray(numbers.double())
