"""Rules side by side: chosen, tuned, added, subtracted, removed; and a plan from stops of the rail."""

from __future__ import annotations

from typing import Any

import pytest
from browser.stage import Stage, close, printed

import bbp_widgets as bbp

BIAS = 1


def press(stage: Stage, what: Any, by: str) -> None:
    if by == "pointer":
        what.click()
    else:
        what.focus()
        stage.press("Enter")


def computed(stage: Stage) -> None:
    """Wait until every lane has its film."""
    stage.wait_until(
        "return !root.querySelector('.bbp-map:not([hidden]) .wait:not([hidden])')"
        " && !root.querySelector('.bbp-lanes .working')"
    )
    stage.wait_at_rest()


@pytest.mark.parametrize("by", ["keys", "pointer", "digits"])
def test_a_rule_is_chosen_and_a_seen_one_comes_back_without_the_kernel(
    stage: Stage, by: str, python: Any
) -> None:
    proportional = stage.pixels(BIAS)

    def choose(rule: str) -> None:
        if by == "digits":
            rules = (
                stage.group("rule").locator("button").evaluate_all("(all) => all.map((b) => b.dataset.key)")
            )
            stage.walk(str(rules.index(rule) + 1))
        else:
            stage.choose("rule", rule, by=by)

    choose("uniform")
    stage.wait_until(
        "return root.querySelectorAll('.bbp-gallery .bbp-map:not(.bbp-picture):not([hidden]) canvas.ink')[1]"
        ".toDataURL() !== rest[0]",
        proportional,
    )
    stage.wait_at_rest()
    assert python("explorer.rule") == "uniform"
    request = python("explorer.stage.request['seq']")
    choose("proportional")
    assert stage.pixels(BIAS) == proportional
    stage.wait_at_rest()
    assert python("[explorer.rule, explorer.stage.request['seq']]") == ["proportional", request]


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_a_temperature_is_asked_for_when_the_hand_rests(
    stage: Stage, by: str, python: Any, shapes: Any
) -> None:
    stage.choose("rule", "softmax")
    computed(stage)
    knob = stage.root.locator(".rule-bar .knobs input[type=range]").first
    if by == "keys":
        knob.focus()
        stage.press("Home", *["ArrowRight"] * 6)
    else:
        stage.point(knob, 0.3, 0.5)
        stage.page.mouse.down()
        stage.point(knob, 0.2, 0.5)
        stage.page.mouse.up()
    stage.page.wait_for_timeout(300)
    computed(stage)
    temperature = python("explorer.parameters['temperature']")
    assert close(printed(stage.root.locator(".rule-bar .knobs output").first.inner_text()), temperature, 6e-3)
    assert temperature < 1
    result = bbp.attribute(shapes.network, shapes.inputs[:1], rule=bbp.rules.softmax(temperature))
    assert close(stage.sum_of(BIAS), float(result.bias.double().sum()), 1e-4)
    stage.point(stage.maps().nth(BIAS).locator(".frame"), 0.508, 0.508)
    assert close(stage.reading_of(BIAS), float(result.bias[0, :, 32, 32].sum()), 6e-3)


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_lanes_are_added_compared_subtracted_and_removed(stage: Stage, by: str, python: Any) -> None:
    single = stage.pixels(BIAS)
    press(stage, stage.button("+ lane"), by)
    computed(stage)
    assert stage.maps().count() == 4
    assert python("[lane['rule'] for lane in explorer.lanes]")[0] == "proportional"
    stage.walk("End")
    parting = stage.root.locator(".bbp-parting")
    assert "apart" in (parting.text_content() or "")
    assert "most at" in (parting.get_attribute("aria-label") or "")
    stage.choose("difference", 0, by=by)
    assert stage.maps().count() == 5
    stage.point(stage.maps().nth(4).locator(".frame"), 0.4, 0.6)
    first, second, difference = (stage.reading_of(i) for i in (1, 2, 4))
    assert abs(difference - (second - first)) <= 0.01 * max(abs(first), abs(second))
    stage.picture("lanes")
    press(stage, stage.root.locator(".bbp-lanes .pick").first, by)
    stage.wait_at_rest()
    assert python("[explorer.lane, explorer.state['difference']]") == [0, 1]
    press(stage, stage.button("remove lane 2"), by)
    stage.wait_at_rest()
    assert python("[len(explorer.lanes), explorer.state['difference']]") == [1, None]
    assert stage.pixels(BIAS) == single


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_a_plan_for_the_stops_that_are_selected(stage: Stage, by: str, python: Any, shapes: Any) -> None:
    stage.walk("Home", "ArrowLeft", "ArrowLeft", "ArrowLeft")
    if by == "keys":
        stage.press("Shift+ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowLeft")
    else:
        stage.page.keyboard.down("Shift")
        stage.page.mouse.click(*stage.stop_at(6))
        stage.page.keyboard.up("Shift")
    assert "4 selected stops" in stage.root.locator(".bbp-plan").inner_text()
    select = stage.root.get_by_label("rule for the selected stops")
    if by == "keys":
        select.focus()
        stage.press("u")
    else:
        select.select_option("uniform")
    computed(stage)
    plan = python("explorer.plan")
    assert plan
    assert {entry["rule"] for entry in plan.values()} == {"uniform"}
    result = bbp.attribute(
        shapes.network, shapes.inputs[:1], rule="proportional", plan=dict.fromkeys(plan, "uniform")
    )
    stage.point(stage.maps().nth(BIAS).locator(".frame"), 0.508, 0.508)
    assert close(stage.reading_of(BIAS), float(result.bias[0, :, 32, 32].sum()), 6e-3)
    assert stage.root.locator(".bbp-rail .planned").count() > 0
    stage.picture("plan")
    press(
        stage, stage.button("clear the plan") if len(plan) > 1 else stage.root.locator(".entries .remove"), by
    )
    computed(stage)
    assert python("explorer.plan") == {}
    if by == "keys":
        stage.walk("Escape")
    else:
        stage.button("deselect").click()
    assert not stage.root.locator(".bbp-plan .editor").is_visible()
    stage.wait_at_rest()
    assert python("explorer.state['stops']") == []
