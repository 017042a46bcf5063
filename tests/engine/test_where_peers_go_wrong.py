"""Networks that other attribution libraries are silently wrong on: w is autograd's, the sums hold, the mass is where it
belongs. Where no formula says where that is, a plainly written twin does: the same function, without the trap."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from engine import oracle
from engine.exact import DOUBLE, SINGLE, TOLERANCE, assert_near, autograd, explained
from engine.nets import OneNode, randomized
from torch import Tensor, nn
from torch.nn import functional as F

import bbp_widgets as bbp

#: Rules that look at the strengths in three ways: not at all, at their size, at their sign.
RULES = ("uniform", "proportional", "aligned")
TARGETS = 3


class Net(nn.Module):
    """Layers by name, used as ``run`` says."""

    def __init__(self, run: Callable[..., Tensor], **layers: nn.Module) -> None:
        super().__init__()
        self.run = run
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def layer(kind: type[nn.Module], *args: Any, seed: int = 0, **options: Any) -> Any:
    return randomized(kind(*args, **options), seed)


def conv(channels: int, outputs: int, seed: int = 0, **options: Any) -> nn.Conv2d:
    return layer(nn.Conv2d, channels, outputs, 3, seed=seed, padding=1, **options)


def head(channels: int) -> nn.Linear:
    return layer(nn.Linear, channels, TARGETS, seed=9)


def pooled(net: Any, x: Tensor) -> Tensor:
    return net.head(x.mean((2, 3)))


def is_explained_as(network: nn.Module, twin: nn.Module, x: Tensor) -> None:
    """Assert that the sums hold, that w is autograd's, and that every feature gets what it gets from the twin."""
    for dtype in TOLERANCE:
        explained(network, x, 1, dtype, RULES)
    for rule in RULES:
        got, expected = (bbp.attribute(n, x, 1, rule, dtype=torch.float64) for n in (network, twin))
        assert_near(got.value, expected.value, DOUBLE, rule)
        assert_near(got.gradient, expected.gradient, DOUBLE, rule)
        assert_near(got.bias, expected.bias, DOUBLE, rule)


def gets(network: OneNode, x: Tensor, rule: str, expected: Tensor) -> None:
    """Assert that ``x`` gets what is expected of the mass that ``OneNode`` puts on its op."""
    network.eval()
    explained(network, x, 1, rules=RULES)
    result = bbp.attribute(network, x, 1, rule, dtype=torch.float64)
    assert_near(result.bias, expected.view(x.shape), DOUBLE, rule)


# -- sums ---------------------------------------------------------------------------------------------------


def residual(scale: float = 1.0) -> tuple[OneNode, Tensor, Tensor]:
    weight = noise(4, 4, seed=2) * scale
    return (
        OneNode(lambda x: x + F.linear(x, weight.to(x.dtype)), torch.Size([4])),
        weight.double(),
        noise(1, 4, seed=3),
    )


def test_a_residual_sum_splits_between_the_skip_and_the_branch() -> None:
    network, weight, x = residual()
    mass = network.mass(1)
    gets(network, x, "uniform", mass / 2 + mass.sum() / 2 / 4)
    values = x[0].double()
    branch = weight @ values
    kept = values.abs() / (values.abs() + branch.abs())
    strength = (weight * values).abs()
    through = (strength / strength.sum(1, keepdim=True)).t() @ (mass * (1 - kept))
    gets(network, x, "proportional", mass * kept + through)


def test_a_residual_sum_of_a_dead_branch_leaves_all_to_the_skip() -> None:
    network, _, x = residual(0.0)
    gets(network, x, "proportional", network.mass(1))


def test_a_tensor_beside_its_own_convolution() -> None:
    weight = noise(3, 2, 3, seed=4)
    op: Callable[[Tensor], Tensor] = lambda x: F.conv1d(x, weight.to(x.dtype), padding=1)  # noqa: E731
    network = OneNode(lambda x: torch.cat([x, op(x)], 1), torch.Size([5, 6]))
    x = noise(1, 2, 6, seed=5)
    mass = network.mass(1)
    matrix = oracle.matrix_of(op, x)
    there = oracle.matrix_of(lambda y: F.conv1d(y, torch.ones_like(weight).double(), padding=1), x) != 0
    for rule, phi in {"uniform": oracle.uniform, "proportional": oracle.proportional(1)}.items():
        shared = oracle.given(phi, matrix, there, x.flatten(), mass[12:])
        gets(network, x, rule, mass[:12] + shared)


# -- one layer in several places ----------------------------------------------------------------------------


def test_one_relu_module_used_twice() -> None:
    run = lambda net, x: pooled(net, net.second(net.b(net.first(net.a(x)))) + x)  # noqa: E731
    layers = {"a": conv(3, 4), "b": conv(4, 3, 1), "head": head(3)}
    relu = nn.ReLU()
    is_explained_as(
        Net(run, first=relu, second=relu, **layers), Net(run, first=nn.ReLU(), second=nn.ReLU(), **layers),
        noise(2, 3, 5, 5),
    )  # fmt: skip


def test_a_functional_relu() -> None:
    layers = {"a": conv(3, 4), "b": conv(4, 3, 1), "head": head(3), "relu": nn.ReLU()}
    is_explained_as(
        Net(lambda net, x: pooled(net, F.relu(net.b(torch.relu(net.a(x).relu())))), **layers),
        Net(lambda net, x: pooled(net, net.relu(net.b(net.relu(net.a(x))))), **layers),
        noise(2, 3, 5, 5),
    )


def test_one_convolution_used_twice() -> None:
    run = lambda net, x: pooled(net, net.second(F.relu(net.first(x))) - net.second(x))  # noqa: E731
    one = conv(3, 3)
    is_explained_as(
        Net(run, first=one, second=one, head=head(3)),
        Net(run, first=conv(3, 3), second=copy.deepcopy(one), head=head(3)),
        noise(2, 3, 5, 5),
    )


def test_weights_shared_between_layers() -> None:
    run = lambda net, x: net.head(F.relu(net.b(F.relu(net.a(x)))))  # noqa: E731
    a, b, tied = (layer(nn.Linear, 4, 4, seed=seed) for seed in (1, 2, 2))
    tied.weight = a.weight
    b.weight = nn.Parameter(a.weight.detach().clone())
    is_explained_as(Net(run, a=a, b=tied, head=head(4)), Net(run, a=a, b=b, head=head(4)), noise(2, 4))


def test_a_decoder_that_is_the_encoder_turned_over() -> None:
    a, b = layer(nn.Linear, 4, 6), nn.Linear(6, 4, bias=False)
    b.weight = nn.Parameter(a.weight.detach().t().clone())
    is_explained_as(
        Net(lambda net, x: net.head(F.linear(F.relu(net.a(x)), net.a.weight.t())), a=a, head=head(4)),
        Net(lambda net, x: net.head(net.b(F.relu(net.a(x)))), a=a, b=b, head=head(4)),
        noise(2, 4),
    )


# -- pooling ------------------------------------------------------------------------------------------------


def test_a_functional_mean_pooling() -> None:
    network = OneNode(lambda x: F.avg_pool2d(x, 2), torch.Size([2, 2, 3]))
    x = noise(1, 2, 4, 6)
    spread = lambda mass: mass.repeat_interleave(2, 1).repeat_interleave(2, 2)  # noqa: E731
    mass = spread(network.mass(1).view(2, 2, 3))
    gets(network, x, "uniform", mass / 4)
    size = x[0].double().abs()
    gets(network, x, "proportional", mass * size / spread(F.avg_pool2d(size, 2) * 4))


def test_a_mean_pooling_is_a_convolution_of_equal_weights() -> None:
    equal = nn.Conv2d(3, 3, 3, stride=2, padding=1, groups=3, bias=False)
    equal.weight = nn.Parameter(torch.full((3, 1, 3, 3), 1 / 9, dtype=torch.double).float())
    layers = {"a": conv(3, 3), "head": head(3)}
    for dtype, tolerance in ((torch.float64, SINGLE),):  # 1/9 is rounded to float32 in the twin
        got = bbp.attribute(Net(lambda net, x: pooled(net, F.avg_pool2d(net.a(x).relu(), 3, 2, 1)), **layers),
                            noise(2, 3, 6, 6), 1, dtype=dtype)  # fmt: skip
        twin = bbp.attribute(Net(lambda net, x: pooled(net, net.equal(net.a(x).relu())), equal=equal, **layers),
                             noise(2, 3, 6, 6), 1, dtype=dtype)  # fmt: skip
        assert_near(got.bias, twin.bias, tolerance)


@pytest.mark.parametrize("relu_first", [True, False])
def test_a_relu_next_to_a_maximum(relu_first: bool) -> None:
    """The mass of a window goes to its winner; of a window that is silent, where autograd sends the gradient."""
    x = noise(1, 2, 4, 4, seed=6)
    x[0, 0, :2, :2] = torch.tensor([[-1.0, -0.5], [-2.0, -3.0]])
    op: Callable[[Tensor], Tensor] = (
        (lambda x: F.max_pool2d(F.relu(x), 2)) if relu_first else (lambda x: F.relu(F.max_pool2d(x, 2)))
    )
    network = OneNode(op, torch.Size([2, 2, 2]))
    first = F.relu(x) if relu_first else x
    places = F.max_pool2d(first, 2, return_indices=True)[1].flatten(2)
    expected = torch.zeros(1, 2, 16, dtype=torch.double).scatter_(2, places, network.mass(1).view(1, 2, 4))
    for rule in RULES:
        gets(network, x, rule, expected)


# -- batch norm ---------------------------------------------------------------------------------------------


def folded(a: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """Return one convolution that is ``a`` and then ``norm``."""
    return torch.nn.utils.fuse_conv_bn_eval(a.double().eval(), norm.double().eval())


def test_a_batch_norm_declared_last() -> None:
    a, norm = conv(3, 4), layer(nn.BatchNorm2d, 4)
    network = Net(lambda net, x: pooled(net, F.relu(net.norm(net.a(x)))), a=a, head=head(4), norm=norm)
    twin = Net(
        lambda net, x: pooled(net, F.relu(net.a(x))),
        a=folded(*copy.deepcopy((a, norm))),
        head=head(4).double(),
    )
    x = noise(2, 3, 5, 5)
    explained(network, x, 1, rules=RULES)
    for rule in ("uniform", "proportional", "softmax"):  # the norm may turn the sign of a strength
        got = bbp.attribute(network, x, 1, rule, dtype=torch.float64)
        assert_near(got.bias, bbp.attribute(twin, x.double(), 1, rule).bias, DOUBLE, rule)


def test_a_batch_norm_before_its_convolution() -> None:
    """Scale and shift by hand: the shift is mass of the pixel it is added to."""
    norm, a = layer(nn.BatchNorm2d, 3), conv(3, 4)
    scale = (norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()).detach()[:, None, None]
    shift = norm.bias.detach().double()[:, None, None] - norm.running_mean.double()[:, None, None] * scale
    layers = {"a": a, "head": head(4)}
    is_explained_as(
        Net(lambda net, x: pooled(net, F.relu(net.a(net.norm(x)))), norm=norm, **layers),
        Net(lambda net, x: pooled(net, F.relu(net.a(x * scale.to(x.dtype) + shift.to(x.dtype)))), **layers),
        noise(2, 3, 5, 5),
    )


def test_a_batch_norm_alone_leaves_its_shift_where_it_is() -> None:
    norm = layer(nn.BatchNorm1d, 4)
    result = bbp.attribute(norm, noise(3, 4), 2, dtype=torch.float64)
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    shift = (norm.bias.double() - norm.running_mean.double() * scale)[2]
    expected = torch.zeros(3, 4, dtype=torch.double)
    expected[:, 2] = shift.detach()
    assert_near(result.bias, expected, DOUBLE)


# -- in place -----------------------------------------------------------------------------------------------


def _in_place(net: Any, x: Tensor) -> Tensor:
    x = net.a(x)
    skip = x
    x = x * 2
    x += skip
    x.mul_(0.5).add_(1.0)
    x[:, 0] = x[:, 1]
    x[:, 2:].clamp_(-0.5, 0.5)
    return pooled(net, x.relu_() - skip)


def _out_of_place(net: Any, x: Tensor) -> Tensor:
    skip = net.a(x)
    x = (skip * 2 + skip) * 0.5 + 1.0
    x = torch.cat([x[:, 1:2], x[:, 1:2], x[:, 2:].clamp(-0.5, 0.5)], 1)
    return pooled(net, F.relu(x) - skip)


def test_ops_in_place() -> None:
    layers = {"a": conv(3, 4), "head": head(4)}
    is_explained_as(Net(_in_place, **layers), Net(_out_of_place, **layers), noise(2, 3, 5, 5))


def test_an_activation_in_place_on_a_value_that_is_used_again() -> None:
    def run(net: Any, x: Tensor) -> Tensor:
        y = net.a(x)
        return pooled(net, net.relu(y) + y)  # y is what the relu left of it

    layers = {"a": conv(3, 4), "head": head(4)}
    is_explained_as(
        Net(run, relu=nn.ReLU(inplace=True), **layers),
        Net(lambda net, x: pooled(net, (y := F.relu(net.a(x))) + y), **layers),
        noise(2, 3, 5, 5),
    )


def test_an_op_in_place_on_the_input_itself() -> None:
    network = Net(lambda net, x: net.head(x.mul_(2).relu_()), head=head(4))
    x = noise(2, 4)
    before = x.clone()
    result = bbp.attribute(network, x, 1)
    assert torch.equal(x, before)
    twin = Net(lambda net, x: net.head((x * 2).relu()), head=head(4))
    assert_near(result.local.w, autograd(twin, before, lambda out: out[:, 1]), SINGLE)
    assert torch.equal(result.bias, bbp.attribute(twin, before, 1).bias)


# -- how it is called ---------------------------------------------------------------------------------------


def ordinary() -> Net:
    return Net(
        lambda net, x: pooled(net, net.relu(net.norm(net.a(x)))),
        a=conv(3, 4), norm=layer(nn.BatchNorm2d, 4), relu=nn.ReLU(inplace=True), head=head(4),
    )  # fmt: skip


def test_frozen_parameters() -> None:
    network, x = ordinary(), noise(2, 3, 5, 5)
    expected = bbp.attribute(network, x, 1).bias
    network.requires_grad_(False)
    assert torch.equal(explained(network, x, 1, rules=RULES[1:]).bias, expected)
    network.norm.weight.requires_grad_()
    assert torch.equal(explained(network, x, 1, rules=RULES[1:]).bias, expected)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients(mode: Callable[[], Any]) -> None:
    network, x = ordinary(), noise(2, 3, 5, 5)
    expected = explained(network, x, 1)
    with mode():
        born = ordinary()  # its parameters are inference tensors under inference mode
        for net, inputs in ((network, x), (network, x.clone()), (born, x.clone())):
            result = bbp.attribute(net, inputs, 1)
            assert torch.equal(result.bias, expected.bias)
            assert torch.equal(result.local.w, expected.local.w)
            assert len(result.ledger) == len(expected.ledger)
            assert torch.equal(bbp.decompose(net, inputs).bias, bbp.decompose(network, x).bias)
    assert torch.equal(bbp.attribute(born, inputs, 1).bias, expected.bias)  # and outside of it


def test_an_input_that_wants_a_gradient_gets_none() -> None:
    network, x = ordinary(), noise(2, 3, 5, 5).requires_grad_()
    expected = bbp.attribute(network, x.detach(), 1)
    result = bbp.attribute(network, x * 1, 1)
    assert torch.equal(result.bias, expected.bias)
    assert x.grad is None
    assert not result.bias.requires_grad


def test_an_auxiliary_head_that_is_not_looked_at() -> None:
    layers = {"a": conv(3, 4), "b": conv(4, 4, 1), "head": head(4)}
    network = Net(
        lambda net, x: (pooled(net, F.relu(net.b(y := F.relu(net.a(x))))), net.side(y.mean((2, 3)))),  # type: ignore
        side=layer(nn.Linear, 4, 7), **layers,
    )  # fmt: skip
    twin = Net(lambda net, x: pooled(net, F.relu(net.b(F.relu(net.a(x))))), **layers)
    x = noise(2, 3, 5, 5)
    for rule in RULES:
        result = bbp.attribute(network, x, lambda out: out[0][:, 1], rule)
        assert_near(result.bias, bbp.attribute(twin, x, 1, rule).bias, SINGLE)
        assert "side" not in {node.module for node in result.local.nodes}
    explained(network, x, lambda out: out[0][:, 1], rules=RULES)


def test_layers_channels_last() -> None:
    network, x = ordinary(), noise(2, 3, 6, 5)
    expected = bbp.attribute(network, x, 1, dtype=torch.float64)
    last = copy.deepcopy(network).to(memory_format=torch.channels_last)
    for net, inputs in ((last, x), (last, x.to(memory_format=torch.channels_last)),
                        (network, x.to(memory_format=torch.channels_last))):  # fmt: skip
        result = explained(net, inputs, 1, torch.float64, RULES[1:])
        assert_near(result.bias, expected.bias, DOUBLE)
        explained(net, inputs, 1, rules=RULES)
        apart_one = bbp.attribute(net, inputs[:1], 1, dtype=torch.float64)
        assert_near(apart_one.bias, expected.bias[:1], DOUBLE)


def test_a_batch_norm_whose_gradient_comes_back_turned() -> None:
    """Torch's own backward is wrong there (2.14.1, one sample on a CPU), so the twin's is what w has to be."""
    norm, last = layer(nn.BatchNorm2d, 16, seed=1), layer(nn.Linear, 16, TARGETS, seed=2)
    norm.eval()
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    shift = norm.bias - norm.running_mean * scale
    first = conv(3, 16)

    def tokens(net: Any, x: Tensor) -> Tensor:
        maps = net.first(x)
        maps = net.norm(maps) if hasattr(net, "norm") else maps * scale[:, None, None] + shift[:, None, None]
        return net.last(maps.flatten(2).transpose(1, 2).contiguous()).tanh().sum(1)

    network, twin = Net(tokens, first=first, norm=norm, last=last), Net(tokens, first=first, last=last)
    x = noise(1, 3, 7, 7, seed=4)
    explained(twin, x, 1, torch.float32, RULES)
    got, expected = (bbp.attribute(n, x, 1) for n in (network, twin))
    assert_near(got.gradient, expected.gradient, SINGLE, "w ⊙ x")
    assert_near(got.local.w, autograd(twin, x, lambda out: out[:, 1])[0], SINGLE, "w")
    assert_near(got.bias.sum(), got.local.b.sum(), SINGLE, "b")
