"""What is left without a kernel: a saved page steps and undoes offline, a reopened notebook shows a still."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import bbp_widgets as bbp

if TYPE_CHECKING:
    from jupyter_harness import Lab
    from playwright.sync_api import Browser, Page

DIGITS = """
import bbp_widgets as bbp
demo = bbp.demo.digits()
explorer = bbp.Explorer(demo.network, demo.inputs[:2], classes=demo.classes, pictures=demo.pictures[:2])
explorer
"""
TARGET = ".bbp-explorer [data-key=target][data-value]"
SAVED_AND_STILL = """() => window.jupyterapp.shell.currentWidget.model.sharedModel.cells[0].toJSON().outputs
  .some((output) => String(output.data?.['text/html'] ?? '').includes('<img'))"""


@pytest.fixture
def offline(browser: Browser) -> Iterator[Page]:
    """A page without a network, that notes whatever goes wrong in it."""
    context = browser.new_context(
        offline=True, reduced_motion="reduce", viewport={"width": 1300, "height": 1200}
    )
    page = context.new_page()
    page.problems = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.problems.append(str(error)))  # type: ignore[attr-defined]
    page.on(
        "console",
        lambda said: page.problems.append(said.text) if said.type == "error" else None,  # type: ignore[attr-defined]
    )
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith(("file:", "blob:", "data:")) else page.problems.append(asked.url)  # type: ignore[attr-defined]
        ),
    )
    yield page
    context.close()


def test_a_saved_page_steps_switches_rules_and_undoes_without_a_network(
    offline: Page, tmp_path: Path
) -> None:
    demo = bbp.demo.digits()
    evil = "</script><img src=x onerror=document.title='hit'>"
    explorer = bbp.Explorer(
        demo.network, demo.inputs[:2], classes=[evil, *demo.classes[1:]], pictures=demo.pictures[:2], target=0,
        rules=["proportional", "uniform"],
    )  # fmt: skip
    path = explorer.save(tmp_path / "digits.html", title="digits <b>")
    values = {rule: _cut_bias(demo, rule) for rule in ("proportional", "uniform")}
    explorer.close()
    page = offline
    page.goto(path.as_uri())
    page.locator(TARGET).first.wait_for(timeout=60_000)
    rail = page.locator(".bbp-rail [role=slider], .bbp-rail[role=slider]").first
    rail.focus()
    page.keyboard.press("End")
    assert rail.get_attribute("aria-valuenow") == rail.get_attribute("aria-valuemax")
    for rule in ("uniform", "proportional"):
        page.locator(f'[role=radiogroup][aria-label="rule"] [data-key="{rule}"]').click()
        rail.focus()
        page.keyboard.press("End")
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "([value]) => [...document.querySelectorAll('[data-key=cut_bias]')]"
            ".some((node) => Math.abs(Number(node.dataset.value) - value) < 1e-4)",
            arg=[values[rule]],
        )
    page.keyboard.press("Control+z")
    assert page.title() == "digits <b>"
    assert evil in page.locator("body").inner_text() or "…" in page.locator("body").inner_text()
    assert page.problems == []  # type: ignore[attr-defined]


def _cut_bias(demo: Any, rule: str) -> float:
    """Return the bias part of the cut one stop before the input."""
    explorer = bbp.Explorer(demo.network, demo.inputs[:1], rule=rule, target=0)
    explorer.wait()
    assert explorer.film is not None
    header = explorer.film.header
    explorer.close()
    return float(header["frames"][header["levels"]["layers"][-2]["frame"]]["cut_bias"])


def test_a_notebook_without_its_kernel_shows_a_still(lab: Lab) -> None:
    lab.open_cells(DIGITS)
    lab.run_all()
    page = lab.page
    page.locator(TARGET).first.wait_for(timeout=60_000)
    page.wait_for_function(SAVED_AND_STILL, timeout=60_000)
    still = page.locator(".bbp-still img")
    assert not still.is_visible()
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")
    assert page.locator(".bbp-explorer").is_visible()  # it still steps
    notebook = next(lab.server.notebooks.glob("test_a_notebook_without*.ipynb"))
    saved = json.loads(notebook.read_text("utf8"))
    assert notebook.stat().st_size < 2_000_000
    assert any(
        "widget-view" in kind for output in saved["cells"][0]["outputs"] for kind in output.get("data", {})
    )
    assert lab.problems == []
    page.reload()
    still.wait_for(state="visible", timeout=60_000)
    assert "Explorer(Digits, 2 inputs" in (still.get_attribute("alt") or "")
    assert still.evaluate("(image) => image.naturalWidth") > 100
    lab.screenshot("without-kernel")
    lab.problems.clear()  # the host says that the widget is gone
