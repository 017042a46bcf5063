"""A bqplot panel: what each pixel or feature gets of the bias under one rule, against what it gets under another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bqplot
import numpy as np
import traitlets

from bbp_widgets.views import round_ticks

from .panel import INK, NEGATIVE, POSITIVE, Panel, quiet

if TYPE_CHECKING:
    from bbp_widgets.views import Film

    from ..explorer import Explorer

__all__ = ["RuleScatter"]

Array = np.ndarray[Any, Any]
#: Dots that are drawn: of a larger picture, those with the largest magnitudes.
_MOST = 4096


class RuleScatter(Panel):
    """One dot for each pixel or feature: its bias attribution in the active lane, and in another one.

    Draw a lasso around dots: ``selected`` has their places, and the explorer's selection goes to the one among them
    that has the most. On the dashed line both rules agree.
    """

    against = traitlets.Int(None, allow_none=True, help="The other lane; None takes the next one.")
    selected: traitlets.List[Any] = traitlets.List(
        help="Places in the picture, (row, column), or columns of a table, within the lasso."
    )

    def __init__(self, explorer: Explorer | None = None, **traits: Any) -> None:
        """Start empty, or with two lanes of ``explorer``."""
        self._x = bqplot.LinearScale(min=-1.0, max=1.0, allow_padding=False)
        self._y = bqplot.LinearScale(min=-1.0, max=1.0, allow_padding=False)
        scales = {"x": self._x, "y": self._y}
        self._places: Array = np.zeros(0, dtype=np.int64)
        self._width, self._last, self._is_table = 1, 0, False
        self._dots = bqplot.Scatter(
            x=np.zeros(0), y=np.zeros(0), scales=scales, colors=[NEGATIVE], default_size=12, stroke_width=0,
            opacities=[0.6], selected_style={"fill": POSITIVE, "opacity": 1.0},
            unselected_style={"opacity": 0.25},
        )  # fmt: skip
        self._line = bqplot.Lines(
            x=[-1.0, 1.0], y=[-1.0, 1.0], scales=scales, colors=[INK], line_style="dashed", stroke_width=1
        )
        self._across = bqplot.Axis(scale=self._x, tick_format=".2~g", label_offset="34px", **quiet())
        self._up = bqplot.Axis(scale=self._y, side="left", tick_format=".2~g", label_offset="44px", **quiet())
        super().__init__(
            None, marks=[self._dots, self._line], axes=[self._across, self._up],
            title="bias attribution, rule against rule: draw a lasso",
            fig_margin={"top": 28, "bottom": 46, "left": 72, "right": 24},
        )  # fmt: skip
        self.layout.height, self.layout.width = "380px", "420px"
        self.interaction = bqplot.interacts.LassoSelector(marks=[self._dots])
        self._dots.observe(self._on_lasso, names=["selected"])
        for name, value in traits.items():
            setattr(self, name, value)
        self.observe(lambda change: self._redraw(), names=["against"])
        if explorer is not None:
            self.link(explorer)

    def draw(self, film: Film) -> None:
        """Draw the active lane's bias attribution against the other's, if that is there."""
        other, name = self._other()
        mine, theirs = _bias_of(film), None if other is None else _bias_of(other)
        frames = film.header["frames"]
        self._last, self._is_table = len(frames) - 1, film.header["input"]["kind"] == "vector"
        self._width = mine.shape[1]
        if theirs is None or theirs.shape != mine.shape:
            theirs = mine
        x, y = mine.reshape(-1), theirs.reshape(-1)
        sizes = np.nan_to_num(np.maximum(np.abs(x), np.abs(y)), nan=-1.0, posinf=-1.0)
        known = np.flatnonzero(sizes >= 0)
        self._places = np.sort(known[np.argsort(-sizes[known], kind="stable")[:_MOST]])
        limit = float(sizes.max(initial=0.0)) * 1.05 or 1.0
        with self._x.hold_sync(), self._y.hold_sync():
            self._x.min, self._x.max, self._y.min, self._y.max = -limit, limit, -limit, limit
        with self._dots.hold_sync():
            self._dots.selected = None
            self._dots.x, self._dots.y = x[self._places], y[self._places]
        with self._line.hold_sync():
            self._line.x, self._line.y = [-limit, limit], [-limit, limit]
        ticks = np.array(round_ticks(-limit, limit))
        self._across.tick_values, self._up.tick_values = ticks, ticks
        mine_is = str(film.header["state"]["rule"])
        if self._explorer is not None and other is not None and name == mine_is:  # another parameter or plan
            lane = self._explorer.lane
            mine_is, name = f"{name}, lane {lane + 1}", f"{name}, lane {self._place(lane) + 1}"
        self._across.label, self._up.label = mine_is, name
        self.selected = []

    def _linked(self, explorer: Explorer) -> None:
        self._follow(lambda change: self._redraw(), "lane", "lanes", "arrivals")

    def _other(self) -> tuple[Film | None, str]:
        """Return the film of the other lane, and what its rule is called."""
        if self._explorer is None:
            return None, "itself"
        films, lane = self._explorer.films, self._explorer.lane
        place = self._place(lane)
        film = films[place] if 0 <= place < len(films) and place != lane else None
        return film, "itself" if film is None else str(film.header["state"]["rule"])

    def _place(self, lane: int) -> int:
        """Return which lane the active one is drawn against."""
        assert self._explorer is not None
        return (lane + 1) % len(self._explorer.lanes) if self.against is None else self.against

    def _on_lasso(self, change: dict[str, Any]) -> None:
        inside = np.asarray(change["new"] if change["new"] is not None else [], dtype=np.int64)
        inside = inside[(inside >= 0) & (inside < len(self._places))]
        places = self._places[inside]
        if self._is_table:
            self.selected = [int(place) for place in places]
        else:
            self.selected = [(int(place) // self._width, int(place) % self._width) for place in places]
        if len(places) and self._explorer is not None:
            size = np.maximum(np.abs(self._dots.x[inside]), np.abs(self._dots.y[inside]))
            unit = self._unit(int(places[int(size.argmax())]))
            if unit is not None:
                self._explorer.selection = {"frame": self._last, "at": unit}

    def _unit(self, place: int) -> list[int] | None:
        """Return the unit of the input at a place: of a picture, in the channel with the most mass."""
        film = None if self._explorer is None else self._explorer.film
        if film is None:
            return None
        shape = film.header["input"]["shape"]
        if self._is_table:
            return [place]
        if len(shape) != 3 or shape[1:] != [film.header["pictures"][side] for side in ("height", "width")]:
            return None  # summed over blocks: no one unit is meant
        row, column = place // self._width, place % self._width
        shown = film.header["frames"][self._last]["tensor"].get("shown") or [0]
        return [int(shown[0]), row, column]


def _bias_of(film: Film) -> Array:
    """Return the bias attribution of a film, summed over channels, (H, W)."""
    shape = film.header["pictures"]["height"], film.header["pictures"]["width"]
    start = film.header["pictures"]["bias"]
    count = shape[0] * shape[1]
    return np.frombuffer(film.body, dtype="<f4", count=count, offset=start).reshape(shape)
