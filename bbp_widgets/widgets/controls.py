"""What the explorer offers: rules with the limits of their sliders."""

from __future__ import annotations

from typing import Any

from bbp_widgets.engine import UnknownRule, as_rule

__all__ = ["rule_controls"]

_SLIDERS: dict[str, list[dict[str, Any]]] = {
    "proportional": [
        {"name": "power", "label": "power", "min": 0.25, "max": 4.0, "default": 1.0, "scale": "log"},
    ],
    "softmax": [
        {"name": "temperature", "label": "T", "min": 0.05, "max": 10.0, "default": 1.0, "scale": "log"},
    ],
}


def rule_controls(names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return what the page needs to offer these rules.

    Raises: ``UnknownRule`` for a name that is none.
    """
    if not names:
        raise UnknownRule("an explorer needs at least one rule, got none.")
    return [{"name": n, "says": as_rule(n).says, "parameters": _SLIDERS.get(n, [])} for n in names]
