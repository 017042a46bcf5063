"""How a step shares: the shares of its largest units as plain arrays, with the unit and the mass of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from bbp_widgets.engine import Attribution

from .tensors import sheets_of

__all__ = ["Shares", "shares_at"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of some units of one step.

    Shapes: ``share``, ``mass`` and ``owner`` (S,): the part that an input gets, how much mass that is, and which of
    ``units`` gives it. ``units`` has them as the screen counts, the one with the most mass first.
    Units: ``mass`` is a magnitude, in target units.
    """

    share: Array
    mass: Array
    owner: Array
    units: list[list[int]]

    @property
    def fan_in(self) -> float:
        """How many inputs a unit shares on, on average; 1 where there is none."""
        return len(self.share) / len(self.units) if self.units else 1.0

    def within(self, low: float, high: float) -> dict[str, Any]:
        """Return of an interval of shares: ``count``, ``total``, and the ``part`` of the mass that they carry."""
        inside = self._inside(low, high)
        total = float(self.mass.sum())
        part = float(self.mass[inside].sum()) / total if total > 0 else 0.0
        return {"count": int(inside.sum()), "total": len(self.share), "part": part}

    def owner_of(self, low: float, high: float) -> list[int] | None:
        """Return the unit that gives the most mass through an interval of shares; ``None`` where none does."""
        inside = self._inside(low, high)
        if not inside.any():
            return None
        given = np.bincount(self.owner[inside], self.mass[inside], len(self.units))
        return self.units[int(given.argmax())]

    def _inside(self, low: float, high: float) -> Array:
        return np.asarray((self.share >= low) & (self.share <= high))


def shares_at(attribution: Attribution, frame: int, units: int, *, sample: int = 0) -> Shares:
    """Return the shares of a frame's units with the most mass.

    Raises: ``IndexError`` for a frame that holds nothing.
    """
    sheets = sheets_of(attribution, sample)
    if not 1 <= frame <= len(sheets):
        raise IndexError(f"no frame {frame} among 1 to {len(sheets)}.")
    sheet = sheets[frame - 1]
    sizes = torch.nan_to_num(sheet.place.mass.abs(), nan=-1.0, posinf=-1.0)
    flat = sizes.reshape(-1)
    largest = [int(i) for i in flat.topk(min(units, len(flat))).indices if float(flat[int(i)]) > 0]
    given = [attribution.unit(frame - 1, number, sample=sample).gives for number in largest]
    index = [[int(i) for i in torch.unravel_index(torch.tensor(number), sizes.shape)] for number in largest]
    if not given:
        return Shares(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64), [])
    return Shares(
        torch.cat([terms.share for terms in given]).double().cpu().numpy(),
        torch.cat([terms.mass for terms in given]).abs().double().cpu().numpy(),
        np.repeat(np.arange(len(given)), [len(terms.share) for terms in given]),
        [sheet.grid.unit(place) for place in index],
    )
