"""Print what `linearize` and each rule cost, in plain forward and backward passes of the same network.

    python benchmarks/cost.py                                    # batch 1, every network
    python benchmarks/cost.py --batch 16 --only resnet18,vit_b_16
    python benchmarks/cost.py --columns proportional,winner --budget 2
    python benchmarks/cost.py --threads 1                        # where others use the cores too
    python benchmarks/cost.py --device cuda --dtype float64

One pass is what a training step does: `network(x).amax(1).sum().backward()`, to the input and to every parameter.
Each rule's column is its own walk on one local model; what `linearize` costs is paid once for all of them. Every
cell is the median over rounds in which all cells of the row take turns, so that a busy machine slows all alike.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from functools import partial

import common
import torch

import bbp_widgets as bbp

LEGEND = (
    "Medians, in passes. (1x), (2x): so few repetitions fitted into the cell's time; "
    ">: stopped after so many passes."
)


def row(options: argparse.Namespace, clock: common.Clock, name: str, notes: common.Notes) -> Iterator[str]:
    """Yield the cells of one network: the pass in milliseconds, then multiples of it."""
    network, x = common.load(name, options)
    yield common.shape_of(x)
    local = bbp.linearize(network, x)
    calls: common.Calls = {
        "pass": lambda: common.one_pass(network, x),
        "linearize": lambda: bbp.linearize(network, x),
    }
    for column in options.columns:
        calls[column] = partial(local.attribute, common.RULES[column])
    cells = clock.measure(calls)
    one = common.pass_of(cells)
    yield f"{one * 1e3:.1f}"
    for cell in cells.values():
        yield cell.passes(one, notes)


def against_export(options: argparse.Namespace, clock: common.Clock) -> str:
    """Return one line: what `linearize` takes on resnet18, and what `torch.export.export` takes to capture alone."""
    network, x = common.load("resnet18", options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cells = clock.measure({
            "linearize": lambda: bbp.linearize(network, x),
            "export": lambda: torch.export.export(network, (x,), strict=False).run_decompositions({}),
        })  # fmt: skip
    return (
        f"resnet18, batch {options.batch}: capture and linearize {cells['linearize'].seconds * 1e3:.0f} ms; "
        f"torch.export.export with run_decompositions, capture alone, {cells['export'].seconds * 1e3:.0f} ms."
    )


def main() -> None:
    parser = common.options_parser(__doc__)
    common.clock_options(parser)
    common.columns_option(parser)
    parser.add_argument("--no-export", action="store_true", help="leave out the line about torch.export")
    options = common.parsed(parser)
    clock = common.Clock(options.device, options.budget, options.skip_after)
    print(common.machine(options), end="\n\n")
    heads = ["one pass, ms", "linearize", *options.columns]
    common.print_table(options.only, heads, partial(row, options, clock), LEGEND)
    if not options.no_export:
        print(against_export(options, clock))


if __name__ == "__main__":
    main()
