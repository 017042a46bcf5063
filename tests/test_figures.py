"""The README's figures are those that are noted, and those that are seeded come out again."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOTED: dict[str, Any] = json.loads((ROOT / "docs" / "figures.json").read_text(encoding="utf-8"))


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import figures

    return figures


def test_the_readme_has_the_figures_that_are_noted(figures: ModuleType) -> None:
    marks = re.findall(r"<!-- figures: (\w+) -->", README)
    assert sorted(marks) == sorted(figures.figures_text.REGIONS)
    assert figures.written(README, NOTED) == README


def test_every_part_says_which_run_it_comes_from(figures: ModuleType) -> None:
    for part in ("accuracy", "faithfulness", "cost", "latency", "commands"):
        assert set(NOTED[part]["run"]) == set(figures.run_of()), part


@pytest.mark.slow
def test_the_seeded_figures_come_out_again() -> None:
    pytest.importorskip("captum")
    command = [sys.executable, str(ROOT / "docs" / "figures.py"), "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_figure_that_came_out_otherwise_is_named(figures: ModuleType) -> None:
    run = figures.run_of()
    row = {"network": "shapes", "pictures": 400, "classes": 8, "all": 400, "w·x": 62, "b": 395}
    noted = {"run": run, "rows": [row]}
    assert figures.compared("accuracy", noted, {"rows": [row]}) == []
    # another processor may move a picture, and not more
    assert figures.compared("accuracy", noted, {"rows": [{**row, "b": 394}]}) == []
    (line,) = figures.compared("accuracy", noted, {"rows": [{**row, "b": 390}]})
    assert "shapes" in line
    assert figures.compared("accuracy", noted, {"rows": [{**row, "b": None}]}) != []
    test = {"method": "random", "switch": [3.0, 2.5, 3.5]}
    noted = {"run": run, "rows": [test]}
    assert figures.compared("faithfulness", noted, {"rows": [{**test, "switch": [3.0, 2.5, 3.6]}]}) != []


def test_a_mark_that_nothing_writes_is_refused(figures: ModuleType) -> None:
    with pytest.raises(KeyError, match="blob"):
        figures.written("<!-- figures: blob -->\n<!-- end of figures -->", NOTED)


def test_a_benchmarks_table_is_read(figures: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = "a line\n| network | input | one pass, ms |\n|---|---|--:|\n| resnet18 | 1x3 | 8.5 (1x) |\n\nand more\n"

    def run(*_: Any, **__: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, stdout=printed)

    monkeypatch.setattr(figures.subprocess, "run", run)
    heads, rows = figures.table_of("cost.py")
    assert heads == ["network", "input", "one pass, ms"]
    assert rows == [["resnet18", "1x3", "8.5 (1x)"]]


def test_a_stopped_cell_is_told(figures: ModuleType) -> None:
    rows = {name: ["1.0"] * 7 for name in figures.figures_text.LARGE}
    rows["vit_b_16"][5] = ">38"
    columns = ["linearize", *figures.COLUMNS]
    assert columns[5] == "softmax T=0.1"
    text = figures.figures_text.cost({"cost": {"run": figures.run_of(), "columns": columns, "rows": rows}})
    assert "1 to 1 passes, ViT-B/16 more than 38." in " ".join(text.split())
