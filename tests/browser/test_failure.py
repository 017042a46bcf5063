"""What goes wrong is told, as text; the last good picture stays, and what comes after works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser.stage import Stage, close

import bbp_widgets as bbp

if TYPE_CHECKING:
    from jupyter_harness import Lab

BIAS = 1
BAD = """
import torch, bbp_widgets as bbp
demo = bbp.demo.digits()
inputs = demo.inputs[:4].clone()
inputs[1, 0, 2, 3] = float("nan")
class Moody(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = demo.network
    def forward(self, x):
        if torch.equal(x, inputs[2:3]):
            raise ValueError("not this <img src=x onerror=document.title='hacked'> picture")
        return self.inner(x)
names = ["<img src=x onerror=document.title='hacked'>"] + demo.classes[1:]
network = Moody().train()
explorer = bbp.Explorer(network, inputs, classes=names, labels=names[:4], pictures=demo.pictures[:4])
explorer
"""
UNSUPPORTED = """
class Odd(torch.nn.Module):
    def forward(self, x):
        return torch.special.i0(x).flatten(1)
odd = bbp.Explorer(Odd().eval(), torch.ones(1, 1, 4, 4))
odd
"""


def test_an_exception_a_nan_and_markup_are_told_in_words(lab: Lab) -> None:
    lab.open_cells(BAD, UNSUPPORTED)
    lab.run_all()
    stage = Stage(lab.page)
    demo = bbp.demo.digits()
    assert "training mode" in stage.root.inner_text()
    assert "<img src=x" in stage.root.inner_text()
    value, picture = stage.number("target"), stage.pixels(BIAS)
    stage.choose("sample", 1)
    assert "must be finite, got nan at (0, 0, 2, 3)" in stage.alert()
    assert (stage.number("target"), stage.pixels(BIAS), stage.chosen("sample")) == (value, picture, "0")
    stage.choose("sample", 2, by="keys")
    stage.wait_until("return root.querySelector('[role=alert] b')?.textContent === 'NotCaptured'")
    banner = stage.root.get_by_role("alert")
    assert "not this <img src=x" in banner.inner_text()
    banner.locator("summary").focus()
    stage.press("Enter")
    assert "in forward" in banner.locator("pre").inner_text()
    stage.picture("banner")
    assert (stage.number("target"), stage.pixels(BIAS)) == (value, picture)
    lab.page.wait_for_timeout(5200)
    assert not stage.root.locator(".badge").is_visible()  # it did answer
    stage.button("dismiss").click()
    assert not banner.is_visible()
    stage.choose("sample", 3)
    stage.wait_for_number("target", float(demo.network(demo.inputs[3:4]).max()))
    odd = lab.page.locator(".bbp").nth(1).get_by_role("alert").locator("p")
    odd.wait_for(timeout=20_000)
    assert "aten.i0.default has no linearization" in odd.inner_text()
    assert lab.page.locator("img[src=x]").count() == 0
    assert "hacked" not in lab.page.title()
    assert lab.cell_count() == 2
    assert lab.problems == []


SLOW = """
import dataclasses, time
import torch, bbp_widgets as bbp
from bbp_widgets.engine import Rule
@dataclasses.dataclass(frozen=True)
class Slow(Rule):
    name = "slow"
    says = "takes its time"
    def phi(self, tile):
        time.sleep(1)
        return torch.ones_like(tile.strength)
demo = bbp.demo.digits()
explorer = bbp.Explorer(
    demo.network, demo.inputs[:2], pictures=demo.pictures[:2], rules=["proportional", "uniform", Slow()]
)
explorer
"""


def test_a_computation_that_is_cancelled_leaves_the_last_good_picture(lab: Lab) -> None:
    lab.open_cells(SLOW)
    lab.run_all()
    stage = Stage(lab.page)
    stage.walk("End")
    picture = stage.pixels(BIAS)
    for by in ("pointer", "keys"):
        stage.choose("rule", "slow", by=by)
        work = stage.root.locator(".bbp-busy")
        work.locator(".words", has_text="walking back").wait_for(timeout=20_000)
        if by == "pointer":
            stage.picture("busy")
            stage.button("cancel").click()
        else:
            stage.walk("Escape")
        work.wait_for(state="hidden", timeout=10_000)
        assert stage.chosen("rule") == "proportional"
        assert stage.pixels(BIAS) == picture
    # what is superseded is dropped, and what comes late is not shown
    stage.choose("rule", "slow")
    stage.choose("rule", "uniform")
    stage.wait_until("return root.querySelector('.bbp-busy').hidden", timeout=30_000)
    assert stage.chosen("rule") == "uniform"
    expected = bbp.attribute(bbp.demo.digits().network, bbp.demo.digits().inputs[:1], rule="uniform")
    assert close(stage.sum_of(BIAS), float(expected.local.b[0]), 1e-4)
    lab.page.wait_for_timeout(1500)
    assert stage.chosen("rule") == "uniform"
    assert lab.read("explorer.rule") == "uniform"
    assert lab.problems == []
