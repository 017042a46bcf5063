"""How large the tiles of a film are, and how many: as large and as many as fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .grids import Grid

__all__ = ["VECTOR_LENGTH", "Budget", "budget_of"]

#: Longest side of a tile, as large as it is drawn; then what is tried where that does not fit.
_SIDES = (56, 40, 28, 20, 14, 10, 7)
#: Channels of a step that are drawn; a step with more shows those with the most mass.
_SHOWN = (24, 16)
_FEWER = (12, 8, 4, 2, 1)
#: Entries of a vector that are sent.
VECTOR_LENGTH = 4096
#: Bytes of the header: for each frame, and for each tile of it.
_FRAME_TEXT, _TILE_TEXT = 900, 28


@dataclass(frozen=True, slots=True)
class Budget:
    """No side of a tile is longer than ``side``, no frame shows more than ``shown`` channels."""

    side: int = _SIDES[0]
    shown: int = _SHOWN[0]
    length: int = VECTOR_LENGTH

    def block(self, grid: Grid) -> int:
        """Return how many places a pixel of a tile covers, along either axis."""
        return -(-max(grid.height, grid.width) // self.side)

    def bytes_of(self, grid: Grid) -> int:
        """Return what a frame takes, roughly."""
        if grid.kind == "vector":
            return _FRAME_TEXT + 3 * 4 * min(grid.width, self.length)
        block = self.block(grid)
        pixels = -(-grid.height // block) * -(-grid.width // block)
        shown = min(self.shown, grid.channels)
        return _FRAME_TEXT + pixels + 3 * shown * (pixels + _TILE_TEXT)


def budget_of(grids: Iterable[Grid], room: int) -> Budget:
    """Return the largest budget whose frames fit into ``room`` bytes, the smallest where none does."""
    held = list(grids)
    smallest = _SIDES[-1]
    tried: Sequence[Budget] = [
        *(Budget(side, shown) for side in _SIDES for shown in _SHOWN),
        *(Budget(smallest, shown, VECTOR_LENGTH * shown // 24) for shown in _FEWER),
    ]
    return next((b for b in tried if sum(map(b.bytes_of, held)) <= room), tried[-1])
