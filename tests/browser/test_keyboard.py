"""The keyboard alone: Tab goes through everything in the order in which it is seen, and is caught nowhere."""

from __future__ import annotations

from typing import Any

from browser.stage import PATIENCE, Stage, close

WHERE = """() => {
  const at = document.activeElement;
  const part = at.closest('.sample-bar, .target-bar, .rule-bar, .bbp-toolbar, .bbp-transport, .bbp-rail, .bbp-gallery,'
    + '.bbp-tabs, .bbp-atlas, .bbp-inspector, .bbp-flow, .bbp-triage, .bbp-classes');
  return part && at.closest('.bbp') ? [...part.classList].at(-1) : null;
}"""
ORDER = [
    "sample-bar", "target-bar", "rule-bar", "bbp-toolbar", "bbp-transport", "bbp-rail", "bbp-gallery", "bbp-tabs",
    "bbp-atlas", "bbp-inspector",
]  # fmt: skip


def order(stage: Stage, key: str) -> list[str]:
    """Press a key until the focus has left; return the parts that it visited."""
    seen: list[str] = []
    for _ in range(80):
        where = stage.page.evaluate(WHERE)
        if where is None:
            return seen
        if not seen or seen[-1] != where:
            seen.append(where)
        stage.press(key)
    raise AssertionError(f"caught in {seen}")


def test_tab_visits_all_parts_in_order_both_ways(stage: Stage) -> None:
    stage.walk("End", "ArrowRight")
    stage.group("sample").locator("[tabindex='0']").focus()
    forth = order(stage, "Tab")
    assert [part for part in forth if part in ORDER][: len(ORDER) - 1] == ORDER[:-1]
    stage.root.locator(".bbp-atlas .grid").focus()
    back = order(stage, "Shift+Tab")
    assert back == ORDER[: ORDER.index("bbp-atlas") + 1][::-1]


def test_all_ten_points_by_keys_alone(stage: Stage, python: Any) -> None:
    stage.walk("ArrowLeft", "End", "ArrowRight", "ArrowRight")  # 1 stepping, 2 its ledger
    assert close(stage.number("cut_gradient") + stage.number("cut_bias"), stage.number("target"), 1e-4)
    stage.press("Tab")  # 3 the pictures
    while stage.page.evaluate(WHERE) != "bbp-gallery":
        stage.press("Tab")
    stage.press("ArrowDown")
    assert stage.root.locator(".bbp-gallery .reading").first.inner_text()
    while (
        stage.page.evaluate("() => document.activeElement.getAttribute('role')") != "grid"
    ):  # 4 the channels
        stage.press("Tab")
    stage.press("Enter", "Enter")  # 6 the equation of a unit
    stage.root.locator(".bbp-inspector .equation").wait_for(timeout=PATIENCE)
    stage.walk("3")  # 5 another rule
    stage.wait_until(
        "return root.querySelector('[aria-label=rule] [aria-checked=true]').dataset.key === 'softmax'"
    )
    stage.wait_at_rest()
    for panel, inside in (("flow", "treeitem"), ("triage", "gridcell"), ("classes", None)):  # 7, 9, 8
        stage.panel(panel, by="keys")
        if panel == "classes":
            stage.root.get_by_label("t, the part of the bias").wait_for(timeout=PATIENCE)
        for _ in range(4):
            stage.press("Tab")
            role = stage.page.evaluate("() => document.activeElement.getAttribute('role')")
            if role == inside:
                break
        assert role == inside
    stage.walk("Control+z")  # 10 undone
    stage.wait_at_rest()
    assert python("explorer.state['panel']") != "classes"
