"""A real JupyterLab and a real Chromium for the tests, cut off from the network and from the user's settings.

`LabServer` runs JupyterLab in folders of its own. `Lab` drives one page of it and collects everything that went
wrong there; a test ends with ``assert lab.problems == []``. Lines that matter for more than neatness:

- cells run only once the kernel is connected and idle, for a run asked for earlier never ends;
- the server is a process group of its own, ended also when the tests are killed with SIGTERM;
- ``windowingMode`` is ``none``, or cells out of sight would not be drawn.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Playwright, Route

SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
LOCAL = ("http://127.0.0.1:", "ws://127.0.0.1:", "blob:", "data:", "about:")
SERVER_START = 60.0  # seconds; a cold start on a busy machine
READY_TIMEOUT = 90_000  # milliseconds, for the first notebook of a session
SPLASH = "#jupyterlab-splash"

READY = """async () => {
  const app = window.jupyterapp;
  if (!app) return false;
  await app.restored;
  const panel = app.shell.currentWidget;
  const session = panel?.context?.sessionContext;
  if (!session || !panel.content?.widgets?.length) return false;
  await panel.context.ready;
  await session.ready;
  const kernel = session.session?.kernel;
  return kernel?.status === 'idle' && kernel.connectionStatus === 'connected';
}"""
RUN_ALL = """(limit) => Promise.race([
  window.jupyterapp.commands.execute('notebook:run-all-cells'),
  new Promise((resolve) => setTimeout(() => resolve('timeout'), limit)),
])"""
RUN_CELL = """async ([index, limit]) => {
  const { commands, shell } = window.jupyterapp;
  shell.currentWidget.content.activeCellIndex = index;
  return Promise.race([
    commands.execute('notebook:run-cell'),
    new Promise((resolve) => setTimeout(() => resolve('timeout'), limit)),
  ]);
}"""
EXECUTE = """async ([code, limit]) => {
  const { kernel } = window.jupyterapp.shell.currentWidget.context.sessionContext.session;
  const future = kernel.requestExecute({ code, store_history: false });
  let text = '';
  let error = null;
  future.onIOPub = ({ header, content }) => {
    if (header.msg_type === 'stream') text += content.text;
    if (header.msg_type === 'error') error = `${content.ename}: ${content.evalue}`;
  };
  const late = new Promise((resolve) => setTimeout(() => resolve('timeout'), limit));
  if ((await Promise.race([future.done, late])) === 'timeout') error = 'not done in time';
  return [text, error];
}"""
CELL_ERRORS = """() => window.jupyterapp.shell.currentWidget.model.sharedModel.cells.flatMap((cell, i) =>
  (cell.toJSON().outputs ?? []).filter((o) => o.output_type === 'error')
    .map((o) => `cell ${i + 1}: ${o.ename}: ${o.evalue}`))"""


class LabServer:
    """One JupyterLab server, with its settings, kernels and notebooks in a folder of the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notebooks = folder / "notebooks"
        self.log = folder / "jupyterlab.log"
        self.token = secrets.token_hex(16)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.notebooks.mkdir(parents=True)
        settings = self.folder / "app_settings"
        settings.mkdir()
        (settings / "overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(settings),
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait()

    def stop(self) -> None:
        """End the server and its kernels."""
        process, self._process = self._process, None
        if process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
                return

    def _command(self, settings: Path) -> list[str]:
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": self.port,
            "ServerApp.port_retries": 0,
            "ServerApp.root_dir": self.notebooks,
            "ServerApp.shutdown_no_activity_timeout": 1800,  # should the tests be killed without a warning
            "MappingKernelManager.cull_idle_timeout": 1200,
            "IdentityProvider.token": self.token,
            "LabApp.app_settings_dir": settings,
            "LabApp.user_settings_dir": self.folder / "user_settings",
            "LabApp.workspaces_dir": self.folder / "workspaces",
            "LabApp.expose_app_in_browser": True,
        }
        root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        given = [f"--{name}={value}" for name, value in options.items()]
        return [sys.executable, "-m", "jupyterlab", "--no-browser", *root, *given]

    def _environment(self) -> dict[str, str]:
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "IPYTHONDIR": "ipython",
            "MPLCONFIGDIR": "matplotlib",
        }
        return {**os.environ, **{name: str(self.folder / value) for name, value in folders.items()}}

    def _wait(self) -> None:
        end = time.monotonic() + SERVER_START
        while time.monotonic() < end:
            if self._process is None or self._process.poll() is not None:
                break
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                urllib.request.urlopen(f"{self.url}/api/status?token={self.token}", timeout=5).close()
                return
            time.sleep(0.1)
        self.stop()
        log = self.log.read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"JupyterLab did not answer within {SERVER_START:.0f} s. Its log:\n{log}")


class Lab:
    """One page of the server, and what went wrong on it.

    ``problems`` holds page errors, console errors and every request to another machine (each of which was
    refused); ``ignore`` names console messages that are known and not ours.
    """

    def __init__(self, page: Page, server: LabServer, screenshots: Path, name: str) -> None:
        self.page = page
        self.server = server
        self.problems: list[str] = []
        self.ignore: list[str] = []
        self._screenshots = screenshots
        self._name = name
        page.on("pageerror", lambda error: self._note(f"page error: {error}"))
        page.on("console", self._on_console)
        page.route("**/*", self._on_request)

    def open_notebook(self, path: str | Path) -> None:
        """Open a notebook of the server's folder and wait for its kernel; a path elsewhere is copied there."""
        path = Path(path)
        if path.is_absolute():
            (self.server.notebooks / path.name).write_bytes(path.read_bytes())
            path = Path(path.name)
        self.page.goto(f"{self.server.url}/doc/tree/{path.as_posix()}?token={self.server.token}")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=READY_TIMEOUT)
        self.page.wait_for_function(READY, timeout=READY_TIMEOUT)
        self.page.wait_for_selector(SPLASH, state="detached")

    def open_cells(self, *cells: str) -> str:
        """Write a notebook of these code cells and open it; return what it is called."""
        name = f"{self._name}.ipynb"
        write_notebook(self.server.notebooks / name, cells)
        self.open_notebook(name)
        return name

    def run_all(self, timeout: float = 120.0) -> None:
        """Run every cell; fail with the cells' own errors. ``timeout`` is in seconds."""
        result = self.page.evaluate(RUN_ALL, timeout * 1000)
        assert result is not False, f"a cell raised: {self.cell_errors()}"
        assert result is True, f"the notebook did not finish within {timeout} s; {self.cell_errors()}"

    def run_cell(self, cell: int, timeout: float = 60.0) -> None:
        """Run one cell, counted from 0; fail with what it raised."""
        result = self.page.evaluate(RUN_CELL, [cell, timeout * 1000])
        assert result is True, f"cell {cell + 1} gave {result}; {self.cell_errors()}"

    def execute(self, code: str, timeout: float = 60.0) -> str:
        """Run code in the notebook's kernel beside its cells; return what it printed."""
        text, error = self.page.evaluate(EXECUTE, [code, timeout * 1000])
        assert error is None, f"{error}, of\n{code}"
        return str(text)

    def read(self, expression: str) -> Any:
        """Return what an expression is in the notebook's kernel, through JSON."""
        return json.loads(self.execute(f"import json as _json; print(_json.dumps({expression}))"))

    def start_all(self) -> None:
        """Ask for every cell to be run, and return while they run."""
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")

    def cell_errors(self) -> list[str]:
        """What the notebook's cells raised."""
        return list(self.page.evaluate(CELL_ERRORS))

    def cell_count(self) -> int:
        """How many cells the open notebook has; keys meant for a widget must not change that."""
        return int(self.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length"))

    def output(self, cell: int) -> Locator:
        """The output area of a cell, counted from 0 over all cells."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".jp-Cell-outputArea")

    def set_theme(self, theme: str) -> None:
        """Switch to ``"JupyterLab Dark"`` or ``"JupyterLab Light"`` and wait until it is on."""
        self.page.evaluate(
            "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
        )
        self.page.wait_for_function("(theme) => document.body.dataset.jpThemeName === theme", arg=theme)
        self.page.wait_for_selector(SPLASH, state="detached")  # it covers the page while the theme loads

    def screenshot(self, label: str = "", of: Locator | None = None) -> Path:
        """Write a picture of the page, or of one element, into the ignored folder ``tests/screenshots``."""
        self._screenshots.mkdir(exist_ok=True)
        path = self._screenshots / f"{self._name}{'-' if label else ''}{label}.png"
        (of or self.page).screenshot(path=path)
        return path

    def close(self) -> None:
        """End the kernel of this page's notebook, so that they do not pile up."""
        with contextlib.suppress(Exception):
            self.page.evaluate(
                "() => window.jupyterapp?.shell?.currentWidget?.context?.sessionContext?.shutdown()"
            )

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"console error: {message.text} ({message.location.get('url', '')})")

    def _on_request(self, route: Route) -> None:
        url = route.request.url
        if url.startswith(LOCAL):
            route.continue_()
        else:
            self._note(f"request outside this machine: {url}")
            route.abort()

    def _note(self, problem: str) -> None:
        if not any(known in problem for known in self.ignore):
            self.problems.append(problem)


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    """Write a notebook of code cells for the kernel of this environment."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, path)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running_server(folder: Path) -> Iterator[LabServer]:
    """A server for as long as the block runs."""
    server = LabServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def running_chromium(playwright: Playwright, executable: str) -> Iterator[Browser]:
    """A Chromium without a screen, that reaches nothing on its own account."""
    quiet = ["background-networking", "component-update", "sync", "quic", "default-apps"]
    browser = playwright.chromium.launch(
        executable_path=executable,
        chromium_sandbox=False,
        args=[*(f"--disable-{name}" for name in quiet), "--no-first-run", "--force-color-profile=srgb"],
    )
    try:
        yield browser
    finally:
        browser.close()


def new_page(browser: Browser, **options: Any) -> Page:
    """A page of its own context: no cookies, storage or settings from the test before."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 1000}, reduced_motion="reduce", **options
    )
    return context.new_page()
