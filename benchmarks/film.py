"""Print what a film costs: in plain forward and backward passes of the same network, and in bytes.

    python benchmarks/film.py
    python benchmarks/film.py --only resnet50 --budget 20

``numbers`` is the time from a picture to the first film that the page is sent: linearize, the walk under
`proportional`, the ledger, pictures, no tiles. ``whole`` is the time to the last. ``another rule`` is the same for a
second rule, on the local model that is there. A film holds every step of the ledger, each value seen three ways.

    python benchmarks/film.py --leftovers

opens and closes twenty explorers, and counts the threads, tensors and widgets that are left.
"""

from __future__ import annotations

import argparse
import gc
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import common
import ipywidgets
import torch

import bbp_widgets as bbp
from bbp_widgets.views import Film
from bbp_widgets.views.film import films_of

LEGEND = "Passes (medians), and megabytes of the whole film."
NETWORKS = ("digits", "shapes", "resnet18", "resnet50", "mobilenet_v2", "efficientnet_b0")
STATE = {
    "sample": 0, "target": None, "versus": None, "rule": "proportional", "parameters": {"power": 1.0}, "plan": {},
}  # fmt: skip


def films(local: bbp.LocalModel, rule: str) -> Iterator[Film]:
    return films_of(local.attribute(rule), state=STATE)


def row(options: argparse.Namespace, clock: common.Clock, name: str, notes: common.Notes) -> list[str]:
    """Return one network's cells."""
    network, x = common.load(name, options)
    local = bbp.linearize(network, x)
    calls: common.Calls = {
        "pass": lambda: common.one_pass(network, x),
        "numbers": lambda: next(iter(films(bbp.linearize(network, x), "proportional"))),
        "whole": lambda: list(films(bbp.linearize(network, x), "proportional")),
        "another rule": lambda: list(films(local, "uniform")),
    }
    cells = clock.measure(calls, lambda name, made: len(made[-1].packed()) if name == "whole" else None)
    size = cells["whole"].reading
    one = common.pass_of(cells)
    shown = [cell.passes(one, notes) for cell in cells.values()]
    return [common.shape_of(x), f"{1000 * one:.1f}", *shown, f"{size / 1e6:.2f}"]


def leftovers(count: int = 20) -> None:
    """Open and close explorers, and print what is left of them."""

    def held() -> dict[str, Any]:
        gc.collect()
        tensors = [o for o in gc.get_objects() if isinstance(o, torch.Tensor)]
        threads = [t for t in threading.enumerate() if t.name.startswith("bbp")]
        return {"threads": len(threads), "tensors": len(tensors), "widgets": len(ipywidgets.Widget.widgets)}

    demo = bbp.demo.digits()

    def one() -> None:
        explorer = bbp.Explorer(demo.network, demo.inputs, classes=demo.classes)
        explorer.wait()
        explorer.close()
        explorer.wait()

    one()  # what is loaded once stays
    before = held()
    for _ in range(count):
        one()
    after = held()
    print(
        f"{count} explorers opened and closed: " + ", ".join(f"{after[k] - before[k]:+d} {k}" for k in before)
    )


def main() -> None:
    """Print the table, or what is left over."""
    parser = common.options_parser(__doc__, NETWORKS)
    common.clock_options(parser)
    parser.add_argument("--leftovers", action="store_true", help="count what twenty closed explorers leave")
    options = common.parsed(parser)
    print(common.machine(options), end="\n\n")
    if options.leftovers:
        leftovers()
        return
    clock = common.Clock(options.device, options.budget, options.skip_after)
    heads = ["one pass, ms", "numbers", "whole", "another rule", "MB"]
    common.print_table(options.only, heads, partial(row, options, clock), LEGEND)


if __name__ == "__main__":
    main()
