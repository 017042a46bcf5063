"""The explorer in a real JupyterLab: it steps without the kernel, and shows Python's numbers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import bbp_widgets as bbp

if TYPE_CHECKING:
    from jupyter_harness import Lab
    from playwright.sync_api import Locator

NOTEBOOK = Path(__file__).resolve().parents[2] / "example_notebooks" / "01_step_backward.ipynb"
DIGITS = """
import torch, bbp_widgets as bbp
demo = bbp.demo.digits()
explorer = bbp.Explorer(
    demo.network, demo.inputs[:4], classes=demo.classes, labels=demo.labels[:4], pictures=demo.pictures[:4]
)
explorer
"""
#: Six digits.
SIX = 1e-6


class Stage:
    """One explorer on the page, as a reader uses it."""

    def __init__(self, lab: Lab, index: int = 0) -> None:
        self.lab = lab
        self.root: Locator = lab.page.locator(".bbp-explorer").nth(index)
        self.rail = self.root.locator(".bbp-rail")
        self.rail.wait_for(timeout=30_000)
        self.wait_for_film()

    def wait_for_film(self) -> None:
        self.root.locator("[data-key=target][data-value]").wait_for(timeout=60_000)

    def number(self, key: str) -> float:
        return float(
            self.root.locator(f".bbp-ledger [data-key={key}]").first.get_attribute("data-value") or "nan"
        )

    def step(self) -> int:
        return int(self.rail.get_attribute("aria-valuenow") or -1)

    def steps(self) -> int:
        return int(self.rail.get_attribute("aria-valuemax") or -1)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.lab.page.keyboard.press(key)

    def choose(self, group: str, key: str) -> None:
        self.root.locator(f'[role=radiogroup][aria-label="{group}"] [data-key="{key}"]').click()

    def wait_until(self, key: str, differs_from: float) -> None:
        self.lab.page.wait_for_function(
            "([root, key, old]) => Math.abs(Number(root.querySelector(`.bbp-ledger [data-key=${key}]`)"
            ".dataset.value) - old) > 1e-9",
            arg=[self.root.element_handle(), key, differs_from],
            timeout=30_000,
        )

    def pixels(self, index: int) -> str:
        """Return a picture as text, to see whether it was painted anew."""
        return str(
            self.root.locator(".bbp-gallery canvas").nth(index).evaluate("(canvas) => canvas.toDataURL()")
        )

    def alert(self) -> str:
        banner = self.root.get_by_role("alert")
        banner.locator("p").wait_for(timeout=30_000)
        return banner.inner_text()


def close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=SIX, abs_tol=1e-6)


def test_the_notebook_runs_and_its_explorers_step(lab: Lab) -> None:
    lab.page.set_viewport_size({"width": 1400, "height": 1500})
    lab.open_notebook(NOTEBOOK)
    cells = lab.cell_count()
    lab.run_all(240)
    stages = [Stage(lab, i) for i in range(3)]
    for i, stage in enumerate(stages):
        stage.rail.scroll_into_view_if_needed()
        stage.rail.focus()
        stage.press("End")
        assert stage.step() == stage.steps()
        assert close(stage.number("cut_bias"), stage.number("total_bias"))
        stage.press("Home", *["ArrowLeft"] * (stage.steps() * 2 // 3))
        lab.page.wait_for_timeout(400)
        lab.screenshot(f"light-{i}", stage.root)
    lab.set_theme("JupyterLab Dark")
    for i, stage in enumerate(stages):
        stage.rail.scroll_into_view_if_needed()
        lab.page.wait_for_timeout(400)
        lab.screenshot(f"dark-{i}", stage.root)
    lab.set_theme("JupyterLab Light")
    assert lab.cell_count() == cells
    assert lab.problems == []


def test_five_steps_while_the_kernel_is_busy(lab: Lab) -> None:
    lab.open_cells(DIGITS, "explorer.wait()", "import time; time.sleep(25); print('slept')")
    lab.start_all()
    stage = Stage(lab)
    lab.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.status === 'busy'"
    )
    stage.rail.focus()
    stage.press(*["ArrowLeft"] * 5)
    assert stage.step() == 5
    stage.press(
        "d", "d", "b", "a", "x", "m", "y", "0", "0"
    )  # commands of the notebook, were they let through
    stage.press("ArrowRight", "End", "Home", " ")
    lab.page.wait_for_timeout(1500)
    assert stage.step() >= 2  # it plays
    stage.press("Escape")
    status = "window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.status"
    assert lab.page.evaluate(f"() => {status}") == "busy"
    assert "slept" not in lab.output(2).inner_text()
    assert lab.cell_count() == 3
    assert lab.problems == []


def test_numbers_on_screen_are_pythons(lab: Lab) -> None:
    demo = bbp.demo.digits()
    result = bbp.attribute(demo.network, demo.inputs[:1])
    lab.open_cells(DIGITS)
    lab.run_all()
    stage = Stage(lab)
    stage.rail.focus()
    stops = [step for step in result.ledger if step.adds or step.mixes]
    assert stage.steps() == len(stops) + 1
    assert close(stage.number("target"), float(result.value[0]))
    for i, step in enumerate(stops, 1):
        stage.press("ArrowLeft")
        assert stage.step() == i
        for key, value in [
            ("arriving", step.mass_in), ("intercept", step.intercept), ("cut_gradient", step.cut_gradient),
            ("cut_bias", step.cut_bias), ("residual", step.residual),
        ]:  # fmt: skip
            assert close(stage.number(key), float(value[0])), (step.node, key)
        assert close(stage.number("passed"), float(step.mass_in[0] + step.intercept[0]))
    stage.press("ArrowLeft")
    assert close(stage.number("total_bias"), float(result.local.b[0]))
    assert close(stage.number("cut_gradient"), float((result.value - result.local.b)[0]))
    assert lab.problems == []


def test_rule_target_and_sample_repaint(lab: Lab) -> None:
    demo = bbp.demo.digits()
    lab.open_cells(DIGITS)
    lab.run_all()
    stage = Stage(lab)
    stage.rail.focus()
    stage.press("End")
    maps = [stage.pixels(i) for i in range(4)]
    stage.choose("rule", "uniform")
    lab.page.wait_for_function(
        "([root, old]) => [...root.querySelectorAll('.bbp-gallery canvas')].some((c, i) => c.toDataURL() !== old[i])",
        arg=[stage.root.element_handle(), maps],
        timeout=30_000,
    )
    value = stage.number("target")
    chosen = int(demo.network(demo.inputs[:1]).argsort(descending=True)[0, 1])
    stage.choose("target", str(chosen))
    stage.wait_until("target", value)
    expected = bbp.attribute(demo.network, demo.inputs[:1], target=chosen, rule="uniform")
    assert close(stage.number("target"), float(expected.value[0]))
    assert close(stage.number("total_bias"), float(expected.local.b[0]))
    value = stage.number("target")
    stage.choose("sample", "2")
    stage.wait_until("target", value)
    expected = bbp.attribute(demo.network, demo.inputs[2:3], rule="uniform")
    assert close(stage.number("target"), float(expected.value[0]))
    # back to what was seen: no kernel is asked, and Python knows
    stage.choose("sample", "0")
    first = bbp.attribute(demo.network, demo.inputs[:1], rule="uniform")
    assert close(stage.number("target"), float(first.value[0]))
    lab.page.wait_for_timeout(500)
    lab.page.evaluate(
        "async () => { const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;"
        " const code = `open('chosen.txt', 'w').write(f'{explorer.sample} {explorer.rule}')`;"
        " await kernel.requestExecute({ code }).done; }"
    )
    assert (lab.server.notebooks / "chosen.txt").read_text() == "0 uniform"
    assert lab.problems == []


def test_python_drives_and_reads_the_explorer(lab: Lab) -> None:
    lab.open_cells(
        DIGITS,
        "explorer.rule = 'softmax'; explorer.parameters = {'temperature': 0.3}; explorer.step = 4; explorer.wait()",
        "print(float(explorer.attribution.value), explorer.step, explorer.film.header['state']['parameters'])",
    )
    lab.run_all()
    stage = Stage(lab)
    lab.page.wait_for_timeout(800)
    assert stage.step() == 4
    assert (
        stage.root.locator('[role=radiogroup][aria-label="rule"] [aria-checked=true]').inner_text()
        == "softmax"
    )
    assert "0.3" in lab.output(2).inner_text()
    # a click on a bar of the bqplot panel moves the step
    bars = stage.root.locator(".bqplot rect.bar")
    lab.page.wait_for_function(
        "(root) => root.querySelectorAll('.bqplot rect.bar').length > 10", arg=stage.root.element_handle()
    )
    assert bars.count() == 3 * (stage.steps() + 1)
    bars.nth(3 * 2).click(force=True)
    lab.page.wait_for_function(
        "(rail) => rail.getAttribute('aria-valuenow') !== '4'", arg=stage.rail.element_handle()
    )
    assert lab.problems == []


BAD = """
import torch, bbp_widgets as bbp
demo = bbp.demo.digits()
inputs = demo.inputs[:3].clone()
inputs[1, 0, 2, 3] = float("nan")
names = ["<img src=x onerror=document.title='hacked'>"] + demo.classes[1:]
demo.network.train()
explorer = bbp.Explorer(demo.network, inputs, classes=names, labels=names[:3], pictures=demo.pictures[:3])
explorer
"""
UNSUPPORTED = """
import torch, bbp_widgets as bbp
class Odd(torch.nn.Module):
    def forward(self, x):
        return torch.special.i0(x).flatten(1)
odd = bbp.Explorer(Odd().eval(), torch.ones(1, 1, 4, 4))
odd
"""


def test_what_is_wrong_is_told_and_the_last_good_picture_stays(lab: Lab) -> None:
    lab.open_cells(BAD, UNSUPPORTED)
    lab.run_all()
    stage = Stage(lab)
    assert "training mode" in stage.root.inner_text()
    value, picture = stage.number("target"), stage.pixels(2)
    stage.choose("sample", "1")
    told = stage.alert()
    assert "must be finite, got nan at (0, 0, 2, 3)" in told
    assert stage.number("target") == value
    assert stage.pixels(2) == picture
    lab.screenshot("banner", stage.root)
    stage.root.get_by_role("button", name="dismiss").click()
    stage.choose("sample", "2")
    stage.wait_until("target", value)
    assert lab.page.locator("img[src=x]").count() == 0
    assert "hacked" not in lab.page.title()
    assert "<img src=x" in stage.root.inner_text()
    odd = lab.page.locator(".bbp-explorer").nth(1)
    banner = odd.get_by_role("alert").locator("p")
    banner.wait_for(timeout=20_000)
    assert "aten.i0.default has no linearization" in banner.inner_text()
    lab.screenshot("unsupported", odd)
    assert lab.problems == []


def test_films_keep_stepping_when_the_kernel_is_gone(lab: Lab) -> None:
    lab.open_cells(DIGITS)
    lab.run_all()
    stage = Stage(lab)
    lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")
    lab.page.wait_for_timeout(500)
    lab.ignore += ["Cannot send", "Canceled", "Disposed", "kernel"]  # what Lab itself says of a dead kernel
    stage.rail.focus()
    stage.press(*["ArrowLeft"] * 3)
    assert stage.step() == 3
    result = bbp.attribute(bbp.demo.digits().network, bbp.demo.digits().inputs[:1])
    third = [step for step in result.ledger if step.adds or step.mixes][2]
    assert close(stage.number("cut_bias"), float(third.cut_bias[0]))
    assert lab.cell_count() == 1


def test_a_table_has_bars_instead_of_pictures(lab: Lab) -> None:
    lab.open_cells(
        "import torch, bbp_widgets as bbp; torch.manual_seed(0)\n"
        "net = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)).eval()\n"
        "bbp.Explorer(net, torch.randn(3, 5), features=['rooms', 'age', 'income', 'north', 'west'])"
    )
    lab.run_all()
    stage = Stage(lab)
    stage.rail.focus()
    stage.press("End")
    for name in ("rooms", "income", "west"):
        assert name in stage.root.inner_text()
    lab.screenshot("table", stage.root)
    assert lab.problems == []


def test_a_narrow_window_still_holds_everything(lab: Lab) -> None:
    lab.page.set_viewport_size({"width": 760, "height": 1400})
    lab.open_cells(DIGITS)
    lab.run_all()
    stage = Stage(lab)
    stage.rail.focus()
    stage.press("ArrowLeft", "ArrowLeft", "ArrowLeft")
    lab.page.wait_for_timeout(300)
    box = stage.root.bounding_box()
    assert box is not None
    wider = stage.root.evaluate(
        "(root) => [...root.querySelectorAll('*')].filter((e) => !e.closest('.bqplot') && !e.closest('.bbp-unseen')"
        " && e.getBoundingClientRect().right > root.getBoundingClientRect().right + 2).map((e) => e.className)"
    )
    lab.screenshot("narrow", stage.root)
    assert wider == []
    assert lab.problems == []
