"""What a page asks about a film: answered once, in turn, and never with silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from engine.nets import Residual, randomized
from widgets.pages import LONG, Gated, Page, pictures

import bbp_widgets as bbp
from bbp_widgets.views import unpack

Make = Callable[..., bbp.Explorer]


def test_what_either_part_says_about_every_class(make: Make) -> None:
    network = randomized(Residual())
    page = Page(make(network))
    answer = page.ask(3, kind="parts", sample=2)
    expected = bbp.decompose(network, pictures()[2:3])
    assert (answer["version"], answer["kind"]) == (2, "parts")
    assert answer["key"] == '{"kind":"parts","sample":2}'
    torch.testing.assert_close(torch.tensor(answer["gradient"]), expected.gradient[0].float())
    torch.testing.assert_close(torch.tensor(answer["bias"]), expected.bias[0].float())
    assert page.stage.progress == {}


def test_a_units_equation_adds_up_and_can_be_repeated_in_python(make: Make) -> None:
    explorer = make(rule="softmax")
    page = Page(explorer)
    assert explorer.film is not None
    frames = explorer.film.header["frames"]
    frame = next(i for i, frame in enumerate(frames) if frame["tensor"]["kind"] == "maps" and frame["mixes"])
    answer = page.ask(1, kind="unit", film=explorer.shown, frame=frame, unit=[1, 0, 1])
    assert (answer["node"], answer["unit"]) == (frames[frame]["node"], [1, 0, 1])
    again = eval(answer["python"], {"explorer": explorer})
    assert again.mass == answer["mass"]
    assert answer["rule"] == str(explorer.attribution.rule)
    given = sum(term["mass"] for term in answer["gives"]["terms"]) + answer["gives"]["rest_mass"]
    assert given == pytest.approx(answer["mass"], rel=1e-4, abs=1e-6)
    explorer.rule = "uniform"
    assert explorer.wait(LONG)
    explorer._desk._attributions.clear()
    explorer._desk._details.clear()
    old = page.ask(2, kind="unit", film=page.films()[0]["key"], frame=frame, unit=[1, 0, 1])
    assert old["rule"] == "uniform"
    asked = json.loads(answer["key"])
    assert page.ask(3, **asked) == answer


def test_where_triage_is_looked_at_films_come_with_entropies(make: Make) -> None:
    explorer = make(rule="softmax")
    page = Page(explorer)
    assert explorer.film is not None
    assert all(frame["triage"]["entropy"] is None for frame in explorer.film.header["frames"])
    page.stage.set_state({"look": {**explorer.state, "panel": "triage", "put": 0}})
    assert explorer.wait(LONG)
    (film,) = page.films()
    assert film["key"] == explorer.shown
    entropies = [frame["triage"]["entropy"] for frame in film["frames"]]
    expected = [None, *explorer.triage()["entropy"], None]
    for told, known in zip(entropies, expected, strict=True):
        assert told == (None if known is None or known != known else pytest.approx(known))
    assert any(entropy is not None for entropy in entropies)
    page.answered(1, rule="uniform")
    assert [bool(f["triage"]["entropy"]) for f in page.films()[-1]["frames"]].count(True) > 0
    assert page.answers() == [(None, 0), (1, 0), (1, 0)]
    page.stage.set_state({"look": {**explorer.state, "panel": "maps", "put": 0}})
    page.stage.set_state({"look": {**explorer.state, "panel": "triage", "put": 0}})
    assert explorer.wait(LONG)
    assert len(page.films()) == 3  # once is enough


def test_channels_come_by_the_page(make: Make) -> None:
    explorer = make()
    page = Page(explorer)
    assert explorer.film is not None
    frames = explorer.film.header["frames"]
    frame = next(i for i, frame in enumerate(frames) if frame["tensor"]["kind"] == "maps")
    answer = page.ask(1, kind="channels", film=explorer.shown, frame=frame, by="index", page=0)
    assert answer["tensor"]["shown"] == list(range(len(answer["tensor"]["shown"])))
    assert answer["tensor"]["channels"] == frames[frame]["tensor"]["channels"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"kind": "unit", "frame": 1, "unit": [0]}, "None is no key of a film"),
        ({"kind": "unit", "film": "{}", "frame": 1, "unit": [0]}, "no key of a film"),
        ({"kind": "unit", "film": "FILM", "unit": [0]}, "'frame', which is missing"),
        ({"kind": "unit", "film": "FILM", "frame": 99, "unit": [0]}, "99"),
        ({"kind": "unit", "film": "FILM", "frame": 1, "unit": [7, 7, 7, 7]}, "no unit"),
        ({"kind": "unit", "film": "FILM", "frame": 1, "unit": "x"}, ""),
        ({"kind": "channels", "film": "FILM", "frame": 2, "page": 99}, ""),
        ({"kind": "channels", "film": ["FILM"], "frame": 2, "page": 0}, "no key of a film"),
        ({"kind": "parts", "sample": 9}, "sample must be 0 to 3"), ({"kind": "parts"}, "sample"),
        ({"kind": "best"}, "'best' is no question"), ({}, "None is no question"),
    ],
    ids=str,
)  # fmt: skip
def test_a_question_that_cannot_be_answered_is_answered_with_why(
    make: Make, content: dict[str, Any], words: str
) -> None:
    explorer = make()
    page = Page(explorer)
    if content.get("film") == "FILM":
        content = {**content, "film": explorer.shown}
    error = page.ask(5, **content)
    assert words in error["message"]
    assert set(error) == {"title", "message", "traceback"}
    assert page.stage.error == {}
    assert page.ask(6, kind="parts", sample=0)["kind"] == "parts"


@pytest.mark.parametrize("what", [None, "parts", ["parts"]], ids=str)
def test_a_question_that_is_none(make: Make, what: Any) -> None:
    page = Page(make())
    page.say({"type": "ask", "seq": 7, "question": what})
    assert page.replies("detail")[-1]["error"]["title"] == "BadState"


def test_a_detail_waits_for_the_film_and_neither_stops_the_other(make: Make) -> None:
    network = Gated()
    page = Page(make(network))
    network.shut()
    page.request(1, sample=1)
    assert network.entered.wait(LONG)
    page.say({"type": "ask", "seq": 2, "question": {"kind": "parts", "sample": 0}})
    assert page.said == []
    network.gate.set()
    assert page.explorer.wait(LONG)
    assert [content["type"] for content, _ in page.said] == ["film", "detail"]
    network.shut()
    page.say({"type": "ask", "seq": 3, "question": {"kind": "parts", "sample": 1}})
    assert network.entered.wait(LONG)
    page.request(4, sample=2)
    page.request(5, sample=3)
    network.gate.set()
    assert page.explorer.wait(LONG)
    assert [content["type"] for content, _ in page.said[2:]] == ["detail", "film"]
    assert page.answers() == [(1, 0), (5, 0)]


def test_a_newer_question_of_the_same_kind_takes_the_place_of_a_waiting_one(make: Make) -> None:
    network = Gated()
    page = Page(make(network))
    network.shut()
    page.request(1, sample=1)
    assert network.entered.wait(LONG)
    for seq in range(2, 6):
        page.say({"type": "ask", "seq": seq, "question": {"kind": "parts", "sample": seq % 4}})
    network.gate.set()
    assert page.explorer.wait(LONG)
    assert [reply["seq"] for reply in page.replies("detail")] == [5]


def test_an_answer_is_computed_once(make: Make) -> None:
    network = Gated()
    page = Page(make(network))
    page.ask(1, kind="parts", sample=0)
    runs = network.runs
    assert page.ask(2, sample=0, kind="parts") == page.ask(3, kind="parts", sample=0)
    assert network.runs == runs


def test_cancelling_a_film_leaves_the_details(make: Make) -> None:
    network = Gated()
    page = Page(make(network))
    network.shut()
    page.request(1, sample=1)
    assert network.entered.wait(LONG)
    page.say({"type": "ask", "seq": 2, "question": {"kind": "parts", "sample": 0}})
    page.stage.set_state({"cancel": 1})
    network.gate.set()
    assert page.explorer.wait(LONG)
    (reply,) = [buffers for content, buffers in page.said if content["type"] == "detail"]
    assert unpack(reply[0])[0]["kind"] == "parts"
    assert page.films() == []
