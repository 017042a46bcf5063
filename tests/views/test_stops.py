"""Where the stepper stops, at each granularity, and what each stop is called."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

import pytest
import torch
from engine.nets import NETWORKS, randomized
from torch import Tensor, nn
from torch.nn import functional as F

import bbp_widgets as bbp
from bbp_widgets.views import levels_of, names_of

ENDS = [("output", ""), ("input", "")]


def ledger_of(network: nn.Module, *shape: int) -> bbp.engine.Ledger:  # type: ignore[name-defined]
    x = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    return bbp.attribute(randomized(network), x).ledger


def stops(level: str, network: nn.Module, *shape: int) -> list[tuple[str, str]]:
    found = [(s.name, s.group) for s in levels_of(ledger_of(network, *shape))[level]]
    assert [found[0], found[-1]] == ENDS
    return found[1:-1]


def quiet() -> nn.Module:
    return nn.Sequential(OrderedDict(
        conv=nn.Conv2d(1, 2, 3), norm=nn.BatchNorm2d(2), relu=nn.ReLU(), flat=nn.Flatten(), drop=nn.Dropout(),
        pool=nn.MaxPool1d(2), head=nn.Linear(4, 3),
    ))  # fmt: skip


def test_quiet_ops_are_stops_among_ops_only() -> None:
    wanted = [("head", "head"), ("norm", "norm"), ("conv", "conv")]
    assert stops("layers", quiet(), 1, 4, 4) == wanted
    assert stops("blocks", quiet(), 1, 4, 4) == [(name, "") for name, _ in wanted]
    ledger = ledger_of(quiet(), 1, 4, 4)
    ops = levels_of(ledger)["ops"]
    assert [s.frame for s in ops] == list(range(len(ledger) + 2))
    assert {"head", "pool", "flat", "relu"} <= {s.group for s in ops}


def body(*sizes: int) -> nn.Module:
    layers = [nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in sizes]
    return nn.Sequential(*layers)


def test_a_block_is_a_module_of_the_networks_own() -> None:
    network = nn.Sequential(OrderedDict(one=body(1, 2), two=body(1, 2), head=nn.Linear(4, 2)))
    assert stops("blocks", network, 4) == [("head", ""), ("two", ""), ("one", "")]
    assert stops("layers", network, 4) == [
        ("head", "head"), ("two.1.0", "two"), ("two.0.0", "two"), ("one.1.0", "one"), ("one.0.0", "one"),
    ]  # fmt: skip
    levels = levels_of(ledger_of(network, 4))
    # a block is left at its last frame: there its own first layer, and all that is nearer the output, has had its say
    layers = {s.name: s.frame for s in levels["layers"]}
    assert [s.frame for s in levels["blocks"][1:-1]] == [layers["head"], layers["two.0.0"], layers["one.0.0"]]


def test_a_module_that_holds_most_layers_is_opened() -> None:
    deep = nn.Sequential(OrderedDict(features=nn.Sequential(body(1, 2), body(3, 4)), head=nn.Linear(4, 2)))
    assert stops("blocks", deep, 4) == [("head", ""), ("features.1", "features"), ("features.0", "features")]
    wrapped = nn.Sequential(OrderedDict(net=deep))
    assert [name for name, _ in stops("blocks", wrapped, 4)] == [
        "net.head",
        "net.features.1",
        "net.features.0",
    ]
    single = nn.Sequential(OrderedDict(only=nn.Linear(4, 2)))
    assert stops("blocks", single, 4) == [("only", "")]


class Own(nn.Module):
    """Adds and multiplies in its own forward, beside its modules, and uses one of them twice."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = nn.Linear(4, 4)
        self.inner = nn.Sequential(nn.Linear(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.twice(self.twice(x)))
        return self.inner(y) + x


def test_a_module_with_several_layers_names_its_nodes() -> None:
    network = nn.Sequential(OrderedDict(own=Own(), head=nn.Linear(4, 2)))
    names = [name for name, _ in stops("layers", network, 4)]
    # the sum belongs to the container's own forward, so it is told apart from the modules inside
    assert names[0] == "head"
    assert names[1].startswith("own · add")
    assert names[2] == "own.inner.0"
    assert [name.partition(" · ")[0] for name in names[3:]] == ["own.twice", "own.twice"]
    assert len(set(names)) == len(names)


def test_an_op_outside_of_all_modules_has_its_own_name_and_no_group() -> None:
    (name, group), *_ = stops("layers", Own(), 4)
    assert name.startswith("add")
    assert group == ""
    assert all(name for name, _ in stops("blocks", Own(), 4))


def test_a_network_without_modules_has_no_blocks() -> None:
    class Bare(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.stack([2 * x.sum(1) + 1, x.mean(1)], 1)

    assert stops("blocks", Bare(), 4) == []


@pytest.mark.parametrize("name", NETWORKS)
def test_what_all_stops_add_is_b(name: str) -> None:
    build, shape = NETWORKS[name]
    torch.manual_seed(0)
    x = torch.randn(1, *shape, generator=torch.Generator().manual_seed(5))
    result = bbp.attribute(randomized(build()), x, dtype=torch.float64)
    ledger = result.ledger
    intercepts = [float(step.intercept) for step in ledger]
    scale = max(1.0, *(abs(i) for i in intercepts))
    for level, stops in levels_of(ledger).items():
        frames = [s.frame for s in stops]
        assert frames == sorted(set(frames)), level
        assert (frames[0], frames[-1]) == (0, len(ledger) + 1)
        # a stop stands for the frames after the one before it, up to its own: step i is frame i + 1
        added = [sum(intercepts[a:b]) for a, b in pairwise(frames)]
        assert sum(added) == pytest.approx(float(result.local.b), abs=1e-9 * scale)
        cut = 0.0
        lost = 0.0
        for a, b, more in zip(frames, frames[1:], added, strict=False):
            cut += more
            lost += sum(float(step.unshared) for step in ledger[a:b])
            if b <= len(ledger):
                assert float(ledger[b - 1].cut_bias) + lost == pytest.approx(cut, abs=1e-9 * scale)
    loud = [
        step for i, step in enumerate(ledger) if i + 1 not in {s.frame for s in levels_of(ledger)["layers"]}
    ]
    assert all(float(step.intercept.abs().max()) == 0 and not step.mixes for step in loud)
    assert len(set(names_of(ledger))) == len(ledger)
