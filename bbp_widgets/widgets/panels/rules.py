"""A bqplot panel: what each pixel or feature gets of the bias under one rule, against what it gets under another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bqplot
import ipywidgets
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
_TITLE = "bias attribution, rule against rule: draw a lasso"


class RuleScatter(Panel):
    """One dot for each pixel or feature: its bias attribution in the active lane, and in another one.

    Draw a lasso around dots: ``selected`` has their places, and the explorer's selection goes to the one among them
    that has the most. ``furthest`` selects the dots on which the rules disagree most, and ``controls()`` is a field for
    it, by keyboard. On the dashed line both rules agree.

    Of several inputs the dots are those of the one whose maps are shown, or else of the one with the selected unit.
    """

    against = traitlets.Int(None, allow_none=True, help="The other lane; None takes the next one.")
    selected: traitlets.List[Any] = traitlets.List(
        help="Places in the picture, (row, column), or columns of a table, within the lasso."
    )

    furthest = traitlets.Int(
        0, min=0, help="As many dots as are selected by their distance from the line; 0 where a lasso chose."
    )

    def __init__(self, explorer: Explorer | None = None, **traits: Any) -> None:
        """Start empty, or with two lanes of ``explorer``."""
        self._x = bqplot.LinearScale(min=-1.0, max=1.0, allow_padding=False)
        self._y = bqplot.LinearScale(min=-1.0, max=1.0, allow_padding=False)
        scales = {"x": self._x, "y": self._y}
        self._places: Array = np.zeros(0, dtype=np.int64)
        self._width, self._entry, self._frame, self._is_table = 1, 0, 0, False
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
            title=_TITLE,
            fig_margin={"top": 28, "bottom": 46, "left": 72, "right": 24},
        )  # fmt: skip
        self.layout.height, self.layout.width = "380px", "420px"
        self.layout.flex = "0 0 auto"  # a square beside what takes the room that is left
        self.interaction = bqplot.interacts.LassoSelector(marks=[self._dots], color=POSITIVE)
        self._dots.observe(self._on_lasso, names=["selected"])
        for name, value in traits.items():
            setattr(self, name, value)
        self.observe(lambda change: self._redraw(), names=["against"])
        self.observe(lambda change: self._take_furthest(), names=["furthest"])
        if explorer is not None:
            self.link(explorer)

    def draw(self, film: Film) -> None:
        """Draw the active lane's bias attribution against the other's, if that is there."""
        other, name = self._other()
        self._entry = self._chosen(film)
        self._frame = len(film.header["frames"]) - 1 + self._entry
        mine, theirs = (None if one is None else _bias_of(one, self._entry) for one in (film, other))
        assert mine is not None
        source = _of_entry(film, self._entry)["input"]
        self._is_table, self._width = source["kind"] == "vector", mine.shape[1]
        self.title = f"{source['title']}: {_TITLE}" if film.header["others"] else _TITLE
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
        self.selected, self.furthest = [], 0

    def controls(self) -> ipywidgets.HBox:
        """Return a field for how many of the furthest dots are selected: by keyboard what the lasso does by hand."""
        field = ipywidgets.BoundedIntText(
            self.furthest, min=0, max=_MOST, description="furthest from the line",
            style={"description_width": "initial"}, layout={"width": "240px"},
        )  # fmt: skip
        traitlets.link((self, "furthest"), (field, "value"))
        return self._held(ipywidgets.HBox([field]))

    def _take_furthest(self) -> None:
        if self.furthest:
            self._dots.selected = self._apart(self.furthest)

    def _apart(self, count: int) -> Array:
        """Return which dots are furthest from the line."""
        apart = np.abs(np.asarray(self._dots.x) - np.asarray(self._dots.y))
        return np.sort(np.argsort(-apart, kind="stable")[:count])

    def _linked(self, explorer: Explorer) -> None:
        self._follow(lambda change: self._redraw(), "lane", "lanes", "arrivals")
        self._follow(lambda change: self._turn(), "step", "selection")

    def _turn(self) -> None:
        """Draw another input, once it is the chosen one."""
        film = None if self._explorer is None else self._explorer.film
        if film is not None and self._chosen(film) != self._entry:
            self.draw(film)

    def _chosen(self, film: Film) -> int:
        """Return which input is looked at: the one at the step, or the one that the selected unit is of."""
        if self._explorer is None:
            return 0
        first, unit = len(film.header["frames"]) - 1, self._explorer.selection
        step = self._explorer.step
        frame = step if step >= first else first if unit is None else unit["frame"]
        return min(max(frame - first, 0), len(film.header["others"]))

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
        if not np.array_equal(inside, self._apart(self.furthest)):
            self.furthest = 0  # by hand
        places = self._places[inside]
        if self._is_table:
            self.selected = [int(place) for place in places]
        else:
            self.selected = [(int(place) // self._width, int(place) % self._width) for place in places]
        if len(places) and self._explorer is not None:
            size = np.maximum(np.abs(self._dots.x[inside]), np.abs(self._dots.y[inside]))
            unit = self._unit(int(places[int(size.argmax())]))
            if unit is not None:
                self._explorer.selection = {"frame": self._frame, "at": unit}

    def _unit(self, place: int) -> list[int] | None:
        """Return the unit of the input at a place: of a picture, in the channel with the most mass."""
        film = None if self._explorer is None else self._explorer.film
        if film is None:
            return None
        entry = _of_entry(film, self._entry)
        source, pictures = entry["input"], entry["pictures"]
        shape = source["shape"]
        if self._is_table or len(shape) == 1:
            return [place]
        if source["kind"] == "signal":
            height, width = pictures["height"], pictures["width"]
            apart = (source["channels"], source["length"]) == (height, width)
            return [place // width, 0, place % width] if apart else None
        if len(shape) != 3 or shape[1:] != [pictures[side] for side in ("height", "width")]:
            return None  # summed over blocks: no one unit is meant
        row, column = place // self._width, place % self._width
        shown = film.frame(self._frame)["tensor"].get("shown") or [0]
        return [int(shown[0]), row, column]


def _of_entry(film: Film, entry: int) -> dict[str, Any]:
    """Return what a film says of one input: ``input`` and ``pictures``."""
    header = film.header
    return header if entry == 0 else dict(header["others"][entry - 1])


def _bias_of(film: Film, entry: int) -> Array:
    """Return the bias attribution of an input, (H, W): of a picture summed over channels, of a signal its lanes."""
    pictures = _of_entry(film, entry)["pictures"]
    shape = pictures["height"], pictures["width"]
    start = pictures["bias"]
    count = shape[0] * shape[1]
    return np.frombuffer(film.body, dtype="<f4", count=count, offset=start).reshape(shape)
