"""Every number that a lesson states is worked out here from its network, by torch's autograd and by hand.

Nothing of the engine is used for a number, but for the walk through a large network; the sums of that are checked.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from widgets.pages import LONG

import bbp_widgets as bbp
from bbp_widgets.lessons import LESSONS, lesson_1, lesson_2, lesson_3, lesson_4, lesson_5, lesson_6
from bbp_widgets.lessons.words import figure, filled

NUMBERS = range(1, len(LESSONS) + 1)
SHEETS = Path(__file__).parents[2] / "docs" / "lessons"
NAME = re.compile(r"\{(\w+)\}")
#: What the lessons compute by hand is exact in float32.
EXACT = 1e-6


def parts(network: nn.Module, x: Tensor, target: int = 0) -> tuple[float, float, float, Tensor]:
    """Return the target, w·x, b and w at an input (1, ...), by autograd alone."""
    x = x.clone().requires_grad_()
    value = network(x)[0, target]
    (w,) = torch.autograd.grad(value, x)
    wx = float((w * x).double().sum())
    return float(value), wx, float(value) - wx, w


def proportional(strengths: list[float], mass: float) -> list[float]:
    total = sum(map(abs, strengths))
    return [abs(strength) / total * mass for strength in strengths]


def one() -> dict[str, float]:
    network, flats = lesson_1.network(), lesson_1.inputs()
    rent, wx, b, w = parts(network, flats[:1])
    far_rent, far_wx, far_b, _ = parts(network, flats[1:])
    assert abs(far_b - b) < EXACT
    products = (w[0] * flats[0]).tolist()
    rooms, distance = proportional(products, b)
    return {
        "w_rooms": float(w[0, 0]), "w_distance": float(w[0, 1]), "size_distance": -float(w[0, 1]), "b": b,
        "rooms": float(flats[0, 0]), "distance": float(flats[0, 1]), "from_rooms": products[0],
        "from_distance": products[1], "wx": wx, "rent": rent, "far_rooms": float(flats[1, 0]),
        "far_distance": float(flats[1, 1]), "far_wx": far_wx, "far_rent": far_rent,
        "strengths": sum(map(abs, products)), "strength_distance": abs(products[1]), "bias_rooms": rooms,
        "bias_distance": distance,
    }  # fmt: skip


def two() -> dict[str, float]:
    network, inputs = lesson_2.network(), lesson_2.inputs()
    assert isinstance(network, nn.Sequential)
    first, last = network.first, network.last
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    y, wx, b, w = parts(network, inputs[:1])
    y_two, _, b_two, _ = parts(network, inputs[1:2])
    y_low, _, b_low, w_low = parts(network, inputs[2:])
    w1, b1, w2, b2 = (float(t) for t in (first.weight, first.bias, last.weight, last.bias))
    return {
        "w1": w1, "b1": b1, "size_b1": -b1, "w2": w2, "b2": b2, "x": float(inputs[0]), "inner": float(first(inputs[0])),
        "y": y, "w": float(w), "wx": wx, "b": b, "size_b": -b, "first_adds": w2 * b1, "x_two": float(inputs[1]),
        "y_two": y_two, "b_two": b_two, "x_low": float(inputs[2]), "inner_low": float(first(inputs[2])), "y_low": y_low,
        "w_low": float(w_low), "b_low": b_low, "fold": -b1 / w1, "nothing": 0.0,
    }  # fmt: skip


def three() -> dict[str, float]:
    network, x = lesson_3.network(), lesson_3.inputs()
    assert isinstance(network, nn.Sequential)
    hidden, out = network.hidden, network.out
    assert isinstance(hidden, nn.Linear)
    assert isinstance(out, nn.Linear)
    y, wx, b, w = parts(network, x)
    inner = hidden(x)[0].tolist()
    opened = [max(0.0, value) for value in inner]
    v, b_out, biases = out.weight[0].tolist(), float(out.bias), hidden.bias.tolist()
    strengths = [weight * value for weight, value in zip(v, opened, strict=True)]
    shares = proportional(strengths, b_out)
    own = [weight * bias * (value > 0) for weight, bias, value in zip(v, biases, inner, strict=True)]
    mass = [share + added for share, added in zip(shares, own, strict=True)]
    products = (hidden.weight * x).tolist()
    given = [proportional(row, held) for row, held in zip(products, mass, strict=True)]
    bias = [sum(row[i] for row in given) for i in range(2)]
    assert abs(sum(bias) - b) < EXACT
    assert mass[2] == 0
    assert given[1][0] == given[1][1]
    return {
        "x_a": float(x[0, 0]), "x_b": float(x[0, 1]), "h_a": inner[0], "h_b": inner[1], "h_c": inner[2],
        "v_a": v[0], "v_b": v[1], "v_c": v[2], "y": y, "b_out": b_out, "s_a": strengths[0], "s_b": strengths[1],
        "s_sum": sum(strengths), "share_a": shares[0], "share_b": shares[1], "own_a": own[0], "own_b": own[1],
        "hidden_adds": sum(own), "mass_a": mass[0], "mass_b": mass[1], "bias_of_a": biases[0], "bias_of_b": biases[1],
        "none": opened[2], "t_aa": products[0][0], "t_ab": products[0][1],
        "t_sum": sum(products[0]), "to_a_from_a": given[0][0],
        "to_b_from_a": given[0][1], "from_b": given[1][0], "bias_a": bias[0], "bias_b": bias[1], "b": b, "wx": wx,
        "w_b": float(w[0, 1]), "cut_gradient_out": sum(strengths), "cut_bias_out": y - sum(strengths),
    }  # fmt: skip


def four() -> dict[str, float]:
    network, x = lesson_4.network(), lesson_4.inputs()
    y, wx, b, w = parts(network, x)
    s = (w * x)[0].tolist()
    size = math.sqrt(sum(strength**2 for strength in s) / len(s))
    pushes = [math.exp(strength / size) for strength in s]  # b is positive
    aligned = [push / sum(pushes) * b for push in pushes]
    prop = proportional(s, b)
    assert max(map(abs, s)) == s[0]
    return {
        "bias": b, "wx": wx, "y": y, "sizes": sum(map(abs, s)), "uniform": b / len(s), "four": len(s), "winner_a": b,
        **{f"s_{name}": value for name, value in zip("abcd", s, strict=True)},
        **{f"prop_{name}": value for name, value in zip("abcd", prop, strict=True)},
        **{f"aligned_{name}": value for name, value in zip("abcd", aligned, strict=True)},
    }  # fmt: skip


def five() -> dict[str, float]:
    digits, inputs = lesson_5.network(), lesson_5.inputs()
    value, wx, b, _ = parts(digits, inputs[:1], 0)
    one_value, _, one_b, _ = parts(digits, inputs[1:2], 1)
    at = bbp.attribute(digits, inputs[:1], target=0)
    assert abs(float(at.bias.sum()) - b) < 1e-4  # type: ignore[union-attr]
    channels = at.at("block1.bn1").mass[0]
    adds = added(at)
    order = sorted(adds, key=lambda name: -adds[name])
    assert order[:2] == ["block1.bn1", "block2.bn2"]
    pixel = int(at.bias.abs().argmax())  # type: ignore[union-attr]
    assert float(inputs[0].flatten()[pixel]) > 0  # it lies on the stroke
    one_adds = added(bbp.attribute(digits, inputs[1:2], target=1))
    sizes = channels.abs().sum((1, 2))
    inside = nn.functional.conv2d(torch.ones(1, 1, 8, 8), torch.ones(1, 1, 3, 3), padding=1)[0, 0]
    side = int(at.at("block2.bn2").mass.shape[-1])
    return square() | {
        "side": inputs.shape[-1], "window": float(inside[4, 4]), "corner": float(inside[0, 0]),
        "edge": float(inside[0, 4]),
        "max_cell": 4, "max_gets": 1, "pool_side": side, "mean_cells": side**2, "value": value, "wx": wx, "b": b,
        "channels": len(channels), "first_norm_adds": adds["block1.bn1"], "second_norm_adds": adds["block2.bn2"],
        "channel": int(sizes.argmax()), "channel_mass": float(channels[int(sizes.argmax())].sum()),
        "row": pixel // 8, "column": pixel % 8, "pixel_bias": float(at.bias.flatten()[pixel]),  # type: ignore[union-attr]
        "one_value": one_value, "one_b": one_b, "one_negative": min(one_adds.values()),
        "one_positive": max(one_adds.values()),
    }  # fmt: skip


def square() -> dict[str, float]:
    """Return what lesson five says of a shape."""
    network, x = lesson_5.shapes_network(), lesson_5.shape()
    value, wx, b, _ = parts(network, x, lesson_5.SQUARE)
    at = bbp.attribute(network, x, target=lesson_5.SQUARE)
    adds = added(at)
    order = sorted(adds, key=lambda name: adds[name])
    assert (order[0], order[-1]) == ("block3.bn2", "block3.bn1")
    mass, last, pooled = (at.at(name).mass[0] for name in ("block2.bn2", "block3.bn1", "stem.relu"))
    channel, row, column = places(mass.argmax(), mass.shape)
    assert mass.argmax() == mass.abs().argmax()  # the strongest orange is the strongest colour
    _, over, along = places(at.bias[0].sum(0)[None].argmax(), (1, 64, 64))  # type: ignore[union-attr]
    assert (over // 4, abs(along // 4 - column) <= 1) == (row, True)  # where the unit is
    most = last[int(last.abs().sum((1, 2)).argmax())]
    assert all(most[ring].median() < most[2:-2, 2:-2][most[2:-2, 2:-2] > 0].median() for ring in (0, -1))
    cells = (pooled != 0).unflatten(1, (32, 2)).unflatten(3, (32, 2)).sum((2, 4))
    assert int(cells.max()) == 1
    windows = nn.functional.conv2d(torch.ones(1, 1, 8, 8), torch.ones(1, 1, 3, 3), padding=1)[0, 0]
    return {
        "large_side": x.shape[-1], "square_value": value, "square_wx": wx, "square_b": b, "takes": adds[order[0]],
        "gives": adds[order[-1]], "unit_channel": channel, "unit_row": row, "unit_column": column,
        "unit_mass": float(mass.max()), "map_side": mass.shape[-1], "last_side": last.shape[-1],
        "last_places": last[0].numel(), "clean": clean(network), "middle_windows": float(windows[4, 4]),
        "corner_windows": float(windows[0, 0]), "quarter": 100 / 4, "square_row": over, "square_column": along,
        "square_pixel_bias": float(at.bias[0].sum(0).max()),  # type: ignore[union-attr]
    }  # fmt: skip


def places(index: Tensor, shape: tuple[int, ...]) -> list[int]:
    return [int(place) for place in torch.unravel_index(index, shape)]


def clean(network: nn.Module) -> int:
    """Count the places of the last maps that depend on no zero beside the picture: nothing there is padding."""
    seen = torch.ones(1, 1, 64, 64)
    for name, layer in network.named_modules():
        if isinstance(layer, nn.MaxPool2d):
            seen = 1 - nn.functional.max_pool2d(1 - seen, layer.kernel_size, layer.stride)  # type: ignore[arg-type]
        elif isinstance(layer, nn.Conv2d) and "skip" not in name:
            ones = torch.ones(1, 1, *layer.kernel_size)
            whole = nn.functional.conv2d(seen, ones, stride=layer.stride, padding=layer.padding)
            seen = (whole == ones.numel()).float()
    return int(seen.sum())


def six() -> dict[str, float]:
    norm = nn.BatchNorm1d(1, eps=0.0).eval()
    with torch.no_grad():
        norm.weight.fill_(2.0)
        norm.bias.fill_(1.0)
        norm.running_mean.fill_(3.0)  # type: ignore[union-attr]
        norm.running_var.fill_(4.0)  # type: ignore[union-attr]
    _, _, norm_b, norm_w = parts(norm, torch.tensor([[7.0]]))
    network, inputs = lesson_6.network(), lesson_6.inputs()
    value, wx, b, _ = parts(network, inputs[:1], 0)
    adds = added(bbp.attribute(network, inputs[:1], target=0))
    assert max(adds, key=lambda name: adds[name]) == "block2.bn2"
    assert int(network(inputs[:1]).argmax()) == 0
    shapes, digits = bbp.demo.shapes(), bbp.demo.digits()
    each = torch.tensor([parts(network, inputs[:1], k)[1] for k in range(len(shapes.classes))])
    assert shapes.classes[int(each.argmax())] == "hexagon"
    whole, by_wx, by_b = percentages(network, *shapes.held_out(lesson_6.PICTURES))
    d_whole, d_wx, d_b = percentages(digits.network, *digits.held_out(lesson_6.PICTURES))
    return {
        "gamma": 2, "beta": 1, "mu": 3, "sigma": 2, "norm_w": float(norm_w), "norm_b": norm_b, "norm_shift": 2 * 3 / 2,
        "value": value, "wx": wx, "b": b, "classes": len(shapes.classes), "chance": 100 / len(shapes.classes),
        "pictures": lesson_6.PICTURES, "all_right": whole, "wx_right": by_wx, "b_right": by_b,
        "top_adds": max(adds.values()),
        "digits_all": d_whole, "digits_wx": d_wx, "digits_b": d_b,
    }  # fmt: skip


def added(attribution: bbp.Attribution) -> dict[str, float]:
    """Return what each layer adds, after a look at whether the walk adds up."""
    assert attribution.residual.abs().max() < 1e-4
    return {step.module: float(step.intercept[0]) for step in attribution.ledger if step.adds}


def percentages(network: nn.Module, inputs: Tensor, labels: Tensor) -> list[float]:
    """Return how many of a hundred are right by the output, by w·x and by b: J·x by forward mode."""
    network = network.double()
    x = inputs.double()
    output, product = torch.func.jvp(network, (x,), (x,))
    network.float()
    found = [output, product, output - product]
    return [float((part.argmax(1) == labels).double().mean()) * 100 for part in found]


ORACLES: tuple[Callable[[], dict[str, float]], ...] = (one, two, three, four, five, six)


def strings(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for value in part.values():
            yield from strings(value)
    elif isinstance(part, (list, tuple)):
        for value in part:
            yield from strings(value)


def decimals(value: float) -> int:
    return len(f"{value:.6g}".partition(".")[2])


@pytest.mark.parametrize("number", NUMBERS)
def test_every_number_is_the_networks(number: int) -> None:
    stated, computed = LESSONS[number - 1].NUMBERS, ORACLES[number - 1]()
    assert set(stated) == set(computed)
    for name, value in stated.items():
        # a number says as much as its digits do
        assert abs(value - computed[name]) <= 0.5 * 10 ** -decimals(value) + EXACT, (
            name,
            value,
            computed[name],
        )


@pytest.mark.parametrize("number", NUMBERS)
def test_no_number_stands_in_the_text_itself(number: int) -> None:
    lesson = LESSONS[number - 1]
    used = {name for text in strings(lesson.STEPS) for name in NAME.findall(text)}
    assert used <= set(lesson.NUMBERS)
    # code names layers, units and formulas; those of lesson three are checked below
    names = r"`[^`]*`|\bx[01]\b|block\d\.bn\d"
    for step in lesson.STEPS:
        question = step.get("question") or {}
        said = [step["text"], *(question.get(name, "") for name in ("ask", "right", "wrong"))]
        for text in [*said, *question.get("choices", [])]:
            assert not re.search(r"\d", re.sub(names, "", NAME.sub("", text))), text


@pytest.mark.parametrize(
    ("lesson", "ask", "part"),
    [
        (lesson_1, "How much of the rent is not in w·x?", "ledger"),
        (lesson_1, "How much of b goes to the rooms?", "pictures"),
        (lesson_3, "How much does the layer `hidden` add?", "rail"),
        (lesson_3, "How much bias does x1 get in all?", "pictures"),
        (lesson_4, "Which input gets nothing?", "pictures"),
    ],
)
def test_an_answer_is_not_on_the_screen_before_it_is_asked_for(lesson: Any, ask: str, part: str) -> None:
    (asked,) = (
        place for place, step in enumerate(lesson.STEPS) if step.get("question", {}).get("ask") == ask
    )
    shown = [
        place + 1
        for place, step in enumerate(lesson.STEPS[: asked + 1])
        if part not in (*lesson.HIDE, *step.get("hide", ()))
    ]
    assert shown == []


def test_the_formulas_of_lesson_three_are_its_network() -> None:
    (network, x) = (lesson_3.network(), torch.randn(20, 2, generator=torch.Generator().manual_seed(0)))
    code = re.findall(r"`(\w+) = ([^`]*)`", filled(lesson_3.STEPS[0]["text"], lesson_3.NUMBERS))
    assert [name for name, _ in code] == ["h0", "h1", "h2", "y"]
    values: dict[str, Any] = {"relu": torch.relu, "x0": x[:, 0], "x1": x[:, 1]}
    for name, formula in code:
        values[name] = eval(formula.replace("·", "*").replace("−", "-"), {}, values)
    torch.testing.assert_close(values["y"], network(x)[:, 0])


@pytest.mark.parametrize("number", NUMBERS)
def test_a_lesson_opens_and_is_plain_data(number: int) -> None:
    steps = bbp.lessons.steps(number)
    assert json.loads(json.dumps(steps)) == steps
    assert not any("{" in text for text in strings(steps))
    lesson = bbp.lessons.lesson(number, seed=1)
    assert lesson.steps == steps
    for explorer in lesson.explorers.values():
        assert explorer.wait(LONG)
        assert explorer.stage.error == {}
    questions = [step["question"] for step in steps if step.get("question")]
    assert 4 <= len(questions) <= len(steps) <= 14
    assert all(question["right"] and question["wrong"] for question in questions)
    closed(lesson)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_truth_is_what_the_walk_says(number: int) -> None:
    """Questions about places are answered by the films that the reader sees."""
    lesson = bbp.lessons.lesson(number)
    for step in lesson.card.steps:
        question = step["question"]
        if question is None or question["kind"] not in ("layer", "unit"):
            continue
        explorer = [*lesson.explorers.values()][step["stage"]]
        explorer.state = step["look"]
        attribution = explorer.attribution
        if question["kind"] == "layer":
            (frame,) = question["truths"]
            adds = [float(one.intercept[0]) for one in attribution.ledger]
            sign = -1 if "negative" in question["ask"] else 1
            assert max(range(len(adds)), key=lambda i: sign * adds[i]) == frame - 1
        else:
            (unit,) = question["truths"]
            frame = unit["frame"]
            place = attribution.entries[0] if frame > len(attribution.ledger) else attribution.at(frame - 1)
            values = place.value if step["look"]["tensor"] == "value" else place.mass
            most = values[0].argmax() if "most" in question["ask"] else values[0].argmin()
            assert places(most, values[0].shape) == unit["at"]
    closed(lesson)


def closed(lesson: bbp.Lesson) -> None:
    lesson.close()
    for explorer in lesson.explorers.values():
        explorer.close()


@pytest.mark.parametrize("number", NUMBERS)
def test_a_sheet_goes_with_it_and_its_answers_are_the_lessons(number: int) -> None:
    text = (SHEETS / f"{number}.md").read_text("utf8")
    for head in (
        f"# Lesson {number}: {LESSONS[number - 1].TITLE}",
        "## For the teacher",
        "## Exercises",
        "## Answers",
    ):
        assert head in text
    # a comment that is not shown names the number behind it
    stated = re.findall(r"<!-- (\w+) -->(\S+?)(?=[,.:;]*(?:\s|$))", text)
    assert len(stated) >= 3
    assert len(stated) == text.count("<!--")
    for name, shown in stated:
        assert shown == figure(LESSONS[number - 1].NUMBERS[name]), name
    (check,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(check, {})


def test_there_are_six() -> None:
    assert len(LESSONS) == 6
    with pytest.raises(ValueError, match="there are lessons 1 to 6, got 7"):
        bbp.lessons.lesson(7)
    lesson = bbp.lessons.lesson(1, hide=["triage"])
    assert lesson.card.hide == ["triage"]
    lesson.close()
    lesson.explorer.close()


def test_numbers_are_filled_in() -> None:
    numbers = {"a": -2.0, "b": 0.5}
    assert filled({"x": ["{a}", "{a} and {b}"], "y": 1}, numbers) == {"x": [-2.0, "−2 and 0.5"], "y": 1}
    assert (figure(3.0), figure(-0.25)) == ("3", "−0.25")
