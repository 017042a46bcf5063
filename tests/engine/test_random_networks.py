"""Networks put together at random: whatever ops they are made of, the sums hold and w is autograd's."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from engine.exact import DOUBLE, FLOOR, accounted, apart, assert_near, autograd
from engine.nets import randomized
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

import bbp_widgets as bbp

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")

#: Channels, height and width of every value on the way, whatever made it.
C, H, W = 4, 5, 6

Step = Callable[[Tensor, Tensor], Tensor]
#: A maker of steps: it may hang modules on the network, and returns what is done to a value (and an older one).
Maker = Callable[[nn.ModuleList, random.Random], Step]
MAKERS: dict[str, Maker] = {}


def step(maker: Maker) -> Maker:
    MAKERS[maker.__name__] = maker
    return maker


def plain(name: str, function: Callable[[Tensor], Tensor]) -> None:
    MAKERS[name] = lambda layers, dice: lambda x, y: function(x)


def both(name: str, function: Step) -> None:
    MAKERS[name] = lambda layers, dice: function


def added(layers: nn.ModuleList, layer: Any) -> Any:
    layers.append(layer)
    return layer


def fitted(x: Tensor) -> Tensor:
    """Bring a value to the common size: crop what is too much, fill up with a constant what is missing."""
    x = x[:, :C, :H, :W]
    return F.pad(x, (0, W - x.shape[3], 0, H - x.shape[2], 0, C - x.shape[1]), value=0.25)


@step
def convolution(layers: nn.ModuleList, dice: random.Random) -> Step:
    groups = dice.choice([1, 1, 2, 4])
    kernel = (dice.randint(1, 3), dice.randint(1, 3))
    options = {
        "stride": dice.choice([1, 1, (1, 2)]), "padding": dice.choice([0, 1, (2, 0), "same"]),
        "dilation": dice.choice([1, 2]), "groups": groups, "bias": dice.random() < 0.7,
        "padding_mode": dice.choice(["zeros", "zeros", "reflect", "circular", "replicate"]),
    }  # fmt: skip
    if options["padding"] == "same":
        options["stride"] = 1
    layer = added(layers, nn.Conv2d(C, groups * dice.randint(1, 2), kernel, **options))
    return lambda x, y: fitted(layer(x))


@step
def transposed_convolution(layers: nn.ModuleList, dice: random.Random) -> Step:
    stride = dice.choice([1, 2])
    layer = added(
        layers,
        nn.ConvTranspose2d(
            C, C, dice.randint(1, 3), stride=stride, padding=dice.choice([0, 1]) if stride == 1 else 0,
            output_padding=stride - 1, groups=dice.choice([1, 2]), dilation=dice.choice([1, 2]),
        ),
    )  # fmt: skip
    return lambda x, y: fitted(layer(x))


@step
def convolution_over_rows(layers: nn.ModuleList, dice: random.Random) -> Step:
    layer = added(layers, nn.Conv1d(C * H, C * H, 3, padding=1, groups=C * H))
    return lambda x, y: layer(x.reshape(-1, C * H, W)).view(-1, C, H, W)


@step
def linear(layers: nn.ModuleList, dice: random.Random) -> Step:
    layer = added(layers, nn.Linear(W, W, bias=dice.random() < 0.7))
    return lambda x, y: layer(x)


@step
def norm(layers: nn.ModuleList, dice: random.Random) -> Step:
    kinds = [
        lambda: nn.BatchNorm2d(C), lambda: nn.BatchNorm2d(C, affine=False), lambda: nn.GroupNorm(2, C),
        lambda: nn.LayerNorm(W), lambda: nn.LayerNorm((H, W)), lambda: nn.InstanceNorm2d(C, affine=True),
        lambda: nn.RMSNorm(W), lambda: nn.InstanceNorm2d(C, track_running_stats=True),
    ]  # fmt: skip
    layer = added(layers, dice.choice(kinds)())
    # torch's backward of an instance norm is wrong for a grad that lies channels last: this brings it in order
    return lambda x, y: layer(x).flatten(1).view(x.shape)


@step
def activation(layers: nn.ModuleList, dice: random.Random) -> Step:
    layer = added(
        layers,
        dice.choice([
            nn.ReLU(), nn.ReLU(inplace=True), nn.LeakyReLU(0.2), nn.PReLU(C), nn.ReLU6(), nn.Hardtanh(-0.4, 0.7),
            nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.ELU(), nn.SELU(), nn.Softplus(), nn.Sigmoid(),
            nn.Tanh(), nn.Hardswish(), nn.Hardsigmoid(), nn.Softshrink(0.1), nn.Threshold(0.2, -0.3), nn.Softsign(),
            nn.SiLU(inplace=True), nn.Softmax(1), nn.LogSigmoid(), nn.Dropout(0.5), nn.Identity(),
        ]),
    )  # fmt: skip
    return lambda x, y: layer(x * 1 if getattr(layer, "inplace", False) else x)


@step
def attention(layers: nn.ModuleList, dice: random.Random) -> Step:
    layer = added(layers, nn.MultiheadAttention(C, dice.choice([1, 2]), batch_first=dice.random() < 0.5))

    def attend(x: Tensor, y: Tensor) -> Tensor:
        rows, others = (v.flatten(2).transpose(1, 2) for v in (x, y))  # (N, H · W, C)
        if not layer.batch_first:
            rows, others = rows.transpose(0, 1), others.transpose(0, 1)
        out = layer(rows, others, others, need_weights=False)[0]
        out = out if layer.batch_first else out.transpose(0, 1)
        return out.transpose(1, 2).reshape(x.shape)

    return attend


@step
def windowed_attention(layers: nn.ModuleList, dice: random.Random) -> Step:
    """Windows side by side along the axis of the samples, as in Swin."""
    layer = added(layers, nn.Linear(C, 3 * C))

    def attend(x: Tensor, y: Tensor) -> Tensor:
        n = len(x)
        windows = x.permute(0, 2, 3, 1).reshape(n, H, 2, 3, C).permute(0, 2, 1, 3, 4).reshape(n * 2, H * 3, C)
        q, k, v = layer(windows).chunk(3, -1)
        out = (q @ k.transpose(1, 2) * 0.5).softmax(-1) @ v
        return out.view(n, 2, H, 3, C).permute(0, 4, 2, 1, 3).reshape(n, C, H, W)

    return attend


@step
def pooling(layers: nn.ModuleList, dice: random.Random) -> Step:
    size, stride, padding = dice.choice([(2, 1, 0), (3, 1, 1), (2, 2, 1), ((2, 3), (1, 2), (1, 0))])
    ceil = dice.random() < 0.5
    kind: Any = dice.choice([
        lambda x: F.max_pool2d(x, size, stride, padding, ceil_mode=ceil),
        lambda x: F.avg_pool2d(x, size, stride, padding, ceil_mode=ceil, count_include_pad=ceil),
        lambda x: F.adaptive_avg_pool2d(x, (3, 4)), lambda x: F.adaptive_max_pool2d(x, (4, 3)),
        lambda x: F.lp_pool2d(x, 2, 2, 1), lambda x: x.mean((2, 3), keepdim=True).expand(-1, -1, H, W),
        lambda x: x.amax(2, keepdim=True), lambda x: x.max(3, keepdim=True).values,
    ])  # fmt: skip
    return lambda x, y: fitted(kind(x))


@step
def padding(layers: nn.ModuleList, dice: random.Random) -> Step:
    mode = dice.choice(["constant", "reflect", "replicate", "circular"])
    sides = tuple(dice.randint(0, 2) for _ in range(4))
    crop = dice.randint(0, 1)
    return lambda x, y: fitted(F.pad(x, sides, mode)[:, :, crop:])


@step
def recurrence(layers: nn.ModuleList, dice: random.Random) -> Step:
    layer = added(
        layers, dice.choice([nn.GRU, nn.LSTM])(C * H, C * H // 2, batch_first=True, bidirectional=True)
    )
    return lambda x, y: layer(x.flatten(1, 2).transpose(1, 2))[0].transpose(1, 2).reshape(x.shape)


@step
def squeeze_and_excitation(layers: nn.ModuleList, dice: random.Random) -> Step:
    layer = added(layers, nn.Conv2d(C, C, 1))
    return lambda x, y: x * torch.sigmoid(layer(F.adaptive_avg_pool2d(x, 1)))


@step
def written_in_place(layers: nn.ModuleList, dice: random.Random) -> Step:
    axis = dice.choice([1, 2, 3])

    def write(x: Tensor, y: Tensor) -> Tensor:
        out = x.clone()
        out.narrow(axis, 0, 2).mul_(0.5).add_(y.narrow(axis, 1, 2))
        out[:, 1] = y[:, 2].tanh()
        out[:, 0, 1:3] = 0.75
        out += x
        return out.clamp_(-2, 2)

    return write


@step
def again(layers: nn.ModuleList, dice: random.Random) -> Step:
    """One layer, used twice."""
    layer = added(layers, nn.Conv2d(C, C, 3, padding=1))
    return lambda x, y: layer(F.relu(layer(x)) - y)


@step
def indexed(layers: nn.ModuleList, dice: random.Random) -> Step:
    order, mask = torch.tensor([2, 0, 0, 3]), torch.arange(H * W).view(H, W) % 3 == 0
    kind: Any = dice.choice([
        lambda x: x[:, order], lambda x: x.index_select(1, order), lambda x: x.masked_fill(mask, 0.5),
        lambda x: torch.where(mask, x, -x), lambda x: x.gather(1, order.view(1, C, 1, 1).expand_as(x)),
        lambda x: x * mask, lambda x: torch.tril(x), lambda x: x.flip(2).roll(1, 3),
    ])  # fmt: skip
    return lambda x, y: kind(x)


@step
def einsum(layers: nn.ModuleList, dice: random.Random) -> Step:
    layer = added(layers, nn.Linear(C, C, bias=False))
    if dice.random() < 0.5:
        return lambda x, y: torch.einsum("nchw,dc->ndhw", x, layer.weight)
    return lambda x, y: torch.einsum("nchw,nchv,ncgv->ncgw", x, y.tanh(), y.sigmoid())


plain("scaled", lambda x: 0.3 - 1.7 * x / 2)
plain("rearranged", lambda x: x.permute(0, 2, 3, 1).reshape(-1, W, C, H).permute(0, 2, 3, 1).contiguous())
plain("chunks", lambda x: torch.cat(x.chunk(2, 1)[::-1], 1) + torch.stack(x.unbind(3)[::-1], 3))
plain("shuffled", lambda x: F.channel_shuffle(F.pad(F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2), (0, 0)), 2))
plain("resized", lambda x: fitted(F.interpolate(x, scale_factor=2, mode="nearest")[:, :, 1:, 2:]))
plain(
    "smoothly_resized", lambda x: F.interpolate(x[:, :, 1:], size=(H, W), mode="bilinear", align_corners=True)
)
plain("statistics", lambda x: (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True) + 1).sqrt())
plain("unit_length", lambda x: F.normalize(x + 0.1, dim=1))
plain("smooth", lambda x: (x.sin() + x.square() * 0.2 + (x.abs() + 1).log() + (-x.square()).exp()) * 0.5)
plain("largest_few", lambda x: fitted(x.topk(3, 3).values))
both("sum", lambda x, y: x + y)
both("difference", lambda x, y: torch.sub(x, y, alpha=0.5))
both("product", lambda x, y: x * y.tanh())
both("quotient", lambda x, y: x / (1 + y.square()))
both("gate", lambda x, y: x * y.sigmoid() + (1 - y.sigmoid()) * y)
both("side_by_side", lambda x, y: torch.cat([x[:, :2], y[:, :1], torch.ones_like(x[:, :1])], 1))
both("maximum", torch.maximum)
both("matrix_product", lambda x, y: (x @ y.transpose(2, 3) / W).tanh() @ y)
both("interpolated", lambda x, y: torch.lerp(x, y, 0.3))
both("three_ways", lambda x, y: x + y.mean((2, 3), keepdim=True) + x * 2)


class Random(nn.Module):
    """Steps one after another, each on the last value and on one of those before it; a head over all that is left."""

    def __init__(self, kinds: list[str], seed: int) -> None:
        super().__init__()
        dice = random.Random(seed)
        self.layers = nn.ModuleList()
        self.steps = [MAKERS[kind](self.layers, dice) for kind in kinds]
        self.older = [dice.randrange(i + 1) for i in range(len(kinds))]
        self.head = nn.Linear(C * H * W, 3)
        randomized(self, seed)

    def forward(self, x: Tensor) -> Tensor:
        values = [x]
        for one, older in zip(self.steps, self.older, strict=True):
            values.append(one(values[-1], values[older]))
        return self.head((values[-1] + 0.1 * values[len(values) // 2]).flatten(1))


def noise(samples: int, seed: int) -> Tensor:
    return torch.randn(samples, C, H, W, generator=torch.Generator().manual_seed(seed))


def check(kinds: list[str], seed: int, rules: tuple[str, ...], scale: float = 1.0) -> None:
    network, x = Random(kinds, seed).double(), noise(2, seed).double() * scale
    local = bbp.linearize(network, x, 1)
    for rule in rules:
        accounted(local.attribute(rule), DOUBLE, rule)
    accounted(bbp.attribute(network, x, 1, linearization="gated"), DOUBLE, "gated")
    if scale >= 1:  # among values that are all but alike, which is the largest is a matter of rounding
        assert_near(local.w, autograd(network, x, lambda out: out[:, 1]), DOUBLE, "w", FLOOR)
        apart(network, x, 1)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_step_of_each_kind(kind: str) -> None:
    for seed in range(3):
        check([kind, "convolution", kind], seed, bbp.rules.names())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(MAKERS)), min_size=2, max_size=9), st.integers(0, 2**20),
    st.sampled_from(bbp.rules.names()), st.sampled_from([0.0, 1e-3, 1.0, 1.0, 30.0]),
)  # fmt: skip
def test_any_composition_adds_up(kinds: list[str], seed: int, rule: str, scale: float) -> None:
    check(kinds, seed, (rule,), scale)
