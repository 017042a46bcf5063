"""What all panels have in common: linked to an explorer, quiet colours, and closed without a trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import bqplot
import ipywidgets

if TYPE_CHECKING:
    from bbp_widgets.views import Film

    from ..explorer import Explorer

__all__ = ["GRADIENT", "INK", "NEGATIVE", "POSITIVE", "SOFT", "Panel", "quiet"]

#: Readable on light and on dark.
GRADIENT, POSITIVE, NEGATIVE = "#8f959d", "#c0562b", "#4a7fc9"
INK, SOFT = "var(--jp-ui-font-color1, #444)", "var(--jp-ui-font-color2, #888)"
_SMALL = {"font-size": "11px", "fill": SOFT}


def quiet(**options: Any) -> dict[str, Any]:
    """Return how an axis looks that does not speak up."""
    return {"grid_lines": "none", "color": SOFT, "tick_style": _SMALL, "label_color": SOFT, **options}


class Panel(bqplot.Figure):
    """A figure beside an explorer, drawn anew whenever another film or step is shown there.

    A panel of its own says which traits it has beside those of a figure. ``link`` may be called again with another
    explorer; ``close`` closes the marks, axes and scales too, which would keep each other alive.
    """

    def __init__(self, explorer: Explorer | None = None, **figure: Any) -> None:
        """Draw what ``explorer`` shows, if one is given."""
        self._explorer: Explorer | None = None
        self._links: list[tuple[Callable[[Any], None], tuple[str, ...]]] = []
        self._controls: list[ipywidgets.HBox] = []
        super().__init__(
            title_style={"font-size": "12px", "fill": SOFT}, animation_duration=0, min_aspect_ratio=0.1,
            max_aspect_ratio=100.0, background_style={"fill": "transparent"},
            fig_margin=figure.pop("fig_margin", {"top": 28, "bottom": 46, "left": 64, "right": 24}), **figure,
        )  # fmt: skip
        self.layout.height, self.layout.width = "220px", "100%"
        if explorer is not None:
            self.link(explorer)

    def __repr__(self) -> str:
        """Return a short name: bqplot would list every number drawn."""
        return f"{type(self).__name__}({'linked' if self._explorer is not None else 'not linked'})"

    def link(self, explorer: Explorer) -> None:
        """Show what ``explorer`` shows, in the place of the one before."""
        self.unlink()
        self._explorer = explorer
        self._follow(lambda change: self._redraw(), "shown")
        self._linked(explorer)
        self._redraw()

    def unlink(self) -> None:
        """Leave the explorer, and what is drawn as it is."""
        explorer, self._explorer = self._explorer, None
        for callback, names in self._links:
            if explorer is not None:
                explorer.unobserve(callback, names=list(names))
        self._links = []

    def close(self) -> None:
        """Close the figure, all that it is made of, and its controls."""
        self.unlink()
        for box in self._controls:
            for field in box.children:
                field.style.close()
            for part in (*box.children, box):
                part.layout.close()
                part.close()
        self._controls = []
        if (interaction := getattr(self, "interaction", None)) is not None:
            self.set_trait("interaction", None)
            interaction.close()
        scales = [scale for mark in self.marks for scale in mark.scales.values()]
        parts = [*self.marks, *self.axes, *scales, self.scale_x, self.scale_y, self.layout]
        for part in parts:
            part.close()
        super().close()

    def draw(self, film: Film) -> None:
        """Draw a film: what a panel is for."""
        raise NotImplementedError

    def _held(self, box: ipywidgets.HBox) -> ipywidgets.HBox:
        """Return controls, to be closed with the panel."""
        self._controls.append(box)
        return box

    def _linked(self, explorer: Explorer) -> None:
        """Follow more than the film."""

    def _follow(self, callback: Callable[[Any], None], *names: str) -> None:
        assert self._explorer is not None
        self._explorer.observe(callback, names=list(names))
        self._links.append((callback, names))

    def _redraw(self) -> None:
        if self._explorer is not None and (film := self._explorer.film) is not None:
            self.draw(film)

    def _go_to(self, step: int) -> None:
        """Turn the explorer to a step."""
        if self._explorer is not None:
            self._explorer.step = step
