"""Samples a batch at a time, from tensors or from a loader, with a bar that tells how far it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from ..engine import BadInput

__all__ = ["Progress", "batches_of", "told"]

Progress = bool | Callable[[int, int | None], None]
"""``True`` shows a bar, ``False`` nothing; a callable is told (samples done, samples in all or ``None``)."""

Batch = tuple[Any, Tensor, Tensor]


def batches_of(
    data: Any, labels: Tensor | None, batch_size: int, limit: int | None, seed: int
) -> tuple[Iterator[Batch], int | None]:
    """Give batches of (inputs, labels, positions), and how many samples they hold, ``None`` if nobody knows.

    ``data`` is a tensor (or a tuple of tensors, for several inputs) with ``labels``, or any iterable of pairs
    (inputs, labels), such as a ``DataLoader``. Of tensors ``limit`` takes so many at random, by ``seed`` and in their
    own order; of a loader it takes the first. A loader that shuffles does so by ``seed``, too.

    Raises: ``BadInput``.
    """
    if not isinstance(batch_size, int) or batch_size < 1 or (limit is not None and limit < 1):
        raise BadInput(f"batch_size and limit must be at least 1, got {batch_size} and {limit}.")
    if isinstance(data, Tensor) or (isinstance(data, tuple) and labels is not None):
        if labels is None:
            raise BadInput("a tensor of inputs needs its labels: pass them second, or a DataLoader of both.")
        return _of_tensors(data, torch.as_tensor(labels), batch_size, limit, seed)
    if labels is not None:
        raise BadInput("labels go with tensors; a loader yields its own, as pairs (inputs, labels).")
    total = _length(data)
    return _of_loader(data, limit, seed), total if limit is None or total is None else min(limit, total)


def _of_tensors(
    data: Tensor | tuple[Tensor, ...], labels: Tensor, batch_size: int, limit: int | None, seed: int
) -> tuple[Iterator[Batch], int]:
    first = data[0] if isinstance(data, tuple) else data
    if labels.shape != (len(first),):
        raise BadInput(f"{len(first)} inputs need {len(first)} labels, got labels {tuple(labels.shape)}.")
    order = torch.arange(len(first))
    if limit is not None and limit < len(first):
        order = (
            torch.randperm(len(first), generator=torch.Generator().manual_seed(seed))[:limit].sort().values
        )

    def batches() -> Iterator[Batch]:
        for rows in order.split(batch_size):
            taken = tuple(x[rows] for x in data) if isinstance(data, tuple) else data[rows]
            yield taken, labels[rows], rows

    return batches(), len(order)


def _of_loader(loader: Iterable[Any], limit: int | None, seed: int) -> Iterator[Batch]:
    done = 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = iter(loader)
    while limit is None or done < limit:
        with torch.random.fork_rng(devices=[]):  # what the loader draws disturbs nobody else's randomness
            torch.manual_seed(seed + done)
            part = next(parts, None)
        if part is None:
            return
        if not isinstance(part, (tuple, list)) or len(part) != 2:
            raise BadInput(f"a loader must yield pairs (inputs, labels), got {type(part).__name__}.")
        inputs, labels = part
        labels = torch.as_tensor(labels)
        inputs = tuple(inputs) if isinstance(inputs, list) else inputs
        take = len(labels) if limit is None else min(len(labels), limit - done)
        taken = tuple(x[:take] for x in inputs) if isinstance(inputs, tuple) else inputs[:take]
        yield taken, labels[:take], torch.arange(done, done + take)
        done += take


def _length(loader: Any) -> int | None:
    """Tell how many samples a loader has, where it says so."""
    try:
        return len(loader.dataset)
    except (AttributeError, TypeError):
        return None


def told(
    batches: Iterable[Any], total: int | None, progress: Progress, size: Callable[[Any], int], what: str
) -> Iterator[Any]:
    """Pass batches on and tell after each how many samples are done."""
    done = 0
    if callable(progress):
        for batch in batches:
            yield batch
            done += size(batch)
            progress(done, total)
        return
    from tqdm.auto import tqdm

    in_notebook = any(base.__module__ == "tqdm.notebook" for base in tqdm.__mro__)
    hidden = not progress or not (in_notebook or sys.stderr.isatty())
    with tqdm(total=total, desc=what, unit=" samples", leave=False, disable=hidden) as bar:
        for batch in batches:
            yield batch
            bar.update(size(batch))
