"""Every output at once: output = w·x + b, without a gradient for each class."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel

from .checks import checked_inputs
from .errors import NotCaptured
from .joined import split_batch
from .rewrites import Rewrites
from .tape import in_eval_mode, kept_buffers, run_in

__all__ = ["Decomposition", "decompose"]


class Decomposition(NamedTuple):
    """What the network says, and what either part alone would have said. Each (N, K), in target units."""

    output: Tensor
    gradient: Tensor
    bias: Tensor


def decompose(network: nn.Module, inputs: Tensor, *, batch_size: int | None = None) -> Decomposition:
    """Split every output of ``network`` at ``inputs`` into w·x and b.

    J·x is one forward-mode product: the derivative of the network at x in the direction of x itself. ``batch_size``
    takes so many samples at a time.

    Raises: ``BadInput``; ``NotCaptured`` where the network has no such derivative or does not return one tensor.
    """
    if batch_size is not None:
        parts, _ = split_batch(inputs, None, batch_size)
        done = [decompose(network, part) for part in parts]  # type: ignore[arg-type]
        return Decomposition(*(torch.cat(same) for same in zip(*done, strict=True)))
    checked = checked_inputs(network, inputs, None)
    (x,) = checked.tensors
    with in_eval_mode(network), kept_buffers(network), torch.inference_mode(False), torch.no_grad():
        try:
            # the fused attention kernels have no forward-mode derivative; a plain one takes their place
            with Rewrites(), sdpa_kernel(SDPBackend.MATH), forward_ad.dual_level(), warnings.catch_warnings():
                # torch compiles its own forward-mode rules with its own deprecated compiler
                warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
                dual = forward_ad.make_dual(x, x)
                output, gradient = forward_ad.unpack_dual(run_in(network, checked.convert_to, (dual,)))
        except Exception as error:
            raise NotCaptured(
                f"{type(network).__name__} has no forward-mode derivative at inputs {tuple(x.shape)}: {error}"
            ) from error
    if gradient is None:
        gradient = torch.zeros_like(output)
    return Decomposition(output, gradient, output - gradient)
