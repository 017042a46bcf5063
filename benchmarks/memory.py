"""Print the peak memory of `linearize` and of each rule, in multiples of that of one plain forward and backward pass.

    python benchmarks/memory.py                   # batch 1, the networks of 224 pixels; Linux, or CUDA
    python benchmarks/memory.py --batch 16 --only resnet18 --columns proportional
    python benchmarks/memory.py --device cuda

Every cell is a process of its own: it builds the network and its input, notes what it holds, does one thing, and
reads the peak above that. A pass holds its activations and the gradients of the input and of every parameter.
A rule's cell is `linearize` and the rule's walk together.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import common
import torch
from torch import Tensor, nn

import bbp_widgets as bbp

LEGEND = "Peak above what the process held before, in peaks of one pass; refused: no peak, as below."


def act(what: str, network: nn.Module, x: Tensor) -> None:
    """Do what a column is about."""
    if what == "pass":
        common.one_pass(network, x)
    elif what == "linearize":
        bbp.linearize(network, x)
    else:
        bbp.linearize(network, x).attribute(common.RULES[what])


def held(field: str) -> int:
    """Return a count of bytes from Linux' account of this process: ``VmRSS``, or ``VmHWM`` for its peak."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def peak_of(device: torch.device, action: Callable[[], None]) -> int:
    """Return by how many bytes the peak of ``action`` is above what was held before it."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        action()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    ctypes.CDLL(None).malloc_trim(0)  # give back what building the network left in the allocator
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = held("VmRSS")
    action()
    return held("VmHWM") - before


def child(options: argparse.Namespace) -> None:
    """Measure one cell, and print it as JSON."""
    demo = bbp.demo.digits()  # so that code and thread pools are in memory
    warm = demo.network.to(options.device)
    act(options.cell, warm, demo.inputs.to(options.device))
    (name,) = options.only
    network, x = common.load(name, options)
    try:
        peak = peak_of(options.device, lambda: act(options.cell, network, x))
        print(json.dumps({"input": common.shape_of(x), "peak": peak}))
    except Exception as error:
        print(json.dumps({"input": common.shape_of(x), "refused": common.reason(error)}))


def cell(options: argparse.Namespace, name: str, what: str) -> dict[str, Any]:
    """Measure one cell in a fresh process."""
    command = [sys.executable, __file__, "--cell", what, "--only", name, "--batch", str(options.batch)]
    command += ["--device", str(options.device), "--dtype", options.dtype]
    if options.threads is not None:
        command += ["--threads", str(options.threads)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=options.skip_after)
    except subprocess.TimeoutExpired:
        return {"refused": f"not done after {options.skip_after:.0f} s"}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {"refused": f"the process of its own ended with {done.returncode}: {last}"}
    return json.loads(done.stdout.splitlines()[-1])


def row(options: argparse.Namespace, name: str, notes: common.Notes) -> Iterator[str]:
    """Yield the cells of one network: the pass in MB, then multiples of it."""
    one = cell(options, name, "pass")
    if "refused" in one:
        raise RuntimeError(f"the pass itself: {one['refused']}")
    yield str(one["input"])
    yield f"{one['peak'] / 1e6:.0f}"
    for what in ["linearize", *options.columns]:
        got = cell(options, name, what)
        yield notes.refer(got["refused"]) if "refused" in got else f"{got['peak'] / one['peak']:.1f}"


def main() -> None:
    parser = common.options_parser(__doc__, common.LARGE)
    common.columns_option(parser)
    parser.add_argument("--skip-after", type=float, default=600.0, help="seconds one process may take")
    parser.add_argument("--cell", help=argparse.SUPPRESS)  # what this process, started by another, measures
    options = common.parsed(parser)
    if options.cell:
        child(options)
        return
    print(common.machine(options), end="\n\n")
    heads = ["one pass, MB", "linearize", *options.columns]
    common.print_table(options.only, heads, partial(row, options), LEGEND)


if __name__ == "__main__":
    main()
