"""One unit's equation as plain numbers: what came to it, what it added, and what it gave on, term by term."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .rules import Rule

__all__ = ["NO_TERMS", "Comes", "Gives", "UnitEquation"]


@dataclass(frozen=True, slots=True)
class Gives:
    """What a unit shares on: one term for every live input unit of its fan-in, the largest mass first.

    ``sources[source[i]]`` names the value that term i goes to, a node's or an input's, and ``index[i]`` the unit in it,
    without the sample axis, filled up with −1 where another source has more axes. strength = weight · value, and
    mass = share · the unit's mass. Shares are of the unit's whole mass, and add up to one.

    Shapes: ``source`` (n,), ``index`` (n, axes), the others (n,).
    Units: ``strength`` as the unit's value, ``mass`` in target units.
    """

    sources: tuple[str, ...]
    source: Tensor
    index: Tensor
    weight: Tensor
    value: Tensor
    strength: Tensor
    share: Tensor
    mass: Tensor

    def __len__(self) -> int:
        """Return the number of terms."""
        return len(self.source)


@dataclass(frozen=True, slots=True)
class Comes:
    """Where a unit's mass came from: one term for every unit that gave it some, the largest first.

    ``sources[source[i]]`` names the node (or ``"target"``) that term i comes from, and ``index[i]`` the unit in its
    value, as in ``Gives``. contribution = share · mass, where ``mass`` is all that the giving unit had.

    Shapes: ``source`` (n,), ``index`` (n, axes), the others (n,). Units: target units.
    """

    sources: tuple[str, ...]
    source: Tensor
    index: Tensor
    mass: Tensor
    share: Tensor
    contribution: Tensor

    def __len__(self) -> int:
        """Return the number of terms."""
        return len(self.source)


@dataclass(frozen=True, slots=True)
class UnitEquation:
    """What the walk does at one unit.

    value = Σ gives.strength + intercept, and mass = arrived + own − unshared, where own = grad · intercept and
    arrived = Σ comes.contribution; the mass then goes to the inputs as ``gives`` says. ``index`` has no sample axis.
    ``rule`` is the one that decided, or ``None`` where there was nothing to decide.

    Units: ``mass``, ``arrived``, ``own`` and ``unshared`` are in target units, ``grad`` in these per unit of value.
    """

    node: str
    index: tuple[int, ...]
    sample: int
    rule: Rule | None
    value: float
    intercept: float
    grad: float
    mass: float
    arrived: float
    own: float
    unshared: float
    gives: Gives
    comes: Comes


#: What a unit shares on that has no inputs.
NO_TERMS = Gives(
    (), *(torch.empty(0, dtype=torch.long), torch.empty(0, 0, dtype=torch.long)), *[torch.empty(0)] * 5
)
