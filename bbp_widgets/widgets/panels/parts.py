"""A bqplot panel: what every cut of the walk adds up to, gradient part and bias part, stop by stop."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import bqplot

from bbp_widgets.views import round_ticks

from .panel import GRADIENT, INK, NEGATIVE, POSITIVE, Panel, quiet

if TYPE_CHECKING:
    from bbp_widgets.views import Film

    from ..explorer import Explorer

__all__ = ["PartsPanel"]


class PartsPanel(Panel):
    """Stacked bars, one for each stop, output at right: gradient part and bias part always add up to the target.

    A click on a bar goes to its step.
    """

    def __init__(self, explorer: Explorer | None = None) -> None:
        """Start without bars, or with those of ``explorer``."""
        # the output stands at right, as on the rail
        self._x = bqplot.LinearScale(min=-0.6, max=0.6, reverse=True, allow_padding=False)
        self._y = bqplot.LinearScale(min=-1.0, max=1.0, allow_padding=False)
        scales = {"x": self._x, "y": self._y}
        self._bars = bqplot.Bars(
            x=[0], y=[[0.0]] * 3, scales=scales, type="stacked", colors=[GRADIENT, POSITIVE, NEGATIVE],
            padding=0.3, stroke_width=0,
        )  # fmt: skip
        self._target = bqplot.Lines(
            x=[0, 1], y=[0.0, 0.0], scales=scales, colors=[INK], line_style="dashed", stroke_width=1
        )
        self._mark = bqplot.Lines(
            x=[0, 0], y=[0.0, 0.0], scales=scales, colors=[INK], stroke_width=1.5, opacities=[0.7]
        )
        self._steps = bqplot.Axis(scale=self._x, tick_format="d", **quiet())
        self._values = bqplot.Axis(scale=self._y, side="left", tick_format=".3~g", **quiet())
        self._stops: list[int] = [0]  # the frame of each bar
        super().__init__(
            explorer,
            marks=[self._bars, self._target, self._mark], axes=[self._steps, self._values],
            title="every cut, by stop: gradient part (grey) + bias part (orange, blue below zero) = target (dashed)",
            fig_margin={"top": 28, "bottom": 24, "left": 56, "right": 24},
        )  # fmt: skip
        self._bars.on_element_click(self._on_click)

    def draw(self, film: Film) -> None:
        """Draw the cuts at a film's stops: those of the level that the explorer shows."""
        level = "layers" if self._explorer is None else self._explorer.state["level"]
        self._stops = [stop["frame"] for stop in film.header["levels"][level]]
        frames = [film.header["frames"][frame] for frame in self._stops]
        last = len(frames) - 1
        gradient = [_drawn(frame["cut_gradient"]) for frame in frames]
        bias = [_drawn(frame["cut_bias"]) for frame in frames]
        target = gradient[0]
        above = [max(0.0, g) + max(0.0, b) for g, b in zip(gradient, bias, strict=True)]
        below = [min(0.0, g) + min(0.0, b) for g, b in zip(gradient, bias, strict=True)]
        low, high = min(0.0, target, *below), max(0.0, target, *above)
        room = 0.06 * (high - low) or 1.0
        with self._x.hold_sync(), self._y.hold_sync():
            self._x.min, self._x.max = -0.6, last + 0.6
            self._y.min, self._y.max = low - room, high + room
        with self._bars.hold_sync():
            self._bars.x = list(range(last + 1))
            self._bars.y = [gradient, [max(0.0, b) for b in bias], [min(0.0, b) for b in bias]]
        with self._target.hold_sync():
            self._target.x, self._target.y = [-0.6, last + 0.6], [target, target]
        self._steps.tick_values = sorted({*range(0, last, max(1, -(-last // 12))), last})
        self._values.tick_values = round_ticks(low, high)
        self._mark.y = [low - room, high + room]
        self._show_step()

    def _linked(self, explorer: Explorer) -> None:
        self._level = explorer.state["level"]
        self._follow(lambda change: self._show_step(), "step")
        self._follow(lambda change: self._show_level(), "state")

    def _show_level(self) -> None:
        if self._explorer is not None and (level := self._explorer.state["level"]) != self._level:
            self._level = level
            self._redraw()

    def _show_step(self) -> None:
        step = 0 if self._explorer is None else self._explorer.step
        place = next((i for i, frame in enumerate(self._stops) if frame >= step), len(self._stops) - 1)
        self._mark.x = [place, place]

    def _on_click(self, _: Any, event: dict[str, Any]) -> None:
        place = int(event["data"]["x"])
        if 0 <= place < len(self._stops):
            self._go_to(self._stops[place])


def _drawn(number: float) -> float:
    """Return what a bar can be as long as: none where a number is not finite."""
    return number if math.isfinite(number) else 0.0
