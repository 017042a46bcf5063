"""What every rule does with its φ: a unit's mass is shared among its live inputs, in proportion to their φ.

The rules themselves are in ``rules.py``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from .errors import BadRule
from .mixing import Dense, Mixing, Tile

__all__ = ["Rule"]


@dataclass(frozen=True)
class Rule(ABC):
    """A way to share: subclass it, give it ``name`` and ``phi``, and it works at every node."""

    name: ClassVar[str]
    says: ClassVar[str] = ""  # in a few words, whom it gives to
    formula: ClassVar[str] = ""  # φ as plain text
    #: Whether every φ is looked at: another pass over memory, which the project's own rules are spared.
    _doubted: ClassVar[bool] = True

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Forget the short ways of a rule whose φ is replaced: they are of the old one."""
        super().__init_subclass__(**keywords)
        cls._doubted = cls.__module__ != f"{__package__}.rules"
        if "phi" in vars(cls):
            for name in ("share_dense", "share_evenly"):
                if name not in vars(cls):
                    setattr(cls, name, vars(Rule)[name])

    @abstractmethod
    def phi(self, tile: Tile) -> Tensor:
        """Return φ for every input of every unit of a tile, in the shape of ``tile.strength``, never negative.

        Only ratios within a unit matter, so a unit's φ may be scaled: take a maximum off before an exponential. Inputs
        that are not live have strength zero here, and their φ does not count. ``tile.strength`` may be overwritten.
        """

    def share_dense(self, mixing: Dense, mass: Tensor) -> tuple[Tensor, ...] | None:
        """Return what each input gets, without writing the fan-ins out; ``None`` where that is not possible."""
        return None

    def share(self, mixing: Mixing, mass: Tensor) -> tuple[Tensor, ...]:
        """Return what each live input of a node gets of the node's ``mass``.

        Shapes: ``mass`` has the node's output shape; each array returned has its input's shape.
        Units: target units, in and out. Over live units, what goes in comes out.
        """
        return mixing.home(self._shared(mixing, mass))

    def share_evenly(self, mixing: Mixing, mass: Tensor) -> tuple[Tensor, ...] | None:
        """Return what each input gets where φ is the same for all inputs of a unit; ``None`` where it is not."""
        return None

    def _shared(self, mixing: Mixing, mass: Tensor) -> tuple[Tensor, ...]:
        given = self.share_evenly(mixing, mass)
        if given is None and isinstance(mixing, Dense):
            for part, some in mixing.parts():
                if given is None:
                    given = tuple(torch.empty_like(side) for side in mixing.sides())
                for whole, got in zip(given, self._shared(some, mass[part]), strict=True):
                    whole[part] = got
            if given is None:
                given = self.share_dense(mixing, mass)
        return self.share_by_tiles(mixing, mass) if given is None else given

    def share_by_tiles(self, mixing: Mixing, mass: Tensor) -> tuple[Tensor, ...]:
        """Share with every fan-in written out, a tile at a time: right for any φ, and slower."""
        given = mixing.nothing(mass)
        for tile in mixing.tiles(mass, given):
            self.share_tile(tile)
        return given

    def share_tile(self, tile: Tile) -> None:
        """Give the units of a tile away.

        Raises: ``BadRule`` for a φ of a rule of the user's own by which nothing can be shared.
        """
        shape = tile.strength.shape
        phi = self.phi(tile)
        if self._doubted:
            _check_phi(self, phi, shape, tile.live)
        if tile.live is not None:
            phi = self._of_live(phi, tile.live)
        total = phi.sum(tile.dim)
        silent = total <= 0
        if bool(silent.any()):
            everyone = (
                torch.ones_like(phi) if tile.live is None else tile.live.to(phi.dtype).expand(phi.shape)
            )
            phi = torch.where(silent.unsqueeze(tile.dim), everyone, phi)
            # a unit with no live input keeps no mass (walk.py), so its total may be anything but zero
            total = phi.sum(tile.dim).clamp(min=torch.finfo(phi.dtype).tiny)
        tile.give(phi, tile.mass / total)

    def _of_live(self, phi: Tensor, live: Tensor) -> Tensor:
        """Return φ with zeros where nothing is live, whatever it is there."""
        return torch.where(live, phi, 0)

    @property
    def parameters(self) -> dict[str, Any]:
        """The rule's parameters and their values."""
        return asdict(self)

    def __str__(self) -> str:
        given = ", ".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"{self.name}({given})" if given else self.name


def _check_phi(rule: Rule, phi: Any, shape: torch.Size, live: Tensor | None) -> None:
    if not isinstance(phi, Tensor) or phi.shape != shape:
        came = f"a tensor of shape {tuple(phi.shape)}" if isinstance(phi, Tensor) else repr(phi)
        raise BadRule(
            f'rule "{rule.name}" wants a φ of the shape of tile.strength, {tuple(shape)}, got {came}.\n'
            "  Begin with tile.strength, or expand to its shape."
        )
    bad = ~((phi >= 0) & phi.isfinite())
    if live is not None:
        bad = bad & live
    if bool(bad.any()):
        first = float(phi[bad][0])
        raise BadRule(
            f'rule "{rule.name}" wants a finite φ that is never negative, got {first} '
            f"({int(bad.sum())} of {bad.numel()} are like that).\n"
            "  Only ratios within a unit matter: take a unit's maximum off before an exponential."
        )
