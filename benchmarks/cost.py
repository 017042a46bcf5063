"""Print what `linearize` and each rule cost, in plain forward and backward passes of the same network.

    python benchmarks/cost.py                     # batch 1, every network; some minutes on two cores
    python benchmarks/cost.py --batch 8 --only digits,shapes
    python benchmarks/cost.py --threads 1         # where others use the cores too: two threads wait for each other

One pass is what a training step does: `network(x).amax(1).sum().backward()`, to the input and to every parameter.
Each rule's column is its own walk on one local model; what `linearize` costs is paid once for all of them. Every
cell is the median over rounds in which all cells of the row take turns, so that a busy machine slows all alike.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from torch import Tensor, nn

import bbp_widgets as bbp

#: Seconds that one cell may take, all its repetitions together.
BUDGET = 10.0
MOST_ROUNDS = 15
RULES = {
    "uniform": bbp.rules.uniform(),
    "proportional": bbp.rules.proportional(),
    "softmax T=1": bbp.rules.softmax(),
    "softmax T=0.1": bbp.rules.softmax(0.1),
    "softmax plain T=1": bbp.rules.softmax(1.0, relative=False),
}

Case = tuple[nn.Module, Tensor]


def digits() -> Case:
    demo = bbp.demo.digits()
    return demo.network, demo.inputs


def shapes() -> Case:
    demo = bbp.demo.shapes()
    return demo.network, demo.inputs


def resnet20() -> Case:
    pictures = torch.from_numpy(np.load(shared_data() / "images" / "cifar10_100.npz")["x"])
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    network = published().CifarResNet(20)
    return loaded(network, "cifar_resnet20.pt"), (pictures.permute(0, 3, 1, 2) / 255 - mean) / std


def squeezenet() -> Case:
    pictures = torch.from_numpy(np.load(shared_data() / "images" / "photos_7.npz")["x"])
    mean = torch.tensor([104.0, 117.0, 123.0]).view(3, 1, 1)
    network = published().SqueezeNet11()
    return loaded(network, "squeezenet1_1_fp16.pt"), pictures.float().permute(0, 3, 1, 2).flip(1) - mean


def of_torchvision(name: str) -> Callable[[], Case]:
    """Return a case with random weights and running means: what a walk costs hardly depends on them."""

    def case() -> Case:
        torch.manual_seed(0)
        network = getattr(torchvision.models, name)(weights=None)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                for tensor in (module.running_mean, module.bias):
                    assert tensor is not None
                    nn.init.normal_(tensor, std=0.1)
        return network.eval(), torch.randn(8, 3, 224, 224)

    return case


CASES: dict[str, Callable[[], Case]] = {
    "digits": digits,
    "shapes": shapes,
    "ResNet-20": resnet20,
    "SqueezeNet 1.1": squeezenet,
    "resnet18": of_torchvision("resnet18"),
    "vgg11_bn": of_torchvision("vgg11_bn"),
    "mobilenet_v2": of_torchvision("mobilenet_v2"),
}


def shared_data() -> Path:
    """Return the folder of published networks. Raises: ``FileNotFoundError`` where there is none."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("BBP_SHARED_DATA") or beside)
    if not folder.is_dir():
        raise FileNotFoundError("no shared data beside the checkout; BBP_SHARED_DATA may name the folder")
    return folder


def published() -> Any:
    spec = importlib.util.spec_from_file_location("shared_nets", shared_data() / "nets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def loaded(network: nn.Module, name: str) -> nn.Module:
    state = torch.load(shared_data() / "weights" / name, weights_only=True)
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    return network.eval()


def one_pass(network: nn.Module, x: Tensor) -> None:
    network.zero_grad(set_to_none=True)
    network(x.clone().requires_grad_()).amax(1).sum().backward()


def seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def medians(calls: dict[str, Callable[[], Any]]) -> dict[str, tuple[float, int]]:
    """Return the median seconds of each call and how often it ran, the calls taking turns after a warm-up."""
    first = {name: seconds(call) for name, call in calls.items()}
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(MOST_ROUNDS):
        for name, call in calls.items():
            if first[name] + sum(taken[name]) + max(first[name], *taken[name], 0) <= BUDGET:
                taken[name].append(seconds(call))
    # what is too slow to run twice is not hurt by having been cold
    kept = {name: times or [first[name]] for name, times in taken.items()}
    return {name: (statistics.median(times), len(times)) for name, times in kept.items()}


def row(network: nn.Module, x: Tensor) -> Iterator[str]:
    """Yield the cells of one network: the pass in milliseconds, then multiples of it."""
    local = bbp.linearize(network, x)
    calls: dict[str, Callable[[], Any]] = {
        "pass": lambda: one_pass(network, x),
        "linearize": lambda: bbp.linearize(network, x),
    }
    for name, rule in RULES.items():
        calls[name] = partial(local.attribute, rule)
    measured = medians(calls)
    network.zero_grad(set_to_none=True)
    reference, _ = measured.pop("pass")
    yield f"{reference * 1e3:.1f}"
    for time_taken, often in measured.values():
        yield f"{time_taken / reference:.1f}" + (f" ({often}x)" if often < 3 else "")


def against_export() -> str:
    """Return one line: what `linearize` takes on resnet18, and what `torch.export.export` takes to capture alone."""
    network, inputs = CASES["resnet18"]()
    x = inputs[:1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        measured = medians({
            "linearize": lambda: bbp.linearize(network, x),
            "export": lambda: torch.export.export(network, (x,), strict=False).run_decompositions({}),
        })  # fmt: skip
    linearize, export = measured["linearize"][0], measured["export"][0]
    return (
        f"resnet18, batch 1: capture and linearize {linearize * 1e3:.0f} ms; "
        f"torch.export.export with run_decompositions, capture alone, {export * 1e3:.0f} ms."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--batch", type=int, default=1, help="samples explained at once")
    parser.add_argument("--only", default="", help=f"some of: {', '.join(CASES)}; comma between")
    parser.add_argument("--threads", type=int, help="threads of torch; 1 where others use the cores too")
    parser.add_argument("--no-export", action="store_true", help="leave out the line about torch.export")
    options = parser.parse_args()
    chosen = [name.strip() for name in options.only.split(",") if name.strip()] or list(CASES)
    if unknown := [name for name in chosen if name not in CASES]:
        parser.error(f"no network {unknown[0]!r}; there is: {', '.join(CASES)}")
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    print(
        f"{datetime.date.today()}: {os.cpu_count()} cores, {torch.get_num_threads()} threads, "
        f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}, CPU, float32, "
        f"batch {options.batch}\n"
    )
    heads = ["network", "input", "one pass, ms", "linearize", *RULES]
    print("| " + " | ".join(heads) + " |")
    print("|---|---|" + "--:|" * (len(heads) - 2), flush=True)
    skipped = []
    for name in chosen:
        try:
            network, inputs = CASES[name]()
            x = inputs[: options.batch]
            cells = [name, "x".join(map(str, x.shape)), *row(network, x)]
        except (FileNotFoundError, bbp.errors.UnsupportedOp) as reason:
            skipped.append(f"{name} left out: {str(reason).partition(chr(10))[0]}")
            continue
        print("| " + " | ".join(cells) + " |", flush=True)
    print("\nMedians, in passes; (1x), (2x): so few repetitions fitted into the cell's time.")
    print("\n".join(skipped))
    if not options.no_export:
        print(against_export())


if __name__ == "__main__":
    main()
