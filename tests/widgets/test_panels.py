"""The bqplot panels: linked to an explorer by traits, and gone without a trace."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import bqplot
import numpy as np
import pytest
import torch
from engine.nets import Residual, randomized
from ipywidgets.widgets.widget import _instances
from torch import nn
from widgets.pages import LONG, Page, lane, no_workers, pictures

import bbp_widgets as bbp

Make = Callable[..., bbp.Explorer]
PANELS = [bbp.panels.PartsPanel, bbp.panels.ResidualPanel, bbp.panels.RuleScatter, bbp.panels.ShareHistogram]


def frames(explorer: bbp.Explorer) -> list[dict[str, Any]]:
    assert explorer.film is not None
    return list(explorer.film.header["frames"])


def test_parts_show_the_cuts_of_the_stops(make: Make) -> None:
    explorer = make()
    assert explorer.film is not None
    stops = [
        explorer.film.header["frames"][stop["frame"]] for stop in explorer.film.header["levels"]["layers"]
    ]
    gradient, above, below = next(mark for mark in explorer.parts.marks if isinstance(mark, bqplot.Bars)).y
    assert list(gradient) == [frame["cut_gradient"] for frame in stops]
    assert [up + down for up, down in zip(above, below, strict=True)] == [
        frame["cut_bias"] for frame in stops
    ]
    explorer.state = {"level": "ops"}
    bars = next(mark for mark in explorer.parts.marks if isinstance(mark, bqplot.Bars))
    assert len(bars.x) == len(frames(explorer))


def test_a_click_on_a_bar_goes_to_its_frame(make: Make) -> None:
    explorer = make()
    assert explorer.film is not None
    stops = explorer.film.header["levels"]["layers"]
    explorer.parts._on_click(None, {"data": {"x": 3}})
    assert explorer.step == stops[3]["frame"]
    assert list(explorer.parts._mark.x) == [3, 3]
    explorer.parts._on_click(None, {"data": {"x": 99}})
    assert explorer.step == stops[3]["frame"]


def test_residuals_stand_on_a_log_axis_against_the_tolerance(make: Make) -> None:
    explorer = make()
    panel = bbp.panels.ResidualPanel(explorer)
    assert explorer.film is not None
    tolerance = explorer.film.header["totals"]["tolerance"]
    residuals = np.abs([frame["residual"] for frame in frames(explorer)])
    np.testing.assert_allclose(panel._dots.y, np.maximum(residuals, tolerance * 1e-6))
    assert list(panel._line.y) == [tolerance] * 2
    assert isinstance(panel._y, bqplot.LogScale)
    assert panel._y.min > 0
    panel._on_click(None, {"data": {"index": 4, "x": 4}})
    assert explorer.step == 4
    assert list(panel._mark.x) == [4, 4]
    explorer.sample = 2
    assert explorer.wait(LONG)
    np.testing.assert_array_equal(
        panel._dots.y > panel._y.min, np.abs([frame["residual"] for frame in frames(explorer)]) > panel._y.min
    )
    panel.close()


@pytest.mark.parametrize("kind", PANELS)
def test_numbers_that_are_not_finite_stop_no_panel(make: Make, kind: Any) -> None:
    network = randomized(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)))
    with torch.no_grad():
        network[1].weight[0] = 1e10  # type: ignore[union-attr,index,operator]
    x = pictures()
    x[0] = 1e30
    explorer = make(network, x, target=0)
    panel = kind(explorer)
    assert explorer.wait(LONG)
    explorer.sample = 1
    assert explorer.wait(LONG)
    assert explorer.stage.error == {}
    panel.close()


def test_rule_against_rule_and_a_lasso_that_selects(make: Make) -> None:
    explorer = make(lanes=["proportional", "uniform", "winner"])
    panel = bbp.panels.RuleScatter(explorer)
    mine, other = (
        explorer._desk.attribution(film.header["state"]).bias[0].sum(0) for film in explorer.films[:2]
    )  # type: ignore[union-attr]
    np.testing.assert_allclose(panel._dots.x, mine.reshape(-1).numpy(), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(panel._dots.y, other.reshape(-1).numpy(), rtol=1e-5, atol=1e-7)
    assert (panel._across.label, panel._up.label) == ("proportional", "uniform")
    panel._dots.selected = np.array([9, 17, 63])
    assert panel.selected == [(1, 1), (2, 1), (7, 7)]
    assert explorer.selection is not None
    assert explorer.selection["frame"] == len(frames(explorer)) - 1
    assert tuple(explorer.selection["at"][1:]) in panel.selected
    panel.against = 2
    assert panel._up.label == "winner"
    assert panel.selected == []
    explorer.lane = 1
    assert panel._across.label == "uniform"
    explorer.lanes = ["softmax"]
    assert explorer.wait(LONG)
    assert (panel._across.label, panel._up.label) == ("softmax", "itself")
    panel.against = None
    explorer.lanes = ["softmax", lane("softmax", temperature=0.5)]
    assert explorer.wait(LONG)
    assert (panel._across.label, panel._up.label) == ("softmax, lane 1", "softmax, lane 2")
    panel.close()


def test_a_lasso_on_a_table_selects_columns(make: Make) -> None:
    network = randomized(nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2)))
    explorer = make(network, torch.ones(2, 5), lanes=["proportional", "uniform"])
    panel = bbp.panels.RuleScatter(explorer)
    panel._dots.selected = [1, 3]
    assert panel.selected == [1, 3]
    assert explorer.selection is not None
    assert explorer.selection["at"][0] in (1, 3)
    panel.close()


def test_the_other_lane_is_drawn_once_it_is_there(make: Make) -> None:
    explorer = make()
    panel = bbp.panels.RuleScatter(explorer)
    assert panel._up.label == "itself"
    Page(explorer).answered(1, lanes=[lane(), lane("winner")])
    assert panel._up.label == "winner"
    panel.close()


def test_shares_of_a_step_and_a_brush_that_weighs_them(make: Make) -> None:
    explorer = make(rule="softmax")
    panel = bbp.panels.ShareHistogram(explorer, units=3)
    assert explorer.wait(LONG)
    mixing = [i for i, frame in enumerate(frames(explorer)) if frame["mixes"]]
    explorer.step = mixing[-1]
    assert explorer.wait(LONG)
    attribution = explorer.attribution
    mass = attribution.at(mixing[-1] - 1).mass[0].abs().reshape(-1)
    expected = torch.cat([attribution.unit(mixing[-1] - 1, int(i)).gives.share for i in mass.topk(3).indices])
    np.testing.assert_allclose(np.sort(panel._shares.share), np.sort(expected.numpy()), rtol=1e-6)
    assert frames(explorer)[mixing[-1]]["name"] in panel.title
    assert all(tick == round(tick) for tick in panel._up.tick_values)
    assert panel.within == {"count": len(expected), "total": len(expected), "part": pytest.approx(1.0)}
    panel._brush.selected = np.array([0.5, 0.1])
    assert panel.selected == (0.1, 0.5)
    inside = int(((expected >= 0.1) & (expected <= 0.5)).sum())
    assert panel.within["count"] == inside
    assert f"{inside} of {len(expected)} shares" in panel.title
    assert explorer.selection is not None
    chosen = attribution.unit(mixing[-1] - 1, tuple(explorer.selection["at"]))
    given = chosen.gives.mass[(chosen.gives.share >= 0.1) & (chosen.gives.share <= 0.5)].abs().sum()
    for i in mass.topk(3).indices:
        other = attribution.unit(mixing[-1] - 1, int(i)).gives
        assert float(other.mass[(other.share >= 0.1) & (other.share <= 0.5)].abs().sum()) <= float(given)
    panel._brush.selected = None
    assert panel.selected == ()
    assert panel.within["count"] == len(expected)
    panel.close()


def test_shares_of_zero_are_told_and_not_drawn(make: Make) -> None:
    network = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(0.5)
        network[0].bias[:4] = -100  # dead units, to which the head gives nothing
        network[0].bias[4:] = 100
    explorer = make(network.eval(), inputs=torch.ones(1, 4), target=0, step=1)
    panel = bbp.panels.ShareHistogram(explorer)
    assert explorer.wait(LONG)
    assert panel.title.endswith("its largest unit; 4 of 6 are zero, and not drawn")
    assert float(panel._bars.y.sum()) == 2 * 2  # each count is drawn at both ends of its bin


def test_the_controls_do_what_brush_and_lasso_do(make: Make) -> None:
    explorer = make(lanes=["proportional", "uniform"])
    shares, scatter = bbp.panels.ShareHistogram(explorer), bbp.panels.RuleScatter(explorer)
    assert explorer.wait(LONG)
    low, high = shares.controls().children
    assert (low.value, high.value) == (0.0, 1.0)
    low.value = 0.25
    assert shares.selected == (0.25, 1.0)
    np.testing.assert_array_equal(shares._brush.selected, [0.25, 1.0])
    shares._brush.selected = np.array([0.1, 0.5])
    assert (low.value, high.value) == (0.1, 0.5)
    low.value = 0.75  # no interval: from 0.75 to 0.5
    assert shares.selected == (0.1, 0.5)
    (field,) = scatter.controls().children
    field.value = 5
    apart = np.abs(scatter._dots.x - scatter._dots.y)
    assert len(scatter.selected) == 5
    assert set(np.argsort(-apart, kind="stable")[:5]) == set(scatter._dots.selected)
    scatter._dots.selected = np.array([1, 2])
    assert (scatter.furthest, field.value) == (0, 0)
    scatter.furthest = 3
    assert field.value == 3
    explorer.sample = 1
    assert explorer.wait(LONG)
    assert (scatter.furthest, scatter.selected) == (0, [])
    shares.close()
    scatter.close()


@pytest.mark.parametrize("kind", PANELS)
def test_a_panel_may_be_linked_later_and_to_another(make: Make, kind: Any) -> None:
    first, second = make(), make(sample=1)
    panel = kind()
    panel.link(first)
    panel.link(second)
    assert first.wait(LONG)
    assert second.wait(LONG)
    before = repr(panel.marks[0].y)
    first.sample = 3
    assert first.wait(LONG)
    assert repr(panel.marks[0].y) == before
    panel.unlink()
    second.sample = 2
    assert second.wait(LONG)
    assert repr(panel.marks[0].y) == before
    panel.close()
    panel.close()


def test_panels_are_closed_without_a_trace() -> None:
    gc.collect()
    before = set(_instances)
    left: list[tuple[str, weakref.ref[Any]]] = []
    for _ in range(3):
        explorer = bbp.Explorer(randomized(Residual()), pictures(), lanes=["proportional", "uniform"])
        assert explorer.wait(LONG)
        panels = [kind(explorer) for kind in PANELS]
        for panel in panels[2:]:
            panel.controls()
        explorer.step = 3
        assert explorer.wait(LONG)
        left += [("explorer", weakref.ref(explorer)), *((type(p).__name__, weakref.ref(p)) for p in panels)]
        for panel in panels:
            panel.close()
        explorer.close()
        del explorer, panels, panel
    assert no_workers()
    gc.collect()
    assert [name for name, ref in left if ref()] == []
    assert set(_instances) == before


def test_a_panel_is_called_by_its_kind() -> None:
    panel = bbp.panels.ResidualPanel()
    try:
        assert repr(panel) == "ResidualPanel(not linked)"
    finally:
        panel.close()
