"""The wait for the first film of a slow walk: the target and its two parts are told before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import bbp_widgets as bbp

if TYPE_CHECKING:
    from jupyter_harness import Lab

SLOW = """
import time
import torch, bbp_widgets as bbp
class Slow(bbp.rules.Rule):
    name = "slow"
    def phi(self, tile):
        time.sleep(0.7)
        return torch.ones_like(tile.strength)
demo = bbp.demo.digits()
explorer = bbp.Explorer(demo.network, demo.inputs[:2], classes=demo.classes, rules=(Slow(),))
explorer
"""


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_the_two_parts_are_told_before_the_bias_has_been_carried_back(lab: Lab, theme: str) -> None:
    lab.open_cells(SLOW)
    lab.set_theme(f"JupyterLab {theme}")
    lab.run_all()
    waiting = lab.page.locator(".bbp-waiting")
    waiting.locator(".sum").wait_for(timeout=30_000)
    demo = bbp.demo.digits()
    local = bbp.linearize(demo.network, demo.inputs[:1])
    assert local.target is not None
    label = demo.classes[int(local.target[0])]
    parts = [float(part) for part in (local.value[0], local.value[0] - local.b[0], local.b[0])]
    words = waiting.locator(".sum").inner_text().replace("−", "-").split()
    assert words[0] == label.split()[0]
    shown = [float(word) for word in words if word.lstrip("-").replace(".", "", 1).isdigit()][-3:]
    assert shown == pytest.approx(parts, rel=1e-3)
    assert "carried back" in waiting.inner_text()
    lab.screenshot(f"waiting-{theme.lower()}")
    waiting.wait_for(state="hidden", timeout=60_000)
    assert lab.page.locator(".bbp-ledger [data-key=target][data-value]").first.is_visible()
    lab.set_theme("JupyterLab Light")
    assert lab.problems == []
