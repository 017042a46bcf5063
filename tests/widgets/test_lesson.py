"""Lessons without a browser: steps are checked, answers lock, Python and the page agree on the step."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import traitlets
from engine.nets import randomized
from torch import nn
from widgets.pages import EVIL, LONG, lane

import bbp_widgets as bbp
from bbp_widgets.views import unpack
from bbp_widgets.widgets.lesson import PARTS, BadLesson

Make = Callable[..., bbp.Explorer]
Play = Callable[..., bbp.Lesson]
NUMBER = {"kind": "number", "ask": "How much?", "answer": 2.5}
CHOICE = {"kind": "choice", "ask": "Which?", "choices": ["a", "b", "c", "d", "e", "f"], "answer": "b"}


@pytest.fixture
def play(make: Make) -> Iterator[Play]:
    explorer = make()
    made: list[bbp.Lesson] = []

    def lesson(*steps: dict[str, Any], **options: Any) -> bbp.Lesson:
        made.append(bbp.Lesson(explorer, [{"text": "Look.", **step} for step in steps], **options))
        return made[-1]

    yield lesson
    for lesson_made in made:
        lesson_made.close()


def answered(lesson: bbp.Lesson, *answers: dict[str, Any]) -> None:
    """Do what the page does when questions are answered."""
    lesson.card.set_state({"answers": list(answers)})


# -- steps -------------------------------------------------------------------------------------------------------


def test_a_step_begins_from_what_all_before_it_said(play: Play) -> None:
    lesson = play(
        {"look": {"lanes": ["uniform"], "step": "head"}},
        {"look": {"step": "input"}, "highlight": "flow"},
        {"look": {"lanes": ["winner"]}},
    )
    first, second, third = (step["look"] for step in lesson.card.steps)
    assert lesson.explorer.film is not None
    frames = [frame["name"] for frame in lesson.explorer.film.header["frames"]]
    assert first["step"] == frames.index("head")
    assert second["step"] == third["step"] == len(frames) - 1
    assert [look["lanes"][0]["rule"] for look in (first, second, third)] == ["uniform", "uniform", "winner"]
    assert [look["panel"] for look in (first, second, third)] == ["maps", "flow", "flow"]
    assert "scale" not in first  # the reader's own, where no step speaks of it
    assert lesson.explorer.rule == "uniform"


def test_what_is_given_stays_plain_and_as_it_was(play: Play) -> None:
    steps = [
        {"text": EVIL, "question": NUMBER},
        {"text": "b", "look": {"unit": {"frame": "head", "at": [1]}}},
    ]
    lesson = play(*steps, title=EVIL)
    assert json.loads(json.dumps(lesson.steps)) == steps
    lesson.steps[0]["text"] = "changed"
    assert lesson.steps == steps
    again = bbp.Lesson(lesson.explorer, lesson.steps)
    assert again.card.steps == lesson.card.steps
    json.dumps(lesson.card.steps, allow_nan=False)
    again.close()


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"text": " "}, "steps[0].text must be what the reader is told"),
        ({"txt": "a"}, "steps[0] has no entry 'txt', perhaps 'text' is meant"),
        ({"highlight": "legder"}, "steps[0].highlight: no part 'legder', perhaps 'ledger' is meant"),
        ({"hide": "rail"}, "steps[0].hide must be a list of parts"),
        ({"look": {"stp": 1}}, "steps[0].look: state has no entry 'stp', perhaps 'step' is meant"),
        ({"look": {"step": "heed"}}, "steps[0].look.step: there is no step 'heed', perhaps 'head' is meant"),
        ({"look": {"step": 99}}, "steps[0].look.step must be the name of a step, or 0 to"),
        ({"look": {"sample": 9}}, "steps[0].look: sample must be 0 to 3, got 9"),
        ({"look": {"unit": {"frame": "head", "at": [99]}}}, "steps[0].look.unit.at: head has units up to"),
        ({"look": {"unit": 3}}, "steps[0].look.unit must be like"),
        ({"question": {"kind": "nummer"}}, "steps[0].question.kind must be one of"),
        ({"question": {"kind": "number", "ask": "?"}}, "steps[0].question has no 'answer'"),
        ({"question": {**NUMBER, "tolerance": -1}}, "tolerance must be at least 0"),
        ({"question": {**NUMBER, "answer": "2"}}, "steps[0].question.answer must be a number"),
        ({"question": {**NUMBER, "choices": ["a"]}}, "steps[0].question has no entry 'choices'"),
        ({"question": {**CHOICE, "answer": "g"}}, "steps[0].question.answer must be one of the choices"),
        ({"question": {**CHOICE, "choices": ["a", "a"]}}, "must be different texts"),
        ({"question": {"kind": "layer", "ask": "?", "answer": "cnv1"}}, "perhaps 'conv1' is meant"),
        ({"question": {"kind": "pixel", "ask": "?", "answer": [9, 0]}}, "rows are 0 to 7"),
        ({"question": {"kind": "pixel", "ask": "?", "answer": 3}}, "must be [row, column] or"),
        ({"question": {**NUMBER, "show": {"step": "nowhere"}}}, "steps[0].question.show.step"),
        ({"look": {"sample": {1, 2}}}, "steps[0] must be plain data"),
    ],
)  # fmt: skip
def test_a_lesson_that_cannot_be_played_is_told(play: Play, step: dict[str, Any], words: str) -> None:
    with pytest.raises(BadLesson, match=re.escape(words)):
        play(step)


def test_a_lesson_needs_steps_and_an_explorer(play: Play) -> None:
    with pytest.raises(BadLesson, match="at least one step"):
        play()
    with pytest.raises(TypeError, match=r"played on a bbp\.Explorer"):
        bbp.Lesson(nn.Linear(1, 1), [])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="or several, got none"):
        bbp.Lesson({}, [{"text": "a"}])
    with pytest.raises(BadLesson, match="no part 'tools'"):
        play({}, hide=["tools"])


def test_truths_are_written_out_for_the_page(play: Play) -> None:
    def truth(question: dict[str, Any]) -> dict[str, Any]:
        return dict(play({"question": question}).card.steps[0]["question"])

    frames = play({}).explorer.film.header["frames"]  # type: ignore[union-attr]
    names = [frame["name"] for frame in frames]
    assert truth(CHOICE)["truth"] == 1
    assert truth({**CHOICE, "answer": 4})["truth"] == 4
    assert truth(NUMBER)["tolerance"] == 0.01
    layers = truth({"kind": "layer", "ask": "?", "answer": ["head", "input"]})["truths"]
    assert layers == [names.index("head"), len(names) - 1]
    unit = {"frame": "head", "at": [1]}
    assert truth({"kind": "unit", "ask": "?", "answer": unit})["truths"] == [
        {**unit, "frame": names.index("head")}
    ]
    pixel = truth({"kind": "pixel", "ask": "?", "answer": [0, 5], "tolerance": 1})
    assert [pixel["rows"], pixel["columns"]] == [[0, 1], [4, 6]]


def test_choices_are_shuffled_alike_by_one_seed(play: Play) -> None:
    def order(seed: int | None) -> tuple[list[str], str]:
        question = play({"question": CHOICE}, seed=seed).card.steps[0]["question"]
        return question["choices"], question["choices"][question["truth"]]

    assert order(None) == (CHOICE["choices"], "b")
    assert order(3) == order(3) != order(None)
    assert order(3)[1] == "b"


# -- where it is, and what was answered --------------------------------------------------------------------------


def test_python_and_the_page_go_to_steps(play: Play) -> None:
    lesson = play({"look": {"step": 0}}, {"look": {"step": 2}}, {"look": {"step": 1}})
    lesson.step = 1
    assert lesson.card.go == {"step": 1, "seq": 1}
    assert lesson.explorer.step == 2
    lesson.card.set_state({"at": {"step": 2, "seq": 0}})  # written before the page had heard of it
    assert lesson.step == 1
    lesson.card.set_state({"at": {"step": 1, "seq": 1}})
    lesson.card.set_state({"at": {"step": 2, "seq": 1}})
    assert lesson.step == 2
    assert lesson.card.go["seq"] == 1  # the page is there already
    with pytest.raises(traitlets.TraitError, match="step must be 0 to 2, got 3"):
        lesson.step = 3


def test_the_first_answer_stays(play: Play) -> None:
    lesson = play({"question": NUMBER}, {}, {"question": CHOICE})
    heard: list[Any] = []
    lesson.observe(lambda change: heard.append(change["new"]), names=["answers"])
    first = {"step": 0, "answer": 2.0, "right": False}
    answered(lesson, first)
    answered(lesson, {"step": 0, "answer": 2.5, "right": True}, {"step": 1, "answer": 1, "right": True})
    assert lesson.answers == [first]
    answered(lesson, first, {"step": 2, "answer": 1, "right": True}, {"step": 7, "answer": 1}, "junk")  # type: ignore[arg-type]
    assert [answer["step"] for answer in lesson.answers] == [0, 2]
    assert len(heard) == 2
    with pytest.raises(traitlets.TraitError, match="read only"):
        lesson.answers = []
    lesson.answers.clear()
    assert len(lesson.answers) == 2
    assert "2 answered" in repr(lesson)


def test_a_lesson_stands_above_the_stage_and_finds_it(play: Play) -> None:
    lesson = play({}, title="One")
    assert lesson.children == (lesson.card, lesson.explorer.stage)
    assert lesson.card.stages == [lesson.explorer.stage.key] != [""]
    assert repr(lesson) == "Lesson('One', 1 steps, 0 questions, 0 answered)"
    lesson.close()
    assert lesson.explorer.stage.comm is not None


def test_every_part_has_a_place_in_the_page() -> None:
    text = (Path(__file__).parents[2] / "js/src/parts.ts").read_text("utf8")
    table = text[text.index("PARTS") : text.index("};")]
    assert tuple(re.findall(r"^  (\w+):", table, re.MULTILINE)) == PARTS


# -- several explorers -------------------------------------------------------------------------------------------


def both(make: Make, *steps: dict[str, Any], **options: Any) -> bbp.Lesson:
    """Make a lesson on two explorers: of pictures, and of rows of a table."""
    table = make(randomized(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))), torch.ones(2, 4))
    return bbp.Lesson(
        {"pictures": make(), "table": table}, [{"text": "Look.", **step} for step in steps], **options
    )


def test_a_step_is_played_on_the_explorer_that_it_names(make: Make) -> None:
    lesson = both(
        make,
        {"look": {"step": "conv1", "sample": 3}},
        {"explorer": "table", "look": {"step": "2", "sample": 1}},
        {"look": {"step": "input"}},
        {"explorer": "pictures", "look": {"step": "head"}},
    )
    pictures, table = lesson.explorers.values()
    assert [step["stage"] for step in lesson.card.steps] == [0, 1, 1, 0]
    assert [step["look"]["sample"] for step in lesson.card.steps] == [3, 1, 1, 3]
    assert lesson.children == (lesson.card, pictures.stage, table.stage)
    assert (lesson.explorer, table.sample) == (pictures, 1)  # the table is ready before its step
    before = pictures.step
    lesson.step = 2
    assert (lesson.explorer, table.step, pictures.step) == (table, 4, before)
    lesson.card.set_state({"at": {"step": 3, "seq": 1}})
    assert lesson.explorer is pictures
    lesson.close()


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([{}, {"explorer": "tabel"}], "steps[1].explorer: there is no explorer 'tabel', perhaps 'table' is meant"),
        ([{"explorer": "pictures"}], "no step is played on the explorer 'table'"),
        ([{}, {"explorer": "table", "look": {"step": "conv1"}}], "steps[1].look.step: there is no step 'conv1'"),
    ],
)  # fmt: skip
def test_an_explorer_that_is_none_or_unused_is_told(
    make: Make, steps: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(BadLesson, match=re.escape(words)):
        both(make, *steps)


def test_one_explorer_has_one_name(make: Make) -> None:
    explorer = make()
    with pytest.raises(TypeError, match="got one by two names"):
        bbp.Lesson({"a": explorer, "b": explorer}, [{"text": "a"}])


def test_a_saved_lesson_has_all_explorers(make: Make, tmp_path: Path) -> None:
    lesson = both(
        make, {"look": {"sample": 2}}, {"explorer": "table", "look": {"sample": 1}}, hide=["controls"]
    )
    lesson.step = 1
    views, _ = saved(lesson, tmp_path / "lesson.html")
    assert [view["module"] for view in views] == [0, 1, 1]
    assert [view["traits"]["key"] for view in views[1:]] == views[0]["traits"]["stages"]
    assert [view["traits"]["put"]["look"]["sample"] for view in views[1:]] == [2, 1]
    lesson.close()


# -- saved -------------------------------------------------------------------------------------------------------


def saved(lesson: bbp.Lesson, path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the views of a saved lesson, and the headers of its films."""
    text = lesson.save(path).read_text("utf8")
    (held,) = re.findall(r'<script type="application/json" id="page">(.*?)</script>', text, re.DOTALL)
    views = json.loads(held)["views"]
    header, body = unpack(gzip.decompress(base64.b64decode(views[1]["bytes"]["kept"])))
    return views, [unpack(body[at : at + size])[0] for at, size in header["films"]]


def test_a_saved_lesson_has_every_film_of_its_steps(play: Play, tmp_path: Path) -> None:
    show = {"show": {"lanes": [lane("winner")]}}
    lesson = play(
        {"look": {"lanes": [lane("uniform"), lane("softmax")]}},
        {"look": {"sample": 2}, "question": {**NUMBER, **show}},
        hide=["controls"],
        title="Three",
    )
    answered(lesson, {"step": 1, "answer": 1, "right": True})
    lesson.step = 1
    views, films = saved(lesson, tmp_path / "lesson.html")
    states = [(film["state"]["sample"], film["state"]["rule"]) for film in films]
    assert sorted(states) == [(0, "softmax"), (0, "uniform"), (2, "softmax"), (2, "uniform"), (2, "winner")]
    card, stage = (view["traits"] for view in views)
    assert card["stages"] == [stage["key"]] == lesson.card.stages
    assert (card["answers"], card["at"], card["go"]) == ([], {}, {"step": 0, "seq": 0})
    assert stage["put"]["look"]["lanes"][1]["rule"] == "softmax"
    assert lesson.answers != []


def test_a_saved_lesson_has_every_rule_that_may_be_chosen(play: Play, tmp_path: Path) -> None:
    _, films = saved(play({}), tmp_path / "lesson.html")
    assert {film["state"]["rule"] for film in films} == set(bbp.rules.names())
    with pytest.raises(ValueError, match=r"saved as \.html, got 'lesson\.pdf'"):
        play({}).save("lesson.pdf")


def test_an_explorer_may_have_several_lessons(make: Make) -> None:
    explorer = make()
    lessons = [bbp.Lesson(explorer, [{"text": "a", "look": {"step": step}}]) for step in (1, 2)]
    assert explorer.wait(LONG)
    assert explorer.step == 2
    for lesson in lessons:
        lesson.close()
