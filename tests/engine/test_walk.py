"""Whole walks: every cut adds up, w is autograd's, and samples are apart."""

from __future__ import annotations

import threading

import pytest
import torch
from engine.nets import NETWORKS, randomized
from torch import Tensor, nn
from torch.nn import functional as F

import bbp_widgets as bbp

#: |residual| of any cut, of the largest of |target|, |w·x| and |b|: float32 rounding over some dozen layers.
SINGLE = 1e-5
DOUBLE = 1e-10
RULES = [bbp.rules.uniform(), bbp.rules.proportional(), bbp.rules.proportional(2.0), bbp.rules.softmax(),
         bbp.rules.softmax(0.1), bbp.rules.softmax(1.0, relative=False)]  # fmt: skip


def largest_term(result: bbp.Attribution) -> Tensor:
    b = result.local.b.double()
    value = result.value.double()
    return torch.stack([value.abs(), (value - b).abs(), b.abs()]).amax(0)


def check(result: bbp.Attribution, tolerance: float) -> None:
    scale = largest_term(result)
    for step in result.ledger:
        assert (step.residual.abs() <= tolerance * scale).all(), step
    assert (result.residual.double().abs() <= tolerance * scale).all()
    assert torch.isfinite(result.bias).all()


def example(name: str, samples: int = 3) -> tuple[nn.Module, Tensor]:
    build, shape = NETWORKS[name]
    torch.manual_seed(0)
    return randomized(build()), torch.randn(samples, *shape, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_cut_adds_up_to_the_target(name: str, rule: bbp.rules.Rule) -> None:
    network, x = example(name)
    check(bbp.attribute(network, x, rule=rule), SINGLE)
    check(bbp.attribute(network, x, rule=rule, dtype=torch.float64), DOUBLE)


@pytest.mark.parametrize("name", NETWORKS)
def test_w_is_autograds_and_b_is_the_rest(name: str) -> None:
    network, x = example(name)
    traced = x.clone().requires_grad_()
    value = network(traced)[:, 1]
    (gradient,) = torch.autograd.grad(value.sum(), traced)
    local = bbp.linearize(network, x, target=1)
    torch.testing.assert_close(local.w, gradient, rtol=1e-4, atol=1e-5 * float(gradient.abs().max()))
    rebuilt = (local.w * x).flatten(1).sum(1) + local.b
    torch.testing.assert_close(rebuilt, value.detach(), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rule", ["uniform", "proportional", "softmax"])
def test_samples_do_not_meet(name: str, rule: str) -> None:
    network, x = example(name)
    together = bbp.attribute(network, x, target=[0, 2, 1], rule=rule, dtype=torch.float64)
    for i, target in enumerate([0, 2, 1]):
        alone = bbp.attribute(network, x[i : i + 1], target=target, rule=rule, dtype=torch.float64)
        scale = float(alone.bias.abs().max())
        # softmax picks its sum of powers by the largest strength in the batch: the same shares to 1e-4
        torch.testing.assert_close(together.bias[i], alone.bias[0], rtol=1e-4, atol=1e-4 * scale)
        for a, b in zip(together.ledger, alone.ledger, strict=True):
            torch.testing.assert_close(a.cut_bias[i], b.cut_bias[0], rtol=1e-6, atol=1e-9)
            torch.testing.assert_close(a.intercept[i], b.intercept[0], rtol=1e-6, atol=1e-9)


def test_the_parts_of_the_ledger_join() -> None:
    network, x = example("residual")
    result = bbp.attribute(network, x)
    for before, step in zip(result.ledger, result.ledger[1:], strict=False):
        torch.testing.assert_close(step.cut_bias, before.cut_bias + step.intercept - step.unshared)
    last = result.ledger[-1]
    torch.testing.assert_close(last.cut_bias.float(), result.bias.flatten(1).sum(1), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        last.cut_gradient.float(), result.gradient.flatten(1).sum(1), rtol=1e-4, atol=1e-4
    )
    torch.testing.assert_close(result.total, result.gradient + result.bias)


def test_steps_say_how_long_they_took() -> None:
    network, x = example("residual")
    result = bbp.attribute(network, x, target=lambda out: out.log_softmax(1)[:, 1])
    assert result.ledger[0].seconds == 0
    assert all(0 < step.seconds < 10 for step in result.ledger[1:])
    parts = bbp.attribute(network, x, batch_size=1)
    assert all(0 < step.seconds < 10 for step in parts.ledger)


def test_at_gives_what_a_module_holds() -> None:
    network, x = example("residual")
    result = bbp.attribute(network, x, target=2)
    place = result.at("head")
    torch.testing.assert_close(place.value, network(x).detach())
    assert torch.equal(place.grad, F.one_hot(torch.tensor([2, 2, 2]), 5).float())
    torch.testing.assert_close(place.mass, place.grad * network.head.bias.detach())
    assert result.at("input").mass.equal(result.bias)
    assert result.at("relu#1").value.shape == (3, 4, 8, 8)
    assert result.at("relu").value.equal(result.at("relu#3").value)
    assert result.at("bn1").mass.shape == (3, 6, 4, 4)
    with pytest.raises(KeyError, match=r"no node or module \"layer9\".*\"conv1\""):
        result.at("layer9")


def test_zero_padding_is_no_input() -> None:
    """The mass of a shortcut that pads channels goes to the real channels; nothing waits in the padding."""
    network, x = example("residual")
    result = bbp.attribute(network, x, rule="uniform")
    padding = result.at("constant_pad_nd")
    assert padding.mass[:, [0, 5]].abs().max() == 0
    assert padding.mass[:, 1:5].abs().max() > 0
    assert result.unshared.abs().max() == 0


def test_a_target_that_no_input_reaches_is_unshared() -> None:
    class Half(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x.sum(1, keepdim=True), torch.full((len(x), 1), 3.0)], 1)

    result = bbp.attribute(Half().eval(), torch.tensor([[1.0, 1.0], [1.0, 0.5]]))
    assert result.value.tolist() == [3.0, 3.0]
    assert result.unshared.tolist() == [3.0, 3.0]
    assert result.ledger[0].unshared.tolist() == [3.0, 3.0]
    assert result.residual.tolist() == [0.0, 0.0]
    assert result.bias.abs().max() == 0


def test_targets_of_every_kind() -> None:
    network, x = example("residual")
    output = network(x).detach()
    best = bbp.attribute(network, x)
    assert torch.equal(best.local.target, output.argmax(1))
    assert torch.equal(best.value, output.amax(1))
    assert torch.equal(bbp.linearize(network, x, target=-1).value, output[:, 4])
    assert torch.equal(bbp.linearize(network, x, target=torch.tensor([0, 1, 2])).value, output.diagonal())
    pair = bbp.linearize(network, x, target=(3, 1))
    torch.testing.assert_close(pair.value, output[:, 3] - output[:, 1])
    log_odds = bbp.attribute(network, x, target=lambda out: out.log_softmax(1)[:, 3])
    torch.testing.assert_close(log_odds.value, output.log_softmax(1)[:, 3])
    check(log_odds, SINGLE)
    first = log_odds.ledger[0]
    assert first.node == "target"
    torch.testing.assert_close(first.intercept, log_odds.at("target").mass.double())
    assert first.intercept.abs().min() > 0
    assert best.ledger[0].node != "target"
    scalar = bbp.attribute(nn.Sequential(network, nn.Flatten(0)).eval(), x[:1], target=lambda out: out[3:4])
    torch.testing.assert_close(scalar.value, output[:1, 3])


def test_a_network_in_training_mode_is_explained_in_eval_mode_and_told() -> None:
    network, x = example("residual")
    expected = bbp.attribute(network, x)
    network.train()
    with pytest.warns(UserWarning, match="training mode"):
        result = bbp.attribute(network, x)
    assert torch.equal(result.bias, expected.bias)
    assert network.training


def test_threads_do_not_see_one_another() -> None:
    network, x = example("residual")
    expected = bbp.attribute(network, x).bias
    wrong: list[object] = []

    def work() -> None:
        for _ in range(5):
            result = bbp.attribute(network, x)
            if not torch.equal(result.bias, expected) or result.local.nodes[0].module != "stem":
                wrong.append(result)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        network(x)
    for thread in threads:
        thread.join()
    assert not wrong


def test_progress_counts_and_may_cancel() -> None:
    network, x = example("residual")
    seen: list[tuple[int, int]] = []
    local = bbp.linearize(network, x, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == list(range(len(local.nodes)))

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise bbp.errors.Cancelled("enough")

    with pytest.raises(bbp.errors.Cancelled):
        local.attribute(progress=stop)


def test_decompose_splits_every_output() -> None:
    network, x = example("residual")
    parts = bbp.decompose(network, x)
    torch.testing.assert_close(parts.output, network(x).detach())
    for k in range(5):
        local = bbp.linearize(network, x, target=k)
        torch.testing.assert_close(parts.bias[:, k], local.b, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(parts.gradient[:, k], local.value - local.b, rtol=1e-4, atol=1e-4)
