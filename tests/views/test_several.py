"""Several inputs: each is drawn for itself, and what is said of all of them adds up."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
import torch
from engine.nets import randomized
from torch import Tensor, nn
from views.examples import several_attribution
from views.seen import check_tensor, floats
from views.test_film import STATE
from views.test_still import images, parsed, texts

import bbp_widgets as bbp
from bbp_widgets.views import film_of, largest_unit, still_csv, still_svg, unit_answer, unpack

#: Sums of float32 in double, against the engine's own.
SINGLE = 1e-6
TITLES = ["picture", "sound", "row"]


def test_the_parts_of_all_inputs_are_the_parts_of_the_answer() -> None:
    result = several_attribution(2)
    made = film_of(result, state=STATE, sample=1, titles=TITLES)
    entries = [made.header, *made.header["others"]]
    assert [entry["input"]["kind"] for entry in entries] == ["picture", "signal", "vector"]
    assert [entry["input"]["title"] for entry in entries] == TITLES
    assert [entry["input"]["shape"] for entry in entries] == [[3, 6, 5], [2, 9], [4]]
    for part, arrays in (("gradient", result.gradient), ("bias", result.bias)):
        sums = [entry["pictures"][f"{part}_sum"] for entry in entries]
        assert sum(sums) == pytest.approx(made.header["totals"][part], abs=SINGLE)
        for entry, whole, array in zip(entries, sums, arrays, strict=True):
            assert whole == pytest.approx(float(array[1].double().sum()), abs=SINGLE)
            pictures = entry["pictures"]
            drawn = floats(made.body, pictures[part], pictures["height"] * pictures["width"])
            assert drawn.sum(dtype=np.float64) == pytest.approx(whole, abs=SINGLE)
    row = entries[2]["pictures"]
    assert np.array_equal(floats(made.body, row["bias"], 4), result.bias[2][1].numpy())
    assert entries[2]["input"]["names"] == ["x0", "x1", "x2", "x3"]


def test_names_are_of_the_inputs_that_they_fit() -> None:
    made = film_of(several_attribution(), state=STATE, features=["a", "b", "c", "d"])
    sound, row = (other["input"] for other in made.header["others"])
    assert (sound["names"], sound["lanes"], row["names"]) == (None, None, ["a", "b", "c", "d"])
    assert [made.header["input"]["title"], sound["title"], row["title"]] == ["input 1", "input 2", "input 3"]
    made = film_of(several_attribution(), state=STATE, features=["left", "right"])
    sound, row = (other["input"] for other in made.header["others"])
    assert (sound["lanes"], row["names"]) == (["left", "right"], ["x0", "x1", "x2", "x3"])


def test_a_still_and_a_csv_have_every_input() -> None:
    result = several_attribution()
    root = parsed(still_svg(result, titles=TITLES, pictures=[None, None, None]))
    assert len(images(root)) == 4
    assert set(TITLES) <= set(texts(root))
    for part in result.bias:
        assert f"Σ {float(part.double().sum()):.6g}" in texts(root)
    _, sound, row = still_csv(result, titles=TITLES).split("\n\n")
    rows = list(csv.DictReader(io.StringIO(row)))
    assert [line["input"] for line in rows] == ["row"] * 4
    assert [float(line["bias"]) for line in rows] == result.bias[2][0].tolist()
    lines = list(csv.DictReader(io.StringIO(sound)))
    assert [float(line["bias"]) for line in lines] == result.bias[1][0].reshape(-1).tolist()


def test_a_term_of_another_input_is_a_unit_of_that_inputs_frame() -> None:
    result = several_attribution()
    frames, last = {}, len(result.ledger) + 1
    for i, step in enumerate(result.ledger, 1):
        if step.module in ("image", "table"):
            unit = [1, 1, 1] if step.module == "image" else [2]
            question = {"kind": "unit", "film": "", "frame": i, "unit": unit}
            answer, _ = unpack(unit_answer(result, question))
            frames[step.module] = {term["frame"] for term in answer["gives"]["terms"]}
    assert frames == {"image": {last}, "table": {last + 2}}
    made = film_of(result, state=STATE)
    assert "NaN" not in json.dumps(made.header)


def test_every_input_has_a_frame_with_what_the_walk_leaves_there() -> None:
    result = several_attribution(2)
    made = film_of(result, state=STATE, sample=1, titles=TITLES)
    last = len(made.header["frames"]) - 1
    for i, place in enumerate(result.entries):
        frame = made.frame(last + i)
        assert frame["name"] == ("input" if i == 0 else TITLES[i])
        check_tensor(made.body, frame["tensor"], place.of(1))
        unit = largest_unit(result, last + i, sample=1)
        question = {"kind": "unit", "film": "", "frame": last + i, "unit": unit}
        answer, _ = unpack(unit_answer(result, question, sample=1))
        assert answer["mass"] == float(place.of(1).mass.abs().max()) * np.sign(answer["mass"])
        assert answer["gives"]["terms"] == []
        assert answer["arrived"] == pytest.approx(answer["mass"], rel=1e-5)
    for beyond in (0, last + 3):
        with pytest.raises(IndexError, match=f"1 to {last + 2}"):
            largest_unit(result, beyond)


class Siamese(nn.Module):
    """Two pictures through one convolution, subtracted; and a signal of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.look, self.more = nn.Conv2d(3, 4, 3, stride=2), nn.Conv2d(4, 5, 3, padding=1)
        self.hear, self.head = nn.Conv1d(2, 3, 5, dilation=2), nn.Linear(8, 3)

    def forward(self, left: Tensor, sound: Tensor, right: Tensor) -> Tensor:
        seen = self.more((self.look(left) - self.look(right)).relu()).tanh().mean((2, 3))
        return self.head(torch.cat([seen, self.hear(sound).sigmoid().mean(2)], 1))


def reached(unit: Tensor, inputs: tuple[Tensor, ...]) -> list[list[set[int]] | None]:
    """Return the rows and columns of each input that a unit changes with; ``None`` where it does with none."""
    found: list[list[set[int]] | None] = []
    for grad in torch.autograd.grad(unit, inputs, retain_graph=True, allow_unused=True):
        places = None if grad is None else (grad[0] != 0).any(0).nonzero()
        found.append(None if places is None else [set(axis.tolist()) for axis in places.T])
    return found


def test_what_a_unit_sees_of_each_input_is_what_it_changes_with() -> None:
    network = randomized(Siamese()).double().eval()
    made = torch.Generator().manual_seed(2)
    shapes = (3, 11, 9), (2, 20), (3, 11, 9)
    inputs = tuple(torch.randn(1, *shape, generator=made, dtype=torch.double) for shape in shapes)
    result = bbp.attribute(network, inputs, target=0)
    frames = {frame["module"]: frame for frame in film_of(result, state=STATE).header["frames"]}
    live = tuple(x.clone().requires_grad_() for x in inputs)
    values: dict[str, Tensor] = {}
    for name in ("more", "hear"):
        getattr(network, name).register_forward_hook(
            lambda module, args, output, name=name: values.update({name: output})
        )
    network(*live)
    for name, unit in (("more", [2, 1, 3]), ("more", [0, 0, 0]), ("hear", [1, 0, 4])):
        at = (0, *(unit if name == "more" else (unit[0], unit[2])))
        for sight, places in zip(frames[name]["sees"], reached(values[name][at], live), strict=True):
            assert (sight is None) == (places is None), name
            if sight is None or places is None:
                continue
            assert sight["placed"]
            for axis, seen in zip((-1, -2), reversed(places), strict=False):
                start, step, size = (sight["field"][key][axis] for key in ("start", "step", "size"))
                first = start + step * unit[axis]
                assert {*range(first, first + size)} >= seen
                assert first <= min(seen) or first == start
    whole = frames["head"]["sees"]
    assert [sight["field"] for sight in whole] == [None] * 3
    assert not any(sight["placed"] for sight in whole)
