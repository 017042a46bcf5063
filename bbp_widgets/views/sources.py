"""The input of a film as it is shown, and what both parts say about it, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from bbp_widgets.engine import Attribution

from .budget import VECTOR_LENGTH
from .tiles import block_sum
from .wire import Body

__all__ = ["input_of", "picture_planes", "pictures_of", "scores_of", "target_label"]

Array = np.ndarray[Any, Any]

#: Longest side of a picture of the input.
PICTURE_SIDE = 256


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


def scores_of(attribution: Attribution, sample: int) -> list[float]:
    """Return the network's output for one sample; nothing where it is not one row a sample."""
    output = attribution.local.output
    if not hasattr(output, "dim") or output.dim() not in (1, 2):
        return []
    return [float(score) for score in output[sample].reshape(-1)]


def input_of(
    attribution: Attribution,
    sample: int,
    name: str,
    label: str | None,
    picture: Array | None,
    features: Sequence[str] | None,
    body: Body,
) -> dict[str, Any]:
    """Return the input as the contract has it: a vector with its values, or a picture with its pixels."""
    x = _first(attribution.local.inputs)[sample]
    common = {"name": name, "label": label, "shape": list(x.shape)}
    if x.dim() == 1:
        length = min(len(x), VECTOR_LENGTH)
        names = list(features)[:length] if features is not None else [f"x{i}" for i in range(length)]
        values = body.add(x[:length].float().cpu().numpy())
        return {
            "kind": "vector", **common, "height": 1, "width": length, "rgb": None, "names": names, "values": values,
        }  # fmt: skip
    height, width = _plane(x).shape
    rgb = None
    if picture is not None:
        rgb = body.add(picture)
        height, width = picture.shape[:2]
    return {
        "kind": "picture", **common, "height": height, "width": width, "rgb": rgb, "names": None, "values": None,
    }  # fmt: skip


def picture_planes(attribution: Attribution, sample: int) -> tuple[Array, Array]:
    """Return the gradient attribution and the bias attribution of one sample, summed over channels, (H, W).

    A vector is a picture of height one. Pictures larger than ``PICTURE_SIDE`` are summed over blocks.
    """
    planes = []
    for arrays in (attribution.gradient, attribution.bias):
        part = _first(arrays)[sample].double()
        plane = _plane(part).cpu().numpy()
        block = -(-max(plane.shape) // PICTURE_SIDE) if part.dim() > 1 else 1
        planes.append(block_sum(plane, block)[:, :VECTOR_LENGTH])
    return planes[0], planes[1]


def pictures_of(attribution: Attribution, sample: int, body: Body) -> dict[str, Any]:
    """Add both parts' pictures to ``body`` and return where they are."""
    planes = picture_planes(attribution, sample)
    height, width = planes[0].shape
    gradient, bias = (body.add(plane.astype(np.float32)) for plane in planes)
    return {"height": height, "width": width, "gradient": gradient, "bias": bias}


def _first(arrays: Any) -> Tensor:
    return arrays[0] if isinstance(arrays, tuple) else arrays


def _plane(array: Tensor) -> Tensor:
    """Sum the channels of one sample: (C, H, W) → (H, W); (C, L) → (1, L); (L,) → (1, L); () → (1, 1)."""
    if array.dim() <= 1:
        return array.reshape(1, -1)
    if array.dim() == 2:
        return array.sum(0, keepdim=True)
    return array.reshape(-1, *array.shape[-2:]).sum(0)
