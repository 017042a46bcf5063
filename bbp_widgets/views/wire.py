"""How arrays cross to the browser: a JSON header and one block of bytes (`js/src/wire.ts` reads it).

Bytes 0 to 3 hold the header's length, little-endian; then the header in UTF-8, padded with spaces so that the body
starts on a multiple of four. Offsets in the header count from the start of the body.
"""

from __future__ import annotations

import json
import math
import struct
from decimal import Decimal
from typing import Any

import numpy as np

__all__ = ["Body", "canonical", "finite", "pack", "unpack"]


class Body:
    """The bytes behind a header: arrays are appended, and each is remembered by its offset."""

    def __init__(self) -> None:
        """Start empty."""
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, array: np.ndarray[Any, Any]) -> int:
        """Append an array as little-endian float32 or uint8; return its offset, a multiple of four."""
        kind = np.uint8 if array.dtype == np.uint8 else np.dtype("<f4")
        data = np.ascontiguousarray(array, dtype=kind).tobytes()
        offset = self._length
        padding = -len(data) % 4
        self._parts.append(data + b"\0" * padding)
        self._length += len(data) + padding
        return offset

    def __bytes__(self) -> bytes:
        """Return everything that was appended."""
        return b"".join(self._parts)


def canonical(value: Any) -> str:
    """Return JSON that is the same on both sides: sorted keys, no spaces, numbers as JavaScript writes them."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_text(str(k))}:{canonical(v)}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(canonical, value)) + "]"
    return _number(value) if isinstance(value, float) else _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "null"
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    text = repr(value)
    if "e" in text and 1e-6 <= abs(value) < 1:
        return format(Decimal(text), "f")
    return text.replace("e-0", "e-")


def finite(value: Any) -> Any:
    """Return ``value`` with every number that is not finite as ``None``: JSON has no word for them."""
    if isinstance(value, dict):
        return {key: finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(entry) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def pack(header: dict[str, Any], body: bytes) -> bytes:
    """Join a header and a body."""
    try:
        written = _compact(header)
    except ValueError:  # a number that is not finite: seldom, and looking for it takes as long as writing
        written = _compact(finite(header))
    text = written.encode()
    text += b" " * (-(len(text) + 4) % 4)
    return b"".join((struct.pack("<I", len(text)), text, body))


def _compact(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def unpack(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Split what ``pack`` joined.

    Raises: ``ValueError`` where ``data`` is too short for its own header.
    """
    if len(data) < 4:
        raise ValueError(f"a packed view has at least 4 bytes, got {len(data)}.")
    (length,) = struct.unpack("<I", data[:4])
    if len(data) < 4 + length:
        raise ValueError(f"the header wants {length} bytes, got {len(data) - 4}.")
    return json.loads(data[4 : 4 + length]), data[4 + length :]
