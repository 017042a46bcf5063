"""Stepping: by keys, buttons and hand, at three levels, in words and numbers that are Python's."""

from __future__ import annotations

from typing import Any

import pytest
from browser.stage import Stage, close

import bbp_widgets as bbp

KEYS = {"toward": "ArrowLeft", "back": "ArrowRight", "input": "End", "output": "Home"}
BUTTONS = {
    "toward": "Step toward the input",
    "back": "Step back toward the output",
    "input": "Go to the input",
    "output": "Go to the output",
}


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_a_step_toward_the_input_and_back(stage: Stage, by: str, python: Any) -> None:
    def go(way: str) -> int:
        if by == "keys":
            stage.press(KEYS[way])
        else:
            stage.button(BUTTONS[way]).click()
        return stage.step()

    stage.rail.focus()
    last = stage.steps()
    assert [go(way) for way in ("toward", "toward", "back", "input", "output")] == [1, 2, 1, last, 0]
    assert [go(way) for way in ("input", "back")] == [last, last - 1]
    stage.wait_at_rest()
    stops = python("[stop['frame'] for stop in explorer.film.header['levels']['layers']]")
    assert python("explorer.step") == stops[last - 1]


def test_what_is_spoken_says_step_name_and_figures(stage: Stage, shapes: Any) -> None:
    result = bbp.attribute(shapes.network, shapes.inputs[:1])
    stage.walk("ArrowLeft")
    assert stage.spoken().startswith(f"step 1 of {stage.steps()}, head, ")
    assert "bias arriving" in stage.spoken()
    assert f"gathered {float(result.ledger[0].cut_bias[0]):.2f}"[:-1] in stage.said()
    stage.button(BUTTONS["toward"]).click()
    assert "adds up" in stage.said()


def test_the_ledger_has_pythons_numbers_at_every_stop(stage: Stage, shapes: Any) -> None:
    result = bbp.attribute(shapes.network, shapes.inputs[:1])
    stops = [step for step in result.ledger if step.adds or step.mixes]
    stage.rail.focus()
    assert stage.steps() == len(stops) + 1
    assert close(stage.number("target"), float(result.value[0]))
    for i, step in enumerate(stops, 1):
        stage.press("ArrowLeft")
        assert stage.step() == i
        wanted = {
            "arriving": step.mass_in, "intercept": step.intercept, "passed": step.mass_in + step.intercept,
            "cut_gradient": step.cut_gradient, "cut_bias": step.cut_bias, "residual": step.residual,
        }  # fmt: skip
        for key, value in wanted.items():
            assert close(stage.number(key), float(value[0])), (step.node, key)
        assert stage.root.locator(".bbp-ledger [role=img]").get_attribute("aria-label") == "exact"
    stage.press("ArrowLeft")
    assert close(stage.number("total_bias"), float(result.local.b[0]))
    assert close(stage.number("cut_gradient"), float((result.value - result.local.b)[0]))
    assert "Σ bias = b = f − w·x" in stage.root.locator(".bbp-ledger").inner_text()


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_the_level_decides_where_it_stops(stage: Stage, by: str, python: Any, shapes: Any) -> None:
    result = bbp.attribute(shapes.network, shapes.inputs[:1])
    stage.walk("ArrowLeft", "ArrowLeft", "ArrowLeft")
    spoken = stage.spoken().split(", ")[1]
    for level in ("ops", "blocks"):
        stage.choose("granularity", level, by=by)
        names = python(f"[s['name'] for s in explorer.film.header['levels']['{level}']]")
        assert stage.steps() == len(names) - 1
        if level == "ops":
            assert spoken in stage.spoken()
            assert stage.steps() == len(result.ledger) + 1
    stage.walk("End")
    assert close(stage.number("cut_bias"), float(result.local.b[0]))


def test_scrubbing_by_hand_asks_nothing_until_the_hand_rests(stage: Stage, python: Any) -> None:
    page = stage.page
    before = python("explorer.stage.request"), python("explorer.step")
    x, y = stage.stop_at(1)
    page.mouse.move(x, y)
    page.mouse.down()
    seen = []
    for stop in (2, 4, 6, 5):
        page.mouse.move(stage.stop_at(stop)[0], y, steps=3)
        seen.append(stage.step())
    assert seen == [2, 4, 6, 5]
    assert (python("explorer.stage.request"), python("explorer.step")) == before
    page.mouse.up()
    stage.wait_at_rest()
    assert python("explorer.step") > 0
    assert stage.step() == 5


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_playing_walks_by_the_clock_and_its_pace_can_be_changed(stage: Stage, by: str) -> None:
    pace = stage.root.locator(".pace")
    slow = pace.inner_text()
    stage.walk("]", "]", "]")
    assert pace.inner_text() != slow
    if by == "keys":
        stage.press(" ")
    else:
        stage.button("Play toward the input").click()
    stage.wait_until("return Number(root.querySelector('.bbp-rail').getAttribute('aria-valuenow')) >= 2")
    if by == "keys":
        stage.walk("Escape")
    else:
        stage.button("Pause").click()
    at = stage.step()
    stage.page.wait_for_timeout(600)
    assert stage.step() == at
    stage.walk("[", "[", "[")
    assert pace.inner_text() == slow
