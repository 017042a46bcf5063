"""The look: everything that an explorer shows, as one small dict of plain data, checked before it is used."""

from __future__ import annotations

import copy
import difflib
import math
from collections.abc import Callable, Collection, Iterable
from typing import Any

import traitlets

from bbp_widgets.engine import Rule

__all__ = [
    "QUESTION",
    "BadState",
    "checked_lane",
    "checked_look",
    "fresh_look",
    "hint",
    "question_of",
    "sorted_plan",
]

Look = dict[str, Any]
#: The part of a look that decides which films are computed.
QUESTION = ("sample", "target", "versus", "lanes")
_MOST_LANES = 4
#: Makes a rule of a name and its parameters, or raises.
MakeRule = Callable[[str, dict[str, Any]], Rule]


class BadState(traitlets.TraitError):
    """A state that cannot be shown; the message names the entry, what was wanted and what came."""


def fresh_look(rule: Rule) -> Look:
    """Return what an explorer shows at first."""
    return {
        "sample": 0, "target": None, "versus": None,
        "lanes": [{"rule": rule.name, "parameters": rule.parameters, "plan": {}}],
        "lane": 0, "difference": None, "step": 0, "level": "layers", "scale": "each", "grain": 1,
        "channels": "apart", "overlay": 0.65, "tensor": "mass", "sort": "mass", "page": 0, "unit": None, "stops": [],
        "panel": "maps", "open": [], "dim": 1.0,
    }  # fmt: skip


def question_of(look: Look, lane: int) -> dict[str, Any]:
    """Return the question that a lane's film answers."""
    return copy.deepcopy({**{name: look[name] for name in QUESTION[:-1]}, **look["lanes"][lane]})


def checked_look(change: Any, base: Look, samples: int, make_rule: MakeRule) -> Look:
    """Return ``base`` with what ``change`` says, in the form in which it is kept: new, and complete.

    Where fewer lanes are left the active one and the one subtracted stay within them.

    Raises: ``BadState`` naming the entry that is wrong; ``UnknownRule`` for a rule or parameter that does not exist.
    """
    if not isinstance(change, dict):
        raise BadState(f"state must be a dict, got {type(change).__name__}.")
    for name in change:
        if name not in base:
            said = _LANES_OWN if name in _OF_A_LANE else hint(name, base)
            raise BadState(f"state has no entry {name!r}{said}. It has: {', '.join(base)}.")
    look = copy.deepcopy({**base, **change})
    count = len(look["lanes"]) if isinstance(look["lanes"], (list, tuple)) else 0
    if not 1 <= count <= _MOST_LANES:
        raise BadState(f"lanes must be a list of 1 to {_MOST_LANES} lanes, got {change.get('lanes')!r}.")
    look["sample"] = _index("sample", look["sample"], samples)
    for name in ("target", "versus"):
        look[name] = None if look[name] is None else _whole(name, look[name])
    look["lanes"] = [checked_lane(lane, make_rule, f"lanes[{i}]") for i, lane in enumerate(look["lanes"])]
    if "lanes" in change and "lane" not in change:
        look["lane"] = min(look["lane"], count - 1)
    look["lane"] = _index("lane", look["lane"], count)
    if look["difference"] is not None:
        if "difference" in change:
            look["difference"] = _index("difference", look["difference"], count)
        elif look["difference"] >= count:
            look["difference"] = None
    for name in ("step", "page"):
        look[name] = _natural(name, look[name])
    for name, choices in _CHOICES.items():
        look[name] = _one_of(name, look[name], choices)
    for name, most in (("overlay", 1.0), ("dim", None)):
        look[name] = _number(name, look[name], most)
    look["unit"] = _unit(look["unit"])
    look["stops"] = sorted({_natural("stops", stop) for stop in _list("stops", look["stops"])})
    look["open"] = [_text("open", name) for name in _list("open", look["open"])]
    return look


def checked_lane(lane: Any, make_rule: MakeRule, where: str = "lane") -> dict[str, Any]:
    """Return a lane with all parameters of its rules written out.

    Raises: ``BadState``, and ``UnknownRule``.
    """
    lane = {"rule": lane} if isinstance(lane, str) else lane
    if not isinstance(lane, dict) or not isinstance(lane.get("rule"), str):
        raise BadState(
            f'{where} must be like {{"rule": "softmax", "parameters": {{}}, "plan": {{}}}}, got {lane!r}.'
        )
    wanted = ("rule", "parameters", "plan")
    for name in lane:
        if name not in wanted:
            raise BadState(f"{where} has no entry {name!r}{hint(name, wanted)}. It has: {', '.join(wanted)}.")
    plan = {}
    for pattern, entry in _dict(f"{where}.plan", lane.get("plan")).items():
        place = f"{where}.plan[{pattern!r}]"
        if not isinstance(pattern, str):
            raise BadState(f"{where}.plan is by name, got the key {pattern!r}.")
        if isinstance(entry, Rule):
            entry = {"rule": entry.name, "parameters": entry.parameters}
        inner = checked_lane(entry, make_rule, place)
        if inner.pop("plan"):
            raise BadState(f"{place} is a rule, and has no plan of its own.")
        plan[pattern] = inner
    rule = make_rule(lane["rule"], _dict(f"{where}.parameters", lane.get("parameters")))
    usual = make_rule(rule.name, {}).parameters
    parameters = {  # a page's 1 is 1.0 here: the same question has one name
        name: float(value) if isinstance(usual[name], float) else value
        for name, value in rule.parameters.items()
    }
    return {"rule": rule.name, "parameters": parameters, "plan": plan}


def sorted_plan(plan: dict[str, Any], ops: Collection[str]) -> dict[str, Any]:
    """Return a plan with the more exact entries first, which win: a name, a pattern, a position, an op.

    So it does not matter in which order they were written: a film's key does not tell.
    """

    def rank(pattern: str) -> tuple[int, int, str]:
        if pattern in ops:
            kind = 3
        elif pattern in ("first", "last"):
            kind = 2
        else:
            kind = int(any(letter in pattern for letter in "*?["))
        return kind, -len(pattern), pattern

    return {pattern: plan[pattern] for pattern in sorted(plan, key=rank)}


def hint(name: object, known: Iterable[str]) -> str:
    """Return what may have been meant, as words to add to a message."""
    close = difflib.get_close_matches(str(name), list(known), 1)
    return f", perhaps {close[0]!r} is meant" if close else ""


#: What belongs to a lane, and how that is said to somebody who looks for it in the state.
_OF_A_LANE = ("rule", "parameters", "plan")
_LANES_OWN = (
    ": it belongs to one of the lanes, as in {'lanes': [{'rule': 'uniform', 'parameters': {}, 'plan': {}}]}"
)

_CHOICES: dict[str, tuple[Any, ...]] = {
    "level": ("blocks", "layers", "ops"),
    "scale": ("each", "shared", "step"),
    "grain": (1, 4, 8, 16),
    "channels": ("apart", "summed"),
    "tensor": ("mass", "value", "contribution"),
    "sort": ("mass", "index"),
    "panel": ("maps", "flow", "triage", "classes"),
}


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
        raise BadState(f"{name} must be a whole number, got {value!r}.")
    return int(value)


def _natural(name: str, value: Any) -> int:
    number = _whole(name, value)
    if number < 0:
        raise BadState(f"{name} must be zero or more, got {number}.")
    return number


def _index(name: str, value: Any, count: int) -> int:
    number = _whole(name, value)
    if not -count <= number < count:
        raise BadState(f"{name} must be 0 to {count - 1}, got {number}.")
    return number % count


def _number(name: str, value: Any, most: float | None) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not math.isfinite(value)
        or value < 0
    ):
        raise BadState(f"{name} must be a number of zero or more, got {value!r}.")
    if most is not None and value > most:
        raise BadState(f"{name} must be 0 to {most:g}, got {value!r}.")
    return float(value)


def _one_of(name: str, value: Any, choices: tuple[Any, ...]) -> Any:
    if isinstance(value, bool) or value not in choices:
        words = ", ".join(map(repr, choices))
        raise BadState(f"{name} must be one of {words}, got {value!r}{hint(value, map(str, choices))}.")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise BadState(f"{name} must be names, got {value!r}.")
    return value


def _list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise BadState(f"{name} must be a list, got {value!r}.")
    return list(value)


def _dict(name: str, value: Any) -> dict[Any, Any]:
    if value is not None and not isinstance(value, dict):
        raise BadState(f"{name} must be a dict, got {value!r}.")
    return dict(value or {})


def _unit(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"frame", "at"}:
        raise BadState(f'unit must be None or like {{"frame": 12, "at": [79, 16, 12]}}, got {value!r}.')
    at = [_natural("unit.at", i) for i in _list("unit.at", value["at"])]
    return {"frame": _natural("unit.frame", value["frame"]), "at": at}
