"""The frames of a film: one a step of the ledger, the output before them and the input behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bbp_widgets.engine import Attribution

from .stops import names_of
from .tensors import NONE

__all__ = ["frames_of_inputs", "numbers_of_frames", "tolerance_of"]

#: |residual| of an exact cut, of the largest of |target|, |w·x| and |b|.
TOLERANCE = {"float32": 1e-4, "float64": 1e-9}


def tolerance_of(attribution: Attribution, sample: int) -> float:
    """Return how far a cut may miss the target and still be called exact, in target units."""
    value, b = float(attribution.value[sample]), float(attribution.local.b[sample])
    precision = str(attribution.value.dtype).removeprefix("torch.")
    return TOLERANCE.get(precision, 1e-4) * max(abs(value), abs(value - b), abs(b), 1e-12)


def numbers_of_frames(attribution: Attribution, sample: int, tolerance: float) -> list[dict[str, Any]]:
    """Return what the ledger says of each frame; the tensors are still missing."""
    ledger = attribution.ledger
    value = float(attribution.value[sample])
    frames = [_end("output", value, 0.0, 0.0, value, tolerance)]
    lost = 0.0
    for step, name in zip(ledger, names_of(ledger), strict=True):
        residual = float(step.residual[sample])
        unshared = float(step.unshared[sample])
        lost += unshared
        frames.append({
            "node": step.node, "name": name, "module": step.module, "op": step.op, "shape": list(step.shape[1:]),
            "mixes": step.mixes, "adds": step.adds,
            "arriving": float(step.mass_in[sample]), "intercept": float(step.intercept[sample]), "unshared": unshared,
            "cut_gradient": float(step.cut_gradient[sample]), "cut_bias": float(step.cut_bias[sample]),
            "cut_unshared": lost, "residual": residual, "exact": abs(residual) <= tolerance,
            "triage": {"broken": 0, "negative": 0.0, "dead": 0.0, "entropy": None, "ms": step.seconds * 1e3},
            "grid": None, "field": None, "tensor": NONE,
        })  # fmt: skip
    gradient, bias = (
        (float(ledger[-1].cut_gradient[sample]), float(ledger[-1].cut_bias[sample]))
        if ledger
        else (value, 0.0)
    )
    frames.append(_end("input", gradient, bias, lost, value, tolerance))
    return frames


def frames_of_inputs(
    attribution: Attribution, end: dict[str, Any], titles: Sequence[str]
) -> list[dict[str, Any]]:
    """Return a frame for each input but the first: the same cut as that of ``end``, seen on another input.

    ``titles`` are what all inputs are called.
    """
    return [
        {**end, "node": source.name, "name": title, "triage": dict(end["triage"])}
        for source, title in zip(attribution.sources[1:], titles[1:], strict=True)
    ]


def _end(
    name: str, gradient: float, bias: float, unshared: float, value: float, tolerance: float
) -> dict[str, Any]:
    residual = value - gradient - bias - unshared
    return {
        "node": name, "name": name, "module": "", "op": "", "shape": [], "mixes": False, "adds": False,
        "arriving": bias, "intercept": 0.0, "unshared": 0.0,
        "cut_gradient": gradient, "cut_bias": bias, "cut_unshared": unshared,
        "residual": residual, "exact": abs(residual) <= tolerance,
        "triage": {"broken": 0, "negative": 0.0, "dead": 0.0, "entropy": None, "ms": 0.0},
        "grid": None, "field": None, "tensor": NONE,
    }  # fmt: skip
