"""What one run of a network leaves behind: values, and the op calls between them, in the order they ran."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor

from .samples import Layout

__all__ = ["Graph", "Mask", "Node", "Value"]

#: Which elements of a value depend on the explained input: ``None`` for all of them, else a bool tensor.
Mask = Tensor | None


@dataclass(eq=False, slots=True)
class Value:
    """A live tensor: one whose value depends on the explained input."""

    tensor: Tensor
    live: Mask = None
    name: str = ""
    layout: Layout | None = None  # where the samples lie; None: along the first axis
    gate: bool = False  # with gates held fixed: this is one (a sigmoid, a softmax, what is made of them)

    def only_live(self, tensor: Tensor) -> Tensor:
        """Return ``tensor`` with the elements that are constant here set to zero."""
        return tensor if self.live is None else torch.where(self.live, tensor, 0)

    def constant_part(self) -> Tensor | None:
        """Return the value's constant elements, the live ones set to zero; ``None`` where all are live."""
        return None if self.live is None else torch.where(self.live, 0, self.tensor)


@dataclass(eq=False, slots=True)
class Node:
    """One op call that touched a live value."""

    index: int
    name: str
    op: Any  # torch._ops.OpOverload
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[Value, ...]  # live tensors among the arguments, in order, one entry per use
    module: str
    source: str
    samples: int = 1
    scopes: tuple[
        str, ...
    ] = ()  # the module calls it ran in, outermost first: "layer1.0.relu", "layer1.0.relu#2"
    outputs: tuple[Value | None, ...] = ()
    results: tuple[Any, ...] = ()  # what the call returned, also what is not live: indices of winners
    input_of: dict[int, Value] = field(default_factory=dict)  # id(argument tensor) -> its value
    gated: bool = False  # gates are held fixed at their values here

    @property
    def output(self) -> Value:
        """Return the first output, the only live one of most ops."""
        value = self.outputs[0]
        assert value is not None
        return value

    @property
    def op_name(self) -> str:
        """Return the op's plain name: ``"convolution"``."""
        return _plain_name(self.op)

    @property
    def indices(self) -> Tensor:
        """Return the second result: where the winners of a maximum were."""
        return self.results[1]

    def value(self, argument: Any) -> Value | None:
        """Return the live value that ``argument`` is, or ``None`` where it is constant."""
        return self.input_of.get(id(argument)) if isinstance(argument, Tensor) else None

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the first live output."""
        return tuple(next(v for v in self.outputs if v is not None).tensor.shape)

    def __repr__(self) -> str:
        return f"Node({self.name!r}, {self.op}, module={self.module!r}, shape={self.shape})"


@cache
def _plain_name(op: Any) -> str:
    return str(op.overloadpacket).removeprefix("aten.").strip("_")


@dataclass(eq=False, slots=True)
class Graph:
    """A network at one input: the live part of what ran, purely functional, with the values it had."""

    inputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    output: Any  # what the network returned: a tensor, or tensors in tuples, lists and dicts
    value_of: dict[int, Value]  # id(tensor) -> value, for the tensors of `output`

    def forgetting_nodes(self) -> Graph:
        """Return the graph without its nodes, so that what is not on the way to the target can be let go."""
        return Graph(self.inputs, (), self.output, {})
