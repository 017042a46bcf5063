"""A notebook that is opened again on a kernel that goes on, a line to it that is cut: what was shown is shown again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from browser.stage import Stage
from playwright.sync_api import WebSocketRoute

if TYPE_CHECKING:
    from jupyter_harness import Lab

#: A network that can be held up.
GATED = """
import threading
import torch
import bbp_widgets as bbp

demo = bbp.demo.digits()
gate, entered = threading.Event(), threading.Event()
gate.set()

class Gated(torch.nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        entered.set()
        assert gate.wait(100)
        return self.inner(x)

explorer = bbp.Explorer(
    Gated(demo.network).eval(), demo.inputs[:8], classes=demo.classes, pictures=demo.pictures[:8]
)
explorer
"""
SHUT = "entered.clear(); gate.clear()"
#: Bytes: a film has more, and what a kernel says of itself has less.
LARGE = 20_000
#: Close the notebook's tab, and open it again in the same page.
CLOSE_AND_OPEN = """async (path) => {
  const { commands, shell } = window.jupyterapp;
  await commands.execute('docmanager:save');
  const closed = new Promise((resolve) => shell.currentWidget.disposed.connect(resolve));
  shell.currentWidget.close();
  await closed;
  await commands.execute('docmanager:open', { path });
}"""


def opened(lab: Lab) -> tuple[str, Stage]:
    """Run a notebook, and keep it; return what it is called, and its explorer."""
    name = lab.open_cells(GATED)
    lab.run_all()
    stage = Stage(lab.page)
    lab.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    return name, stage


def reopened(lab: Lab, name: str, *, film: bool = True) -> Stage:
    lab.open_notebook(name)
    return Stage(lab.page, film=film)


def test_it_shows_what_it_showed_however_often_it_is_opened_again(lab: Lab) -> None:
    name, stage = opened(lab)
    # some are left at once, before the page has written what it shows; most of these rules have a parameter that
    # no slider shows
    for rule, rests in (
        ("softmax", True),
        ("uniform", False),
        ("softmin", False),
        ("winner", True),
        ("aligned", False),
    ):
        stage.option("rule", rule).click()
        if rests:
            stage.wait_at_rest()
        lab.read("explorer.wait(60)")
        stage = reopened(lab, name)
        assert stage.chosen("rule") == lab.read("explorer.rule")
        assert not rests or stage.chosen("rule") == rule
        assert not stage.button("undo").is_enabled()
    for rule in ("opposed", "proportional", "softmax"):
        stage.choose("rule", rule)
        stage.wait_at_rest()
        lab.page.evaluate(CLOSE_AND_OPEN, name)
        stage = Stage(lab.page)
        assert stage.chosen("rule") == rule
    stage.choose("sample", 3)
    stage.wait_until("return root.querySelector('.bbp-busy').hidden")
    assert lab.problems == []


def test_opened_again_while_a_film_is_computed_it_waits_for_it(lab: Lab) -> None:
    name, stage = opened(lab)
    for sample, rests in ((1, True), (2, False)):
        lab.execute(SHUT)
        stage.option("sample", sample).click()
        assert lab.read("entered.wait(60)")
        if rests:
            lab.page.wait_for_timeout(600)  # until the look is written
        stage = reopened(lab, name, film=False)
        lab.execute("gate.set()")
        stage.wait_for_film()
        assert stage.chosen("sample") == str(sample)
        stage.wait_until("return root.querySelector('.bbp-busy').hidden")
    assert lab.problems == []


def test_what_is_lost_with_the_line_is_said_again_once_it_is_back(lab: Lab) -> None:
    ends: list[WebSocketRoute] = []
    astray = False

    def route(line: WebSocketRoute) -> None:
        server = line.connect_to_server()
        server.on_message(lambda message: None if astray and len(message) > LARGE else line.send(message))
        ends.extend((server, line))

    lab.page.route_web_socket(re.compile("/api/kernels/.*/channels"), route)
    lab.ignore += ["WebSocket", "Connection lost"]  # Lab's own words
    _, stage = opened(lab)
    for sample in (1, 2, 3):
        lab.execute(f"{SHUT}; threading.Timer(1.5, gate.set).start()")
        stage.option("sample", sample).click()
        stage.root.locator(".bbp-busy").wait_for()
        astray = True  # the film, and nothing that the host needs to go on
        assert lab.read("gate.wait(60) and explorer.wait(60)")
        cut = [*ends]
        ends.clear()  # the next line may come while this one is closed
        for end in cut:
            end.close()
        astray = False
        stage.wait_until("return root.querySelector('.bbp-busy').hidden")
        assert stage.chosen("sample") == str(sample)
        lab.page.wait_for_function("() => window.jupyterapp.shell.currentWidget.context.sessionContext.session"
                                   ".kernel.connectionStatus === 'connected'")  # fmt: skip
        target = lab.read("explorer.film.header['target']['value']")
        stage.wait_for_number("target", target)
    assert lab.problems == []
