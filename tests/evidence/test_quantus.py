"""Metrics of Quantus get what they ask for, and their numbers are those of cases done by hand."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import bbp_widgets as bbp
from bbp_widgets import evidence

from .toys import fixed, small

X = torch.randn(6, 3, generator=torch.Generator().manual_seed(2))
TARGET = torch.arange(6) % 3


class Largest:
    """Looks like a metric of Quantus: gives the largest attribution, and keeps what it was called with."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def __call__(self, **given: Any) -> list[float]:
        given["drawn"] = (random.random(), np.random.rand(), float(torch.rand(())))
        given["training"] = given["model"].training
        self.calls.append(given)
        return [float(row.max()) for row in given["a_batch"]]


def test_a_metric_gets_attributions_and_a_way_to_explain_again() -> None:
    network, metric = small().train(), Largest()
    named = evidence.methods(["uniform"])
    scores = evidence.by_quantus(
        metric, network, X, TARGET, named, better="higher", what="the largest", progress=False, softmax=True
    )
    assert network.training
    assert list(scores.values) == list(named)
    for (name, method), call in zip(named.items(), metric.calls, strict=True):
        expected = method(network, X, TARGET).detach()
        np.testing.assert_array_equal(call["a_batch"], expected.numpy())
        np.testing.assert_array_equal(call["x_batch"], X.numpy())
        assert call["y_batch"].tolist() == TARGET.tolist()
        assert call["softmax"] is True
        assert call["training"] is False
        assert torch.equal(scores.values[name], expected.max(1).values.double())
        # Quantus hands on what it has: fewer samples, numbers of its own kinds, options of its own
        again = call["explain_func"](
            model=network, inputs=2 * X[:2].numpy(), targets=TARGET[:2].numpy(), device="cpu"
        )
        np.testing.assert_array_equal(again, method(network, 2 * X[:2], TARGET[:2]).detach().numpy())
    assert "the largest; higher is better" in str(scores)


def test_methods_meet_the_same_random_numbers_and_nobody_else_notices() -> None:
    metric, network = Largest(), small()  # which is seeded itself
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    named = {"one": fixed(X), "other": fixed(X)}
    evidence.by_quantus(metric, network, X, TARGET, named, better="lower", seed=3, progress=False)
    assert metric.calls[0]["drawn"] == metric.calls[1]["drawn"]
    evidence.by_quantus(metric, network, X, TARGET, named, better="lower", seed=4, progress=False)
    assert metric.calls[2]["drawn"] != metric.calls[0]["drawn"]
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == states


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        (lambda **_: [1.0], "one number a sample, 6 of them"),
        (lambda **_: {"a": [1.0] * 6}, "gave no numbers"),
        (lambda **_: [[1.0, 2.0]] * 6, "one number a sample"),
    ],
)
def test_what_is_no_number_a_sample_is_refused(metric: Any, said: str) -> None:
    with pytest.raises(bbp.errors.BadInput, match=said):
        evidence.by_quantus(metric, small(), X, TARGET, {"one": fixed(X)}, better="lower", progress=False)
    with pytest.raises(bbp.errors.BadInput, match="higher"):
        evidence.by_quantus(metric, small(), X, TARGET, {}, better="best", progress=False)


def test_faithfulness_correlation_of_a_linear_model_is_one_for_what_foretells_it() -> None:
    quantus = pytest.importorskip("quantus")
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2)).eval()
    x = torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    named = {name: evidence.methods()[name] for name in ("w·x", "random")}
    named["the wrong way"] = lambda *given: -named["w·x"](*given)
    metric = quantus.FaithfulnessCorrelation(
        nr_runs=30, subset_size=4, perturb_baseline=0.0, abs=False, normalise=False, return_aggregate=False,
        disable_warnings=True, display_progressbar=False,
    )  # fmt: skip
    scores = evidence.by_quantus(metric, network, x, torch.tensor([0, 1, 0]), named, better="higher")
    assert scores.values["w·x"].tolist() == pytest.approx([1.0] * 3, abs=1e-5)
    assert scores.values["the wrong way"].tolist() == pytest.approx([-1.0] * 3, abs=1e-5)
    assert scores.values["random"].abs().max() < 0.8
    again = evidence.by_quantus(metric, network, x, torch.tensor([0, 1, 0]), named, better="higher")
    assert torch.equal(scores.values["random"], again.values["random"])


def test_what_ignores_its_input_is_not_sensitive_to_it() -> None:
    quantus = pytest.importorskip("quantus")
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2)).eval()
    x = torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    named = {"ignores": fixed(torch.arange(16.0).view(1, 4, 4)), "w·x": evidence.methods()["w·x"]}
    metric = quantus.MaxSensitivity(
        nr_samples=4, lower_bound=0.1, abs=False, normalise=False, disable_warnings=True, display_progressbar=False
    )  # fmt: skip
    scores = evidence.by_quantus(metric, network, x, torch.tensor([0, 1, 0]), named, better="lower")
    assert scores.values["ignores"].tolist() == [0.0] * 3
    assert scores.values["w·x"].min() > 0
