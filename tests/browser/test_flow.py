"""The flow through the modules: a tree for pointer and keys, with figures that add up to Python's."""

from __future__ import annotations

from typing import Any

import pytest
from browser.stage import Stage, close


@pytest.fixture
def flow(stage: Stage) -> Stage:
    stage.panel("flow")
    return stage


def items(stage: Stage) -> Any:
    return stage.root.locator(".bbp-flow [role=treeitem]")


def item(stage: Stage, key: str) -> Any:
    key = key if key.endswith("/") else f"{key}:"  # a module that is open, or a box and its first step
    return stage.root.locator(f'.bbp-flow [role=treeitem][data-key^="{key}"]')


def names(stage: Stage) -> list[str]:
    return [str(key) for key in items(stage).evaluate_all("(all) => all.map((one) => one.dataset.key)")]


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_a_module_opens_and_closes(flow: Stage, by: str, python: Any) -> None:
    before = names(flow)
    assert len(before) <= 12, before
    module = item(flow, "block3")
    if by == "pointer":
        module.click()
    else:
        module.focus()
        flow.press("ArrowRight")
    assert item(flow, "block3").count() == 0
    assert any(key.startswith("block3.") for key in names(flow))
    flow.wait_at_rest()
    assert "block3" in python("explorer.state['open']")
    flow.picture("flow")
    opened = item(flow, "block3/")
    if by == "pointer":
        flow.root.locator(".bbp-flow .words .open .name", has_text="block3").click()
    else:
        opened.focus()
        flow.press("ArrowLeft")
    assert names(flow) == before


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_entering_a_box_goes_to_its_step(flow: Stage, by: str, python: Any) -> None:
    if by == "pointer":
        flow.root.locator('.bbp-flow .words [data-key^="block2:"] .name').click()
    else:
        item(flow, "block2").focus()
        flow.press("Enter")
    flow.wait_at_rest()
    assert item(flow, "block2").get_attribute("aria-current") == "step"
    assert python("explorer.film.header['frames'][explorer.step]['module']").startswith("block2")


def test_the_keys_walk_the_tree_and_read_what_each_adds(flow: Stage, python: Any) -> None:
    keys = names(flow)
    items(flow).first.focus()
    added = {}
    focus = "() => document.activeElement.dataset.key"
    for key in keys:
        assert flow.page.evaluate(focus) == key
        own = flow.root.locator(".bbp-flow .reading [data-key=own]")
        added[key] = float(own.get_attribute("data-value") or "nan")
        flow.press("ArrowDown")
    total = python("sum(f['intercept'] for f in explorer.film.header['frames'])")
    assert close(sum(added.values()), total, 1e-5)
    flow.press("Home")
    assert flow.page.evaluate(focus) == keys[0]
    flow.press("End")
    assert flow.page.evaluate(focus) == keys[-1]
