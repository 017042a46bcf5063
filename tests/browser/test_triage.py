"""Triage: a network with a fault, found by ``n``, by button and in a table that is Python's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from browser.stage import Stage, close


@pytest.fixture
def faulty(instead: Callable[[str], Stage]) -> Stage:
    """An explorer of a network one of whose norms kills every channel."""
    return instead(
        "import copy; dead = copy.deepcopy(demo.network)\n"
        "dead.block2.bn1.weight.data.zero_(); dead.block2.bn1.bias.data.fill_(-1.0)\n"
        "explorer = bbp.Explorer(dead, demo.inputs[:2], classes=demo.classes, pictures=demo.pictures[:2])"
    )


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_the_next_anomaly(faulty: Stage, by: str, python: Any) -> None:
    faulty.panel("triage", by=by)
    found = []
    for _ in range(2):
        if by == "keys":
            faulty.walk("n")
        else:
            faulty.button("next anomaly").click()
        faulty.wait_at_rest()
        found.append(python("explorer.film.header['frames'][explorer.step]['module']"))
    assert found == ["block2.conv2", "block2.relu1"]  # a convolution without bias of zeros is zero, too
    grid = faulty.root.locator(".bbp-triage")
    assert "2 anomalies" in grid.inner_text()
    assert close(float(grid.locator("[data-key=dead]").get_attribute("data-value") or 0), 1.0)
    faulty.picture("triage")


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_the_table_is_pythons_and_leads_to_its_steps(faulty: Stage, by: str, python: Any) -> None:
    faulty.panel("triage")
    faulty.choose("granularity", "ops")
    table = json.loads(python("explorer.triage().to_json(orient='records')"))
    grid = faulty.root.locator(".bbp-triage [role=grid]")
    if by == "pointer":
        grid.locator("tr").nth(2).locator("td[role=gridcell]").nth(3).click()
    else:
        grid.locator("td[tabindex='0']").focus()
        faulty.press("ArrowDown", "End", "ArrowRight", "ArrowRight", "ArrowRight")
    row = table[faulty.step() - 1]
    assert faulty.step() == faulty.steps() - 3
    for key in ("residual", "unshared", "negative", "dead"):
        shown = float(grid.locator(f"[data-key={key}]").get_attribute("data-value") or "nan")
        assert close(shown, abs(row[key]) if key == "residual" else row[key], 1e-4), key


def test_a_sound_network_has_none(stage: Stage) -> None:
    stage.walk("n")
    assert "nothing out of the ordinary" in stage.said()
    stage.panel("triage")
    assert "no anomaly" in stage.root.locator(".bbp-triage").inner_text()


def test_two_lanes_are_held_against_each_other(stage: Stage) -> None:
    stage.button("+ lane").click()
    stage.wait_until("return !root.querySelector('.bbp-lanes .working')")
    stage.panel("triage")
    assert stage.root.locator(".bbp-triage [data-key=negative-other]").is_visible()
    stage.picture("triage-two")
