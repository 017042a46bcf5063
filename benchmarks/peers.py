"""Print what explaining costs here and elsewhere, in passes of the same network, and how far each misses its promise.

    python benchmarks/peers.py                    # needs the bench extra: Captum and zennit
    python benchmarks/peers.py --batch 16 --only resnet18,vgg11_bn
    python benchmarks/peers.py --device cuda

A cell reads "passes; miss". One pass is what a training step does, as in `cost.py`. The miss is |promised sum − sum of
the attribution| over |target|: the sum promised is the target f(x), and for integrated gradients and DeepLIFT
f(x) − f(0). Gradient × input promises no sum: its miss is b, the part of the target that it leaves out. All explain the
largest output of each sample. Every peer works on a copy of the network of its own.
"""

from __future__ import annotations

import argparse
import copy
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import common
import torch
from torch import Tensor, nn

import bbp_widgets as bbp

try:
    from captum.attr import LRP, DeepLift, InputXGradient, IntegratedGradients
    from zennit.attribution import Gradient
    from zennit.canonizers import SequentialMergeBatchNorm
    from zennit.composites import EpsilonPlus
    from zennit.torchvision import ResNetCanonizer
except ModuleNotFoundError as missing:
    raise SystemExit(f"{missing}. Install the peers: pip install -e '.[bench]'") from missing

STEPS = 50
LEGEND = (
    "Passes (medians); miss: |promised sum − sum of the attribution| / |target|, over the batch. (1x), (2x): so few\n"
    "repetitions fitted into the cell's time; >: stopped after so many passes; refused: the peer raised, as below."
)

Explain = Callable[[nn.Module, Tensor, Tensor], Tensor]


def gradient_times_input(network: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    return InputXGradient(network).attribute(x.clone().requires_grad_(), target=target)


def integrated_gradients(network: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    at_once = max(8, len(x))  # all steps at once would need fifty times the memory of one pass
    return IntegratedGradients(network).attribute(
        x, target=target, n_steps=STEPS, internal_batch_size=at_once
    )


def deep_lift(network: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    return DeepLift(network).attribute(x.clone().requires_grad_(), target=target)


def lrp(network: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    return LRP(network).attribute(x.clone().requires_grad_(), target=target)


def epsilon_plus(network: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Epsilon for linear layers, z⁺ for convolutions, batch norms merged: as zennit's documentation shows it."""
    resnet = any("resnet" in type(module).__module__ for module in network.modules())
    composite = EpsilonPlus(canonizers=[ResNetCanonizer() if resnet else SequentialMergeBatchNorm()])
    one_hot = nn.functional.one_hot
    with Gradient(network, composite) as attributor:
        _, relevance = attributor(x, lambda output: output * one_hot(target, output.shape[1]))
    return relevance


@dataclass(frozen=True)
class Peer:
    """A method of another library: how it is called, what its sum promises, how the network is brought to it."""

    explain: Explain
    promises_difference: bool = False  # f(x) − f(0), rather than f(x)
    in_place: bool = True  # ReLU and its like are left to overwrite their input, as torchvision has them


PEERS = {
    "gradient × input": Peer(gradient_times_input),
    f"IG {STEPS} steps": Peer(integrated_gradients, promises_difference=True),
    "DeepLIFT as is": Peer(deep_lift, promises_difference=True),
    "DeepLIFT": Peer(deep_lift, promises_difference=True, in_place=False),
    "LRP": Peer(lrp, in_place=False),
    "zennit EpsilonPlus": Peer(epsilon_plus),
}
OURS = ("linearize + proportional", "then uniform", "then softmax T=1")


def brought(network: nn.Module, in_place: bool) -> nn.Module:
    """Return a copy for one peer."""
    network = copy.deepcopy(network)
    for module in network.modules():
        if not in_place and getattr(module, "inplace", False):
            module.inplace = False
    return network


def per_sample(attribution: Any) -> Tensor:
    """Return what an attribution adds up to, (N,), in double precision."""
    if isinstance(attribution, bbp.Attribution):
        return per_sample(attribution.total) + attribution.unshared.double()
    return attribution.detach().double().flatten(1).sum(1)


def row(options: argparse.Namespace, clock: common.Clock, name: str, notes: common.Notes) -> Iterator[str]:
    """Yield the cells of one network: the pass in milliseconds, then passes and miss of each method."""
    network, x = common.load(name, options)
    yield common.shape_of(x)
    with torch.no_grad():
        value, target = network(x).double().max(1)
        at_zero = network(torch.zeros_like(x)).double().gather(1, target[:, None])[:, 0]
    local = bbp.linearize(network, x, target)
    calls: common.Calls = {
        "pass": lambda: common.one_pass(network, x),
        OURS[0]: lambda: bbp.attribute(network, x, target, "proportional"),
        OURS[1]: partial(local.attribute, "uniform"),
        OURS[2]: partial(local.attribute, "softmax"),
    }
    for method in options.peers:
        peer = PEERS[method]
        calls[method] = partial(peer.explain, brought(network, peer.in_place), x, target)

    def miss(method: str, attribution: Any) -> float:
        if method == "pass":
            return 0.0
        promised = value - at_zero if method in PEERS and PEERS[method].promises_difference else value
        return float((promised - per_sample(attribution)).abs().sum() / value.abs().sum())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cells = clock.measure(calls, miss)
    one = common.pass_of(cells)
    yield f"{one * 1e3:.1f}"
    for cell in cells.values():
        text = cell.passes(one, notes)
        yield text if cell.reading is None else f"{text}; {cell.reading:.0e}"


def main() -> None:
    parser = common.options_parser(__doc__)
    common.clock_options(parser)
    parser.add_argument(
        "--peers", type=common.some_of(PEERS), default=list(PEERS), help="methods; comma between"
    )
    options = common.parsed(parser)
    clock = common.Clock(options.device, options.budget, options.skip_after)
    versions = f"captum {version('captum')}, zennit {version('zennit')}"
    print(common.machine(options, versions), end="\n\n")
    heads = ["one pass, ms", *OURS, *options.peers]
    common.print_table(options.only, heads, partial(row, options, clock), LEGEND)


if __name__ == "__main__":
    main()
