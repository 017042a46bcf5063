"""Fixtures for all tests: the shared data folder, and one JupyterLab with one Chromium for a whole session."""

from __future__ import annotations

import os
import random
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import settings

if TYPE_CHECKING:
    from jupyter_harness import Lab, LabServer
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
SCREENSHOTS = Path(__file__).resolve().parent / "screenshots"
SHARED_DATA = "BBP_SHARED_DATA"
#: What every test draws from, unless it seeds for itself.
SEED = 20

# Examples that differ from run to run fail for whoever happens to draw them, not for whoever broke something.
# `--hypothesis-profile=default` looks for new ones.
settings.register_profile("same", derandomize=True)
settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    """End as Ctrl-C does when told to end, so that the fixtures end their servers and browsers."""
    # Thousands of small ops: a second thread saves little, and waits busily where the machine is shared.
    torch.set_num_threads(1)
    if os.name != "nt":
        signal.signal(signal.SIGTERM, _interrupt)


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Seed what a file draws while it is imported: the same whichever files are imported before it."""
    if isinstance(collector, pytest.Module):
        _seed()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Seed before a test and all its fixtures: alone or among others, it draws the same."""
    _seed()


def _seed() -> None:
    torch.manual_seed(SEED)
    np.random.seed(SEED)
    random.seed(SEED)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(f"signal {number}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the browser, and run it after everything that is quick."""
    for item in items:
        if {"lab", "lab_server", "browser"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: any(item.iter_markers("notebook")) + 2 * any(item.iter_markers("browser")))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published networks and real pictures beside the checkout; the test is skipped without it."""
    folder = Path(os.environ.get(SHARED_DATA) or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no shared data beside the checkout; {SHARED_DATA} may name the folder")
    return folder


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """One JupyterLab server, without the user's settings and extensions' news."""
    from jupyter_harness import running_server

    with running_server(tmp_path_factory.mktemp("lab") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all browser tests."""
    from jupyter_harness import running_chromium
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, running_chromium(playwright, chromium_path()) as browser:
        yield browser


@pytest.fixture
def lab(browser: Browser, lab_server: LabServer, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A fresh page of JupyterLab. A test ends with ``assert lab.problems == []``; its last view is kept."""
    from jupyter_harness import Lab, new_page

    page = new_page(browser)
    lab = Lab(page, lab_server, SCREENSHOTS, re.sub(r"\W+", "_", request.node.name).strip("_"))
    try:
        yield lab
        lab.screenshot()
    finally:
        lab.close()
        page.context.close()


@pytest.fixture
def page(lab: Lab) -> Any:
    """The page of ``lab``, with ``page.problems`` for tests that want nothing else of it."""
    lab.page.problems = lab.problems  # type: ignore[attr-defined]
    return lab.page


def chromium_path() -> str:
    """Find the Chromium for the tests as ``dev.py`` does, or fail naming what to install."""
    sys.path.insert(0, str(ROOT))
    try:
        import dev
    finally:
        sys.path.remove(str(ROOT))
    path = dev.find_chromium()
    if not path:
        pytest.fail(
            "the browser tests need Chromium: install the package chromium or Google Chrome, or set "
            f"{dev.BROWSER_VARIABLE} to the path of one",
            pytrace=False,
        )
    return path
