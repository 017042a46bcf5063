"""One state: undone and done again in the page, copied as Python, set and read from Python, shared by views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from browser.stage import Stage

if TYPE_CHECKING:
    from jupyter_harness import Lab


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_choices_are_undone_and_done_again(stage: Stage, by: str, python: Any) -> None:
    def undo() -> None:
        stage.press("Control+z") if by == "keys" else stage.button("undo").click()

    def redo() -> None:
        stage.press("Control+Shift+z") if by == "keys" else stage.button("redo").click()

    start = python("explorer.state")
    stage.choose("grain", 8)
    stage.walk("ArrowLeft", "ArrowLeft", "ArrowLeft")
    stage.panel("triage")
    stage.choose("rule", "uniform")
    stage.wait_at_rest()
    end = python("explorer.state")
    assert (end["grain"], end["panel"], end["lanes"][0]["rule"]) == (8, "triage", "uniform")
    stage.rail.focus()
    for seen in [("triage", "proportional"), ("maps", "proportional")]:
        undo()
        stage.wait_at_rest()
        assert python("[explorer.state['panel'], explorer.rule]") == list(seen)
    undo()
    assert stage.step() == 0
    undo()
    stage.wait_at_rest()
    assert python("explorer.state") == start
    assert stage.button("undo").is_disabled()
    for _ in range(4):
        redo()
    stage.wait_at_rest()
    assert python("explorer.state") == end
    assert stage.step() == 3


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_what_is_copied_as_python_brings_it_back(stage: Stage, by: str, bench: Lab, python: Any) -> None:
    stage.choose("rule", "softmax")
    stage.choose("grain", 4)
    stage.walk("End")
    stage.wait_at_rest()
    state = python("explorer.state")
    copy = stage.button("copy as Python")
    if by == "pointer":
        copy.click()
    else:
        copy.focus()
        stage.press("Enter")
    stage.wait_until("return root.querySelector('.bbp-toolbar').textContent.includes('copied')")
    line = str(stage.page.evaluate("() => navigator.clipboard.readText()"))
    assert line.startswith("explorer.state = {")
    bench.execute("explorer.state = START; explorer.wait()")
    stage.wait_until("return root.querySelector('.bbp-rail').getAttribute('aria-valuenow') === '0'")
    bench.execute(f"{line}; explorer.wait()")
    stage.wait_until("const rail = root.querySelector('.bbp-rail');"
                     "return rail.getAttribute('aria-valuenow') === rail.getAttribute('aria-valuemax')")  # fmt: skip
    assert (stage.chosen("rule"), stage.chosen("grain")) == ("softmax", "4")
    assert python("explorer.state") == state


def test_python_moves_the_page_and_the_page_moves_python(stage: Stage, bench: Lab, python: Any) -> None:
    stops = python("[stop['frame'] for stop in explorer.film.header['levels']['layers']]")
    change = {
        "step": stops[4],
        "scale": "shared",
        "grain": 16,
        "panel": "flow",
        "lanes": [{"rule": "winner"}],
    }
    bench.execute(f"explorer.state = {change!r}; explorer.wait()")
    stage.wait_until("return root.querySelector('.bbp-rail').getAttribute('aria-valuenow') === '4'")
    assert [stage.chosen(name) for name in ("scale", "grain", "rule")] == ["shared", "16", "winner"]
    assert stage.root.locator(".bbp-flow").is_visible()
    bench.execute("told = []; explorer.observe(lambda change: told.append(change.new['step']), 'state')")
    stage.walk("ArrowLeft")
    stage.wait_at_rest()
    assert set(python("told")) == {stops[5]}  # no step that was only passed through


def test_two_views_of_one_explorer_and_a_cell_that_is_run_again(
    stage: Stage, bench: Lab, python: Any
) -> None:
    page = bench.page
    page.evaluate(
        "() => { const panel = window.jupyterapp.shell.currentWidget; "
        " panel.content.activeCellIndex = 1;"
        " return window.jupyterapp.commands.execute('notebook:create-output-view'); }"
    )
    page.wait_for_function("() => document.querySelectorAll('.bbp').length === 2", timeout=30_000)
    first, second = Stage(page, index=0), Stage(page, index=1)
    first.walk("End")
    first.wait_at_rest()
    first.choose("rule", "uniform")
    second.wait_until(
        "return root.querySelector('[aria-label=rule] [aria-checked=true]').dataset.key === 'uniform'"
    )
    first.wait_at_rest()
    assert first.pixels(1) == second.pixels(1)
    assert python("explorer.rule") == "uniform"
    page.locator(".lm-TabBar-tab", has_text="Output View").locator(".lm-TabBar-tabCloseIcon").click()
    page.wait_for_function("() => document.querySelectorAll('.bbp').length === 1")
    bench.run_cell(1)
    again = Stage(page)
    assert again.step() == again.steps()
    assert again.chosen("rule") == "uniform"
