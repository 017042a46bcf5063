"""Places in a lesson's explorer by name: what is shown, a step by its layer, a unit by its layer and indices."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .lesson_checks import BadLesson
from .look import Look, checked_look, hint, question_of

if TYPE_CHECKING:
    from .explorer import Explorer

__all__ = ["Places", "sizes_of"]


class Places:
    """Finds places on the films of an explorer.

    Everywhere ``where`` names the entry of the lesson for a message, ``told`` is what the steps before have said of a
    look, and ``BadLesson`` is raised for what is not there.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._desk, self._base = explorer._desk, explorer.state

    def whole(self, where: str, told: Look) -> Look:
        """Return everything that is shown."""
        try:
            return checked_look(told, self._base, len(self._desk.samples), self._desk.offer.rule)
        except Exception as error:
            raise BadLesson(f"{where}: {error}") from error

    def look(self, where: str, given: Any, told: Look) -> Look:
        """Return a part of a look with its frames as numbers."""
        if given is None:
            return {}
        if not isinstance(given, dict):
            raise BadLesson(f"{where} must be a dict like explorer.state, got {given!r}.")
        look = copy.deepcopy(given)
        numberless = {**told, **{name: value for name, value in look.items() if name not in ("step", "unit")}}
        if "step" in look:
            look["step"] = self.frame(f"{where}.step", look["step"], numberless)
        if look.get("unit") is not None:
            look["unit"] = self.unit(f"{where}.unit", look["unit"], numberless)
        return look

    def frames(self, where: str, told: Look) -> list[dict[str, Any]]:
        """Return the frames of the film that is shown, as `docs/film.md` has them."""
        look = self.whole(where, told)
        try:
            film = self._desk.film(question_of(look, look["lane"]))
        except BadLesson:
            raise
        except Exception as error:
            raise BadLesson(f"{where}: what it is about cannot be computed: {error}") from error
        frames: list[dict[str, Any]] = film.header["frames"]
        return frames

    def frame(self, where: str, value: Any, told: Look) -> int:
        """Return the index of a frame, given by index, by the name of its layer, or by that of its node."""
        told = {name: entry for name, entry in told.items() if name not in ("step", "unit")}
        frames = self.frames(where, told)
        if isinstance(value, str):
            for key in ("name", "node"):
                found = [index for index, frame in enumerate(frames) if frame[key] == value]
                if len(found) == 1:
                    return found[0]
                if found:
                    nodes = ", ".join(repr(frames[index]["node"]) for index in found)
                    raise BadLesson(f"{where}: {value!r} is the name of several steps; say which: {nodes}.")
            names = [frame["name"] for frame in frames]
            raise BadLesson(
                f"{where}: there is no step {value!r}{hint(value, names)}. There are: {', '.join(names)}."
            )
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < len(frames):
            raise BadLesson(f"{where} must be the name of a step, or 0 to {len(frames) - 1}, got {value!r}.")
        return value

    def unit(self, where: str, value: Any, told: Look) -> dict[str, Any]:
        """Return a unit with its frame as an index."""
        if (
            not isinstance(value, dict)
            or set(value) != {"frame", "at"}
            or not isinstance(value["at"], (list, tuple))
        ):
            raise BadLesson(f'{where} must be like {{"frame": "fc1", "at": [3]}}, got {value!r}.')
        told = {name: entry for name, entry in told.items() if name not in ("step", "unit")}
        frame = self.frame(f"{where}.frame", value["frame"], told)
        there = self.frames(where, told)[frame]
        sizes = sizes_of(there["shape"])
        at = list(value["at"])
        fits = len(at) == len(sizes) and all(
            isinstance(i, int) and not isinstance(i, bool) and 0 <= i < n
            for i, n in zip(at, sizes, strict=True)
        )
        if not fits:
            raise BadLesson(
                f"{where}.at: {there['name']} has units up to {[n - 1 for n in sizes]}, got {at}."
            )
        return {"frame": frame, "at": at}


def sizes_of(shape: Sequence[int]) -> list[int]:
    """Return how many units there are along each number that names one, as the screen counts (docs/film.md)."""
    count = math.prod(shape)
    if len(shape) < 2 or count == shape[0]:
        return [count]
    height, width = (shape[-2], shape[-1]) if len(shape) > 2 else (1, shape[1])
    return [count // max(1, height * width), height, width]
