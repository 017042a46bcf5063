"""A saved page with the network cut: it steps, switches, undoes, shows what it kept, and says what it has not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.stage import Stage, close
from browser.test_page import PANELS, violations
from playwright.sync_api import Browser

import bbp_widgets as bbp


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    demo = bbp.demo.shapes()
    explorer = bbp.Explorer(demo.network, demo.inputs[:3], classes=demo.classes, pictures=demo.pictures[:3])
    path = explorer.save(tmp_path_factory.mktemp("saved") / "x.html", rules=["uniform", "softmax"])
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
    saved.choose("rule", "winner", by="keys")
    assert "Not in this page" in saved.alert()
    assert saved.chosen("rule") == "proportional"
    saved.button("dismiss").click()
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
