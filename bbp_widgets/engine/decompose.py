"""Every output at once: output = w·x + b, without a gradient for each class."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .errors import BadInput, NotCaptured
from .local_model import _checked
from .tape import in_eval_mode

__all__ = ["Decomposition", "decompose"]


class Decomposition(NamedTuple):
    """What the network says, and what either part alone would have said. Each (N, K), in target units."""

    output: Tensor
    gradient: Tensor
    bias: Tensor


def decompose(network: nn.Module, inputs: Tensor) -> Decomposition:
    """Split every output of ``network`` at ``inputs`` into w·x and b.

    J·x is one forward-mode product: the derivative of the network at x in the direction of x itself.

    Raises: ``BadInput``, ``NotCaptured``.
    """
    (x,) = _checked(network, inputs, None)
    with in_eval_mode(network), torch.inference_mode(False), torch.no_grad():
        try:
            output, gradient = torch.func.jvp(network, (x,), (x,))
        except Exception as error:
            raise NotCaptured(
                f"{type(network).__name__} has no forward-mode derivative at inputs {tuple(x.shape)}: {error}"
            ) from error
    if not isinstance(output, Tensor):
        raise BadInput(f"decompose wants a network that returns one tensor, got {type(output).__name__}.")
    return Decomposition(output, gradient, output - gradient)
