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
from bbp_widgets.views import as_pictures, film_of, pack_thumbnails, unpack  # noqa: E402

FOLDER = ROOT / "tests" / "examples"


def random(*shape: int, seed: int = 3) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def picture_film() -> bytes:
    """Return the film of a small convolution network: maps of several sizes, a pooled vector, a pair as target."""
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, bias=False),
        nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3),
    )  # fmt: skip
    x = random(2, 3, 12, 8)
    state = {"sample": 1, "target": 2, "versus": 0, "rule": "softmax",
             "parameters": {"temperature": 0.5, "relative": True}}  # fmt: skip
    pictures = as_pictures(x.numpy())
    assert pictures is not None
    film = film_of(
        bbp.attribute(randomized(network), x, target=(2, 0), rule=bbp.rules.softmax(0.5)),
        state=state, sample=1, network="Sequential", classes=["cat", "<b>dog</b>", "Füchsin"],
        name="2 of 2", label="cat", picture=pictures[1],
    )  # fmt: skip
    return film.packed(answers=7)


def vector_film() -> bytes:
    """Return the film of a row of a table, with what is not finite on its way."""
    network = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2))
    film = film_of(
        bbp.attribute(randomized(network), random(1, 5), target=1),
        state={"sample": 0, "target": 1, "versus": None, "rule": "proportional", "parameters": {"power": 1.0}},
        network="Sequential", name="1 of 1", features=["age", "rooms", "income", "latitude", "longitude"],
    )  # fmt: skip
    film.header["scores"].append(float("nan"))  # becomes null
    return film.packed()


def thumbs() -> bytes:
    """Return the small pictures of three inputs."""
    return pack_thumbnails(as_pictures(random(3, 1, 4, 6).numpy()), 3, side=8)


EXAMPLES = {"picture": picture_film, "vector": vector_film, "thumbs": thumbs}


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
    source, pictures = header["input"], header["pictures"]
    found("input.rgb", "u1", source["rgb"], source["height"] * source["width"] * 3)
    found("input.values", "<f4", source["values"], source["width"])
    for part in ("gradient", "bias"):
        found(f"pictures.{part}", "<f4", pictures[part], pictures["height"] * pictures["width"])
    for i, frame in enumerate(header["frames"]):
        mass = frame["mass"]
        if mass["kind"] == "vector":
            found(f"frames.{i}.mass.values", "<f4", mass["values"], mass["width"])
        elif mass["kind"] == "maps":
            size = mass["height"] * mass["width"]
            found(f"frames.{i}.mass.tiles", "u1", mass["tiles"], len(mass["shown"]) * size)
            flat = mass["flat"]
            found(f"frames.{i}.mass.flat.tile", "u1", flat["tile"], flat["height"] * flat["width"])
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
