"""An explorer of a network with several inputs: a tuple, each with the samples along its first axis."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from engine.nets import randomized
from views.examples import Three

import bbp_widgets as bbp
from bbp_widgets.engine import BadInput
from bbp_widgets.views import unpack
from bbp_widgets.widgets.samples import Samples
from bbp_widgets.widgets.save import view_of


def inputs(samples: int = 3) -> tuple[torch.Tensor, ...]:
    made = torch.Generator().manual_seed(7)
    return tuple(torch.randn(samples, *shape, generator=made) for shape in ((3, 6, 5), (2, 9), (4,)))


@pytest.fixture
def explorer() -> Any:
    explorer = bbp.Explorer(randomized(Three()), inputs(), target=1, features=["a", "b", "c", "d"])
    assert explorer.wait(60)
    yield explorer
    explorer.close()


def test_it_explains_what_attribute_does(explorer: Any) -> None:
    explorer.sample = 2
    explorer.wait()
    expected = bbp.attribute(randomized(Three()), tuple(x[2:] for x in inputs()), target=1)
    assert torch.allclose(explorer.attribution.value, expected.value)
    for mine, theirs in zip(explorer.attribution.bias, expected.bias, strict=True):
        assert torch.allclose(mine, theirs)
    header = explorer.film.header
    titles = [entry["input"]["title"] for entry in (header, *header["others"])]
    assert titles == ["picture", "sound", "row"]
    assert header["others"][1]["input"]["names"] == ["a", "b", "c", "d"]
    assert header["input"]["rgb"] is not None
    assert header["input"]["name"] == "3 of 3"


def test_its_python_says_the_same(explorer: Any) -> None:
    names: dict[str, Any] = {"network": randomized(Three()), "inputs": inputs()}
    exec(explorer.python(), names)
    for mine, theirs in zip(names["result"].bias, explorer.attribution.bias, strict=True):
        assert torch.allclose(mine, theirs)


def test_another_sample_can_be_shown_and_must_be_like_the_others(explorer: Any) -> None:
    other = tuple(x[0] + 1 for x in inputs())
    seen = threading.Event()
    explorer.observe(lambda change: seen.set(), names=["shown"])
    explorer.show(other)
    assert seen.wait(60)
    explorer.wait()
    assert torch.equal(explorer.attribution.local.inputs[1][0], other[1])
    for wrong, said in [
        (other[:2], "tuple of 3 tensors"),
        (other[0], "tuple of 3 tensors"),
        ((other[0], other[1], other[2][:3]), r"\(4,\)"),
        ((other[0], other[1], "x"), "tensor here"),
    ]:
        with pytest.raises(BadInput, match=said):
            explorer.show(wrong)


def test_it_saves_a_page_and_stills(explorer: Any, tmp_path: Path) -> None:
    for kind in ("html", "png", "svg", "csv"):
        assert explorer.save(tmp_path / f"x.{kind}").stat().st_size > 1000
    assert "row,a," in (tmp_path / "x.csv").read_text("utf8")


def test_a_saved_page_has_a_unit_of_every_input(explorer: Any) -> None:
    view, _ = view_of(explorer.stage, explorer._desk, [explorer.state])
    header, body = unpack(view.traits["kept"])
    details = [unpack(body[offset : offset + length])[0] for offset, length in header["details"]]
    nodes = {detail["node"] for detail in details if detail["kind"] == "unit"}
    assert {"input_0", "input_1", "input_2"} <= nodes


def test_the_scatter_is_of_the_input_that_is_looked_at(explorer: Any) -> None:
    explorer.lanes = ["proportional", "uniform"]
    explorer.wait()
    panel = bbp.panels.RuleScatter(explorer)
    last = len(explorer.film.header["frames"]) - 1
    first, second = (explorer._desk.attribution(film.header["state"]).bias for film in explorer.films)

    def drawn(entry: int) -> None:
        for axis, part in (("x", first[entry]), ("y", second[entry])):
            wanted = part[0].sum(0) if part.dim() == 4 else part[0]
            np.testing.assert_allclose(
                getattr(panel._dots, axis), wanted.reshape(-1).numpy(), rtol=1e-5, atol=1e-7
            )

    drawn(0)
    assert panel.title.startswith("picture: ")
    explorer.selection = {"frame": last + 1, "at": [1, 0, 4]}
    drawn(1)
    assert panel.title.startswith("sound: ")
    panel._dots.selected = np.array([12])  # of two lanes of nine places
    assert panel.selected == [(1, 3)]
    assert explorer.selection == {"frame": last + 1, "at": [1, 0, 3]}
    explorer.step = last + 2  # at the input the one that is shown counts
    drawn(2)
    panel._dots.selected = np.array([2])
    assert panel.selected == [2]
    assert explorer.selection == {"frame": last + 2, "at": [2]}
    explorer.step = last
    drawn(0)
    panel.close()


def test_a_thumbnail_is_of_the_first_picture_and_pictures_may_be_given() -> None:
    shown = np.full((2, 8, 8, 3), 40, np.uint8)
    sound, picture = torch.randn(2, 2, 9), torch.randn(2, 3, 6, 5)
    samples = Samples((sound, picture), pictures=(None, shown))
    assert samples.pictures(1)[0] is None
    assert np.array_equal(samples.pictures(1)[1], shown[1])  # type: ignore[arg-type]
    header, body = unpack(samples.thumbs())
    assert body[header["items"][0]] == 40
    samples.replace(0, (sound[1], picture[1]))
    assert torch.equal(samples.tensor(0)[1], picture[1:])


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ((), {}, "empty"),
        ((torch.zeros(2, 3), torch.zeros(3, 3)), {}, "2, 3"),
        ((torch.zeros(2, 3), torch.zeros(2)), {}, r"inputs\[1\]"),
        ((torch.zeros(2, 3), [1, 2]), {}, r"inputs\[1\].*list"),
        ((torch.zeros(0, 3), torch.zeros(0, 4)), {}, "empty"),
        (
            (torch.zeros(1, 3, 4, 4), torch.zeros(1, 2)),
            {"pictures": np.zeros((1, 4, 4))},
            "one entry for each",
        ),
    ],
)
def test_what_is_wrong_with_several_inputs_is_said(given: Any, options: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        bbp.Explorer(torch.nn.Linear(3, 2), given, **options)
