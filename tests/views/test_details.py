"""Details: a unit's equation, more channels, and what either part says about every class."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from engine.nets import NETWORKS, Residual, randomized
from torch import nn
from views.seen import check_tensor

import bbp_widgets as bbp
from bbp_widgets.views import (
    channels_answer,
    film_of,
    largest_unit,
    pack_reel,
    parts_answer,
    unit_answer,
    unpack,
)


def residual(samples: int = 2, **options: Any) -> bbp.Attribution:
    x = torch.randn(samples, *NETWORKS["residual"][1], generator=torch.Generator().manual_seed(5))
    return bbp.attribute(randomized(Residual()), x, **options)


def wide() -> bbp.Attribution:
    network = nn.Sequential(
        nn.Conv2d(1, 60, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(60 * 70 * 9, 2)
    )
    return bbp.attribute(
        randomized(network), torch.randn(1, 1, 70, 9, generator=torch.Generator().manual_seed(0))
    )


def channels(result: bbp.Attribution, **question: Any) -> tuple[dict[str, Any], bytes]:
    return unpack(channels_answer(result, {"kind": "channels", "film": "f", **question}))


@pytest.mark.parametrize("by", ["mass", "index"])
def test_pages_of_channels_are_all_of_them(by: str) -> None:
    result = wide()
    frame = len(result.ledger)  # the convolution
    seen: list[int] = []
    for page in range(3):
        header, body = channels(result, frame=frame, by=by, page=page)
        assert (header["version"], header["kind"], header["pages"]) == (2, "channels", 3)
        assert json.loads(header["key"]) == {
            "kind": "channels", "film": "f", "frame": frame, "by": by, "page": page,
        }  # fmt: skip
        tensor = header["tensor"]
        assert (tensor["block"], tensor["height"], tensor["width"]) == (2, 35, 5)
        check_tensor(body, tensor, result.at(frame - 1).of(0), chosen=tensor["shown"])
        seen += tensor["shown"]
    assert sorted(seen) == list(range(60))
    amounts = result.at(frame - 1).mass[0].abs().sum((1, 2))
    order = amounts[seen].numpy() if by == "mass" else -np.array(seen)
    assert (np.diff(order) <= 1e-5 * amounts.max().item()).all()
    with pytest.raises(IndexError, match="there are 3"):
        channels(result, frame=frame, by=by, page=3)


def test_the_first_page_is_the_films() -> None:
    result = residual()
    made = film_of(result, state={}, sample=1)
    for i, frame in enumerate(made.header["frames"]):
        if frame["tensor"]["kind"] != "maps":
            with pytest.raises(IndexError, match=r"no maps|no frame"):
                channels(result, frame=i, by="mass", page=0)
            continue
        header, _ = unpack(
            channels_answer(result, {"kind": "channels", "frame": i, "by": "mass", "page": 0}, sample=1)
        )
        for name in ("channels", "height", "width", "block", "shown"):
            assert header["tensor"][name] == frame["tensor"][name]
        assert header["tensor"]["mass"]["sums"] == frame["tensor"]["mass"]["sums"]


def test_what_the_parts_say_about_every_class() -> None:
    result = residual()
    parts = bbp.decompose(randomized(Residual()), result.local.inputs)
    answer = parts_answer({"kind": "parts", "sample": 1}, parts.gradient[1], parts.bias[1])
    header, body = unpack(answer)
    assert (header["kind"], header["key"], body) == ("parts", '{"kind":"parts","sample":1}', b"")
    assert header["gradient"] == parts.gradient[1].tolist()
    assert header["bias"] == parts.bias[1].tolist()


def test_a_reel_holds_what_was_put_in() -> None:
    films, details = [b"abcde", b"f" * 8], [b"g"]
    header, body = unpack(pack_reel(films, details, {"step": 3}))
    assert header["version"] == 2
    assert header["look"] == {"step": 3}
    for blobs, places in ((films, header["films"]), (details, header["details"])):
        assert [body[start : start + length] for start, length in places] == blobs
        assert all(start % 4 == 0 for start, _ in places)
    assert unpack(pack_reel())[0] == {"version": 2, "films": [], "details": [], "look": {}}


def equation(
    result: bbp.Attribution, frame: int, unit: list[int], sample: int = 0, **options: Any
) -> dict[str, Any]:
    question = {"kind": "unit", "film": "f", "frame": frame, "unit": unit}
    return unpack(unit_answer(result, question, sample=sample, **options))[0]


#: A film's and an equation's numbers are sums of the same floats in another order.
REORDERED = 1e-5


@pytest.mark.parametrize("rule", ["uniform", "proportional", "softmax"])
def test_an_equation_adds_up_and_its_terms_lie_on_frames(rule: str) -> None:
    result = residual(rule=rule, target=1)
    frames = film_of(result, state={}, sample=1).header["frames"]
    for i, frame in enumerate(frames[1:], 1):
        place = (result.entries[0] if i == len(frames) - 1 else result.at(i - 1)).of(1)
        flat = int(place.mass.abs().argmax())
        unit = [flat]
        if frame["tensor"]["kind"] == "maps":
            rows, columns = [1, *place.mass.shape][-2:] if place.mass.dim() == 2 else place.mass.shape[-2:]
            unit = [
                int(n)
                for n in np.unravel_index(flat, (place.mass.numel() // (rows * columns), rows, columns))
            ]
        assert largest_unit(result, i, sample=1) == unit
        found = equation(result, i, unit, sample=1)
        scale = max(1.0, float(place.mass.abs().max()))
        assert found["value"] == pytest.approx(float(place.value.flatten()[flat]), rel=1e-6)
        assert found["grad"] == pytest.approx(float(place.grad.flatten()[flat]), rel=1e-6)
        assert found["mass"] == pytest.approx(float(place.mass.flatten()[flat]), rel=1e-6)
        assert found["mass"] == pytest.approx(
            found["arrived"] + found["own"] - found["unshared"], abs=REORDERED * scale
        )
        gives, comes = found["gives"], found["comes"]
        assert len(gives["terms"]) == min(12, gives["count"])
        assert len(comes["terms"]) == min(12, comes["count"])
        arrived = sum(term["part"] for term in comes["terms"]) + comes["rest_part"]
        assert arrived == pytest.approx(found["arrived"], abs=REORDERED * scale)
        if gives["count"]:
            assert sum(t["mass"] for t in gives["terms"]) + gives["rest_mass"] == pytest.approx(
                found["mass"], abs=REORDERED * scale
            )
            assert sum(t["share"] for t in gives["terms"]) + gives["rest_share"] == pytest.approx(1, abs=1e-5)
        for term in gives["terms"]:
            assert term["frame"] > i
            assert term["name"] == frames[term["frame"]]["name"]
            assert len(term["at"]) == (1 if frames[term["frame"]]["tensor"]["kind"] == "vector" else 3)
            assert term["strength"] == pytest.approx(term["weight"] * term["value"], rel=1e-5, abs=1e-12)
        for term in comes["terms"]:
            assert 0 < term["frame"] < i
            assert term["part"] == pytest.approx(term["share"] * term["mass"], rel=1e-4, abs=1e-9)
        if frame["mixes"]:
            assert found["rule"].startswith(rule)
            assert found["formula"].startswith("φ = ")
        namespace: dict[str, Any] = {"explorer": type("", (), {"attribution": result})}
        again = eval(found["python"].replace("))", "), 1)"), namespace)
        assert again.mass == found["mass"]


def test_more_terms_when_asked() -> None:
    result = residual(target=1)
    assert len(equation(result, 1, [1], top=3)["gives"]["terms"]) == 3
    with pytest.raises(IndexError, match="no unit"):
        equation(result, 1, [77])
    for frame in (0, 999, None):
        with pytest.raises(IndexError, match="no frame"):
            equation(result, frame, [0])  # type: ignore[arg-type]
