"""The metrics of Quantus, asked about the methods that are compared here."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..engine import BadInput
from .batches import Progress, told
from .methods import Method, in_eval, skipped_of
from .scores import Scores

__all__ = ["by_quantus"]


def by_quantus(
    metric: Callable[..., Any],
    network: nn.Module,
    x: Tensor,
    target: Tensor,
    methods: Mapping[str, Method],
    *,
    better: str,
    what: str | None = None,
    seed: int = 0,
    progress: Progress = True,
    **options: Any,
) -> Scores:
    """Score every method with a metric of Quantus, one number a sample.

    ``metric`` is one of its metrics, made with its own settings, such as ``quantus.Sparseness()``; it gets the
    attributions and, for metrics that explain again, the method itself. ``better`` says which way it counts,
    ``"higher"`` or ``"lower"``; ``what`` names it, or its class does. ``options`` go to its call (``softmax=True``).
    All methods meet the same random numbers, by ``seed``; those of numpy, Python and torch go on afterwards as before.

    Quantus (LGPL) is not needed by this package: whoever has it makes the metric.

    Shapes: ``x`` ``(N, ...)``, ``target`` ``(N,)``.
    Raises: ``BadInput`` for a metric that gives something else than one number a sample, and what the metric raises:
    most refuse an attribution that is zero everywhere.
    """
    if better not in ("higher", "lower"):
        raise BadInput(f'better must be "higher" or "lower", got {better!r}.')
    name = what or type(metric).__name__
    device = x.device
    values = {}
    for label, method in told(methods.items(), len(methods), progress, lambda _: 1, name):

        def again(
            model: nn.Module, inputs: Any, targets: Any, method: Method = method, **_: Any
        ) -> np.ndarray[Any, Any]:
            given, wanted = torch.as_tensor(inputs), torch.as_tensor(targets)
            return _array(method(model, given.to(x), wanted.to(target)))

        with in_eval(network), _seeded(seed):
            found = metric(
                model=network,
                x_batch=_array(x),
                y_batch=_array(target),
                a_batch=_array(method(network, x, target)),
                explain_func=again,
                device=str(device),
                **options,
            )
        values[label] = _one_each(found, len(x), name)
    return Scores(name, better, values, skipped_of(methods), seed)


def _one_each(found: Any, count: int, name: str) -> Tensor:
    """Give the numbers of a metric, (N,), or say that they are none."""
    try:
        numbers = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{name} must give one number a sample, and gave no numbers: {error}") from error
    if numbers.size != count:
        raise BadInput(f"{name} must give one number a sample, {count} of them, and gave {numbers.shape}.")
    return torch.from_numpy(numbers.reshape(count))


def _array(tensor: Tensor) -> np.ndarray[Any, Any]:
    return np.asarray(tensor.detach().cpu())


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed what a metric may draw from, and put it back."""
    python, numbers = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            random.seed(seed)
            np.random.seed(seed)
            torch.manual_seed(seed)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numbers)
