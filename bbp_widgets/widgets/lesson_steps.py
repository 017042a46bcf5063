"""The steps of a lesson: checked, and with all written out that they leave to be understood."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from .lesson_checks import BadLesson, known, parts
from .lesson_places import Places
from .lesson_questions import Questions
from .look import QUESTION, Look, hint

if TYPE_CHECKING:
    from .explorer import Explorer

__all__ = ["looks_of", "read_steps"]

#: The tab that a part stands on.
_PANELS = {"maps": "maps", "unit": "maps", "flow": "flow", "triage": "triage", "classes": "classes"}
_STEP = ("text", "explorer", "look", "highlight", "hide", "question")
#: What of a look each step decides, whether it speaks of it or not: so a step begins from a known place.
_DECIDED = (*QUESTION, "lane", "difference", "step", "level", "unit", "panel", "tensor", "dim")


def read_steps(
    explorers: dict[str, Explorer], steps: list[dict[str, Any]], shuffle: random.Random | None
) -> list[dict[str, Any]]:
    """Return the steps as the page gets them; ``shuffle`` orders the choices of questions.

    The page knows an explorer by its place among them, as ``stage``. What was said of one is not said of another.

    Raises: ``BadLesson``.
    """
    if not steps:
        raise BadLesson("a lesson needs at least one step, got none.")
    names = list(explorers)
    stages = _stages(names, steps)
    places = [Places(explorer) for explorer in explorers.values()]
    questions = [Questions(there, shuffle) for there in places]
    told: list[Look] = [{} for _ in names]
    touched: list[set[str]] = [set() for _ in names]
    for stage, step in zip(stages, steps, strict=True):
        touched[stage] |= _touched(step)
    played = []
    for place, (stage, step) in enumerate(zip(stages, steps, strict=True)):
        where = f"steps[{place}]"
        known(where, step, _STEP)
        text = step.get("text")
        if not isinstance(text, str) or not text.strip():
            raise BadLesson(f"{where}.text must be what the reader is told, got {text!r}.")
        lit = step.get("highlight")
        if lit is not None:
            parts(f"{where}.highlight", [lit])
        own = places[stage].look(f"{where}.look", step.get("look"), told[stage])
        if lit in _PANELS and "panel" not in own:
            own["panel"] = _PANELS[lit]
        told[stage] = {**told[stage], **own}
        look = places[stage].whole(f"{where}.look", told[stage])
        # what no step speaks of is the reader's own
        shown = {name: look[name] for name in sorted({*touched[stage], *_DECIDED})}
        played.append({
            "text": text,
            "stage": stage,
            "look": shown,
            "highlight": lit,
            "hide": parts(f"{where}.hide", step.get("hide") or ()),
            "question": questions[stage].read(f"{where}.question", step.get("question"), told[stage]),
        })  # fmt: skip
    return played


def _stages(names: list[str], steps: list[dict[str, Any]]) -> list[int]:
    """Return which explorer each step is played on: the one that it names, or that of the step before."""
    stages, name = [], names[0]
    for place, step in enumerate(steps):
        name = step.get("explorer", name)
        if name not in names:
            said, there = hint(name, names), ", ".join(map(repr, names))
            raise BadLesson(
                f"steps[{place}].explorer: there is no explorer {name!r}{said}. There are: {there}."
            )
        stages.append(names.index(name))
    for stage, one in enumerate(names):
        if stage not in stages:
            raise BadLesson(f"no step is played on the explorer {one!r}.")
    return stages


def looks_of(step: dict[str, Any]) -> list[Look]:
    """Return every look that a step can show."""
    look, question = step["look"], step["question"]
    if question is None:
        return [look]
    units = question["truths"][:1] if question["kind"] == "unit" else []
    return [look, {**look, **question["show"]}, *({**look, "unit": unit} for unit in units)]


def _touched(step: Any) -> set[str]:
    """Return the entries of a look that a step speaks of."""
    if not isinstance(step, dict):
        return set()
    question = step.get("question")
    looks = [step.get("look"), question.get("show") if isinstance(question, dict) else None]
    return {name for look in looks if isinstance(look, dict) for name in look}
