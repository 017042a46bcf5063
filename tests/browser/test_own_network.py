"""All ten points of the explorer by the keyboard alone, on a published ResNet-20: in JupyterLab and as a saved page.

Tab is the only way from one part to the next. Nothing is focused by hand, so that a part that cannot be reached
is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser.stage import PATIENCE, Stage, close
from browser.test_page import CROWDED, violations
from jupyter_harness import Lab, new_page
from playwright.sync_api import Locator

if TYPE_CHECKING:
    from jupyter_harness import LabServer
    from playwright.sync_api import Browser

#: Pictures of 32 by 32 pixels, 75 steps, up to 64 channels; the sums of its blocks are skips.
RESNET = """
import importlib.util, pathlib
import numpy as np, torch, bbp_widgets as bbp
folder = pathlib.Path({folder!r})
spec = importlib.util.spec_from_file_location("nets_of_the_folder", folder / "nets.py")
nets = importlib.util.module_from_spec(spec)
spec.loader.exec_module(nets)
network = nets.CifarResNet(20).eval()
network.load_state_dict(torch.load(folder / "weights" / "cifar_resnet20.pt", weights_only=True))
data = np.load(folder / "images" / "cifar10_100.npz")
mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]

def prepare(picture):
    x = torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255
    return (x - mean) / std

explorer = bbp.Explorer(
    network, list(data["x"][:3]), classes=[str(name) for name in data["names"]],
    labels=[int(label) for label in data["y"][:3]], transform=prepare,
)
explorer.wait()
START = explorer.state
"""
CHOSEN = "return root.querySelector('[aria-label=rule] [aria-checked=true]').dataset.key === rest[0]"
LEDGER = """(root) => {
  const ledger = root.querySelector('.bbp-ledger');
  const figures = [...ledger.querySelectorAll('[data-key]')].map((one) => [one.dataset.key, Number(one.dataset.value)]);
  return { ...Object.fromEntries(figures), mark: ledger.querySelector('[role=img]').ariaLabel };
}"""
RESET = "explorer.state = START; explorer.wait()"
SAVE = "explorer.save({path!r}, rules=['uniform', 'softmax'])"


@pytest.fixture(scope="module")
def notebook(browser: Browser, lab_server: LabServer, shared_data: Path) -> Iterator[Lab]:
    page = new_page(browser)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=lab_server.url)
    page.set_default_timeout(15_000)
    page.set_viewport_size({"width": 1360, "height": 1700})
    lab = Lab(page, lab_server, Path(__file__).resolve().parents[1] / "screenshots", "own_network")
    lab.open_cells(RESNET.format(folder=str(shared_data)), "explorer")
    lab.run_all()
    yield lab
    lab.close()
    page.context.close()


@pytest.fixture(scope="module")
def saved_page(notebook: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "x.html"
    notebook.execute(RESET)
    notebook.execute(SAVE.format(path=str(path)), timeout=120)
    return path


@pytest.fixture(params=["lab", "saved"])
def walker(request: pytest.FixtureRequest, notebook: Lab, browser: Browser) -> Iterator[Walker]:
    """In JupyterLab, light; and in the saved page with the network off, dark."""
    if request.param == "lab":
        notebook.problems.clear()
        notebook.execute(RESET)
        yield Walker(Stage(notebook.page), notebook)
        assert notebook.cell_count() == 2, "a key reached the notebook"
        assert notebook.problems == []
        return
    path = request.getfixturevalue("saved_page")
    context = browser.new_context(
        viewport={"width": 1360, "height": 1700}, color_scheme="dark", reduced_motion="reduce", offline=True
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(15_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.goto(path.as_uri())
    yield Walker(Stage(page), None)
    assert problems == []
    context.close()


class Walker:
    """A reader without a pointer: Tab to a part, then its own keys."""

    def __init__(self, stage: Stage, lab: Lab | None) -> None:
        self.stage = stage
        self.lab = lab
        self.press = stage.press
        # The one thing that is not a key: the page has the focus once a reader has come to it.
        stage.rail.focus()

    def at(self, target: Locator) -> bool:
        return bool(target.evaluate("(node) => node === document.activeElement"))

    def tab_to(self, selector: str) -> Locator:
        """Press Tab, or Shift+Tab where that is the shorter way, until something has the focus."""
        target = self.stage.root.locator(selector).locator("visible=true").first
        target.wait_for(timeout=PATIENCE)
        before = target.evaluate(
            "(node) => Boolean(node.compareDocumentPosition(document.activeElement)"
            " & Node.DOCUMENT_POSITION_FOLLOWING)"
        )
        for _ in range(60):
            if self.at(target):
                return target
            self.press("Shift+Tab" if before else "Tab")
        raise AssertionError(f"no way by Tab to {selector}")

    def choose(self, label: str, key: str) -> None:
        """Tab into a group, go along it by arrows, press Enter."""
        group = f"[role=radiogroup][aria-label='{label}']"
        self.tab_to(f"{group} [tabindex='0']")
        option = self.stage.option(label, key)
        for _ in range(12):
            if self.at(option):
                break
            self.press("ArrowRight")
        self.press("Enter")

    def open_panel(self, key: str) -> None:
        self.tab_to(".bbp-tabs [role=tab][tabindex='0']")
        tab = self.stage.root.locator(f".bbp-tabs [data-key={key}]")
        for _ in range(4):
            if tab.get_attribute("aria-selected") == "true":
                break
            self.press("ArrowRight")
        assert tab.get_attribute("aria-selected") == "true"

    def to_rail(self) -> None:
        self.tab_to(".bbp-rail")

    def focused(self, attribute: str) -> str:
        return str(
            self.stage.page.evaluate("(name) => document.activeElement.getAttribute(name) ?? ''", attribute)
        )

    def figure(self, key: str) -> float:
        return self.stage.number(key)

    def looks_right(self, name: str) -> None:
        """Keep a picture, and look for what lies over another."""
        self.stage.picture(f"own-{'lab' if self.lab else 'saved'}-{name}")
        assert self.stage.root.evaluate(CROWDED) == [], name
        assert self.stage.root.evaluate("(root) => root.scrollWidth - root.clientWidth") <= 1, name

    def read(self, expression: str) -> Any:
        """Ask Python, once it has been told."""
        assert self.lab is not None
        self.stage.wait_at_rest()
        return self.lab.read(expression)


def computed(stage: Stage) -> None:
    """Wait until every lane has its film."""
    stage.wait_until(
        "return !root.querySelector('.bbp-map:not([hidden]) .wait:not([hidden])')"
        " && !root.querySelector('.bbp-lanes .working') && root.querySelector('.bbp-busy').hidden"
    )


def test_all_ten_points_by_the_keyboard_alone(walker: Walker) -> None:
    for point in (stepper, ledger, pictures, maps, lanes, equation, flow, targets, triage):
        point(walker)
    assert violations(walker.stage) == []
    one_state(walker)


def stepper(walker: Walker) -> None:
    """1. A stop per layer; arrows, Home, End, Space, brackets, and how fine it is."""
    stage = walker.stage
    walker.to_rail()
    assert stage.rail.get_attribute("role") == "slider"
    last = stage.steps()
    for key, step in (
        ("Home", 0), ("ArrowLeft", 1), ("ArrowLeft", 2), ("ArrowRight", 1), ("End", last), ("Home", 0)
    ):  # fmt: skip
        walker.press(key)
        assert stage.step() == step
    walker.press("ArrowLeft")
    assert stage.spoken().startswith(f"step 1 of {last}, linear, bias arriving ")
    pace = stage.root.locator(".pace")
    slow = pace.inner_text()
    walker.press("]", "]", "]")
    assert pace.inner_text() != slow
    walker.press(" ")
    stage.wait_until("return Number(root.querySelector('.bbp-rail').getAttribute('aria-valuenow')) >= 3")
    walker.press(" ", "[", "[", "[")
    assert pace.inner_text() == slow
    at = stage.step()
    assert stage.button("Play toward the input").is_visible()
    counts = {}
    for level in ("ops", "blocks", "layers"):
        walker.choose("granularity", level)
        counts[level] = stage.steps()
        walker.looks_right(f"rail-{level}")
    assert counts["blocks"] < counts["layers"] < counts["ops"]
    assert stage.step() == at


def ledger(walker: Walker) -> None:
    """2. Both sums at every stop, to the last line."""
    stage = walker.stage
    walker.to_rail()
    walker.press("Home")
    for _ in range(stage.steps()):
        walker.press("ArrowLeft")
        seen = stage.root.evaluate(LEDGER)
        assert close(seen["arriving"] + seen["intercept"], seen["passed"], 1e-4)
        assert abs(seen["cut_gradient"] + seen["cut_bias"] - seen["target"]) <= seen["tolerance"]
        assert seen["mark"] == "exact"
    words = stage.root.locator(".bbp-ledger").inner_text()
    assert words.rstrip().splitlines()[-1].startswith("Σ bias = b = f − w·x")
    assert close(walker.figure("total_bias"), walker.figure("cut_bias"), 1e-4)
    walker.looks_right("ledger")


def pictures(walker: Walker) -> None:
    """3. Sums above and limits below; scale, grain, overlay; one pixel read in all of them."""
    stage = walker.stage
    assert close(stage.sum_of(0) + stage.sum_of(1), stage.sum_of(2), 1e-4)
    each = [stage.limit_of(map_) for map_ in range(3)]
    walker.tab_to(".bbp-picture .frame")
    walker.press("ArrowDown", "Shift+ArrowRight")
    assert "row 16, column 26" in stage.root.locator(".bbp-gallery .unit").inner_text()
    total = stage.reading_of(2)
    assert abs(stage.reading_of(0) + stage.reading_of(1) - total) <= 0.02 * max(map(abs, [total, *each]))
    walker.looks_right("pixel")
    walker.press("Escape")
    walker.tab_to("[aria-label='how much of the mass lies over the input']")
    walker.press("ArrowLeft", "ArrowLeft")
    walker.choose("scale", "shared")
    assert [stage.limit_of(map_) for map_ in range(3)] == [max(each)] * 3
    walker.choose("scale", "each")
    walker.choose("grain", "8")
    assert close(stage.sum_of(0) + stage.sum_of(1), stage.sum_of(2), 1e-4)
    assert "8 × 8 px" in stage.root.locator(".bbp-gallery .unit").inner_text()
    walker.looks_right("grain")
    walker.choose("grain", "1")


def maps(walker: Walker) -> None:
    """4. All channels of a step: three quantities, two orders, pages, the field on the input, a unit."""
    stage = walker.stage
    walker.open_panel("maps")
    walker.to_rail()
    walker.press("Home", *["ArrowLeft"] * 3)
    atlas = stage.root.locator(".bbp-atlas")
    while "layer3.2.conv2" not in stage.spoken():
        walker.press("ArrowLeft")
    for way in ("value", "contribution", "mass"):
        walker.choose("what the tiles show", way)
        walker.looks_right(f"maps-{way}")
    walker.choose("order of the channels", "index")
    atlas.locator(".tile .number").first.wait_for()
    walker.looks_right("maps-number")
    walker.choose("order of the channels", "mass")
    walker.tab_to(".bbp-atlas .grid")
    if walker.lab:
        walker.press("PageDown")
        stage.wait_until("return root.querySelector('.bbp-atlas .pager .key').textContent.includes('2')")
        stage.wait_until("return !root.querySelector('.bbp-atlas .grid').closest('.board').hidden")
        walker.tab_to(".bbp-atlas .grid")
        walker.press("PageUp")
    walker.press("Home", "Enter", "ArrowDown")
    assert "mass ≈" in atlas.locator(".reading").inner_text()
    assert stage.root.locator(".bbp-picture .field").first.is_visible()
    walker.looks_right("field")
    walker.press("Escape")


def lanes(walker: Walker) -> None:
    """5. A second rule beside the first, their difference, where they part; a temperature; a plan from the rail."""
    stage = walker.stage
    walker.to_rail()
    walker.press("1")
    stage.wait_until(CHOSEN, "uniform")
    walker.press("2")
    stage.wait_until(CHOSEN, "proportional")
    walker.tab_to("button.add:text('+ lane')")
    walker.press("Enter")
    computed(stage)
    assert stage.maps().count() == 4
    walker.to_rail()
    walker.press("End")
    assert "most at" in (stage.root.locator(".bbp-parting").get_attribute("aria-label") or "")
    walker.choose("difference", "0")
    assert stage.maps().count() == 5
    walker.looks_right("lanes")
    walker.choose("rule", "softmax")
    computed(stage)
    walker.looks_right("lanes-softmax")
    if walker.lab:
        walker.tab_to(".rule-bar .knobs input")
        walker.press("ArrowLeft", "ArrowLeft")
        computed(stage)
        temperature = walker.read("explorer.parameters['temperature']")
        assert temperature != 1
        assert f"{temperature:.2g}"[:3] in stage.root.locator(".rule-bar .knobs output").first.inner_text()
    walker.tab_to(".bbp-lanes .lane.on .remove")
    walker.press("Enter")
    computed(stage)
    assert stage.maps().count() == 3
    walker.to_rail()
    walker.press("Home", "ArrowLeft", "ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowLeft")
    walker.looks_right("plan-stops")
    if walker.lab:
        walker.tab_to("[aria-label='rule for the selected stops']")
        walker.press("u")
        computed(stage)
        assert {entry["rule"] for entry in walker.read("explorer.plan").values()} == {"uniform"}
        assert stage.root.locator(".bbp-rail .planned").count() > 0
        walker.looks_right("plan")
        walker.tab_to(".bbp-plan .kept .link")
        walker.press("Enter")
        computed(stage)
    walker.to_rail()
    walker.press("Escape")
    assert not stage.root.locator(".bbp-plan .editor").is_visible()


def equation(walker: Walker) -> None:
    """6. The equation of the unit: numbers, formula, Python, copies, and along a term."""
    stage = walker.stage
    inspector = stage.root.locator(".bbp-inspector")
    walker.open_panel("maps")
    walker.to_rail()
    walker.press("Home")
    while "layer3.2.conv2" not in stage.spoken():
        walker.press("ArrowLeft")
    if walker.lab:
        walker.tab_to(".bbp-atlas .grid")
        walker.press("Home", "Enter", "Enter")
    else:
        walker.tab_to(".bbp-inspector .offer")
        walker.press("Enter")
    inspector.locator(".equation").wait_for(timeout=PATIENCE)
    cells = inspector.locator(".gives [data-key=part], .gives [data-key=mass]")
    assert cells.count() > 3
    walker.looks_right("equation")
    walker.tab_to(".bbp-inspector [role=tab][tabindex='0']")
    walker.press("ArrowRight")
    assert inspector.locator(".formula").is_visible()
    walker.looks_right("formula")
    walker.press("ArrowRight")
    assert "attribution.unit(" in inspector.locator("pre").inner_text()
    walker.looks_right("python")
    for what, wanted in (("CSV", "direction,frame"), ("LaTeX", "\\begin{tabular}")):
        walker.tab_to(f".bbp-inspector [aria-label='copy the equation as {what}']")
        walker.press("Enter")
        stage.wait_until(
            "return [...root.querySelectorAll('.copies button')].some((b) => b.textContent.includes('copied'))"
        )
        assert wanted in str(stage.page.evaluate("() => navigator.clipboard.readText()"))
    walker.tab_to(".bbp-inspector [role=tab][tabindex='0']")
    walker.press("Home")
    step = stage.step()
    walker.tab_to(".bbp-inspector .gives button.term")
    walker.press("Enter")
    inspector.locator(".back").wait_for(timeout=PATIENCE)
    assert stage.step() > step
    walker.tab_to(".bbp-inspector .back")
    walker.press("Enter")
    stage.wait_until(
        "return Number(root.querySelector('.bbp-rail').getAttribute('aria-valuenow')) === rest[0]", step
    )
    walker.tab_to(".bbp-inspector .clear")
    walker.press("Enter")


def flow(walker: Walker) -> None:
    """7. The modules as a tree of at most twelve boxes; opened, closed, gone to; the rest in percent."""
    stage = walker.stage
    walker.open_panel("flow")
    items = stage.root.locator(".bbp-flow [role=treeitem]")
    first = items.count()
    assert first <= 12
    walker.looks_right("flow")
    walker.tab_to(".bbp-flow [role=treeitem][tabindex='0']")
    walker.press("Home")
    for _ in range(first):
        if "layer3" in walker.focused("data-key"):
            break
        walker.press("ArrowDown")
    walker.press("ArrowRight")
    stage.wait_until("return root.querySelectorAll('.bbp-flow [role=treeitem]').length > rest[0]", first)
    walker.looks_right("flow-open")
    walker.press("ArrowRight", "Enter")
    assert "layer3" in stage.spoken()
    walker.press("ArrowLeft", "ArrowLeft")
    stage.wait_until("return root.querySelectorAll('.bbp-flow [role=treeitem]').length === rest[0]", first)


def targets(walker: Walker) -> None:
    """8. The dimmer, another class by name, one rather than another, another picture."""
    stage = walker.stage
    walker.open_panel("classes")
    stage.root.get_by_label("t, the part of the bias").wait_for(timeout=PATIENCE)
    walker.tab_to("[aria-label='t, the part of the bias']")
    ranking = stage.root.locator(".class-row")
    before = ranking.evaluate_all("(all) => all.map((row) => row.dataset.key)")
    walker.press("Home")
    stage.wait_until(
        "return [...root.querySelectorAll('.class-row')].some((row, i) => row.dataset.key !== rest[0][i])",
        before,
    )
    walker.looks_right("classes")
    walker.press("End")
    if walker.lab:
        walker.tab_to("[aria-label^='other targets']")
        walker.press("Enter")
        stage.page.keyboard.type("ship")
        stage.picture("own-lab-search")
        walker.press("Enter")
        stage.wait_until("return root.querySelector('.bbp-ledger').textContent.includes('= ship')")
        computed(stage)
        walker.tab_to("[role=radiogroup][aria-label=target] [tabindex='0']")
        walker.press("Home", "Shift+Enter")
        stage.wait_until("return /rather than cat/.test(root.querySelector('.bbp-ledger').textContent)")
        computed(stage)
        walker.looks_right("rather")
        walker.choose("sample", "2")
        computed(stage)
        assert walker.read("explorer.sample") == 2
        walker.looks_right("sample")
        walker.tab_to(".sample-bar .add")


def triage(walker: Walker) -> None:
    """9. What every layer is checked for, and the way to what is out of the ordinary."""
    stage = walker.stage
    walker.open_panel("triage")
    rows = stage.root.locator(".bbp-triage").inner_text()
    for word in ("residual", "unshared", "NaN", "entropy", "negative mass", "dead units", "time"):
        assert word in rows
    walker.looks_right("triage")
    walker.tab_to(".bbp-triage [role=gridcell][tabindex='0']")
    walker.press("End", "ArrowDown", "ArrowRight", "ArrowRight")
    assert stage.step() == stage.steps() - 2
    walker.to_rail()
    walker.press("n")
    assert "nothing out of the ordinary" in stage.said()


def one_state(walker: Walker) -> None:
    """10. Undone, done again, and taken along as Python."""
    stage = walker.stage
    walker.choose("grain", "16")
    walker.to_rail()
    walker.press("Control+z")
    assert stage.chosen("grain") == "1"
    walker.press("Control+Shift+z")
    assert stage.chosen("grain") == "16"
    walker.tab_to(".bbp-toolbar .copy")
    walker.press("Enter")
    stage.wait_until("return root.querySelector('.bbp-toolbar').textContent.includes('copied')")
    assert "grain" in str(stage.page.evaluate("() => navigator.clipboard.readText()"))
