"""The inputs: tensors, pictures through a transform, and what is dropped on the page."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from engine.nets import Residual, randomized
from PIL import Image
from torch import Tensor, nn
from widgets.pages import CLASSES, EVIL, LONG, Page, question

import bbp_widgets as bbp
from bbp_widgets.views import Line, trace_of, unpack
from bbp_widgets.widgets.samples import MOST_BYTES, Samples

Make = Callable[..., bbp.Explorer]
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def drawn(height: int = 48, width: int = 48, seed: int = 0) -> Image.Image:
    """Return a picture of smooth colours."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    planes = [127 + 120 * np.sin(3 * x + seed), 127 + 120 * np.cos(4 * y), 255 * x * y]
    return Image.fromarray(np.stack(planes, -1).astype(np.uint8))


def transform(picture: Image.Image) -> Tensor:
    """Squeeze to 8 x 8 and normalise, as networks want it."""
    small = picture.convert("RGB").resize((8, 8), Image.Resampling.BOX)
    x = torch.tensor(np.asarray(small), dtype=torch.float32).permute(2, 0, 1) / 255
    return (x - MEAN[:, None, None]) / STD[:, None, None]


def cut(picture: Image.Image) -> Tensor:
    """Take the middle, and normalise."""
    w, h = picture.size
    return transform(picture.crop(((w - 16) // 2, (h - 16) // 2, (w + 16) // 2, (h + 16) // 2)))


def bytes_of(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["picture", "file", "path", "array", "tensor"])
def test_pictures_files_and_arrays_go_through_the_transform(tmp_path: Path, kind: str) -> None:
    pictures = [drawn(seed=i) for i in range(2)]
    given: list[Any] = list(pictures)
    if kind in ("file", "path"):
        for i, picture in enumerate(pictures):
            path = tmp_path / f"{i} {EVIL.replace('/', '')}.png"
            picture.save(path)
            given[i] = str(path) if kind == "file" else path
    if kind == "array":
        given = [np.asarray(picture) for picture in pictures]
    if kind == "tensor":
        given = [torch.tensor(np.asarray(picture)).permute(2, 0, 1) for picture in pictures]
    samples = Samples(given, transform=transform, labels=[0, "own"], classes=CLASSES)
    assert len(samples) == 2
    torch.testing.assert_close(samples.tensor(1), transform(pictures[1])[None], rtol=0, atol=0)
    name = Path(given[1]).name if kind in ("file", "path") else "2 of 2"
    assert samples.described()[1] == {"name": name, "label": "own"}
    shown = samples.pictures(0)[0]
    assert shown is not None
    assert shown.shape == (48, 48, 3)
    np.testing.assert_array_equal(shown, np.asarray(pictures[0]))


def test_a_batch_of_bytes_is_a_list_of_pictures() -> None:
    batch = np.stack([np.asarray(drawn(seed=i)) for i in range(3)])
    assert len(Samples(batch, transform=transform)) == 3
    assert len(Samples(torch.tensor(batch), transform=transform)) == 3
    assert len(Samples(batch[0], transform=transform)) == 1


def test_a_network_that_takes_blue_first_is_shown_the_pictures_own_colours() -> None:
    picture = drawn(8, 8)
    for order in ([2, 1, 0], [1, 2, 0]):
        samples = Samples([picture], transform=lambda picture, order=order: transform(picture)[order])
        shown = samples.pictures(0)[0]
        assert shown is not None
        np.testing.assert_allclose(shown, np.asarray(picture), atol=1)


def test_what_is_cut_off_is_not_shown_and_colours_are_the_pictures_own() -> None:
    picture = drawn(64, 96)
    samples = Samples([picture], transform=cut)
    shown = samples.pictures(0)[0]
    assert shown is not None
    assert shown.shape == (8, 8, 3)  # what the network sees, for the attributions lie on it
    middle = picture.crop((40, 24, 56, 40)).resize((8, 8), Image.Resampling.BOX)
    np.testing.assert_array_equal(shown, np.asarray(middle))


def test_a_squeezed_picture_is_shown_squeezed() -> None:
    shown = Samples([drawn(32, 64)], transform=transform).pictures(0)[0]
    assert shown is not None
    assert shown.shape == (8, 8, 3)


def test_a_transform_that_knows_no_scale_is_shown_as_it_is() -> None:
    def strange(picture: Image.Image) -> Tensor:
        x = transform(picture)
        return x / x.std() if float(x.std()) > 1 else x

    assert (
        Samples([drawn()], transform=lambda p: strange(p) * 0 + strange(p).abs()).pictures(0)[0] is not None
    )


@pytest.mark.parametrize(
    ("inputs", "options", "words"),
    [
        ([drawn()], {}, "transform="), ([3.0], {"transform": transform}, r"inputs\[0\] must be a picture"),
        (["missing.png"], {"transform": transform}, "cannot read 'missing.png'"),
        ([np.zeros((4, 4, 2), np.uint8)], {"transform": transform}, r"\(4, 4, 2\)"),
        ([np.zeros((4, 4, 3))], {"transform": transform}, "float64"),
        ([drawn(), drawn()], {"transform": lambda p: torch.zeros(p.size[0] + next(COUNT))}, "all must be alike"),
        ([drawn()], {"transform": lambda p: p}, "must return a tensor, got Image"),
        ([drawn()], {"transform": lambda p: 1 / 0}, "transform fails on .* division"),
        ([], {"transform": transform}, "empty"),
        (torch.zeros(1, 3, 4, 4, dtype=torch.uint8), {}, "a tensor of bytes"),
    ],
    ids=str,
)  # fmt: skip
def test_inputs_that_are_none(inputs: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(bbp.errors.BadInput, match=words):
        Samples(inputs, **options)


COUNT = iter(range(1000))


# -- uploads -----------------------------------------------------------------------------------------------------


def upload(page: Page, seq: int, data: bytes, name: str = "cat.jpg") -> dict[str, Any]:
    page.say({"type": "upload", "seq": seq, "name": name}, data)
    reply = page.replies("uploaded")[-1]
    assert reply["seq"] == seq
    return reply


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_dropped_on_the_page_becomes_a_sample(make: Make, kind: str) -> None:
    network = randomized(Residual())
    explorer = make(network, [drawn(), drawn(seed=1)], transform=transform)
    page = Page(explorer)
    assert explorer.stage.setup["uploads"] is True
    data = bytes_of(drawn(30, 40, seed=2), kind)
    assert upload(page, 4, data, f"C:\\pictures\\{EVIL.replace('/', '')}.jpg") == {
        "type": "uploaded",
        "seq": 4,
        "sample": 2,
    }
    assert explorer.stage.setup["samples"][2] == {"name": f"{EVIL.replace('/', '')}.jpg", "label": None}
    assert len(unpack(explorer.stage.thumbs)[0]["items"]) == 3
    film = page.answered(5, sample=2)
    read = Image.open(io.BytesIO(data)).convert("RGB")
    expected = bbp.attribute(network, transform(read)[None])
    assert film["totals"]["value"] == float(expected.value[0])
    assert film["input"]["name"].endswith(".jpg")


def test_a_picture_lies_as_its_camera_was_held(make: Make) -> None:
    explorer = make(inputs=[drawn()], transform=transform)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    upload(Page(explorer), 1, bytes_of(drawn(20, 40), "JPEG", exif=exif))
    turned = Image.open(io.BytesIO(bytes_of(drawn(20, 40), "JPEG"))).rotate(-90, expand=True)
    torch.testing.assert_close(explorer._desk.samples.tensor(1), transform(turned)[None], rtol=0, atol=0.05)


def blank(side: int) -> bytes:
    return bytes_of(Image.new("1", (side, side)))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no picture"), (b"no picture at all", "cat.jpg is no picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "no picture"), (blank(9000), "9000 x 9000 pixels"),
        (bytes_of(drawn())[:300], "no picture"), (b"\0" * (MOST_BYTES + 1), "at most 10 MB"),
        (blank(30_000), "decompression bomb"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
    ],
    ids=["empty", "text", "header", "large", "truncated", "heavy", "bomb", "svg"],
)  # fmt: skip
def test_an_upload_that_is_no_picture_is_told_and_nothing_changes(
    make: Make, data: bytes, words: str
) -> None:
    explorer = make(inputs=[drawn()], transform=transform)
    page = Page(explorer)
    before = explorer.stage.setup, explorer.stage.thumbs, explorer.state
    reply = upload(page, 3, data)
    assert words in reply["error"]["message"]
    assert reply["error"]["title"] == "BadInput"
    assert "sample" not in reply
    assert (explorer.stage.setup, explorer.stage.thumbs, explorer.state) == before
    assert explorer.stage.error == {}
    assert page.answered(4)["answers"] == 4


def test_an_upload_without_bytes_or_transform(make: Make) -> None:
    page = Page(make())
    assert "transform=" in upload(page, 1, bytes_of(drawn()))["error"]["message"]
    page = Page(make(inputs=[drawn()], transform=transform))
    page.say({"type": "upload", "seq": 2, "name": None})
    assert "there are none" in page.replies("uploaded")[-1]["error"]["message"]


def test_an_upload_while_a_film_is_computed(make: Make) -> None:
    explorer = make(inputs=[drawn(), drawn(seed=1)], transform=transform)
    page = Page(explorer)
    page.request(1, sample=1, lanes=[*question()["lanes"], {"rule": "winner", "parameters": {}, "plan": {}}])
    assert upload(page, 2, bytes_of(drawn(seed=3)))["sample"] == 2
    assert explorer.wait(LONG)
    assert page.answers() == [(1, 0), (1, 1)]
    explorer.sample = -1
    assert explorer.sample == 2


def test_signals_are_drawn_small_once_the_network_has_told_that_they_are_some(make: Make) -> None:
    network = nn.Sequential(nn.Conv1d(2, 3, 5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten()).eval()
    signals = torch.randn(3, 2, 80)
    explorer = make(network, inputs=signals, target=0)
    assert explorer.wait(LONG)

    def traces() -> list[bytes]:
        header, body = unpack(explorer.stage.thumbs)
        return [body[one["ends"] :][: one["lanes"] * 2 * one["width"]] for one in header["traces"]]

    wanted = [trace_of(Line(2, 80), x).tobytes() for x in signals]
    assert traces() == wanted
    explorer.show(-signals[1], sample=1)
    assert explorer.wait(LONG)
    assert traces() == [wanted[0], trace_of(Line(2, 80), -signals[1]).tobytes(), wanted[2]]


def test_tokens_are_drawn_by_the_axis_that_the_network_reads_them_along(make: Make) -> None:
    network = nn.Sequential(nn.Linear(6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(30, 2)).eval()
    tokens = torch.randn(2, 10, 6)
    explorer = make(network, inputs=tokens, target=0)
    assert explorer.wait(LONG)
    header, body = unpack(explorer.stage.thumbs)
    first = header["traces"][0]
    assert first["lanes"] == 3
    assert body[first["ends"] :][:288] == trace_of(Line(6, 10, last=True), tokens[0]).tobytes()
