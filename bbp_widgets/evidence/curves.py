"""Deletion and insertion: what the answer does as pixels go, or come, in the order of an attribution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..engine import BadInput
from .batches import Progress, told
from .masking import baseline_like, order_of, ranks_of, replaced
from .methods import Method, in_eval, skipped_of
from .scores import Scores

__all__ = ["Curves", "deletion", "insertion"]


@dataclass(frozen=True, eq=False)
class Curves:
    """For each method what the network says of the target as a growing part of the pixels is replaced.

    Shapes: ``fractions`` ``(S,)`` from 0 to 1; each of ``values`` ``(N, S)``.
    """

    kind: str
    score: str
    fractions: Tensor
    values: Mapping[str, Tensor]
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def areas(self) -> Scores:
        """The area under each sample's curve (trapezoids): small is good for deletion, large for insertion."""
        areas = {
            name: torch.trapezoid(curve.double(), self.fractions.double(), dim=1)
            for name, curve in self.values.items()
        }
        better = "lower" if self.kind == "deletion" else "higher"
        return Scores(f"area under the {self.kind} curve of the {self.score}", better, areas, self.skipped)

    def chart(self) -> Any:
        """Draw the mean curves (a bqplot figure)."""
        from ..widgets import curve_lines

        means = {name: curve.double().mean(0).tolist() for name, curve in self.values.items()}
        verb = "replaced" if self.kind == "deletion" else "shown"
        return curve_lines(
            self.fractions.tolist(), means, f"{self.kind}: {self.score} of the target", f"part {verb}"
        )

    def __str__(self) -> str:
        return str(self.areas)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.areas._repr_html_()


def deletion(
    network: nn.Module,
    x: Tensor,
    target: Tensor,
    methods: Mapping[str, Method],
    *,
    baseline: Tensor | float = 0.0,
    steps: int = 20,
    score: str = "probability",
    batch_size: int = 64,
    seed: int = 0,
    progress: Progress = True,
) -> Curves:
    """Replace pixels by ``baseline``, those with the largest attribution first, and ask the network each time.

    ``score`` is ``"probability"`` of the target (softmax) or its ``"logit"``. A pixel goes with all of its channels, by
    their sum. Ties are broken by ``seed``. A good explanation lets the score fall at once.

    Shapes: ``x`` ``(N, C, ...)`` or ``(N, F)``; ``target`` ``(N,)``; ``baseline`` a number or like one input.
    Raises: ``BadInput`` for a score that is none, or a target that does not fit.
    Source: Petsiuk, Das and Saenko, "RISE", BMVC 2018; before it Samek et al., 2017, as pixel flipping.
    """
    given = baseline_like(baseline, x)
    return _curves("deletion", network, x, given, target, methods, steps, score, batch_size, seed, progress)


def insertion(
    network: nn.Module,
    x: Tensor,
    target: Tensor,
    methods: Mapping[str, Method],
    *,
    baseline: Tensor | float = 0.0,
    steps: int = 20,
    score: str = "probability",
    batch_size: int = 64,
    seed: int = 0,
    progress: Progress = True,
) -> Curves:
    """Begin with ``baseline`` and put pixels in, those with the largest attribution first. Else as `deletion`.

    A good explanation lets the score rise at once.
    """
    given = baseline_like(baseline, x)
    return _curves("insertion", network, x, given, target, methods, steps, score, batch_size, seed, progress)


def _curves(
    kind: str,
    network: nn.Module,
    x: Tensor,
    baseline: Tensor,
    target: Tensor,
    methods: Mapping[str, Method],
    steps: int,
    score: str,
    batch_size: int,
    seed: int,
    progress: Progress,
) -> Curves:
    if score not in _SCORES:
        raise BadInput(f"score must be one of {', '.join(_SCORES)}, got {score!r}.")
    if target.shape != (len(x),):
        raise BadInput(f"target must name a class for each of {len(x)} inputs, got {tuple(target.shape)}.")
    fractions = torch.linspace(0, 1, steps + 1)
    found: dict[str, list[Tensor]] = {name: [] for name in methods}
    parts = zip(x.split(batch_size), baseline.split(batch_size), target.split(batch_size), strict=True)
    for part, empty, wanted in told(parts, len(x), progress, lambda parts: len(parts[0]), kind):
        for name, method in methods.items():
            ranks = ranks_of(order_of(method(network, part, wanted), seed))
            counts = (fractions * ranks.shape[1]).round().long().tolist()
            start, end = (part, empty) if kind == "deletion" else (empty, part)
            with torch.no_grad(), in_eval(network):
                said = [_SCORES[score](network(replaced(start, ranks < n, end)), wanted) for n in counts]
            found[name].append(torch.stack(said, 1).cpu())
    values = {name: torch.cat(curves) for name, curves in found.items()}
    return Curves(kind, score, fractions, values, skipped_of(methods))


def _logit(output: Tensor, target: Tensor) -> Tensor:
    return output.gather(1, target[:, None])[:, 0]


def _probability(output: Tensor, target: Tensor) -> Tensor:
    return _logit(output.softmax(1), target)


_SCORES = {"probability": _probability, "logit": _logit}
