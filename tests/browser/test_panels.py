"""The bqplot panels in a real JupyterLab: a brush and a lasso, by hand and by keyboard, feed the selection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from browser.stage import PATIENCE, Stage
from playwright.sync_api import Locator

if TYPE_CHECKING:
    from jupyter_harness import Lab

PANELS = """
import ipywidgets, bbp_widgets as bbp
demo = bbp.demo.shapes()
explorer = bbp.Explorer(
    demo.network, demo.inputs[:2], pictures=demo.pictures[:2], classes=demo.classes,
    lanes=["proportional", "softmax"],
)
explorer.wait()
stops = explorer.film.header["levels"]["layers"]
explorer.step = next(stop["frame"] for stop in stops if stop["name"] == "block2.conv1")
shares, scatter = bbp.panels.ShareHistogram(explorer), bbp.panels.RuleScatter(explorer)
residuals, parts = bbp.panels.ResidualPanel(explorer), bbp.panels.PartsPanel(explorer)
explorer
"""
BESIDE = """
ipywidgets.VBox([
    ipywidgets.HBox([ipywidgets.VBox([shares, shares.controls()], layout={"flex": "1 1 0"}),
                     ipywidgets.VBox([scatter, scatter.controls()])]),
    ipywidgets.HBox([residuals, parts]),
])
"""
SHARES, SCATTER, RESIDUALS = range(3)


@pytest.fixture(params=["Light", "Dark"])
def panels(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Stage]:
    lab.page.set_viewport_size({"width": 1360, "height": 1500})
    lab.open_cells(PANELS, BESIDE)
    lab.run_all()
    lab.set_theme(f"JupyterLab {request.param}")
    for panel in range(4):
        # bqplot draws a figure when it is seen: one that was below the window when it came stays hidden till then
        shown = figure(lab, panel)
        shown.wait_for(state="attached")
        shown.evaluate("(node) => node.scrollIntoView({ block: 'center' })")
        shown.locator(".plotarea_background").wait_for()
    yield Stage(lab.page)
    assert lab.cell_count() == 2
    assert lab.problems == []


def figure(lab: Lab, panel: int) -> Locator:
    return lab.output(1).locator(".bqplot").nth(panel)


def inside(lab: Lab, panel: int, *places: tuple[float, float]) -> list[tuple[float, float]]:
    """Return places on the page of places in a panel's plot, in fractions."""
    plot = figure(lab, panel).locator(".plotarea_background").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]


def draw(lab: Lab, places: list[tuple[float, float]]) -> None:
    """Press at the first place, go along the others, and let go."""
    mouse = lab.page.mouse
    mouse.move(*places[0])
    mouse.down()
    for place in places[1:]:
        mouse.move(*place, steps=5)
    mouse.up()


def read_until(lab: Lab, expression: str) -> Any:
    """Return what an expression is in the kernel as soon as it is something."""
    for _ in range(50):
        if value := lab.read(expression):
            return value
        lab.page.wait_for_timeout(100)
    raise AssertionError(f"{expression} stayed empty")


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_a_brush_of_the_shares_selects_the_unit_that_gives_most_through_it(
    panels: Stage, lab: Lab, by: str
) -> None:
    assert lab.read("explorer.selection") is None
    if by == "pointer":
        draw(lab, inside(lab, SHARES, (0.55, 0.5), (0.98, 0.5)))
    else:
        low = lab.output(1).get_by_label("shares from")
        low.fill("0.003")
        low.press("Enter")
    low_end, high_end = read_until(lab, "list(shares.selected)")
    assert 0 < low_end < high_end <= 1
    assert by == "pointer" or (low_end, high_end) == (0.003, 1.0)
    unit = read_until(lab, "explorer.selection")
    mass = lab.read(
        "float(explorer.attribution.at(explorer.selection['frame'] - 1).mass[0][tuple(explorer.selection['at'])])"
    )
    assert mass != 0
    within = lab.read("shares.within")
    assert 0 < within["count"] < within["total"]
    title = figure(lab, SHARES).locator(".mainheading")
    panels.page.wait_for_function(
        "([node, text]) => node.textContent.includes(text)",
        arg=[title.element_handle(), f"{within['count']} of {within['total']} shares"],
    )
    # the page shows that unit's equation
    inspector = panels.root.locator(".bbp-inspector")
    inspector.locator(".equation").wait_for(timeout=PATIENCE)
    channel, row, column = unit["at"]
    assert f"ch {channel}, ({row}, {column})" in inspector.inner_text()
    lab.screenshot(f"brushed-{by}", of=lab.output(1))


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_a_lasso_of_the_rules_selects_a_pixel(panels: Stage, lab: Lab, by: str) -> None:
    if by == "pointer":
        draw(lab, inside(lab, SCATTER, (0.52, 0.45), (0.98, 0.45), (0.98, 0.02), (0.52, 0.02), (0.52, 0.4)))
    else:
        field = lab.output(1).get_by_label("furthest from the line")
        field.fill("12")
        field.press("Enter")
    places = read_until(lab, "scatter.selected")
    assert by == "pointer" or len(places) == 12
    unit = read_until(lab, "explorer.selection")
    assert unit["at"][1:] in places
    assert unit["frame"] == lab.read("len(explorer.film.header['frames']) - 1")
    inspector = panels.root.locator(".bbp-inspector")
    inspector.locator(".equation").wait_for(timeout=PATIENCE)
    assert f"({unit['at'][1]}, {unit['at'][2]})" in inspector.inner_text()
    lab.screenshot(f"lasso-{by}", of=lab.output(1))


def test_a_click_on_a_residual_or_on_a_cut_goes_to_its_step(panels: Stage, lab: Lab) -> None:
    dots = figure(lab, RESIDUALS).locator(".dot")
    dots.nth(5).click()
    panels.wait_until("return root.querySelector('.bbp-rail').getAttribute('aria-valuetext').length > 0")
    for _ in range(50):
        if lab.read("explorer.step") == 5:
            break
        panels.page.wait_for_timeout(100)
    assert lab.read("explorer.step") == 5
    lab.screenshot("clicked", of=lab.output(1))
