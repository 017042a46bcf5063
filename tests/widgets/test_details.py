"""What a page asks about a film: answered once, in turn, and never with silence."""

from __future__ import annotations

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


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"kind": "parts", "sample": 9}, "sample must be 0 to 3"), ({"kind": "parts"}, "sample"),
        ({"kind": "best"}, "'best' is no question"), ({}, "None is no question"),
    ],
    ids=str,
)  # fmt: skip
def test_a_question_that_cannot_be_answered_is_answered_with_why(
    make: Make, content: dict[str, Any], words: str
) -> None:
    page = Page(make())
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
