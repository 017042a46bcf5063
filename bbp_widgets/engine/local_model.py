"""The local model: the whole network at one input as target = w · x + b, before any rule is chosen."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from .accounts import GradientAccounts, gradient_accounts
from .attribution import Attribution
from .borrowed import plain_computing
from .checks import checked_inputs
from .errors import BadInput, NotCaptured
from .graph import Graph, Node, Value
from .joined import JoinedAttribution, Part, split_batch
from .linearization import unsupported
from .mixing import Mixing
from .passed import Sums
from .plan import Plan, resolve_plan
from .rules import Rule, as_rule
from .samples import sum_per_sample
from .tape import record
from .target import Target, TargetLike, resolve
from .walk import Gradients, Progress, Site, carry_mass, pull_again, pull_gradients

__all__ = ["Inputs", "LocalModel", "NodeInfo", "attribute", "linearize"]

Inputs = Tensor | tuple[Tensor, ...]
#: Bytes of grads and of masses that are kept unasked. Fresh memory costs more than the arithmetic on it, so of large
#: networks the grads go; a walk takes longer, and is done again only for more.
_KEPT_GRADS, _KEPT_MASSES = 16 << 20, 256 << 20


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
        self._constants = _constants(gradients.sites)

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
        parts = [
            sum_per_sample(self._grad(v) * v.tensor, self._samples, v.layout) for v in self._graph.inputs
        ]
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
        keep: bool | None = None,
        **parameters: Any,
    ) -> Attribution:
        """Carry every bias back to the inputs under ``rule``, without running the network again.

        ``plan`` chooses other rules for some nodes: ``{"layer3.*": "uniform"}``. ``parameters`` are the rule's, as in
        ``attribute("softmax", temperature=0.2)``. ``progress`` is called with (nodes done, nodes in all).

        ``keep`` holds on to the mass of every node, for ``ledger``, ``flows``, ``at`` and ``unit``. Without it, masses
        are let go as soon as they were shared, and the first of these that is asked for walks once more. Left out: kept
        where they are no more than 256 MiB.

        Raises: ``UnknownRule`` for a rule, parameter or plan entry that does not exist; ``NotCaptured`` where the
        network was changed meanwhile.
        """
        self._check_unchanged()
        default = as_rule(rule, **parameters)
        mixing = [s.node for s in reversed(self._gradients.sites) if isinstance(s.facts.fan_in, Mixing)]
        rule_at = resolve_plan(default, plan, mixing)
        with plain_computing():
            masses = carry_mass(
                self._gradients,
                self._target,
                rule_at,
                progress,
                self._bytes <= _KEPT_MASSES if keep is None else keep,
            )
        return Attribution(self, default, masses, rule_at)

    def _check_unchanged(self) -> None:
        """Refuse to go on with parameters that are not those that ``linearize`` saw.

        Raises: ``NotCaptured``.
        """
        for tensor, version, address in self._constants:
            if tensor._version != version or tensor.data_ptr() != address:
                raise NotCaptured(
                    f"a parameter of shape {tuple(tensor.shape)} was changed since the network was linearized.\n"
                    "  Call linearize again; to keep this one, linearize a copy (copy.deepcopy)."
                )

    @cached_property
    def _bytes(self) -> int:
        return _bytes_of(site.node for site in self._gradients.sites)

    @cached_property
    def _all_gradients(self) -> Gradients:
        """The gradients with everything that was passed on: pulled once more, where they were let go."""
        if self._gradients.kept:
            return self._gradients
        self._check_unchanged()
        with plain_computing():
            return pull_again(self._gradients, self._target)

    @cached_property
    def _accounts(self) -> GradientAccounts:
        self._check_unchanged()
        with plain_computing():
            return gradient_accounts(self._all_gradients, self._target)

    def _grad(self, value: Value) -> Tensor:
        gradients = self._gradients if value in self._graph.inputs else self._all_gradients
        grad = gradients.grad_of.get(value)
        return torch.zeros_like(value.tensor) if grad is None else grad

    def _packed(self, tensors: list[Tensor]) -> Inputs:
        return tuple(tensors) if self._is_tuple else tensors[0]

    def __repr__(self) -> str:
        return f"LocalModel(samples={self._samples}, nodes={len(self._gradients.sites)}, value={self.value.tolist()})"


def _constants(sites: Sequence[Site]) -> list[tuple[Tensor, int, int]]:
    """Return the tensors that the nodes hold beside their live inputs, each with what tells whether it was changed."""
    found: dict[int, Tensor] = {}
    for site in sites:
        for argument in (*site.node.args, *site.node.kwargs.values()):
            for item in argument if isinstance(argument, (list, tuple)) else (argument,):
                if (
                    isinstance(item, Tensor)
                    and id(item) not in site.node.input_of
                    and not item.is_inference()
                ):
                    found[id(item)] = item
    return [(tensor, tensor._version, tensor.data_ptr()) for tensor in found.values()]


def _bytes_of(nodes: Iterable[Node]) -> int:
    """Return how much memory the values of nodes take: as much as their grads, or their masses."""
    tensors = [value.tensor for node in nodes for value in node.outputs if value is not None]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _check_finite(graph: Graph, gradients: Gradients, target: Target) -> None:
    """Refuse a network that has no finite derivative here, as a square root at zero.

    Raises: ``UnsupportedOp`` naming the node.
    """
    grads = [gradients.grad_of.get(value) for value in graph.inputs]
    if all(grad is None or bool(torch.isfinite(grad).all()) for grad in grads):
        return
    for site in (gradients if gradients.kept else pull_again(gradients, target)).sites:
        passed = (grad.net if isinstance(grad, Sums) else grad for grad in site.pulled)
        if not all(grad is None or bool(torch.isfinite(grad).all()) for grad in passed):
            raise unsupported(site.node, "has no finite derivative at these values")


def linearize(
    network: nn.Module,
    inputs: Inputs,
    target: TargetLike = None,
    dtype: torch.dtype | None = None,
    *,
    wrt: str | Sequence[str] | None = None,
    linearization: str = "tangent",
    progress: Progress | None = None,
    keep: bool | None = None,
) -> LocalModel:
    """Find the linear model that ``network`` is at ``inputs``: target = w · x + b.

    The network runs once, in eval mode, and is given back as it came. ``target`` is an int, one int per sample, a pair
    (a, b) for "a rather than b", a callable output → (N,), or ``None`` for the largest output of each sample.
    ``dtype=torch.float64`` computes in double precision; half precision is computed in single.

    ``wrt`` names a module, or several: their outputs are explained in the place of the inputs, which may then be whole
    numbers (token ids). A module that runs more than once is named with its call, ``"encoder#2"``.

    ``linearization`` says what a smooth op is at this input. ``"tangent"``: its derivative, so that w is the
    gradient; the curvature is intercept. ``"gated"``: the gates of SiLU, GELU and their like, sigmoids that
    multiply another value (squeeze and excitation, recurrent cells), attention weights and the statistics of
    normalizations are held fixed at their values here, so that such a product is linear in the value that
    it lets through. w is then the gated weight, no gradient; everything adds up the same.

    ``keep`` holds on to the grad of every node, for ``ledger``, ``at`` and ``unit``. Without it only what the walk
    needs is kept, and the first of these that is asked for pulls the gradient once more. Left out: kept where they
    are no more than 16 MiB.

    Shapes: ``inputs`` (N, ...), or a tuple of such tensors.
    Raises: ``BadInput``, ``BadTarget``, ``NotCaptured``; ``UnsupportedOp`` for an op without a linearization.
    """
    if linearization not in ("tangent", "gated"):
        raise BadInput(f'linearization must be "tangent" or "gated", got {linearization!r}.')
    names = (wrt,) if isinstance(wrt, str) else tuple(wrt or ())
    checked = checked_inputs(network, inputs, dtype, whole_numbers=bool(names))
    if network.training:
        warnings.warn(
            "the network is in training mode: it is explained in eval mode, and given back as it came. "
            "network.eval() says so beforehand.",
            stacklevel=2,
        )
    graph = record(network, checked.tensors, checked.convert_to, names, linearization == "gated")
    samples = len(checked.tensors[0])
    with plain_computing():
        resolved = resolve(target, graph, samples)
        kept = _bytes_of(graph.nodes) <= _KEPT_GRADS if keep is None else keep
        gradients = pull_gradients(graph, resolved, progress, kept)
        resolved.check_samples()
        _check_finite(graph, gradients, resolved)
    is_tuple = len(graph.inputs) > 1 or (isinstance(wrt or inputs, (tuple, list)))
    return LocalModel(graph.forgetting_nodes(), resolved, gradients, is_tuple)


def attribute(
    network: nn.Module,
    inputs: Inputs,
    target: TargetLike = None,
    rule: str | Rule = "proportional",
    plan: Plan | None = None,
    dtype: torch.dtype | None = None,
    *,
    wrt: str | Sequence[str] | None = None,
    linearization: str = "tangent",
    batch_size: int | None = None,
    **parameters: Any,
) -> Attribution:
    """Tell how much of ``target`` each input feature owes to the gradient, and how much to the biases.

    The same as ``linearize(...).attribute(...)``, which is cheaper for more than one rule. ``batch_size`` explains
    so many samples at a time, for a batch that does not fit into memory; what lies between input and target is then not
    kept, so ``at`` and ``local`` are not there.

    Shapes: the attributions are like ``inputs``, or like the outputs of ``wrt``. Units: target units.
    Raises: as ``linearize`` and ``LocalModel.attribute``.
    """

    def one(part: Inputs, wanted: TargetLike) -> Attribution:
        keep = None if batch_size is None else True  # of a part the ledger is read at once
        local = linearize(network, part, wanted, dtype, wrt=wrt, linearization=linearization, keep=keep)
        return local.attribute(rule, plan, keep=keep, **parameters)

    if batch_size is None:
        return one(inputs, target)
    parts = zip(*split_batch(inputs, target, batch_size), strict=True)
    return JoinedAttribution([Part(one(part, wanted)) for part, wanted in parts])
