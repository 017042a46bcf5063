"""Every output at once: output = w·x + b, without a gradient for each class."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel

from .borrowed import borrowed, plain_computing
from .checks import checked_inputs
from .errors import NotCaptured
from .joined import split_batch
from .rewrites import Rewrites
from .tape import run_in

if TYPE_CHECKING:
    from .local_model import Inputs

__all__ = ["Decomposition", "decompose"]


class Decomposition(NamedTuple):
    """What the network says, and what either part alone would have said. Each (N, K), in target units."""

    output: Tensor
    gradient: Tensor
    bias: Tensor


def decompose(network: nn.Module, inputs: Inputs, *, batch_size: int | None = None) -> Decomposition:
    """Split every output of ``network`` at ``inputs`` into w·x and b.

    J·x is one forward-mode product: the derivative of the network at x in the direction of x itself. ``batch_size``
    takes so many samples at a time. ``inputs`` is a tensor, or a tuple of tensors.

    Raises: ``BadInput``; ``NotCaptured`` where the network has no such derivative or does not return one tensor.
    """
    if batch_size is not None:
        parts, _ = split_batch(inputs, None, batch_size)
        done = [decompose(network, part) for part in parts]
        return Decomposition(*(torch.cat(same) for same in zip(*done, strict=True)))
    checked = checked_inputs(network, inputs, None)
    with plain_computing(), borrowed(network, checked.convert_to):
        try:
            # the fused attention kernels have no forward-mode derivative; a plain one takes their place
            with Rewrites(), sdpa_kernel(SDPBackend.MATH), forward_ad.dual_level(), warnings.catch_warnings():
                # torch compiles its own forward-mode rules with its own deprecated compiler
                warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
                result = run_in(network, tuple(forward_ad.make_dual(x, x) for x in checked.tensors))
                output, gradient = (
                    forward_ad.unpack_dual(result) if isinstance(result, Tensor) else (None, None)
                )
        except Exception as error:
            shapes = ", ".join(str(tuple(x.shape)) for x in checked.tensors)
            raise NotCaptured(
                f"{type(network).__name__} has no forward-mode derivative at inputs of shape {shapes}: "
                f"{type(error).__name__}: {error}\n"
                "  Check that network(inputs) works by itself. linearize(..., target=k) splits one output at a time."
            ) from error
    if output is None:
        raise NotCaptured(
            f"{type(network).__name__} returns {type(result).__name__}, and decompose wants one tensor.\n"
            "  Wrap it in a module that returns the part you mean."
        )
    if gradient is None:
        gradient = torch.zeros_like(output)
    return Decomposition(output, gradient, output - gradient)
