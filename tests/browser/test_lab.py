"""The harness itself: a real JupyterLab draws ipywidgets and bqplot, and whatever goes wrong is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from jupyter_harness import Lab

WIDGETS = """
import bqplot, ipywidgets, numpy
x = bqplot.LinearScale(); y = bqplot.LinearScale()
bars = bqplot.Bars(x=numpy.arange(4.0), y=numpy.array([1.0, -2.0, 3.0, 0.5]), scales={"x": x, "y": y})
figure = bqplot.Figure(marks=[bars], axes=[bqplot.Axis(scale=x)], layout={"width": "500px", "height": "250px"})
word = ipywidgets.Label("no press yet")
button = ipywidgets.Button(description="press")
button.on_click(lambda _: setattr(word, "value", "pressed"))
ipywidgets.VBox([button, word, figure])
"""


def test_lab_draws_widgets_and_answers(lab: Lab) -> None:
    lab.open_cells(WIDGETS)
    lab.run_all()
    lab.page.wait_for_function("document.querySelectorAll('.bqplot rect.bar').length === 4")
    lab.page.get_by_role("button", name="press", exact=True).click()
    lab.page.get_by_text("pressed", exact=True).wait_for()
    lab.set_theme("JupyterLab Dark")
    lab.screenshot("dark")
    lab.set_theme("JupyterLab Light")
    assert lab.cell_count() == 1
    assert lab.problems == []


def test_a_cell_that_raises_is_told(lab: Lab) -> None:
    lab.open_cells("1 / 0")
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        lab.run_all()
    assert lab.problems == []


def test_what_goes_wrong_on_the_page_is_collected(lab: Lab) -> None:
    lab.open_cells("pass")
    lab.page.evaluate(
        "() => { setTimeout(() => { throw new Error('on purpose'); }); console.error('said'); }"
    )
    lab.page.evaluate("() => fetch('http://example.com/asked').catch(() => null)")
    lab.page.wait_for_timeout(200)
    told = "\n".join(lab.problems)
    assert "on purpose" in told
    assert "said" in told
    assert "http://example.com/asked" in told
