"""Where the stepper stops, and what each stop is called."""

from __future__ import annotations

from collections import OrderedDict

import torch
from engine.nets import randomized
from torch import Tensor, nn
from torch.nn import functional as F

import bbp_widgets as bbp
from bbp_widgets.views import stops_of


def stops(network: nn.Module, *shape: int) -> list[tuple[str, str]]:
    x = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    return [(s.name, s.group) for s in stops_of(bbp.attribute(randomized(network), x).ledger)]


def test_quiet_ops_are_no_stops() -> None:
    network = nn.Sequential(OrderedDict(
        conv=nn.Conv2d(1, 2, 3), norm=nn.BatchNorm2d(2), relu=nn.ReLU(), flat=nn.Flatten(), drop=nn.Dropout(),
        pool=nn.MaxPool1d(2), head=nn.Linear(4, 3),
    ))  # fmt: skip
    assert stops(network, 1, 4, 4) == [("head", "head"), ("norm", "norm"), ("conv", "conv")]


def test_a_group_is_the_first_part_of_the_path() -> None:
    block = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    network = nn.Sequential(OrderedDict(body=block, head=nn.Linear(4, 2)))
    assert stops(network, 4) == [("head", "head"), ("body.2", "body"), ("body.0", "body")]


class Own(nn.Module):
    """Adds and multiplies in its own forward, beside its modules, and uses one of them twice."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = nn.Linear(4, 4)
        self.inner = nn.Sequential(nn.Linear(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.twice(self.twice(x)))
        return self.inner(y) + x


def test_a_module_with_several_stops_names_its_nodes() -> None:
    network = nn.Sequential(OrderedDict(own=Own(), head=nn.Linear(4, 2)))
    names = stops(network, 4)
    # the sum belongs to the container's own forward, so it is told apart from the modules inside
    assert names[0] == ("head", "head")
    assert names[1][0].startswith("own · add")
    assert names[2] == ("own.inner.0", "own")
    assert [name.partition(" · ")[0] for name, _ in names[3:]] == ["own.twice", "own.twice"]
    assert len({name for name, _ in names}) == len(names)
    assert {group for _, group in names[1:]} == {"own"}


def test_an_op_outside_of_all_modules_has_its_own_name_and_group() -> None:
    names = stops(Own(), 4)
    assert names[0][0].startswith("add")
    assert names[0][1] == "add"


def test_the_steps_are_those_of_the_ledger() -> None:
    network = randomized(Own())
    ledger = bbp.attribute(network, torch.randn(1, 4, generator=torch.Generator().manual_seed(0))).ledger
    found = stops_of(ledger)
    assert [s.step for s in found] == sorted(s.step for s in found)
    assert all(ledger[s.step].node == s.node for s in found)
    left = [step for i, step in enumerate(ledger) if i not in {s.step for s in found}]
    assert left
    assert all(float(step.intercept.abs().max()) == 0 and not step.mixes for step in left)
