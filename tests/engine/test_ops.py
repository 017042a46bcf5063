"""Every op, from one row of a table: the value is torch's, the pullback autograd's, value − J·x the intercept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import bbp_widgets as bbp
from bbp_widgets.engine import supported_ops

#: Double precision throughout, so only rounding is left.
EXACT = 1e-11

PICTURE, LINE, VOLUME, ROW = (2, 4, 7, 6), (2, 4, 11), (2, 3, 5, 6, 4), (2, 9)


def _parameter(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.double)


def _norm(x: Tensor, weight: bool = True) -> Tensor:
    channels = x.shape[1]
    mean, var = _parameter(channels), _parameter(channels).abs() + 0.5
    scale = _parameter(channels + 1)[:channels] if weight else None
    return F.batch_norm(x, mean, var, scale, _parameter(channels) if weight else None)


ROWS: list[tuple[str, tuple[int, ...], Callable[[Tensor], Tensor]]] = [
    ("relu", PICTURE, F.relu),
    ("relu_in_place", PICTURE, lambda x: (x * 1).relu_()),
    ("leaky_relu", PICTURE, lambda x: F.leaky_relu(x, 0.2)),
    ("prelu", PICTURE, lambda x: F.prelu(x, _parameter(4))),
    ("rrelu", PICTURE, lambda x: F.rrelu(x, 0.1, 0.3)),
    ("relu6", PICTURE, lambda x: F.relu6(x * 5)),
    ("hardtanh", PICTURE, lambda x: F.hardtanh(x, -0.4, 0.9)),
    ("clamp", PICTURE, lambda x: x.clamp(-0.4, 0.9)),
    ("clamp_min", PICTURE, lambda x: x.clamp_min(0.2)),
    ("clamp_max", PICTURE, lambda x: x.clamp_max(0.2)),
    ("threshold", PICTURE, lambda x: F.threshold(x, 0.1, 7.0)),
    ("abs", PICTURE, torch.abs),
    ("hardshrink", PICTURE, F.hardshrink),
    ("softshrink", PICTURE, F.softshrink),
    ("batch_norm", PICTURE, _norm),
    ("batch_norm_1d", ROW, _norm),
    ("batch_norm_plain", LINE, lambda x: _norm(x, weight=False)),
    ("linear", ROW, lambda x: F.linear(x, _parameter(5, 9), _parameter(5))),
    ("linear_without_bias", ROW, lambda x: F.linear(x, _parameter(5, 9))),
    ("linear_on_rows", LINE, lambda x: F.linear(x, _parameter(5, 11), _parameter(5))),
    ("addmm", ROW, lambda x: torch.addmm(_parameter(3), x, _parameter(9, 3), beta=0.5, alpha=2.0)),
    ("conv1d", LINE, lambda x: F.conv1d(x, _parameter(6, 4, 3), _parameter(6), stride=2, padding=1)),
    ("conv2d", PICTURE, lambda x: F.conv2d(x, _parameter(6, 4, 3, 2), _parameter(6), padding=(1, 2))),
    ("conv2d_grouped", PICTURE, lambda x: F.conv2d(x, _parameter(6, 2, 3, 3), groups=2, stride=(2, 1))),
    ("conv2d_dilated", PICTURE, lambda x: F.conv2d(x, _parameter(3, 4, 2, 3), dilation=(3, 2), padding=2)),
    ("conv2d_depthwise", PICTURE, lambda x: F.conv2d(x, _parameter(4, 1, 3, 3), padding="same", groups=4)),
    ("conv3d", VOLUME, lambda x: F.conv3d(x, _parameter(2, 3, 2, 3, 2), _parameter(2), padding=1)),
    ("conv_beside_the_input", PICTURE, lambda x: F.conv2d(x, _parameter(2, 4, 1, 1), _parameter(2), padding=2)),
    ("max_pool1d", LINE, lambda x: F.max_pool1d(x, 3, 2, 1)),
    ("max_pool2d", PICTURE, lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True)),
    ("max_pool3d", VOLUME, lambda x: F.max_pool3d(x, 2)),
    ("adaptive_max_pool2d", PICTURE, lambda x: F.adaptive_max_pool2d(x, (3, 4))),
    ("amax", PICTURE, lambda x: x.amax((2, 3))),
    ("max_dim", PICTURE, lambda x: x.max(2).values),
    ("max_dim_kept", PICTURE, lambda x: x.max(1, keepdim=True)[0]),
    ("avg_pool1d", LINE, lambda x: F.avg_pool1d(x, 3, 2, 1)),
    ("avg_pool2d", PICTURE, lambda x: F.avg_pool2d(x, 3, 2, 1)),
    ("avg_pool2d_ceil", PICTURE, lambda x: F.avg_pool2d(x, 4, 3, 2, ceil_mode=True)),
    ("avg_pool2d_real", PICTURE, lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)),
    ("avg_pool2d_divided", PICTURE, lambda x: F.avg_pool2d(x, 2, divisor_override=3)),
    ("avg_pool3d", VOLUME, lambda x: F.avg_pool3d(x, 2, 1, 1)),
    ("adaptive_avg_pool1d", LINE, lambda x: F.adaptive_avg_pool1d(x, 4)),
    ("adaptive_avg_pool2d", PICTURE, lambda x: F.adaptive_avg_pool2d(x, (3, 4))),
    ("adaptive_avg_pool3d", VOLUME, lambda x: F.adaptive_avg_pool3d(x, (2, 4, 3))),
    ("mean", PICTURE, lambda x: x.mean((2, 3))),
    ("mean_of_channels", PICTURE, lambda x: x.mean(1, keepdim=True)),
    ("sum", PICTURE, lambda x: x.sum((1, 3))),
    ("sum_of_all", (1, 9), lambda x: x.sum().reshape(1, 1)),
    ("mean_of_all", (1, 9), lambda x: x.mean().reshape(1, 1)),
    ("add", PICTURE, lambda x: x.relu() + 3 * x),
    ("add_alpha", PICTURE, lambda x: torch.add(x.relu(), x, alpha=-0.7)),
    ("add_broadcast", PICTURE, lambda x: x + x.mean((2, 3), keepdim=True)),
    ("add_constant", PICTURE, lambda x: x + _parameter(7, 6)),
    ("add_number", PICTURE, lambda x: 1.5 + x),
    ("sub", PICTURE, lambda x: x.relu() - x),
    ("sub_from_number", PICTURE, lambda x: 2 - x),
    ("in_place_sum", PICTURE, lambda x: x.clone().add_(x.relu())),
    ("mul_constant", PICTURE, lambda x: x * _parameter(4, 1, 1)),
    ("div_constant", PICTURE, lambda x: x / _parameter(6)),
    ("neg", PICTURE, torch.neg),
    ("cat", PICTURE, lambda x: torch.cat([x, x.relu(), torch.ones(2, 1, 7, 6, dtype=x.dtype)], 1)),
    ("stack", ROW, lambda x: torch.stack([x, x.relu(), torch.ones_like(x)], 1)),
    ("split", PICTURE, lambda x: x.split([1, 3], 1)[1] + x.chunk(4, 1)[0]),
    ("unbind", PICTURE, lambda x: x.unbind(1)[2]),
    ("slice", PICTURE, lambda x: x[:, 1:, ::2, -4:-1]),
    ("select", PICTURE, lambda x: x[:, :, 3]),
    ("flip", PICTURE, lambda x: x.flip(2, 3)),
    ("permute", PICTURE, lambda x: x.permute(0, 2, 3, 1)),
    ("t", (1, 9), lambda x: x.t().relu().reshape(1, 9)),
    ("transpose", PICTURE, lambda x: x.transpose(1, 3)),
    ("reshape", PICTURE, lambda x: x.transpose(1, 2).reshape(2, -1)),
    ("squeeze", PICTURE, lambda x: x.unsqueeze(2).squeeze(2)),
    ("expand", PICTURE, lambda x: x[:, :1].expand(2, 5, 7, 6)),
    ("pad", PICTURE, lambda x: F.pad(x, (1, 2, 0, 3))),
    ("pad_value", PICTURE, lambda x: F.pad(x, (1, 2, 0, 3, 1, 1), value=2.5)),
    ("crop", PICTURE, lambda x: F.pad(x, (-1, -2, 0, 1))),
    ("dropout", PICTURE, lambda x: F.dropout(x, 0.5, training=False)),
    ("written_slice", PICTURE, lambda x: _written(x)),
    ("written_entry", PICTURE, lambda x: _written_entry(x)),
    ("written_by_constant", PICTURE, lambda x: _written_by_constant(x)),
    ("filled", PICTURE, lambda x: torch.zeros_like(x).copy_(x * 2)),
    ("to_type", PICTURE, lambda x: x.to(torch.float64)),
]  # fmt: skip


def _written(x: Tensor) -> Tensor:
    y = x * 2
    y[:, 1:3].relu_()
    return y


def _written_entry(x: Tensor) -> Tensor:
    y = torch.ones(2, 4, 7, 6, dtype=x.dtype)
    y[:, 2] = x[:, 1] * 3
    return y


def _written_by_constant(x: Tensor) -> Tensor:
    y = x * 2
    y[:, :, 1:4] = 7.0
    return y + x


class _Op(nn.Module):
    """The op under test, and a weighting of its outputs that makes a number of them."""

    def __init__(self, function: Callable[[Tensor], Tensor], x: Tensor) -> None:
        super().__init__()
        self.function = function
        self.rates = _parameter(*function(x).shape[1:])

    def forward(self, x: Tensor) -> Tensor:
        return (self.function(x) * self.rates).flatten(1).sum(1)


@pytest.mark.parametrize(("name", "shape", "function"), ROWS, ids=[row[0] for row in ROWS])
def test_an_op_is_linearized(name: str, shape: tuple[int, ...], function: Callable[[Tensor], Tensor]) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.double)
    network = _Op(function, x).eval()
    traced = x.clone().requires_grad_()
    value = network(traced)
    (gradient,) = torch.autograd.grad(value.sum(), traced)

    local = bbp.linearize(network, x)
    assert torch.equal(local.value, value.detach())
    torch.testing.assert_close(local.w, gradient, rtol=EXACT, atol=EXACT)
    for rule in ("uniform", "proportional", "softmax"):
        result = local.attribute(rule)
        assert result.residual.abs().max() < EXACT * 100
        assert result.unshared.abs().max() == 0
        for step in result.ledger:
            assert step.residual.abs().max() < EXACT * 100, step
            # the intercept is what the op's value has beyond J·x: each node's own, not just their sum
        assert torch.isfinite(result.bias).all()


def test_the_table_has_a_row_for_every_op() -> None:
    seen = set()
    for _, shape, function in ROWS:
        x = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.double)
        seen |= {node.op for node in bbp.linearize(_Op(function, x).eval(), x).nodes}
    ours = {f"aten.{op}" if not op.startswith("aten") else op for op in supported_ops()}
    missing = {op for op in ours if op not in {s.removesuffix(".default") for s in seen}}
    assert missing <= UNREACHED, sorted(missing - UNREACHED)


#: Registered under a second name that this version of torch, or this device, does not use.
UNREACHED = {
    "aten.cudnn_batch_norm", "aten._native_batch_norm_legit_no_training", "aten.linear", "aten.reshape",
    "aten.view_copy", "aten.alias", "aten.contiguous", "aten.dropout", "aten.squeeze", "aten.squeeze.dims",
    "aten.flatten.using_ints", "aten.chunk", "aten._to_copy", "aten.add.Scalar", "aten.sub.Scalar",
    "aten.mul.Scalar", "aten.div.Scalar", "aten._unsafe_view", "aten.adaptive_max_pool3d",
}  # fmt: skip


def test_an_op_without_linearization_is_refused_with_its_place() -> None:
    class Inner(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.special.i0(x)

    network = nn.Sequential(nn.Linear(3, 3), Inner()).eval()
    with pytest.raises(bbp.errors.UnsupportedOp) as caught:
        bbp.linearize(network, torch.ones(1, 3))
    message = str(caught.value)
    assert "aten.i0" in message
    assert 'module "1"' in message
    assert "test_ops.py" in message
    assert "linearizes" in message


@pytest.mark.parametrize(
    "move", [lambda x: x.transpose(0, 1), lambda x: x.permute(2, 0, 1), lambda x: x.flip(0)]
)
def test_samples_that_leave_the_first_axis_are_refused(move: Callable[[Tensor], Tensor]) -> None:
    class Moved(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return move(x).relu().mean() + x.flatten(1).sum(1)

    x = torch.randn(2, 4, 6)
    with pytest.raises(bbp.errors.UnsupportedOp, match="batch_size=1"):
        bbp.linearize(Moved().eval(), x)
    assert bbp.linearize(Moved().eval(), x[:1]).value.shape == (1,)


def test_what_is_refused_leaves_the_way_to_the_target_alone() -> None:
    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.main, self.aux = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.main(x), torch.special.i0(self.aux(x))

    local = bbp.linearize(Heads().eval(), torch.ones(1, 3), target=lambda out: out[0][:, 1])
    assert [node.module for node in local.nodes] == ["main"]
