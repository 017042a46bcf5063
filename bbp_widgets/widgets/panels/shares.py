"""A bqplot panel: how a step shares, as a histogram of the shares of its largest units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import bqplot
import ipywidgets
import numpy as np
import traitlets

from bbp_widgets.views import Shares, round_ticks, shares_at

from .panel import INK, NEGATIVE, POSITIVE, Panel, quiet

if TYPE_CHECKING:
    from bbp_widgets.views import Film

    from ..explorer import Explorer

__all__ = ["ShareHistogram"]

_NONE = Shares(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64), [])
#: Units whose shares are counted: those that hold the most mass.
_UNITS = 6
_BINS = 32
#: The least share that has a place on the axis; smaller ones are counted with it.
_LEAST = 1e-6


class ShareHistogram(Panel):
    """How many of a step's shares are how large, on a log axis: a sharp rule has few large ones and many small.

    They are the shares of the units with the most mass at the explorer's step; those of zero are told, not drawn. Brush
    an interval: ``selected`` has it, ``within`` how many shares lie in it and what part of the mass they carry, and the
    explorer's selection goes to the unit that gives the most through it. ``controls()`` does so by keyboard. The
    dashed line is where all are alike.
    """

    selected = traitlets.Tuple(default_value=(), help="The brushed interval of shares, (low, high), or ().")
    within = traitlets.Dict(help="Of the interval: count, total, and part of the mass.")
    units = traitlets.Int(_UNITS, min=1, max=64, help="How many units' shares are counted.")

    def __init__(self, explorer: Explorer | None = None, **traits: Any) -> None:
        """Start empty, or with the step of ``explorer``."""
        self._shares = _NONE
        self._name, self._frame = "", 0
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
        self._up = bqplot.Axis(
            scale=self._y, side="left", tick_format="d", label="shares", label_offset="44px", **quiet()
        )
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
            self._shares, self._name = _NONE, ""
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
            self._shares = shares_at(explorer.attribution, frame, self.units)
        except Exception as error:  # a panel does not take the explorer with it
            self.title = f"the shares of {name} cannot be computed: {error}"
            return
        self._name, self._frame = name, frame
        self._even.x = [1 / max(1.0, self._shares.fan_in)] * 2
        self._draw_counts()

    def _draw_counts(self) -> None:
        # dead inputs get nothing: a log axis has no place for them, and with the least they would flatten the rest
        seen = self._shares.share[self._shares.share > 0]
        counts, _ = np.histogram(np.clip(seen, _LEAST, 1.0), self._edges)
        high = max(1.0, float(counts.max(initial=0)) * 1.08)
        self._y.max = high
        # shares are counted: no line between two whole numbers
        self._up.tick_values = [tick for tick in round_ticks(0.0, high, 3) if tick == round(tick)]
        self._bars.y = np.concatenate([[0], np.repeat(counts, 2), [0]]).astype(float)
        self._even.y = [0.0, high]
        self._weigh()

    def _linked(self, explorer: Explorer) -> None:
        self._follow(lambda change: self._redraw(), "step")

    def controls(self) -> ipywidgets.HBox:
        """Return two fields for the ends of the interval: by keyboard what the brush does by hand."""
        fields = [ipywidgets.FloatText(description=name, step=0.01) for name in ("shares from", "to")]
        for field in fields:
            field.layout.width = "180px"

        def show(change: Any = None) -> None:
            for field, bound in zip(fields, self.selected or (0.0, 1.0), strict=True):
                field.value = bound

        def take(change: Any) -> None:
            low, high = (field.value for field in fields)
            if low <= high and (low, high) != (self.selected or (0.0, 1.0)):
                self._brush.selected = np.array([low, high])

        show()
        self.observe(show, names=["selected"])
        for field in fields:
            field.observe(take, names=["value"])
        return self._held(ipywidgets.HBox(fields))

    def _on_brush(self, change: dict[str, Any]) -> None:
        bounds = (
            [] if change["new"] is None else [float(bound) for bound in np.asarray(change["new"]).reshape(-1)]
        )
        known = len(bounds) == 2 and all(math.isfinite(bound) for bound in bounds)
        self.selected = (min(bounds), max(bounds)) if known else ()
        if known and self._explorer is not None:
            unit = self._shares.owner_of(*self.selected)
            if unit is not None:
                self._explorer.selection = {"frame": self._frame, "at": unit}

    def _weigh(self) -> None:
        self.within = self._shares.within(*(self.selected or (0.0, math.inf)))
        if not self._name:
            self.title = "no rule decides at this step or behind it"
        elif self.selected:
            count, total, part = (self.within[key] for key in ("count", "total", "part"))
            self.title = f"{self._name}: {count} of {total} shares, with {part:.1%} of the mass"
        else:
            zero, total = int((self._shares.share == 0).sum()), len(self._shares.share)
            units = len(self._shares.units)
            largest = "largest unit" if units == 1 else f"{units} largest units"
            apart = f"; {zero} of {total} are zero, and not drawn" if zero else ""
            self.title = f"shares of {self._name}: its {largest}{apart}"
