"""The example files that Python and TypeScript share: ``python tests/views/examples.py`` writes them.

``tests/examples/NAME.film`` is what the kernel sends; ``NAME.json`` beside it holds its header, and every array
with the numbers that a reader must find: ``{"path", "type", "offset", "values"}``, the path as in the header.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from engine.nets import randomized  # noqa: E402

import bbp_widgets as bbp  # noqa: E402
from bbp_widgets.views import (  # noqa: E402
    Film,
    as_pictures,
    channels_answer,
    film_of,
    films_of,
    pack_reel,
    pack_thumbnails,
    parts_answer,
    unit_answer,
    unpack,
)

FOLDER = ROOT / "tests" / "examples"


def random(*shape: int, seed: int = 3) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


CLASSES = ["cat", "<b>dog</b>", "Füchsin"]


def picture_attribution() -> bbp.Attribution:
    """Return what a small convolution network owes to its biases, for a pair as target and under a plan."""
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, bias=False),
        nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3),
    )  # fmt: skip
    return bbp.attribute(
        randomized(network),
        random(2, 3, 12, 8),
        target=(2, 0),
        rule=bbp.rules.softmax(0.5),
        plan={"3": "uniform"},
    )


def picture_films(large: int | None = None) -> list[Film]:
    """Return its films: maps of several sizes, a pooled vector, receptive fields."""
    plan = {"3": {"rule": "uniform", "parameters": {}}}
    parameters = {"temperature": 0.5, "relative": True}
    state = {"sample": 1, "target": 2, "versus": 0, "rule": "softmax", "parameters": parameters, "plan": plan}
    pictures = as_pictures(random(2, 3, 12, 8).numpy())
    assert pictures is not None
    films = films_of(
        picture_attribution(), state=state, sample=1, network="Sequential", classes=CLASSES, name="2 of 2",
        label="cat", pictures=[pictures[1]], large=large,
    )  # fmt: skip
    return [_untimed(film) for film in films]


def picture_film() -> bytes:
    """Return the whole film, as the answer to a request for a second lane."""
    return picture_films()[-1].packed(answers=7, lane=1)


def numbers_film() -> bytes:
    """Return what comes before it where a film is large: the same without tiles."""
    return picture_films(large=0)[0].packed(answers=7, lane=1)


#: The question of a film of nothing special.
PLAIN: dict[str, Any] = {
    "sample": 0, "target": 1, "versus": None, "rule": "proportional", "parameters": {"power": 1.0}, "plan": {},
}  # fmt: skip


def vector_film() -> bytes:
    """Return the film of a row of a table, with what is not finite on its way."""
    network = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2))
    film = film_of(
        bbp.attribute(randomized(network), random(1, 5), target=1), state=PLAIN,
        network="Sequential", name="1 of 1", features=["age", "rooms", "income", "latitude", "longitude"],
    )  # fmt: skip
    film.header["scores"].append(float("nan"))  # becomes null
    return _untimed(film).packed()


def signal_film() -> bytes:
    """Return the film of a signal of three channels with names."""
    network = nn.Sequential(nn.Conv1d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 9, 2))
    film = film_of(
        bbp.attribute(randomized(network), random(1, 3, 11), target=1), state=PLAIN,
        network="Sequential", name="1 of 1", features=["I", "II", "<b>III</b>"],
    )  # fmt: skip
    return _untimed(film).packed()


class Three(nn.Module):
    """Takes a picture, a signal and a row of a table."""

    def __init__(self) -> None:
        super().__init__()
        self.image, self.signal, self.table = nn.Conv2d(3, 4, 3), nn.Conv1d(2, 3, 3), nn.Linear(4, 5)
        self.head = nn.Linear(12, 2)

    def forward(self, picture: torch.Tensor, sound: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
        parts = (
            self.image(picture).relu().mean((2, 3)),
            self.signal(sound).relu().mean(2),
            self.table(row).relu(),
        )
        return self.head(torch.cat(parts, 1))


def several_attribution(samples: int = 1) -> bbp.Attribution:
    """Return what a network of three inputs owes to its biases."""
    inputs = random(samples, 3, 6, 5), random(samples, 2, 9, seed=4), random(samples, 4, seed=5)
    return bbp.attribute(randomized(Three()), inputs, target=1)


def several_film() -> bytes:
    """Return its film."""
    shown = as_pictures(random(1, 3, 6, 5).numpy())
    assert shown is not None
    film = film_of(
        several_attribution(), state=PLAIN, network="Three", name="1 of 1", titles=["picture", "sound", "<b>row</b>"],
        features=["age", "rooms", "income", "latitude"], pictures=[shown[0], None, None],
    )  # fmt: skip
    return _untimed(film).packed()


def _untimed(film: Film) -> Film:
    """Give a film times that are the same on every machine."""
    for i, frame in enumerate(film.header["frames"]):
        frame["triage"]["ms"] = i / 8
    return film


def unit() -> bytes:
    """Return the equation of a unit of the first convolution in that film."""
    film = picture_films()[-1]
    frame = next(i for i, frame in enumerate(film.header["frames"]) if frame["module"] == "0")
    question = {"kind": "unit", "film": film.key, "frame": frame, "unit": [2, 5, 0]}
    return unit_answer(picture_attribution(), question, sample=1)


def channels() -> bytes:
    """Return the channels of the second convolution in that film, in their own order."""
    film = picture_films()[-1]
    frame = next(i for i, frame in enumerate(film.header["frames"]) if frame["module"] == "3")
    question = {"kind": "channels", "film": film.key, "frame": frame, "by": "index", "page": 0}
    return channels_answer(picture_attribution(), question, sample=1)


def parts() -> bytes:
    """Return what either part says about three classes."""
    return parts_answer({"kind": "parts", "sample": 1}, [1.5, -2.25, 0.125], [0.5, 4.0, float("nan")])


def kept() -> bytes:
    """Return a film, two details and a look for a page without a kernel.

    They are the files beside it: as bytes in a reel they could not be compared but for noise.
    """
    film, *details = (FOLDER.joinpath(f"{name}.film").read_bytes() for name in ("vector", "parts", "unit"))
    return pack_reel([film], details, {"step": 2, "level": "layers"})


def thumbs() -> bytes:
    """Return the small pictures of three inputs."""
    return pack_thumbnails(as_pictures(random(3, 1, 4, 6).numpy()), 3, side=8)


EXAMPLES = {
    "picture": picture_film, "numbers": numbers_film, "vector": vector_film, "signal": signal_film,
    "several": several_film, "thumbs": thumbs,
    "unit": unit, "channels": channels, "parts": parts, "kept": kept,
}  # fmt: skip


def decoded(data: bytes) -> dict[str, Any]:
    """Return what ``data`` holds, written from the contract alone: the header, and each array with its numbers."""
    header, body = unpack(data)
    arrays: list[dict[str, Any]] = []

    def found(path: str, kind: str, offset: int | None, count: int) -> None:
        if offset is not None:
            values = np.frombuffer(body, kind, count, offset).tolist()
            arrays.append(
                {
                    "path": path,
                    "type": {"<f4": "float32", "u1": "uint8"}[kind],
                    "offset": offset,
                    "values": values,
                }
            )

    if "items" in header:
        size = header["height"] * header["width"] * 3
        for i, offset in enumerate(header["items"]):
            found(f"items.{i}", "u1", offset, size)
        return {"header": header, "arrays": arrays}

    def tensor(path: str, at: dict[str, Any]) -> None:
        for view in ("value", "contribution", "mass"):
            if at["kind"] == "vector":
                found(f"{path}.{view}", "<f4", at[view], at["length"])
            elif at["kind"] == "maps":
                pixels = at["height"] * at["width"]
                found(f"{path}.{view}.tiles", "u1", at[view]["tiles"], len(at["shown"]) * pixels)
        if at["kind"] == "maps" and at["flat"] is not None:
            found(f"{path}.flat.tile", "u1", at["flat"]["tile"], at["height"] * at["width"])

    if "films" in header:  # blobs in a blob
        for part in ("films", "details"):
            for i, (offset, length) in enumerate(header[part]):
                found(f"{part}.{i}", "u1", offset, length)
        return {"header": header, "arrays": arrays}
    if "kind" in header:
        if "tensor" in header:
            tensor("tensor", header["tensor"])
        return {"header": header, "arrays": arrays}
    for path, entry in [("", header), *((f"others.{i}.", other) for i, other in enumerate(header["others"]))]:
        source, pictures = entry["input"], entry["pictures"]
        found(f"{path}input.rgb", "u1", source["rgb"], source["height"] * source["width"] * 3)
        found(f"{path}input.values", "<f4", source["values"], source["height"] * source["width"])
        for part in ("gradient", "bias"):
            found(f"{path}pictures.{part}", "<f4", pictures[part], pictures["height"] * pictures["width"])
    for i, frame in enumerate(header["frames"]):
        tensor(f"frames.{i}.tensor", frame["tensor"])
    for i, other in enumerate(header["others"]):
        tensor(f"others.{i}.frame.tensor", other["frame"]["tensor"])
    return {"header": header, "arrays": arrays}


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, make in EXAMPLES.items():
        data = make()
        FOLDER.joinpath(f"{name}.film").write_bytes(data)
        text = json.dumps(decoded(data), ensure_ascii=False, separators=(",", ":"))
        FOLDER.joinpath(f"{name}.json").write_text(text + "\n", "utf8")
        print(f"{name}: {len(data)} bytes, {len(text)} of JSON")


if __name__ == "__main__":
    write()
