"""What ATen ops state about themselves near an input. Importing this package registers them all."""

from . import (
    activation,
    arithmetic,
    convolution,
    gated,
    linear,
    movement,
    norm,
    numbered,
    own_norm,
    pool,
    reduce,
    resize,
    scatter,
    seen_as,
    select,
    smooth,
    softmax,
)  # fmt: skip

__all__ = [
    "activation", "arithmetic", "convolution", "gated", "linear", "movement", "norm", "numbered", "own_norm", "pool",
    "reduce", "resize", "scatter", "seen_as", "select", "smooth", "softmax",
]  # fmt: skip
