"""A bqplot panel: how far each cut is from the target, on a log axis, against the tolerance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import bqplot
import numpy as np

from .panel import INK, NEGATIVE, POSITIVE, SOFT, Panel, quiet

if TYPE_CHECKING:
    from bbp_widgets.views import Film

    from ..explorer import Explorer

__all__ = ["ResidualPanel"]

#: What a residual of zero is drawn as, of the tolerance: the foot of the axis.
_FOOT = 1e-6


class ResidualPanel(Panel):
    """One dot a step, output at right: |residual| of its cut. Above the dashed line it no longer adds up.

    A click on a dot goes to its step. What is not finite stands at the top.
    """

    def __init__(self, explorer: Explorer | None = None) -> None:
        """Start empty, or with the steps of ``explorer``."""
        self._x = bqplot.LinearScale(min=-0.6, max=0.6, reverse=True, allow_padding=False)
        self._y = bqplot.LogScale(min=1e-9, max=1.0, allow_padding=False)
        scales = {"x": self._x, "y": self._y}
        self._dots = bqplot.Scatter(
            x=np.zeros(0), y=np.zeros(0), scales=scales, colors=[NEGATIVE], default_size=24, stroke_width=0
        )
        self._line = bqplot.Lines(
            x=[0.0, 1.0], y=[1.0, 1.0], scales=scales, colors=[INK], line_style="dashed", stroke_width=1
        )
        self._mark = bqplot.Lines(
            x=[0, 0], y=[1e-9, 1.0], scales=scales, colors=[INK], stroke_width=1.5, opacities=[0.7]
        )
        self._steps = bqplot.Axis(
            scale=self._x, tick_format="d", label="step", label_offset="34px", **quiet()
        )
        self._values = bqplot.Axis(scale=self._y, side="left", tick_format=".0e", **quiet())
        super().__init__(
            explorer,
            marks=[self._dots, self._line, self._mark], axes=[self._steps, self._values],
            title="|residual| of every cut, and the tolerance (dashed)",
        )  # fmt: skip
        self._dots.on_element_click(self._on_click)

    def draw(self, film: Film) -> None:
        """Draw the residuals of a film's frames."""
        tolerance = film.header["totals"]["tolerance"]
        line = tolerance if tolerance and math.isfinite(tolerance) else 1e-9
        sizes = np.array([abs(_number(frame["residual"])) for frame in film.header["frames"]])
        known = np.isfinite(sizes)
        high = max(float(sizes[known].max(initial=0.0)), line) * 10
        low = line * _FOOT
        last = len(sizes) - 1
        with self._x.hold_sync(), self._y.hold_sync():
            self._x.min, self._x.max = -0.6, last + 0.6
            self._y.min, self._y.max = low, high
        with self._dots.hold_sync():
            self._dots.x = np.arange(last + 1)
            self._dots.y = np.where(known, np.clip(sizes, low, high), high)
            within = known & (sizes <= line)
            self._dots.colors = [SOFT if fine else POSITIVE for fine in within]
        with self._line.hold_sync():
            self._line.x, self._line.y = [-0.6, last + 0.6], [line, line]
        self._steps.tick_values = np.array(sorted({*range(0, last, max(1, -(-last // 12))), last}))
        powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1, 2)
        self._values.tick_values = np.array([10.0**power for power in powers])
        self._mark.y = [low, high]
        self._show_step()

    def _linked(self, explorer: Explorer) -> None:
        self._follow(lambda change: self._show_step(), "step")

    def _show_step(self) -> None:
        step = 0 if self._explorer is None else self._explorer.step
        self._mark.x = [step, step]

    def _on_click(self, _: Any, event: dict[str, Any]) -> None:
        index = event.get("data", {}).get("index")
        if isinstance(index, int) and 0 <= index < len(self._dots.x):
            self._go_to(index)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
