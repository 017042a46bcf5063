"""What the scripts here share: the networks, the one pass they count in, the clock, the options and the tables."""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import os
import platform
import signal
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

import bbp_widgets as bbp

Case = tuple[nn.Module, Tensor]
Calls = dict[str, Callable[[], Any]]

RULES: dict[str, bbp.rules.Rule] = {
    "uniform": bbp.rules.uniform(),
    "weights": bbp.rules.weights(),
    "proportional": bbp.rules.proportional(),
    "softmax T=1": bbp.rules.softmax(),
    "softmax T=0.1": bbp.rules.softmax(0.1),
    "aligned T=1": bbp.rules.aligned(),
    "opposed T=1": bbp.rules.opposed(),
    "softmin T=1": bbp.rules.softmin(),
    "winner": bbp.rules.winner(),
    "softmax plain T=1": bbp.rules.softmax(1.0, relative=False),
}
DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}

# The networks


def digits() -> Case:
    demo = bbp.demo.digits()
    return demo.network, demo.inputs


def shapes() -> Case:
    demo = bbp.demo.shapes()
    return demo.network, demo.inputs


def resnet20() -> Case:
    images = torch.from_numpy(np.load(shared_data() / "images" / "cifar10_100.npz")["x"])
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    network = published().CifarResNet(20)
    return loaded(network, "cifar_resnet20.pt"), (images.permute(0, 3, 1, 2) / 255 - mean) / std


def squeezenet() -> Case:
    images = torch.from_numpy(np.load(shared_data() / "images" / "photos_7.npz")["x"])
    mean = torch.tensor([104.0, 117.0, 123.0]).view(3, 1, 1)
    network = published().SqueezeNet11()
    return loaded(network, "squeezenet1_1_fp16.pt"), images.float().permute(0, 3, 1, 2).flip(1) - mean


def of_torchvision(name: str) -> Callable[[], Case]:
    """Return a case with random weights and biases, and batch-norm statistics that fit the activations."""

    def case() -> Case:
        torch.manual_seed(0)
        network = getattr(torchvision.models, name)(weights=None).eval()
        vary(network)
        fit_statistics(network, pictures(8))
        return network, pictures(16)

    return case


#: The networks of 224 pixels that a user would bring, then the small ones.
LARGE = ("resnet18", "resnet50", "vgg11_bn", "mobilenet_v2", "efficientnet_b0", "convnext_tiny", "vit_b_16")
CASES: dict[str, Callable[[], Case]] = {
    "digits": digits,
    "shapes": shapes,
    "ResNet-20": resnet20,
    "SqueezeNet 1.1": squeezenet,
    **{name: of_torchvision(name) for name in LARGE},
}


def load(name: str, options: argparse.Namespace) -> Case:
    """Return a network in eval mode and ``--batch`` inputs, begun again from the first where there are fewer.

    Raises: ``FileNotFoundError`` for a published network where its data are not.
    """
    network, inputs = CASES[name]()
    x = inputs[torch.arange(options.batch) % len(inputs)]
    where = {"device": options.device, "dtype": DTYPES[options.dtype]}
    return network.eval().to(**where), x.to(**where)


def pictures(count: int) -> Tensor:
    """Return random pictures (count, 3, 224, 224) with mean 0 and variance of about 1, coarse and fine."""
    sizes = (7, 28, 112, 224)
    layers = [F.interpolate(torch.randn(count, 3, size, size), 224, mode="nearest") for size in sizes]
    return torch.stack(layers).sum(0) / len(sizes) ** 0.5


@torch.no_grad()
def vary(network: nn.Module) -> None:
    """Give random values to what torchvision starts at a constant: biases, norms, layer scales, ViT's head."""
    for name, tensor in network.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(tensor, std=0.1)
        elif tensor.dim() == 1:
            nn.init.normal_(tensor, mean=1, std=0.1)
        elif tensor.min() == tensor.max():
            nn.init.normal_(tensor, std=0.1)


@torch.no_grad()
def fit_statistics(network: nn.Module, x: Tensor) -> None:
    """Let every batch norm of a network in eval mode take the mean and variance of what it sees at ``x``."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train().momentum = 1.0
    network(x)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.eval().momentum = momentum


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
    return network


def one_pass(network: nn.Module, x: Tensor) -> None:
    """Do what a training step does before its update: the gradient of the input and of every parameter."""
    network.zero_grad(set_to_none=True)
    network(x.clone().requires_grad_()).amax(1).sum().backward()


# The clock


class Stopped(BaseException):
    """A run took longer than it may. No ``Exception``, so that nothing that is timed turns it into one of its own."""


@contextmanager
def stopped_after(limit: float) -> Iterator[None]:
    """Raise ``Stopped`` between two lines of Python once ``limit`` seconds are over; needs Linux or macOS."""

    def stop(*_: Any) -> None:
        raise Stopped

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass(frozen=True)
class Cell:
    """What came of timing one call: median seconds over so many runs, or why there is no such number."""

    seconds: float = float("nan")
    runs: int = 0
    stopped: bool = False
    refused: str = ""
    reading: Any = None  # what was read off the result of the first run

    def passes(self, one: float, notes: Notes) -> str:
        """Return the cell as text, in passes of ``one`` seconds; a refusal's reason goes to ``notes``."""
        if self.refused:
            return notes.refer(self.refused)
        if self.stopped:
            return f">{self.seconds / one:.0f}"
        return f"{self.seconds / one:.1f}" + (f" ({self.runs}x)" if self.runs < 3 else "")


def pass_of(cells: dict[str, Cell]) -> float:
    """Take the cell of the pass out of a row; return its seconds, which the others are counted in."""
    one = cells.pop("pass")
    if one.refused or one.stopped:
        raise RuntimeError(f"the pass itself: {one.refused or 'stopped'}")
    return one.seconds


@dataclass(frozen=True)
class Clock:
    """How long calls take. The seconds of a cell are bounded, and a first run beyond ``skip_after`` is stopped."""

    device: torch.device
    budget: float
    skip_after: float
    most_rounds: int = 15

    def seconds(self, call: Callable[[], Any]) -> float:
        self._wait()
        start = time.perf_counter()
        call()
        self._wait()
        return time.perf_counter() - start

    def measure(self, calls: Calls, read: Callable[[str, Any], Any] | None = None) -> dict[str, Cell]:
        """Time each call, the calls taking turns after a first run that only warms up.

        ``read`` is given each call's name and the result of its first run, with no clock running. A call that
        raises is not run again.
        """
        first = {name: self._first(name, call, read) for name, call in calls.items()}
        taken: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(self.most_rounds):
            for name, call in calls.items():
                cold = first[name].seconds
                spent = cold + sum(taken[name])
                goes_on = not (first[name].refused or first[name].stopped)
                if goes_on and spent + max(cold, *taken[name], 0) <= self.budget:
                    taken[name].append(self.seconds(call))
        # what is too slow to run twice is not hurt by having been cold
        return {
            name: Cell(statistics.median(times), len(times), reading=first[name].reading)
            if (times := taken[name])
            else first[name]
            for name in calls
        }

    def _first(self, name: str, call: Callable[[], Any], read: Callable[[str, Any], Any] | None) -> Cell:
        kept: list[Any] = []
        try:
            with stopped_after(self.skip_after):
                seconds = self.seconds(lambda: kept.append(call()))
        except Stopped:
            return Cell(self.skip_after, stopped=True)
        except Exception as error:
            return Cell(refused=reason(error))
        return Cell(seconds, 1, reading=None if read is None else read(name, kept.pop()))

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def reason(error: BaseException, longest: int = 150) -> str:
    """Return the first line of what an error says, cut where it is long."""
    line = f"{type(error).__name__}: {error}".partition("\n")[0]
    return line if len(line) <= longest else line[:longest].rsplit(" ", 1)[0] + " …"


# The options


def options_parser(doc: str | None, networks: Sequence[str] = tuple(CASES)) -> argparse.ArgumentParser:
    """Return a parser with the options that every script has."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--batch", type=int, default=1, help="samples explained at once")
    parser.add_argument("--only", type=some_of(CASES), default=list(networks), help="networks; comma between")
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"), help="cpu, cuda, cuda:1")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="of the network and its inputs")
    parser.add_argument("--threads", type=int, help="threads of torch; 1 where others use the cores too")
    return parser


def clock_options(parser: argparse.ArgumentParser) -> None:
    """Add what a ``Clock`` is made of."""
    parser.add_argument("--budget", type=float, default=10.0, help="seconds for a cell's repetitions")
    parser.add_argument(
        "--skip-after", type=float, default=120.0, help="seconds at which a first run is stopped"
    )


def columns_option(parser: argparse.ArgumentParser) -> None:
    """Add the choice of rules."""
    parser.add_argument("--columns", type=some_of(RULES), default=list(RULES), help="rules; comma between")


def some_of(names: Sequence[str] | dict[str, Any]) -> Callable[[str], list[str]]:
    """Return what reads a list of ``names`` from the command line."""

    def chosen(text: str) -> list[str]:
        asked = [name.strip() for name in text.split(",") if name.strip()]
        if unknown := [name for name in asked if name not in names]:
            raise argparse.ArgumentTypeError(f"there is no {unknown[0]!r}; there is: {', '.join(names)}")
        return asked

    return chosen


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Return the options, once torch has as many threads as they say."""
    options = parser.parse_args()
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    return options


def machine(options: argparse.Namespace, *more: str) -> str:
    """Return a line with all that the figures of a run depend on; ``more`` is added to it."""
    parts = [
        f"{datetime.date.today()}: {os.cpu_count()} cores",
        f"{torch.get_num_threads()} threads",
        platform.machine(),
        f"Python {platform.python_version()}",
        f"torch {torch.__version__}",
        f"torchvision {torchvision.__version__}",
        *more,
    ]
    if options.device.type == "cuda":
        tf32 = "with" if torch.backends.cudnn.allow_tf32 else "without"
        parts.append(f"{torch.cuda.get_device_name(options.device)}, convolutions {tf32} TF32")
    else:
        parts.append("CPU")
    return ", ".join([*parts, options.dtype, f"batch {options.batch}"])


# The tables


class Notes:
    """Why calls were refused, in the words of the error: numbered in the cells, written out below the table."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}

    def refer(self, refused: str) -> str:
        return f"refused [{self._number.setdefault(refused, len(self._number) + 1)}]"

    def lines(self) -> list[str]:
        return [f"[{number}] {refused}" for refused, number in self._number.items()]


def shape_of(x: Tensor) -> str:
    return "x".join(map(str, x.shape))


def print_line(cells: Sequence[str]) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def print_table(
    names: Sequence[str], heads: Sequence[str], row: Callable[[str, Notes], Iterable[str]], legend: str
) -> None:
    """Print each network's row as soon as it is there; below the table its legend, the notes and what is missing.

    ``row`` returns the cells after the name: the input's shape, then numbers. A network whose row cannot be made, such
    as a published one whose data are not here, is left out with the reason.
    """
    print_line(["network", "input", *heads])
    print("|---|---|" + "--:|" * len(heads), flush=True)
    notes, left_out = Notes(), []
    for name in names:
        try:
            print_line([name, *row(name, notes)])
        except Exception as error:
            left_out.append(f"{name} left out: {reason(error)}")
    print("", legend, *notes.lines(), *left_out, sep="\n", flush=True)
