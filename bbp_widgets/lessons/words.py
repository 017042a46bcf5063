"""Numbers in a lesson's words: written once, by name, so that a test can work each of them out."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["figure", "filled"]

Numbers = dict[str, float]
_NAME = re.compile(r"\{(\w+)\}")


def figure(value: float) -> str:
    """Return a number as it stands in a text: no more digits than it has, and a real minus sign."""
    return f"{value:.6g}".replace("-", "\u2212")


def filled(part: Any, numbers: Numbers) -> Any:
    """Return steps with ``{name}`` replaced by that number; where nothing else stands, it is the number itself."""
    if isinstance(part, str):
        alone = _NAME.fullmatch(part)
        if alone:
            return numbers[alone[1]]
        return _NAME.sub(lambda found: figure(numbers[found[1]]), part)
    if isinstance(part, list):
        return [filled(one, numbers) for one in part]
    if isinstance(part, dict):
        return {name: filled(one, numbers) for name, one in part.items()}
    return part
