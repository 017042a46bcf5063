"""Fade the bias in and out: what the network would answer with less of it, and which samples change their answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bqplot
import ipywidgets
import numpy as np
import traitlets

from bbp_widgets.views import Fading, as_pictures, thumbnail_png

__all__ = ["Fade"]

_INK, _SOFT = "var(--jp-ui-font-color1, #444)", "var(--jp-ui-font-color2, #888)"
_SMALL = {"font-size": "11px", "fill": _SOFT}
_SIDE = 56  # pixels of a thumbnail


class Fade(ipywidgets.VBox):
    """Shows the accuracy of w·x + t·b, and the samples that answer otherwise than the whole network does.

    ``t`` is a trait: move the slider, type into the box beside it or step there with the arrow keys, or set it from
    Python. ``changed`` are the samples that answer otherwise, ``accuracy`` the part that is right at ``t``.
    """

    t = traitlets.Float(1.0, help="How much of b is left in: 0 none, 1 all, more than that exaggerates it.")
    changed = traitlets.List(
        traitlets.Int(), help="The samples whose answer at t is not that of the whole network."
    )
    accuracy = traitlets.Float(0.0, help="The part of the samples that is right at t.")

    def __init__(
        self,
        gradient: Any,
        bias: Any,
        labels: Any,
        *,
        pictures: Any = None,
        classes: Sequence[str] | None = None,
        most: float = 2.0,
        shown: int = 16,
        t: float = 1.0,
    ) -> None:
        """Show a network's outputs in two parts, (N, K) each, with the true classes ``labels`` (N,).

        ``pictures`` (N, H, W), (N, H, W, 1 or 3), bytes or 0 to 1, are shown small; at most ``shown`` at a time.
        ``most`` is the end of the slider. ``classes`` names the outputs; names are shown as text.

        Raises: ``ValueError`` where shapes do not fit.
        """
        parts = [np.asarray(part) for part in (gradient, bias, labels)]
        self._fading = Fading(*parts, most=most)
        self._classes = None if classes is None else [str(name) for name in classes]
        count = len(parts[0])
        self._pictures = (
            None if pictures is None else as_pictures(np.empty((count, 0)), _stacked(pictures, count))
        )
        self._bytes: dict[int, bytes] = {}
        self._slider = ipywidgets.FloatSlider(
            min=0, max=most, step=0.01, value=t, description="t in w·x + t·b", readout=False,
            style={"description_width": "initial"}, layout={"width": "60%"},
        )  # fmt: skip
        # a notebook keeps arrow keys from a slider, not from a box for numbers
        self._box = ipywidgets.BoundedFloatText(min=0, max=most, step=0.01, value=t, layout={"width": "6em"})
        self._said = ipywidgets.Label()
        self._more = ipywidgets.Label()
        self._images = [ipywidgets.Image(format="png", width=_SIDE, height=_SIDE) for _ in range(shown)]
        self._lines = [ipywidgets.Label() for _ in range(shown)]
        pairs = zip(self._images, self._lines, strict=True)
        self._cards = [
            ipywidgets.VBox([line] if self._pictures is None else [image, line]) for image, line in pairs
        ]
        self._grid = ipywidgets.Box(self._cards, layout={"flex_flow": "row wrap", "grid_gap": "4px 12px"})
        self._chart, self._mark = self._draw(most)
        head = ipywidgets.HBox([self._slider, self._box])
        super().__init__([head, self._said, self._chart, self._grid, self._more], t=t)
        self.add_class("bbp-fade")
        traitlets.link((self, "t"), (self._slider, "value"))
        traitlets.link((self, "t"), (self._box, "value"))
        self.observe(self._show, names=["t"])
        self._show()

    @traitlets.validate("t")
    def _valid_t(self, proposal: dict[str, Any]) -> float:
        t, most = float(proposal["value"]), float(self._fading.t[-1])
        if not 0 <= t <= most:
            raise traitlets.TraitError(f"t must be 0 to {most:g}, got {t:g}.")
        return t

    def close(self) -> None:
        """Close every widget of this one: an open mark would keep it alive."""
        if hasattr(self, "_chart"):  # not where __init__ refused its arguments
            chart = self._chart
            scales = [*chart.marks[0].scales.values(), chart.scale_x, chart.scale_y]
            boxes = [*self._cards, *self._images, *self._lines, *self.children[0].children, *self.children]
            for part in (*chart.marks, *chart.axes, *scales, *boxes):
                part.close()
        super().close()

    def _draw(self, most: float) -> tuple[bqplot.Figure, bqplot.Lines]:
        x = bqplot.LinearScale(min=0.0, max=most, allow_padding=False)
        y = bqplot.LinearScale(min=0.0, max=1.0, allow_padding=False)
        scales = {"x": x, "y": y}
        curve = bqplot.Lines(
            x=self._fading.t, y=self._fading.accuracy, scales=scales, colors=["#c0562b"], stroke_width=2
        )
        whole = bqplot.Lines(
            x=[1, 1], y=[0, 1], scales=scales, colors=[_SOFT], line_style="dashed", stroke_width=1
        )
        mark = bqplot.Lines(x=[1, 1], y=[0, 1], scales=scales, colors=[_INK], stroke_width=1.5)
        quiet = {"grid_lines": "none", "color": _SOFT, "tick_style": _SMALL, "label_color": _SOFT}
        figure = bqplot.Figure(
            marks=[curve, whole, mark],
            axes=[
                bqplot.Axis(scale=x, label="t", **quiet),
                bqplot.Axis(scale=y, side="left", tick_format=".0%", num_ticks=5, **quiet),
            ],
            title="accuracy of w·x + t·b (dashed: the network as it is)", animation_duration=0,
            title_style={"font-size": "12px", "fill": _SOFT}, background_style={"fill": "transparent"},
            fig_margin={"top": 28, "bottom": 36, "left": 56, "right": 24}, min_aspect_ratio=0.1, max_aspect_ratio=100.0,
        )  # fmt: skip
        figure.layout.height, figure.layout.width = "200px", "100%"
        return figure, mark

    def _show(self, _: Any = None) -> None:
        t = self.t
        changed = self._fading.changed(t).tolist()
        self._mark.x = [t, t]
        self._said.value = self._fading.sentence(t)
        for i, (card, line) in enumerate(zip(self._cards, self._lines, strict=True)):
            if i < len(changed):
                line.value = self._fading.line_of(changed[i], t, self._classes)
                if self._pictures is not None:
                    self._images[i].value = self._png(changed[i])
            card.layout.display = None if i < len(changed) else "none"
        hidden = len(changed) - len(self._cards)
        self._more.value = f"and {hidden} more" if hidden > 0 else ""
        self.changed, self.accuracy = changed, float(self._fading.right(t).mean())

    def _png(self, sample: int) -> bytes:
        if sample not in self._bytes:
            self._bytes[sample] = thumbnail_png(self._pictures[sample], _SIDE)  # type: ignore[index]
        return self._bytes[sample]


def _stacked(pictures: Any, count: int) -> Any:
    array = np.asarray(pictures)
    if len(array) != count:
        raise ValueError(f"{count} samples need {count} pictures, got {len(array)}.")
    return array
