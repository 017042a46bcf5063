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


def test_killed_it_is_told_at_once_and_films_keep_stepping_until_it_is_back(lab: Lab) -> None:
    demo = bbp.demo.digits()
    result = bbp.attribute(demo.network, demo.inputs[:1])
    lab.open_cells(DIGITS)
    lab.run_all()
    stage = Stage(lab.page)
    stage.choose("rule", "uniform")
    stage.wait_at_rest()
    stage.choose("rule", "proportional")
    stage.wait_at_rest()
    lab.ignore += ["kernel", "Kernel", "Canceled", "Disposed", "Cannot send", "WebSocket"]  # Lab's own words
    before = stage.step()
    lab.page.evaluate(
        "() => { const { kernel } = window.jupyterapp.shell.currentWidget.context.sessionContext.session;"
        " kernel.requestExecute({ code: 'os._exit(1)' }).done.catch(() => null); }"
    )
    lab.page.locator(".jp-Dialog .jp-mod-accept").click(timeout=30_000)  # "The kernel appears to have died"
    badge = stage.root.locator(".badge")
    badge.wait_for(timeout=5_000)
    assert badge.inner_text() == "kernel restarted"  # Lab does that by itself
    assert not stage.root.get_by_role("alert").is_visible()  # nothing was asked
    stage.walk("ArrowLeft", "ArrowLeft", "ArrowLeft")
    assert stage.step() == before + 3
    third = [step for step in result.ledger if step.adds or step.mixes][2]
    assert close(stage.number("cut_bias"), float(third.cut_bias[0]))
    picture = stage.pixels(1)
    stage.option("rule", "softmax").click()  # nobody can compute it: that is said at once
    stage.root.get_by_role("alert").locator("p").wait_for(timeout=1_000)
    assert "run the cell again" in stage.alert()
    assert (stage.chosen("rule"), stage.pixels(1)) == ("proportional", picture)
    assert not stage.root.locator(".bbp-busy").is_visible()
    stage.picture("no-kernel")
    stage.button("dismiss").click()
    stage.choose("rule", "uniform")  # computed before
    stage.wait_until(
        "return root.querySelector('[role=radiogroup][aria-label=rule] [aria-checked=true]').dataset.key === 'uniform'"
    )
    assert stage.pixels(1) != picture
    stage.walk("ArrowLeft")
    assert stage.step() == before + 4
    # the cell is run again
    lab.page.wait_for_function(f"() => {STATUS} === 'idle'", timeout=60_000)
    lab.run_all()
    again = Stage(lab.page)
    again.choose("sample", 1)
    again.wait_for_number("target", float(demo.network(demo.inputs[1:2]).detach().max()))
    assert not again.root.locator(".badge").is_visible()
    assert lab.problems == []


def test_asked_while_it_dies_and_shut_down_it_is_told_as_well(lab: Lab) -> None:
    # busy in earnest, with the lock of the interpreter: a newer ipykernel talks to widgets in a thread of its own
    asleep = "import ctypes, time; print('asleep', flush=True); time.sleep(1); ctypes.PyDLL(None).sleep(60)"
    lab.open_cells(DIGITS, asleep)
    lab.ignore += ["kernel", "Kernel", "Canceled", "Disposed", "Cannot send", "WebSocket"]
    lab.run_cell(0)
    stage = Stage(lab.page)
    lab.page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1;"
                      " window.jupyterapp.commands.execute('notebook:run-cell'); }")  # fmt: skip
    lab.output(1).get_by_text("asleep").wait_for()
    lab.page.wait_for_timeout(2000)
    stage.option("rule", "softmax").click()
    words = stage.root.locator(".bbp-busy .words", has_text="it may be busy")
    words.wait_for(timeout=15_000)  # busy: waited for
    assert stage.chosen("rule") == "softmax"
    assert not stage.root.get_by_role("alert").is_visible()
    lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")
    assert "The kernel is gone" in stage.alert()
    assert stage.chosen("rule") == "proportional"
    assert stage.root.locator(".badge").inner_text() == "no kernel"
    assert not stage.root.locator(".bbp-busy").is_visible()
    stage.walk("ArrowLeft")
    assert stage.step() == 1
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
