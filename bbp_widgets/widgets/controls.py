"""What the explorer offers: rules with their formulas and the limits of their sliders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bbp_widgets.engine import Rule, UnknownRule, as_rule

__all__ = ["Offer"]

_POWER = {"name": "power", "label": "power", "min": 0.25, "max": 4.0, "default": 1.0, "scale": "log"}
_TEMPERATURE = {"name": "temperature", "label": "T", "min": 0.05, "max": 10.0, "default": 1.0, "scale": "log"}
_SLIDERS: dict[str, dict[str, Any]] = {"power": _POWER, "temperature": _TEMPERATURE}


class Offer:
    """The rules that an explorer offers, by name; a rule of one's own is offered as an object."""

    def __init__(self, rules: Sequence[str | Rule]) -> None:
        """Raises: ``UnknownRule`` for a name that is none, and where nothing is offered."""
        if isinstance(rules, (str, Rule)):
            rules = (rules,)
        if not rules:
            raise UnknownRule("an explorer needs at least one rule, got none.")
        self._rules = {rule.name: rule for rule in map(as_rule, rules)}
        self._own = {rule.name: rule for rule in rules if isinstance(rule, Rule)}

    @property
    def names(self) -> tuple[str, ...]:
        """The rules' names, in the order in which they are offered."""
        return tuple(self._rules)

    @property
    def first(self) -> str:
        """The rule to begin with: proportional, or what is offered first."""
        return "proportional" if "proportional" in self._rules else self.names[0]

    def rule(self, name: str, parameters: dict[str, Any] | None = None) -> Rule:
        """Return a rule by name, whether offered or not, with these parameters; the others as they were offered.

        Raises: ``UnknownRule`` for a rule or parameter that does not exist.
        """
        given = dict(parameters or {})
        own = self._own.get(name)
        if own is None:
            return as_rule(name, **given)
        if unknown := sorted(set(given) - set(own.parameters)):
            known = ", ".join(own.parameters) or "none"
            raise UnknownRule(f'rule "{name}" has no parameter {unknown[0]!r}. It has: {known}.')
        return replace(own, **given)

    def include(self, name: str) -> None:
        """Offer one more rule.

        Raises: ``UnknownRule`` for a name that is none.
        """
        self._rules.setdefault(name, self.rule(name))

    def controls(self) -> list[dict[str, Any]]:
        """Return what the page needs to offer these rules."""
        return [
            {
                "name": rule.name,
                "says": rule.says,
                "formula": rule.formula,
                "standard": dict(rule.parameters),
                "parameters": [
                    {**_SLIDERS[name], "default": value}
                    for name, value in rule.parameters.items()
                    if name in _SLIDERS
                ],
            }
            for rule in self._rules.values()
        ]
