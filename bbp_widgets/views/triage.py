"""What looks wrong: figures of each frame that say where a network, or its attribution, goes astray."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from bbp_widgets.engine import Attribution

from .frames import numbers_of_frames, tolerance_of
from .tensors import Sheet, sheets_of

__all__ = ["anomalies", "figures_of", "triage_table"]

#: Nothing lives where all units are zero.
_ALL_DEAD = 1.0


def figures_of(sheet: Sheet) -> dict[str, Any]:
    """Return what is wrong with a value, its grad and its mass, in figures.

    ``broken``: values, grads and masses that are not finite. An infinite value that the target does not depend on (a
    masked score) is none. ``negative``: the part of Σ|mass| that is negative. ``dead``: the part of the units whose
    value is zero.
    """
    place = sheet.place
    value, grad, mass = (array.reshape(-1) for array in (place.value, place.grad, place.mass))
    gross = float(sheet.weight.sum(dtype=torch.double))
    net = float(mass.sum(dtype=torch.double)) if mass.numel() < 4096 else float(mass.sum())
    # all at once, which takes one pass: looked at one by one only where that is not finite
    fine = math.isfinite(gross) and bool(torch.isfinite(torch.dot(grad, value)))
    count = max(1, value.numel())
    return {
        "broken": 0 if fine else _broken(value, grad, mass),
        "negative": min(1.0, max(0.0, (gross - net) / (2 * gross))) if gross > 0 else 0.0,
        "dead": 1 - int(torch.count_nonzero(value)) / count,
    }


def _broken(value: Tensor, grad: Tensor, mass: Tensor) -> int:
    values = torch.isnan(value) | (torch.isinf(value) & (grad != 0))
    return sum(
        int(torch.count_nonzero(array)) for array in (values, ~torch.isfinite(grad), ~torch.isfinite(mass))
    )


def anomalies(frame: dict[str, Any], before: dict[str, Any] | None, tolerance: float) -> list[str]:
    """Return what is wrong with a frame of a film: the page has the same rule.

    ``before`` is the frame before it, nearer the output. A residual counts where it arises: where it differs from the
    one before by more than the tolerance.
    """
    found = []
    residual, last = frame["residual"], 0.0 if before is None else before["residual"]
    known, was_known = _finite(residual), _finite(last)
    if (was_known and not known) or (known and was_known and abs(residual - last) > tolerance):
        found.append("residual")
    if frame["triage"]["broken"] > 0:
        found.append("broken")
    if not _finite(frame["unshared"]) or abs(frame["unshared"]) > tolerance:
        found.append("unshared")
    if frame["triage"]["dead"] >= _ALL_DEAD:
        found.append("dead")
    return found


def _finite(number: float | None) -> bool:
    return number is not None and math.isfinite(number)


def triage_table(
    attribution: Attribution, sample: int = 0, *, entropies: bool = True
) -> list[dict[str, Any]]:
    """Return one row a step, output first: what ``explorer.triage()`` shows.

    ``entropy`` is that of the shares of the largest units, 0 for all to one, 1 for uniform, ``None`` where no rule
    decides; ``mass`` is Σ|mass|; ``anomalies`` names what is wrong.
    """
    tolerance = tolerance_of(attribution, sample)
    rows: list[dict[str, Any]] = []
    before: dict[str, Any] | None = None
    frames = numbers_of_frames(attribution, sample, tolerance)[1:-1]
    sheets = sheets_of(attribution, sample)[: len(frames)]
    for i, (step, frame, sheet) in enumerate(zip(attribution.ledger, frames, sheets, strict=True)):
        frame["triage"] = figures_of(sheet)
        rows.append({
            "step": i + 1, "node": step.node, "module": step.module, "op": step.op,
            "residual": frame["residual"], "unshared": frame["unshared"], "broken": frame["triage"]["broken"],
            "entropy": entropy_of(attribution, i, sample) if entropies else None,
            "negative": frame["triage"]["negative"], "dead": frame["triage"]["dead"],
            "mass": float(sheet.weight.sum(dtype=torch.double)), "seconds": step.seconds,
            "anomalies": anomalies(frame, before, tolerance),
        })  # fmt: skip
        before = frame
    return rows


def entropy_of(attribution: Attribution, step: int, sample: int) -> float | None:
    """Return how evenly the largest units of a step share, 0 to 1; ``None`` where no rule decides."""
    there = attribution.ledger[step]
    return attribution.share_entropy(there.node, units=4, sample=sample) if there.mixes else None
