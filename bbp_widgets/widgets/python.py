"""What is shown, as the lines of Python that compute it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bbp_widgets.engine import Rule
from bbp_widgets.views import Film

from .look import sorted_plan

if TYPE_CHECKING:
    from .desk import Desk
    from .look import Look

__all__ = ["python_of"]


def python_of(look: Look, film: Film | None, desk: Desk) -> str:
    """Return the lines for the active lane of a look; ``film`` is what knows the names of its steps."""
    options = desk.options()
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    own = f"[{look['sample']} : {look['sample'] + 1}]"
    place = f"tuple(x{own} for x in inputs)" if desk.samples.several else f"inputs{own}"
    sample = desk.samples.source(look["sample"])
    inputs = place if sample is None else sample
    target, versus = look["target"], look["versus"]
    lines = ["import bbp_widgets as bbp", ""]
    if "PIL." in inputs:
        lines.insert(0, "import PIL.Image")
    if versus is not None and target is None:
        lines.append(f"best = int(bbp.linearize(network, {inputs}).target[0])")
        target = "best"
    asked = f"({target}, {versus})" if versus is not None else repr(target)
    if target is not None and desk.class_name(target if isinstance(target, int) else None):
        words = f"  # {desk.class_name(target)}"
    else:
        words = ""
    lines.append(f"local = bbp.linearize(network, {inputs}, target={asked}{given}){words}")
    lane = look["lanes"][look["lane"]]
    frames: list[dict[str, Any]] = [] if film is None else film.header["frames"]
    ops = {frame["op"] for frame in frames}
    plan = {pattern: _rule(desk, entry) for pattern, entry in sorted_plan(lane["plan"], ops).items()}
    written = ", ".join(f"{pattern!r}: {rule}" for pattern, rule in plan.items())
    lines.append(f"result = local.attribute({_rule(desk, lane)}{f', plan={{{written}}}' if plan else ''})")
    lines.append("print(result)")
    unit = look["unit"]
    if unit is not None and 0 < unit["frame"] < len(frames) - 1:
        lines.append(f"print(result.unit({frames[unit['frame']]['node']!r}, {tuple(unit['at'])}))")
    elif 0 < look["step"] < len(frames) - 1:
        lines.append(f"print(result.at({frames[look['step']]['node']!r}).mass)")
    return "\n".join([*lines, ""])


def _rule(desk: Desk, entry: dict[str, Any]) -> str:
    """Return a rule as it is written in Python."""
    rule: Rule = desk.offer.rule(entry["rule"], entry["parameters"])
    given = ", ".join(f"{name}={value!r}" for name, value in rule.parameters.items())
    return f"bbp.rules.{rule.name}({given})"
