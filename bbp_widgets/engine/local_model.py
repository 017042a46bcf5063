"""The local model: the whole network at one input as target = w · x + b, before any rule is chosen."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .attribution import Attribution
from .errors import BadInput
from .graph import Graph, Value
from .mixing import Mixing
from .plan import Plan, resolve_plan
from .rules import Rule, as_rule
from .tape import record
from .target import Target, TargetLike, resolve
from .walk import Gradients, Progress, carry_mass, pull_gradients, sum_per_sample

__all__ = ["Inputs", "LocalModel", "NodeInfo", "attribute", "linearize"]

Inputs = Tensor | tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """One node on the way from the input to the target, as it is to be read."""

    name: str
    op: str
    module: str
    source: str
    shape: tuple[int, ...]


class LocalModel:
    """A network at one input: everything that needs no rule.

    ``output``: what the network returns. ``target``: the resolved target, (N,) of indices, (N, 2) for a pair, or
    ``None`` for a callable. ``value`` (N,): the number explained. ``w``: its gradient, like the inputs. ``b`` (N,):
    the rest, so that value = Σ w · x + b. ``nodes``: the nodes between, in the order they ran.
    """

    def __init__(self, graph: Graph, target: Target, gradients: Gradients, is_tuple: bool) -> None:
        """Use ``linearize``."""
        self._graph, self._target, self._gradients, self._is_tuple = graph, target, gradients, is_tuple
        self._samples = len(target.value)

    @property
    def output(self) -> Any:
        """What the network returned at these inputs."""
        return self._graph.output

    @property
    def target(self) -> Tensor | None:
        """The index explained for each sample, (N,), or (N, 2) for a pair; ``None`` for a callable."""
        return self._target.index

    @property
    def value(self) -> Tensor:
        """The number explained, (N,), in target units."""
        return self._target.value

    @property
    def inputs(self) -> Inputs:
        """The inputs, as explained."""
        return self._packed([value.tensor for value in self._graph.inputs])

    @property
    def w(self) -> Inputs:
        """The gradient of the target, like the inputs."""
        return self._packed([self._grad(value) for value in self._graph.inputs])

    @property
    def b(self) -> Tensor:
        """What w · x leaves of the target, (N,): value − Σ w · x."""
        parts = [sum_per_sample(self._grad(v) * v.tensor, self._samples) for v in self._graph.inputs]
        return (self.value - torch.stack(parts).sum(0)).to(self.value.dtype)

    @property
    def nodes(self) -> tuple[NodeInfo, ...]:
        """The nodes on the way from the inputs to the target, in the order they ran."""
        return tuple(
            NodeInfo(s.node.name, str(s.node.op), s.node.module, s.node.source, s.node.shape)
            for s in reversed(self._gradients.sites)
        )

    def attribute(
        self,
        rule: str | Rule = "proportional",
        plan: Plan | None = None,
        *,
        progress: Progress | None = None,
        **parameters: Any,
    ) -> Attribution:
        """Carry every bias back to the inputs under ``rule``, without running the network again.

        ``plan`` chooses other rules for some nodes: ``{"layer3.*": "uniform"}``. ``parameters`` are the rule's, as in
        ``attribute("softmax", temperature=0.2)``. ``progress`` is called with (nodes done, nodes in all).

        Raises: ``UnknownRule`` for a rule, parameter or plan entry that does not exist.
        """
        default = as_rule(rule, **parameters)
        mixing = [s.node for s in reversed(self._gradients.sites) if isinstance(s.facts.fan_in, Mixing)]
        rule_at = resolve_plan(default, plan, mixing)
        with torch.inference_mode(False), torch.no_grad():
            masses = carry_mass(self._gradients, self._target, self._samples, rule_at, progress)
        return Attribution(self, default, masses)

    def _grad(self, value: Value) -> Tensor:
        grad = self._gradients.grad_of.get(value)
        return torch.zeros_like(value.tensor) if grad is None else grad

    def _packed(self, tensors: list[Tensor]) -> Inputs:
        return tuple(tensors) if self._is_tuple else tensors[0]

    def __repr__(self) -> str:
        return f"LocalModel(samples={self._samples}, nodes={len(self._gradients.sites)}, value={self.value.tolist()})"


def linearize(
    network: nn.Module,
    inputs: Inputs,
    target: TargetLike = None,
    dtype: torch.dtype | None = None,
    *,
    progress: Progress | None = None,
) -> LocalModel:
    """Find the linear model that ``network`` is at ``inputs``: target = w · x + b.

    The network runs once, in eval mode, and is given back as it came. ``target`` is an int, one int per sample, a pair
    (a, b) for "a rather than b", a callable output → (N,), or ``None`` for the largest output of each sample.
    ``dtype=torch.float64`` computes in double precision.

    Shapes: ``inputs`` (N, ...), or a tuple of such tensors.
    Raises: ``BadInput``, ``BadTarget``, ``NotCaptured``; ``UnsupportedOp`` for an op without a linearization.
    """
    tensors = _checked(network, inputs, dtype)
    if network.training:
        warnings.warn(
            "the network is in training mode: it is explained in eval mode, and given back as it came. "
            "network.eval() says so beforehand.",
            stacklevel=2,
        )
    graph = record(network, tensors, dtype)
    samples = len(tensors[0])
    with torch.inference_mode(False), torch.no_grad():
        resolved = resolve(target, graph, samples)
        gradients = pull_gradients(graph, resolved, samples, progress)
    return LocalModel(graph, resolved, gradients, isinstance(inputs, tuple))


def attribute(
    network: nn.Module,
    inputs: Inputs,
    target: TargetLike = None,
    rule: str | Rule = "proportional",
    plan: Plan | None = None,
    dtype: torch.dtype | None = None,
    **parameters: Any,
) -> Attribution:
    """Tell how much of ``target`` each input feature owes to the gradient, and how much to the biases.

    The same as ``linearize(...).attribute(...)``, which is cheaper for more than one rule.

    Shapes: the attributions are like ``inputs``. Units: target units.
    Raises: as ``linearize`` and ``LocalModel.attribute``.
    """
    return linearize(network, inputs, target, dtype).attribute(rule, plan, **parameters)


def _checked(network: Any, inputs: Any, dtype: torch.dtype | None) -> tuple[Tensor, ...]:
    """Return the inputs as fresh tensors that nobody else holds.

    Raises: ``BadInput``.
    """
    if not isinstance(network, nn.Module):
        raise BadInput(f"network must be a torch.nn.Module, got {type(network).__name__}.")
    if dtype not in (None, torch.float32, torch.float64):
        raise BadInput(f"dtype must be torch.float32, torch.float64 or None, got {dtype}.")
    tensors = inputs if isinstance(inputs, tuple) else (inputs,)
    if not tensors:
        raise BadInput("inputs must be a tensor or a tuple of tensors, got an empty tuple.")
    for i, tensor in enumerate(tensors):
        _check_one(tensor, "inputs" if len(tensors) == 1 else f"inputs[{i}]", len(tensors[0]), network)
    # the memory format is kept: another one rounds otherwise, and may fall on another linear piece
    return tuple(t.detach().to(dtype or t.dtype).clone() for t in tensors)


def _check_one(tensor: Any, name: str, samples: int, network: nn.Module) -> None:
    if not isinstance(tensor, Tensor):
        raise BadInput(f"{name} must be a tensor, got {type(tensor).__name__}. torch.as_tensor makes one.")
    if not tensor.is_floating_point():
        raise BadInput(
            f"{name} must be floating point, got {tensor.dtype}: a whole number has no gradient.\n"
            "  Use inputs.float(), or explain the part of the network after its embedding."
        )
    if tensor.dim() == 0 or tensor.numel() == 0 or len(tensor) != samples:
        raise BadInput(
            f"{name} must have the {samples} samples along its first axis, got shape {tuple(tensor.shape)}."
        )
    devices = {str(p.device) for p in network.parameters()}
    if devices and str(tensor.device) not in devices:
        raise BadInput(
            f"{name} is on {tensor.device}, the network on {', '.join(sorted(devices))}. Move one of them."
        )
    bad = ~torch.isfinite(tensor)
    if bool(bad.any()):
        place = tuple(int(i) for i in bad.nonzero()[0])
        share = f"{int(bad.sum())} of {tensor.numel()} elements"
        raise BadInput(
            f"{name} must be finite, got {float(tensor[place])} at {place} ({share}).\n"
            "  Clean it first, e.g. with torch.nan_to_num(inputs)."
        )
