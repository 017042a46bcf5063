"""The example notebooks are committed without outputs, and run from top to bottom, cut off from the network."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "example_notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
TIMEOUT = 300  # seconds, for one cell
SHARED_DATA = "BBP_SHARED_DATA"
NOWHERE = "http://127.0.0.1:9"  # a port that refuses


def read(path: Path) -> Any:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_committed_without_outputs(path: Path) -> None:
    notebook = read(path)
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            assert cell.outputs == [], (
                f"cell {number} of {path.name} has outputs: clear them before committing"
            )
            assert cell.execution_count is None, (
                f"cell {number} of {path.name} has a number: clear the outputs"
            )
    assert "widgets" not in notebook.metadata, f"{path.name} holds the state of widgets: clear the outputs"


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_from_top_to_bottom(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / FOLDER.name
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):  # nothing of the user's own
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, NOWHERE)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    beside = FOLDER.parent.parent / "shared" / "data"
    if beside.is_dir() and not os.environ.get(SHARED_DATA):
        monkeypatch.setenv(SHARED_DATA, str(beside))
    monkeypatch.setenv("BBP_DOWNLOAD", "0")  # a notebook may fetch weights, a test may not
    client = NotebookClient(
        read(folder / path.name),
        timeout=TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
