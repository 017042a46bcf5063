"""Data flows one way: engine, views, widgets, js. Read every import line and hold that direction.

The rules are those of CONTRIBUTING.md. A room that is not there yet breaks none of them.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "bbp_widgets"


@dataclass(frozen=True)
class Room:
    """Where a rule holds, and which imports it allows or forbids; a name stands for what is below it too."""

    where: str  # a module or package of ours, dotted
    allowed: tuple[str, ...] | None = None  # beside the standard library and the room itself; None: anything
    forbidden: tuple[str, ...] = ()
    doors: tuple[str, ...] = ()  # packages of ours of which only the public names may be imported


ROOMS = (
    Room("engine", allowed=("torch",)),
    Room("engine.ops", forbidden=("bbp_widgets.engine.rules",)),
    Room("engine.rules", forbidden=("bbp_widgets.engine.ops",)),
    Room("views", allowed=("torch", "numpy", "PIL", "bbp_widgets.engine"), doors=("bbp_widgets.engine",)),
    Room(
        "widgets",
        allowed=(
            "IPython", "PIL", "anywidget", "bqplot", "bqscales", "ipywidgets", "numpy", "pandas", "torch", "traitlets",
            "bbp_widgets.engine", "bbp_widgets.views",
        ),
        doors=("bbp_widgets.engine",),
    ),
    Room(
        "evidence",
        allowed=(
            "captum", "numpy", "torch", "tqdm", "bbp_widgets.decompose", "bbp_widgets.rules", "bbp_widgets.engine",
            "bbp_widgets.views", "bbp_widgets.widgets",
        ),
        doors=("bbp_widgets.engine", "bbp_widgets.views", "bbp_widgets.widgets"),
    ),
    Room("demo", doors=("bbp_widgets.engine", "bbp_widgets.views", "bbp_widgets.widgets")),
    Room("lessons", doors=("bbp_widgets.engine", "bbp_widgets.views", "bbp_widgets.widgets")),
    Room("demo.drawing", allowed=("numpy",)),
    Room("demo.networks", allowed=("torch",)),
)  # fmt: skip

# js/src: a folder, and what its files may not import. "." is the files of js/src itself.
JS_ROOMS = {
    "charts": (r"(^|/)widgets/", r"(^|/)contract$", r"-view$", r"^@anywidget/", r"^@jupyter"),
    ".": (r"^\./widgets/", r"^@anywidget/", r"^@jupyter"),
    "widgets": (r"^@jupyter(?!-widgets/base$)",),
}
JS_IMPORT = re.compile(
    r"""(?:^|[;\s}])(?:import|export)\b[^"';]*?\bfrom\s*["']([^"']+)["']  # import … from "…", export too
      | (?:^|[;\s])import\s*\(?\s*["']([^"']+)["']                        # import "…" and import("…")
    """,
    re.VERBOSE,
)


# The checker


@dataclass(frozen=True)
class Import:
    """One imported name: the dotted path of what is imported, and where the line stands."""

    name: str
    line: int


def python_imports(file: Path, root: Path) -> Iterator[Import]:
    """Every module or name imported in a file, also inside functions, relative ones made absolute."""
    parts = file.relative_to(root).with_suffix("").parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(parts[: len(parts) - node.level]) if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (Import(f"{module}.{alias.name}", node.lineno) for alias in node.names)


def within(name: str, place: str) -> bool:
    """Whether a dotted name is a place or lies below it; a place ending in a dot means below it only."""
    return name.startswith(place) if place.endswith(".") else name == place or name.startswith(place + ".")


def files_of(room: Room, root: Path) -> list[Path]:
    """The Python files of a room, none where the room is missing."""
    base = root.joinpath(PACKAGE, *room.where.split("."))
    alone = base.with_suffix(".py")
    return [alone] if alone.is_file() else sorted(base.rglob("*.py"))


def is_module(name: str, root: Path) -> bool:
    """Whether a dotted name is a module or package in the tree, rather than a name inside one."""
    path = root.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def python_violations(root: Path, rooms: tuple[Room, ...] = ROOMS) -> list[str]:
    """Every import in a tree that a room does not allow, as a line to print."""
    found = []
    for room in rooms:
        own = f"{PACKAGE}.{room.where}"
        for file in files_of(room, root):
            for imported in python_imports(file, root):
                reason = objection(imported.name, own, room, root)
                if reason:
                    place = file.relative_to(root).as_posix()
                    found.append(f"{place}:{imported.line}: {room.where} imports {imported.name}: {reason}")
    return found


def objection(name: str, own: str, room: Room, root: Path) -> str | None:
    """Why a room may not import a name, or None."""
    if any(within(name, place) for place in room.forbidden):
        return "forbidden here"
    if within(name, own) or name.split(".")[0] in sys.stdlib_module_names:
        return None
    if room.allowed is not None and not any(within(name, place) for place in room.allowed):
        return f"only {', '.join(room.allowed)} may be imported here"
    for door in room.doors:
        if within(name, door + ".") and (is_module(name, root) or name.removeprefix(door + ".").count(".")):
            return f"only the names in {door} itself may be imported here"
    return None


def js_imports(text: str) -> list[tuple[str, int]]:
    """What a TypeScript file imports, with line numbers."""
    return [(m[1] or m[2], text.count("\n", 0, m.end()) + 1) for m in JS_IMPORT.finditer(text)]


def js_violations(root: Path) -> list[str]:
    """Every import in ``js/src`` that its folder does not allow, as a line to print."""
    source, found = root / "js" / "src", []
    for folder, patterns in JS_ROOMS.items():
        files = source.glob("*.ts") if folder == "." else (source / folder).rglob("*.ts")
        for file in sorted(files):
            for name, line in js_imports(file.read_text(encoding="utf-8")):
                if any(re.search(pattern, name) for pattern in patterns):
                    found.append(f"{file.relative_to(root).as_posix()}:{line}: {folder} imports {name}")
    return found


# The tree as it is


def test_python_rooms_import_in_one_direction() -> None:
    assert python_violations(ROOT) == []


def test_javascript_rooms_import_in_one_direction() -> None:
    assert js_violations(ROOT) == []


# The checker itself, on small trees


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("bbp_widgets/engine/walk.py", "import numpy as np"),
        ("bbp_widgets/engine/walk.py", "from traitlets import HasTraits"),
        ("bbp_widgets/engine/walk.py", "import torchvision.models"),
        ("bbp_widgets/engine/walk.py", "from bbp_widgets import views"),
        ("bbp_widgets/engine/walk.py", "from ..views import tiles"),
        ("bbp_widgets/engine/walk.py", "def late():\n    from ..views.tiles import Tile"),
        ("bbp_widgets/engine/ops/norm.py", "from ..rules import proportional"),
        ("bbp_widgets/engine/ops/norm.py", "from .. import rules"),
        ("bbp_widgets/engine/rules.py", "from .ops.norm import batch_norm"),
        ("bbp_widgets/engine/rules.py", "from . import ops"),
        ("bbp_widgets/views/tiles.py", "import anywidget"),
        ("bbp_widgets/views/tiles.py", "from ..engine.walk import Walk"),
        ("bbp_widgets/views/tiles.py", "from ..engine import walk"),
        ("bbp_widgets/views/tiles.py", "from bbp_widgets.widgets import Explorer"),
        ("bbp_widgets/widgets/explorer.py", "from bbp_widgets.engine.walk import Walk"),
        ("bbp_widgets/widgets/explorer.py", "import bbp_widgets.engine.walk"),
        ("bbp_widgets/widgets/explorer.py", "from .. import demo"),
        ("bbp_widgets/demo/drawing.py", "import torch"),
        ("bbp_widgets/demo/show.py", "from bbp_widgets.engine.walk import Walk"),
    ],
)
def test_a_python_import_against_the_direction_is_found(tmp_path: Path, file: str, line: str) -> None:
    rooms = {"bbp_widgets/engine/walk.py": "", "bbp_widgets/engine/ops/norm.py": ""}
    found = python_violations(tree(tmp_path, {**rooms, file: line}))
    assert len(found) == 1
    assert found[0].startswith(f"{file}:{line.count(chr(10)) + 1}: ")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("bbp_widgets/engine/walk.py", "import math, torch.nn as nn\nfrom .graph import Node"),
        ("bbp_widgets/engine/walk.py", "from . import ops, rules"),
        ("bbp_widgets/engine/ops/norm.py", "from ..graph import Node\nfrom ..linearization import x"),
        ("bbp_widgets/engine/rules.py", "from .mixing import Mixing"),
        ("bbp_widgets/views/tiles.py", "import numpy as np\nfrom ..engine import Attribution"),
        ("bbp_widgets/views/tiles.py", "from .limits import limits"),
        ("bbp_widgets/widgets/explorer.py", "import anywidget\nfrom ..engine import attribute"),
        ("bbp_widgets/widgets/explorer.py", "from ..views import tiles\nfrom ..views.tiles import Tile"),
        ("bbp_widgets/demo/show.py", "import bbp_widgets as bbp\nfrom bbp_widgets import attribute"),
    ],
)
def test_a_python_import_in_the_direction_passes(tmp_path: Path, file: str, line: str) -> None:
    rooms = {"bbp_widgets/engine/walk.py": "", "bbp_widgets/engine/ops/norm.py": ""}
    assert python_violations(tree(tmp_path, {**rooms, file: line})) == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("js/src/charts/rail.ts", 'import explorer from "../widgets/explorer";'),
        ("js/src/charts/rail.ts", 'import type { Traits } from "../contract";'),
        ("js/src/charts/rail.ts", 'import {\n  Traits,\n  Other,\n} from "../contract";'),
        ("js/src/charts/rail.ts", 'import type { AnyModel } from "@anywidget/types";'),
        ("js/src/charts/rail.ts", 'const late = await import("../widgets/explorer");'),
        ("js/src/charts/rail.ts", 'export { default } from "../widgets/explorer";'),
        ("js/src/charts/deep/rail.ts", 'import "../../widgets/explorer";'),
        ("js/src/charts/rail.ts", 'import { view } from "../explorer-view";'),
        ("js/src/film.ts", 'import explorer from "./widgets/explorer";'),
    ],
)
def test_a_javascript_import_against_the_direction_is_found(tmp_path: Path, file: str, line: str) -> None:
    found = js_violations(tree(tmp_path, {file: line}))
    assert len(found) == 1
    assert found[0].startswith(f"{file}:{line.count(chr(10)) + 1}: ")


def test_a_javascript_import_in_the_direction_passes(tmp_path: Path) -> None:
    files = {
        "js/src/charts/rail.ts": 'import { el } from "../dom";\nimport type { Film } from "../film";',
        "js/src/widgets/explorer.ts": 'import { rail } from "../charts/rail";\nimport "./explorer.css";',
        "js/src/film.ts": 'import { fields } from "./fields";\n// import { rail } in words only\n',
    }
    assert js_violations(tree(tmp_path, files)) == []


def test_missing_rooms_break_nothing(tmp_path: Path) -> None:
    assert python_violations(tmp_path) == []
    assert js_violations(tmp_path) == []
