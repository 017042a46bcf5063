"""Batches in parts, precisions, devices and memory formats: the same numbers whichever way they are asked for."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
import torch
from engine.exact import DOUBLE, SINGLE, TOLERANCE, accounted, apart, assert_near, autograd
from engine.nets import NETWORKS, randomized
from torch import Tensor, nn

import bbp_widgets as bbp
from bbp_widgets.engine import BadInput, BadTarget, NotCaptured, mixing

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")),
]
#: Half precision is rounded to 3 digits, but nothing is computed in it: what is left is single precision.
HALF = [torch.float16, torch.bfloat16]


def example(name: str, samples: int = 3) -> tuple[nn.Module, Tensor]:
    build, shape = NETWORKS[name]
    torch.manual_seed(0)
    return randomized(build()), torch.randn(samples, *shape, generator=torch.Generator().manual_seed(5))


TARGETS: dict[str, Any] = {
    "largest": None,
    "one": 1,
    "each": [2, 0, 1],
    "tensor": torch.tensor([2, 0, 1]),
    "number": torch.tensor(2),
    "pair": (2, 0),
    "callable": lambda out: out.log_softmax(1)[:, 1],
}


def attention() -> nn.Module:
    """Products of two live values, sample by sample, beside layers that all samples share."""
    torch.manual_seed(0)
    block = nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=12, batch_first=True)
    return randomized(nn.Sequential(block, nn.Flatten(), nn.Linear(48, 3)))


@pytest.mark.parametrize("rule", bbp.rules.names())
@pytest.mark.parametrize("name", [*NETWORKS, "attention"])
def test_layers_go_through_a_batch_in_parts(name: str, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "attention":
        network, x = attention(), torch.randn(5, 6, 8, generator=torch.Generator().manual_seed(5))
    else:
        network, x = example(name, 5)
    whole = bbp.attribute(network, x, rule=rule)
    monkeypatch.setattr(mixing, "PART", 0)
    monkeypatch.setattr(mixing, "OF_WEIGHTS", 0)
    parts = bbp.attribute(network, x, rule=rule)  # of one sample each
    assert_near(parts.bias, whole.bias, SINGLE, rule)
    assert float(parts.residual.abs().max()) <= SINGLE * float(parts.bias.abs().sum())


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("target", TARGETS)
def test_parts_give_what_the_whole_gives(target: str, size: int) -> None:
    network, x = example("residual")
    whole = bbp.attribute(network, x, TARGETS[target], dtype=torch.float64)
    parts = bbp.attribute(network, x, TARGETS[target], dtype=torch.float64, batch_size=size)
    for name in ("gradient", "bias", "total", "value", "unshared"):
        torch.testing.assert_close(getattr(parts, name), getattr(whole, name), rtol=DOUBLE, atol=DOUBLE)
    for name in ("w", "b", "value", "inputs", "output"):
        torch.testing.assert_close(
            getattr(parts.local, name), getattr(whole.local, name), rtol=DOUBLE, atol=DOUBLE
        )
    assert str(parts.local.target) == str(whole.local.target)
    assert [node.module for node in parts.local.nodes] == [node.module for node in whole.local.nodes]
    for a, b in zip(parts.ledger, whole.ledger, strict=True):
        assert (a.node, a.module, a.mixes) == (b.node, b.module, b.mixes)
        torch.testing.assert_close(a.cut_bias, b.cut_bias, rtol=DOUBLE, atol=DOUBLE)
        torch.testing.assert_close(a.intercept, b.intercept, rtol=DOUBLE, atol=DOUBLE)
    accounted(parts, DOUBLE)
    assert "3 samples" in repr(parts)


def test_parts_of_several_inputs() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 3), nn.Linear(5, 3)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return self.a(x).relu() * self.b(y)

    network, inputs = randomized(Two()), (torch.randn(5, 4), torch.randn(5, 5))
    whole = bbp.attribute(network, inputs, 1, dtype=torch.float64)
    parts = bbp.attribute(network, inputs, 1, dtype=torch.float64, batch_size=2)
    assert_near(parts.bias, whole.bias, DOUBLE)
    assert_near(parts.total, whole.total, DOUBLE)
    apart(network, inputs, 1)
    both = bbp.decompose(network, inputs)
    assert_near(both.bias[:, 1], whole.local.b, SINGLE)
    assert_near(bbp.decompose(network, inputs, batch_size=2).bias, both.bias, SINGLE)


def test_what_lies_between_is_gone_with_the_parts() -> None:
    network, x = example("residual")
    gc.collect()
    before = sum(type(thing) is bbp.LocalModel for thing in gc.get_objects())
    parts = bbp.attribute(network, x, batch_size=2)
    gc.collect()
    assert sum(type(thing) is bbp.LocalModel for thing in gc.get_objects()) == before
    for call in (lambda: parts.at("conv1"), parts.local.attribute, lambda: parts.local.attribute("uniform")):
        with pytest.raises(NotCaptured, match="without batch_size"):
            call()


def test_parts_that_went_different_ways_have_no_ledger_together() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up, self.down = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.up(x) if x.sum() > 0 else self.down(x).relu()

    network, x = randomized(Branching()), torch.tensor([[1.0, 2.0], [-1.0, -2.0]])
    parts = bbp.attribute(network, x, 1, batch_size=1)
    alone = [autograd(network, x[i : i + 1], lambda out: out[:, 1])[0] for i in range(2)]
    assert_near(parts.local.w, torch.cat(alone), SINGLE)
    assert parts.residual.abs().max() < SINGLE
    with pytest.raises(NotCaptured, match="different ways"):
        _ = parts.ledger


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "2"])
def test_a_bad_size_of_parts_is_refused(size: Any) -> None:
    network, x = example("table")
    for call in (bbp.attribute, bbp.decompose):
        with pytest.raises(BadInput, match="batch_size must be a positive whole number"):
            call(network, x, batch_size=size)


def test_what_is_wrong_with_a_batch_is_said_of_the_batch() -> None:
    network, x = example("table")
    with pytest.raises(BadTarget, match="3 samples"):
        bbp.attribute(network, x, [0, 1], batch_size=2)
    with pytest.raises(BadInput, match="tensor"):
        bbp.attribute(network, x.numpy(), batch_size=2)
    with pytest.raises(BadInput, match="3 samples"):
        bbp.attribute(network, (x, x[:2]), batch_size=2)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_every_output_is_split_in_parts(size: int) -> None:
    network, x = example("signal")
    for part, whole in zip(
        bbp.decompose(network, x, batch_size=size), bbp.decompose(network, x), strict=True
    ):
        assert_near(part, whole, SINGLE)


# -- precision ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("half", HALF, ids=str)
@pytest.mark.parametrize("whose", ["inputs", "network", "both"])
def test_half_precision_is_computed_in_single(half: torch.dtype, whose: str) -> None:
    network, x = example("residual")
    if whose != "network":
        x = x.to(half)
    if whose != "inputs":
        network = network.to(half)
    result = bbp.attribute(network, x)
    parts = bbp.decompose(network, x)
    assert {result.value.dtype, result.bias.dtype, result.local.w.dtype, parts.bias.dtype} == {torch.float32}
    accounted(result, SINGLE)
    assert x.dtype == (half if whose != "network" else torch.float32)
    assert next(network.parameters()).dtype == (half if whose != "inputs" else torch.float32)
    single = bbp.attribute(network.float(), x.float())
    assert torch.equal(result.bias, single.bias)
    assert torch.equal(parts.bias, bbp.decompose(network, x.float()).bias)


@pytest.mark.parametrize("name", NETWORKS)
def test_double_precision_leaves_the_network_in_single(name: str) -> None:
    network, x = example(name)
    result = bbp.attribute(network, x, dtype=torch.float64)
    assert result.bias.dtype == result.value.dtype == torch.float64
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    accounted(result, DOUBLE)
    expected = bbp.attribute(network.double(), x.double())
    assert torch.equal(result.bias, expected.bias)
    lowered = bbp.attribute(network, x.double(), dtype=torch.float32)
    assert lowered.bias.dtype == torch.float32
    assert_near(lowered.bias, expected.bias, SINGLE)


def test_automatic_casts_around_it_change_nothing() -> None:
    network, x = example("residual")
    expected = bbp.attribute(network, x)
    with torch.autocast("cpu", torch.bfloat16):
        local = bbp.linearize(network, x)
        assert torch.equal(local.attribute().bias, expected.bias)
        assert local.attribute().ledger[0].residual.equal(expected.ledger[0].residual)
        assert bbp.decompose(network, x).bias.dtype == torch.float32
    assert torch.equal(local.w, expected.local.w)


@pytest.mark.parametrize("dtype", [torch.float16, torch.int64, "float64", float])
def test_other_precisions_are_refused(dtype: Any) -> None:
    network, x = example("table")
    with pytest.raises(BadInput, match=r"torch\.float32, torch\.float64"):
        bbp.attribute(network, x, dtype=dtype)


# -- memory and devices -------------------------------------------------------------------------------------

FORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "channels_last": lambda x: x.to(memory_format=torch.channels_last),
    "strided": lambda x: torch.stack([x, -x], -1)[..., 0],
    "turned": lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
    "flipped": lambda x: x.flip(0).flip(0),
    "parameter": nn.Parameter,
    "inference": lambda x: torch.inference_mode()(x.clone)(),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_input_in_another_form(form: str) -> None:
    network, x = example("residual")
    expected = bbp.attribute(network, x, 1, dtype=torch.float64)
    result = bbp.attribute(network, FORMS[form](x), 1, dtype=torch.float64)
    assert_near(result.bias, expected.bias, DOUBLE)
    assert_near(result.local.w, expected.local.w, DOUBLE)


def test_one_picture_for_all_samples() -> None:
    network, x = example("residual")
    same = x[:1].expand(3, -1, -1, -1)
    result = bbp.attribute(network, same, [0, 1, 2], dtype=torch.float64)
    accounted(result, DOUBLE)
    alone = bbp.attribute(network, x[:1], 2, dtype=torch.float64)
    assert_near(result.bias[2:], alone.bias, DOUBLE)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_device_gives_what_the_processor_gives(name: str, dtype: torch.dtype, device: str) -> None:
    network, x = example(name)
    expected = bbp.attribute(network, x, 1, dtype=torch.float64)
    network.to(device)
    local = bbp.linearize(network, x.to(device), 1, dtype)
    assert local.w.device.type == device
    for rule in bbp.rules.names():
        accounted(local.attribute(rule), TOLERANCE[dtype], rule)
    assert_near(local.attribute().bias.cpu(), expected.bias, TOLERANCE[dtype])
    assert bbp.decompose(network, x.to(device)).bias.device.type == device


def test_an_input_that_is_elsewhere_is_refused() -> None:
    network, x = example("table")
    for call in (bbp.attribute, bbp.decompose):
        with pytest.raises(BadInput, match="inputs is on meta, the network on cpu"):
            call(network, x.to("meta"))
    with pytest.raises(BadInput, match="inputs is on cpu, the network on meta"):
        bbp.attribute(network.to("meta"), x)
    with pytest.raises(BadInput, match="holds no values"):
        bbp.attribute(network, x.to("meta"))
