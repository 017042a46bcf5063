"""Every lesson is played by keyboard alone, in JupyterLab and from the saved file without a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import bbp_widgets as bbp
from bbp_widgets.lessons import LESSONS

if TYPE_CHECKING:
    from jupyter_harness import Lab
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = range(1, len(LESSONS) + 1)
#: Of the lesson that asks for pixels: how many are in a row of each explorer's pictures.
SIDES = (8, 64)
#: Which part of the thing that a step points at is on the screen, in height, and how much of it is enough.
LIT_ON_SCREEN = """() => {
  const lit = [...document.querySelectorAll('[data-part-lit]')].find((one) => one.offsetParent !== null);
  const { top, bottom, height } = lit.getBoundingClientRect();
  return height > 0 ? (Math.min(bottom, innerHeight) - Math.max(top, 0)) / height : 0;
}"""
ENOUGH = 0.6


class Player:
    """Plays the one lesson of a page as a reader without a mouse does."""

    def __init__(self, page: Page, steps: list[dict[str, Any]]) -> None:
        self.page, self.steps = page, steps
        #: Steps that point at a part of which nothing, or next to nothing, is on the screen.
        self.unseen: list[tuple[int, Any]] = []
        self.card = page.locator(".bbp-lesson").first
        self.card.wait_for(timeout=60_000)
        page.locator(".bbp-ledger [data-key=target][data-value]").first.wait_for(
            timeout=60_000, state="attached"
        )

    def play(self, *, wrong: tuple[int, ...] = ()) -> None:
        """Answer every question, those of ``wrong`` wrongly, and go on to the end."""
        for place, step in enumerate(self.steps):
            self.card.get_by_text(f"{place + 1} of {len(self.steps)}", exact=True).wait_for()
            question = step["question"]
            if step["highlight"] is not None and self.page.evaluate(LIT_ON_SCREEN) < ENOUGH:
                self.unseen.append((place + 1, step["highlight"]))
            if question is not None:
                self.answer(question, step["stage"], place in wrong)
                verdict = self.card.locator(".verdict p")
                verdict.wait_for()
                expected = "wrong" if place in wrong else "right"
                assert verdict.get_attribute("class") == expected, (place, verdict.inner_text())
                assert self.card.locator("input:not([disabled]), select:not([disabled])").count() == 0
            # the keys never fall to the page: what follows is pressed without a click
            assert self.page.evaluate("document.activeElement.closest('.bbp-lesson') !== null"), place
            if place + 1 < len(self.steps):
                self.press("PageDown" if place % 2 else "Alt+ArrowRight")

    def answer(self, question: dict[str, Any], stage: int, wrong: bool) -> None:
        """Answer with the control that has the focus."""
        kind = question["kind"]
        if kind == "choice":
            count = len(question["choices"])
            self.press("Space", *["ArrowDown"] * ((question["truth"] + wrong) % count))
        elif kind == "number":
            self.page.keyboard.type(str(question["truth"] + 1000 * wrong))
        elif kind == "layer":
            stops = self.card.locator("select option").evaluate_all(
                "(all) => all.map((one) => Number(one.value))"
            )
            stop = next(i for i, frame in enumerate(stops) if frame >= question["truths"][0])
            self.press("Home", *["ArrowDown"] * (stop + wrong), "Tab")
        elif kind == "unit":
            at = [*question["truths"][0]["at"]]
            at[-1] = 0 if wrong else at[-1]
            self.page.keyboard.type(", ".join(map(str, at)))
        else:
            # in the picture itself: the first key finds its middle, Enter picks, and Enter again is the answer below
            side = SIDES[stage]
            row, column = question["rows"][0] - side // 2, question["columns"][wrong] + wrong - side // 2
            self.press("ArrowDown", *["ArrowDown" if row > 0 else "ArrowUp"] * abs(row))
            self.press(*["ArrowRight" if column > 0 else "ArrowLeft"] * abs(column), "Enter")
        self.press("Enter")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def score(self) -> str:
        return self.card.locator(".score").inner_text()


def steps_of(number: int) -> list[dict[str, Any]]:
    lesson = bbp.lessons.lesson(number)
    steps: list[dict[str, Any]] = json.loads(json.dumps(lesson.card.steps))
    closed(lesson)
    return steps


def closed(lesson: bbp.Lesson) -> None:
    lesson.close()
    for explorer in lesson.explorers.values():
        explorer.close()


@pytest.mark.parametrize("number", NUMBERS)
def test_a_saved_lesson_is_played_without_a_network(browser: Browser, number: int, tmp_path: Path) -> None:
    from jupyter_harness import new_page

    lesson = bbp.lessons.lesson(number)
    path = lesson.save(tmp_path / f"lesson{number}.html")
    steps = json.loads(json.dumps(lesson.card.steps))
    closed(lesson)
    page = new_page(browser, offline=True)
    page.set_viewport_size({"width": 1180, "height": 800})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.on(
        "request", lambda sent: None if sent.url.startswith(("file:", "blob:")) else problems.append(sent.url)
    )
    page.goto(path.as_uri())
    player = Player(page, steps)
    player.play()
    questions = sum(step["question"] is not None for step in steps)
    assert player.score() == f"{questions} right of {questions} answered, {questions} in all"
    assert page.locator(".bbp-banner:visible").count() == 0, page.locator(".bbp-banner").inner_text()
    page.context.close()
    assert player.unseen == []
    assert problems == []


def test_who_goes_on_from_far_below_sees_the_words(browser: Browser, tmp_path: Path) -> None:
    from jupyter_harness import new_page

    lesson = bbp.lessons.lesson(2)
    path = lesson.save(tmp_path / "lesson2.html")
    steps = json.loads(json.dumps(lesson.card.steps))
    closed(lesson)
    page = new_page(browser, offline=True)
    page.set_viewport_size({"width": 1180, "height": 420})
    page.goto(path.as_uri())
    player = Player(page, steps)
    player.press(*["PageDown"] * 3)
    player.card.get_by_text("4 of 9", exact=True).wait_for()
    page.locator(".bbp-rail").focus()
    top = "document.querySelector('.bbp-lesson .words').getBoundingClientRect().top"
    page.mouse.wheel(0, 2000)
    page.wait_for_function(f"{top} < 0")
    player.press("PageDown")
    player.card.get_by_text("5 of 9", exact=True).wait_for()
    page.wait_for_function(f"{top} >= 0")
    page.context.close()


@pytest.mark.parametrize("number", NUMBERS)
def test_a_lesson_is_played_in_a_notebook(lab: Lab, number: int) -> None:
    (notebook,) = (ROOT / "example_notebooks").glob(f"lesson_{number}_*.ipynb")
    lab.page.set_viewport_size({"width": 1280, "height": 1400})
    lab.open_notebook(notebook)
    cells = lab.cell_count()
    lab.run_all(240)
    steps = steps_of(number)
    player = Player(lab.page, steps)
    # coming from the notebook, Tab leads to the lesson; here its button is asked for the focus
    player.card.locator(".next").focus()
    first = next(place for place, step in enumerate(steps) if step["question"] is not None)
    if first == 0:
        player.card.locator("input, select").first.focus()
    player.play(wrong=(first,))
    questions = sum(step["question"] is not None for step in steps)
    assert player.score() == f"{questions - 1} right of {questions} answered, {questions} in all"
    lab.screenshot("light")
    lab.set_theme("JupyterLab Dark")
    player.press("PageUp", "PageUp")
    player.card.get_by_text(f"{len(steps) - 2} of {len(steps)}", exact=True).wait_for()
    lab.page.wait_for_timeout(400)
    lab.screenshot("dark")
    lab.set_theme("JupyterLab Light")
    assert lab.page.locator(".bbp-banner:visible").count() == 0
    assert lab.cell_count() == cells
    assert lab.problems == []


def test_a_lesson_goes_from_one_explorer_to_another(lab: Lab) -> None:
    lab.open_cells("import bbp_widgets as bbp\nlesson = bbp.lessons.lesson(5, hide=[])\nlesson")
    lab.run_all(240)
    steps = steps_of(5)
    first = next(place for place, step in enumerate(steps) if step["stage"] == 1)
    player = Player(lab.page, steps)
    stages = lab.page.locator('[aria-label="Bias backpropagation explorer"]')
    digits, shapes = stages.nth(0), stages.nth(1)

    def shown() -> tuple[bool, bool]:
        return digits.is_visible(), shapes.is_visible()

    assert shown() == (True, False)
    in_kernel(lab, f"lesson.step = {first - 1}")
    player.card.get_by_text(f"{first} of {len(steps)}", exact=True).wait_for()
    digits.locator(".bbp-rail").focus()
    player.press("ArrowRight", "PageDown")
    player.card.get_by_text(f"{first + 1} of {len(steps)}", exact=True).wait_for()
    assert shown() == (False, True)
    assert lab.page.evaluate("document.activeElement.closest('.bbp-lesson') !== null")
    said = player.card.locator("[aria-live]", has_text=f"Step {first + 1} of {len(steps)}. Now a larger")
    said.wait_for(state="attached")
    rail, left = shapes.locator(".bbp-rail"), digits.locator(".bbp-rail")
    before = left.get_attribute("aria-valuenow")
    rail.focus()
    player.press("ArrowLeft")
    assert rail.get_attribute("aria-valuenow") == "1"
    player.press("Control+z")
    assert rail.get_attribute("aria-valuenow") == "0"
    assert left.get_attribute("aria-valuenow") == before
    player.press("PageUp")
    player.card.get_by_text(f"{first} of {len(steps)}", exact=True).wait_for()
    assert shown() == (True, False)
    assert lab.problems == []


def test_python_hears_of_a_lesson_that_is_played(lab: Lab) -> None:
    lab.open_cells("import bbp_widgets as bbp\nlesson = bbp.lessons.lesson(2)\nlesson")
    lab.run_all()
    steps = steps_of(2)
    player = Player(lab.page, steps)
    player.card.locator(".next").focus()
    player.play()
    told = "print(lesson.step, sum(a['right'] for a in lesson.answers), lesson.explorer.sample)"
    lab.page.wait_for_timeout(600)
    answered = sum(step["question"] is not None for step in steps)
    assert in_kernel(lab, told) == f"{len(steps) - 1} {answered} 2"
    in_kernel(lab, "lesson.step = 1; print('gone')")
    player.card.get_by_text(f"2 of {len(steps)}", exact=True).wait_for()
    assert lab.problems == []


def test_the_bias_follows_a_shape_that_is_dragged(lab: Lab) -> None:
    lab.open_cells("import bbp_widgets as bbp\nplayground = bbp.demo.shapes_playground()\nplayground")
    lab.run_all()
    lab.page.locator(".bbp-rail").wait_for(timeout=60_000)
    bias = lab.page.locator('.bbp-gallery figure:has-text("bias attribution") canvas')
    pixels = "(all) => all.map((canvas) => canvas.toDataURL()).join()"
    before = bias.evaluate_all(pixels)
    assert before != ""
    box = lab.page.locator(".noUi-handle").first.bounding_box()
    assert box is not None
    lab.page.mouse.move(box["x"] + 8, box["y"] + 8)
    lab.page.mouse.down()
    for by in range(30):
        lab.page.mouse.move(box["x"] + 8 + by, box["y"] + 8)
        lab.page.wait_for_timeout(16)
    lab.page.mouse.up()
    in_kernel(lab, "playground.explorer.wait()")
    lab.page.wait_for_timeout(400)
    assert bias.evaluate_all(pixels) != before
    shown = lab.page.locator(".bbp-ledger [data-key=total_bias], .bbp-ledger [data-key=cut_bias]").first
    lab.page.locator(".bbp-rail").focus()
    lab.page.keyboard.press("End")
    told = float(in_kernel(lab, "print(float(playground.explorer.attribution.local.b[0]))"))
    assert abs(float(shown.get_attribute("data-value") or "nan") - told) < 1e-4
    assert lab.page.locator(".bbp-banner:visible").count() == 0
    assert lab.problems == []


def in_kernel(lab: Lab, code: str) -> str:
    """Run a line in the notebook's kernel, and return what it printed."""
    run = """async (code) => {
      const { kernel } = window.jupyterapp.shell.currentWidget.context.sessionContext.session;
      const future = kernel.requestExecute({ code });
      let text = '';
      future.onIOPub = ({ content }) => { text += content.text ?? content.evalue ?? ''; };
      await future.done;
      return text.trim();
    }"""
    return str(lab.page.evaluate(run, code))
