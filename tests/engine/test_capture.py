"""Whatever way a forward pass is written, what is followed is what it computes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from engine.exact import DOUBLE, SINGLE, accounted, apart, assert_near, autograd
from engine.nets import randomized
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import bbp_widgets as bbp


class Written(nn.Module):
    """A layer, a head, and what is done between them."""

    def __init__(self, run: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        self.layer, self.head, self.run = nn.Linear(4, 6), nn.Linear(6, 3), run
        randomized(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.run(self, self.layer(x)))


def _loop(net: Any, y: Tensor) -> Tensor:
    rounds = 0
    while y.abs().max() > 0.5 and rounds < 20:
        y, rounds = y * 0.7, rounds + 1
    return y if rounds % 2 else y.relu()


def _rows(net: Any, y: Tensor) -> Tensor:
    out = torch.zeros_like(y)
    for i in range(6):
        if float(y[0, i]) > 0:
            out[:, i] = y[:, i] * (i + 1)
        else:
            out[:, i] += y[:, (i + 1) % 6].tanh()
    return out


def _masked(net: Any, y: Tensor) -> Tensor:
    y = y.clone()
    y[y < 0] = 0.25
    y[:, torch.tensor([True, False] * 3)] *= 2
    return y


def _printed(net: Any, y: Tensor) -> Tensor:
    text = f"{y} {y.shape} {y.mean():.2f}"
    return y * len(text.split("tensor"))


def _caught(net: Any, y: Tensor) -> Tensor:
    try:
        return net.head(net.head(y))
    except RuntimeError:
        return y.relu()


def _views(net: Any, y: Tensor) -> Tensor:
    z = y * 1
    left, right = z[:, :3], z.view(-1, 2, 3)[:, 1]
    right.mul_(2)
    left.add_(right)
    z[:, ::2].neg_()
    return z


STYLES: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "branch": lambda net, y: y.relu() if y.sum() > 0 else -y,
    "loop": _loop,
    "rows": _rows,
    "masked": _masked,
    "printed": _printed,
    "caught": _caught,
    "views": _views,
    "numpy": lambda net, y: y + torch.from_numpy(y.detach().numpy() * 2),
    "array": lambda net, y: y * float(np.asarray(y.detach()).max()),
    "list": lambda net, y: y * torch.tensor(y.tolist()).to(y.dtype),
    "number": lambda net, y: y * y[0, 0].item() + int(y.argmax()),
    "detached": lambda net, y: y * y.detach() + y.data,
    "found": lambda net, y: F.pad(
        y[:, (y[0] > y.mean()).nonzero()[:, 0]], (0, int((y[0] <= y.mean()).sum()))
    ),
    "sorted": lambda net, y: y.sort(1, descending=True).values,
    "largest": lambda net, y: F.pad(y.topk(2).values, (0, 4)),
    "unique": lambda net, y: y * len(torch.unique((y > 0).int())),
    "checkpointed": lambda net, y: checkpoint(torch.tanh, y, use_reentrant=False),
    "by_its_forward": lambda net, y: F.relu(nn.Linear.forward(net.layer, y[:, :4])),
    "made_on_the_way": lambda net, y: nn.ReLU()(y),
    "functional_call": lambda net, y: torch.func.functional_call(
        net.layer, {"bias": net.layer.bias * 2}, y[:, :4]
    ),
    "operators": lambda net, y: -((2 - y) ** 2) / 4 + abs(y) * (y @ y.T) - +y,
    "kept_type": lambda net, y: y.double().to(y.dtype).type_as(y).float().to(y.dtype),
    "where": lambda net, y: torch.where(y > 0, y.clamp(min=1e-3).log(), y.exp()),
    "empty_like": lambda net, y: torch.empty_like(y).copy_(y).relu_(),
    "filled_in": lambda net, y: torch.cat([torch.full_like(y[:, :1], 2.0), y[:, 1:]], 1),
    "given_out": lambda net, y: torch.add(y, 1.0).mul(torch.ones(6, dtype=y.dtype)),
}


@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad")
@pytest.mark.parametrize("style", STYLES)
def test_a_style_of_writing(style: str) -> None:
    network = Written(STYLES[style])
    x = torch.randn(1, 4, generator=torch.Generator().manual_seed(3))
    expected = network(x).detach()
    result = bbp.attribute(network, x, 1)
    assert_near(result.local.output, expected, SINGLE)
    assert_near(result.local.w, autograd(network, x, lambda out: out[:, 1]), SINGLE)
    accounted(result, SINGLE)


def test_control_flow_follows_the_piece_that_ran() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up, self.down = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.up(x) if x.sum() > 0 else self.down(x)

    network = randomized(Branching())
    assert [n.module for n in bbp.linearize(network, torch.ones(1, 3)).nodes] == ["up"]
    assert [n.module for n in bbp.linearize(network, -torch.ones(1, 3)).nodes] == ["down"]


def small() -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(36, 3)]
    return randomized(nn.Sequential(*layers)), torch.randn(
        2, 3, 5, 5, generator=torch.Generator().manual_seed(1)
    )


WRAPPED: dict[str, Callable[[nn.Module, Tensor], nn.Module]] = {
    "scripted": lambda net, x: torch.jit.script(net),
    "traced": lambda net, x: torch.jit.trace(net, x),
    "graph": lambda net, x: torch.fx.symbolic_trace(net),
    "exported": lambda net, x: torch.export.export(net, (x,)).module(),
    "compiled": lambda net, x: torch.compile(net, backend="eager"),
    "parallel": lambda net, x: nn.DataParallel(net),
    "averaged": lambda net, x: torch.optim.swa_utils.AveragedModel(net).eval(),
    "nested": lambda net, x: nn.Sequential(nn.Sequential(net)),
}


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:Using `torch.compile"
)
@pytest.mark.parametrize("name", WRAPPED)
def test_a_network_that_is_wrapped(name: str) -> None:
    network, x = small()
    expected = bbp.attribute(network, x, 1, dtype=torch.float64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the network is in training mode")
        wrapped = WRAPPED[name](network, x)
        result = bbp.attribute(wrapped, x, 1, dtype=torch.float64)
        assert_near(bbp.attribute(wrapped, x, 1).bias, expected.bias, SINGLE)
    assert_near(result.bias, expected.bias, DOUBLE)
    assert_near(result.local.w, expected.local.w, DOUBLE)


def test_hooks_of_the_users_own_do_what_they_do() -> None:
    network, x = small()
    network[0].register_forward_hook(lambda module, args, output: output * 2)
    network[4].register_forward_pre_hook(lambda module, args: (args[0] - 1,))
    expected = network(x).detach()
    result = bbp.attribute(network, x, 1)
    assert_near(result.local.output, expected, SINGLE)
    assert_near(result.local.w, autograd(network, x, lambda out: out[:, 1]), SINGLE)
    accounted(result, SINGLE)


def test_weights_that_are_computed_on_the_way() -> None:
    network, x = small()
    nn.utils.parametrizations.weight_norm(network[0])
    nn.utils.parametrizations.spectral_norm(network[4])
    result = bbp.attribute(network.eval(), x, 1)
    accounted(result, SINGLE)
    assert_near(result.local.w, autograd(network, x, lambda out: out[:, 1]), SINGLE)
    accounted(bbp.attribute(network, x, 1, dtype=torch.float64), DOUBLE)


def test_samples_that_the_output_keeps_along_another_axis() -> None:
    """A recurrent network with time first; the curvature of the target itself is shared there, too."""

    class Steps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.GRU(4, 5)

        def forward(self, x: Tensor) -> Tensor:
            return self.body(x.transpose(0, 1))[0]

    def target(out: Tensor) -> Tensor:
        return out[-1].log_softmax(-1)[:, 2] + out[0].square().sum(-1)

    network = randomized(Steps())
    x = torch.randn(3, 3, 4, generator=torch.Generator().manual_seed(0))  # as many samples as steps
    result = bbp.attribute(network, x, target, dtype=torch.float64)
    accounted(result, DOUBLE)
    assert result.ledger[0].node == "target"
    apart(network, x, target)
    with pytest.raises(bbp.errors.BadTarget, match="mixes samples"):
        bbp.linearize(network, x, lambda out: out[:, 0].sum(-1))


def test_no_node_has_the_name_of_a_module() -> None:
    """Else the node would not be found: where both have one name, the module is meant."""

    class Reused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu, self.add_1 = nn.ReLU(), nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            return self.relu(self.relu(x + 1) + 2) + 3

    result = bbp.attribute(Reused().eval(), torch.rand(1, 3))
    names = [step.node for step in result.ledger]
    assert names == ["add_3", "relu_1", "add_2", "relu_0", "add"]
    for i, name in enumerate(names):
        assert result.at(name).value is result.at(i).value
