"""What cannot be explained is refused by name, with the way on, before or at the place where it goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from engine.nets import randomized
from torch import Tensor, nn
from torch.nn import functional as F

import bbp_widgets as bbp
from bbp_widgets.engine import BadInput, BadTarget, NotCaptured, UnknownRule, UnsupportedOp


class Run(nn.Module):
    """A layer, and what is done with its output."""

    def __init__(self, run: Callable[[Any, Tensor], Any]) -> None:
        super().__init__()
        self.layer, self.run = nn.Linear(3, 4), run
        self.register_buffer("cache", torch.zeros(2, 4))
        randomized(self)

    def forward(self, *inputs: Tensor) -> Any:
        return self.run(self, *inputs)


def plain(run: Any = lambda net, x: net.layer(x)) -> nn.Module:
    return Run(run)


def rows(samples: int = 2) -> Tensor:
    return torch.randn(samples, 3, generator=torch.Generator().manual_seed(1))


def broken(value: float) -> Tensor:
    x = rows()
    x[1, 2] = value
    return x


def nan_weight() -> nn.Module:
    network = plain()
    with torch.no_grad():
        network.layer.weight[1, 1] = torch.nan
    return network


def refuses(kind: type[Exception], words: list[str], call: Callable[[], Any]) -> None:
    with pytest.raises(kind) as caught:
        call()
    for word in words:
        assert word in str(caught.value), str(caught.value)


INPUTS: dict[str, tuple[Any, Any, type[Exception], list[str]]] = {
    "nan": (plain, broken(torch.nan), BadInput, ["inputs", "nan at (1, 2)", "1 of 6 elements", "nan_to_num"]),
    "infinite": (plain, broken(-torch.inf), BadInput, ["-inf at (1, 2)"]),
    "whole_numbers": (plain, rows().long(), BadInput, ["torch.int64", ".float()", "wrt="]),
    "truths": (plain, rows() > 0, BadInput, ["torch.bool"]),
    "complex": (plain, rows().to(torch.complex64), BadInput, ["complex64", "real"]),
    "sparse": (plain, rows().to_sparse(), BadInput, ["sparse", "to_dense"]),
    "array": (plain, rows().numpy(), BadInput, ["ndarray", "torch.as_tensor"]),
    "list": (plain, [rows()], BadInput, ["list", "tuple"]),
    "nothing": (plain, (), BadInput, ["empty tuple"]),
    "none": (plain, None, BadInput, ["NoneType"]),
    "no_samples": (plain, rows()[:0], BadInput, ["samples", "(0, 3)"]),
    "a_number": (plain, torch.tensor(1.0), BadInput, ["samples", "()"]),
    "unequal": (lambda: plain(lambda net, a, b: net.layer(a + b)), (rows(2), rows(3)), BadInput,
                ["inputs[1]", "2 samples", "(3, 3)"]),
    "second_is_nan": (lambda: plain(lambda net, a, b: net.layer(a + b)), (rows(), broken(torch.nan)), BadInput,
                      ["inputs[1]", "nan"]),
    "shape": (plain, rows()[:, :2], NotCaptured, ["(2, 2)", 'module "layer"', "Check that network(inputs) works"]),
    "too_many": (plain, (rows(), rows()), NotCaptured, ["(2, 3), (2, 3)", "arguments"]),
    "too_few": (lambda: plain(lambda net, a, b: net.layer(a + b)), rows(), NotCaptured, ["argument"]),
    "other_precision": (plain, rows().double(), NotCaptured, ["torch.float64", "torch.float32", "dtype=torch.float64"]),
    "meta": (plain, rows().to("meta"), BadInput, ["meta", "cpu"]),
    "no_network": (lambda: F.relu, rows(), BadInput, ["torch.nn.Module", "function"]),
    "a_class": (lambda: nn.Linear, rows(), BadInput, ["torch.nn.Module", "type"]),
    "lazy": (lambda: nn.LazyLinear(3), rows(), BadInput, ["sizes are not known", "Call network(inputs) once"]),
}  # fmt: skip


@pytest.mark.parametrize("call", [bbp.linearize, bbp.attribute, bbp.decompose])
@pytest.mark.parametrize("name", INPUTS)
def test_an_input_that_cannot_be_explained(name: str, call: Callable[..., Any]) -> None:
    build, inputs, kind, words = INPUTS[name]
    if call is bbp.decompose and kind is NotCaptured:
        words = []  # the network's own words; where it was, only the tape knows
    refuses(kind, words, lambda: call(build(), inputs))


TARGETS: dict[str, tuple[Any, list[str]]] = {
    "too_large": (4, ["4", "out of range", "0 to 3"]),
    "too_small": (-5, ["-5", "out of range"]),
    "one_of_them": ([0, 7], ["7", "out of range"]),
    "too_few": ([0], ["(1,)", "2 samples"]),
    "too_many": (torch.tensor([0, 1, 2]), ["(3,)", "2 samples"]),
    "table": (torch.zeros(2, 2, dtype=torch.long), ["(2, 2)", "2 samples"]),
    "triple": ((0, 1, 2), ["pair"]),
    "twice_the_same": ((1, 1), ["two different outputs"]),
    "fraction": (1.5, ["whole numbers", "1.5"]),
    "truth": (True, ["whole numbers"]),
    "name": ("cat", ["'cat'", "Wanted"]),
    "nothing": ([], ["whole numbers", "[]"]),
    "too_large_of_a_pair": ((0, 9), ["9", "out of range"]),
    "callable_of_a_table": (lambda out: out, ["(2,)", "(2, 4)"]),
    "callable_of_one_number": (lambda out: out.sum(), ["(2,)", "()"]),
    "callable_of_none": (lambda out: None, ["NoneType"]),
    "callable_of_a_constant": (lambda out: torch.zeros(2), ["does not depend"]),
    "callable_that_mixes": (lambda out: out[:, 0] - out[:, 0].mean(), ["mixes samples"]),
    "callable_that_mixes_later_ones": (
        lambda out: out[:, 0] * torch.tensor([0.0, 1.0]) + out[0, 0],
        ["mixes samples"],
    ),
    "callable_without_derivative": (lambda out: (out - out).sum(1).sqrt(), ["no finite derivative"]),
    "callable_of_infinity": (lambda out: out[:, 0] / 0, ["no finite derivative"]),
    "callable_of_nan": (lambda out: out[:, 0] + torch.nan, ["sample 0", "nan"]),
}


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_that_is_none(name: str) -> None:
    target, words = TARGETS[name]
    refuses(BadTarget, words, lambda: bbp.linearize(plain(), rows(), target))


OUTPUTS: dict[str, tuple[Any, Any, list[str]]] = {
    "constant": (lambda net, x: net.layer(torch.ones_like(x)), None, ["no live path"]),
    "detached": (lambda net, x: net.layer(x).detach(), None, ["no live path"]),
    "whole_number": (lambda net, x: net.layer(x).argmax(1), None, ["no live path"]),
    "sign": (lambda net, x: net.layer(x).sign(), None, ["no live path"]),
    "tuple": (lambda net, x: (net.layer(x), x), None, ["tuple", "callable"]),
    "dict": (lambda net, x: {"logits": net.layer(x)}, 1, ["dict", 'out["logits"]']),
    "none": (lambda net, x: None, None, ["NoneType"]),
    "table": (lambda net, x: net.layer(x)[:, :, None], 1, ["(2, K)", "(2, 4, 1)"]),
    "one_number": (lambda net, x: net.layer(x).sum(), None, ["(2, K)", "()"]),
    "turned": (lambda net, x: net.layer(x).t(), None, ["(2, K)", "(4, 2)"]),
    "no_classes": (lambda net, x: net.layer(x)[:, :0], None, ["(2, K)", "(2, 0)"]),
    "nan": (lambda net, x: net.layer(x) * torch.tensor([1.0, 1.0, torch.nan, 1.0]), 2, ["sample 0", "nan"]),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_without_a_target(name: str) -> None:
    run, target, words = OUTPUTS[name]
    refuses(BadTarget, words, lambda: bbp.linearize(plain(run), rows(), target))


def test_samples_along_another_axis_of_a_square_output() -> None:
    network = plain(lambda net, x: net.layer(x)[:, :2].t())
    refuses(BadTarget, ["first axis", "(2, 2)"], lambda: bbp.linearize(network, rows(), 1))
    local = bbp.linearize(network, rows(), lambda out: out[1])
    assert torch.equal(local.w, bbp.linearize(plain(), rows(), 1).w)


def test_another_class_may_be_infinite() -> None:
    network = plain(lambda net, x: net.layer(x) + torch.tensor([0.0, -torch.inf, 0.0, 0.0]))
    result = bbp.attribute(network, rows(), 2)
    assert torch.equal(result.bias, bbp.attribute(plain(), rows(), 2).bias)
    assert result.residual.abs().max() < 1e-5
    assert all(torch.isfinite(step.residual).all() for step in result.ledger)


def test_a_weight_that_is_no_number() -> None:
    refuses(BadTarget, ["nan", "NaN or infinite weight"], lambda: bbp.linearize(nan_weight(), rows(), 1))
    refuses(UnsupportedOp, ['module "layer"', "no finite"], lambda: bbp.linearize(nan_weight(), rows(), 0))


def test_a_target_that_is_no_number_names_where_it_began() -> None:
    network = nn.Sequential(plain(), nn.Linear(4, 3), nn.ReLU(), nan_weight(), nn.Linear(4, 4)).eval()
    words = ["sample 0", 'node "addmm_2" in module "3.layer"', "test_bad_input.py"]
    refuses(BadTarget, words, lambda: bbp.linearize(network, rows(), 1))


def test_a_target_that_overflows_can_still_be_looked_at() -> None:
    result = bbp.attribute(plain(lambda net, x: net.layer(x) * 1e30 + 3e38 * 2), rows(), 0)
    assert torch.equal(result.value, torch.full((2,), torch.inf))
    assert torch.isfinite(result.local.w).all()


PLACES: dict[str, tuple[Any, type[Exception], list[str]]] = {
    "op": (lambda net, x: torch.special.i0(net.layer(x)), UnsupportedOp,
           ["aten.special_i0|aten.i0", "test_bad_input.py", "linearizes", "wrt="]),
    "no_derivative": (lambda net, x: net.layer(x) / (net.layer(x) * 0 + 1e-25), UnsupportedOp,
                      ["div", "no finite derivative"]),
    "infinite_derivative": (lambda net, x: net.layer(x) / 0, UnsupportedOp, ["div", "no finite derivative"]),
    "batch_statistics": (lambda net, x: F.batch_norm(net.layer(x), None, None, training=True), UnsupportedOp,
                         ["batch_norm", "mix"]),
    "samples_mixed": (lambda net, x: net.layer(x) - net.layer(x).mean(0), UnsupportedOp, ["samples", "batch_size=1"]),
    "samples_gathered": (lambda net, x: net.layer(x).gather(0, torch.tensor([[0, 0, 1, 0], [1, 0, 0, 1]])),
                         UnsupportedOp, ["samples", "batch_size=1"]),
    "buffer": (lambda net, x: net.cache.copy_(net.layer(x)) * 1, NotCaptured, ["buffer", "test_bad_input.py", "wrt="]),
    "own_error": (lambda net, x: net.layer(x) / (1 // 0), NotCaptured, ["ZeroDivisionError", "test_bad_input.py"]),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_a_place_in_the_network_that_cannot_be_followed(name: str) -> None:
    run, kind, words = PLACES[name]
    with pytest.raises(kind) as caught:
        bbp.linearize(plain(run), rows(), 1)
    for word in words:
        assert re.search(word, str(caught.value)), str(caught.value)


RULES: dict[str, tuple[Any, dict[str, Any], list[str]]] = {
    "rule": ("softmx", {}, ["softmx", '"softmax"', "bbp.rules.Rule"]),
    "parameter": ("softmax", {"temprature": 1}, ["temprature", '"temperature"']),
    "parameter_of_none": ("uniform", {"power": 1}, ["power", "none"]),
    "value": ("softmax", {"temperature": 0}, ["positive", "0"]),
    "text": ("softmax", {"temperature": "warm"}, ["positive", "warm"]),
    "plan": ("uniform", {"plan": {"layer9.*": "uniform"}}, ["layer9.*", "fits no node", '"layer"', "first"]),
    "rule_of_a_plan": ("uniform", {"plan": {"layer": "softmx"}}, ["softmx"]),
    "a_class": (bbp.rules.Rule, {}, ["Rule"]),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_is_none(name: str) -> None:
    rule, parameters, words = RULES[name]
    refuses(UnknownRule, words, lambda: bbp.attribute(plain(), rows(), 1, rule, **parameters))


def test_a_linearization_that_is_none() -> None:
    refuses(
        BadInput,
        ["tangent", "gated", "secant"],
        lambda: bbp.linearize(plain(), rows(), linearization="secant"),
    )


def test_decompose_wants_one_tensor() -> None:
    refuses(NotCaptured, ["dict", "one tensor"], lambda: bbp.decompose(plain(OUTPUTS["dict"][0]), rows()))
    parts = bbp.decompose(plain(OUTPUTS["constant"][0]), rows())
    assert torch.equal(parts.bias, parts.output)
