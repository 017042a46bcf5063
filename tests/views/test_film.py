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
from views.seen import check_tensor, floats

import bbp_widgets as bbp
from bbp_widgets.views import Film, film_of, films_key, films_of, levels_of, names_of, unpack
from bbp_widgets.views.budget import VECTOR_LENGTH
from bbp_widgets.views.entries import PICTURE_SIDE
from bbp_widgets.views.film import FILM_BYTES

STATE: dict[str, Any] = {
    "sample": 0,
    "target": None,
    "versus": None,
    "rule": "proportional",
    "parameters": {},
    "plan": {},
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
    frames, ledger = header["frames"], result.ledger
    assert [frame["name"] for frame in frames] == ["output", *names_of(ledger), "input"]
    assert len({frame["node"] for frame in frames}) == len(frames)
    for i, (frame, step) in enumerate(zip(frames[1:-1], ledger, strict=True)):
        for key in ("node", "module", "op", "mixes", "adds"):
            assert frame[key] == getattr(step, key)
        for key, array in [
            ("arriving", step.mass_in), ("intercept", step.intercept), ("unshared", step.unshared),
            ("cut_gradient", step.cut_gradient), ("cut_bias", step.cut_bias), ("residual", step.residual),
        ]:  # fmt: skip
            assert frame[key] == float(array[sample]), (frame["name"], key)
        assert frame["triage"]["ms"] == step.seconds * 1000
        place = result.at(i).of(sample)
        assert frame["shape"] == list(place.value.shape)
        check_tensor(made.body, frame["tensor"], place)
        check_triage(frame, place)
        # what has arrived and what is added, less what nobody takes, is what waits here
        waits = frame["arriving"] + frame["intercept"] - frame["unshared"]
        if len(result.sites[i - (ledger[0].node == "target")].node.outputs) == 1:
            assert float(place.mass.double().sum()) == pytest.approx(waits, abs=SINGLE * scale)
    for frame in frames:
        left = value - frame["cut_gradient"] - frame["cut_bias"] - frame["cut_unshared"]
        assert left == pytest.approx(frame["residual"], abs=REORDERED * scale), frame["name"]
        assert frame["exact"]
    # sharing rounds in the network's type
    kept = SINGLE if result.value.dtype == torch.float32 else REORDERED
    added = 0.0
    for frame in frames:
        added += frame["intercept"]
        assert frame["cut_bias"] + frame["cut_unshared"] == pytest.approx(added, abs=kept * scale), frame[
            "name"
        ]
    assert added == pytest.approx(b - totals["residual"], abs=SINGLE * scale)
    end = result.entries[0].of(sample)
    check_tensor(made.body, frames[-1]["tensor"], end)
    assert frames[-1]["cut_bias"] == pytest.approx(float(end.mass.double().sum()), abs=SINGLE * scale)
    pictures = header["pictures"]
    for part, whole in (("bias", end.mass), ("gradient", end.grad * end.value)):
        plane = floats(made.body, pictures[part], pictures["height"] * pictures["width"])
        assert plane.sum(dtype=np.float64) == pytest.approx(float(whole.double().sum()), abs=SINGLE * scale)
    assert header["levels"] == {
        level: [{"frame": s.frame, "name": s.name, "group": s.group} for s in stops]
        for level, stops in levels_of(ledger).items()
    }
    check_flows(header, scale)
    assert "NaN" not in json.dumps(unpack(made.packed())[0], allow_nan=False)


def check_triage(frame: dict[str, Any], place: Any) -> None:
    value, grad, mass = (a.double().numpy() for a in (place.value, place.grad, place.mass))
    gross = np.abs(mass).sum()
    figures = frame["triage"]
    masked = np.isinf(value) & (grad == 0)
    assert figures["broken"] == sum(
        int((~np.isfinite(a)).sum()) for a in (np.where(masked, 0, value), grad, mass)
    )
    assert figures["dead"] == pytest.approx((value == 0).mean(), abs=1e-12)
    negative = -mass[mass < 0].sum() / gross if gross else 0
    assert figures["negative"] == pytest.approx(negative, abs=1e-5)


def check_flows(header: dict[str, Any], scale: float) -> None:
    """Hold that what leaves a frame is what it handed to others, and what arrives what others handed to it."""
    frames, flows = header["frames"], header["flows"]
    pairs = [(source, to) for source, to, _, _ in flows]
    assert len(set(pairs)) == len(pairs)
    for i, frame in enumerate(frames):
        handed = sum(net for source, _, net, _ in flows if source == i)
        taken = sum(net for _, to, net, _ in flows if to == i)
        assert all(gross >= abs(net) - SINGLE * scale for _, _, net, gross in flows)
        if i < len(frames) - 1:
            passed = frame["arriving"] + frame["intercept"] - frame["unshared"]
            assert handed == pytest.approx(passed, abs=SINGLE * scale), frame["name"]
        assert taken == pytest.approx(frame["arriving"], abs=SINGLE * scale), frame["name"]


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


@pytest.mark.parametrize("name", NETWORKS)
def test_a_sample_alone_has_the_film_it_has_among_others(name: str) -> None:
    build, shape = NETWORKS[name]
    torch.manual_seed(0)
    network = randomized(build())
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(5))
    among = film(network, x, sample=1, dtype=torch.float64, target=0).header["frames"]
    alone = film(network, x[1:2], dtype=torch.float64, target=0).header["frames"]
    for a, b in zip(among, alone, strict=True):
        assert math.prod(a["shape"]) == math.prod(b["shape"])
        assert a["cut_bias"] == pytest.approx(b["cut_bias"], abs=1e-9)
        if a["shape"] == b["shape"] and a["tensor"]["kind"] == "maps":
            assert a["tensor"]["mass"]["limit"] == pytest.approx(b["tensor"]["mass"]["limit"], rel=1e-6)


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


def test_a_callable_targets_own_intercept_is_the_first_step() -> None:
    network, x = residual()
    result = bbp.attribute(network, x, target=margin, dtype=torch.float64)
    head = result.at("head")
    made = film_of(result, state=STATE).header
    output, start = made["frames"][:2]
    gradient = float((head.grad * head.value)[0].sum())
    assert (output["cut_gradient"], output["cut_bias"]) == (float(result.value[0]), 0)
    assert (start["name"], start["arriving"], start["shape"]) == ("target", 0, [])
    assert start["cut_gradient"] == pytest.approx(gradient)
    assert start["intercept"] == pytest.approx(float(result.value[0]) - gradient)
    assert abs(start["intercept"]) > 0.01
    assert [stop["frame"] for stop in made["levels"]["layers"]][:2] == [0, 1]


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
    """Kinds of tensors: maps down to a block sum, a vector after pooling, nothing at the output."""
    network = randomized(nn.Sequential(
        nn.Conv2d(3, 40, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(40, 2)
    ))  # fmt: skip
    x = torch.randn(1, 3, 70, 130, generator=torch.Generator().manual_seed(0))
    result = bbp.attribute(network, x)
    made = film_of(result, state=STATE)
    check(made, result, 0)
    shown = [(f["name"], f["tensor"]["kind"], f["tensor"].get("block"), f["tensor"].get("height"),
              f["tensor"].get("width"), f["tensor"].get("length")) for f in made.header["frames"]]  # fmt: skip
    assert shown == [
        ("output", "none", None, None, None, None), ("4", "vector", None, None, None, 2),
        ("3", "vector", None, None, None, 40), ("2", "vector", None, None, None, 40),
        ("1", "maps", 3, 24, 44, None), ("0", "maps", 3, 24, 44, None), ("input", "maps", 3, 24, 44, None),
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
    assert np.array_equal(floats(made.body, source["values"], 6), x[1].numpy())
    pictures = made.header["pictures"]
    assert (pictures["height"], pictures["width"]) == (1, 6)
    assert np.array_equal(floats(made.body, pictures["bias"], 6), result.bias[1].numpy())  # type: ignore[index]


@pytest.mark.parametrize(
    ("shape", "size"), [((1, 3, 9), (3, 9)), ((2, 5, 4), (5, 4)), ((2, 3, 5, 4), (5, 4))]
)
def test_planes_and_volumes_are_pictures_without_colours(
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
    made = film(network, x, pictures=[picture], name="2 of 3", label="cat")
    source = made.header["input"]
    assert (source["height"], source["width"]) == (20, 30)
    assert (source["name"], source["label"]) == ("2 of 3", "cat")
    assert made.body[source["rgb"] : source["rgb"] + 1800] == picture.tobytes()


def tall(layers: int, channels: int, side: int) -> tuple[nn.Module, Tensor]:
    convolutions = [nn.Conv2d(channels if i else 3, channels, 3, padding=1) for i in range(layers)]
    network = randomized(nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    with torch.no_grad():
        for convolution in convolutions:
            convolution.weight.div_(1.4)  # so that hundreds of layers neither overflow nor die
    return network, torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("layers", "channels", "side"), [(4, 24, 224), (120, 32, 56), (300, 8, 28)])
def test_a_film_keeps_to_its_size(layers: int, channels: int, side: int) -> None:
    network, x = tall(layers, channels, side)
    made = film(network, x, pictures=[np.zeros((224, 224, 3), np.uint8)], rule="uniform")
    assert len(made.packed()) <= FILM_BYTES
    assert len(made.packed()) >= FILM_BYTES / 3 or layers < 100  # and uses it
    shown = [f["tensor"] for f in made.header["frames"] if f["tensor"]["kind"] == "maps"]
    assert len(shown) > layers
    assert all(max(t["width"], t["height"]) <= 56 and len(t["shown"]) <= 24 for t in shown)
    assert all(t["block"] * t["width"] >= side > t["block"] * (t["width"] - 1) for t in shown)
    assert min(len(t["shown"]) for t in shown[:-1]) >= min(16, channels)


def test_a_large_film_comes_twice_first_without_tiles() -> None:
    network, x = tall(20, 24, 56)
    result = bbp.attribute(network, x, rule="uniform")
    picture = np.full((9, 9, 3), 7, np.uint8)
    numbers, whole = films_of(result, state=STATE, pictures=[picture])
    assert (numbers.part, whole.part) == ("numbers", "whole")
    assert len(numbers.packed()) < 0.1 * len(whole.packed())
    assert whole.body.startswith(numbers.body)
    assert numbers.body
    assert numbers.key == whole.key
    for before, after in zip(numbers.header["frames"], whole.header["frames"], strict=True):
        assert {**before, "tensor": None} == {**after, "tensor": None}
        assert before["tensor"]["kind"] == ("none" if after["tensor"]["kind"] == "none" else "pending")
    assert {**numbers.header, "part": "", "frames": []} == {**whole.header, "part": "", "frames": []}
    assert [made.part for made in films_of(result, state=STATE, large=None)] == ["whole"]
    small, small_x = residual()
    made = list(films_of(bbp.attribute(small, small_x), state=STATE))
    assert [part.part for part in made] == ["whole"]


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
    broken = {f["name"]: f["triage"]["broken"] for f in header["frames"]}
    assert broken["3"] > 0
    tensor = next(f["tensor"] for f in header["frames"] if f["name"] == "0")
    assert sum(tensor["mass"]["broken"]) > 0
    assert None in tensor["mass"]["sums"]


def test_a_network_without_biases_has_no_mass() -> None:
    network = randomized(
        nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.Flatten(), nn.Linear(8, 2, bias=False))
    )
    result = bbp.attribute(network, torch.ones(2, 1, 4, 4), target=0)
    made = film_of(result, state=STATE)
    check(made, result, 0)
    tensor = next(f["tensor"] for f in made.header["frames"] if f["name"] == "0")
    assert tensor["mass"]["limit"] == tensor["flat"]["limit"] == 0
    assert tensor["shown"] == [0, 1]
    assert all(gross == 0 for *_, gross in made.header["flows"])


def test_a_vector_that_is_too_long_is_cut() -> None:
    network = randomized(nn.Sequential(nn.Linear(5000, 2)))
    result = bbp.attribute(network, torch.randn(1, 5000, generator=torch.Generator().manual_seed(0)))
    made = film_of(result, state=STATE, features=[f"f{i}" for i in range(5000)])
    tensor = made.header["frames"][-1]["tensor"]
    check_tensor(made.body, tensor, result.entries[0].of(0))
    assert (tensor["channels"], tensor["length"]) == (5000, VECTOR_LENGTH)
    assert made.header["input"]["width"] == made.header["pictures"]["width"] == VECTOR_LENGTH


def test_a_film_answers_and_has_a_key() -> None:
    network, x = residual()
    made = film(network, x)
    header, _ = unpack(made.packed())
    assert (header["answers"], header["lane"], header["part"]) == (None, 0, "whole")
    header, _ = unpack(made.packed(answers=5, lane=2))
    assert (header["answers"], header["lane"]) == (5, 2)
    assert made.key == films_key(STATE) == films_key(dict(reversed(STATE.items())))
    assert films_key({**STATE, "sample": 1}) != made.key
    assert made.header["version"] == 2


def test_progress_counts_the_frames() -> None:
    network, x = residual()
    seen: list[tuple[int, int]] = []
    made = film(network, x, progress=lambda done, total: seen.append((done, total)))
    total = len(made.header["frames"]) - 1
    assert seen == [*((i, total) for i in range(total)), (total, total)]
