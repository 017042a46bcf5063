"""A saved page with the network cut: it steps, switches, undoes, shows what it kept, and says what it has not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.stage import Stage, close
from browser.test_page import CROWDED, PANELS, violations
from playwright.sync_api import Browser, Locator

import bbp_widgets as bbp


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    demo = bbp.demo.shapes()
    explorer = bbp.Explorer(demo.network, demo.inputs[:3], classes=demo.classes, pictures=demo.pictures[:3])
    path = explorer.save(tmp_path_factory.mktemp("saved") / "x.html", rules=["uniform", "softmax"])
    explorer.close()
    return Path(path)


@pytest.fixture(scope="module")
def lanes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three lanes, two of them of one rule, and the difference of two."""
    demo = bbp.demo.shapes()
    sharp = {"rule": "softmax", "parameters": {"temperature": 0.3}}
    explorer = bbp.Explorer(
        demo.network, demo.inputs[:3], classes=demo.classes, pictures=demo.pictures[:3],
        lanes=["proportional", sharp, "softmax"], state={"difference": 1},
    )  # fmt: skip
    path = explorer.save(tmp_path_factory.mktemp("lanes") / "x.html", rules=[])
    explorer.close()
    return Path(path)


@pytest.fixture(params=["light", "dark"])
def saved(browser: Browser, file: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    context = browser.new_context(
        viewport={"width": 1360, "height": 1500}, color_scheme=request.param, reduced_motion="reduce"
    )
    problems: list[str] = []
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.on(
        "request", lambda asked: problems.append(asked.url) if asked.url.startswith(("http", "ws")) else None
    )
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.goto(file.as_uri())
    context.set_offline(True)
    yield Stage(page)
    assert problems == []
    context.close()


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_equations_that_were_kept_are_found_read_and_copied(saved: Stage, by: str) -> None:
    def press(what: Locator) -> None:
        if by == "pointer":
            what.click()
        else:
            what.focus()
            saved.press("Enter")

    page, inspector = saved.page, saved.root.locator(".bbp-inspector")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    saved.walk("End", *["ArrowRight"] * 4)
    # a cell whose equation is not here, and the way to one that is
    saved.root.locator(".bbp-atlas .grid").focus()
    saved.press("End", "Enter", "Home", "Enter")
    assert "it takes a kernel" in inspector.inner_text()
    press(inspector.locator(".offer"))
    inspector.locator(".equation").wait_for()
    step = saved.step()
    demo = bbp.demo.shapes()
    result = bbp.attribute(demo.network, demo.inputs[:1])
    name = saved.spoken().split(", ")[1]
    mass = result.at(name).mass[0]
    shown = float(inspector.locator(".comes [data-key=mass]").get_attribute("data-value") or "nan")
    assert close(abs(shown), float(mass.abs().max()), 1e-5)
    tabs = inspector.locator("[role=tablist]")
    if by == "pointer":
        tabs.get_by_role("tab", name="formula").click()
    else:
        tabs.get_by_role("tab", name="numbers").focus()
        saved.press("ArrowRight")
    assert inspector.locator(".formula").is_visible()
    saved.picture(f"saved-equation-{by}")
    assert violations(saved) == []
    for what, wanted in (("CSV", "direction,frame"), ("LaTeX", "\\begin{tabular}")):
        press(saved.button(f"copy the equation as {what}"))
        saved.button(f"copied the equation as {what}").wait_for()
        assert violations(saved) == []
        assert wanted in str(page.evaluate("() => navigator.clipboard.readText()"))
    # along a term and back
    tabs.get_by_role("tab", name="numbers").click()
    press(inspector.locator(".gives button.term").first)
    assert saved.step() > step
    press(saved.button("back"))
    assert saved.step() == step
    inspector.locator(".equation").wait_for()


def test_it_works_without_kernel_and_network(saved: Stage) -> None:
    demo = bbp.demo.shapes()
    assert "saved page" in saved.root.locator(".badge").inner_text()
    proportional = saved.pixels(1)
    saved.walk("End")
    assert close(saved.number("cut_bias"), saved.number("total_bias"))
    saved.choose("rule", "uniform")
    saved.wait_until(
        "return root.querySelector('[aria-label=rule] [aria-checked=true]').dataset.key === 'uniform'"
    )
    assert saved.pixels(1) != proportional
    expected = bbp.attribute(demo.network, demo.inputs[:1], rule="uniform").bias[0, :, 32, 32].sum()
    saved.point(saved.maps().nth(1).locator(".frame"), 0.508, 0.508)
    assert close(saved.reading_of(1), float(expected), 6e-3)
    saved.walk("Control+z")
    assert saved.pixels(1) == proportional
    saved.choose("rule", "softmax")
    saved.wait_until(
        "return root.querySelector('[aria-label=rule] [aria-checked=true]').dataset.key === 'softmax'"
    )
    softmax = bbp.attribute(demo.network, demo.inputs[:1], rule="softmax").bias[0, :, 32, 32].sum()
    saved.point(saved.maps().nth(1).locator(".frame"), 0.508, 0.508)
    assert close(saved.reading_of(1), float(softmax), 6e-3)
    saved.walk("Control+z")
    saved.choose("rule", "winner", by="keys")
    assert "Not in this page" in saved.alert()
    assert saved.chosen("rule") == "proportional"
    saved.button("dismiss").click()
    saved.panel("triage")
    saved.walk("Home", "ArrowLeft")
    entropy = bbp.attribute(demo.network, demo.inputs[:1]).share_entropy("head")
    assert entropy is not None
    shown = saved.root.locator(".bbp-triage [data-key=entropy]").get_attribute("data-value")
    assert close(float(shown or "nan"), entropy, 1e-4)
    saved.walk("End")
    saved.panel("classes")
    parts = bbp.decompose(demo.network, demo.inputs[:1])
    row = saved.root.locator(".class-row").first
    best = int(parts.output[0].argmax())
    assert row.get_attribute("data-key") == str(best)
    assert close(float(row.locator("b").get_attribute("data-value") or 0), float(parts.output[0, best]), 1e-4)
    saved.panel("maps")
    saved.root.locator(".bbp-atlas .grid").focus()
    saved.press("Enter", "Home", "ArrowUp", "Enter")
    assert "it takes a kernel" in saved.root.locator(".bbp-inspector").inner_text()
    saved.picture("saved-page")
    for panel in PANELS:
        saved.panel(panel)
        assert violations(saved) == [], panel


#: Widths of the window and dots a pixel: as narrow as the widget may be, a window of 1360 at 200 %, and as it is.
WINDOWS = [(496, 1), (680, 2), (1360, 1)]


@pytest.mark.parametrize(("width", "dots"), WINDOWS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_narrow_zoomed_and_wide(browser: Browser, lanes: Path, theme: str, width: int, dots: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 1500}, device_scale_factor=dots, color_scheme=theme,
        reduced_motion="reduce", offline=True,
    )  # fmt: skip
    page = context.new_page()
    page.goto(lanes.as_uri())
    stage = Stage(page)
    for panel in PANELS:
        stage.panel(panel)
        for keys in (["Home"], ["ArrowLeft"] * 6):
            stage.walk(*keys)
            page.wait_for_timeout(300)
            assert stage.root.evaluate("(root) => root.scrollWidth - root.clientWidth") <= 0
            assert stage.root.evaluate(CROWDED) == [], panel
            assert violations(stage) == [], panel
        stage.picture(f"saved-{width}-{panel}")
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_twice_as_large(browser: Browser, lanes: Path, theme: str) -> None:
    context = browser.new_context(
        viewport={"width": 1360, "height": 1500}, color_scheme=theme, reduced_motion="reduce", offline=True
    )
    page = context.new_page()
    page.goto(lanes.as_uri())
    stage = Stage(page)
    texts = [".bbp-rail .group", ".bbp-ledger .value", ".bbp-atlas .tile b", ".bbp-parting .lane"]

    height = "(text) => text.getBoundingClientRect().height"

    def heights() -> list[float]:
        return [stage.root.locator(f"{text} >> visible=true").first.evaluate(height) for text in texts]

    stage.walk("ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft")
    usual = heights()
    page.add_style_tag(content=":root { font-size: 200% }")
    stage.wait_until("return Number(root.querySelector('.bbp-rail').getAttribute('height')) > 400")
    page.wait_for_timeout(300)
    assert all(abs(now / before - 2) < 0.12 for now, before in zip(heights(), usual, strict=True))
    for panel in PANELS:
        stage.panel(panel)
        for keys in (["Home"], ["ArrowLeft"] * 6, ["End", "ArrowRight", "ArrowRight"]):
            stage.walk(*keys)
            page.wait_for_timeout(300)
            assert stage.root.evaluate("(root) => root.scrollWidth - root.clientWidth") <= 0
            assert stage.root.evaluate(CROWDED) == [], panel
            assert violations(stage) == [], panel
        stage.picture(f"saved-large-text-{panel}")
    context.close()
