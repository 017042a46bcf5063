"""A network of several inputs: a pane each, by pointer and by keys; the sums are those of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from browser.stage import Stage, close
from browser.test_page import violations

THREE = """
import torch, bbp_widgets as bbp
from torch import nn
torch.manual_seed(4)
class Three(nn.Module):
    def __init__(self):
        super().__init__()
        self.image, self.signal, self.table = nn.Conv2d(3, 6, 5), nn.Conv1d(2, 5, 7), nn.Linear(4, 5)
        self.head = nn.Linear(16, 3)
    def forward(self, picture, sound, row):
        parts = self.image(picture).relu().mean((2, 3)), self.signal(sound).relu().mean(2), self.table(row).relu()
        return self.head(torch.cat(parts, 1))
network = Three().eval()
demo = bbp.demo.shapes()
inputs = demo.inputs[:2], torch.randn(2, 2, 60), torch.randn(2, 4)
explorer = bbp.Explorer(
    network, inputs, target=1, pictures=(demo.pictures[:2], None, None), features=["age", "rooms", "income", "north"]
)
"""
#: Figures are read with three digits.
DIGITS = 6e-3


def test_every_input_has_a_pane_and_they_add_up(instead: Callable[[str], Stage], python: Any) -> None:
    stage = instead(THREE)
    panes = stage.root.locator(".bbp-pane:visible")
    assert panes.locator(".pane-title").all_inner_texts() == ["picture", "sound", "row"]
    bias = python("[float(part.double().sum()) for part in explorer.attribution.bias]")
    # w ⊙ x, bias attribution and total: of the picture, then of the signal; the table has its own line of sums
    assert close(stage.sum_of(1), bias[0], 1e-5)
    assert close(stage.sum_of(4), bias[1], 1e-5)
    table = panes.nth(2).locator("tfoot td b")
    assert close(float(table.nth(1).get_attribute("data-value") or "nan"), bias[2], 1e-5)
    stage.walk("End")
    assert close(sum(bias), stage.number("total_bias"), 1e-5)
    place = python("float(explorer.attribution.bias[1][0, 1, 30].double())")
    frame = panes.nth(1).locator(".bbp-signal-input .frame")
    frame.focus()
    stage.press("ArrowRight")
    assert stage.root.locator(".bbp-gallery .reading").first.inner_text() != ""
    assert stage.root.locator(".tools .reading").inner_text() == "sound, position 30, channel 1"
    assert close(stage.reading_of(4), place, DIGITS)
    stage.press("Escape")
    assert violations(stage) == []
    stage.picture("several")


def limits(stage: Stage, pane: int) -> str:
    """Return what a pane says of the step that lies over its input."""
    where = ".bbp-picture" if pane == 0 else ".bbp-signal-input"
    return stage.root.locator(".bbp-pane").nth(pane).locator(f"{where} .limits span").last.inner_text()


def fields(stage: Stage) -> list[int]:
    """Return how many places of each input a unit's field is drawn on."""
    panes = stage.root.locator(".bbp-pane:visible")
    return [panes.nth(i).locator(".field:visible").count() for i in range(panes.count())]


def test_steps_fields_and_units_are_of_the_input_that_they_are_of(
    instead: Callable[[str], Stage], python: Any
) -> None:
    stage = instead(THREE)
    modules = python("[frame['module'] for frame in explorer.film.header['frames']]")
    first, second, last = modules.index("image"), modules.index("signal"), len(modules) - 1
    python(f"setattr(explorer, 'step', {second})")
    stage.wait_until(
        "return root.querySelector('.bbp-rail').getAttribute('aria-valuetext').includes('signal')"
    )
    assert (limits(stage, 0), limits(stage, 1)) == ("mass of other inputs", "mass on 54")
    board = stage.root.locator(".bbp-atlas .tile:visible .face").first
    stage.point(board, 0.5, 0.5)
    assert fields(stage) == [0, 4, 0]
    box = stage.root.locator(".bbp-signal-input .field").bounding_box()
    frame = stage.root.locator(".bbp-signal-input .frame").bounding_box()
    assert box is not None
    assert frame is not None
    assert abs(box["width"] / frame["width"] - 7 / 60) < 0.02
    python(f"setattr(explorer, 'step', {first})")
    stage.wait_until(
        "return root.querySelector('.bbp-rail').getAttribute('aria-valuetext').includes('image')"
    )
    assert (limits(stage, 0), limits(stage, 1)) == ("mass on 30 × 30", "mass of other inputs")
    stage.point(board, 0.5, 0.5)
    assert fields(stage) == [4, 0, 0]
    # a click on the signal selects its unit, whatever the step
    sound = stage.root.locator(".bbp-signal-input .frame")
    stage.point(sound, 20.5 / 60, 0.75)
    stage.page.mouse.down()
    stage.page.mouse.up()
    stage.wait_at_rest()
    assert python("explorer.selection") == {"frame": last + 1, "at": [1, 0, 20]}
    mass = python("float(explorer.attribution.bias[1][0, 1, 20])")
    unit = stage.root.locator(".bbp-inspector")
    stage.wait_until("return root.querySelector('.bbp-inspector [data-key=mass]') !== null")
    assert "sound" in unit.locator("h4").inner_text()
    shown = float(unit.locator("[data-key=mass]").first.get_attribute("data-value") or "nan")
    assert close(shown, mass, 1e-5)
    assert fields(stage)[0] == 0
    # where it came from is gone to, and the unit there says that it gave to this input
    unit.locator("button.term").first.click()
    stage.wait_at_rest()
    assert python(f"explorer.selection['frame'] == {second} and explorer.step == {second}")
    stage.wait_until("return root.querySelector('.bbp-inspector table.gives button.term') !== null")
    unit.locator("table.gives button.term").first.click()
    stage.wait_at_rest()
    assert python(f"explorer.selection['frame'] == {last} + 1 and explorer.step == {last} + 1")
    assert violations(stage) == []
    stage.picture("several-unit")


def test_at_the_input_each_has_its_maps_by_keys(instead: Callable[[str], Stage], python: Any) -> None:
    stage = instead(THREE)
    stage.walk("End")
    assert "3 channels of 64 × 64" in stage.root.locator(".bbp-atlas h4").inner_text()
    assert (limits(stage, 0), limits(stage, 1)) == ("mass on 32 × 32", "mass on 30")
    stage.choose("which input", 1, by="keys")
    assert "2 channels of 1 × 60" in stage.root.locator(".bbp-atlas h4").inner_text()
    tiles = stage.root.locator(".bbp-atlas .tile:visible")
    for tile in range(2):
        channel = int(tiles.nth(tile).locator(".number").inner_text())
        shown = float(tiles.nth(tile).locator("b").get_attribute("data-value") or "nan")
        assert close(shown, python(f"float(explorer.attribution.bias[1][0, {channel}].double().sum())"), 1e-4)
    stage.wait_at_rest()
    last = python("len(explorer.film.header['frames']) - 1")
    assert python("explorer.step") == last + 1
    assert stage.step() == stage.steps()
    stage.choose("which input", 2)
    rows = stage.root.locator(".bbp-atlas ol.largest button:visible")
    assert sorted(text.split()[0] for text in rows.all_inner_texts()) == ["age", "income", "north", "rooms"]
    # a place of the picture picked by keys turns to its maps
    picture = stage.root.locator(".bbp-picture .frame").first
    picture.focus()
    stage.press("ArrowRight", "ArrowRight", "Enter")
    stage.wait_at_rest()
    assert stage.chosen("which input") == "0"
    selected = python("explorer.selection")
    assert selected["frame"] == last
    assert selected["at"][1:] == [32, 33]
    channel = selected["at"][0]
    strongest = python("int(explorer.attribution.bias[0][0, :, 32:34, 32:34].sum((1, 2)).abs().argmax())")
    assert channel == strongest
    stage.walk("Control+z")
    stage.wait_at_rest()
    assert python("explorer.step") == last + 2
    assert violations(stage) == []


def test_another_sample_and_rule_are_shown_in_all_panes(instead: Callable[[str], Stage], python: Any) -> None:
    stage = instead(THREE)
    stage.choose("rule", "uniform")
    stage.wait_at_rest()
    bias = python("[float(part.double().sum()) for part in explorer.attribution.bias]")
    assert close(stage.sum_of(4), bias[1], 1e-5)
    python("explorer.set_trait('sample', 1)")
    python("explorer.wait()")
    bias = python("[float(part.double().sum()) for part in explorer.attribution.bias]")
    stage.wait_until(
        "return Math.abs(Number(root.querySelectorAll('.bbp-trace .figure')[2].dataset.value) - rest[0]) < 1e-6",
        bias[1],
    )
    python("explorer.show(tuple(x[0] for x in inputs))")
    python("explorer.wait()")
    bias = python("[float(part.double().sum()) for part in explorer.attribution.bias]")
    stage.wait_until(
        "return Math.abs(Number(root.querySelectorAll('.bbp-trace .figure')[2].dataset.value) - rest[0]) < 1e-6",
        bias[1],
    )
