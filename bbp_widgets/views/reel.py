"""A reel: films, details and a look in one block of bytes, for a page without a kernel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .wire import pack

__all__ = ["pack_reel"]


def pack_reel(
    films: Iterable[bytes] = (), details: Iterable[bytes] = (), look: dict[str, Any] | None = None
) -> bytes:
    """Join packed films and packed details, each found again by its offset and length."""
    body = bytearray()

    def kept(blobs: Iterable[bytes]) -> list[list[int]]:
        places = []
        for blob in blobs:
            places.append([len(body), len(blob)])
            body.extend(blob + b"\0" * (-len(blob) % 4))
        return places

    header = {"version": 2, "films": kept(films), "details": kept(details), "look": look or {}}
    return pack(header, bytes(body))
