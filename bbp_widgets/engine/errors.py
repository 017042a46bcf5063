"""What can go wrong, in words that name the place, what was wanted, what came, and the way on."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "BadInput",
    "BadRule",
    "BadTarget",
    "BbpError",
    "Cancelled",
    "NotCaptured",
    "UnknownRule",
    "UnsupportedOp",
]


class BbpError(Exception):
    """Every error that the engine raises by itself."""


class BadInput(BbpError, ValueError):
    """The inputs cannot be explained as they are: shape, type, device, or values that are not finite."""


class BadTarget(BbpError, ValueError):
    """The target does not name one number of the network's output for each sample."""


class UnknownRule(BbpError, ValueError):
    """No rule, or no parameter of a rule, has this name or value."""


class BadRule(BbpError, ValueError):
    """A rule of the user's own gave a φ by which nothing can be shared: broken, negative, or of another shape."""


class UnsupportedOp(BbpError, NotImplementedError):
    """An op on the way from the input to the target has no linearization."""


class NotCaptured(BbpError, RuntimeError):
    """The network could not be run, or its run could not be followed."""


class Cancelled(BbpError):
    """A progress callback asked the computation to stop."""


def listed(names: Iterable[object]) -> str:
    """Quote ``names`` for a message: ``"a", "b", "c"``."""
    return ", ".join(f'"{name}"' for name in names)
