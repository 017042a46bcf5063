"""What a question asks for is picked where it is seen: a layer on the rail, a unit among bars; by pointer, by keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from jupyter_harness import Lab
    from playwright.sync_api import Locator


def opened(lab: Lab, number: int, step: int) -> Locator:
    """Open a lesson at a step, counted from 0; return its card."""
    lab.page.set_viewport_size({"width": 1280, "height": 1400})
    lab.open_cells(f"import bbp_widgets as bbp\nlesson = bbp.lessons.lesson({number})", "lesson")
    lab.run_all()
    card = lab.page.locator(".bbp-lesson").first
    lab.page.locator(".bbp-ledger [data-key=target][data-value]").first.wait_for(
        timeout=60_000, state="attached"
    )
    lab.execute(f"lesson.step = {step}")
    card.locator(".place").get_by_text(f"{step + 1} of").wait_for()
    return card


def verdict(card: Locator) -> str | None:
    """Give the answer that was picked, with the button; return what came of it."""
    card.get_by_role("button", name="Answer").click()
    card.locator(".verdict p").wait_for()
    return card.locator(".verdict p").get_attribute("class")


@pytest.mark.parametrize("by", ["pointer", "keys"])
def test_a_layer_is_picked_on_the_rail(lab: Lab, by: str) -> None:
    card = opened(lab, 2, 3)
    rail, chosen = lab.page.locator(".bbp-rail"), card.locator("select option:checked")
    rail.wait_for()
    assert chosen.inner_text() == "output"
    if by == "pointer":
        names = card.locator("select option").all_inner_texts()
        box = rail.locator("circle.stop").nth(names.index("first")).bounding_box()
        assert box is not None
        lab.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    else:
        rail.focus()
        for _ in range(10):
            if chosen.inner_text() == "first":
                break
            lab.page.keyboard.press("ArrowLeft")
    assert chosen.inner_text() == "first"
    assert verdict(card) == "right"
    assert lab.problems == []


@pytest.mark.parametrize("by", ["pointer", "keys"])
def test_a_unit_is_picked_among_the_bars(lab: Lab, by: str) -> None:
    card = opened(lab, 3, 2)
    field = card.get_by_label("place of the unit")
    bars = lab.page.locator(".bbp-atlas")
    row = bars.locator("button.row").filter(has_text="channel 2")
    row.wait_for()
    if by == "pointer":
        row.click()
    else:
        bars.locator("button.row").first.focus()
        while "channel 2" not in lab.page.evaluate("document.activeElement.textContent"):
            lab.page.keyboard.press("Tab")
        lab.page.keyboard.press("Enter")
    assert field.input_value() == "2"
    assert row.get_attribute("aria-pressed") == "true"
    assert verdict(card) == "right"
    lab.page.wait_for_timeout(600)  # the page tells Python after a moment of rest
    assert lab.read("lesson.explorer.selection") == {"frame": lab.read("lesson.explorer.step"), "at": [2]}
    assert lab.cell_count() == 2
    assert lab.problems == []
