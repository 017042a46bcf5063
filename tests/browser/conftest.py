"""One notebook with an explorer for all tests that only look at it, and a view of it that is fresh for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser.stage import Stage

if TYPE_CHECKING:
    from jupyter_harness import Lab, LabServer
    from playwright.sync_api import Browser

SCREENSHOTS = Path(__file__).resolve().parents[1] / "screenshots"
#: Pictures of 64 by 64 pixels, 34 steps, up to 64 channels in three pages; takes pictures of one's own.
SHAPES = """
import numpy as np, torch, bbp_widgets as bbp
demo = bbp.demo.shapes()
def prepare(picture):
    return demo.prepare(np.asarray(picture.convert("RGB").resize((64, 64))))
explorer = bbp.Explorer(
    demo.network, demo.pictures[:4], classes=demo.classes, labels=demo.labels[:4], transform=prepare
)
explorer.wait()
START = explorer.state
"""
THEMES = ("light", "dark")
FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember what failed, so that its last view is kept."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(scope="session")
def bench(browser: Browser, lab_server: LabServer) -> Iterator[Lab]:
    """A notebook whose first cell makes an explorer, and whose second shows it."""
    from jupyter_harness import Lab, new_page

    page = new_page(browser)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=lab_server.url)
    bench = Lab(page, lab_server, SCREENSHOTS, "bench")
    page.set_default_timeout(15_000)
    page.set_viewport_size({"width": 1360, "height": 1500})
    bench.open_cells(SHAPES, "explorer")
    bench.run_all()
    yield bench
    bench.close()
    page.context.close()


@pytest.fixture(params=THEMES, scope="module")
def theme(bench: Lab, request: pytest.FixtureRequest) -> str:
    """The theme that JupyterLab has; a module's tests run once in each."""
    bench.set_theme(f"JupyterLab {request.param.title()}")
    return str(request.param)


@pytest.fixture
def shown(bench: Lab, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A fresh view of the explorer of the bench, in whatever theme."""
    bench.problems.clear()
    bench.ignore.clear()
    bench.execute("explorer.state = START; explorer.wait()")
    bench.run_cell(1)
    yield Stage(bench.page)
    if request.node.stash.get(FAILED, False):
        bench.screenshot(re.sub(r"\W+", "_", request.node.name).strip("_"))
    assert bench.cell_count() == 2, "a key reached the notebook"
    assert bench.problems == []


@pytest.fixture
def stage(theme: str, shown: Stage) -> Stage:
    """A fresh view of the explorer of the bench, in a light and in a dark theme."""
    assert shown.root.get_attribute("data-theme") == theme
    return shown


@pytest.fixture
def instead(stage: Stage, bench: Lab) -> Iterator[Callable[[str], Stage]]:
    """Put the ``explorer`` that some code makes in the place of that of the bench, for one test."""
    put: list[str] = []

    def show(code: str) -> Stage:
        put.append(code)
        bench.execute("of_the_bench = explorer")
        bench.execute(f"{code}\nexplorer.wait()")
        bench.run_cell(1)
        return Stage(bench.page)

    yield show
    if put:
        bench.execute("explorer.close(); explorer = of_the_bench")


@pytest.fixture
def python(bench: Lab) -> Any:
    """What an expression is in the kernel of the bench: ``python("explorer.state")``."""
    return bench.read


@pytest.fixture(scope="session")
def shapes() -> Any:
    """The network and the pictures of the bench, here in the tests."""
    import bbp_widgets as bbp

    return bbp.demo.shapes()
