"""The result: what each input feature gets, and the ledger of how it got there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, overload

import torch
from torch import Tensor

from .accounts import Accounts, Flow, flows_of, mass_accounts
from .borrowed import plain_computing
from .equation import UnitEquation
from .graph import Node, Value
from .mixing import Mixing
from .rules import Rule
from .samples import Layout, of_sample, sum_per_sample
from .unit import share_entropy, unit_equation
from .walk import Masses, Site, carry_mass

if TYPE_CHECKING:
    from .local_model import Inputs, LocalModel

__all__ = ["Attribution", "Ledger", "Place", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """One node leaving the frontier. All arrays are (N,), in target units, in double precision.

    ``mass_in`` arrives, ``intercept`` is added by the node itself, ``unshared`` stays behind, the rest is passed on.
    Then the cut adds up to ``cut_gradient`` (Σ grad ⊙ value) plus ``cut_bias`` (Σ mass) plus all that was left unshared
    so far; ``residual`` is the target minus that sum. ``seconds`` is how long carrying the mass through the node took
    (on a GPU: to queue it), and 0 for the target's own step.
    """

    node: str
    module: str
    op: str
    shape: tuple[int, ...]
    mixes: bool  # a rule decided how the mass was shared
    adds: bool  # the node has an intercept
    mass_in: Tensor
    intercept: Tensor
    unshared: Tensor
    cut_gradient: Tensor
    cut_bias: Tensor
    residual: Tensor
    seconds: float = 0.0


class Ledger(Sequence[Step]):
    """The steps in walk order, output first. Prints as a table."""

    def __init__(self, steps: Sequence[Step]) -> None:
        """Keep ``steps``."""
        self._steps = tuple(steps)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Ledger: ...
    def __getitem__(self, index: int | slice) -> Step | Ledger:
        """Return a step, or the ledger of a range of them."""
        return Ledger(self._steps[index]) if isinstance(index, slice) else self._steps[index]

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self._steps)

    def __iter__(self) -> Iterator[Step]:
        """Go through the steps, output first."""
        return iter(self._steps)

    def table(self, sample: int = 0) -> str:
        """Return the ledger of one sample as text, one line a step."""
        heads = ("step", "node", "module", "arriving", "added", "gradient part", "bias part", "residual")
        rows = [
            (
                str(i), step.node, step.module, f"{step.mass_in[sample]:.6f}", f"{step.intercept[sample]:+.6f}",
                f"{step.cut_gradient[sample]:.6f}", f"{step.cut_bias[sample]:.6f}", f"{step.residual[sample]:.1e}",
            )
            for i, step in enumerate(self._steps, 1)
        ]  # fmt: skip
        widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
        left = {1, 2}
        lines = [
            "  ".join(
                c.ljust(w) if i in left else c.rjust(w)
                for i, (c, w) in enumerate(zip(row, widths, strict=True))
            )
            for row in [heads, *rows]
        ]
        return "\n".join(line.rstrip() for line in [lines[0], "-" * len(lines[0]), *lines[1:]])

    def __repr__(self) -> str:
        return self.table()


@dataclass(frozen=True, slots=True)
class Place:
    """What the walk carries at one value: three arrays of the value's shape.

    ``grad`` and ``mass`` are in target units per unit of value, and target units. ``mass`` has the node's own intercept
    in it: it is what waits to be shared among the node's inputs.
    """

    value: Tensor
    grad: Tensor
    mass: Tensor
    samples: int = 1
    layout: Layout | None = None  # where the samples lie; None: along the first axis

    def of(self, sample: int) -> Place:
        """Return the arrays of one sample: an axis that only counts samples is left out."""
        value, grad, mass = (
            of_sample(array, sample, self.samples, self.layout)
            for array in (self.value, self.grad, self.mass)
        )
        return Place(value, grad, mass)


class Attribution:
    """How much of the target each input feature owes to the gradient, and how much to the biases.

    ``gradient`` is w ⊙ x, ``bias`` the bias attribution, ``total`` their sum: each like the inputs, in target units.
    ``value``, ``unshared`` and ``residual`` are (N,), with residual = value − Σ gradient − Σ bias − unshared.
    """

    def __init__(
        self, local: LocalModel, rule: Rule, masses: Masses, rule_at: Callable[[Node | None], Rule]
    ) -> None:
        """Use ``attribute`` or ``LocalModel.attribute``."""
        self.local, self.rule = local, rule
        self._walked, self._rule_at = masses, rule_at
        self._ledger: Ledger | None = None
        self._sites: tuple[Site, ...] = local._gradients.sites

    @property
    def value(self) -> Tensor:
        """The number explained, (N,)."""
        return self.local.value

    @property
    def gradient(self) -> Inputs:
        """The gradient attribution w ⊙ x, like the inputs."""
        return self.local._packed([self.local._grad(v) * v.tensor for v in self._inputs])

    @property
    def bias(self) -> Inputs:
        """The bias attribution, like the inputs."""
        return self.local._packed([self._given(v) for v in self._inputs])

    @property
    def total(self) -> Inputs:
        """Both attributions together, like the inputs."""
        return self.local._packed([self.local._grad(v) * v.tensor + self._given(v) for v in self._inputs])

    @property
    def unshared(self) -> Tensor:
        """Mass that no input could be given, (N,): named in the ledger, and still counted."""
        return self._walked.unshared.to(self.value.dtype)

    @property
    def residual(self) -> Tensor:
        """What the attributions miss of the target, (N,): value − Σ gradient − Σ bias − unshared."""
        n = len(self.value)
        parts = [(v, part) for v in self._inputs for part in (self.local._grad(v) * v.tensor, self._given(v))]
        total = torch.stack([sum_per_sample(part, n, v.layout) for v, part in parts]).sum(0)
        return (self.value.double() - total - self.unshared.double()).to(self.value.dtype)

    @cached_property
    def _masses(self) -> Masses:
        """The walk with everything that was passed on: walked once more, where the first one let it go."""
        if self._walked.kept:
            return self._walked
        self.local._check_unchanged()
        with plain_computing():
            return carry_mass(self.local._gradients, self.local._target, self._rule_at)

    @property
    def ledger(self) -> Ledger:
        """The steps in walk order, each with what its cut adds up to.

        A target that has an intercept of its own (a log-odds, say) is the first step, named ``"target"``.
        """
        if self._ledger is None:
            self._ledger = Ledger([*self._opening_steps(), *self._steps()])
        return self._ledger

    @cached_property
    def flows(self) -> tuple[Flow, ...]:
        """What every step of the ledger gave to each of its inputs, in walk order, added up when first asked for."""
        self.local._check_unchanged()
        with plain_computing():
            return tuple(flows_of(self._masses, self.local._gradients, self.local._target))

    def _steps(self) -> Iterator[Step]:
        gradient, mass = self.local._accounts, self._accounts
        value, lost = self.value.double(), self._walked.opening_unshared
        for i, site in enumerate(self._sites):
            lost = lost + mass.unshared[i]
            yield Step(
                node=site.node.name,
                module=site.node.module,
                op=site.node.op_name,
                shape=site.node.shape,
                mixes=isinstance(site.facts.fan_in, Mixing),
                adds=site.facts.intercept is not None,
                mass_in=mass.mass_in[i],
                intercept=gradient.intercept[i],
                unshared=mass.unshared[i],
                cut_gradient=gradient.cut_gradient[i],
                cut_bias=mass.cut_bias[i],
                residual=value - gradient.cut_gradient[i] - mass.cut_bias[i] - lost,
                seconds=self._masses.steps[i].seconds,
            )

    def _opening_steps(self) -> list[Step]:
        opening = self.local._gradients.opening
        if not bool((opening != 0).any()):
            return []
        gradient, cut = self.local._accounts.first_cut, self._accounts.opening_cut
        unshared = self._walked.opening_unshared
        return [
            Step(
                node="target",
                module="",
                op="target",
                shape=tuple(self.value.shape),
                mixes=True,
                adds=True,
                mass_in=torch.zeros_like(cut),
                intercept=opening,
                unshared=unshared,
                cut_gradient=gradient,
                cut_bias=cut,
                residual=self.value.double() - gradient - cut - unshared,
            )
        ]

    @cached_property
    def _accounts(self) -> Accounts:
        self.local._check_unchanged()
        with plain_computing():
            return mass_accounts(self._masses, self.local._gradients, self.local._target)

    @property
    def sites(self) -> tuple[Site, ...]:
        """The nodes in walk order, with what their ops state: for tools that follow the graph."""
        return self._sites

    def at(self, name: str | int) -> Place:
        """Return value, grad and mass at the output of a module or of a node.

        A module that ran more than once is its last call; ``"relu#1"`` is its first, ``"relu#2"`` its second. Where a
        module and a node have one name, the module is meant. A number is a place in the ledger: its step's node. Of a
        node with several outputs it is the first.

        Raises: ``KeyError`` naming what there is; ``IndexError`` for a number beyond the ledger.
        """
        value = (
            self._of_step(name) if isinstance(name, int) else None if name == "target" else self._find(name)
        )
        if value is None:
            opening = self.local._gradients.opening.to(self.value.dtype)
            return Place(self.value, torch.ones_like(self.value), opening, len(self.value))
        return self._place(value)

    @property
    def sources(self) -> tuple[Value, ...]:
        """The values that are explained, where the graph begins."""
        return self._inputs

    @property
    def entries(self) -> tuple[Place, ...]:
        """Value, grad and mass at each of the inputs, where the walk ends."""
        return tuple(self._place(value) for value in self._inputs)

    def _place(self, value: Value) -> Place:
        return Place(value.tensor, self.local._grad(value), self._mass(value), len(self.value), value.layout)

    def unit(self, name: str | int, index: int | Sequence[int], sample: int = 0) -> UnitEquation:
        """Return what the walk does at one unit: where its mass came from, term by term, and where it goes.

        ``name`` is that of a node or an input, as the ledger and the terms have it (``"split:1"`` is the second
        output of a node), or of a module, as for ``at``; a number is a place in the ledger.
        ``index`` is the unit's place in one sample of the value, as in (79, 16, 12) of a value (N, 128, 28, 28),
        or its number in row-major order. Where the samples lie in blocks along an axis, that axis stays.

        Raises: ``KeyError`` for a name and ``IndexError`` for a unit or a sample that does not exist.
        """
        self.local._check_unchanged()
        with plain_computing():
            return unit_equation(self, name, index, sample)

    def share_entropy(self, name: str | int, units: int = 4, sample: int = 0) -> float | None:
        """Return how evenly a node shares: 0 where every unit gives all to one input, 1 where to all alike.

        That is the entropy of a unit's shares by the logarithm of the number of its live inputs: the mean over the
        ``units`` units that hold the most mass, each counted by how much it holds. ``None`` where no rule decides,
        where no mass is, or where there is but one input to give to.

        Raises: ``KeyError``, ``IndexError``.
        """
        self.local._check_unchanged()
        with plain_computing():
            return share_entropy(self, name, units, sample)

    @property
    def _inputs(self) -> tuple[Value, ...]:
        return self.local._graph.inputs

    def _mass(self, value: Value) -> Tensor:
        return self._given(value) if value in self._inputs else _mass_of(self._masses, value)

    def _given(self, value: Value) -> Tensor:
        """Return what an input got."""
        return _mass_of(self._walked, value)

    def _of_step(self, place: int) -> Value | None:
        """Return the first output of a step of the ledger; ``None`` for the target's own step.

        Raises: ``IndexError``.
        """
        first = 1 if self._walked.opening else 0
        steps = len(self._sites) + first
        if not -steps <= place < steps:
            raise IndexError(f"the ledger has {steps} steps, got {place}.")
        place = place % steps - first
        return None if place < 0 else next(v for v in self._sites[place].node.outputs if v is not None)

    def _find(self, name: str) -> Value:
        nodes = [site.node for site in reversed(self._sites)]
        calls = _last_nodes_of_calls(nodes)
        path, _, count = name.partition("#")
        if not count:
            name = next((call for call in reversed(calls) if call.partition("#")[0] == path), name)
        elif count == "1":
            name = path
        if name in calls:
            return calls[name].output
        found = [v for v in self._inputs if v.name == name] + [n.output for n in nodes if n.name == name]
        if found:
            return found[0]
        known = ", ".join(f'"{call}"' for call in list(calls)[:40] if call)
        raise KeyError(f'no node or module "{name}" between the inputs and the target. Modules: {known}.')

    def __repr__(self) -> str:
        b, gradient = self.local.b, self.value - self.local.b
        rows = [
            f"  sample {i}: target {v:.6g} = w·x {g:.6g} + b {c:.6g}   residual {r:.1e}, unshared {u:.3g}"
            for i, (v, g, c, r, u) in enumerate(
                zip(
                    *(t.tolist() for t in (self.value, gradient, b, self.residual, self.unshared)),
                    strict=True,
                )
            )
        ]
        shown = rows if len(rows) <= 8 else [*rows[:7], f"  and {len(rows) - 7} more"]
        return "\n".join([f"Attribution by {self.rule}, {len(self._sites)} steps", *shown])


def _mass_of(masses: Masses, value: Value) -> Tensor:
    mass = masses.mass_of.get(value)
    return torch.zeros_like(value.tensor) if mass is None else mass


def _last_nodes_of_calls(nodes: Sequence[Node]) -> dict[str, Node]:
    """Return, for every module call, the last node that ran in it: where its output comes from."""
    last: dict[str, Node] = {}
    for node in nodes:
        for scope in node.scopes:
            last[scope] = node
    return last
