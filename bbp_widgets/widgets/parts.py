"""A bqplot panel: what every cut of the walk adds up to, gradient part and bias part, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import bqplot

__all__ = ["PartsPanel"]

_GRADIENT, _BIAS = "#8a9099", "#b24016"
_INK = "#808890"


class PartsPanel(bqplot.Figure):
    """Stacked bars, one for each stop, output at right: the two parts always add up to the target.

    A click on a bar calls ``on_step`` with its step; ``show_step`` marks one.
    """

    def __init__(self, on_step: Callable[[int], None]) -> None:
        """Start without bars."""
        x, y = bqplot.LinearScale(), bqplot.LinearScale()
        self._bars = bqplot.Bars(
            x=[0], y=[[0.0], [0.0]], scales={"x": x, "y": y}, type="stacked", colors=[_GRADIENT, _BIAS],
            labels=["gradient part", "bias part"], display_legend=True, padding=0.25, stroke_width=0,
        )  # fmt: skip
        self._target = bqplot.Lines(
            x=[0, 1], y=[0.0, 0.0], scales={"x": x, "y": y}, colors=[_INK], line_style="dashed", stroke_width=1,
            labels=["target"], display_legend=True,
        )  # fmt: skip
        self._mark = bqplot.Lines(
            x=[0, 0], y=[0.0, 0.0], scales={"x": x, "y": y}, colors=[_INK], stroke_width=6, opacities=[0.28]
        )
        axes = [
            bqplot.Axis(
                scale=x, label="steps left to the input", num_ticks=6, tick_format="d", grid_lines="none"
            ),
            bqplot.Axis(
                scale=y, orientation="vertical", num_ticks=4, grid_lines="none", label="target units", tick_format="~g"
            ),
        ]
        super().__init__(
            marks=[self._mark, self._bars, self._target], axes=axes, title="", legend_location="top-left",
            fig_margin={"top": 12, "bottom": 40, "left": 60, "right": 12}, min_aspect_ratio=1.0,
            max_aspect_ratio=100.0, animation_duration=0, background_style={"fill": "transparent"},
            legend_style={"fill": "transparent", "stroke": "none"},
        )  # fmt: skip
        self.layout.height, self.layout.width = "210px", "100%"
        self._last = 0
        self._bars.on_element_click(lambda _, event: on_step(self._last - int(event["data"]["x"])))

    def show_frames(self, frames: Sequence[dict[str, Any]]) -> None:
        """Draw the cuts of a film's frames."""
        self._last = len(frames) - 1
        places = list(range(self._last, -1, -1))  # the output stands at right, as on the rail
        gradient = [frame["cut_gradient"] for frame in frames]
        bias = [frame["cut_bias"] for frame in frames]
        target = gradient[0]
        heights = [0.0, target, *gradient, *bias, *(g + b for g, b in zip(gradient, bias, strict=True))]
        self._span = (min(heights), max(heights))
        with self._bars.hold_sync():
            self._bars.x, self._bars.y = places, [gradient, bias]
        with self._target.hold_sync():
            self._target.x, self._target.y = [-0.5, self._last + 0.5], [target, target]
        self.show_step(0)

    def show_step(self, step: int) -> None:
        """Mark one step."""
        place = self._last - min(step, self._last)
        with self._mark.hold_sync():
            self._mark.x, self._mark.y = [place, place], list(getattr(self, "_span", (0.0, 0.0)))
