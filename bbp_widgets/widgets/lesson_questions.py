"""The questions of a lesson: each kind checked, and its truth written out as the page judges it."""

from __future__ import annotations

import random
from typing import Any

from .lesson_checks import BadLesson, known, number
from .lesson_places import Places, sizes_of
from .look import Look, hint

__all__ = ["Questions"]

_ASKED = ("kind", "ask", "answer", "right", "wrong", "show")
#: What a question of each kind may say beyond these.
_KINDS: dict[str, tuple[str, ...]] = {
    "choice": ("choices",),
    "number": ("tolerance",),
    "layer": (),
    "unit": (),
    "pixel": ("tolerance",),
}
#: How far from the truth a number may be where the question does not say.
_TOLERANCE = 0.01


class Questions:
    """Reads questions. With ``shuffle`` the choices of each come in an order of its own."""

    def __init__(self, places: Places, shuffle: random.Random | None) -> None:
        self._places, self._shuffle = places, shuffle

    def read(self, where: str, given: Any, told: Look) -> dict[str, Any] | None:
        """Return a question as the page gets it.

        Raises: ``BadLesson``.
        """
        if given is None:
            return None
        if not isinstance(given, dict):
            raise BadLesson(f"{where} must be a dict or None, got {given!r}.")
        kind = given.get("kind")
        if kind not in _KINDS:
            said = hint(kind, _KINDS)
            raise BadLesson(f"{where}.kind must be one of {', '.join(_KINDS)}, got {kind!r}{said}.")
        known(where, given, (*_ASKED, *_KINDS[kind]))
        for name in ("ask", "answer"):
            if name not in given:
                raise BadLesson(f"{where} has no {name!r}.")
        for name in ("ask", "right", "wrong"):
            if not isinstance(given.get(name, ""), str):
                raise BadLesson(f"{where}.{name} must be text, got {given[name]!r}.")
        show = self._places.look(f"{where}.show", given.get("show"), told)
        self._places.whole(f"{where}.show", {**told, **show})
        asked = {
            "kind": kind, "ask": given["ask"], "right": given.get("right", ""), "wrong": given.get("wrong", ""),
            "show": show,
        }  # fmt: skip
        read = {
            "choice": self._choice,
            "number": self._number,
            "layer": self._layer,
            "unit": self._units,
            "pixel": self._pixel,
        }[kind]
        return {**asked, **read(where, given, told)}

    def _choice(self, where: str, given: dict[str, Any], told: Look) -> dict[str, Any]:
        choices, answer = given.get("choices"), given["answer"]
        if not isinstance(choices, (list, tuple)) or len(choices) < 2:
            raise BadLesson(f"{where}.choices must be a list of at least two texts, got {choices!r}.")
        choices = list(choices)
        if not all(isinstance(choice, str) for choice in choices) or len(set(choices)) < len(choices):
            raise BadLesson(f"{where}.choices must be different texts, got {choices!r}.")
        if isinstance(answer, str) and answer in choices:
            answer = choices.index(answer)
        if isinstance(answer, bool) or not isinstance(answer, int) or not 0 <= answer < len(choices):
            said = hint(answer, choices)
            raise BadLesson(f"{where}.answer must be one of the choices, got {answer!r}{said}.")
        order = list(range(len(choices)))
        if self._shuffle is not None:
            self._shuffle.shuffle(order)
        return {"choices": [choices[i] for i in order], "truth": order.index(answer)}

    def _number(self, where: str, given: dict[str, Any], told: Look) -> dict[str, Any]:
        tolerance = number(f"{where}.tolerance", given.get("tolerance", _TOLERANCE))
        if tolerance < 0:
            raise BadLesson(f"{where}.tolerance must be at least 0, got {tolerance}.")
        return {"truth": number(f"{where}.answer", given["answer"]), "tolerance": tolerance}

    def _layer(self, where: str, given: dict[str, Any], told: Look) -> dict[str, Any]:
        names = given["answer"] if isinstance(given["answer"], (list, tuple)) else [given["answer"]]
        if not names:
            raise BadLesson(f"{where}.answer must be the name of a layer, got none.")
        return {"truths": [self._places.frame(f"{where}.answer", name, told) for name in names]}

    def _units(self, where: str, given: dict[str, Any], told: Look) -> dict[str, Any]:
        units = given["answer"] if isinstance(given["answer"], (list, tuple)) else [given["answer"]]
        if not units:
            raise BadLesson(f"{where}.answer must be a unit, got none.")
        return {"truths": [self._places.unit(f"{where}.answer", unit, told) for unit in units]}

    def _pixel(self, where: str, given: dict[str, Any], told: Look) -> dict[str, Any]:
        shape = self._places.frames(where, told)[-1]["shape"]
        if len(sizes_of(shape)) != 3:
            raise BadLesson(f"{where}: an input of shape {tuple(shape)} has no pixels; ask for a unit of it.")
        sizes = dict(zip(("rows", "columns"), shape[-2:], strict=True))
        answer = given["answer"]
        if isinstance(answer, dict) and set(answer) == set(sizes):
            spans = {name: list(answer[name]) for name in sizes}
        elif isinstance(answer, (list, tuple)) and len(answer) == 2:
            reach = int(number(f"{where}.tolerance", given.get("tolerance", 0)))
            spans = {
                name: [max(0, int(at) - reach), min(size - 1, int(at) + reach)]
                for (name, size), at in zip(sizes.items(), answer, strict=True)
            }
        else:
            raise BadLesson(
                f'{where}.answer must be [row, column] or {{"rows": [first, last], "columns": [first, last]}}, '
                f"got {answer!r}."
            )
        for name, span in spans.items():
            if len(span) != 2 or not 0 <= span[0] <= span[1] < sizes[name]:
                raise BadLesson(f"{where}.answer: {name} are 0 to {sizes[name] - 1}, got {span}.")
        return spans
