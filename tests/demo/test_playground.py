"""A shape that is moved: the explorer follows, and what was overtaken on the way is not computed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from widgets.pages import LONG, Page

import bbp_widgets as bbp
from bbp_widgets.demo.playground import Playground


@pytest.fixture
def playground() -> Iterator[Playground]:
    made = bbp.demo.shapes_playground(rules=["proportional", "uniform"])
    assert made.explorer.wait(LONG)
    yield made
    made.explorer.close()
    assert made.explorer.wait(LONG)


def test_the_bias_follows_the_square(playground: Playground) -> None:
    page = Page(playground.explorer)
    demo = bbp.demo.shapes()

    def middle() -> float:
        """Return the mean column of the bias, weighted by its size."""
        sizes = playground.explorer.attribution.bias.abs().sum((0, 1, 2))  # type: ignore[union-attr]
        return float((sizes * torch.arange(len(sizes))).sum() / sizes.sum())

    places = []
    for x in (20, 44):
        playground.x.value = x
        assert playground.explorer.wait(LONG)
        places.append(middle())
        expected = bbp.attribute(demo.network, demo.prepare(playground.picture()))
        torch.testing.assert_close(playground.explorer.attribution.bias, expected.bias)
    assert places[1] - places[0] > 10
    assert page.replies("forget") == [{"type": "forget", "sample": 0}] * 2
    assert [film["answers"] for film in page.films()] == [None, None]
    assert playground.explorer.stage.error == {}


def test_every_tool_draws_another_picture(playground: Playground) -> None:
    before = playground.picture()
    moves = {
        "shape": "star", "x": 20.0, "y": 20.0, "size": 10.0, "rotation": 45.0, "noise": 0.2, "colour": "#00ff00",
        "background": "black",
    }  # fmt: skip
    for name, value in moves.items():
        setattr(getattr(playground, name), "value", value)  # noqa: B010
        after = playground.picture()
        assert (after != before).any(), name
        before = after
    assert playground.explorer.wait(LONG)
    assert playground.explorer.film is not None


def test_what_was_overtaken_is_dropped(playground: Playground) -> None:
    page = Page(playground.explorer)
    for x in range(64):
        playground.x.value = x
    assert playground.explorer.wait(LONG)
    assert len(page.films()) < 64
    demo = bbp.demo.shapes()
    expected = bbp.attribute(demo.network, demo.prepare(playground.picture()))
    torch.testing.assert_close(playground.explorer.attribution.bias, expected.bias)


def test_a_new_input_must_be_like_the_others(playground: Playground) -> None:
    with pytest.raises(bbp.errors.BadInput, match=r"an input is \(3, 64, 64\) torch.float32 here, got"):
        playground.explorer.show(torch.zeros(1, 3, 8, 8))
    with pytest.raises(bbp.errors.BadInput, match="a tensor here, got list"):
        playground.explorer.show([1.0])  # type: ignore[arg-type]


def test_panels_are_drawn_anew(playground: Playground) -> None:
    heard: list[str] = []
    playground.explorer.observe(lambda change: heard.append(change["new"]), names=["shown"])
    playground.y.value = 20
    assert playground.explorer.wait(LONG)
    assert heard[0] == ""
    assert heard[1] != ""
