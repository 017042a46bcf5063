"""What a saved notebook holds: little, and a still that is seen where there is no kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser.stage import Stage
from jupyter_harness import new_page

if TYPE_CHECKING:
    from jupyter_harness import Lab

SHAPES = """
import ipywidgets
import bbp_widgets as bbp
demo = bbp.demo.shapes()
explorer = bbp.Explorer(demo.network, demo.inputs[:4], classes=demo.classes, pictures=demo.pictures[:4])
display(ipywidgets.IntSlider())
explorer
"""
MOST = 2_000_000
TWO_LOST = """() => [...document.querySelectorAll('.jp-OutputArea-output')]
  .filter((node) => node.textContent.startsWith('Error displaying')).length === 2"""


def test_it_grows_little_and_shows_a_still_when_it_is_opened_again(lab: Lab) -> None:
    lab.open_cells(SHAPES)
    path = lab.server.notebooks / lab.page.url.partition("/doc/tree/")[2].partition("?")[0]
    before = path.stat().st_size
    lab.run_all()
    stage = Stage(lab.page)
    for rule in ("uniform", "softmax"):
        stage.choose("rule", rule)
        stage.wait_at_rest()
        lab.execute("explorer.wait()")
    stage.walk("End")
    stage.wait_at_rest()
    still = lab.page.locator(".bbp-still img")
    still.wait_for(state="attached", timeout=30_000)
    assert not still.is_visible()  # the widget is there
    lab.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    lab.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    assert path.stat().st_size - before < MOST
    browser = lab.page.context.browser
    assert browser is not None
    lab.close()
    page = new_page(browser)
    try:
        page.goto(f"{lab.server.url}/doc/tree/{path.name}?token={lab.server.token}&reset")
        page.locator(".bbp-still img").wait_for(timeout=60_000)
        lost = page.get_by_text("Error displaying widget: model not found")
        lost.first.wait_for(timeout=60_000)
        # the slider's, which has nothing better to show; not that of the explorer above its still
        page.wait_for_function(TWO_LOST)
        assert [line.is_visible() for line in lost.all()] == [True, False]
        assert "w·x" in (page.locator(".bbp-still img").get_attribute("alt") or "")
        page.screenshot(path=lab.screenshot("first").with_name("reopened.png"))
    finally:
        page.evaluate("() => window.jupyterapp?.shell?.currentWidget?.context?.sessionContext?.shutdown()")
        page.context.close()
    assert lab.problems == []
