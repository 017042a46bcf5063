"""The interpreter is about to go: from then on nothing is begun, and nothing is said to a page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["going", "leave", "saying"]

_GOING = threading.Event()
#: Held while something is said: who leaves waits for the last word.
_SAYING = threading.RLock()


def going() -> bool:
    """Whether the interpreter is about to go."""
    return _GOING.is_set()


def leave() -> None:
    """Say nothing from now on.

    A Jupyter kernel that goes stops the thread that writes to its pages. What is said after that is written by whatever
    thread says it, and what two of them write at once comes to the page torn into each other.
    """
    with _SAYING:
        _GOING.set()


@contextmanager
def saying() -> Iterator[bool]:
    """Whether something may be said: the interpreter does not go meanwhile."""
    with _SAYING:
        yield not _GOING.is_set()
