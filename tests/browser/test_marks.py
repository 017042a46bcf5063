"""What is not finite and what is beyond the colours has marks of its own: in the maps, under them, in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from browser.stage import Stage
from browser.test_page import violations

#: Sixteen places are multiplied by infinity and then left out, and one is a thousand times as large as the others.
HOLED = """
from torch import nn
class Holed(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.head = nn.Conv2d(3, 8, 5, stride=2), nn.Linear(8 * 30 * 30, 4)
        factor = torch.ones(1, 8, 30, 30)
        factor[0, 2, 10:14, 10:14] = torch.inf
        factor[0, 5, 20, 20] = 1000
        self.register_buffer("factor", factor)
    def forward(self, x):
        y = (torch.relu(self.conv(x)) + 1) * self.factor
        return self.head(torch.where(self.factor.isfinite(), y, torch.zeros(())).flatten(1))
explorer = bbp.Explorer(Holed().eval(), demo.inputs[:2], pictures=demo.pictures[:2], state={"level": "ops"})
"""
VIOLET = {"light": [126, 46, 160], "dark": [196, 112, 232]}
#: How many of a canvas's pixels have a colour.
COLOURED = """(canvas, wanted) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4)
    if (wanted.every((one, at) => data[i + at] === one)) count += 1;
  return count / (canvas.width * canvas.height);
}"""


@pytest.fixture
def multiplied(instead: Callable[[str], Stage], python: Any) -> Stage:
    """At the step that multiplies, its values on the tiles."""
    stage = instead(HOLED)
    stage.walk("Home")
    for _ in range(stage.steps()):
        if ", mul, " in stage.spoken():
            break
        stage.press("ArrowLeft")
    assert ", mul, " in stage.spoken()
    stage.choose("what the tiles show", "value")
    return stage


def test_holes_and_what_is_beyond_are_marked(multiplied: Stage, theme: str, python: Any) -> None:
    multiplied.wait_at_rest()
    tensor = python("explorer.film.header['frames'][explorer.step]['tensor']")
    shown, clipped = tensor["shown"], tensor["value"]["clipped"]
    assert clipped[shown.index(5)] > 0
    atlas = multiplied.root.locator(".bbp-atlas")
    limits = atlas.locator(".limits").last
    assert "16 not finite" in limits.inner_text()
    assert f"{sum(clipped)} beyond" in limits.inner_text()
    assert atlas.locator(".tile.wild .number").all_inner_texts() == ["2"]
    beyond = [str(number) for number, count in zip(shown, clipped, strict=True) if count]
    assert atlas.locator(".tile.beyond .number").all_inner_texts() == beyond
    names = atlas.get_by_role("gridcell").evaluate_all("(all) => all.map((one) => one.ariaLabel)")
    assert any("16 not finite" in name for name in names)
    assert any(f"{max(clipped)} beyond the limits" in name for name in names)
    violet = atlas.locator(".board > canvas").evaluate(COLOURED, VIOLET[theme])
    assert 0.0005 < violet < 0.01
    multiplied.picture("marks")
    assert violations(multiplied) == []


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_a_hole_is_read_and_its_equation_says_so(multiplied: Stage, by: str) -> None:
    atlas = multiplied.root.locator(".bbp-atlas")
    face = atlas.locator(".tile.wild .face")
    if by == "pointer":
        multiplied.point(face, 11.5 / 30, 11.5 / 30)
        assert "ch 2, (11, 11): value not finite" in atlas.locator(".reading").inner_text()
        multiplied.page.mouse.down()
        multiplied.page.mouse.up()
    else:
        tiles = atlas.get_by_role("gridcell").evaluate_all("(all) => all.map((one) => one.className)")
        wild = next(i for i, name in enumerate(tiles) if "wild" in name)
        atlas.locator(".grid").focus()
        multiplied.press("Home", *["ArrowRight"] * wild, "Enter")
        row, column = map(int, re.findall(r"\((\d+), (\d+)\)", atlas.locator(".reading").inner_text())[0])
        for at, back, forth in ((row, "ArrowUp", "ArrowDown"), (column, "ArrowLeft", "ArrowRight")):
            multiplied.press(*[back if at > 11 else forth] * abs(at - 11))
        assert "ch 2, (11, 11): value not finite" in atlas.locator(".reading").inner_text()
        multiplied.press("Enter")
    multiplied.root.locator(".bbp-inspector .equation").wait_for()
    facts = multiplied.root.locator(".bbp-inspector .facts")
    assert "not finite" in facts.inner_text()
    multiplied.picture(f"marks-equation-{by}")


def test_the_rail_the_ledger_and_triage_name_the_step(multiplied: Stage, python: Any) -> None:
    ledger = multiplied.root.locator(".bbp-ledger")
    assert "not finite" in ledger.inner_text()
    # the bias part of the cuts from there on
    cuts = python("[frame['cut_bias'] == frame['cut_bias'] for frame in explorer.film.header['frames']]")
    assert multiplied.rail.locator(".not-finite").count() == cuts.count(False) > 0
    assert ledger.locator("[role=img]").get_attribute("aria-label") != "exact"
    multiplied.panel("triage")
    grid = multiplied.root.locator(".bbp-triage")
    multiplied.walk("Home", "n")
    assert ", mul, " in multiplied.spoken()  # its cut is the first that does not add up
    assert grid.locator("[data-key=residual]").inner_text() == "not finite"
    multiplied.picture("marks-triage")
