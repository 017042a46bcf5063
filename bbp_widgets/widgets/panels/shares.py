"""A bqplot panel: how a step shares, as a histogram of the shares of its largest units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import bqplot
import numpy as np
import torch
import traitlets

from bbp_widgets.engine import Attribution

from .panel import INK, NEGATIVE, POSITIVE, Panel, quiet

if TYPE_CHECKING:
    from bbp_widgets.views import Film

    from ..explorer import Explorer

__all__ = ["ShareHistogram"]

Array = np.ndarray[Any, Any]
#: Units whose shares are counted: those that hold the most mass.
_UNITS = 6
_BINS = 32
#: The least share that has a place on the axis; smaller ones are counted with it.
_LEAST = 1e-6


class ShareHistogram(Panel):
    """How many of a step's shares are how large, on a log axis: a sharp rule has few large ones and many small.

    They are the shares of the units with the most mass at the explorer's step. Brush an interval: ``selected`` has it,
    ``within`` how many shares lie in it and what part of the mass they carry. The dashed line is where all are alike.
    """

    selected = traitlets.Tuple(default_value=(), help="The brushed interval of shares, (low, high), or ().")
    within = traitlets.Dict(help="Of the interval: count, total, and part of the mass.")
    units = traitlets.Int(_UNITS, min=1, max=64, help="How many units' shares are counted.")

    def __init__(self, explorer: Explorer | None = None, **traits: Any) -> None:
        """Start empty, or with the step of ``explorer``."""
        self._shares: Array = np.zeros(0)
        self._weights: Array = np.zeros(0)
        self._x = bqplot.LogScale(min=_LEAST, max=1.0, allow_padding=False)
        self._y = bqplot.LinearScale(min=0.0, max=1.0, allow_padding=False)
        scales = {"x": self._x, "y": self._y}
        edges = np.geomspace(_LEAST, 1.0, _BINS + 1)
        self._edges = edges
        # bars by hand: a Hist mark bins in the browser, on a linear axis
        self._bars = bqplot.Lines(
            x=np.repeat(edges, 2), y=np.zeros(2 * _BINS + 2), scales=scales, colors=[NEGATIVE], stroke_width=1.5,
            fill="bottom", fill_opacities=[0.35],
        )  # fmt: skip
        self._even = bqplot.Lines(
            x=[1.0, 1.0], y=[0.0, 0.0], scales=scales, colors=[INK], line_style="dashed", stroke_width=1
        )
        self._across = bqplot.Axis(
            scale=self._x,
            tick_format=".0e",
            tick_values=10.0 ** np.arange(-6.0, 1.0),
            label="share",
            label_offset="34px",
            **quiet(),
        )
        self._up = bqplot.Axis(scale=self._y, side="left", tick_format="d", num_ticks=4, **quiet())
        super().__init__(None, marks=[self._bars, self._even], axes=[self._across, self._up])
        self._brush = bqplot.interacts.BrushIntervalSelector(
            scale=self._x, marks=[self._bars], color=POSITIVE
        )
        self.interaction = self._brush
        self._brush.observe(self._on_brush, names=["selected"])
        for name, value in traits.items():
            setattr(self, name, value)
        self.observe(lambda change: self._redraw(), names=["units"])
        self.observe(lambda change: self._weigh(), names=["selected"])
        if explorer is not None:
            self.link(explorer)

    def draw(self, film: Film) -> None:
        """Draw the shares at the explorer's step, or at the nearest one behind it at which a rule decides."""
        if self._explorer is None:
            return
        frames = film.header["frames"]
        step = min(max(self._explorer.step, 1), len(frames) - 2)
        here = next((i for i in range(step, len(frames) - 1) if frames[i]["mixes"]), None)
        if here is None:
            self._shares = self._weights = np.zeros(0)
            self.title = "no rule decides at this step or behind it"
        else:
            explorer, name = self._explorer, str(frames[here]["name"])
            explorer.later(lambda: self._count(explorer, here, name), ("panel", self.model_id))
            return
        self._draw_counts()

    def _count(self, explorer: Explorer, frame: int, name: str) -> None:
        """Compute the shares at a frame, in the explorer's thread."""
        if self._explorer is not explorer or self.comm is None:
            return
        try:
            self._shares, self._weights, fan_in = _shares_at(explorer.attribution, frame, self.units)
        except Exception as error:  # a panel does not take the explorer with it
            self.title = f"the shares of {name} cannot be computed: {error}"
            return
        self.title = f"shares of {name}: its {self.units} largest units"
        self._even.x = [1 / max(1.0, fan_in)] * 2
        self._draw_counts()

    def _draw_counts(self) -> None:
        counts, _ = np.histogram(np.clip(self._shares, _LEAST, 1.0), self._edges)
        high = max(1.0, float(counts.max(initial=0)) * 1.08)
        self._y.max = high
        self._bars.y = np.concatenate([[0], np.repeat(counts, 2), [0]]).astype(float)
        self._even.y = [0.0, high]
        self._weigh()

    def _linked(self, explorer: Explorer) -> None:
        self._follow(lambda change: self._redraw(), "step")

    def _on_brush(self, change: dict[str, Any]) -> None:
        bounds = (
            [] if change["new"] is None else [float(bound) for bound in np.asarray(change["new"]).reshape(-1)]
        )
        known = len(bounds) == 2 and all(math.isfinite(bound) for bound in bounds)
        self.selected = (min(bounds), max(bounds)) if known else ()

    def _weigh(self) -> None:
        total = float(self._weights.sum())
        low, high = self.selected or (0.0, math.inf)
        inside = (self._shares >= low) & (self._shares <= high)
        part = float(self._weights[inside].sum()) / total if total > 0 else 0.0
        self.within = {"count": int(inside.sum()), "total": len(self._shares), "part": part}


def _shares_at(attribution: Attribution, frame: int, units: int) -> tuple[Array, Array, float]:
    """Return the shares of a frame's largest units, the mass that each carries, and how many a unit has."""
    mass = attribution.at(frame - 1).of(0).mass
    sizes = torch.nan_to_num(mass.abs().reshape(-1), nan=-1.0, posinf=-1.0)
    largest = sizes.topk(min(units, len(sizes))).indices.tolist()
    given = [attribution.unit(frame - 1, number).gives for number in largest if float(sizes[number]) > 0]
    if not given:
        return np.zeros(0), np.zeros(0), 1.0
    shares = torch.cat([terms.share for terms in given]).double().cpu().numpy()
    weights = torch.cat([terms.mass for terms in given]).abs().double().cpu().numpy()
    return shares, weights, len(shares) / len(given)
