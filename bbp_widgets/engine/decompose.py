"""Every output at once: output = w·x + b, without a gradient for each class."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from .errors import NotCaptured
from .local_model import _checked
from .tape import in_eval_mode, kept_buffers

__all__ = ["Decomposition", "decompose"]


class Decomposition(NamedTuple):
    """What the network says, and what either part alone would have said. Each (N, K), in target units."""

    output: Tensor
    gradient: Tensor
    bias: Tensor


def decompose(network: nn.Module, inputs: Tensor) -> Decomposition:
    """Split every output of ``network`` at ``inputs`` into w·x and b.

    J·x is one forward-mode product: the derivative of the network at x in the direction of x itself.

    Raises: ``BadInput``; ``NotCaptured`` where the network has no such derivative or does not return one tensor.
    """
    (x,) = _checked(network, inputs, None)
    with in_eval_mode(network), kept_buffers(network), torch.inference_mode(False), torch.no_grad():
        try:
            with forward_ad.dual_level(), warnings.catch_warnings():
                # torch compiles its own forward-mode rules with its own deprecated compiler
                warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
                output, gradient = forward_ad.unpack_dual(network(forward_ad.make_dual(x, x)))
        except Exception as error:
            raise NotCaptured(
                f"{type(network).__name__} has no forward-mode derivative at inputs {tuple(x.shape)}: {error}"
            ) from error
    if gradient is None:
        gradient = torch.zeros_like(output)
    return Decomposition(output, gradient, output - gradient)
