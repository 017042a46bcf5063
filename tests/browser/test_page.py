"""The page as a whole: nothing that axe finds wrong, nothing that overlaps or scrolls sideways, in still motion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser.stage import PATIENCE, Stage, close

if TYPE_CHECKING:
    from jupyter_harness import Lab

AXE = Path(__file__).resolve().parents[2] / "js" / "node_modules" / "axe-core" / "axe.min.js"
PANELS = ("maps", "flow", "triage", "classes")
NOTEBOOK = Path(__file__).resolve().parents[2] / "example_notebooks" / "01_step_backward.ipynb"
#: The least width that the explorer takes.
LEAST = 480
#: Texts whose boxes lie over each other by more than two pixels both ways, and what reaches beyond the widget.
CROWDED = """(root) => {
  const seen = [];
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const parent = node.parentElement;
    if (!node.textContent.trim() || !parent.checkVisibility({ visibilityProperty: true })) continue;
    if (parent.closest('.bbp-unseen, title, select, .scroller, .wait, [hidden], .ends')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width > 0) seen.push({ box, text: node.textContent, parent });
  }
  const wrong = [];
  const { left, right } = root.getBoundingClientRect();
  seen.forEach((a, i) => {
    if ((a.box.right > right + 2 || a.box.left < left + 1) && getComputedStyle(a.parent).textOverflow !== 'ellipsis'
      && !a.parent.closest('.samples, .key, .name')) wrong.push(`${a.text} reaches beyond`);
    for (const b of seen.slice(i + 1)) {
      if (getComputedStyle(a.parent).textOverflow === 'ellipsis') continue;
      const across = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const down = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      if (across > 2 && down > 5) wrong.push(`${a.text} | ${b.text}`);
    }
  });
  return wrong;
}"""


def violations(stage: Stage) -> list[str]:
    if not stage.page.evaluate("() => 'axe' in window"):
        stage.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = stage.page.evaluate(
        "async (root) => (await axe.run(root, { resultTypes: ['violations'] })).violations"
        ".map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join('; ')} ${v.nodes[0].failureSummary}`)",
        stage.root.element_handle(),
    )
    return [str(line) for line in found]


def test_axe_finds_nothing_in_any_panel(stage: Stage) -> None:
    stage.walk("End", "ArrowRight", "ArrowRight")
    stage.button("+ lane").click()
    stage.wait_until("return !root.querySelector('.bbp-lanes .working')")
    stage.walk("Shift+ArrowRight")
    for panel in PANELS:
        stage.panel(panel)
        if panel == "classes":
            stage.root.get_by_label("t, the part of the bias").wait_for(timeout=PATIENCE)
        if panel == "maps":
            stage.root.locator(".bbp-atlas .grid").focus()
            stage.press("Enter", "Enter")
            stage.root.locator(".bbp-inspector .equation").wait_for(timeout=PATIENCE)
        assert violations(stage) == [], panel


@pytest.mark.parametrize(
    ("frame", "width"), [(584, LEAST), (1168, 1000)]
)  # JupyterLab keeps some of its window
def test_nothing_overlaps_or_scrolls_sideways(stage: Stage, bench: Lab, frame: int, width: int) -> None:
    bench.page.set_viewport_size({"width": frame, "height": 1500})
    try:
        stage.wait_until("return root.clientWidth === rest[0]", width)
        for panel in PANELS:
            stage.panel(panel)
            if panel == "classes":
                stage.root.get_by_label("t, the part of the bias").wait_for(timeout=PATIENCE)
            for keys in (["End", "ArrowRight", "ArrowRight"], ["Home", *["ArrowLeft"] * 6]):
                stage.walk(*keys)
                stage.page.wait_for_timeout(400)
                assert stage.root.evaluate("(root) => root.scrollWidth - root.clientWidth") <= 1
                assert stage.root.evaluate(CROWDED) == [], panel
            stage.picture(f"narrow-{width}-{panel}")
            if width == LEAST:
                assert violations(stage) == [], panel
    finally:
        bench.page.set_viewport_size({"width": 1360, "height": 1500})


def test_text_follows_the_size_that_jupyterlab_has(shown: Stage) -> None:
    size = "(text) => parseFloat(getComputedStyle(text).fontSize)"
    value = shown.root.locator(".bbp-ledger .value").first
    usual = value.evaluate(size)
    larger = "(px) => document.documentElement.style.setProperty('--jp-ui-font-size1', px)"
    shown.page.evaluate(larger, "19.5px")
    try:
        shown.wait_until("return Number(root.querySelector('.bbp-rail').getAttribute('height')) > 300")
        assert value.evaluate(size) == 1.5 * usual
        assert shown.root.evaluate(CROWDED) == []
        shown.picture("larger-text")
    finally:
        shown.page.evaluate(larger, "")


def test_under_reduced_motion_it_cuts(shown: Stage) -> None:
    shown.walk("ArrowLeft")
    assert shown.page.evaluate("() => matchMedia('(prefers-reduced-motion: reduce)').matches")
    moving = shown.root.evaluate(
        "(root) => [...root.querySelectorAll('*')].filter((one) => {"
        " const { transitionDuration, animationName, animationDuration } = getComputedStyle(one);"
        " const lasts = (text) => text.split(',').some((part) => parseFloat(part) > 0.01);"
        " return lasts(transitionDuration) || (animationName !== 'none' && lasts(animationDuration)); })"
        ".map((one) => one.className.baseVal ?? one.className)"
    )
    assert moving == []
    x = "(root) => JSON.stringify(root.querySelector('.cursor-group').getBoundingClientRect())"
    shown.press("ArrowLeft")
    at = shown.root.evaluate(x)
    shown.page.wait_for_timeout(200)
    assert shown.root.evaluate(x) == at


def test_a_table_has_bars_instead_of_pictures(lab: Lab) -> None:
    lab.open_cells(
        "import torch, bbp_widgets as bbp; torch.manual_seed(0)\n"
        "net = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)).eval()\n"
        "bbp.Explorer(net, torch.randn(3, 5), features=['rooms', 'age', 'income', 'north', 'west'])"
    )
    lab.run_all()
    stage = Stage(lab.page)
    stage.walk("End")
    rows = stage.root.locator(".bbp-features tbody tr")
    assert {"rooms", "age", "income", "north", "west"} <= set(" ".join(rows.all_inner_texts()).split())
    stage.picture("table")
    assert violations(stage) == []
    assert lab.problems == []


def test_the_example_steps_to_the_input(lab: Lab) -> None:
    lab.open_notebook(NOTEBOOK)
    cells = lab.cell_count()
    lab.run_all(240)
    lab.page.locator(".bbp").first.wait_for(timeout=PATIENCE)
    for index in range(lab.page.locator(".bbp").count()):
        stage = Stage(lab.page, index=index)
        stage.walk("End")
        assert stage.step() == stage.steps()
        assert close(stage.number("cut_bias"), stage.number("total_bias"), 1e-5)
    assert lab.cell_count() == cells
    assert lab.problems == []
