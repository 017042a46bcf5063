"""The shares of a step's largest units, as arrays: those of the engine's equations, owned by their units."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from engine.nets import Residual, randomized

import bbp_widgets as bbp
from bbp_widgets.views import shares_at


@pytest.fixture(scope="module")
def attribution() -> bbp.Attribution:
    torch.manual_seed(3)
    return bbp.attribute(randomized(Residual()), torch.randn(2, 3, 8, 8), rule="softmax")


def test_they_are_the_equations_of_the_units_with_the_most_mass(attribution: bbp.Attribution) -> None:
    frame = next(
        i
        for i, step in enumerate(attribution.ledger, 1)
        if step.mixes
        and attribution.at(i - 1).mass[0].dim() == 3
        and attribution.at(i - 1).mass.shape[-1] > 1
    )
    found = shares_at(attribution, frame, 4, sample=1)
    mass = attribution.at(frame - 1).of(1).mass
    largest = mass.abs().reshape(-1).topk(4).indices
    equations = [attribution.unit(frame - 1, int(i), sample=1) for i in largest]
    np.testing.assert_allclose(
        found.share, torch.cat([one.gives.share for one in equations]).numpy(), rtol=1e-6
    )
    assert found.fan_in == pytest.approx(sum(len(one.gives.share) for one in equations) / 4)
    for k, one in enumerate(equations):
        assert found.mass[found.owner == k].sum() == pytest.approx(
            float(one.gives.mass.abs().sum()), rel=1e-5
        )
        assert list(one.index) == found.units[k]


def test_an_interval_is_weighed_and_has_an_owner(attribution: bbp.Attribution) -> None:
    frame = next(i for i, step in enumerate(attribution.ledger, 1) if step.mixes)
    found = shares_at(attribution, frame, 3)
    assert found.within(0.0, 1.0) == {
        "count": len(found.share), "total": len(found.share), "part": pytest.approx(1.0),
    }  # fmt: skip
    middle = float(np.median(found.share))
    inside = found.share >= middle
    assert found.within(middle, 1.0)["count"] == int(inside.sum())
    most = max(range(len(found.units)), key=lambda k: found.mass[inside & (found.owner == k)].sum())
    assert found.owner_of(middle, 1.0) == found.units[most]
    assert found.owner_of(2.0, 3.0) is None


@pytest.mark.parametrize("frame", [0, 999])
def test_a_frame_that_holds_nothing_is_refused(attribution: bbp.Attribution, frame: int) -> None:
    with pytest.raises(IndexError, match="no frame"):
        shares_at(attribution, frame, 3)
