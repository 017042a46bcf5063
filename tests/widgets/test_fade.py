"""The fading widget without a browser: t moves, and what is shown is what w·x + t·b answers."""

from __future__ import annotations

import gc
import io
import warnings
import weakref
from collections.abc import Iterator

import ipywidgets
import numpy as np
import pytest
import traitlets
from PIL import Image

from bbp_widgets.views import Fading
from bbp_widgets.widgets import Fade, curve_lines, interval_bars

EVIL = "<img src=x onerror=alert(1)>"

GRADIENT = np.array([[2.0, 0.0], [1.0, 0.0], [0.0, 1.0]], np.float32)
BIAS = np.array([[0.0, 4.0], [0.0, 2.0], [1.5, 0.0]], np.float32)
LABELS = np.array([1, 1, 0])
# sample 0 turns to 1 past t = 0.5, as sample 1; sample 2 turns to 0 past t = 2/3


def test_answers_by_hand() -> None:
    fading = Fading(GRADIENT, BIAS, LABELS, points=5)
    assert fading.t.tolist() == [0, 0.5, 1, 1.5, 2]
    assert fading.answers(0).tolist() == [0, 0, 1]
    assert fading.answers(0.6).tolist() == [1, 1, 1]
    assert fading.whole.tolist() == [1, 1, 0]
    assert fading.accuracy[0] == 0.0
    assert fading.accuracy[2:].tolist() == [1, 1, 1]
    assert fading.changed(0.6).tolist() == [2]
    with pytest.raises(ValueError, match="gradient and bias"):
        Fading(GRADIENT, BIAS[:2], LABELS)


def test_moving_t_shows_who_changed() -> None:
    fade = Fade(GRADIENT, BIAS, LABELS, classes=["cat", EVIL])
    assert fade.changed == []
    assert fade.accuracy == 1.0
    fade._box.value = 0.6  # what typing does
    assert fade.t == fade._slider.value == 0.6
    assert fade.changed == [2]
    assert fade._lines[0].value == f"cat → {EVIL}, is cat"
    fade._slider.value = 0.0
    assert fade.changed == [0, 1, 2]
    assert fade.accuracy == 0.0
    assert fade._mark.x.tolist() == [0, 0]
    assert [card.layout.display for card in fade._cards[:4]] == [None, None, None, "none"]
    fade.close()


def test_t_stays_within_its_ends() -> None:
    fade = Fade(GRADIENT, BIAS, LABELS, most=1.5)
    with pytest.raises(traitlets.TraitError, match=r"0 to 1\.5"):
        fade.t = 3.0
    fade.close()


def test_pictures_are_those_of_the_samples() -> None:
    pictures = np.stack([np.full((4, 4), 60 * k, np.uint8) for k in range(3)])
    fade = Fade(GRADIENT, BIAS, LABELS, pictures=pictures, shown=2, t=0.0)
    shown = np.asarray(Image.open(io.BytesIO(fade._images[1].value)))
    assert (shown == 60).all()
    assert fade._more.value == "and 1 more"
    fade.close()
    with pytest.raises(ValueError, match="3 samples need 3 pictures"):
        Fade(GRADIENT, BIAS, LABELS, pictures=pictures[:2])


def test_names_are_never_html() -> None:
    def below(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
        yield widget
        for child in getattr(widget, "children", ()):
            yield from below(child)

    fade = Fade(GRADIENT, BIAS, LABELS, classes=["a", EVIL], t=0.0)
    assert not any(isinstance(widget, (ipywidgets.HTML, ipywidgets.HTMLMath)) for widget in below(fade))
    fade.close()


def test_a_closed_widget_leaves_nothing_behind() -> None:
    def opened() -> set[str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return set(ipywidgets.widgets.widget._instances)

    before = opened()
    fade = Fade(GRADIENT, BIAS, LABELS)
    gone = weakref.ref(fade)
    fade.close()
    left = [ipywidgets.widgets.widget._instances[key] for key in opened() - before]
    looks = (ipywidgets.Layout, ipywidgets.Style)
    assert {type(widget).__name__ for widget in left if not isinstance(widget, looks)} == set()
    del fade, left
    gc.collect()
    assert gone() is None


def test_bars_and_lines_stand_where_they_should() -> None:
    figure = interval_bars(["a", "b"], [1.0, -2.0], [(0.5, 1.5), (-3.0, -1.0)], "title")
    bars, spans = figure.marks
    assert bars.x.tolist() == [1, 0]  # the first at the top
    assert spans.x.tolist() == [[0.5, 1.5], [-3.0, -1.0]]
    assert figure.axes[1].tick_labels == {"1": "a", "0": "b"}
    assert figure.axes[0].scale.min < -3.0
    lines = curve_lines([0.0, 1.0], {"a": [1.0, 0.0], "b": [1.0, 0.5]}, "title", "x")
    assert [mark.labels for mark in lines.marks] == [["a"], ["b"]]
