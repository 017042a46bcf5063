"""Where the samples of a batch lie in a value: along one axis, perhaps in blocks.

Most values keep the samples along their first axis. Attention moves them: (samples, tokens, features) becomes
(tokens, samples · heads, features) and back. Sums per sample need to know, so each value carries a ``Layout``.
Movement ops need no rule of their own: what they did to the elements is done to the samples' numbers, and where
those lie afterwards is read off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Layout", "by_sample", "from_samples", "moved", "of_sample", "sum_per_sample"]

#: Numbers added up in single precision before double takes over: an error of 5e-10 of their magnitudes was measured.
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Layout:
    """Entry i of the axis ``axis``, counted from the end, belongs to sample (i // inner) mod N."""

    axis: int
    inner: int = 1

    def fits(self, shape: tuple[int, ...], samples: int) -> bool:
        """Return whether a value of this shape can lie so."""
        return len(shape) >= -self.axis and shape[self.axis] % (samples * self.inner) == 0

    def beside(self, dim: int, rank: int) -> Layout:
        """Return where the samples lie once an axis has been put in, as ``dim`` of ``rank``."""
        new = dim % rank - rank
        return Layout(self.axis - 1, self.inner) if new > self.axis - 1 else self

    def marks(self, shape: torch.Size, samples: int, device: torch.device) -> Tensor:
        """Return each element's sample as a number, in the value's shape, without memory for more than an axis."""
        size = shape[self.axis]
        number = torch.arange(size, device=device).div(self.inner, rounding_mode="floor") % samples
        return number.float().view(-1, *[1] * (-self.axis - 1)).expand(shape)


def moved(
    layout: Layout, before: torch.Size, samples: int, device: torch.device, carry: Callable[[Tensor], Tensor]
) -> Layout | None:
    """Return where the samples lie after ``carry`` has moved the elements; ``None`` where they lie on no one axis."""
    marks = carry(layout.marks(before, samples, device))
    for axis in range(marks.dim()):
        line = marks
        for other in range(marks.dim() - 1, -1, -1):
            if other != axis:
                line = line.select(other, 0)
        changes = (line != line[:1]).nonzero()
        if len(changes):
            found = Layout(axis - marks.dim(), int(changes[0]))
            # one line does not speak for all of them: a gather may take each from another sample
            fits = found.fits(marks.shape, samples) and torch.equal(
                marks, found.marks(marks.shape, samples, device)
            )
            return found if fits else None
    return None


def by_sample(array: Tensor, samples: int, layout: Layout | None) -> Tensor:
    """Return the elements of each sample side by side, (N, elements of one)."""
    if samples == 1:
        return array.reshape(1, -1)
    if layout is None or (layout.axis == -array.dim() and layout.inner * samples == array.shape[0]):
        return array.reshape(samples, -1)
    first = array.movedim(layout.axis, 0)
    return first.reshape(-1, samples, layout.inner * first[0].numel()).movedim(1, 0).reshape(samples, -1)


def of_sample(array: Tensor, sample: int, samples: int, layout: Layout | None) -> Tensor:
    """Return the elements of one sample, in an array's own order: an axis that only counts samples is left out."""
    axis, inner = (0, max(1, array.shape[0] // samples)) if layout is None else (layout.axis, layout.inner)
    own = array.movedim(axis, 0).unflatten(0, (-1, samples, inner))[:, sample].flatten(0, 1)
    return own[0] if len(own) == 1 else own.movedim(0, axis)


def from_samples(rows: Tensor, shape: torch.Size, layout: Layout | None) -> Tensor:
    """Return an array of ``shape`` of the elements of each sample, (N, elements of one): undo ``by_sample``."""
    samples = len(rows)
    if samples == 1 or layout is None:
        return rows.reshape(shape)
    first = torch.empty(shape, device="meta").movedim(layout.axis, 0).shape
    blocks = rows.reshape(samples, -1, layout.inner * first[1:].numel()).movedim(0, 1)
    return blocks.reshape(first).movedim(0, layout.axis)


def sum_per_sample(array: Tensor, samples: int, layout: Layout | None = None) -> Tensor:
    """Return the sum of each sample of ``array``, (N,), in double precision."""
    if layout is None or layout.axis == -array.dim():
        # a sum knows no order, so a channels-last array need not be copied into another one
        array = array if array.is_contiguous() or array.dim() < 3 else array.movedim(1, -1)
    return _sums(by_sample(array, samples, layout))


def _sums(flat: Tensor) -> Tensor:
    # blocks in the array's own precision, then their sums in double: a third of the time of all in double
    whole = flat.shape[1] // _BLOCK * _BLOCK
    total = flat[:, whole:].sum(1, dtype=torch.double)
    if not whole:
        return total
    return total + flat[:, :whole].unflatten(1, (-1, _BLOCK)).sum(2).sum(1, dtype=torch.double)
