"""Means with their intervals as bars, and mean curves as lines: bqplot figures that read on light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bqplot

__all__ = ["curve_lines", "interval_bars"]

_BAR, _INK = "#4a7fc9", "var(--jp-ui-font-color1, #444)"
_SOFT = "var(--jp-ui-font-color2, #888)"
_SMALL = {"font-size": "11px", "fill": _SOFT}
_QUIET = {"grid_lines": "none", "color": _SOFT, "tick_style": _SMALL, "label_color": _SOFT}
_LOOK = {
    "title_style": {"font-size": "12px", "fill": _SOFT}, "background_style": {"fill": "transparent"},
    "animation_duration": 0, "min_aspect_ratio": 0.1, "max_aspect_ratio": 100.0,
}  # fmt: skip
_COLOURS = (
    "#4a7fc9", "#c0562b", "#3a9a6b", "#9a6bb5", "#b08a2e", "#cc6f9b", "#5aa5b8", "#8f959d", "#7a5a3a", "#6c7a2f",
    "#274b85", "#7a2f14", "#1f5f40", "#5d3c74",
)  # fmt: skip
_DASHES = ("solid", "dashed", "dotted")


def interval_bars(
    names: Sequence[str], means: Sequence[float], limits: Sequence[tuple[float, float]], title: str
) -> bqplot.Figure:
    """Draw one bar a name, the first at the top, each with the line of its interval."""
    places = list(range(len(names)))[::-1]
    low = min([0.0, *(limit[0] for limit in limits)])
    high = max([0.0, *(limit[1] for limit in limits)])
    room = 0.04 * (high - low) or 1.0
    x = bqplot.LinearScale(min=low - room, max=high + room, allow_padding=False)
    y = bqplot.LinearScale(min=-0.6, max=len(names) - 0.4, allow_padding=False)
    bars = bqplot.Bars(
        x=places, y=list(means), orientation="horizontal", colors=[_BAR], stroke_width=0, padding=0.3,
        scales={"x": y, "y": x}, base=0.0,
    )  # fmt: skip
    spans = bqplot.Lines(
        x=[list(limit) for limit in limits], y=[[place, place] for place in places],
        scales={"x": x, "y": y}, colors=[_INK] * len(names), stroke_width=2,
    )  # fmt: skip
    names_axis = bqplot.Axis(
        scale=y, side="left", tick_values=places,
        tick_labels={str(place): name for place, name in zip(places, names, strict=True)}, **_QUIET,
    )  # fmt: skip
    figure = bqplot.Figure(
        marks=[bars, spans], axes=[bqplot.Axis(scale=x, tick_format=".3~g", **_QUIET), names_axis], title=title,
        fig_margin={"top": 28, "bottom": 28, "left": 170, "right": 24}, **_LOOK,
    )  # fmt: skip
    figure.layout.height, figure.layout.width = f"{70 + 22 * len(names)}px", "100%"
    return figure


def curve_lines(
    x: Sequence[float], curves: Mapping[str, Sequence[float]], title: str, x_label: str
) -> bqplot.Figure:
    """Draw one line a name, over the same ``x``, with a legend."""
    count = len(curves)
    scales = {"x": bqplot.LinearScale(), "y": bqplot.LinearScale()}
    lines: list[Any] = [
        bqplot.Lines(
            x=list(x), y=list(curve), labels=[name], scales=scales, display_legend=True, stroke_width=1.8,
            colors=[_COLOURS[i % len(_COLOURS)]], line_style=_DASHES[i % 3],
        )
        for i, (name, curve) in enumerate(curves.items())
    ]  # fmt: skip
    axes = [
        bqplot.Axis(scale=scales["x"], label=x_label, **_QUIET),
        bqplot.Axis(scale=scales["y"], side="left", tick_format=".3~g", **_QUIET),
    ]
    figure = bqplot.Figure(
        marks=lines, axes=axes, title=title, legend_location="right", legend_text={"fill": _INK},
        fig_margin={"top": 28, "bottom": 36, "left": 56, "right": 180}, **_LOOK,
    )  # fmt: skip
    figure.layout.height, figure.layout.width = f"{max(260, 60 + 22 * count)}px", "100%"
    return figure
