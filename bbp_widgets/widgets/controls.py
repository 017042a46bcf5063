"""What the explorer offers: rules with the limits of their sliders."""

from __future__ import annotations

from typing import Any

from bbp_widgets.engine import UnknownRule, as_rule

__all__ = ["rule_controls"]

_POWER = {"name": "power", "label": "power", "min": 0.25, "max": 4.0, "default": 1.0, "scale": "log"}
_TEMPERATURE = {"name": "temperature", "label": "T", "min": 0.05, "max": 10.0, "default": 1.0, "scale": "log"}
_SLIDERS: dict[str, dict[str, Any]] = {"power": _POWER, "temperature": _TEMPERATURE}


def rule_controls(names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return what the page needs to offer these rules.

    Raises: ``UnknownRule`` for a name that is none.
    """
    if not names:
        raise UnknownRule("an explorer needs at least one rule, got none.")
    offered = []
    for name in names:
        rule = as_rule(name)
        sliders = [_SLIDERS[parameter] for parameter in rule.parameters if parameter in _SLIDERS]
        offered.append({"name": rule.name, "says": rule.says, "parameters": sliders})
    return offered
