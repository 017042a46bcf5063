"""What ATen ops state about themselves near an input. Importing this package registers them all."""

from . import activation, arithmetic, convolution, linear, movement, norm, pool

__all__ = ["activation", "arithmetic", "convolution", "linear", "movement", "norm", "pool"]
