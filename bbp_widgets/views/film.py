"""A film: everything the browser needs to step through one attribution, in one block of bytes.

One frame per stop with its numbers and its display tiles. Stepping, playing and scrubbing then ask nobody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bbp_widgets.engine import Attribution, Step

from .stops import Stop, stops_of
from .tiles import block_sum, largest, quantized
from .wire import Body, pack

__all__ = ["Film", "film_of", "films_key", "picture_planes", "target_label"]

Array = np.ndarray[Any, Any]

#: Channels of a step that are drawn; a step with more shows those with the most mass.
SHOWN_CHANNELS = 24
#: Longest side of a feature map in pixels, as large as it is drawn.
MAP_SIDE = 56
#: Longest side of a picture of the input.
PICTURE_SIDE = 256
#: Entries of a vector that are drawn.
VECTOR_LENGTH = 4096
#: |residual| of an exact cut, of the largest of |target|, |w·x| and |b|.
TOLERANCE = {"float32": 1e-4, "float64": 1e-9}


@dataclass(frozen=True)
class Film:
    """A film and what it was made of."""

    header: dict[str, Any]
    body: bytes = field(repr=False)

    @property
    def key(self) -> str:
        """The name of the question that it answers."""
        return str(self.header["key"])

    def packed(self, answers: int | None = None) -> bytes:
        """Return the film for the page; ``answers`` is the number of the request that asked for it."""
        return pack({**self.header, "answers": answers}, self.body)


def films_key(state: dict[str, Any]) -> str:
    """Return the name of a film: what was asked, in a form that is the same for the same question."""
    return json.dumps(state, sort_keys=True, separators=(",", ":"))


def film_of(
    attribution: Attribution,
    *,
    state: dict[str, Any],
    sample: int = 0,
    network: str = "",
    classes: Sequence[str] | None = None,
    name: str = "",
    label: str | None = None,
    picture: Array | None = None,
    features: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Film:
    """Return the film of one sample of an attribution.

    ``state`` is the question that it answers, ``picture`` (H, W, 3) bytes to show as the input, ``features`` the names
    of a table's columns. ``progress`` is called with (frames done, frames in all).
    """
    body = Body()
    ledger = attribution.ledger
    stops = stops_of(ledger)
    value = float(attribution.value[sample])
    b = float(attribution.local.b[sample])
    precision = str(attribution.value.dtype).removeprefix("torch.")
    tolerance = TOLERANCE.get(precision, 1e-4) * max(abs(value), abs(value - b), abs(b), 1e-12)
    frames = _frames(attribution, stops, sample, tolerance, body, progress)
    residual = float(attribution.residual[sample])
    index = attribution.local.target
    chosen = None if index is None else index[sample].reshape(-1).tolist()
    header = {
        "version": 1,
        "key": films_key(state),
        "state": state,
        "network": network,
        "precision": precision,
        "target": {
            "index": chosen[0] if chosen else None,
            "label": target_label(attribution, sample, classes),
            "value": value,
            "versus": chosen[1] if chosen and len(chosen) > 1 else None,
        },
        "scores": _scores(attribution, sample),
        "input": _input(attribution, sample, name, label, picture, features, body),
        "pictures": _pictures(attribution, sample, body),
        "totals": {
            "value": value,
            "gradient": value - b,
            "bias": b,
            "unshared": float(attribution.unshared[sample]),
            "residual": residual,
            "tolerance": tolerance,
            "exact": abs(residual) <= tolerance,
        },
        "frames": frames,
    }
    return Film(header, bytes(body))


def target_label(attribution: Attribution, sample: int, classes: Sequence[str] | None) -> str:
    """Return what the target is called: a class, a pair of them, or an output's number."""
    index = attribution.local.target
    if index is None:
        return "target"
    names = [
        classes[i] if classes is not None and i < len(classes) else f"output {i}"
        for i in index[sample].reshape(-1).tolist()
    ]
    return " rather than ".join(names)


def _scores(attribution: Attribution, sample: int) -> list[float]:
    output = attribution.local.output
    if not hasattr(output, "dim") or output.dim() not in (1, 2):
        return []
    return [float(score) for score in output[sample].reshape(-1)]


def _first(arrays: Any) -> Any:
    return arrays[0] if isinstance(arrays, tuple) else arrays


def _plane(array: Array) -> Array:
    """Sum the channels of one sample: (C, H, W) → (H, W); (C, L) → (1, L); (L,) → (1, L); () → (1, 1)."""
    if array.ndim <= 1:
        return array.reshape(1, -1)
    return array.sum(tuple(range(array.ndim - 2))) if array.ndim > 2 else array.sum(0, keepdims=True)


def _input(
    attribution: Attribution,
    sample: int,
    name: str,
    label: str | None,
    picture: Array | None,
    features: Sequence[str] | None,
    body: Body,
) -> dict[str, Any]:
    x = _first(attribution.local.inputs)[sample].double().cpu().numpy()
    common = {"name": name, "label": label, "shape": list(x.shape)}
    if x.ndim == 1:
        length = min(len(x), VECTOR_LENGTH)
        names = list(features)[:length] if features is not None else [f"x{i}" for i in range(length)]
        values = body.add(x[:length].astype(np.float32))
        return {
            **common,
            "kind": "vector",
            "height": 1,
            "width": length,
            "rgb": None,
            "names": names,
            "values": values,
        }
    height, width = _plane(x).shape
    rgb = None
    if picture is not None:
        rgb = body.add(picture)
        height, width = picture.shape[:2]
    return {
        **common,
        "kind": "picture",
        "height": height,
        "width": width,
        "rgb": rgb,
        "names": None,
        "values": None,
    }


def picture_planes(attribution: Attribution, sample: int) -> tuple[Array, Array]:
    """Return the gradient attribution and the bias attribution of one sample, summed over channels, (H, W).

    A vector is a picture of height one. Pictures larger than ``PICTURE_SIDE`` are summed over blocks.
    """
    planes = []
    for arrays in (attribution.gradient, attribution.bias):
        part = _first(arrays)[sample].double().cpu().numpy()
        plane = _plane(part)
        planes.append(block_sum(plane, PICTURE_SIDE) if part.ndim > 1 else plane[:, :VECTOR_LENGTH])
    return planes[0], planes[1]


def _pictures(attribution: Attribution, sample: int, body: Body) -> dict[str, Any]:
    planes = picture_planes(attribution, sample)
    height, width = planes[0].shape
    gradient, bias = (body.add(plane.astype(np.float32)) for plane in planes)
    return {"height": height, "width": width, "gradient": gradient, "bias": bias}


def _frames(
    attribution: Attribution,
    stops: Sequence[Stop],
    sample: int,
    tolerance: float,
    body: Body,
    progress: Callable[[int, int], None] | None,
) -> list[dict[str, Any]]:
    ledger = attribution.ledger
    total = len(stops) + 2
    value = float(attribution.value[sample])
    frames = [_end_frame("output", value, 0.0, 0.0, value, tolerance)]
    lost, before = 0.0, -1
    for done, stop in enumerate(stops):
        if progress is not None:
            progress(done, total)
        step = ledger[stop.step]
        passed = ledger[before + 1 : stop.step + 1]
        added = sum(float(s.intercept[sample]) for s in passed)
        lost += sum(float(s.unshared[sample]) for s in passed)
        before = stop.step
        mass = attribution.at(stop.node).mass[sample].double().cpu().numpy()
        frames.append(_frame(stop, step, sample, added, lost, tolerance, mass, body))
    last = ledger[-1]
    rest = ledger[before + 1 :]
    added = sum(float(s.intercept[sample]) for s in rest)
    lost += sum(float(s.unshared[sample]) for s in rest)
    end = _end_frame(
        "input", float(last.cut_gradient[sample]), float(last.cut_bias[sample]), lost, value, tolerance
    )
    bias = _first(attribution.bias)[sample].double().cpu().numpy()
    frames.append({**end, "added": added, "mass": _mass(bias, body), "shape": list(bias.shape)})
    if progress is not None:
        progress(total, total)
    return frames


def _end_frame(
    name: str, gradient: float, bias: float, unshared: float, value: float, tolerance: float
) -> dict[str, Any]:
    residual = value - gradient - bias - unshared
    return {
        "name": name, "module": "", "op": "", "group": "", "shape": [],
        "arriving": bias, "intercept": 0.0, "unshared": 0.0, "added": 0.0,
        "cut_gradient": gradient, "cut_bias": bias, "cut_unshared": unshared,
        "residual": residual, "exact": abs(residual) <= tolerance, "mass": {"kind": "none"},
    }  # fmt: skip


def _frame(
    stop: Stop, step: Step, sample: int, added: float, lost: float, tolerance: float, mass: Array, body: Body
) -> dict[str, Any]:
    residual = float(step.residual[sample])
    return {
        "name": stop.name,
        "module": step.module,
        "op": step.op,
        "group": stop.group,
        "shape": list(step.shape[1:]),
        "arriving": float(step.mass_in[sample]),
        "intercept": float(step.intercept[sample]),
        "unshared": float(step.unshared[sample]),
        "added": added,
        "cut_gradient": float(step.cut_gradient[sample]),
        "cut_bias": float(step.cut_bias[sample]),
        "cut_unshared": lost,
        "residual": residual,
        "exact": abs(residual) <= tolerance,
        "mass": _mass(mass, body),
    }


def _mass(mass: Array, body: Body) -> dict[str, Any]:
    """Return a value's mass as tiles: its largest channels, and all of them summed."""
    if mass.ndim < 2 or max(mass.shape[1:]) == 1:  # (C,), or (C, 1, 1) after global pooling
        flat = mass.reshape(-1)[:VECTOR_LENGTH]
        values = body.add(flat.astype(np.float32))
        return {
            "kind": "vector", "channels": int(mass.size), "shown": [], "sums": [], "height": 1, "width": len(flat),
            "limit": largest(flat), "tiles": None, "flat": None, "values": values,
        }  # fmt: skip
    maps = mass.reshape(-1, *mass.shape[-2:]) if mass.ndim > 2 else mass[:, None]
    maps = block_sum(maps, MAP_SIDE)
    weight = np.nan_to_num(np.abs(maps), nan=np.inf).sum((1, 2))
    shown = np.argsort(-weight, kind="stable")[:SHOWN_CHANNELS]
    tiles = maps[shown]
    limit = largest(tiles)
    flat = maps.sum(0)
    flat_limit = largest(flat)
    height, width = maps.shape[1:]
    return {
        "kind": "maps", "channels": len(maps), "shown": shown.tolist(), "sums": tiles.sum((1, 2)).tolist(),
        "height": height, "width": width, "limit": limit, "tiles": body.add(quantized(tiles, limit)),
        "flat": {
            "height": height, "width": width, "limit": flat_limit, "tile": body.add(quantized(flat, flat_limit)),
        },
    }  # fmt: skip
