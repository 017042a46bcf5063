"""What a step passed to one of its inputs: the array, or its sums where other steps passed to the same value.

Where a value has one use, what is passed to it is what arrives at it: one array, kept once. Where it has several, as
before a skip connection, every use passes an array of its own, and the walk goes on with their sum alone. Kept until
somebody asks for the accounts, such arrays were a third of the memory of a residual network; the accounts want
no more than their sums.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

from .graph import Node, Value
from .samples import sum_per_sample

__all__ = ["Passed", "Sums", "gradient_sums", "joined", "mass_sums"]


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of an array that is not kept. Shapes: (N,), in double precision. Units: target units.

    ``net`` adds up what it passes on: Σ grad ⊙ value of a grad, Σ mass of a mass. ``gross`` adds up the mass's
    magnitudes.
    """

    net: Tensor
    gross: Tensor | None = None


#: What a live input got: the array itself, or its sums.
Passed = Tensor | Sums


def gradient_sums(value: Value, grad: Tensor, samples: int) -> Sums:
    """Return Σ grad ⊙ value of each sample."""
    # a masked score may be minus infinity: where nothing depends on a value, it contributes nothing
    terms = torch.where(grad == 0, 0, grad * value.tensor)
    return Sums(sum_per_sample(terms, samples, value.layout))


def mass_sums(value: Value, mass: Tensor, samples: int) -> Sums:
    """Return what each sample's masses add up to, and their magnitudes."""
    return Sums(*(sum_per_sample(part, samples, value.layout) for part in (mass, mass.abs())))


def joined(nodes: Iterable[Node], outputs: Iterable[Value]) -> set[Value]:
    """Return the values that more than one use passes something to; the target's ``outputs`` are used by it."""
    uses = Counter(chain(outputs, *(node.inputs for node in nodes)))
    return {value for value, count in uses.items() if count > 1}
