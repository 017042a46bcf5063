"""Attribution methods behind one door: (network, x, target) -> an attribution like x."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from .. import rules
from ..engine import LocalModel, Rule, as_rule, linearize

__all__ = ["Method", "Methods", "chosen", "in_eval", "methods", "skipped_of"]

Method = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""Gives an attribution like ``x``. ``target`` is (N,) classes, or (N, 2) pairs (a, b) for "a rather than b"."""


class Methods(dict[str, Method]):
    """Named methods, and why others are missing (``skipped``)."""

    def __init__(self, named: Mapping[str, Method], skipped: Mapping[str, str] | None = None) -> None:
        super().__init__(named)
        self.skipped = dict(skipped or {})


def methods(
    names: Sequence[str | Rule] | None = None,
    *,
    total: Sequence[str | Rule] = ("proportional",),
    baseline: Tensor | float = 0.0,
    steps: int = 32,
    seed: int = 0,
) -> Methods:
    """Give the methods that are compared.

    - ``"random"``: no explanation at all, by ``seed``; what a method has to beat.
    - ``"gradient"``: w. ``"w·x"``: gradient times input, the gradient part of the target.
    - ``"integrated gradients"`` from ``baseline`` in ``steps`` steps, by Captum; without Captum it is in ``skipped``.
    - ``"b: <rule>"``: the bias attribution, for every rule in ``names`` (``None``: all that are built in).
    - ``"w·x + b: <rule>"``: the total, for every rule in ``total``.

    The methods share the local model of the last (network, x, target), which is kept for that.

    Raises: ``UnknownRule``.
    """
    models = _Last()
    named: dict[str, Method] = {
        "random": _Random(seed),
        "gradient": _Gradient(models, times_input=False),
        "w·x": _Gradient(models, times_input=True),
    }
    skipped = {}
    if find_spec("captum") is None:
        skipped["integrated gradients"] = 'Captum is not installed (pip install "bbp_widgets[evidence]")'
    else:
        named["integrated gradients"] = _IntegratedGradients(baseline, steps)
    for rule in map(as_rule, rules.names() if names is None else names):
        named[f"b: {_short(rule)}"] = _Bias(models, rule, with_gradient=False)
    for rule in map(as_rule, total):
        named[f"w·x + b: {_short(rule)}"] = _Bias(models, rule, with_gradient=True)
    return Methods(named, skipped)


def skipped_of(named: Mapping[str, Method]) -> dict[str, str]:
    """Tell which methods are missing from a table of them, and why."""
    return dict(getattr(named, "skipped", {}))


def chosen(output: Tensor, target: Tensor) -> Tensor:
    """Give the numbers explained, (N,): an output each, or the difference of two (a log-odds, of logits).

    Shapes: ``output`` ``(N, K)``, ``target`` ``(N,)`` or ``(N, 2)``.
    """
    if target.dim() == 1:
        return output.gather(1, target[:, None])[:, 0]
    return output.gather(1, target).mul(output.new_tensor([1.0, -1.0])).sum(1)


class in_eval:
    """Keeps a network in eval mode meanwhile, and every module as it was afterwards."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    def __enter__(self) -> None:
        self._modes = [(module, module.training) for module in self._network.modules()]
        self._network.eval()

    def __exit__(self, *_: Any) -> None:
        for module, mode in self._modes:
            module.training = mode


class _Last:
    """The local model of what was asked last: every rule needs the same one."""

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._model: LocalModel | None = None

    def __call__(self, network: nn.Module, x: Tensor, target: Tensor) -> LocalModel:
        state = [t._version for t in (*network.parameters(), *network.buffers())]
        key = (network, x, x._version, target, target._version, state)
        same = len(self._key) == len(key) and all(
            old is new or (not isinstance(new, (Tensor, nn.Module)) and old == new)
            for old, new in zip(self._key, key, strict=True)
        )
        if self._model is None or not same:
            with in_eval(network):
                self._model = linearize(network, x, pairs(target))
            self._key = key
        return self._model


def pairs(target: Tensor) -> Any:
    """Give a target as ``linearize`` takes it: a class for each sample, or a difference for each."""
    return target if target.dim() == 1 else lambda output: chosen(output, target)


class _Random:
    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, network: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        # the same for the same inputs, whatever was asked before
        drawn = zlib.crc32(x.detach().cpu().contiguous().numpy().tobytes(), self._seed)
        return torch.randn(x.shape, generator=torch.Generator().manual_seed(drawn)).to(x)


class _Gradient:
    def __init__(self, models: _Last, *, times_input: bool) -> None:
        self._models, self._times_input = models, times_input

    def __call__(self, network: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        w = _one(self._models(network, x, target).w)
        return w * x if self._times_input else w


class _IntegratedGradients:
    """Source: Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", ICML 2017; computed by Captum."""

    def __init__(self, baseline: Tensor | float, steps: int) -> None:
        self._baseline, self._steps = baseline, steps

    def __call__(self, network: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        from captum.attr import IntegratedGradients

        # Captum repeats the samples step by step, and hands them on in that order
        def explained(repeated: Tensor) -> Tensor:
            return chosen(
                network(repeated), target.repeat(len(repeated) // len(x), *[1] * (target.dim() - 1))
            )

        start = torch.as_tensor(self._baseline).to(x).expand_as(x)
        with in_eval(network):
            found = IntegratedGradients(explained).attribute(x, baselines=start, n_steps=self._steps)
        return found.detach().to(x)


class _Bias:
    def __init__(self, models: _Last, rule: Rule, *, with_gradient: bool) -> None:
        self._models, self._rule, self._with_gradient = models, rule, with_gradient

    def __call__(self, network: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        attribution = self._models(network, x, target).attribute(self._rule)
        return _one(attribution.total if self._with_gradient else attribution.bias)


def _one(arrays: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Give the attribution of a network's only input."""
    return arrays if isinstance(arrays, Tensor) else arrays[0]


def _short(rule: Rule) -> str:
    """Name a rule, with the parameters that are not the usual ones."""
    usual = as_rule(rule.name).parameters if rule.name in rules.names() else {}
    other = [f"{name}={value}" for name, value in rule.parameters.items() if usual.get(name) != value]
    return f"{rule.name} {', '.join(other)}".strip()
