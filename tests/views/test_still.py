"""The still picture at the end of a cell: one valid SVG, whatever the network and whatever the names."""

from __future__ import annotations

import base64
import csv
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from engine.nets import randomized
from PIL import Image
from torch import nn

import bbp_widgets as bbp
from bbp_widgets.views import canvas, mime_bundle, still_csv, still_png, still_svg
from bbp_widgets.views.colour import NEGATIVE, POSITIVE

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "<img src=x onerror=alert(1)>\"'&]]><script>"


def attribution(*shape: int, samples: int = 1, classes: int = 3) -> bbp.Attribution:
    x = torch.randn(samples, *shape, generator=torch.Generator().manual_seed(0))
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(x[0].numel(), classes), nn.ReLU(), nn.Linear(classes, classes)
    )
    return bbp.attribute(randomized(network), x)


def parsed(svg: str) -> ElementTree.Element:
    root = ElementTree.fromstring(svg)
    assert root.tag == SVG + "svg"
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg",
        "style",
        "rect",
        "g",
        "text",
        "image",
    }
    for element in root.iter():
        assert not any(name.lower().startswith("on") for name in element.attrib), element.attrib
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert root.attrib["viewBox"].split() == ["0", "0", root.attrib["width"], root.attrib["height"]]
    assert width > 0
    assert height > 0
    return root


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(SVG + "text")]


def images(root: ElementTree.Element) -> list[Image.Image]:
    codes = [e.attrib["href"].removeprefix("data:image/png;base64,") for e in root.iter(SVG + "image")]
    return [Image.open(io.BytesIO(base64.b64decode(code))) for code in codes]


def test_names_are_text() -> None:
    result = attribution(6)
    root = parsed(still_svg(result, classes=[EVIL] * 3, features=[EVIL] * 6))
    assert any(text.startswith(EVIL) for text in texts(root))
    assert EVIL[:18] in texts(root)


@pytest.mark.parametrize("name", ["\x00\x1b[31mred", "\ud800 half", "日本語 🦊", ""])
def test_names_of_every_kind_leave_a_valid_picture(name: str) -> None:
    svg = still_svg(attribution(2), classes=[name] * 3)
    svg.encode()
    parsed(svg)


def test_a_picture_shows_the_input_both_parts_and_their_total() -> None:
    result = attribution(3, 10, 14)
    root = parsed(still_svg(result))
    assert len(images(root)) == 4
    shown = " ".join(texts(root))
    for number in (result.value, result.local.b, result.value - result.local.b):
        assert f"{float(number[0]):.6g}" in shown
    assert f"rule {result.rule}" in shown
    assert {image.width / image.height for image in images(root)} == {14 / 10}


@pytest.mark.parametrize(
    ("shape", "pictures"),
    [((1, 8, 8), 4), ((2, 8, 8), 3), ((1, 1, 9), 4), ((2, 3, 5, 4), 3)],
)
def test_inputs_of_every_shape(shape: tuple[int, ...], pictures: int) -> None:
    assert len(images(parsed(still_svg(attribution(*shape))))) == pictures


@pytest.mark.parametrize("columns", [1, 2, 40, 5000])
def test_a_row_of_a_table_is_bars(columns: int) -> None:
    result = attribution(columns)
    root = parsed(still_svg(result, features=[f"f{i}" for i in range(columns)]))
    assert images(root) == []
    largest = int(result.total[0].abs().argmax())  # type: ignore[union-attr,index]
    assert f"f{largest}" in texts(root)
    assert len(list(root.iter(SVG + "rect"))) == 1 + 3 * min(columns, 16)


@pytest.mark.parametrize("shape", [(1, 30), (4, 20), (3, 1000), (5000,), (2, 1)])
def test_a_signal_is_bars_along_its_positions(shape: tuple[int, ...]) -> None:
    result = attribution(*shape)
    root = parsed(still_svg(result))
    assert images(root) == []
    places = -(-shape[-1] // -(-shape[-1] // 180))
    bars = [e for e in root.iter(SVG + "rect") if e.attrib["fill"] in (POSITIVE, NEGATIVE)]
    assert 0 < len(bars) <= 3 * places
    total = result.total[0].double()  # type: ignore[union-attr,index]
    assert f"Σ {float(total.sum()):.6g}" in texts(root)
    # the longest bar of all is of the largest sum, and points its way
    block = -(-shape[-1] // places)
    sums = np.add.reduceat(total.reshape(-1, shape[-1]).sum(0).numpy(), range(0, shape[-1], block))
    last = [bar for bar in bars if float(bar.attrib["y"]) > float(bars[-1].attrib["y"]) - 60][-places:]
    longest = max(last, key=lambda bar: float(bar.attrib["height"]))
    at = int(np.abs(sums).argmax())
    assert longest.attrib["fill"] == (POSITIVE if sums[at] > 0 else NEGATIVE)
    assert f"±{abs(sums[at]):.3g}" in " ".join(texts(root))


def test_an_input_that_is_one_number() -> None:
    class Line(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack([2 * x + 1, 1 - x], 1)

    parsed(still_svg(bbp.attribute(Line().eval(), torch.tensor([1.0, -2.0]))))


@pytest.mark.parametrize(
    ("samples", "more"), [(1, None), (4, None), (5, "and 1 more samples"), (9, "and 5 more samples")]
)
def test_four_samples_and_a_word_about_the_rest(samples: int, more: str | None) -> None:
    root = parsed(still_svg(attribution(1, 4, 4, samples=samples)))
    assert len(images(root)) == 4 * min(samples, 4)
    rest = [text for text in texts(root) if "more sample" in text]
    assert rest == ([] if more is None else [more])


def test_pictures_may_be_given() -> None:
    result = attribution(2, 4, 4)
    picture = np.zeros((1, 6, 8, 3), np.uint8)
    picture[..., 1] = 200
    first = images(parsed(still_svg(result, pictures=picture)))[0]
    assert first.convert("RGB").getpixel((0, 0)) == (0, 200, 0)


def test_a_pair_and_a_callable_have_names() -> None:
    x = torch.randn(1, 4)
    network = randomized(nn.Linear(4, 3))
    pair = texts(parsed(still_svg(bbp.attribute(network, x, target=(0, 2)), classes=["a", "b", "c"])))
    assert any(text.startswith("a rather than c ") for text in pair)
    free = texts(parsed(still_svg(bbp.attribute(network, x, target=lambda out: out.sum(1)))))
    assert any(text.startswith("target ") for text in free)


def test_zero_and_infinite_attributions_are_drawn() -> None:
    network = randomized(nn.Linear(4, 2))
    parsed(still_svg(bbp.attribute(network, torch.zeros(1, 4), target=0)))
    with torch.no_grad():
        network.weight.fill_(3e38)  # type: ignore[union-attr,operator]
    root = parsed(still_svg(bbp.attribute(network, torch.full((1, 4), 9.0), target=0)))
    for element in root.iter(SVG + "rect"):
        for name in ("x", "width"):
            assert re.fullmatch(r"-?[\d.]+%?", element.attrib.get(name, "0")), element.attrib


def test_jupyter_gets_a_picture_and_words() -> None:
    result = attribution(1, 4, 4)
    bundle = mime_bundle(result, include=None, exclude=None)
    assert set(bundle) == {"image/svg+xml", "text/plain"}
    parsed(bundle["image/svg+xml"])
    assert bundle["text/plain"] == repr(result)
    assert result._repr_mimebundle_() == bundle  # type: ignore[attr-defined]


@pytest.mark.parametrize("shape", [(3, 10, 14), (1, 1, 9), (4, 20), (7,), (1, 300)])
@pytest.mark.parametrize("scale", [1, 2])
def test_a_png_is_as_large_as_the_svg_and_shows_the_same_pictures(shape: tuple[int, ...], scale: int) -> None:
    result = attribution(*shape, samples=2)
    root = parsed(still_svg(result))
    image = Image.open(io.BytesIO(still_png(result, scale=scale)))
    assert image.format == "PNG"
    assert image.size == tuple(scale * int(root.attrib[side]) for side in ("width", "height"))
    pixels = np.asarray(image.convert("RGB"))
    offsets = {id(e): g for g in root.iter(SVG + "g") for e in g.iter()}
    assert not offsets  # every mark stands where it says
    for element in root.iter(SVG + "image"):
        code = element.attrib["href"].removeprefix("data:image/png;base64,")
        inside = np.asarray(Image.open(io.BytesIO(base64.b64decode(code))).convert("RGB"))
        x, y, side = (float(element.attrib[name]) * scale for name in ("x", "y", "width"))
        centre = pixels[int(y + side / 2), int(x + side / 2)]
        middle = inside[inside.shape[0] // 2 - 1 : inside.shape[0] // 2 + 1]
        near = middle[:, inside.shape[1] // 2 - 1 : inside.shape[1] // 2 + 1].reshape(-1, 3)
        assert (near == centre).all(1).any()
    assert (pixels[: 30 * scale] < 128).any()  # something is written


def test_a_png_is_drawn_with_any_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canvas, "_FONTS", ())
    canvas._font.cache_clear()
    try:
        bare = still_png(attribution(2, 4, 4), classes=["Füchsin\n" + EVIL, "日本", "\x00"])
        assert Image.open(io.BytesIO(bare)).size[0] > 100
        assert canvas._plain("Σ w ⊙ x −1 Füchsin") == "sum w * x -1 Fuchsin"
    finally:
        canvas._font.cache_clear()


def test_a_csv_has_a_line_for_every_step() -> None:
    result = attribution(2, 4, 4, samples=2)
    rows = list(csv.DictReader(io.StringIO(still_csv(result, sample=1))))
    assert [row["node"] for row in rows] == [step.node for step in result.ledger]
    for row, step in zip(rows, result.ledger, strict=True):
        assert float(row["arriving"]) == float(step.mass_in[1])
        assert float(row["bias_part"]) == float(step.cut_bias[1])
        assert float(row["passed_on"]) == float(row["arriving"]) + float(row["added"]) - float(
            row["unshared"]
        )


def test_a_csv_of_a_table_has_its_features() -> None:
    result = attribution(3, samples=2)
    text = still_csv(result, sample=1, features=["a,b", 'c"d', EVIL])
    ledger, _, features = text.partition("\n\n")
    assert len(ledger.splitlines()) == len(result.ledger) + 1
    rows = list(csv.DictReader(io.StringIO(features)))
    assert [row["feature"] for row in rows] == ["a,b", 'c"d', EVIL]
    for name, part in (("value", result.local.inputs), ("bias", result.bias), ("total", result.total)):
        assert [float(row[name]) for row in rows] == part[1].tolist()  # type: ignore[union-attr]


def test_a_csv_of_a_signal_has_its_positions() -> None:
    result = attribution(2, 5, samples=2)
    _, _, positions = still_csv(result, sample=1, features=["left", "right"]).partition("\n\n")
    rows = list(csv.DictReader(io.StringIO(positions)))
    assert [(row["channel"], row["position"]) for row in rows] == [
        (channel, str(place)) for channel in ("left", "right") for place in range(5)
    ]
    for name, part in (("value", result.local.inputs), ("bias", result.bias), ("total", result.total)):
        assert [float(row[name]) for row in rows] == part[1].reshape(-1).tolist()  # type: ignore[union-attr]
