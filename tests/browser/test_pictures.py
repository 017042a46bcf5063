"""The pictures: their sums and limits, sums over blocks, one pixel read in all of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from browser.stage import Stage, close

import bbp_widgets as bbp

#: A figure that is read off a picture has three digits.
THREE = 6e-3
GRADIENT, BIAS, TOTAL = range(3)


@pytest.fixture(scope="module")
def parts(shapes: Any) -> list[torch.Tensor]:
    """The three pictures: the channels of each attribution added up."""
    result = bbp.attribute(shapes.network, shapes.inputs[:1])
    gradient, bias = (part[0].sum(0).double() for part in (result.gradient, result.bias))
    return [gradient, bias, gradient + bias]


def blocks(plane: torch.Tensor, size: int) -> torch.Tensor:
    return plane.reshape(64 // size, size, 64 // size, size).sum((1, 3))


def test_sums_above_and_limits_below(stage: Stage, parts: list[torch.Tensor]) -> None:
    assert stage.maps().count() == 3
    for i, part in enumerate(parts):
        assert close(stage.sum_of(i), float(part.sum()), 1e-5)
        assert 0 < stage.limit_of(i) <= float(part.abs().max()) * 1.0001


def test_one_scale_for_all_or_one_for_each(stage: Stage, parts: list[torch.Tensor]) -> None:
    limits = [stage.limit_of(i) for i in range(3)]
    assert len(set(limits)) > 1
    stage.choose("scale", "shared", by="keys")
    shared = [stage.limit_of(i) for i in range(3)]
    assert shared == [max(limits)] * 3
    stage.choose("scale", "step")
    assert stage.limit_of(BIAS) <= stage.limit_of(TOTAL)
    stage.choose("scale", "each")
    assert [stage.limit_of(i) for i in range(3)] == limits


@pytest.mark.parametrize("by", ["keys", "pointer"])
@pytest.mark.parametrize("size", [1, 4, 16])
def test_a_grain_is_the_exact_sum_of_its_block(
    stage: Stage, parts: list[torch.Tensor], size: int, by: str
) -> None:
    stage.choose("grain", size, by=by)
    place = (13, 40)
    stage.point(stage.maps().nth(BIAS).locator(".frame"), (place[1] + 0.5) / 64, (place[0] + 0.5) / 64)
    for i, part in enumerate(parts):
        row, column = (at // size for at in place)
        assert close(stage.reading_of(i), float(blocks(part, size)[row, column]), THREE), i
        assert close(stage.sum_of(i), float(part.sum()), 1e-5)


def test_the_keys_read_the_same_pixel_in_all_pictures(stage: Stage, parts: list[torch.Tensor]) -> None:
    stage.root.locator(".bbp-picture .frame").focus()
    stage.press("ArrowDown", "ArrowDown", "Shift+ArrowRight")
    row, column = 33, 42
    assert f"row {row}, column {column}" in stage.root.locator(".bbp-gallery .unit").inner_text()
    for i, part in enumerate(parts):
        assert close(stage.reading_of(i), float(part[row, column]), THREE)
    stage.press("Home", "ArrowUp", "End")
    assert f"row {row - 1}, column 63" in stage.root.locator(".bbp-gallery .unit").inner_text()
    assert "row 32, column 63: gradient attribution" in stage.said(".bbp-gallery > .bbp-unseen")
    step = stage.step()
    stage.press("Escape", "ArrowLeft")
    assert stage.step() == step + 1


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_how_much_of_the_mass_lies_over_the_input(stage: Stage, by: str, python: Any) -> None:
    blend = stage.root.get_by_label("how much of the mass lies over the input")
    if by == "keys":
        blend.focus()
        stage.press("End", "ArrowLeft")
        wanted = 0.99
    else:
        stage.point(blend, 0.15, 0.5)  # beside the thumb, which is a third as wide as its track
        stage.page.mouse.down()
        stage.page.mouse.up()
        wanted = int(blend.input_value()) / 100
        assert wanted < 0.4
    stage.wait_at_rest()
    assert python("explorer.state['overlay']") == pytest.approx(wanted)
    before = stage.pixels(BIAS)
    lay = stage.button("maps too")
    if by == "keys":
        lay.focus()
        stage.press("Enter")
    else:
        lay.click()
    assert lay.get_attribute("aria-pressed") == "true"
    assert stage.pixels(BIAS) != before
    stage.walk("End")
    stage.picture("pictures")
