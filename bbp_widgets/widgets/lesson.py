"""A lesson: an explorer shown step by step, with words, questions and the truth (`js/src/widgets/lesson.ts`).

A step is plain data, so that lessons can be written by hand, kept as JSON and handed out. The card of the lesson and
the stage of the explorer stand on one page and talk to each other there, so that a saved lesson needs no kernel.
"""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

from .explorer import Explorer
from .look import QUESTION, Look, checked_look, hint, question_of
from .offline import OfflineView, offline_page
from .save import questions_of, view_of
from .stage import bundle

__all__ = ["PARTS", "BadLesson", "Card", "Lesson"]

#: What of an explorer can be pointed at or put away.
PARTS = ("rail", "ledger", "pictures", "maps", "unit", "flow", "triage", "classes", "controls")
#: The tab that a part stands on.
_PANELS = {"maps": "maps", "unit": "maps", "flow": "flow", "triage": "triage", "classes": "classes"}
_STEP = ("text", "look", "highlight", "hide", "question")
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
#: Up to so many units of a layer, a saved lesson has the equations of all.
_FEW = 8
#: What of a look each step decides, whether it speaks of it or not: so a step begins from a known place.
_DECIDED = (*QUESTION, "lane", "difference", "step", "level", "unit", "panel", "tensor", "dim")


class BadLesson(ValueError):
    """A lesson that cannot be played; the message names the step, what was wanted and what came."""


class Card(anywidget.AnyWidget):
    """The words and the question of one step of a lesson, and the way on."""

    key = traitlets.Unicode("", help="Kernel: key of the stage that this lesson turns.").tag(sync=True)
    title = traitlets.Unicode("", help="Kernel: what the lesson is called.").tag(sync=True)
    steps: traitlets.List[Any] = traitlets.List(
        help="Kernel: text, look, highlight, hide and question of each step, in full."
    ).tag(sync=True)
    hide: traitlets.List[Any] = traitlets.List(
        help="Kernel: parts of the explorer that are put away in the whole lesson."
    ).tag(sync=True)
    go = traitlets.Dict(help="Kernel: a step that Python asked for, and seq.").tag(sync=True)
    at = traitlets.Dict(help="Page: the step that it shows, and seq of the newest go it followed.").tag(
        sync=True
    )
    answers: traitlets.List[Any] = traitlets.List(
        help="Page: step, answer and right of every question answered."
    ).tag(sync=True)

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits: object) -> None:
        """Load the front end.

        Raises: ``FileNotFoundError`` where it was not built.
        """
        super().__init__(_esm=bundle("lesson.js"), _css=bundle("lesson.css"), **traits)


class _Answers(traitlets.TraitType):  # type: ignore[type-arg]
    """Plain data, given out as a copy."""

    def get(self, obj: Any, cls: Any = None) -> Any:
        return copy.deepcopy(super().get(obj, cls))


class Lesson(ipywidgets.VBox):
    """Plays a list of steps on an explorer: words, where to look, and a question that is answered once.

    A step is a dict: ``text``, in which ``**bold**``, ``*italic*``, code in backticks and empty lines between
    paragraphs are drawn; ``look``, what of ``explorer.state`` differs from the step before; ``highlight``, one of
    `PARTS`; ``hide``, some of them; ``question``. In a look a step, and the frame of a unit, may be the name of a layer
    or a node, "input" or "output".

    A question is a dict: ``kind``, ``ask``, ``answer``, and what is said once it is answered, ``right`` and ``wrong``.
    Then the explorer goes to the truth, and to the look ``show``, if there is one. By kind, an answer is the text or
    the index of one of ``choices``; a ``number``, up to ``tolerance``; the name of a ``layer``; a ``unit`` as
    ``explorer.selection`` gives it, or a list of units; a ``pixel`` as [row, column] up to ``tolerance`` pixels, or as
    {"rows": [first, last], "columns": [first, last]}.
    """

    step = traitlets.Int(0, help="The step shown. Set it to go there.")
    answers = _Answers(
        [],
        help="Every answer given: {step, answer, right}, in the order in which they came; read only.",
    )

    def __init__(
        self,
        explorer: Explorer,
        steps: Sequence[dict[str, Any]],
        *,
        title: str = "",
        hide: Sequence[str] = (),
        seed: int | None = None,
        **traits: Any,
    ) -> None:
        """Play ``steps`` on ``explorer``.

        ``hide`` puts parts away for the whole lesson. The choices of questions stand in the order in which they are
        written; with ``seed`` they are shuffled, for the same seed in the same way.

        Raises: ``BadLesson`` for steps that cannot be played.
        """
        if not isinstance(explorer, Explorer):
            raise TypeError(f"a lesson is played on a bbp.Explorer, got {type(explorer).__name__}.")
        self._steps = _plain(steps)
        self._explorer = explorer
        self._hide = _parts("hide", hide)
        self._base = explorer.state
        self._played = _Reader(explorer, None if seed is None else random.Random(seed)).read(self._steps)
        self._goes = 0
        self.card = Card(
            key=explorer.stage.key,
            title=str(title),
            steps=self._played,
            hide=self._hide,
            go={"step": 0, "seq": 0},
        )
        first = int(traits.pop("step", 0))
        super().__init__(children=[self.card, explorer.stage], **traits)
        self.add_class("bbp-lesson-box")
        self.observe(self._on_step, names=["step"])
        self.card.observe(self._on_at, names=["at"])
        self.card.observe(self._on_answers, names=["answers"])
        self._explorer.state = self._played[0]["look"]
        if first:
            self.step = first

    @property
    def explorer(self) -> Explorer:
        """The explorer that it is played on."""
        return self._explorer

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps as they were given."""
        return copy.deepcopy(self._steps)

    @property
    def title(self) -> str:
        """What the lesson is called."""
        return str(self.card.title)

    def save(self, path: str | Path, *, title: str | None = None) -> Path:
        """Write the lesson as one HTML file that is played without a kernel and without a network; return its path.

        It has the films of every step, and those of all rules offered unless the controls are put away. It begins at
        the first step, with nothing answered.

        Raises: ``ValueError`` for a name that does not end in .html.
        """
        path = Path(path)
        if path.suffix.lower() != ".html":
            raise ValueError(f"a lesson is saved as .html, got {path.name!r}.")
        desk = self._explorer._desk
        looks = [{**self._base, **look} for step in self._played for look in _looks_of(step)]
        offered = [] if "controls" in self._hide else [q for look in looks for q in questions_of(desk, look)]
        stage, words = view_of(self._explorer.stage, desk, looks, offered, few=_FEW)
        card = OfflineView.of(self.card, at={}, answers=[], go={"step": 0, "seq": 0})
        text = offline_page([card, stage], title=title or self.title or "Lesson", words=words)
        path.write_text(text, "utf8")
        return path

    def close(self) -> None:
        """Close the lesson; the explorer stays."""
        if hasattr(self, "card"):
            self.card.layout.close()
            self.card.close()
            self.layout.close()
        super().close()

    def __repr__(self) -> str:
        asked = sum(step["question"] is not None for step in self._played)
        return f"Lesson({self.title!r}, {len(self._played)} steps, {asked} questions, {len(self.answers)} answered)"

    @traitlets.validate("step")
    def _valid_step(self, proposal: dict[str, Any]) -> int:
        step = int(proposal["value"])
        if not 0 <= step < len(self._played):
            raise traitlets.TraitError(f"step must be 0 to {len(self._played) - 1}, got {step}.")
        return step

    @traitlets.validate("answers")
    def _valid_answers(self, proposal: dict[str, Any]) -> Any:
        if not getattr(self, "_telling", False):
            raise traitlets.TraitError("answers are given in the page, and read only.")
        return proposal["value"]

    def _on_step(self, change: dict[str, Any]) -> None:
        """Somebody went to a step: in Python, or in the page, which then shows it already."""
        step = change["new"]
        if (self.card.at or self.card.go).get("step") == step and not self._ahead():
            return
        self._goes += 1
        self._explorer.state = self._played[step]["look"]
        self.card.go = {"step": step, "seq": self._goes}

    def _ahead(self) -> bool:
        """Whether Python asked for a step that no page has told of yet."""
        return bool(self.card.go["seq"] > self.card.at.get("seq", 0))

    def _on_at(self, change: dict[str, Any]) -> None:
        at = change["new"]
        step, seq = at.get("step"), at.get("seq", 0)
        if isinstance(step, int) and 0 <= step < len(self._played) and seq >= self._goes:
            self.step = step

    def _on_answers(self, change: dict[str, Any]) -> None:
        """Take what is new: the first answer to a question stays."""
        known = {answer["step"]: answer for answer in self.answers}
        for answer in change["new"]:
            step = answer.get("step") if isinstance(answer, dict) else None
            asked = isinstance(step, int) and 0 <= step < len(self._played) and self._played[step]["question"]
            if asked and step not in known and "answer" in answer:
                known[step] = {
                    "step": step, "answer": answer["answer"], "right": answer.get("right") is True,
                }  # fmt: skip
        self._telling = True
        try:
            self.answers = list(known.values())
        finally:
            self._telling = False


def _looks_of(step: dict[str, Any]) -> list[Look]:
    """Return every look that a step can show."""
    look, question = step["look"], step["question"]
    if question is None:
        return [look]
    units = question["truths"][:1] if question["kind"] == "unit" else []
    return [look, {**look, **question["show"]}, *({**look, "unit": unit} for unit in units)]


class _Reader:
    """Reads steps: checks them, and writes out what they leave to be understood."""

    def __init__(self, explorer: Explorer, shuffle: random.Random | None) -> None:
        self._explorer, self._shuffle = explorer, shuffle
        self._base = explorer.state

    def read(self, steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the steps as the page gets them.

        Raises: ``BadLesson``.
        """
        if not steps:
            raise BadLesson("a lesson needs at least one step, got none.")
        told: Look = {}
        played = []
        touched = {name for step in steps for name in _touched(step)}
        for place, step in enumerate(steps):
            where = f"steps[{place}]"
            _known(where, step, _STEP)
            text = step.get("text")
            if not isinstance(text, str) or not text.strip():
                raise BadLesson(f"{where}.text must be what the reader is told, got {text!r}.")
            lit = step.get("highlight")
            if lit is not None:
                _parts(f"{where}.highlight", [lit])
            own = self._look(f"{where}.look", step.get("look"), told)
            if lit in _PANELS and "panel" not in own:
                own["panel"] = _PANELS[lit]
            told = {**told, **own}
            look = self._whole(f"{where}.look", told)
            # what no step speaks of is the reader's own
            shown = {name: look[name] for name in sorted({*touched, *_DECIDED})}
            played.append({
                "text": text,
                "look": shown,
                "highlight": lit,
                "hide": _parts(f"{where}.hide", step.get("hide") or ()),
                "question": self._question(f"{where}.question", step.get("question"), told),
            })  # fmt: skip
        return played

    def _whole(self, where: str, told: Look) -> Look:
        try:
            desk = self._explorer._desk
            return checked_look(told, self._base, len(desk.samples), desk.offer.rule)
        except Exception as error:
            raise BadLesson(f"{where}: {error}") from error

    def _look(self, where: str, given: Any, told: Look) -> Look:
        """Return a part of a look with its frames as numbers."""
        if given is None:
            return {}
        if not isinstance(given, dict):
            raise BadLesson(f"{where} must be a dict like explorer.state, got {given!r}.")
        look = copy.deepcopy(given)
        numberless = {**told, **{name: value for name, value in look.items() if name not in ("step", "unit")}}
        if "step" in look:
            look["step"] = self._frame(f"{where}.step", look["step"], numberless)
        if look.get("unit") is not None:
            look["unit"] = self._unit(f"{where}.unit", look["unit"], numberless)
        return look

    def _frames(self, where: str, told: Look) -> list[dict[str, Any]]:
        look = self._whole(where, told)
        try:
            film = self._explorer._desk.film(question_of(look, look["lane"]))
        except BadLesson:
            raise
        except Exception as error:
            raise BadLesson(f"{where}: what it is about cannot be computed: {error}") from error
        frames: list[dict[str, Any]] = film.header["frames"]
        return frames

    def _frame(self, where: str, value: Any, told: Look) -> int:
        told = {name: entry for name, entry in told.items() if name not in ("step", "unit")}
        frames = self._frames(where, told)
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

    def _unit(self, where: str, value: Any, told: Look) -> dict[str, Any]:
        if (
            not isinstance(value, dict)
            or set(value) != {"frame", "at"}
            or not isinstance(value["at"], (list, tuple))
        ):
            raise BadLesson(f'{where} must be like {{"frame": "fc1", "at": [3]}}, got {value!r}.')
        told = {name: entry for name, entry in told.items() if name not in ("step", "unit")}
        frame = self._frame(f"{where}.frame", value["frame"], told)
        there = self._frames(where, told)[frame]
        sizes = _sizes(there["shape"])
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

    def _question(self, where: str, given: Any, told: Look) -> dict[str, Any] | None:
        if given is None:
            return None
        if not isinstance(given, dict):
            raise BadLesson(f"{where} must be a dict or None, got {given!r}.")
        kind = given.get("kind")
        if kind not in _KINDS:
            said = hint(kind, _KINDS)
            raise BadLesson(f"{where}.kind must be one of {', '.join(_KINDS)}, got {kind!r}{said}.")
        _known(where, given, (*_ASKED, *_KINDS[kind]))
        for name in ("ask", "answer"):
            if name not in given:
                raise BadLesson(f"{where} has no {name!r}.")
        for name in ("ask", "right", "wrong"):
            if not isinstance(given.get(name, ""), str):
                raise BadLesson(f"{where}.{name} must be text, got {given[name]!r}.")
        show = self._look(f"{where}.show", given.get("show"), told)
        self._whole(f"{where}.show", {**told, **show})
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
        tolerance = _number(f"{where}.tolerance", given.get("tolerance", _TOLERANCE))
        if tolerance < 0:
            raise BadLesson(f"{where}.tolerance must be at least 0, got {tolerance}.")
        return {"truth": _number(f"{where}.answer", given["answer"]), "tolerance": tolerance}

    def _layer(self, where: str, given: dict[str, Any], told: Look) -> dict[str, Any]:
        names = given["answer"] if isinstance(given["answer"], (list, tuple)) else [given["answer"]]
        if not names:
            raise BadLesson(f"{where}.answer must be the name of a layer, got none.")
        return {"truths": [self._frame(f"{where}.answer", name, told) for name in names]}

    def _units(self, where: str, given: dict[str, Any], told: Look) -> dict[str, Any]:
        units = given["answer"] if isinstance(given["answer"], (list, tuple)) else [given["answer"]]
        if not units:
            raise BadLesson(f"{where}.answer must be a unit, got none.")
        return {"truths": [self._unit(f"{where}.answer", unit, told) for unit in units]}

    def _pixel(self, where: str, given: dict[str, Any], told: Look) -> dict[str, Any]:
        shape = self._frames(where, told)[-1]["shape"]
        if len(_sizes(shape)) != 3:
            raise BadLesson(f"{where}: an input of shape {tuple(shape)} has no pixels; ask for a unit of it.")
        sizes = dict(zip(("rows", "columns"), shape[-2:], strict=True))
        answer = given["answer"]
        if isinstance(answer, dict) and set(answer) == set(sizes):
            spans = {name: list(answer[name]) for name in sizes}
        elif isinstance(answer, (list, tuple)) and len(answer) == 2:
            reach = int(_number(f"{where}.tolerance", given.get("tolerance", 0)))
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


def _touched(step: Any) -> set[str]:
    """Return the entries of a look that a step speaks of."""
    if not isinstance(step, dict):
        return set()
    question = step.get("question")
    parts = [step.get("look"), question.get("show") if isinstance(question, dict) else None]
    return {name for part in parts if isinstance(part, dict) for name in part}


def _sizes(shape: Sequence[int]) -> list[int]:
    """Return how many units there are along each number that names one, as the screen counts (docs/film.md)."""
    count = math.prod(shape)
    if len(shape) < 2 or count == shape[0]:
        return [count]
    height, width = (shape[-2], shape[-1]) if len(shape) > 2 else (1, shape[1])
    return [count // max(1, height * width), height, width]


def _plain(steps: Any) -> list[dict[str, Any]]:
    """Return a copy of the steps; they must be what JSON can hold."""
    if not isinstance(steps, (list, tuple)) or not all(isinstance(step, dict) for step in steps):
        raise BadLesson(f"steps must be a list of dicts, got {type(steps).__name__}.")
    plain = []
    for place, step in enumerate(steps):
        try:
            plain.append(json.loads(json.dumps(step, allow_nan=False)))
        except (TypeError, ValueError) as error:
            raise BadLesson(f"steps[{place}] must be plain data, as JSON holds it: {error}") from error
    return plain


def _known(where: str, given: dict[str, Any], names: Sequence[str]) -> None:
    for name in given:
        if name not in names:
            raise BadLesson(f"{where} has no entry {name!r}{hint(name, names)}. It has: {', '.join(names)}.")


def _parts(where: str, given: Any) -> list[str]:
    if isinstance(given, str) or not isinstance(given, (list, tuple)):
        raise BadLesson(f"{where} must be a list of parts, got {given!r}. There are: {', '.join(PARTS)}.")
    for part in given:
        if part not in PARTS:
            raise BadLesson(f"{where}: no part {part!r}{hint(part, PARTS)}. There are: {', '.join(PARTS)}.")
    return list(given)


def _number(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadLesson(f"{where} must be a number, got {value!r}.")
    return float(value)
