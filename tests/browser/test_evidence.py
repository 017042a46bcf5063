"""The evidence widgets in a real JupyterLab: the bias is faded by keyboard, names stay text, bars are drawn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_harness import Lab

FADE = """
import torch, bbp_widgets as bbp
demo = bbp.demo.digits()
names = ["<img src=x onerror=alert(1)>", *demo.classes[1:]]
result = bbp.evidence.decomposition_accuracy(demo.network, demo.inputs, demo.labels, progress=False)
result.fade(pictures=demo.pictures, classes=names)
"""
BARS = """
values = {f"method {k}": torch.arange(6.0) * k for k in range(4)}
bbp.evidence.Scores("points", "higher", values).bars()
"""


def test_the_bias_is_faded_by_keyboard(lab: Lab) -> None:
    lab.open_cells(FADE, BARS)
    lab.run_all()
    page = lab.page
    fade = page.locator(".bbp-fade")
    said = fade.get_by_text(re.compile(r"^w·x \+ 1\.00·b: \d+ of 12 right"))
    said.wait_for()
    box = fade.locator("input[type=number]")
    box.focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    fade.get_by_text(re.compile(r"^w·x \+ 0\.97·b")).wait_for()
    box.fill("0")
    page.keyboard.press("Enter")
    fade.get_by_text(re.compile(r"^w·x \+ 0\.00·b")).wait_for()
    assert fade.locator("img:visible").count() > 3
    assert fade.locator("img[src=x]").count() == 0  # a name is text
    page.wait_for_function("document.querySelectorAll('.bqplot rect.bar').length === 4")
    for name in ("method 0", "method 3"):
        assert page.locator(".bqplot").get_by_text(name, exact=True).count() == 1
    lab.screenshot("light")
    lab.set_theme("JupyterLab Dark")
    lab.screenshot("dark")
    lab.set_theme("JupyterLab Light")
    assert lab.cell_count() == 2
    assert lab.problems == []
