"""Every figure of README.md, computed again and written into it.

    python docs/figures.py                                # all of them, more than an hour; on a quiet machine
    python docs/figures.py --only accuracy,faithfulness   # those that are seeded, a minute
    python docs/figures.py --check                        # compare the seeded ones; nothing is written
    python docs/figures.py --only nothing                 # write README.md from what is noted

Figures are noted in `docs/figures.json` with the run that they come from; README.md has them between marks such as
`<!-- figures: accuracy -->` and `<!-- end of figures -->`, in words and tables of `docs/figures_text.py`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import bbp_widgets as bbp
from bbp_widgets import evidence

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "benchmarks"
sys.path[:0] = [str(ROOT / "docs"), str(BENCHMARKS)]

import common  # noqa: E402
import figures_text  # noqa: E402

README, NOTED = ROOT / "README.md", ROOT / "docs" / "figures.json"
SEEDED = ("accuracy", "faithfulness")
COLUMNS = ("uniform", "weights", "proportional", "softmax T=1", "softmax T=0.1", "aligned T=1")
PICTURES, SWITCHED = 400, 200
#: What another version, processor or number of threads may move: a picture or two, and the order of like pixels.
OTHER_MACHINE = {"accuracy": 2, "faithfulness": 0.03}

Figures = dict[str, Any]
Case = tuple[str, nn.Module, Tensor, Tensor]


def main() -> int:
    """Compute, note and write; or compare."""
    parts = {
        "accuracy": accuracy,
        "faithfulness": faithfulness,
        "cost": cost,
        "latency": latency,
        "commands": commands,
        "tests": tests,
    }
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", help=f"parts, comma between: {', '.join(parts)}, or nothing")
    parser.add_argument("--check", action="store_true", help="compare the seeded parts with what is noted")
    options = parser.parse_args()
    chosen = list(SEEDED if options.check else parts) if options.only is None else options.only.split(",")
    chosen = [] if chosen == ["nothing"] else chosen
    if unknown := [name for name in chosen if name not in parts]:
        parser.error(f"there is no {unknown[0]!r}; there is: {', '.join(parts)}")
    if options.check and (timed := [name for name in chosen if name not in SEEDED]):
        parser.error(
            f"{timed[0]} is timed, and comes out otherwise every time; checked are {', '.join(SEEDED)}"
        )
    noted: Figures = json.loads(NOTED.read_text(encoding="utf-8")) if NOTED.is_file() else {}
    if options.check:
        wrong = [line for name in chosen for line in compared(name, noted[name], parts[name]())]
        wrong += [] if written(README.read_text(encoding="utf-8"), noted) == README.read_text(encoding="utf-8") else [
            "README.md does not have the figures that are noted: run `python docs/figures.py --only nothing`"
        ]  # fmt: skip
        print(*(wrong or ["the figures are those that are noted"]), sep="\n")
        return 1 if wrong else 0
    for name in chosen:
        print(f"{name} ...", file=sys.stderr, flush=True)
        noted[name] = {"run": run_of(), **parts[name]()}
        NOTED.write_text(json.dumps(noted, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    README.write_text(written(README.read_text(encoding="utf-8"), noted), encoding="utf-8")
    return 0


def run_of() -> Figures:
    """Say what a run's figures depend on."""
    return {
        "date": datetime.date.today().isoformat(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__.partition("+")[0],
    }


# The figures that are seeded


def accuracy() -> Figures:
    """Count what the whole network, w·x alone and b alone get right."""
    torch.set_num_threads(1)
    rows = []
    for name, network, x, labels in cases():
        found = evidence.decomposition_accuracy(network, x, labels, name=name, progress=False)
        counts = found.counts
        rows.append({
            "network": name,
            "pictures": len(found),
            "classes": found.output.shape[1],
            **{part: None if count.undecided == count.total else count.right for part, count in counts.items()},
        })  # fmt: skip
    return {"rows": rows}


def cases() -> Iterator[Case]:
    """Give every network with its pictures; those that others trained only where their folder is."""
    for make in (bbp.demo.shapes, bbp.demo.digits):
        for kind in ("norm", "bias", "bare"):
            demo = make(kind)
            yield demo.name, demo.network, *demo.held_out(PICTURES)
    try:
        folder = common.shared_data()
    except FileNotFoundError as missing:
        print(f"without published networks: {missing}", file=sys.stderr)
        return
    nets = common.published()
    with common.np.load(folder / "images" / "cifar10_100.npz") as data:
        cifar, named = (
            torch.from_numpy(data["x"]).permute(0, 3, 1, 2) / 255,
            torch.from_numpy(data["y"]).long(),
        )
    with common.np.load(folder / "images" / "mnist_200.npz") as data:
        grey, digits = torch.from_numpy(data["x"])[:, None] / 255, torch.from_numpy(data["y"]).long()
    network, normed = common.resnet20()
    yield "resnet20", network.eval(), normed, named
    yield "lenet", common.loaded(nets.SmallLeNet(), "cifar_lenet.pt").eval(), 2 * cifar - 1, named
    small = nets.strided_cnn(nn.ReLU, 1, 16, 32, 800, 100, 10)
    yield "mnist", common.loaded(small, "mnist_conv_small.pt").eval(), grey, digits


def faithfulness() -> Figures:
    """Test every rule and its rivals on the embedded digits, as notebook 06 does."""
    torch.set_num_threads(1)
    demo = bbp.demo.digits()
    x, labels = demo.held_out(SWITCHED)
    black = (0 - demo.mean[0]) / demo.std[0]
    methods = evidence.methods(baseline=black)
    if methods.skipped:
        raise SystemExit("; ".join(methods.skipped.values()))
    more: Figures = {"baseline": black, "progress": False}
    tests = {
        "switch": evidence.digit_switch(demo.network, x, methods, **more),
        "deletion": evidence.deletion(demo.network, x, labels, methods, steps=16, **more).areas,
        "insertion": evidence.insertion(demo.network, x, labels, methods, steps=16, **more).areas,
    }
    rows = []
    for method in methods:
        row: Figures = {"method": method}
        for test, scores in tests.items():
            row[test] = [round(number, 4) for number in (scores.means[method], *scores.interval(method))]
        rows.append(row)
    return {"pictures": len(x), "rows": rows}


# The figures that are timed: what the benchmarks print


def cost() -> Figures:
    """Time `linearize` and the rules on networks of 224 pixels."""
    heads, rows = table_of(
        "cost.py", "--no-export", "--only", ",".join(common.LARGE), "--columns", ",".join(COLUMNS),
        "--budget", "25",
    )  # fmt: skip
    return {"columns": heads[2:], "rows": {row[0]: row[2:] for row in rows if len(row) == len(heads)}}


def latency() -> Figures:
    """Time the explorer from the hand to the screen."""
    heads, rows = table_of("latency.py", "--only", "shapes")
    # what the notebook grew by stands in a row without figures
    return {"rows": {row[1]: float(row[2]) for row in rows if len(row) == len(heads)}}


def commands() -> Figures:
    """Time setting up and the demo, from a clean clone; of the tests only some are run."""
    _, rows = table_of("commands.py", "-k", "test_readme")
    return {"rows": {what: float(seconds) for what, seconds in rows if what in ("set up", "pip", "demo")}}


def tests() -> Figures:
    """Time all tests, from a clean clone."""
    _, rows = table_of("commands.py")
    return {"rows": {what: float(number) for what, number in rows if what in ("tests", "passed")}}


def table_of(script: str, *arguments: str) -> tuple[list[str], list[list[str]]]:
    """Run a benchmark and read the table that it prints: its heads and its rows.

    Raises: ``SystemExit`` where it fails.
    """
    command = [sys.executable, str(BENCHMARKS / script), *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8")
    print(done.stdout, file=sys.stderr, flush=True)
    if done.returncode != 0:
        raise SystemExit(f"{script} ended with {done.returncode}; nothing of it is noted.")
    lines = [line for line in done.stdout.splitlines() if line.startswith("|") and "--" not in line]
    heads, *rows = ([cell.strip() for cell in line.strip("| \n").split(" |")] for line in lines)
    return heads, rows


# Comparing and writing


def compared(name: str, noted: Figures, found: Figures) -> list[str]:
    """Tell every figure that is not as noted, beyond what another machine may move.

    Which machine it is does not count: processors of one name choose kernels of other widths.
    """
    slack = OTHER_MACHINE[name]
    key = "network" if name == "accuracy" else "method"
    new = {row[key]: row for row in found["rows"]}
    wrong = []
    for old in noted["rows"]:
        if old[key] not in new:
            print(f"{name}: {old[key]} is not here, and is not compared")
            continue
        row = new[old[key]]
        if any(off(old[part], row[part], slack) for part in old):
            wrong.append(f"{name}: noted {old}, found {row}")
    return wrong


def off(old: Any, new: Any, slack: float) -> bool:
    """Whether two figures differ by more than a slack; for a mean and its interval, by that part of the mean."""
    if isinstance(old, list):
        return any(abs(a - b) > slack * abs(old[0]) for a, b in zip(old, new, strict=True))
    if isinstance(old, str) or old is None or new is None:
        return bool(old != new)
    return bool(abs(old - new) > slack)


def written(text: str, noted: Figures) -> str:
    """Return README.md with every marked region written anew.

    Raises: ``KeyError`` for a mark that nothing writes.
    """

    def region(mark: re.Match[str]) -> str:
        write: Callable[[Figures], str] = figures_text.REGIONS[mark[1]]
        return f"<!-- figures: {mark[1]} -->\n{write(noted)}\n<!-- end of figures -->"

    marks = re.compile(r"<!-- figures: (\w+) -->\n.*?<!-- end of figures -->", re.DOTALL)
    return marks.sub(region, text)


if __name__ == "__main__":
    sys.exit(main())
