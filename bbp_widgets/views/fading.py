"""What w·x + t·b answers as t moves from none of the bias to more of it than there is."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Fading"]

Array = np.ndarray[Any, Any]


class Fading:
    """The answers of w·x + t·b for every sample, and how many are right.

    Shapes: ``gradient`` and ``bias`` ``(N, K)``, ``labels`` ``(N,)``; ``t`` ``(T,)`` and ``accuracy`` ``(T,)``, a
    curve of ``points`` between 0 and ``most``; ``whole`` ``(N,)`` are the answers at t = 1.

    Raises: ``ValueError`` where shapes do not fit.
    """

    def __init__(
        self, gradient: Array, bias: Array, labels: Array, *, most: float = 2.0, points: int = 101
    ) -> None:
        if gradient.ndim != 2 or gradient.shape != bias.shape or labels.shape != gradient.shape[:1]:
            raise ValueError(
                "gradient and bias must be (N, K) and labels (N,), "
                f"got {gradient.shape}, {bias.shape} and {labels.shape}."
            )
        self._gradient, self._bias, self._labels = gradient, bias, labels
        self.t = np.linspace(0.0, most, points)
        self.accuracy = np.array([self.right(t).mean() for t in self.t])
        self.whole = self.answers(1.0)

    def answers(self, t: float) -> Array:
        """Give the largest class of each sample at ``t``, (N,)."""
        return (self._gradient + np.float32(t) * self._bias).argmax(1)

    def right(self, t: float) -> Array:
        """Tell which answers at ``t`` are right, (N,)."""
        return self.answers(t) == self._labels

    def changed(self, t: float) -> Array:
        """Give the samples whose answer at ``t`` is not that of the whole network, in their order."""
        return np.flatnonzero(self.answers(t) != self.whole)

    def sentence(self, t: float) -> str:
        """Say in words what holds at ``t``."""
        right, count, changed = int(self.right(t).sum()), len(self._labels), len(self.changed(t))
        return f"w·x + {t:.2f}·b: {right} of {count} right ({right / count:.1%}); {changed} answer otherwise than at 1"

    def line_of(self, sample: int, t: float, classes: list[str] | None) -> str:
        """Say what one sample's answer is at ``t``, and what it was and should be."""
        names = [
            classes[k] if classes else str(k)
            for k in (int(self._labels[sample]), int(self.whole[sample]), int(self.answers(t)[sample]))
        ]
        return "{1} → {2}, is {0}".format(*names)
