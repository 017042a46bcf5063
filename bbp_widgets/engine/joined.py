"""One result of several parts of a batch, for a batch that does not fit into memory as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .accounts import Flow
from .attribution import Attribution, Ledger, Place, Step
from .equation import UnitEquation
from .errors import BadInput, NotCaptured
from .graph import Value
from .walk import Site

if TYPE_CHECKING:
    from .local_model import Inputs

__all__ = ["JoinedAttribution", "Part", "split_batch"]


class Part:
    """What is kept of one part of a batch: the results, and none of what lies between."""

    def __init__(self, attribution: Attribution) -> None:
        """Read everything off now, so that the part's values can be let go."""
        local = attribution.local
        self.rule = attribution.rule
        self.is_tuple = isinstance(attribution.bias, tuple)
        self.arrays = {
            "gradient": _tuple(attribution.gradient),
            "bias": _tuple(attribution.bias),
            "inputs": _tuple(local.inputs),
            "w": _tuple(local.w),
        }
        self.numbers = {
            "value": attribution.value,
            "unshared": attribution.unshared,
            "residual": attribution.residual,
            "b": local.b,
        }
        self.target, self.output, self.nodes = local.target, local.output, local.nodes
        self.steps = tuple(attribution.ledger)


class JoinedModel:
    """The local model of a batch that was explained in parts: of ``LocalModel`` what needs no node's value."""

    def __init__(self, parts: Sequence[Part]) -> None:
        """Join what the parts kept."""
        self.value, self.b = (_joined_numbers(parts, name) for name in ("value", "b"))
        self.inputs, self.w = (_joined_arrays(parts, name) for name in ("inputs", "w"))
        self.target = None if parts[0].target is None else torch.cat([p.target for p in parts])  # type: ignore[misc]
        outputs = [part.output for part in parts]
        self.output: Any = torch.cat(outputs) if all(isinstance(o, Tensor) for o in outputs) else outputs
        self.nodes = parts[0].nodes

    def attribute(self, *args: Any, **kwargs: Any) -> Attribution:
        """Refuse: the values are gone."""
        raise NotCaptured(_GONE.format("another rule"))


class JoinedAttribution(Attribution):
    """An attribution that was made in parts. Everything that lies between input and target is gone."""

    def __init__(self, parts: Sequence[Part]) -> None:
        """Join what the parts kept."""
        self.rule = parts[0].rule
        self.local = JoinedModel(parts)  # type: ignore[assignment]
        self._parts = parts

    @property
    def gradient(self) -> Inputs:
        return _joined_arrays(self._parts, "gradient")

    @property
    def bias(self) -> Inputs:
        return _joined_arrays(self._parts, "bias")

    @property
    def total(self) -> Inputs:
        sums = tuple(a + b for a, b in zip(_tuple(self.gradient), _tuple(self.bias), strict=True))
        return sums if self._parts[0].is_tuple else sums[0]

    @property
    def unshared(self) -> Tensor:
        return _joined_numbers(self._parts, "unshared")

    @property
    def residual(self) -> Tensor:
        return _joined_numbers(self._parts, "residual")

    @property
    def ledger(self) -> Ledger:
        """The steps in walk order, for all samples.

        Raises: ``NotCaptured`` where the parts took different ways through the network.
        """
        first = self._parts[0].steps
        ways = {tuple((step.node, step.module) for step in part.steps) for part in self._parts}
        if len(ways) > 1:
            raise NotCaptured(
                "the parts of this batch took different ways through the network, so they have no common ledger.\n"
                "  Explain those samples by themselves."
            )
        numbers = (
            [f.name for f in fields(Step) if isinstance(getattr(first[0], f.name), Tensor)] if first else []
        )
        return Ledger(
            [
                replace(
                    steps[0],
                    seconds=sum(step.seconds for step in steps),
                    **{name: torch.cat([getattr(step, name) for step in steps]) for name in numbers},
                )
                for steps in zip(*(part.steps for part in self._parts), strict=True)
            ]
        )

    @property
    def flows(self) -> tuple[Flow, ...]:  # type: ignore[override]
        """Refuse: the masses are gone.

        Raises: ``NotCaptured``.
        """
        raise NotCaptured(_GONE.format("what each step gave to its inputs"))

    @property
    def sites(self) -> tuple[Site, ...]:
        """Refuse: the nodes are gone.

        Raises: ``NotCaptured``.
        """
        raise NotCaptured(_GONE.format("the graph"))

    @property
    def sources(self) -> tuple[Value, ...]:
        """Refuse: the graph is gone.

        Raises: ``NotCaptured``.
        """
        raise NotCaptured(_GONE.format("the graph"))

    @property
    def entries(self) -> tuple[Place, ...]:
        """Refuse: the masses are gone.

        Raises: ``NotCaptured``.
        """
        raise NotCaptured(_GONE.format("what is at the inputs"))

    def at(self, name: str | int) -> Place:
        """Refuse: the values are gone.

        Raises: ``NotCaptured``.
        """
        raise NotCaptured(_GONE.format(f'what is at "{name}"'))

    def unit(self, name: str | int, index: int | Sequence[int], sample: int = 0) -> UnitEquation:
        """Refuse: the values are gone.

        Raises: ``NotCaptured``.
        """
        raise NotCaptured(_GONE.format(f'a unit of "{name}"'))

    def share_entropy(self, name: str | int, units: int = 4, sample: int = 0) -> float | None:
        """Refuse: the masses are gone.

        Raises: ``NotCaptured``.
        """
        raise NotCaptured(_GONE.format(f'how "{name}" shares'))

    def __repr__(self) -> str:
        return f"Attribution by {self.rule}, {len(self.value)} samples in {len(self._parts)} parts"


_GONE = (
    "with batch_size nothing between input and target is kept, so {} is not to be had.\n"
    "  Explain these samples without batch_size."
)


def split_batch(inputs: Inputs, target: Any, size: int) -> tuple[list[Inputs], list[Any]]:
    """Return the inputs and targets of each part of a batch.

    Raises: ``BadInput`` for a size that is no positive whole number.
    """
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise BadInput(f"batch_size must be a positive whole number, got {size!r}.")
    tensors = inputs if isinstance(inputs, tuple) else (inputs,)
    if not tensors or not all(isinstance(t, Tensor) and t.dim() for t in tensors):
        return [inputs], [target]  # the checks of a single batch say what is wrong
    samples = len(tensors[0])
    if any(len(t) != samples for t in tensors):
        return [inputs], [target]
    starts = range(0, samples, size)
    cut = [tuple(t[i : i + size] for t in tensors) for i in starts]
    parts = [part if isinstance(inputs, tuple) else part[0] for part in cut]
    one_each = isinstance(target, (list, Tensor)) and not (isinstance(target, Tensor) and target.dim() == 0)
    if one_each and len(target) != samples:
        return [inputs], [target]
    return parts, [target[i : i + size] if one_each else target for i in starts]


def _tuple(arrays: Inputs) -> tuple[Tensor, ...]:
    return arrays if isinstance(arrays, tuple) else (arrays,)


def _joined_arrays(parts: Sequence[Part], name: str) -> Inputs:
    columns = zip(*(part.arrays[name] for part in parts), strict=True)
    counts = [len(part.numbers["value"]) for part in parts]
    arrays = tuple(torch.cat(same, _sample_axis(same, counts)) for same in columns)
    return arrays if parts[0].is_tuple else arrays[0]


def _sample_axis(arrays: Sequence[Tensor], counts: Sequence[int]) -> int:
    """Return the axis to join parts along: the first, but for an inner layer that keeps its samples elsewhere."""
    sizes = list(zip(*(array.shape for array in arrays), strict=True))  # of each axis, in every part
    fits = [axis for axis, size in enumerate(sizes) if list(size) == list(counts)]
    return 0 if not fits or 0 in fits else fits[0]


def _joined_numbers(parts: Sequence[Part], name: str) -> Tensor:
    return torch.cat([part.numbers[name] for part in parts])
