"""A bqplot panel: what every cut of the walk adds up to, gradient part and bias part, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import bqplot

from bbp_widgets.views import round_ticks

__all__ = ["PartsPanel"]

_GRADIENT, _POSITIVE, _NEGATIVE = "#8f959d", "#c0562b", "#4a7fc9"  # readable on light and on dark
_INK, _SOFT = "var(--jp-ui-font-color1, #444)", "var(--jp-ui-font-color2, #888)"
_SMALL = {"font-size": "11px", "fill": _SOFT}


class PartsPanel(bqplot.Figure):
    """Stacked bars, one for each stop, output at right: gradient part and bias part always add up to the target.

    A click on a bar calls ``on_step`` with its step; ``show_step`` marks one.
    """

    def __init__(self, on_step: Callable[[int], None]) -> None:
        """Start without bars."""
        # the output stands at right, as on the rail
        self._x = bqplot.LinearScale(min=-0.6, max=0.6, reverse=True, allow_padding=False)
        self._y = bqplot.LinearScale(min=-1.0, max=1.0, allow_padding=False)
        scales = {"x": self._x, "y": self._y}
        self._bars = bqplot.Bars(
            x=[0], y=[[0.0]] * 3, scales=scales, type="stacked", colors=[_GRADIENT, _POSITIVE, _NEGATIVE],
            padding=0.3, stroke_width=0,
        )  # fmt: skip
        self._target = bqplot.Lines(
            x=[0, 1], y=[0.0, 0.0], scales=scales, colors=[_INK], line_style="dashed", stroke_width=1
        )
        self._mark = bqplot.Lines(
            x=[0, 0], y=[0.0, 0.0], scales=scales, colors=[_INK], stroke_width=1.5, opacities=[0.7]
        )
        quiet = {"grid_lines": "none", "color": _SOFT, "tick_style": _SMALL, "label_color": _SOFT}
        self._steps = bqplot.Axis(scale=self._x, tick_format="d", **quiet)
        self._values = bqplot.Axis(scale=self._y, side="left", tick_format=".3~g", **quiet)
        super().__init__(
            marks=[self._bars, self._target, self._mark], axes=[self._steps, self._values],
            title="every cut, by step: gradient part (grey) + bias part (orange, blue below zero) = target (dashed)",
            title_style={"font-size": "12px", "fill": _SOFT}, animation_duration=0,
            fig_margin={"top": 28, "bottom": 24, "left": 56, "right": 24},
            min_aspect_ratio=0.1, max_aspect_ratio=100.0, background_style={"fill": "transparent"},
        )  # fmt: skip
        self.layout.height, self.layout.width = "220px", "100%"
        self._bars.on_element_click(lambda _, event: on_step(int(event["data"]["x"])))

    def show_frames(self, frames: Sequence[dict[str, Any]]) -> None:
        """Draw the cuts of a film's frames."""
        last = len(frames) - 1
        gradient = [frame["cut_gradient"] for frame in frames]
        bias = [frame["cut_bias"] for frame in frames]
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

    def show_step(self, step: int) -> None:
        """Mark one step."""
        self._mark.x = [step, step]

    def close(self) -> None:
        """Close the figure and all that it is made of: an open mark would keep the explorer alive."""
        for part in (*self.marks, *self.axes, self._x, self._y, self.scale_x, self.scale_y, self.layout):
            part.close()
        super().close()
