"""What is explained: another class, one rather than another, another picture; and what b does to the ranking."""

from __future__ import annotations

from typing import Any

import pytest
from browser.stage import PATIENCE, Stage, close

import bbp_widgets as bbp


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_another_target_and_one_rather_than_it(stage: Stage, by: str, python: Any, shapes: Any) -> None:
    scores = shapes.network(shapes.inputs[:1])[0].detach()
    second, third = (int(i) for i in scores.argsort(descending=True)[1:3])
    stage.choose("target", second, by=by)
    stage.wait_for_number("target", float(scores[second]))
    other = stage.option("target", third)
    if by == "pointer":
        other.click(modifiers=["Shift"])
    else:
        other.focus()
        stage.press("Shift+Enter")
    stage.wait_for_number("target", float(scores[second] - scores[third]))
    expected = bbp.attribute(shapes.network, shapes.inputs[:1], target=(second, third))
    stage.walk("End")
    assert close(stage.number("total_bias"), float(expected.local.b[0]), 1e-5)
    stage.wait_at_rest()
    assert python("[explorer.target, explorer.versus]") == [second, third]
    clear = stage.button("rather than nothing")
    if by == "pointer":
        clear.click()
    else:
        clear.focus()
        stage.press("Enter")
    stage.wait_for_number("target", float(scores[second]))


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_a_class_is_found_by_its_name(stage: Stage, by: str, shapes: Any) -> None:
    scores = shapes.network(shapes.inputs[:1])[0].detach()
    last = int(scores.argmin())
    opener = stage.root.get_by_role("button", name="other targets")
    if by == "pointer":
        opener.click()
    else:
        opener.focus()
        stage.press("Enter")
    stage.page.keyboard.type(shapes.classes[last])
    found = stage.root.locator(".bbp-list .panel:visible [role=option]")
    assert found.first.inner_text().startswith(shapes.classes[last])
    if by == "pointer":
        found.first.click()
    else:
        stage.press("Enter")
    stage.wait_for_number("target", float(scores[last]))


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_another_picture(stage: Stage, by: str, python: Any, shapes: Any) -> None:
    value = float(shapes.network(shapes.inputs[2:3]).max())
    stage.choose("sample", 2, by=by)
    stage.wait_for_number("target", value)
    stage.wait_at_rest()
    assert python("explorer.sample") == 2


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_the_ranking_while_the_bias_fades_in(stage: Stage, by: str, python: Any, shapes: Any) -> None:
    parts = bbp.decompose(shapes.network, shapes.inputs[:1])
    stage.panel("classes", by=by)
    dimmer = stage.root.get_by_label("t, the part of the bias")
    dimmer.wait_for(timeout=PATIENCE)
    if by == "keys":
        dimmer.focus()
        stage.press("Home", *["PageUp"] * 2)
    else:
        stage.point(dimmer, 0.1, 0.5)
        stage.page.mouse.down()
        stage.point(dimmer, 0.25, 0.5)
        stage.page.mouse.up()
    stage.wait_at_rest()
    t = python("explorer.state['dim']")
    assert 0 < t < 0.6
    wanted = (parts.gradient + t * parts.bias)[0]
    rows = stage.root.locator(".bbp-classes .class-row")
    shown = rows.evaluate_all("(all) => all.map((r) => [r.dataset.key, r.querySelector('b').dataset.value])")
    assert [int(key) for key, _ in shown] == wanted.argsort(descending=True).tolist()
    assert all(close(float(value), float(wanted[int(key)]), 1e-4) for key, value in shown)
    stage.picture("classes")
    row = rows.nth(1)
    chosen = int(row.get_attribute("data-key") or -1)
    if by == "pointer":
        row.click()
    else:
        row.focus()
        stage.press("Enter")
    stage.wait_for_number("target", float(parts.output[0, chosen]))
