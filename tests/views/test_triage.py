"""What looks wrong: figures of each step, and what counts as an anomaly."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from engine.nets import NETWORKS, Residual, randomized
from torch import Tensor, nn

import bbp_widgets as bbp
from bbp_widgets.views import anomalies, film_of, triage_table

COLUMNS = [
    "step", "node", "module", "op", "residual", "unshared", "broken", "entropy", "negative", "dead", "mass", "seconds",
    "anomalies",
]  # fmt: skip


def test_the_table_says_what_the_film_says() -> None:
    x = torch.randn(2, *NETWORKS["residual"][1], generator=torch.Generator().manual_seed(5))
    result = bbp.attribute(randomized(Residual()), x, target=1)
    rows = triage_table(result, 1, entropies=False)
    frames = film_of(result, state={}, sample=1).header["frames"][1:-1]
    for i, (row, frame, step) in enumerate(zip(rows, frames, result.ledger, strict=True), 1):
        assert list(row) == COLUMNS
        assert row["step"] == i
        for name in ("node", "module", "op", "residual", "unshared"):
            assert row[name] == frame[name]
        for name in ("broken", "negative", "dead"):
            assert row[name] == frame["triage"][name]
        assert row["seconds"] == step.seconds
        assert row["mass"] == pytest.approx(float(result.at(i - 1).mass[1].double().abs().sum()), rel=1e-5)
        assert row["anomalies"] == []


@pytest.mark.parametrize(
    ("rule", "low", "high"), [("uniform", 1, 1), ("winner", 0, 0.3), ("proportional", 0.4, 0.95)]
)
def test_entropies_say_how_evenly_a_rule_shares(rule: str, low: float, high: float) -> None:
    x = torch.randn(1, *NETWORKS["residual"][1], generator=torch.Generator().manual_seed(5))
    result = bbp.attribute(randomized(Residual()), x, target=1, rule=rule)
    rows = triage_table(result)
    frames = film_of(result, state={}, entropies=True).header["frames"][1:-1]
    assert [row["entropy"] for row in rows] == [frame["triage"]["entropy"] for frame in frames]
    there = [row["entropy"] for row in rows if row["entropy"] is not None]
    assert len(there) > 5
    assert low - 1e-6 <= sum(there) / len(there) <= high + 1e-6  # a winner's ties are shared
    assert all(-1e-6 <= entropy <= 1 + 1e-6 for entropy in there)
    decided = [step.mixes for step in result.ledger]
    assert all(mixes or row["entropy"] is None for mixes, row in zip(decided, rows, strict=True))
    assert all(f["triage"]["entropy"] is None for f in film_of(result, state={}).header["frames"])


def frame(**changes: Any) -> dict[str, Any]:
    figures = {"broken": 0, "dead": 0.3}
    return {"residual": 0.0, "unshared": 0.0, "triage": {**figures, **changes.pop("triage", {})}, **changes}


@pytest.mark.parametrize(
    ("changes", "before", "wanted"),
    [
        ({}, {}, []),
        ({"residual": 0.9}, {}, []),
        ({"residual": 1.1}, {}, ["residual"]),
        ({"residual": -5.0}, {"residual": -5.0}, []),  # it counts where it arises
        ({"residual": 0.0}, {"residual": -5.0}, ["residual"]),
        ({"residual": None}, {}, ["residual"]),
        ({"residual": math.nan}, {"residual": None}, []),
        ({"unshared": -1.5}, {}, ["unshared"]),
        ({"unshared": None}, {}, ["unshared"]),
        ({"triage": {"broken": 1}}, {}, ["broken"]),
        ({"triage": {"dead": 1}}, {}, ["dead"]),
        ({"triage": {"dead": 0.999}}, {}, []),
    ],
)
def test_what_counts_as_an_anomaly(
    changes: dict[str, Any], before: dict[str, Any], wanted: list[str]
) -> None:
    assert anomalies(frame(**changes), frame(**before), 1.0) == wanted
    if not before:
        assert anomalies(frame(**changes), None, 1.0) == wanted


class Twisted(nn.Module):
    """Something goes wrong in the middle of it."""

    def __init__(self, twist: Any) -> None:
        super().__init__()
        self.first, self.last, self.twist = nn.Linear(4, 6), nn.Linear(6, 2), twist
        randomized(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.twist(self.first(x)))


def rows_of(twist: Any) -> list[dict[str, Any]]:
    x = torch.randn(1, 4, generator=torch.Generator().manual_seed(0))
    return triage_table(bbp.attribute(Twisted(twist).eval(), x, target=0), entropies=False)


def test_a_dead_layer_is_found() -> None:
    rows = rows_of(lambda x: (x - 1e6).relu())
    assert [row["op"] for row in rows if "dead" in row["anomalies"]] == ["relu"]
    assert all(row["dead"] == 1 for row in rows if row["op"] == "relu")


def test_mass_that_nobody_takes_is_found() -> None:
    class Half(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x.sum(1, keepdim=True), torch.full((len(x), 1), 3.0)], 1)

    first, *others = triage_table(bbp.attribute(Half().eval(), torch.ones(1, 2)), entropies=False)
    assert (first["node"], first["unshared"], first["anomalies"]) == ("target", 3, ["unshared"])
    assert all("unshared" not in row["anomalies"] for row in others)


def test_a_masked_score_is_not_broken_and_an_overflow_is() -> None:
    mask = torch.tensor([False, True, False, False, False, False])
    rows = rows_of(lambda x: x.masked_fill(mask, -math.inf).softmax(1))
    assert all(row["broken"] == 0 for row in rows)
    network = randomized(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2)))
    with torch.no_grad():
        network[0].bias.fill_(1e38)  # type: ignore[union-attr,operator]
        network[1].weight.fill_(1e6)  # type: ignore[union-attr,operator]
    rows = triage_table(bbp.attribute(network, torch.ones(1, 2), target=0), entropies=False)
    assert any("broken" in row["anomalies"] for row in rows)
    assert sum("residual" in row["anomalies"] for row in rows) == 1  # where it arises, and nowhere after
