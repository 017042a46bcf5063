"""What every part of a lesson is checked with, and what is said where it does not hold."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from .look import hint

__all__ = ["PARTS", "BadLesson", "known", "number", "parts", "plain"]

#: What of an explorer can be pointed at or put away.
PARTS = ("rail", "ledger", "pictures", "maps", "unit", "flow", "triage", "classes", "controls")


class BadLesson(ValueError):
    """A lesson that cannot be played; the message names the step, what was wanted and what came."""


def plain(steps: Any) -> list[dict[str, Any]]:
    """Return a copy of the steps; they must be what JSON can hold.

    Raises: ``BadLesson``, as everything here.
    """
    if not isinstance(steps, (list, tuple)) or not all(isinstance(step, dict) for step in steps):
        raise BadLesson(f"steps must be a list of dicts, got {type(steps).__name__}.")
    copies = []
    for place, step in enumerate(steps):
        try:
            copies.append(json.loads(json.dumps(step, allow_nan=False)))
        except (TypeError, ValueError) as error:
            raise BadLesson(f"steps[{place}] must be plain data, as JSON holds it: {error}") from error
    return copies


def known(where: str, given: dict[str, Any], names: Sequence[str]) -> None:
    """Refuse an entry that is none of these names."""
    for name in given:
        if name not in names:
            raise BadLesson(f"{where} has no entry {name!r}{hint(name, names)}. It has: {', '.join(names)}.")


def parts(where: str, given: Any) -> list[str]:
    """Return a list of some of `PARTS`."""
    if isinstance(given, str) or not isinstance(given, (list, tuple)):
        raise BadLesson(f"{where} must be a list of parts, got {given!r}. There are: {', '.join(PARTS)}.")
    for part in given:
        if part not in PARTS:
            raise BadLesson(f"{where}: no part {part!r}{hint(part, PARTS)}. There are: {', '.join(PARTS)}.")
    return list(given)


def number(where: str, value: Any) -> float:
    """Return a number that is one: finite, and no truth value."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadLesson(f"{where} must be a number, got {value!r}.")
    return float(value)
