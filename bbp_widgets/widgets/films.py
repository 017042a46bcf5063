"""Films, details and local models that were made before, the newest few of each."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Recent"]

T = TypeVar("T")


class Recent(Generic[T]):
    """Keeps what was used last, up to a total size; always at least the newest. Any thread may ask."""

    def __init__(self, most: int, size: Callable[[T], int]) -> None:
        """``size`` tells how much of ``most`` an entry takes."""
        self._most, self._size = most, size
        self._entries: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> T | None:
        """Return an entry and make it the newest, or ``None``."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: Hashable, entry: T) -> T:
        """Add the newest entry, dropping the oldest ones that no longer fit."""
        with self._lock:
            self._entries[key] = entry
            self._entries.move_to_end(key)
            while len(self._entries) > 1 and sum(map(self._size, self._entries.values())) > self._most:
                self._entries.popitem(last=False)
        return entry

    def entries(self) -> list[tuple[Hashable, T]]:
        """Return everything that is kept, oldest first."""
        with self._lock:
            return list(self._entries.items())

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
