"""Networks of every make but pictures: tables, signals, sequences, attention, recurrence, many inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from engine.exact import DOUBLE, SINGLE, accounted, apart, assert_near, explained
from engine.nets import randomized
from torch import Tensor, nn
from torch.nn import functional as F

import bbp_widgets as bbp


class Net(nn.Module):
    """Modules by name, and the forward that is written beside them."""

    def __init__(self, run: Callable[..., Any], **modules: nn.Module | nn.Parameter) -> None:
        super().__init__()
        self.run = run
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, *inputs: Tensor) -> Any:
        return self.run(self, *inputs)


@dataclass(frozen=True)
class Case:
    """A network, the shapes of its inputs without the samples, and what to explain of its output."""

    build: Callable[[], nn.Module]
    shapes: tuple[tuple[int, ...], ...]
    target: Any = 1
    batched: bool = True  # what is done to a sample does not depend on its place in the batch

    def make(self, samples: int = 2) -> tuple[nn.Module, Any]:
        torch.manual_seed(0)
        network = randomized(self.build())
        generator = torch.Generator().manual_seed(3)
        inputs = tuple(torch.randn(samples, *shape, generator=generator) for shape in self.shapes)
        return network, inputs if len(inputs) > 1 else inputs[0]


def last_row(net: Any, x: Tensor) -> Tensor:
    return net.head(net.body(x)[:, -1])


def flat(*layers: nn.Module) -> Callable[[], nn.Module]:
    """Return layers, and a sum of all that they return with fixed rates."""
    return lambda: nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(3))


def built(case: Callable[[], nn.Module], *shape: int) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        network = case().eval()
        network(torch.randn(2, *shape))
        return network

    return build


def simple(shape: tuple[int, ...], *layers: nn.Module) -> Case:
    return Case(built(flat(*layers), *shape), (shape,))


class RMSNorm(nn.Module):
    """As in language models, written out."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class SqueezeExcite(nn.Module):
    """Channels weighed by what the whole picture says."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.down, self.up = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.silu(self.conv(x))
        gate = torch.sigmoid(self.up(F.relu(self.down(x.mean((2, 3), keepdim=True)))))
        return self.head((x * gate).mean((2, 3)))


class Glu(nn.Module):
    """A residual network of gated linear units, as by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(6) for _ in range(3))
        self.values = nn.ModuleList(nn.Linear(6, 8) for _ in range(3))
        self.gates = nn.ModuleList(nn.Linear(6, 8) for _ in range(3))
        self.outs = nn.ModuleList(nn.Linear(8, 6) for _ in range(3))
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        for norm, value, gate, out in zip(self.norms, self.values, self.gates, self.outs, strict=True):
            y = norm(x)
            x = x + out(value(y) * torch.sigmoid(gate(y)))
        return self.head(x)


class Attention(nn.Module):
    """``nn.MultiheadAttention`` on itself, with or without masks."""

    def __init__(self, batch_first: bool, weights: bool, masks: str = "") -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(8, 2, batch_first=batch_first, bias=True)
        self.batch_first, self.weights, self.masks = batch_first, weights, masks
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        options: dict[str, Any] = {}
        if self.masks == "causal":
            options["attn_mask"] = torch.ones(5, 5, dtype=torch.bool, device=x.device).triu(1)
        elif self.masks == "float":
            options["attn_mask"] = torch.linspace(-1, 1, 25, dtype=x.dtype, device=x.device).view(5, 5)
        elif self.masks == "padding":
            padding = torch.zeros(len(x), 5, dtype=torch.bool, device=x.device)
            padding[:, 3:] = True
            options["key_padding_mask"] = padding
        if not self.batch_first:
            x = x.transpose(0, 1)
        y, weights = self.attend(x, x, x, need_weights=self.weights, **options)
        if self.weights:
            y = y + weights.sum(-1, keepdim=True).reshape(*y.shape[:2], 1) if self.batch_first else y
        return self.head((y if self.batch_first else y.transpose(0, 1)).mean(1))


class Scaled(nn.Module):
    """``F.scaled_dot_product_attention``, called by hand."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.keys = 1 if kind == "grouped" else 2
        self.q, self.kv = nn.Linear(8, 8), nn.Linear(8, 8 * self.keys)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        n, t, _ = x.shape
        q = self.q(x).view(n, t, 2, 4).transpose(1, 2)
        k, v = (y.view(n, t, self.keys, 4).transpose(1, 2) for y in self.kv(x).chunk(2, -1))
        options: dict[str, Any] = {}
        if self.kind == "causal":
            options["is_causal"] = True
        elif self.kind == "bool":
            options["attn_mask"] = torch.ones(t, t, dtype=torch.bool, device=x.device).tril()
        elif self.kind == "float":
            options["attn_mask"] = torch.linspace(-2, 2, t * t, dtype=x.dtype, device=x.device).view(t, t)
        elif self.kind == "forbidden":
            mask = torch.zeros(t, t, dtype=x.dtype, device=x.device)
            options["attn_mask"] = mask.masked_fill(torch.ones(t, t, device=x.device).triu(1) > 0, -torch.inf)
        elif self.kind == "grouped":
            options["enable_gqa"] = True
        elif self.kind == "scaled":
            options["scale"] = 0.3
        return self.head(
            F.scaled_dot_product_attention(q, k, v, **options).transpose(1, 2).flatten(2).mean(1)
        )


def encoder(norm_first: bool, activation: str, batch_first: bool = True) -> nn.Module:
    layer = nn.TransformerEncoderLayer(
        8, 2, 12, dropout=0.1, activation=activation, batch_first=batch_first, norm_first=norm_first
    )
    body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    if batch_first:
        return Net(last_row, body=body, head=nn.Linear(8, 3))
    return Net(lambda net, x: net.head(net.body(x.transpose(0, 1))[-1]), body=body, head=nn.Linear(8, 3))


class Padded(nn.Module):
    """An encoder as it comes, nested tensors and fast path switched on, for sequences of three and five tokens."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
        self.body, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        padding = torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device)
        padding[0, 3:] = True
        return self.head(self.body(x, src_key_padding_mask=padding)[:, 0])


class Unrolled(nn.Module):
    """A recurrent cell, called in a loop."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell, self.head = cell, nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for t in range(x.shape[1]):
            state = self.cell(x[:, t], state)
        return self.head(state[0] if isinstance(state, tuple) else state)


def recurrent(body: nn.Module, width: int) -> Case:
    return Case(
        lambda: Net(lambda net, x: net.head(net.body(x)[0][:, -1]), body=body, head=nn.Linear(width, 3)),
        ((6, 4),),
    )


ACTIVATIONS: dict[str, nn.Module] = {
    "prelu": nn.PReLU(5), "elu": nn.ELU(0.7), "selu": nn.SELU(), "celu": nn.CELU(2.0), "gelu": nn.GELU(),
    "gelu_tanh": nn.GELU("tanh"), "silu": nn.SiLU(), "mish": nn.Mish(), "hardswish": nn.Hardswish(),
    "hardsigmoid": nn.Hardsigmoid(), "hardtanh": nn.Hardtanh(-0.5, 0.8), "softplus": nn.Softplus(2.0, 3.0),
    "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(), "relu6": nn.ReLU6(), "leaky": nn.LeakyReLU(0.2, inplace=True),
    "softsign": nn.Softsign(), "logsigmoid": nn.LogSigmoid(), "softmax": nn.Softmax(1), "glu": nn.GLU(1),
    "tanhshrink": nn.Tanhshrink(),
}  # fmt: skip

NORMS: dict[str, tuple[tuple[int, ...], nn.Module]] = {
    "group": ((4, 5, 5), nn.GroupNorm(2, 4)),
    "layer": ((3, 6), nn.LayerNorm(6)),
    "layer_over_picture": ((3, 4, 4), nn.LayerNorm((3, 4, 4))),
    "layer_plain": ((3, 6), nn.LayerNorm(6, elementwise_affine=False)),
    "instance": ((4, 5, 5), nn.InstanceNorm2d(4, affine=True)),
    "instance_tracked": ((4, 5, 5), nn.InstanceNorm2d(4, affine=True, track_running_stats=True)),
    "rms": ((3, 6), nn.RMSNorm(6)),
    "rms_by_hand": ((3, 6), RMSNorm(6)),
    "batch_1d": ((4, 7), nn.BatchNorm1d(4)),
    "local_response": ((4, 5, 5), nn.LocalResponseNorm(3)),
}

PADS = {
    "zero": nn.ZeroPad2d((1, 2, 0, 1)), "constant": nn.ConstantPad2d((1, 0, 2, 1), 1.5),
    "reflect": nn.ReflectionPad2d((1, 2, 2, 1)), "replicate": nn.ReplicationPad2d((2, 1, 0, 3)),
    "circular": nn.CircularPad2d((1, 2, 2, 1)),
}  # fmt: skip

CASES: dict[str, Case] = {
    "table": Case(
        lambda: nn.Sequential(nn.Linear(7, 9), nn.ReLU(), nn.Linear(9, 9), nn.ReLU(), nn.Linear(9, 3)), ((7,),)
    ),
    "table_without_bias": Case(
        lambda: nn.Sequential(nn.Linear(7, 9, bias=False), nn.ReLU(), nn.Linear(9, 3, bias=False)), ((7,),)
    ),
    "regression": Case(lambda: nn.Sequential(nn.Linear(7, 9), nn.Tanh(), nn.Linear(9, 1), nn.Flatten(0)), ((7,),), 0),
    "signal": simple((3, 24), nn.Conv1d(3, 6, 5, stride=2, padding=2), nn.BatchNorm1d(6), nn.ReLU(), nn.MaxPool1d(2),
                     nn.Conv1d(6, 4, 3, padding="same", dilation=2, groups=2), nn.GELU(), nn.AvgPool1d(2)),
    "same_padding": simple((3, 7, 6), nn.Conv2d(3, 4, (4, 3), padding="same"), nn.ReLU(),
                           nn.Conv2d(4, 2, 2, padding="same", padding_mode="reflect")),
    "circular_convolution": simple((3, 7, 6), nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"), nn.ReLU()),
    "transposed": simple((3, 5, 4), nn.ConvTranspose2d(3, 4, 3), nn.ReLU()),
    "transposed_strided": simple((3, 5, 4), nn.ConvTranspose2d(3, 4, 3, 2, padding=1, output_padding=1), nn.ReLU()),
    "transposed_grouped": simple((4, 5, 4), nn.ConvTranspose2d(4, 6, (3, 2), stride=(2, 1), groups=2), nn.ReLU()),
    "transposed_dilated": simple((2, 5, 4), nn.ConvTranspose2d(2, 3, 2, dilation=(2, 3), bias=False), nn.ReLU()),
    "transposed_signal": simple((2, 6), nn.ConvTranspose1d(2, 3, 4, stride=3, output_padding=2), nn.ReLU()),
    "transposed_volume": simple((2, 3, 2, 3), nn.ConvTranspose3d(2, 2, 2, stride=2), nn.ReLU()),
    "lp_pool": simple((2, 6, 6), nn.Conv2d(2, 3, 1), nn.ReLU(), nn.LPPool2d(2, 3, stride=2)),
    "lp_pool_1d": simple((2, 8), nn.Sigmoid(), nn.LPPool1d(3, 2)),
    "adaptive_pools": simple((2, 7, 5), nn.AdaptiveMaxPool2d((3, 4)), nn.AdaptiveAvgPool2d((2, 3))),
    "squeeze_excite": Case(SqueezeExcite, ((3, 6, 6),)),
    "gated_units": Case(Glu, ((6,),)),
    "einsum": Case(
        lambda: Net(
            lambda net, x: net.head(torch.einsum("nij,njk->nik", torch.einsum("nij,kj->nik", x, net.w), x).flatten(1)),
            w=nn.Parameter(torch.zeros(4, 4)), head=nn.Linear(16, 3),
        ),
        ((4, 4),),
    ),
    "upsampled": simple((2, 4, 4), nn.Conv2d(2, 3, 1), nn.Upsample(scale_factor=2, mode="nearest"), nn.ReLU(),
                        nn.Upsample(size=(5, 6), mode="bilinear")),
    "pixel_shuffle": simple((4, 3, 3), nn.PixelShuffle(2), nn.ReLU(), nn.PixelUnshuffle(3), nn.ChannelShuffle(3)),
    "indexed": Case(
        lambda: Net(
            lambda net, x: net.head(
                torch.cat([x[:, [2, 0, 2]], x.gather(1, torch.tensor([[1, 3]]).expand(len(x), -1)),
                           x.roll(1, 1).masked_fill(torch.tensor([True, False, False, True, False]), 0.5),
                           torch.where(torch.tensor([True, False, True, False, True]), x, -1.0)], 1)
            ),
            head=nn.Linear(15, 3),
        ),
        ((5,),),
    ),
    "two_inputs": Case(
        lambda: Net(lambda net, a, b: net.head(torch.cat([F.relu(net.a(a)), F.relu(net.b(b)) * net.a(a)], 1)),
                    a=nn.Linear(4, 5), b=nn.Linear(3, 5), head=nn.Linear(10, 3)),
        ((4,), (3,)),
    ),
    "three_inputs_one_idle": Case(
        lambda: Net(lambda net, a, b, c: net.head(a - b), head=nn.Linear(4, 3)), ((4,), (4,), (2,))
    ),
    "many_uses": Case(
        lambda: Net(
            lambda net, x: net.head((y := net.first(x)) * y.sigmoid() + y / (1 + y.abs()) - y * x + y + y),
            first=nn.Linear(5, 5), head=nn.Linear(5, 3),
        ),
        ((5,),),
    ),
    "quotient": Case(
        lambda: Net(lambda net, x: net.head(net.a(x) / (1.5 + net.b(x).square())), a=nn.Linear(5, 4), b=nn.Linear(5, 4),
                    head=nn.Linear(4, 3)),
        ((5,),),
    ),
    "tuple_of_outputs": Case(
        lambda: Net(lambda net, x: (net.a(x), [net.b(x.relu())]), a=nn.Linear(5, 4), b=nn.Linear(5, 3)),
        ((5,),), lambda out: out[0][:, 1] * 2 - out[1][0][:, 2],
    ),
    "dict_of_outputs": Case(
        lambda: Net(lambda net, x: {"logits": net.a(x), "extra": {"more": net.b(x.relu())}}, a=nn.Linear(5, 4),
                    b=nn.Linear(5, 3)),
        ((5,),), lambda out: out["logits"].softmax(1)[:, 1] + out["extra"]["more"].logsumexp(1),
    ),
    "recurrent_loop": Case(lambda: Unrolled(nn.RNNCell(4, 5)), ((6, 4),)),
    "lstm_cell": Case(lambda: Unrolled(nn.LSTMCell(4, 5)), ((6, 4),)),
    "gru_cell": Case(lambda: Unrolled(nn.GRUCell(4, 5)), ((6, 4),)),
    "rnn": recurrent(nn.RNN(4, 5, 2, nonlinearity="relu", batch_first=True), 5),
    "lstm": recurrent(nn.LSTM(4, 5, batch_first=True), 5),
    "lstm_both_ways": recurrent(nn.LSTM(4, 5, 2, batch_first=True, bidirectional=True), 10),
    "gru": recurrent(nn.GRU(4, 5, 2, batch_first=True, dropout=0.2), 5),
    "encoder": Case(lambda: encoder(False, "relu"), ((5, 8),)),
    "encoder_padded": Case(Padded, ((5, 8),), batched=False),
    "encoder_norm_first": Case(lambda: encoder(True, "gelu"), ((5, 8),)),
    "encoder_time_first": Case(lambda: encoder(False, "relu", batch_first=False), ((5, 8),)),
    **{f"pad_{mode}": simple((2, 4, 5), pad, nn.Conv2d(2, 3, 2), nn.ReLU()) for mode, pad in PADS.items()},
    **{f"norm_{name}": simple(shape, norm, nn.ReLU(), norm) for name, (shape, norm) in NORMS.items()},
    **{f"activation_{name}": simple((5,), nn.Linear(5, 10 if name == "glu" else 5), layer)
       for name, layer in ACTIVATIONS.items()},
    **{f"attention_{'batch' if first else 'time'}_first{'_weights' * weights}{'_' * bool(masks)}{masks}":
       Case(lambda first=first, weights=weights, masks=masks: Attention(first, weights, masks), ((5, 8),))
       for first in (True, False) for weights in (True, False) for masks in ("", "causal", "float", "padding")},
    **{f"scaled_{kind}": Case(lambda kind=kind: Scaled(kind), ((5, 8),))
       for kind in ("plain", "causal", "bool", "float", "forbidden", "grouped", "scaled")},
}  # fmt: skip


pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")


@pytest.mark.parametrize("name", CASES)
def test_a_network_is_accounted_for_under_every_rule(name: str) -> None:
    network, inputs = CASES[name].make()
    explained(network, inputs, CASES[name].target)
    explained(network, inputs, CASES[name].target, torch.float64, rules=bbp.rules.names())


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.batched])
def test_a_network_keeps_its_samples_apart(name: str) -> None:
    network, inputs = CASES[name].make(samples=3)
    apart(network, inputs, CASES[name].target)


@pytest.mark.parametrize("name", CASES)
def test_a_network_adds_up_with_its_gates_held_fixed(name: str) -> None:
    network, inputs = CASES[name].make()
    result = bbp.attribute(network, inputs, CASES[name].target, dtype=torch.float64, linearization="gated")
    accounted(result, DOUBLE)


SPLIT = [name for name, case in CASES.items() if isinstance(case.target, int) and len(case.shapes) == 1]


@pytest.mark.parametrize("name", SPLIT)
def test_every_output_of_a_network_is_split(name: str) -> None:
    network, x = CASES[name].make()
    parts = bbp.decompose(network, x)
    local = bbp.linearize(network, x, CASES[name].target)
    pick = (lambda table: table[:, 1]) if parts.output.dim() == 2 else (lambda table: table)
    scale = float(torch.stack([parts.output.abs().max(), local.b.abs().max()]).max())
    torch.testing.assert_close(pick(parts.output), local.value, rtol=SINGLE, atol=SINGLE * scale)
    torch.testing.assert_close(pick(parts.bias), local.b, rtol=SINGLE, atol=SINGLE * scale)


def test_an_instance_norm_whose_gradient_lies_channels_last() -> None:
    """Where torch's own backward of the op is wrong: it takes a batch of one for channels last."""

    def by_hand(x: Tensor) -> Tensor:
        return (x - x.mean((2, 3), keepdim=True)) / (
            x.var((2, 3), unbiased=False, keepdim=True) + 1e-5
        ).sqrt()

    def run(norm: Callable[[Tensor], Tensor]) -> nn.Module:
        head = nn.Linear(4, 2)
        return randomized(
            Net(lambda net, x: net.head(norm(x).permute(0, 2, 3, 1).sin()).sum((1, 2)), head=head)
        )

    x = torch.randn(1, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    results = [bbp.attribute(run(norm), x, 1, dtype=torch.float64) for norm in (F.instance_norm, by_hand)]
    accounted(results[0], DOUBLE)
    assert_near(results[0].local.w, results[1].local.w, DOUBLE)


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1.0, 1e3])
@pytest.mark.parametrize(
    "name", ["signal", "squeeze_excite", "encoder", "norm_group", "quotient", "scaled_forbidden"]
)
def test_no_input_makes_a_number_that_is_none(name: str, scale: float) -> None:
    network, inputs = CASES[name].make()
    local = bbp.linearize(network, inputs * scale, CASES[name].target, torch.float64)
    for rule in bbp.rules.names():
        accounted(local.attribute(rule), DOUBLE, rule)


@pytest.mark.parametrize("size", [0.0, 1e-44, 1e-39, 1e-20])
def test_strengths_next_to_nothing_make_no_number_that_is_none(size: float) -> None:
    """Subnormal numbers: one over them is infinite."""
    x = torch.tensor([[1.0, -0.5, 0.0, 2.0]]) * size
    networks = {
        "linear": nn.Linear(4, 3),
        "depthwise": nn.Sequential(nn.Unflatten(1, (2, 2)), nn.Conv1d(2, 2, 2, padding=1, groups=2), nn.Flatten(),
                                   nn.Linear(6, 3)),
        "sum": Net(lambda net, x: net.head(x.flip(1) * 1e-3 + x), head=nn.Linear(4, 3)),
        "mean": Net(lambda net, x: net.head(x[:, None].mean(2) + 5.0), head=nn.Linear(1, 3)),
        "product": Net(lambda net, x: (x[:, None] @ x[:, :, None]).flatten(1) + net.head(x + 1), head=nn.Linear(4, 3)),
    }  # fmt: skip
    for name, network in networks.items():
        local = bbp.linearize(randomized(network), x, 1)
        for rule in bbp.rules.names():
            accounted(local.attribute(rule), SINGLE, (name, rule))
            assert_near(local.attribute(rule).bias.sum(1), local.b, SINGLE, (name, rule))


def test_a_layer_of_zeros_shares_alike() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network[2].bias.fill_(1.5)
        network[2].weight[1, 0] = 0.0
    for rule in bbp.rules.names():
        result = bbp.attribute(network, torch.zeros(1, 4), target=0, rule=rule)
        assert_near(result.bias, torch.full((1, 4), 0.375), DOUBLE, rule)


def test_masked_places_of_a_padded_sequence_get_nothing() -> None:
    network, x = CASES["attention_batch_first_padding"].make()
    result = bbp.attribute(network, x, target=1, rule="uniform", dtype=torch.float64)
    queries = result.at("attend")  # all five places ask, but only three are asked
    assert queries.mass.shape == (2, 5, 8)
    accounted(result, DOUBLE)
