"""A network, borrowed: it runs in eval mode, perhaps in another precision, and is given back as it came."""

from __future__ import annotations

import operator
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["borrowed", "plain_computing"]

#: One network is flipped to eval mode and back by one thread at a time.
_LOCK = threading.RLock()
#: What every module has; only these of it does a forward pass write to.
_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
_WRITTEN = ("_parameters", "_buffers")


@contextmanager
def plain_computing() -> Iterator[None]:
    """Compute without gradients, inference tensors and automatic casts, whatever the caller has switched on."""
    with torch.inference_mode(False), torch.no_grad(), ExitStack() as switched:
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                switched.enter_context(torch.autocast(device, enabled=False))
        yield


@contextmanager
def borrowed(network: nn.Module, dtype: torch.dtype | None = None) -> Iterator[None]:
    """Put every module of ``network`` in eval mode, on copies of its parameters in ``dtype`` where one is given.

    Afterwards each has the mode, the parameters and the buffers that it came with, and what its forward pass wrote is
    undone: into buffers (a call counter), into attributes (the features of the last call), and into lists and
    dicts among these.
    """
    with _LOCK, ExitStack() as undo:
        modules = list(network.modules())
        undo.enter_context(_kept_values(modules))
        for module in modules:
            undo.callback(_restore, vars(module), _noted(vars(module)))
        if dtype is not None:
            undo.enter_context(_converted(modules, dtype))
        for module in modules:
            if module.training:
                module.training = False
        yield


@contextmanager
def _converted(modules: list[nn.Module], dtype: torch.dtype) -> Iterator[None]:
    """Replace floating-point parameters and buffers by copies in ``dtype``, one copy of what is used in two places.

    ``torch.func.functional_call`` does this too, but leaves a network with one module under two names converted.
    """
    copies: dict[int, Tensor] = {}
    replaced: list[tuple[Any, str, Tensor]] = []
    try:
        for module in modules:
            slots: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
            for kept in slots:
                for name, tensor in kept.items():
                    if tensor is not None and tensor.is_floating_point():
                        if id(tensor) not in copies:
                            copies[id(tensor)] = tensor.detach().to(dtype)
                        replaced.append((kept, name, tensor))
                        kept[name] = copies[id(tensor)]
        yield
    finally:
        for kept, name, tensor in replaced:
            kept[name] = tensor


def _noted(attributes: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a module's attributes are, and what is in the lists, sets and dicts among them.

    There are thousands of attributes in a network, nearly all of them empty dicts that no forward pass touches.
    """
    written = {name: attributes[name] for name in _WRITTEN if isinstance(attributes.get(name), dict)}
    contents: dict[str, Any] = {name: value.copy() for name, value in written.items() if value}
    for name in attributes.keys() - _OF_EVERY_MODULE:
        if isinstance(value := attributes[name], (dict, list, set)):
            contents[name] = value.copy()
    return attributes.copy(), contents


def _restore(attributes: dict[str, Any], noted: tuple[dict[str, Any], dict[str, Any]]) -> None:
    before, contents = noted
    same = attributes.keys() == before.keys()
    if not same or not all(map(operator.is_, attributes.values(), before.values())):
        for name in attributes.keys() - before.keys():
            del attributes[name]
        for name, value in before.items():
            if attributes.get(name, _GONE) is not value:
                attributes[name] = value
    for name in (*contents, *_WRITTEN):
        value, content = attributes.get(name), contents.get(name, {})
        if isinstance(value, (dict, list, set)) and not _same(value, content):  # a scripted module has others
            value.clear()
            (value.extend if isinstance(value, list) else value.update)(content)


_GONE = object()


def _same(now: Any, before: Any) -> bool:
    """Return whether a container holds the very same things; tensors do not compare as other values do."""
    if len(now) != len(before):
        return False
    if isinstance(now, set):
        return now == before
    if isinstance(now, dict):  # in the same order, too
        return all(map(operator.eq, now, before)) and all(map(operator.is_, now.values(), before.values()))
    return all(map(operator.is_, now, before))


@contextmanager
def _kept_values(modules: list[nn.Module]) -> Iterator[None]:
    """Undo what a forward pass wrote into buffers."""
    buffers = {id(t): t for module in modules for t in module._buffers.values() if t is not None}
    before = [(t, None if t.is_inference() else t._version, t.detach().clone()) for t in buffers.values()]
    try:
        yield
    finally:
        for tensor, version, copy in before:
            if version is not None and tensor._version == version:
                continue  # nobody wrote
            if not torch.equal(tensor.nan_to_num(), copy.nan_to_num()):
                with torch.inference_mode(tensor.is_inference()), torch.no_grad():
                    tensor.copy_(copy)
