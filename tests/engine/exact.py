"""What holds for every attribution, whatever it explains; and autograd's word on w, on the untouched network."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

import bbp_widgets as bbp

#: |residual| of any cut, of the largest of |target|, |w·x| and |b|: what the engine promises in each precision.
SINGLE, DOUBLE = 1e-4, 1e-9
TOLERANCE = {torch.float32: SINGLE, torch.float64: DOUBLE}

#: Magnitudes below this are the rounding of what cancels in a network whose values are of order one.
FLOOR = 1e-3

Value = Callable[[Any], Tensor]


def accounted(result: bbp.Attribution, tolerance: float, note: object = "") -> None:
    """Assert that every cut of the ledger adds up to the target, and that every number is one."""
    value, b = result.value.double(), result.local.b.double()
    allowed = tolerance * torch.stack([value.abs(), (value - b).abs(), b.abs()]).amax(0)
    for step in result.ledger:
        assert (step.residual.abs() <= allowed).all(), (note, step.node, step.residual, allowed)
    assert (result.residual.double().abs() <= allowed).all(), (note, result)
    for arrays in (result.gradient, result.bias, result.total, result.local.w):
        for array in arrays if isinstance(arrays, tuple) else (arrays,):
            assert torch.isfinite(array).all(), note
    assert torch.isfinite(result.unshared).all(), note


def autograd(
    network: nn.Module, inputs: Any, value: Value, dtype: torch.dtype | None = None
) -> tuple[Tensor, ...]:
    """Return autograd's gradient of ``value(network(*inputs))`` for each input, on a network nobody has touched."""
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    if dtype is not None:
        network = copy.deepcopy(network).to(dtype)
    traced = [x.detach().clone().to(dtype or x.dtype).requires_grad_() for x in inputs]
    grads = torch.autograd.grad(value(network(*traced)).sum(), traced, allow_unused=True)
    return tuple(torch.zeros_like(x) if g is None else g for x, g in zip(traced, grads, strict=True))


def assert_near(got: Any, expected: Any, tolerance: float, note: object = "", floor: float = 0.0) -> None:
    """Assert that arrays differ by at most ``tolerance`` of the largest magnitude expected, or of ``floor``."""
    got = got if isinstance(got, tuple) else (got,)
    expected = expected if isinstance(expected, tuple) else (expected,)
    assert len(got) == len(expected), note
    top = max(floor, *(float(e.detach().abs().max()) for e in expected))
    for a, b in zip(got, expected, strict=True):
        assert a.shape == b.shape, (note, a.shape, b.shape)
        error = float((a.detach().double() - b.detach().double()).abs().max())
        assert error <= tolerance * top, (note, error, top)


def explained(
    network: nn.Module,
    inputs: Any,
    target: Any = None,
    dtype: torch.dtype | None = None,
    rules: tuple[str, ...] = ("proportional",),
) -> bbp.Attribution:
    """Explain, check the sums under each of ``rules`` and w against autograd; return the first rule's result."""
    local = bbp.linearize(network, inputs, target, dtype)
    tolerance = TOLERANCE[local.value.dtype]
    index = local.target
    value: Value = target if index is None else lambda out: _entry(out, index)
    assert_near(local.w, autograd(network, inputs, value, dtype), tolerance, "w")
    results = [local.attribute(rule) for rule in rules]
    for rule, result in zip(rules, results, strict=True):
        accounted(result, tolerance, rule)
    return results[0]


def _entry(output: Tensor, index: Tensor) -> Tensor:
    table = output[:, None] if output.dim() == 1 else output
    if index.dim() == 1:
        return table.gather(1, index[:, None])[:, 0]
    return table.gather(1, index[:, :1])[:, 0] - table.gather(1, index[:, 1:])[:, 0]


def apart(
    network: nn.Module, inputs: Any, target: Any = None, rule: str = "proportional", **options: Any
) -> None:
    """Assert that a batch, in double precision, gives each sample what it gets when explained alone."""
    together = bbp.attribute(network, inputs, target, rule, dtype=torch.float64, **options)
    tensors = inputs if isinstance(inputs, tuple) else (inputs,)
    for i in range(len(tensors[0])):
        one = tuple(x[i : i + 1] for x in tensors)
        one = one if isinstance(inputs, tuple) else one[0]
        alone = bbp.attribute(network, one, target, rule, dtype=torch.float64, **options)
        for name in ("gradient", "bias"):
            both, single = getattr(together, name), getattr(alone, name)
            both = tuple(x[i : i + 1] for x in both) if isinstance(both, tuple) else both[i : i + 1]
            assert_near(both, single, DOUBLE, (name, i), FLOOR)
        names = [step.node for step in together.ledger]
        if names == [step.node for step in alone.ledger]:  # a view of one sample may need a copy with several
            cuts = [torch.stack([step.cut_bias for step in result.ledger]) for result in (together, alone)]
            assert_near(cuts[0][:, i], cuts[1][:, 0], DOUBLE, i, FLOOR)
