"""The kernel comes and goes: busy, killed, restarted; the films that were seen keep stepping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser.stage import Stage, close

import bbp_widgets as bbp

if TYPE_CHECKING:
    from jupyter_harness import Lab

DIGITS = """
import os, bbp_widgets as bbp
demo = bbp.demo.digits()
explorer = bbp.Explorer(
    demo.network, demo.inputs[:4], classes=demo.classes, labels=demo.labels[:4], pictures=demo.pictures[:4]
)
explorer
"""
STATUS = "window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.status"


def test_it_steps_and_keeps_its_keys_while_the_kernel_is_busy(lab: Lab) -> None:
    lab.open_cells(DIGITS, "explorer.wait()", "import time; time.sleep(15); print('slept')")
    lab.start_all()
    stage = Stage(lab.page)
    lab.page.wait_for_function(f"() => {STATUS} === 'busy'")
    stage.walk(*["ArrowLeft"] * 5)
    assert stage.step() == 5
    # commands of the notebook, were they let through
    stage.press("d", "d", "b", "a", "x", "m", "y", "0", "0")
    for control in (
        stage.button("copy as Python"),
        stage.option("scale", "each"),
        stage.option("rule", "uniform"),
    ):
        control.focus()
        stage.press("d", "d", "x", "a")
    stage.walk("ArrowRight", "End", "Home", " ")
    stage.wait_until("return Number(root.querySelector('.bbp-rail').getAttribute('aria-valuenow')) >= 2")
    stage.press("Escape")
    assert lab.page.evaluate(f"() => {STATUS}") == "busy"
    assert "slept" not in lab.output(2).inner_text()
    assert lab.cell_count() == 3
    assert lab.problems == []


def test_killed_it_is_told_and_films_keep_stepping_until_it_is_back(lab: Lab) -> None:
    demo = bbp.demo.digits()
    result = bbp.attribute(demo.network, demo.inputs[:1])
    lab.open_cells(DIGITS)
    lab.run_all()
    stage = Stage(lab.page)
    lab.ignore += ["kernel", "Kernel", "Canceled", "Disposed", "Cannot send", "WebSocket"]  # Lab's own words
    before = stage.step()
    lab.page.evaluate(
        "() => { const { kernel } = window.jupyterapp.shell.currentWidget.context.sessionContext.session;"
        " kernel.requestExecute({ code: 'os._exit(1)' }).done.catch(() => null); }"
    )
    lab.page.locator(".jp-Dialog .jp-mod-accept").click(timeout=30_000)  # "The kernel appears to have died"
    stage.walk("ArrowLeft", "ArrowLeft", "ArrowLeft")
    assert stage.step() == before + 3
    third = [step for step in result.ledger if step.adds or step.mixes][2]
    assert close(stage.number("cut_bias"), float(third.cut_bias[0]))
    stage.choose("rule", "uniform")
    stage.root.locator(".badge", has_text="no kernel").wait_for(timeout=15_000)
    stage.picture("no-kernel")
    stage.walk("ArrowLeft")
    assert stage.step() == before + 4
    # Lab restarts what was killed, or is told to; the cell is run again
    lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.sessionContext.restartKernel()")
    lab.page.wait_for_function(f"() => {STATUS} === 'idle'", timeout=60_000)
    lab.run_all()
    again = Stage(lab.page)
    again.choose("sample", 1)
    again.wait_for_number("target", float(demo.network(demo.inputs[1:2]).detach().max()))
    assert not again.root.locator(".badge").is_visible()
    assert lab.problems == []


def test_an_output_that_is_deleted_leaves_nothing_behind(lab: Lab) -> None:
    lab.open_cells(DIGITS, "explorer.wait()")
    lab.run_all()
    stage = Stage(lab.page)
    stage.walk(" ")
    lab.page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    lab.page.wait_for_function("() => document.querySelectorAll('.bbp').length === 0")
    lab.execute("explorer.rule = 'uniform'; explorer.wait()")
    lab.page.wait_for_timeout(1000)
    lab.execute("explorer.close()")
    lab.run_cell(0)
    assert Stage(lab.page).step() == 0
    assert lab.problems == []
