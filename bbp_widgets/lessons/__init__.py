"""Six lessons on what a bias does, each five to ten minutes: ``bbp.lessons.lesson(1)`` is the first.

Each file has its network, its inputs, its explorer (or several by name), its steps and, by name, every number that
these state.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from bbp_widgets import Lesson

from . import lesson_1, lesson_2, lesson_3, lesson_4, lesson_5, lesson_6
from .words import filled

__all__ = ["LESSONS", "lesson", "steps"]

#: The files, in the order in which they build on each other.
LESSONS: tuple[ModuleType, ...] = (lesson_1, lesson_2, lesson_3, lesson_4, lesson_5, lesson_6)


def lesson(
    number: int, *, hide: tuple[str, ...] | list[str] | None = None, seed: int | None = None
) -> Lesson:
    """Return a lesson, ready to be played; ``hide`` and ``seed`` are those of ``bbp.Lesson``.

    Raises: ``ValueError`` for a number that is none.
    """
    file = _file(number)
    shown: Any = file.HIDE if hide is None else hide
    return Lesson(
        file.explorer(), steps(number), title=f"{number} · {file.TITLE}", hide=list(shown), seed=seed
    )


def steps(number: int) -> list[dict[str, Any]]:
    """Return the steps of a lesson as plain data: a beginning for one of your own."""
    file = _file(number)
    made: list[dict[str, Any]] = filled(file.STEPS, file.NUMBERS)
    return made


def _file(number: int) -> ModuleType:
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= len(LESSONS):
        raise ValueError(f"there are lessons 1 to {len(LESSONS)}, got {number!r}.")
    return LESSONS[number - 1]
