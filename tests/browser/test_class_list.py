"""A thousand classes with long names: found by typing, by pointer and by keys; a name is text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from browser.stage import PATIENCE, Stage, close
from browser.test_page import CROWDED, violations
from playwright.sync_api import Locator

#: Names as those of ImageNet: several for one class, in commas; one of them is markup, one hides a word in another.
THOUSAND = """
from torch import nn
torch.manual_seed(0)
names = [f"thing {k}, entity number {k}, Res numerata {k}, something with a long name" for k in range(1000)]
names[3] = "<img src=x onerror=document.title='hacked'>, tag"
names[7] = "bullfrog, Rana catesbeiana"
names[400] = "Egyptian cat"
names[401] = "catamaran"
names[402] = "meerkat, concatenation of several animals"
wide = nn.Sequential(
    nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, 1000)
).eval()
explorer = bbp.Explorer(wide, demo.inputs[:2], classes=names, pictures=demo.pictures[:2])
"""


@pytest.fixture
def thousand(instead: Callable[[str], Stage]) -> Stage:
    return instead(THOUSAND)


def scores(python: Any) -> list[float]:
    return list(python("wide(demo.inputs[:1])[0].tolist()"))


def opened(stage: Stage, name: str, by: str) -> Locator:
    """Open a list of classes by pointer or by keyboard; return its panel."""
    opener = stage.root.get_by_role("button", name=name)
    if by == "pointer":
        opener.click()
    else:
        opener.focus()
        stage.press("Enter")
    return stage.root.locator(".bbp-list .panel:visible")


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_one_of_a_thousand_is_found_and_explained(thousand: Stage, by: str, python: Any) -> None:
    panel = opened(thousand, "other targets", by)
    rows = panel.get_by_role("option")
    values = [
        float(value) for value in rows.locator("b").evaluate_all("(all) => all.map((b) => b.dataset.value)")
    ]
    assert values == sorted(values, reverse=True)
    assert "940 more, type to narrow" in panel.inner_text()
    decimals = {len(text.split(".")[1]) for text in rows.locator("b").all_inner_texts()}
    assert len(decimals) == 1
    thousand.page.keyboard.type("cat")
    names = [text.split("\n")[0] for text in rows.all_inner_texts()]
    # first what begins so, then a word that does, then what only holds it
    assert names[0] == "catamaran"
    assert set(names[1:3]) == {"Egyptian cat", "bullfrog, Rana catesbeiana"}
    assert names[3].startswith("meerkat")
    thousand.picture(f"class-list-{by}")
    assert violations(thousand) == []
    assert thousand.root.evaluate(CROWDED.replace(".ends", ".ends, .stage, .between, .rule-bar")) == []
    thousand.page.keyboard.type(" egy")
    assert rows.count() == 1
    if by == "pointer":
        rows.first.click()
    else:
        thousand.press("Enter")
    thousand.wait_for_number("target", scores(python)[400])
    assert "Egyptian cat" in thousand.group("target").locator("[aria-checked=true]").inner_text()
    thousand.wait_at_rest()
    assert python("explorer.target") == 400


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_one_of_a_thousand_rather_than_another(thousand: Stage, by: str, python: Any) -> None:
    panel = opened(thousand, "rather than: nothing", by)
    thousand.page.keyboard.type("img")
    assert panel.get_by_role("option").count() == 1
    box, room = panel.bounding_box(), thousand.root.bounding_box()
    assert box is not None
    assert room is not None
    assert box["x"] + box["width"] <= room["x"] + room["width"]
    if by == "pointer":
        panel.get_by_role("option").click()
    else:
        thousand.press("Enter")
    value = scores(python)
    thousand.wait_for_number("target", max(value) - value[3])
    assert "<img src=x onerror" in thousand.root.locator(".bbp-ledger").inner_text()
    assert thousand.page.locator("img[src=x]").count() == 0
    assert "hacked" not in thousand.page.title()
    thousand.picture(f"rather-than-markup-{by}")


def test_the_list_is_walked_by_keys_and_left_by_escape(thousand: Stage, python: Any) -> None:
    opener = thousand.root.get_by_role("button", name="other targets")
    opener.focus()
    thousand.press("Enter", *["PageDown"] * 20, "ArrowDown", "ArrowUp", "ArrowUp")
    search = thousand.root.get_by_label("other targets: search")
    active = thousand.root.locator(f"#{search.get_attribute('aria-activedescendant')}")
    assert active.evaluate(
        "(row) => { const list = row.parentElement.getBoundingClientRect(); const box = row.getBoundingClientRect();"
        " return box.top >= list.top - 1 && box.bottom <= list.bottom + 1; }"
    )
    thousand.press("Escape")
    assert opener.evaluate("(node) => document.activeElement === node")
    assert thousand.root.locator(".bbp-list .panel:visible").count() == 0
    thousand.press("Enter", "ArrowDown", "Shift+Enter")
    value = sorted(scores(python), reverse=True)
    thousand.wait_for_number("target", value[0] - value[1])


def test_all_thousand_are_ranked_while_the_bias_fades_in(thousand: Stage, python: Any) -> None:
    thousand.panel("classes")
    thousand.root.get_by_label("t, the part of the bias").wait_for(timeout=PATIENCE)
    rows = thousand.root.locator(".bbp-classes .class-row")
    shown = [int(key) for key in rows.evaluate_all("(all) => all.map((row) => row.dataset.key)")]
    wanted = scores(python)
    assert shown == sorted(range(1000), key=lambda k: -wanted[k])[: len(shown)]
    assert close(float(rows.first.locator("b").get_attribute("data-value") or "nan"), max(wanted), 1e-4)
    assert (
        f"{1000 - len(shown)} more classes are below these"
        in thousand.root.locator(".bbp-classes").inner_text()
    )
    thousand.picture("thousand-classes")
