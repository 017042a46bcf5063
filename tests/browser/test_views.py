"""Two views of one explorer on a page: one state, driven from either, with no message from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser.stage import Stage

if TYPE_CHECKING:
    from jupyter_harness import Lab

DIGITS = """
import bbp_widgets as bbp
demo = bbp.demo.digits()
explorer = bbp.Explorer(
    demo.network, demo.inputs[:4], classes=demo.classes, labels=demo.labels[:4], pictures=demo.pictures[:4]
)
explorer
"""
#: Counts what the page says to the kernel about a comm.
COUNT = """() => {
  const { kernel } = window.jupyterapp.shell.currentWidget.context.sessionContext.session;
  window.said = 0;
  kernel.anyMessage.connect((_, { msg, direction }) => {
    if (direction === 'send' && msg.header.msg_type === 'comm_msg') window.said += 1;
  });
}"""


def _state(stage: Stage) -> tuple[object, ...]:
    tab = stage.root.locator(".bbp-tabs [aria-selected=true]").first.get_attribute("data-key")
    unit = stage.root.locator(".bbp-inspector").inner_text() if tab == "maps" else ""
    chosen = [stage.chosen(label) for label in ("rule", "sample", "target", "scale")]
    return (stage.step(), *chosen, tab, unit, stage.number("cut_bias"), stage.pixels(1))


def test_they_show_one_state_whichever_is_driven_or_closed(lab: Lab) -> None:
    lab.open_cells(DIGITS, "explorer")
    lab.run_cell(0)
    lab.run_cell(1)
    one, two = Stage(lab.page, index=0), Stage(lab.page, index=1)
    assert _state(one) == _state(two)
    one.wait_at_rest()
    lab.page.evaluate(COUNT)
    # every step of a walk is seen in both, and told to Python once, when it is over
    one.walk(*["ArrowLeft"] * 6)
    assert (one.step(), two.step()) == (6, 6)
    one.wait_at_rest()
    assert lab.page.evaluate("window.said") == 1
    assert lab.read("explorer.step") == lab.read("explorer.film.header['levels']['layers'][6]['frame']")
    # a unit, a scale and a panel, from the other one
    cell = two.root.locator(".bbp-atlas canvas").first
    two.point(cell, 0.2, 0.2)
    lab.page.mouse.down()
    lab.page.mouse.up()
    two.choose("scale", "shared")
    two.wait_at_rest()
    assert _state(one) == _state(two)
    assert lab.read("explorer.selection") is not None
    # what is computed for one is there for the other
    two.choose("rule", "uniform")
    one.wait_until(
        "return root.querySelector('[role=radiogroup][aria-label=rule] [aria-checked=true]').dataset.key === 'uniform'"
        " && root.querySelector('.bbp-busy').hidden"
    )
    one.wait_at_rest()
    assert _state(one) == _state(two)
    one.panel("flow")
    assert two.root.locator(".bbp-tabs [data-key=flow]").get_attribute("aria-selected") == "true"
    # undone in the other
    two.walk("Control+z", "Control+z")
    assert (one.chosen("rule"), two.chosen("rule")) == ("proportional", "proportional")
    one.walk("Home")
    # the clock is one: played here, stopped there
    one.walk(" ")
    two.wait_until("return Number(root.querySelector('.bbp-rail').getAttribute('aria-valuenow')) >= 2")
    two.walk("Escape")
    at = one.step()
    lab.page.wait_for_timeout(900)
    assert (one.step(), two.step()) == (at, at)
    lab.screenshot("two")
    # at rest nothing is said, and nothing echoes
    one.wait_at_rest()
    said = lab.page.evaluate("window.said")
    lab.page.wait_for_timeout(1500)
    assert lab.page.evaluate("window.said") == said
    # the first view goes, through which the page talked: the other still asks and is answered
    lab.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets[0].model.sharedModel.setOutputs([])"
    )
    lab.page.wait_for_function("() => document.querySelectorAll('.bbp .bbp-rail').length === 1")
    left = Stage(lab.page)
    assert left.step() == at
    left.choose("rule", "softmax")
    left.wait_at_rest()
    assert (left.chosen("rule"), lab.read("explorer.rule")) == ("softmax", "softmax")
    assert lab.problems == []


def test_a_busy_kernel_stops_neither_and_neither_yanks_a_drag(lab: Lab) -> None:
    lab.open_cells(DIGITS)
    lab.run_cell(0)
    lab.page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0;"
                      " window.jupyterapp.commands.execute('notebook:create-output-view'); }")  # fmt: skip
    lab.page.wait_for_function("() => document.querySelectorAll('.bbp .bbp-rail').length === 2")
    one, two = Stage(lab.page, index=0), Stage(lab.page, index=1)
    lab.page.evaluate("() => { window.panel = [...window.jupyterapp.shell.widgets('main')]"
                      ".find((one) => one.content?.activeCellIndex !== undefined);"
                      " window.panel.sessionContext.session.kernel"
                      ".requestExecute({ code: 'import time; time.sleep(12)' })"
                      ".done.then(() => { window.slept = true; }); }")  # fmt: skip
    lab.page.wait_for_function("() => window.panel.sessionContext.session.kernel.status === 'busy'")
    two.walk("ArrowLeft", "ArrowLeft", "ArrowLeft")
    assert (one.step(), two.step()) == (3, 3)
    # a hand on the rail of one, held: the other follows, and does not take it away
    start, end = one.stop_at(3), one.stop_at(7)
    lab.page.mouse.move(*start)
    lab.page.mouse.down()
    lab.page.mouse.move((start[0] + end[0]) / 2, end[1])
    lab.page.wait_for_timeout(700)
    lab.page.mouse.move(*end)
    assert (one.step(), two.step()) == (7, 7)
    lab.page.wait_for_timeout(700)
    assert (one.step(), two.step()) == (7, 7)
    lab.page.mouse.up()
    assert not lab.page.evaluate("window.slept")
    assert lab.problems == []
