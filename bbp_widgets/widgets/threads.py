"""How many threads torch computes with, for one network explained beside the browser that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["SMALL", "threads_for"]

#: Elements of all values and parameters of a run, up to which one thread is enough.
SMALL = 1_000_000


@contextmanager
def threads_for(elements: int | None) -> Iterator[None]:
    """Compute with one thread meanwhile where a run has few ``elements``; ``None`` leaves it as it is.

    The ops of a small network take some microseconds each. Several threads wait for one another after every one, which
    gains little where they have the processor to themselves, and takes many times as long where they have not: the
    browser beside the kernel takes a core for every picture that it paints. What other threads compute with stays as
    it is, but for those that begin meanwhile.
    """
    before = torch.get_num_threads()
    if elements is None or elements > SMALL or before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
