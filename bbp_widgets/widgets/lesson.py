"""A lesson: explorers shown step by step, with words, questions and the truth (`js/src/widgets/lesson.ts`).

A step is plain data, so that lessons can be written by hand, kept as JSON and handed out. The card of the lesson and
the stages of its explorers stand on one page and talk to each other there, so that a saved lesson needs no kernel.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

from .explorer import Explorer
from .lesson_checks import PARTS, BadLesson, parts, plain
from .lesson_steps import looks_of, read_steps
from .offline import OfflineView, offline_page
from .save import questions_of, view_of
from .stage import bundle

__all__ = ["PARTS", "BadLesson", "Card", "Lesson"]

#: Up to so many units of a layer, a saved lesson has the equations of all.
_FEW = 8


class Card(anywidget.AnyWidget):
    """The words and the question of one step of a lesson, and the way on."""

    stages: traitlets.List[Any] = traitlets.List(
        help="Kernel: keys of the stages that this lesson turns, one shown at a time."
    ).tag(sync=True)
    title = traitlets.Unicode("", help="Kernel: what the lesson is called.").tag(sync=True)
    steps: traitlets.List[Any] = traitlets.List(
        help="Kernel: text, stage, look, highlight, hide and question of each step, in full."
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
    """Plays a list of steps on an explorer, or on several: words, where to look, and a question answered once.

    A step is a dict: ``text``, in which ``**bold**``, ``*italic*``, code in backticks and empty lines between
    paragraphs are drawn; ``look``, what of ``explorer.state`` differs from the step before; ``highlight``, one of
    `PARTS`; ``hide``, some of them; ``question``. In a look a step, and the frame of a unit, may be the name of a layer
    or a node, "input" or "output". Of several explorers a step says which it is played on, ``explorer``; where it does
    not, that is the one of the step before. Each keeps its own look meanwhile.

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
        explorer: Explorer | dict[str, Explorer],
        steps: Sequence[dict[str, Any]],
        *,
        title: str = "",
        hide: Sequence[str] = (),
        seed: int | None = None,
        **traits: Any,
    ) -> None:
        """Play ``steps`` on ``explorer``, or on several, by name; each of them is played in some step.

        ``hide`` puts parts away for the whole lesson. The choices of questions stand in the order in which they are
        written; with ``seed`` they are shuffled, for the same seed in the same way.

        Raises: ``BadLesson`` for steps that cannot be played.
        """
        self._explorers = _named(explorer)
        self._stages = list(self._explorers.values())
        self._steps = plain(steps)
        self._hide = parts("hide", hide)
        self._bases = [one.state for one in self._stages]
        shuffle = None if seed is None else random.Random(seed)
        self._played = read_steps(self._explorers, self._steps, shuffle)
        self._goes = 0
        self.card = Card(
            stages=[one.stage.key for one in self._stages],
            title=str(title),
            steps=self._played,
            hide=self._hide,
            go={"step": 0, "seq": 0},
        )
        first = int(traits.pop("step", 0))
        super().__init__(children=[self.card, *(one.stage for one in self._stages)], **traits)
        self.add_class("bbp-lesson-box")
        self.observe(self._on_step, names=["step"])
        self.card.observe(self._on_at, names=["at"])
        self.card.observe(self._on_answers, names=["answers"])
        for stage, one in enumerate(self._stages):  # each is ready before its first step
            one.state = self._steps_on(stage)[0]["look"]
        if first:
            self.step = first

    @property
    def explorer(self) -> Explorer:
        """The explorer that the step shown is played on."""
        return self._stages[self._played[self.step]["stage"]]

    @property
    def explorers(self) -> dict[str, Explorer]:
        """All explorers that it is played on, by name; of one that was given without a name, the name is empty."""
        return dict(self._explorers)

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
        views, words = zip(*map(self._view, range(len(self._stages))), strict=True)
        card = OfflineView.of(self.card, at={}, answers=[], go={"step": 0, "seq": 0})
        text = offline_page([card, *views], title=title or self.title or "Lesson", words="\n\n".join(words))
        path.write_text(text, "utf8")
        return path

    def _view(self, stage: int) -> tuple[OfflineView, str]:
        """Return one explorer with all that its steps can show, and in words what it shows first."""
        explorer, base = self._stages[stage], self._bases[stage]
        desk = explorer._desk
        looks = [{**base, **look} for step in self._steps_on(stage) for look in looks_of(step)]
        offered = [] if "controls" in self._hide else [q for look in looks for q in questions_of(desk, look)]
        return view_of(explorer.stage, desk, looks, offered, few=_FEW)

    def _steps_on(self, stage: int) -> list[dict[str, Any]]:
        return [step for step in self._played if step["stage"] == stage]

    def close(self) -> None:
        """Close the lesson; its explorers stay."""
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
        self._stages[self._played[step]["stage"]].state = self._played[step]["look"]
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


def _named(given: Any) -> dict[str, Explorer]:
    """Return the explorers of a lesson by name."""
    named = given if isinstance(given, dict) else {"": given}
    if not named:
        raise TypeError("a lesson is played on a bbp.Explorer or several, got none.")
    for name, explorer in named.items():
        if not isinstance(name, str) or not isinstance(explorer, Explorer):
            raise TypeError(
                f"a lesson is played on a bbp.Explorer, or a dict of them by name, got {type(explorer).__name__}."
            )
    if len({*map(id, named.values())}) < len(named):
        raise TypeError("a lesson has each bbp.Explorer once, got one by two names.")
    return dict(named)
