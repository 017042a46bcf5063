"""What is explained: the target in words, and the scores beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bbp_widgets.engine import Attribution, LocalModel

__all__ = ["parts_known", "scores_of", "target_label"]


def target_label(local: LocalModel, sample: int, classes: Sequence[str] | None) -> str:
    """Return what the target is called: a class, a pair of them, or an output's number."""
    index = local.target
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


def parts_known(
    local: LocalModel, sample: int, classes: Sequence[str] | None
) -> dict[str, str | float | None]:
    """Return what is known before the bias is carried back: target = gradient part + bias part, in target units.

    ``None`` stands for what is not finite, as in a film.
    """
    value, bias = float(local.value[sample]), float(local.b[sample])
    figures = {"value": value, "gradient": value - bias, "bias": bias}
    known = {name: figure if math.isfinite(figure) else None for name, figure in figures.items()}
    return {"target": target_label(local, sample, classes), **known}
