"""How long the two commands of a checkout take, from a clean clone with no Node on the path and empty caches.

    python benchmarks/commands.py                 # all tests, so half an hour
    python benchmarks/commands.py -k test_readme  # what follows goes to pytest

Runs `dev.py test` in a temporary clone of this checkout's last commit, then `dev.py demo` until it serves.
What pip keeps at hand beside its cache, such as a folder of wheels, is used: it is the machine's, as the network is.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE = ("node", "npm", "npx", "corepack")
FIRST_CHECK = "[dev] ruff check"
PIP = "[dev] installing the package"
DONE = re.compile(r"\[dev\]\s+done in ([\d.]+) s")
PASSED = re.compile(r"\b(\d+) passed\b")
SERVED = re.compile(r"http://\S+/lab")
LONGEST_START = 120.0  # seconds until JupyterLab must serve


def without_node(path: str, folder: Path) -> str:
    """Return a PATH on which Node is missing: a folder that holds it is replaced by links to all else that is there."""
    parts = []
    for number, part in enumerate(filter(None, path.split(os.pathsep))):
        if not any((Path(part) / name).exists() for name in NODE):
            parts.append(part)
            continue
        links = folder / f"path{number}"
        links.mkdir(parents=True)
        for file in Path(part).iterdir():
            if file.name not in NODE:
                (links / file.name).symlink_to(file)
        parts.append(str(links))
    return os.pathsep.join(parts)


def environment(folder: Path) -> dict[str, str]:
    """Return an environment with empty caches, no Node, and nothing of the environment that this runs in."""
    kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    shared = ROOT.parent / "shared" / "data"
    if shared.is_dir():
        kept.setdefault("BBP_SHARED_DATA", str(shared))
    path = os.pathsep.join(
        part
        for part in kept.get("PATH", os.defpath).split(os.pathsep)
        if not part.startswith(sys.prefix) or sys.prefix == sys.base_prefix
    )
    return {
        **kept,
        "PATH": without_node(path, folder),
        "PIP_CACHE_DIR": str(folder / "pip"),
        "npm_config_cache": str(folder / "npm"),
    }


def tested(clone: Path, env: dict[str, str], arguments: list[str]) -> dict[str, float]:
    """Run ``dev.py test`` in a clone. Raises: ``SystemExit`` where it fails."""
    begun = time.perf_counter()
    command = [base_python(), "dev.py", "test", *arguments]
    child = subprocess.Popen(command, cwd=clone, env=env, text=True, stdout=subprocess.PIPE)
    assert child.stdout is not None
    ready = pip = float("nan")
    step, count = "", 0
    for line in child.stdout:
        print(line, end="", file=sys.stderr, flush=True)
        if line.startswith(FIRST_CHECK):
            # the line is printed once the check is over, with the time that it took
            ready = time.perf_counter() - begun - float(line.split()[-2])
        if (done := DONE.search(line)) and step.startswith(PIP):
            pip = float(done[1])
        step = line if line.startswith("[dev]") else step
        if passed := PASSED.search(line):
            count = int(passed[1])
    if child.wait() != 0:
        raise SystemExit(f"dev.py test ended with {child.returncode}; nothing is noted.")
    return {"set up": ready, "pip": pip, "tests": time.perf_counter() - begun - ready, "passed": count}


def served(clone: Path, env: dict[str, str]) -> float:
    """Return the seconds from ``dev.py demo`` to JupyterLab's address."""
    begun = time.perf_counter()
    command = [base_python(), "dev.py", "demo", "--no-browser"]
    child = subprocess.Popen(
        command, cwd=clone, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        for line in child.stdout:
            if SERVED.search(line):
                return time.perf_counter() - begun
            if time.perf_counter() - begun > LONGEST_START:
                break
    finally:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait()
    raise SystemExit("dev.py demo printed no address.")


def base_python() -> str:
    """Return the Python that a newcomer has: not one of a virtual environment."""
    return getattr(sys, "_base_executable", None) or sys.executable


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments = parser.parse_known_args()[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clone = folder / "checkout"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        env = environment(folder / "caches")
        figures = {**tested(clone, env, arguments), "demo": served(clone, env)}
    print("| what | seconds |\n|---|--:|")
    for what, value in figures.items():
        print(f"| {what} | {value:.0f} |")


if __name__ == "__main__":
    main()
