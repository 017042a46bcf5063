"""Once an answer locks, the truth arrives: seen to move, or at once for a reader who wants no motion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from jupyter_harness import Lab
    from playwright.sync_api import Locator

#: One question of each kind, on the network of lesson 5. Its names, from the output: output, head, flatten, pool, ...
LESSON = """
import bbp_widgets as bbp
from bbp_widgets.lessons import lesson_5
said = {"right": "Yes.", "wrong": "No."}
questions = [
    {"kind": "number", "ask": "How many?", "answer": 5},
    {"kind": "choice", "ask": "Which?", "choices": ["a", "b", "c"], "answer": "c"},
    {"kind": "layer", "ask": "Where?", "answer": "block2.bn2"},
    {"kind": "unit", "ask": "Which unit?", "answer": {"frame": "block2.bn2", "at": [3, 1, 2]}},
    {"kind": "pixel", "ask": "Which pixel?", "answer": [5, 2], "tolerance": 0},
]
looks = ["output", "output", "head", "head", "input"]
lesson = bbp.Lesson(lesson_5.digits(), [
    {"text": "Look.", "look": {"step": look}, "question": {**said, **question}}
    for look, question in zip(looks, questions)
])
"""
#: Writes down what changes on the page, change by change, and which motions run: no clock can miss one.
WATCH = """() => {
  const seen = { number: [], step: [], box: [], unit: [], motions: [] };
  const changes = new MutationObserver((records) => {
    for (const { target, attributeName, oldValue, addedNodes } of records) {
      const node = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
      for (const added of addedNodes) if (added.nodeType === Node.TEXT_NODE && node.matches?.('.truth')) {
        seen.number.push(added.data);
      }
      if (attributeName === 'aria-valuenow' && node.matches('.bbp-rail')) seen.step.push(Number(oldValue));
    }
  });
  changes.observe(document.body, { subtree: true, childList: true, attributes: true, attributeOldValue: true });
  for (const name of ['transitionend', 'animationend']) document.addEventListener(name, (event) => {
    seen.motions.push(`${event.target.className.split(' ')[0]} ${event.propertyName ?? event.animationName}`);
  });
  window.truth = seen;
}"""


class Asked:
    """The questions above, answered wrongly by keyboard."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.page = lab, lab.page
        self.card = lab.page.locator(".bbp-lesson").first
        self.verdict = self.card.locator(".verdict p")

    def answer(self, place: int, *keys: str) -> dict[str, list[Any]]:
        """Answer the question of a step with keys; return what was seen to change until the truth was there."""
        self.lab.execute(f"lesson.step = {place}")
        self.card.get_by_text(f"{place + 1} of 5", exact=True).wait_for()
        self.page.evaluate(WATCH)
        for key in keys:
            self.page.keyboard.press(key)
        self.verdict.wait_for()
        assert self.verdict.get_attribute("class") == "wrong"
        assert self.card.locator("input:not([disabled]), select:not([disabled])").count() == 0
        self.page.wait_for_timeout(1500)  # a second more than the longest motion takes
        seen: dict[str, list[Any]] = self.page.evaluate("window.truth")
        return seen

    def words(self) -> str:
        return self.verdict.inner_text()


@pytest.fixture
def asked(lab: Lab) -> Asked:
    lab.page.set_viewport_size({"width": 1280, "height": 1500})
    lab.open_cells(LESSON, "lesson")
    lab.run_all()
    lab.page.locator(".bbp-ledger [data-key=target][data-value]").first.wait_for(timeout=60_000)
    one = Asked(lab)
    one.card.locator("input").first.focus()
    return one


def numbers(texts: list[str]) -> list[float]:
    return [float(text.replace("\u2212", "-")) for text in texts]


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_the_truth_arrives(lab: Lab, asked: Asked, motion: Any) -> None:
    moves = motion == "no-preference"
    lab.page.emulate_media(reduced_motion=motion)

    seen = asked.answer(0, "1", "Enter")
    counted = numbers(seen["number"])
    assert asked.words() == "Not quite. You said 1; it is 5. No."
    assert counted == sorted(counted)
    assert all(1 <= number <= 5 for number in counted)
    assert (len(counted) > 1) is moves
    assert ("wrong bbp-arrive" in seen["motions"]) is moves

    seen = asked.answer(1, "Space", "Enter")
    assert asked.words() == "Not quite. You said \u201ca\u201d; it is \u201cc\u201d. No."
    assert asked.card.locator(".option.truth").inner_text() == "c"
    assert ("option bbp-arrive" in seen["motions"]) is moves

    rail = lab.page.locator(".bbp-rail")
    seen = asked.answer(2, "Tab", "Enter")
    assert asked.words() == "Not quite. You said head; it is block2.bn2. No."
    assert lab.read("lesson.explorer.step") == 6
    end = int(rail.get_attribute("aria-valuenow") or -1)
    assert seen["step"] == (list(range(1, end)) if moves else [1])

    seen = asked.answer(3, "7", "Enter")
    assert asked.words() == "Not quite. You said unit 7 of head; it is ch 3, (1, 2) of block2.bn2. No."
    assert lab.read("lesson.explorer.selection") == {"frame": 6, "at": [3, 1, 2]}
    assert seen["step"] == (list(range(1, end)) if moves else [1])

    # the first key finds the middle of the picture, row 4 and column 4; Enter picks it, and answers it
    seen = asked.answer(4, "ArrowUp", "ArrowUp", "Enter", "Enter")
    assert asked.words() == "Not quite. You said row 3, column 4; it is row 5, column 2. No."
    assert lab.read("lesson.explorer.selection") == {"frame": 22, "at": [0, 5, 2]}
    assert ({"field left", "field top"} <= {*seen["motions"]}) is moves
    for frame in lab.page.locator(".bbp-gallery .bbp-map:visible .frame").all():
        assert pixel_of(frame) == (5, 2)
    assert lab.page.locator(".bbp-gallery .marker:visible").count() == 0

    # a step that one comes back to shows the truth, and nothing moves any more
    lab.page.evaluate(WATCH)
    lab.page.keyboard.press("PageUp")
    lab.page.keyboard.press("PageDown")
    asked.verdict.wait_for()
    lab.page.wait_for_timeout(700)
    assert [motion for motion in lab.page.evaluate("window.truth.motions") if "arrive" in motion] == []
    assert lab.read("[answer['right'] for answer in lesson.answers]") == [False] * 5
    assert lab.problems == []


def pixel_of(frame: Locator) -> tuple[int, int]:
    """Return the row and the column of the eight that the box in a picture lies on."""
    outer, inner = frame.bounding_box(), frame.locator(".field").bounding_box()
    assert outer is not None
    assert inner is not None
    down = (inner["y"] + inner["height"] / 2 - outer["y"]) / outer["height"]
    across = (inner["x"] + inner["width"] / 2 - outer["x"]) / outer["width"]
    return int(down * 8), int(across * 8)


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_a_pixel_is_picked_in_the_pictures(lab: Lab, theme: str) -> None:
    lab.page.set_viewport_size({"width": 1280, "height": 1200})
    lab.open_cells("import bbp_widgets as bbp\nlesson = bbp.lessons.lesson(5)", "lesson")
    lab.run_all()
    lab.set_theme(f"JupyterLab {theme}")
    lab.page.locator(".bbp-ledger [data-key=target][data-value]").first.wait_for(
        timeout=60_000, state="attached"
    )
    lab.execute("lesson.step = 5")
    card = lab.page.locator(".bbp-lesson").first
    card.get_by_text("6 of 13", exact=True).wait_for()
    pictures = lab.page.locator(".bbp-gallery .bbp-map:visible .frame")
    fields = card.locator("input")
    values = "(all) => all.map((one) => one.value)"
    for place, (row, column) in enumerate([(0, 7), (6, 3), (4, 4), (5, 2)]):
        box = pictures.nth(place).bounding_box()
        assert box is not None
        lab.page.mouse.click(
            box["x"] + (column + 0.5) * box["width"] / 8, box["y"] + (row + 0.5) * box["height"] / 8
        )
        assert fields.evaluate_all(values) == [str(row), str(column)]
        assert all(pixel_of(frame) == (row, column) for frame in pictures.all())
    lab.screenshot("picked")
    lab.page.wait_for_timeout(600)
    assert lab.read("lesson.explorer.selection") == {"frame": 22, "at": [0, 5, 2]}
    card.get_by_role("button", name="Answer").click()
    assert card.locator(".verdict p").get_attribute("class") == "right"
    # it is locked: a click selects a pixel, as in any explorer, and answers nothing
    pictures.first.click(position={"x": 5, "y": 5})
    assert fields.evaluate_all(values) == ["5", "2"]
    assert pixel_of(pictures.first) == (0, 0)
    lab.screenshot("answered")
    lab.set_theme("JupyterLab Light")
    assert lab.problems == []


def test_the_keys_of_the_pictures_and_of_the_card(lab: Lab) -> None:
    lab.open_cells("import bbp_widgets as bbp\nlesson = bbp.lessons.lesson(5)", "lesson")
    lab.run_all()
    lab.page.locator(".bbp-ledger [data-key=target][data-value]").first.wait_for(
        timeout=60_000, state="attached"
    )
    card = lab.page.locator(".bbp-lesson").first
    lab.execute("lesson.step = 4")
    card.get_by_text("5 of 13", exact=True).wait_for()
    press, focused = lab.page.keyboard.press, "document.activeElement.getAttribute('aria-label')"
    card.locator("input").focus()
    press("PageDown")
    assert "Enter picks one" in lab.page.evaluate(focused)
    for key in ("ArrowDown", "ArrowLeft", "Enter"):
        press(key)
    values = card.locator("input").evaluate_all("(all) => all.map((one) => one.value)")
    assert values == ["4", "3"]
    # Escape: the fields have the keys, and what was picked stands in them
    press("Escape")
    assert lab.page.evaluate(focused) == "row"
    lab.page.keyboard.press("Control+a")
    lab.page.keyboard.type("5")
    press("Tab")
    lab.page.keyboard.press("Control+a")
    lab.page.keyboard.type("2")
    press("Enter")
    assert card.locator(".verdict p").get_attribute("class") == "right"
    assert lab.cell_count() == 2
    assert lab.problems == []
