"""The channels of a step: three quantities, two orders, pages from the kernel, a unit selected."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from browser.stage import PATIENCE, Stage, close

import bbp_widgets as bbp

CONV = "block3.conv2"  # 64 channels of 8 by 8


@pytest.fixture
def wide(stage: Stage, python: Any) -> Stage:
    """At a step of 64 channels."""
    frame = python(
        f"next(s['frame'] for s in explorer.film.header['levels']['layers'] if s['name'] == '{CONV}')"
    )
    stage.page.evaluate("() => null")
    python(f"explorer.set_trait('step', {frame})")
    stage.wait_until(
        "return root.querySelector('.bbp-rail').getAttribute('aria-valuetext').includes(rest[0])", CONV
    )
    return stage


@pytest.fixture(scope="module")
def place(shapes: Any) -> Any:
    return bbp.attribute(shapes.network, shapes.inputs[:1]).at(CONV).of(0)


def atlas(stage: Stage) -> Any:
    return stage.root.locator(".bbp-atlas")


def sums(stage: Stage) -> list[tuple[int, float]]:
    """Return number and sum of each channel of the page, in order."""
    tiles = atlas(stage).locator(".tile:visible")
    return [
        (int(number), float(value))
        for number, value in tiles.evaluate_all(
            "(all) => all.map((t) => [t.querySelector('.number').textContent, t.querySelector('b').dataset.value])"
        )
    ]


def right(found: list[tuple[int, float]], wanted: torch.Tensor) -> bool:
    return all(close(value, float(wanted[number].double().sum()), 1e-4) for number, value in found)


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_mass_value_and_contribution_have_pythons_sums(wide: Stage, place: Any, by: str) -> None:
    order = place.mass.abs().flatten(1).sum(1).argsort(descending=True).tolist()
    quantities = {"value": place.value, "contribution": place.grad * place.value, "mass": place.mass}
    for way, wanted in quantities.items():
        wide.choose("what the tiles show", way, by=by)
        found = sums(wide)
        assert [number for number, _ in found] == order[:24]
        assert right(found, wanted), way


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_pages_and_orders_come_from_the_kernel(wide: Stage, place: Any, by: str) -> None:
    order = place.mass.abs().flatten(1).sum(1).argsort(descending=True).tolist()
    pager = atlas(wide).locator(".pager")
    assert "page 1 of 3" in pager.inner_text()
    if by == "pointer":
        pager.get_by_label("the next page").click()
    else:
        atlas(wide).locator(".grid").focus()
        wide.press("PageDown")
    wide.wait_until("return root.querySelector('.bbp-atlas h4 .soft').textContent.includes('25 to')")
    found = sums(wide)
    assert [number for number, _ in found] == order[24 : 24 + len(found)]
    assert right(found, place.mass)
    wide.choose("order of the channels", "index", by=by)
    wide.wait_until("return root.querySelector('.bbp-atlas .tile .number').textContent === '0'")
    assert [number for number, _ in sums(wide)][:24] == list(range(24))
    assert right(sums(wide), place.mass)
    wide.picture("channels")


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_a_cell_is_read_seen_on_the_input_and_selected(wide: Stage, by: str, place: Any, python: Any) -> None:
    grid = atlas(wide).locator(".grid")
    if by == "pointer":
        tile = atlas(wide).locator(".tile").first.locator(".face")
        wide.point(tile, 0.55, 0.55)
    else:
        grid.focus()
        wide.press("Home", "Enter")
    reading = atlas(wide).locator(".reading").inner_text()
    number = sums(wide)[0][0]
    assert reading.startswith(f"ch {number}, (4, 4): mass ≈ ")
    assert wide.root.locator(".bbp-picture .field").first.is_visible()
    if by == "pointer":
        wide.page.mouse.down()
        wide.page.mouse.up()
    else:
        wide.press("Enter")
    title = wide.root.locator(".bbp-inspector h4").first
    wide.root.locator(".bbp-inspector .equation").wait_for(timeout=PATIENCE)
    assert f"ch {number}, (4, 4)" in title.inner_text().replace("\n", " ")
    wide.wait_at_rest()
    assert python("explorer.selection")["at"] == [number, 4, 4]
