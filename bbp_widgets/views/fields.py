"""Receptive fields: which places of the input a unit of each frame can see."""

from __future__ import annotations

from typing import Any

from bbp_widgets.engine import Attribution

__all__ = ["fields_of"]


def fields_of(attribution: Attribution) -> list[dict[str, Any] | None]:
    """Return the field of each step and of the input, as the contract has it, ``None`` where it is everything."""
    return [None] * (len(attribution.ledger) + 1)
