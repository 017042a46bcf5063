"""What can be explained at all: the network and the inputs, looked at before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from .errors import BadInput

__all__ = ["Checked", "checked_inputs"]

_HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True, slots=True)
class Checked:
    """Inputs that nobody else holds, and the type that copies of the parameters are to be converted to, if any."""

    tensors: tuple[Tensor, ...]
    convert_to: torch.dtype | None


def checked_inputs(
    network: Any, inputs: Any, dtype: torch.dtype | None, whole_numbers: bool = False
) -> Checked:
    """Look at the network and the inputs.

    Half precision, of an input or of a parameter, is computed in single precision.

    Raises: ``BadInput`` naming what is wrong and the way on.
    """
    if not isinstance(network, nn.Module):
        raise BadInput(f"network must be a torch.nn.Module, got {type(network).__name__}.")
    if dtype not in (None, torch.float32, torch.float64):
        raise BadInput(f"dtype must be torch.float32, torch.float64 or None, got {dtype}.")
    modules = list(network.modules())
    parameters = [p for module in modules for p in module._parameters.values() if p is not None]
    buffers = [b for module in modules for b in module._buffers.values() if b is not None]
    if any(is_lazy(t) for t in [*parameters, *buffers]):
        raise BadInput(
            f"{type(network).__name__} has layers whose sizes are not known yet.\n"
            "  Call network(inputs) once, so that they get their parameters."
        )
    tensors = inputs if isinstance(inputs, tuple) else (inputs,)
    if not tensors:
        raise BadInput("inputs must be a tensor or a tuple of tensors, got an empty tuple.")
    samples = len(tensors[0]) if isinstance(tensors[0], Tensor) and tensors[0].dim() else 0
    devices = {str(device) for device in {t.device for t in [*parameters, *buffers]}}
    for i, tensor in enumerate(tensors):
        name = "inputs" if len(tensors) == 1 else f"inputs[{i}]"
        _check_one(tensor, name, samples, devices, whole_numbers)
    kinds = {p.dtype for p in parameters if p.is_floating_point()}
    if dtype is None and (kinds.intersection(_HALF) or any(t.dtype in _HALF for t in tensors)):
        dtype = torch.float32
    with torch.inference_mode(False):  # copies made under it would be inference tensors, which split no op
        # the memory format is kept: another one rounds otherwise, and may fall on another linear piece
        fresh = tuple(
            (t.detach().to(dtype or t.dtype) if t.is_floating_point() else t.detach()).clone()
            for t in tensors
        )
    return Checked(fresh, dtype)


def _check_one(tensor: Any, name: str, samples: int, devices: set[str], whole_numbers: bool) -> None:
    if not isinstance(tensor, Tensor):
        way = "Several inputs go into a tuple" if isinstance(tensor, list) else "torch.as_tensor makes one"
        raise BadInput(f"{name} must be a tensor, got {type(tensor).__name__}. {way}.")
    if tensor.layout is not torch.strided:
        raise BadInput(f"{name} must be dense, got {tensor.layout}. Use {name}.to_dense().")
    if tensor.dim() == 0 or tensor.numel() == 0 or len(tensor) != samples:
        raise BadInput(
            f"{name} must have the {samples} samples along its first axis, got shape {tuple(tensor.shape)}."
        )
    if len(devices) == 1 and str(tensor.device) not in devices:
        raise BadInput(f"{name} is on {tensor.device}, the network on {devices.pop()}. Move one of them.")
    if tensor.is_meta:
        raise BadInput(f"{name} holds no values: it is on the device meta.")
    if tensor.is_complex():
        raise BadInput(
            f"{name} must be real, got {tensor.dtype}. torch.view_as_real makes two numbers of each."
        )
    if not tensor.is_floating_point():
        if whole_numbers:
            return
        raise BadInput(
            f"{name} must be floating point, got {tensor.dtype}: a whole number has no gradient.\n"
            '  Use inputs.float(), or wrt="embedding" to explain the output of that module in its place.'
        )
    bad = ~torch.isfinite(tensor)
    if bool(bad.any()):
        place = tuple(int(i) for i in bad.nonzero()[0])
        share = f"{int(bad.sum())} of {tensor.numel()} elements"
        raise BadInput(
            f"{name} must be finite, got {float(tensor[place])} at {place} ({share}).\n"
            "  Clean it first, e.g. with torch.nan_to_num(inputs)."
        )
