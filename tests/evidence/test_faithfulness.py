"""Deletion, insertion, digit switch, infidelity and randomization on cases done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

import bbp_widgets as bbp
from bbp_widgets import evidence
from bbp_widgets.evidence.masking import order_of

from .toys import OnePixel, fixed, small

CLOSE = 1e-6

PICTURES = torch.ones(3, 2, 2, 2)  # one pixel holds 2, its channels together
TARGET = torch.ones(3, dtype=torch.long)
RIGHT = torch.tensor([[0.0, 0.0], [9.0, 0.0]])  # the pixel that the network reads
WRONG = torch.tensor([[3.0, 2.0], [0.0, 1.0]])  # puts it last


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_deletion_of_the_only_pixel_that_is_read() -> None:
    curves = evidence.deletion(
        OnePixel(1, 0),
        PICTURES,
        TARGET,
        {"right": fixed(RIGHT), "wrong": fixed(WRONG)},
        steps=4,
        progress=False,
    )
    assert curves.fractions.tolist() == [0, 0.25, 0.5, 0.75, 1]
    there, gone = sigmoid(20), 0.5
    torch.testing.assert_close(curves.values["right"][0], torch.tensor([there, gone, gone, gone, gone]))
    torch.testing.assert_close(curves.values["wrong"][2], torch.tensor([there, there, there, there, gone]))
    # trapezoids of a quarter each: of the right one only the first is above one half
    assert curves.areas.means["right"] == pytest.approx(0.25 * ((there + gone) / 2 + 3 * gone), abs=CLOSE)
    assert curves.areas.means["wrong"] == pytest.approx(0.25 * (3 * there + (there + gone) / 2), abs=CLOSE)
    assert curves.areas.ranked() == ["right", "wrong"]


def test_insertion_is_the_other_way_round() -> None:
    curves = evidence.insertion(
        OnePixel(1, 0), PICTURES, TARGET, {"right": fixed(RIGHT), "wrong": fixed(WRONG)},
        steps=4, score="logit", baseline=-1.0, progress=False,
    )  # fmt: skip
    assert curves.values["right"][0].tolist() == [-20, 20, 20, 20, 20]
    assert curves.values["wrong"][0].tolist() == [-20, -20, -20, -20, 20]
    assert curves.areas.ranked() == ["right", "wrong"]


def test_batches_change_nothing() -> None:
    named = evidence.methods(["uniform"])
    x = torch.randn(7, 3, generator=torch.Generator().manual_seed(1))
    target = torch.arange(7) % 3
    one, other = (
        evidence.deletion(small(), x, target, named, batch_size=size, progress=False) for size in (7, 2)
    )
    for name in set(named) - {"random"}:
        torch.testing.assert_close(one.values[name], other.values[name])


def test_ties_stand_in_a_seeded_order() -> None:
    flat = torch.zeros(2, 1, 4, 4)
    assert torch.equal(order_of(flat, 0), order_of(flat, 0))
    assert not torch.equal(order_of(flat, 0), order_of(flat, 1))
    assert order_of(flat, 0).sort(1).values.tolist() == [list(range(16))] * 2
    ranked = order_of(torch.tensor([[1.0, 5.0, 3.0]]))
    assert ranked.tolist() == [[1, 2, 0]]


def test_log_odds_by_hand() -> None:
    network = nn.Linear(5, 2)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[3.0, 0.0, 2.0, 0.0, 1.0], [0.0, 4.0, 0.0, 0.0, 2.0]]))
        network.bias.copy_(torch.tensor([0.0, 1.0]))
    x = torch.tensor([[1.0, 1.0, 2.0, 1.0, 1.0]])
    # for class 0 rather than 1 the features speak 3, −4, 4, 0, −1; log-odds 8 − 7
    exact = {"w·x": evidence.methods()["w·x"]}
    for fraction, fall in [(0.2, 4.0), (0.4, 7.0), (1.0, 7.0)]:  # what speaks against is never masked
        scores = evidence.digit_switch(network, x, exact, goal=1, fraction=fraction, progress=False)
        assert scores.values["w·x"].tolist() == pytest.approx([fall])
    # from 1 to 0: only −(−4) and −(−1) are above zero
    back = evidence.digit_switch(
        network, x, exact, source=torch.tensor([1]), goal=torch.tensor([0]), fraction=1.0, progress=False
    )
    assert back.values["w·x"].tolist() == pytest.approx([5.0])


def test_the_goal_is_the_runner_up_unless_it_is_named() -> None:
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(3))
    network = small()
    answers = network(x).argsort(1, descending=True)
    named = {"w·x": evidence.methods()["w·x"]}
    chosen = evidence.digit_switch(network, x, named, progress=False)
    given = evidence.digit_switch(network, x, named, source=answers[:, 0], goal=answers[:, 1], progress=False)
    assert torch.equal(chosen.values["w·x"], given.values["w·x"])
    with pytest.raises(bbp.errors.BadInput, match="same class"):
        evidence.digit_switch(network, x, named, source=answers[:, 0], goal=answers[:, 0], progress=False)


def test_infidelity_of_a_linear_model_is_zero_for_what_foretells_it() -> None:
    pytest.importorskip("captum")
    network = nn.Sequential(nn.Flatten(), nn.Linear(32, 2)).eval()
    x = torch.randn(4, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    named = {"w·x": evidence.methods()["w·x"], "random": evidence.methods()["random"]}
    scores = evidence.infidelity(network, x, torch.tensor([0, 1, 0, 1]), named, patch=2, progress=False)
    assert scores.values["w·x"].abs().max() < CLOSE
    assert scores.values["random"].min() > 1e-3
    again = evidence.infidelity(network, x, torch.tensor([0, 1, 0, 1]), named, patch=2, progress=False)
    assert torch.equal(scores.values["random"], again.values["random"])


def test_rank_correlation_is_scipys_also_with_ties() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(6, 30)), rng.integers(0, 4, (6, 30)).astype(float)
    found = evidence.rank_correlation(torch.from_numpy(a), torch.from_numpy(b))
    expected = [stats.spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)]
    assert found.tolist() == pytest.approx(expected)


def test_a_flat_attribution_has_no_rank_correlation() -> None:
    assert evidence.rank_correlation(torch.zeros(1, 4), torch.tensor([[1.0, 2.0, 3.0, 4.0]])).isnan().all()


def test_randomization_goes_from_the_top_and_finds_what_ignores_the_network() -> None:
    network = small()
    before = [p.clone() for p in network.parameters()]
    x = torch.randn(8, 3, generator=torch.Generator().manual_seed(6))
    named = {"ignores": fixed(torch.tensor([1.0, 2.0, 3.0])), "w·x": evidence.methods()["w·x"]}
    target = torch.arange(8) % 3
    result = evidence.randomization(network, x, target, named, progress=False)
    assert result.layers == ("2", "0")
    assert result.values["ignores"].eq(1).all()
    assert result.last.means["w·x"] < 0.9
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    again = evidence.randomization(network, x, target, named, progress=False)
    assert torch.equal(result.values["w·x"], again.values["w·x"])


def test_shuffling_keeps_what_a_layer_holds_and_resetting_does_not() -> None:
    seen: list[list[float]] = []

    def spy(network: nn.Module, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        seen.append(sorted(network.get_submodule("2").weight.flatten().tolist()))
        return x

    x = torch.randn(2, 3)
    for how, same in (("shuffle", True), ("reset", False)):
        seen.clear()
        evidence.randomization(
            small(), x, torch.tensor([0, 1]), {"spy": spy}, how=how, layers=("2",), progress=False
        )
        assert (seen[0] == seen[1]) is same


def test_a_norms_channels_move_with_their_statistics() -> None:
    norm = nn.BatchNorm1d(4)
    with torch.no_grad():
        for k, tensor in enumerate((norm.weight, norm.bias, norm.running_mean, norm.running_var)):
            tensor.copy_(torch.arange(4.0) + 10 * k)
    kept: list[nn.Module] = []

    def spy(network: nn.Module, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        kept.append(network.get_submodule("0"))
        return x

    network = nn.Sequential(norm, nn.Linear(4, 2)).eval()
    evidence.randomization(
        network, torch.randn(2, 4), torch.tensor([0, 1]), {"spy": spy}, seed=1, progress=False
    )
    ruined = kept[-1]
    assert ruined.bias.tolist() == [w + 10 for w in ruined.weight.tolist()]
    assert ruined.running_var.tolist() == [w + 30 for w in ruined.weight.tolist()]
    assert ruined.weight.tolist() != [0, 1, 2, 3]


def test_scores_by_hand() -> None:
    scores = evidence.Scores(
        "points", "higher", {"a": torch.tensor([1.0, 3.0]), "b": torch.tensor([2.0, math.nan])}
    )
    assert scores.means == {"a": 2.0, "b": 2.0}
    assert scores.against("a").values["b"][0] == 1.0
    assert "points; higher is better" in str(scores)
    assert "&lt;" in evidence.Scores("<b>", "lower", scores.values)._repr_html_()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: evidence.deletion(small(), torch.randn(2, 3), torch.tensor([0]), {}, progress=False),
            "2 inputs",
        ),
        (
            lambda: evidence.deletion(
                small(), torch.randn(1, 3), torch.tensor([0]), {}, score="best", progress=False
            ),
            "probability, logit",
        ),
        (
            lambda: evidence.randomization(
                small(), torch.randn(1, 3), torch.tensor([0]), {}, how="burn", progress=False
            ),
            "shuffle",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(call: object, said: str) -> None:
    with pytest.raises(bbp.errors.BadInput, match=said):
        call()  # type: ignore[operator]


def test_quantus_flips_pixels_the_same_way() -> None:
    quantus = pytest.importorskip("quantus")
    demo = bbp.demo.digits()
    x, target = demo.inputs, demo.labels
    method = evidence.methods()["w·x"]
    attribution = method(demo.network, x, target).detach()
    theirs = quantus.PixelFlipping(
        features_in_step=4, perturb_baseline=0.0, return_auc_per_sample=False, disable_warnings=True,
        abs=False, normalise=False,
    )(demo.network, x.numpy(), target.numpy(), a_batch=attribution.numpy(), softmax=True)  # fmt: skip
    ours = evidence.deletion(
        demo.network, x, target, {"w·x": fixed_rows(attribution)}, steps=16, progress=False
    )
    np.testing.assert_allclose(np.asarray(theirs), ours.values["w·x"][:, 1:].numpy(), atol=1e-4)


def fixed_rows(attribution: torch.Tensor) -> object:
    return lambda network, x, target: attribution
