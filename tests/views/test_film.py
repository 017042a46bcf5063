"""Films: what the page will show is what the attribution says, to the last digit."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from engine.nets import NETWORKS, Residual, randomized
from torch import Tensor, nn

import bbp_widgets as bbp
from bbp_widgets.views import Film, film_of, films_key, stops_of, unpack
from bbp_widgets.views.film import MAP_SIDE, PICTURE_SIDE, SHOWN_CHANNELS, VECTOR_LENGTH
from bbp_widgets.views.tiles import block_sum

STATE: dict[str, Any] = {
    "sample": 0,
    "target": None,
    "versus": None,
    "rule": "proportional",
    "parameters": {},
}
#: Sums of the same doubles in another order, over a few dozen layers.
REORDERED = 1e-9
#: The film's numbers are double sums, `local.b` is rounded to single.
SINGLE = 1e-5


def residual(samples: int = 3) -> tuple[nn.Module, Tensor]:
    shape = NETWORKS["residual"][1]
    x = torch.randn(samples, *shape, generator=torch.Generator().manual_seed(5))
    return randomized(Residual()), x


def film(network: nn.Module, x: Tensor, sample: int = 0, target: Any = None, **options: Any) -> Film:
    rule = options.pop("rule", "proportional")
    dtype = options.pop("dtype", None)
    result = bbp.attribute(network, x, target=target, rule=rule, dtype=dtype)
    return film_of(result, state=STATE, sample=sample, **options)


def floats(film: Film, offset: int, count: int) -> np.ndarray[Any, Any]:
    return np.frombuffer(film.body, "<f4", count, offset)


def check(made: Film, result: bbp.Attribution, sample: int) -> None:
    """Hold every number of a film against its attribution."""
    header, local = made.header, result.local
    value, b = float(result.value[sample]), float(local.b[sample])
    totals = header["totals"]
    assert totals["value"] == header["target"]["value"] == value
    assert totals["bias"] == b
    assert totals["gradient"] == value - b
    assert totals["unshared"] == float(result.unshared[sample])
    assert totals["residual"] == float(result.residual[sample])
    assert totals["exact"] is (abs(totals["residual"]) <= totals["tolerance"])
    assert totals["exact"]
    scale = max(abs(value), abs(b), abs(value - b))
    frames, stops = header["frames"], stops_of(result.ledger)
    assert [frame["name"] for frame in frames] == ["output", *(stop.name for stop in stops), "input"]
    for frame, stop in zip(frames[1:-1], stops, strict=True):
        step = result.ledger[stop.step]
        assert frame["module"] == step.module
        assert frame["op"] == step.op
        assert frame["shape"] == list(step.shape[1:])
        for key, array in [
            ("arriving", step.mass_in), ("intercept", step.intercept), ("unshared", step.unshared),
            ("cut_gradient", step.cut_gradient), ("cut_bias", step.cut_bias), ("residual", step.residual),
        ]:  # fmt: skip
            assert frame[key] == float(array[sample]), (frame["name"], key)
        place = result.at(stop.node).mass[sample].double().numpy()
        check_mass(made, frame["mass"], place)
        # what has arrived and what is added is what waits here
        assert place.sum() == pytest.approx(frame["arriving"] + frame["intercept"], abs=SINGLE * scale)
    for frame in frames:
        left = value - frame["cut_gradient"] - frame["cut_bias"] - frame["cut_unshared"]
        assert left == pytest.approx(frame["residual"], abs=REORDERED * scale), frame["name"]
        assert frame["exact"]
    kept = (
        SINGLE if result.value.dtype == torch.float32 else REORDERED
    )  # sharing rounds in the network's type
    added = 0.0
    for frame in frames:
        added += frame["added"]
        assert frame["cut_bias"] + frame["cut_unshared"] == pytest.approx(added, abs=kept * scale), frame[
            "name"
        ]
    assert added == pytest.approx(b - totals["residual"], abs=SINGLE * scale)
    bias, gradient = (
        (part[0] if isinstance(part, tuple) else part)[sample].double().numpy()
        for part in (result.bias, result.gradient)
    )
    check_mass(made, frames[-1]["mass"], bias)
    assert frames[-1]["cut_bias"] == pytest.approx(bias.sum(), abs=SINGLE * scale)
    pictures = header["pictures"]
    for part, whole in (("bias", bias), ("gradient", gradient)):
        plane = floats(made, pictures[part], pictures["height"] * pictures["width"])
        assert plane.sum(dtype=np.float64) == pytest.approx(whole.sum(), abs=SINGLE * scale)
    text = json.dumps(unpack(made.packed())[0], allow_nan=False)
    assert "NaN" not in text


def check_mass(made: Film, mass: dict[str, Any], wanted: np.ndarray[Any, Any]) -> None:
    """Hold the tiles of a frame against the mass they stand for, to half a step of their scale."""
    if mass["kind"] == "vector":
        values = floats(made, mass["values"], mass["width"])
        assert mass["channels"] == wanted.size
        assert np.array_equal(values, wanted.reshape(-1)[:VECTOR_LENGTH].astype(np.float32))
        assert mass["limit"] == np.abs(wanted.reshape(-1)[:VECTOR_LENGTH]).max()
        return
    assert mass["kind"] == "maps"
    maps = wanted.reshape(-1, *wanted.shape[-2:]) if wanted.ndim > 2 else wanted[:, None]
    maps = block_sum(maps, MAP_SIDE)
    assert mass["channels"] == len(maps)
    assert (mass["height"], mass["width"]) == maps.shape[1:]
    shown, size = mass["shown"], mass["height"] * mass["width"]
    assert len(shown) == min(len(maps), SHOWN_CHANNELS)
    amounts = np.abs(maps).sum((1, 2))
    assert list(amounts[shown]) == sorted(amounts, reverse=True)[: len(shown)]
    assert mass["sums"] == pytest.approx(maps[shown].sum((1, 2)).tolist(), abs=1e-12)
    tiles = np.frombuffer(made.body, np.uint8, len(shown) * size, mass["tiles"]).reshape(
        len(shown), *maps.shape[1:]
    )
    dequantized(tiles, mass["limit"], maps[shown])
    flat = mass["flat"]
    assert (flat["height"], flat["width"]) == maps.shape[1:]
    tile = np.frombuffer(made.body, np.uint8, size, flat["tile"]).reshape(maps.shape[1:])
    dequantized(tile, flat["limit"], maps.sum(0))


def dequantized(steps: np.ndarray[Any, Any], limit: float, wanted: np.ndarray[Any, Any]) -> None:
    assert limit == np.abs(wanted).max()
    read = (steps.astype(np.float64) - 128) / 127 * limit
    assert np.abs(read - wanted).max() <= limit / 127 / 2 * (1 + 1e-9)


def margin(output: Tensor) -> Tensor:
    return output.log_softmax(1)[:, 2]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rule", ["uniform", "proportional", "softmax"])
def test_every_number_is_the_attributions(name: str, rule: str) -> None:
    build, shape = NETWORKS[name]
    torch.manual_seed(0)
    network = randomized(build())
    x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(5))
    for dtype in (None, torch.float64):
        result = bbp.attribute(network, x, rule=rule, dtype=dtype)
        made = film_of(result, state=STATE, sample=1)
        assert made.header["precision"] == ("float32" if dtype is None else "float64")
        check(made, result, 1)


@pytest.mark.parametrize("target", [None, 3, (1, 4), margin, [0, 2, 1]], ids=str)
@pytest.mark.parametrize("sample", [0, 2])
def test_targets_of_every_kind(target: Any, sample: int) -> None:
    network, x = residual()
    result = bbp.attribute(network, x, target=target, dtype=torch.float64)
    made = film_of(result, state=STATE, sample=sample, classes=["a", "b", "c", "d", "e"])
    check(made, result, sample)
    shown = made.header["target"]
    best = int(network(x).argmax(1)[sample])
    wanted: dict[str, tuple[Any, Any, str]] = {
        "None": (best, None, "abcde"[best]),
        "3": (3, None, "d"),
        "(1, 4)": (1, 4, "b rather than e"),
        str(margin): (None, None, "target"),
        "[0, 2, 1]": ([0, 2, 1][sample], None, "acb"[sample]),
    }
    assert (shown["index"], shown["versus"], shown["label"]) == wanted[str(target)]
    np.testing.assert_allclose(made.header["scores"], network.double()(x.double())[sample].tolist())


def test_a_callable_targets_own_intercept_is_the_first_stop() -> None:
    network, x = residual()
    result = bbp.attribute(network, x, target=margin, dtype=torch.float64)
    head = result.at("head")
    output, start = film_of(result, state=STATE).header["frames"][:2]
    gradient = float((head.grad * head.value)[0].sum())
    assert (output["cut_gradient"], output["cut_bias"]) == (float(result.value[0]), 0)
    assert (start["name"], start["arriving"]) == ("target", 0)
    assert start["cut_gradient"] == pytest.approx(gradient)
    assert start["added"] == start["intercept"] == pytest.approx(float(result.value[0]) - gradient)
    assert abs(start["added"]) > 0.01


def test_mass_that_no_input_can_take_is_counted_from_the_start() -> None:
    class Half(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x.sum(1, keepdim=True), torch.full((len(x), 1), 3.0)], 1)

    made = film(Half().eval(), torch.tensor([[1.0, 1.0]]))
    assert made.header["totals"]["unshared"] == 3
    assert made.header["totals"]["bias"] == 3
    last = made.header["frames"][-1]
    assert (last["cut_gradient"], last["cut_bias"], last["cut_unshared"]) == (0, 0, 3)
    assert all(frame["exact"] for frame in made.header["frames"])


def test_pooled_and_padded_maps_and_vectors() -> None:
    """Kinds of mass: maps down to a block sum, one column of a sequence, a vector after pooling."""
    network = randomized(nn.Sequential(
        nn.Conv2d(3, 40, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(40, 2)
    ))  # fmt: skip
    x = torch.randn(1, 3, 70, 130, generator=torch.Generator().manual_seed(0))
    result = bbp.attribute(network, x)
    made = film_of(result, state=STATE)
    check(made, result, 0)
    kinds = [(f["name"], f["mass"]["kind"], f["mass"].get("height"), f["mass"].get("width"))
             for f in made.header["frames"]]  # fmt: skip
    assert kinds == [
        ("output", "none", None, None), ("4", "vector", 1, 2), ("2", "vector", 1, 40), ("0", "maps", 24, 44),
        ("input", "maps", 24, 44),
    ]  # fmt: skip
    assert (made.header["pictures"]["height"], made.header["pictures"]["width"]) == (70, 130)


def test_a_large_picture_is_summed_over_blocks() -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 20, stride=20), nn.Flatten(), nn.Linear(2 * 15 * 26, 2))
    x = torch.randn(1, 3, 300, 520, generator=torch.Generator().manual_seed(0))
    randomized(network)
    result = bbp.attribute(network, x)
    made = film_of(result, state=STATE)
    check(made, result, 0)
    pictures = made.header["pictures"]
    assert (pictures["height"], pictures["width"]) == (100, 174)
    assert max(pictures["height"], pictures["width"]) <= PICTURE_SIDE


@pytest.mark.parametrize("features", [None, [f"f{i}" for i in range(6)]])
def test_a_row_of_a_table(features: list[str] | None) -> None:
    network = randomized(nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 3)))
    x = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    result = bbp.attribute(network, x)
    made = film_of(result, state=STATE, sample=1, features=features)
    check(made, result, 1)
    source = made.header["input"]
    assert source["kind"] == "vector"
    assert (source["height"], source["width"], source["rgb"]) == (1, 6, None)
    assert source["names"] == (features or [f"x{i}" for i in range(6)])
    assert np.array_equal(floats(made, source["values"], 6), x[1].numpy())
    pictures = made.header["pictures"]
    assert (pictures["height"], pictures["width"]) == (1, 6)
    assert np.array_equal(floats(made, pictures["bias"], 6), result.bias[1].numpy())  # type: ignore[index]


@pytest.mark.parametrize(("shape", "size"), [((3, 9), (1, 9)), ((1, 3, 9), (3, 9)), ((2, 5, 4), (5, 4)),
                                             ((2, 3, 5, 4), (5, 4))])  # fmt: skip
def test_sequences_and_volumes_are_pictures_without_colours(
    shape: tuple[int, ...], size: tuple[int, int]
) -> None:
    network = randomized(nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 2)))
    x = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    result = bbp.attribute(network, x)
    made = film_of(result, state=STATE)
    check(made, result, 0)
    source, pictures = made.header["input"], made.header["pictures"]
    assert (source["kind"], source["rgb"], source["shape"]) == ("picture", None, list(shape))
    assert (source["height"], source["width"]) == size
    assert (pictures["height"], pictures["width"]) == size


def test_the_picture_shown_may_have_another_size() -> None:
    network, x = residual()
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    made = film(network, x, picture=picture, name="2 of 3", label="cat")
    source = made.header["input"]
    assert (source["height"], source["width"]) == (20, 30)
    assert (source["name"], source["label"]) == ("2 of 3", "cat")
    assert made.body[source["rgb"] : source["rgb"] + 1800] == picture.tobytes()


def test_a_film_stays_small() -> None:
    network = randomized(nn.Sequential(*[nn.Conv2d(64 if i else 3, 64, 3, padding=1) for i in range(6)]))
    network.append(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    x = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    made = film(network, x, picture=np.zeros((224, 224, 3), np.uint8), rule="uniform")
    frames = len(made.header["frames"])
    assert len(made.packed()) <= 224 * 224 * (3 + 8) + frames * ((SHOWN_CHANNELS + 1) * MAP_SIDE**2 + 2000)
    assert all(max(f["mass"]["width"], f["mass"]["height"]) <= MAP_SIDE
               for f in made.header["frames"] if f["mass"]["kind"] == "maps")  # fmt: skip


def test_a_network_that_overflows_is_shown_as_null_and_marks() -> None:
    network = randomized(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)))
    with torch.no_grad():
        network[0].bias.fill_(1e38)  # type: ignore[union-attr,operator]
        network[3].weight.fill_(1e6)  # type: ignore[union-attr,operator]
    result = bbp.attribute(network, torch.ones(1, 1, 4, 4), target=0)
    made = film_of(result, state=STATE)
    header, _ = unpack(made.packed())
    assert header["totals"]["value"] is None
    assert header["totals"]["exact"] is False
    assert not all(frame["exact"] for frame in header["frames"])


def test_a_film_answers_and_has_a_key() -> None:
    network, x = residual()
    made = film(network, x)
    assert unpack(made.packed())[0]["answers"] is None
    assert unpack(made.packed(answers=5))[0]["answers"] == 5
    assert made.key == films_key(STATE) == films_key(dict(reversed(STATE.items())))
    assert films_key({**STATE, "sample": 1}) != made.key
    assert made.header["version"] == 1


def test_progress_counts_the_frames() -> None:
    network, x = residual()
    seen: list[tuple[int, int]] = []
    made = film(network, x, progress=lambda done, total: seen.append((done, total)))
    total = len(made.header["frames"])
    assert seen == [*((i, total) for i in range(total - 2)), (total, total)]
