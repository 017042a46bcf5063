"""Samples of several inputs: each is a tuple of tensors, one for each input of the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from bbp_widgets.engine import BadInput
from bbp_widgets.views import as_pictures

__all__ = ["Given", "Pictures", "alike", "described", "each", "joint_samples", "shown_for", "shown_of"]

#: What a network takes for one sample: (1, ...), or one such tensor for each of its inputs.
Given = Tensor | tuple[Tensor, ...]
#: What is shown for it: (H, W, 3) bytes for each input, ``None`` where it is no picture.
Pictures = tuple["np.ndarray[Any, Any] | None", ...]


def each(given: Given) -> tuple[Tensor, ...]:
    """Return the inputs one by one."""
    return given if isinstance(given, tuple) else (given,)


def described(given: Given) -> str:
    """Return the shape and type of an input, or of each of several."""
    words = [f"{tuple(one.shape[1:])} {one.dtype}" for one in each(given)]
    return words[0] if isinstance(given, Tensor) else f"({', '.join(words)})"


def alike(given: Any, like: Given) -> Given:
    """Return what a network takes for one sample, with its axis of samples.

    Raises: ``BadInput`` where it is not of the shapes and types of ``like``.
    """
    if isinstance(like, Tensor):
        return _alike(given, like)
    if not isinstance(given, (tuple, list)) or len(given) != len(like):
        came = f"{len(given)}" if isinstance(given, (tuple, list)) else type(given).__name__
        raise BadInput(f"an input is a tuple of {len(like)} tensors here, {described(like)}; got {came}.")
    return tuple(_alike(one, other) for one, other in zip(given, like, strict=True))


def _alike(given: Any, like: Tensor) -> Tensor:
    if not isinstance(given, Tensor):
        raise BadInput(f"an input is a tensor here, got {type(given).__name__}.")
    given = given.detach()
    given = given[None] if given.dim() == like.dim() - 1 else given
    if given.shape != like.shape or given.dtype != like.dtype:
        raise BadInput(f"an input is {described(like)} here, got {tuple(given.shape)} {given.dtype}.")
    return given


def joint_samples(inputs: tuple[Any, ...], pictures: Any) -> list[tuple[Given, Pictures]]:
    """Return the samples of several inputs, which all have them along their first axis, and what is shown for each.

    ``pictures`` has one entry for each input, ``None`` for what is shown as it is.

    Raises: ``BadInput`` where there is no input, where one is no tensor, or their samples are not as many.
    """
    if not inputs:
        raise BadInput("inputs is empty: there is nothing to explain.")
    for i, one in enumerate(inputs):
        if not isinstance(one, Tensor) or one.dim() < 2:
            came = f"one of shape {tuple(one.shape)}" if isinstance(one, Tensor) else type(one).__name__
            raise BadInput(f"inputs[{i}] must be a tensor with the samples along its first axis, got {came}.")
    counts = [len(one) for one in inputs]
    if len(set(counts)) > 1:
        raise BadInput(f"inputs must have as many samples each, got {', '.join(map(str, counts))}.")
    if pictures is not None and (not isinstance(pictures, (tuple, list)) or len(pictures) != len(inputs)):
        raise BadInput(
            f"pictures of {len(inputs)} inputs is a tuple with one entry for each, None for what has none."
        )
    shown = [shown_of(one, None if pictures is None else pictures[i]) for i, one in enumerate(inputs)]
    return [
        (tuple(one.detach()[i : i + 1] for one in inputs), tuple(one[i] for one in shown))
        for i in range(counts[0])
    ]


def shown_of(inputs: Tensor, pictures: Any) -> list[np.ndarray[Any, Any] | None]:
    """Return what is shown for each sample of one input."""
    shown = as_pictures(inputs.detach().float().cpu().numpy(), pictures)
    return [None] * len(inputs) if shown is None else list(shown)


def shown_for(given: Given, picture: Any) -> Pictures:
    """Return what is shown for one sample, where ``picture`` may say: (H, W, 3), of several inputs a tuple of such."""
    chosen: Sequence[Any] = (
        picture if isinstance(given, tuple) and picture is not None else [picture] * len(each(given))
    )
    return tuple(
        shown_of(one, None if other is None else np.asarray(other)[None])[0]
        for one, other in zip(each(given), chosen, strict=True)
    )
