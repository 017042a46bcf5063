"""Capture: run the network once, and write down every op that touches a live value.

The tape sits below autograd and below ``torch.func.functionalize``. What it sees are functional ATen calls
with real tensors: no in-place op, no view that something writes through, and exactly the piece that ran,
whatever Python control flow chose it. There is no tracing, so there is nothing to compile, cache or
invalidate. ``torch.export`` was the other way: 0.2 to 6 seconds for each input shape, and no control flow on
values; this takes a forward pass and, on most networks, tens of microseconds an op (``benchmarks/README.md``).
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_unflatten

from .borrowed import borrowed, plain_computing
from .errors import BadInput, BbpError, NotCaptured, listed
from .graph import Graph, Node, Value
from .rewrites import Rewrites, attention, is_attention
from .samples import Layout

__all__ = ["record", "run_in"]

#: Whose lines are not the user's: with the separator, since torchvision and its like are networks, not torch.
_HOUSE = tuple(f"{folder}{os.sep}" for folder in (Path(torch.__file__).parent, Path(__file__).parent))

aten = torch.ops.aten
#: Their result does not depend on the values of their tensor arguments, only on shapes and types. ``detach``
#: is here because autograd, too, takes what it returns for a constant.
_CONSTANT = {
    aten.new_zeros, aten.new_ones, aten.new_full, aten.new_empty, aten.zeros_like, aten.ones_like,
    aten.full_like, aten.empty_like, aten.fill, aten.detach, aten.sign, aten.floor, aten.ceil, aten.round,
    aten.trunc,
}  # fmt: skip


#: Functionalization itself calls these on fresh results: the same elements, described anew.
_RELABELS = {aten.as_strided_, aten.detach_}


def record(
    network: nn.Module,
    inputs: tuple[Tensor, ...],
    dtype: torch.dtype | None = None,
    wrt: Sequence[str] = (),
    gated: bool = False,
) -> Graph:
    """Run ``network`` at ``inputs`` and return the live part of what ran.

    ``dtype`` converts copies of the parameters, ``wrt`` names the modules whose outputs are explained in the place
    of the inputs, ``gated`` is passed on to the nodes. The network's parameters, buffers, modes, hooks and gradients
    are as before when this returns or raises.

    Raises: ``NotCaptured`` with the network's own error where it does not run on these inputs; ``BadInput`` where
    ``wrt`` names no module, or one that did not run just once.
    """
    tape = _Tape(network, inputs, tuple(wrt), gated)

    def run(*tensors: Tensor) -> Any:
        return run_in(network, tensors)

    with plain_computing(), borrowed(network, dtype), tape.scopes():
        try:
            output = _functional(run, tape)(*inputs)
        except BbpError:
            raise
        except Exception as error:
            raise _not_run(network, inputs, tape.failed_in, error) from error
    return tape.graph(output)


def _not_run(network: nn.Module, inputs: tuple[Tensor, ...], module: str, error: Exception) -> NotCaptured:
    """Return the error for a network that did not come to its end, in the network's own words."""
    shapes = ", ".join(str(tuple(t.shape)) for t in inputs)
    where = f', in module "{module}"' if module else ""
    lines = [
        f"{f.filename}:{f.lineno} in {f.name}"
        for f in traceback.extract_tb(error.__traceback__)
        if not f.filename.startswith(_HOUSE)
    ]
    line = f"\n  Raised at {lines[-1]}." if lines else ""
    kinds = {p.dtype for p in network.parameters() if p.is_floating_point()}
    strange = [t.dtype for t in inputs if t.is_floating_point() and t.dtype not in kinds]
    if len(kinds) == 1 and strange:
        (kind,) = kinds
        line += f"\n  The inputs are {strange[0]}, the parameters {kind}: use inputs.to({kind}) or dtype=torch.float64."
    if "mutating a non-functional tensor" in str(error):
        return NotCaptured(
            f"{type(network).__name__} writes a value that depends on its input into a buffer, or into another tensor "
            f"that was there before it ran{where}, and cannot be followed.{line}\n"
            "  Write that part with a new tensor (torch.cat, torch.stack), or explain what follows it with wrt=."
        )
    return NotCaptured(
        f"{type(network).__name__} does not run on inputs of shape {shapes}{where}: "
        f"{type(error).__name__}: {error}{line}\n"
        "  Check that network(inputs) works by itself in eval mode, with the sample axis first."
    )


def run_in(network: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
    """Call ``network``: where this frame is, no line of the user's own is running any more."""
    return network(*inputs)


def _functional(run: Any, tape: _Tape) -> Any:
    functional = torch.func.functionalize(run)

    def call(*tensors: Tensor) -> Any:
        with tape, Rewrites():
            return functional(*tensors)

    return call


class _Tape(TorchDispatchMode):
    """A dispatch mode that keeps each call with a live argument as a node."""

    def __init__(
        self, network: nn.Module, inputs: tuple[Tensor, ...], wrt: tuple[str, ...], gated: bool
    ) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.samples, self.gated, self.wrt = len(inputs[0]), gated, wrt
        self.inputs: tuple[Value, ...] = ()
        if not wrt:
            self.inputs = tuple(
                Value(t, name="input" if len(inputs) == 1 else f"input_{i}") for i, t in enumerate(inputs)
            )
        self.values: dict[int, Value] = {id(v.tensor): v for v in self.inputs}
        self.chosen: dict[str, list[Value]] = {name: [] for name in wrt}  # what the modules of `wrt` returned
        self._choosing: list[Value] | None = None
        self.failed_in = ""
        self._names: Counter[str] = Counter()
        self._paths: dict[int, str] = {}
        for path, module in network.named_modules():  # each once, by its first name
            self._paths[id(module)] = path
        self._modules = set(self._paths.values())
        for name in wrt:
            if name.partition("#")[0] not in self._modules:
                near = [path for path in self._modules if path and (path in name or name in path)] or sorted(
                    self._modules
                )[:40]
                raise BadInput(f'wrt names no module: "{name}". There is: {listed(sorted(near))}.')
        self._calls: Counter[str] = Counter()
        self._stack: list[str] = []

    # -- which module is running --------------------------------------------------------------------------

    @contextmanager
    def scopes(self) -> Iterator[None]:
        """Follow which module is running, by two global hooks that are gone afterwards."""
        thread = threading.get_ident()

        def enter(module: nn.Module, args: Any) -> None:
            if threading.get_ident() == thread:
                path = self._paths.get(id(module), type(module).__name__)
                self._calls[path] += 1
                count = self._calls[path]
                self._stack.append(path if count == 1 else f"{path}#{count}")

        def leave(module: nn.Module, args: Any, output: Any) -> Any:
            if threading.get_ident() != thread or not self._stack:
                return None
            if sys.exc_info()[0] is not None and not self.failed_in:
                self.failed_in = self._stack[-1]
            call = self._stack.pop()
            # a module called just once is meant by its plain name; "name#1" is its first call of several
            return self._chosen(call, output) if output is not None and self.wrt else None

        handles = [
            register_module_forward_pre_hook(enter),
            register_module_forward_hook(leave, always_call=True),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    # -- what runs ----------------------------------------------------------------------------------------

    def _chosen(self, call: str, output: Any) -> Any:
        """Return a module's output with its tensors marked as explained, where ``wrt`` names this call."""
        path, _, count = call.partition("#")
        name = next((n for n in (call, f"{path}#{count or 1}") if n in self.chosen), None)
        if name is None:
            if path in self.chosen:
                calls = ", ".join(f'"{path}#{i}"' for i in range(1, self._calls[path] + 1))
                raise BadInput(f'wrt="{path}" ran {self._calls[path]} times: name one call, of {calls}.')
            return None
        leaves, spec = tree_flatten(output)
        marked = [self._mark(t, self.chosen[name]) if _explainable(t) else t for t in leaves]
        return tree_unflatten(marked, spec)

    def _mark(self, tensor: Tensor, chosen: list[Value]) -> Tensor:
        self._choosing = chosen
        try:
            return tensor.clone()  # a tensor of its own, which the dispatcher shows us in its plain form
        finally:
            self._choosing = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._choosing is not None:
            return self._choose(func(*args, **kwargs), self._choosing)
        live = self._live_among(args)
        if kwargs:
            live += self._live_among(kwargs.values())
        if not live:
            return func(*args, **kwargs)
        way = _way_of(func)
        if way == "written" and any(args[0] is value.tensor for value in self.inputs):
            return args[
                0
            ]  # what the network wrote into its input, brought back to a copy that nobody else holds
        if way == "copied" and self._stands_for(*args[:2]):
            return args[1]  # nothing writes into what is here, so one tensor may stand for both
        if way == "traced":  # as torch.jit.trace writes a convolution down
            with self:
                return aten.convolution.default(*args[:9])
        if way == "attention":
            with self:  # what the fused kernel does, op by op
                return attention(func, args, kwargs)
        if way == "composite":  # seen whole where autograd looked away: in a rewrite, or on inference tensors
            with self:
                return func.decompose(*args, **kwargs)
        if way in ("written", "writes"):
            raise NotCaptured(
                f"{func} writes into a tensor inside a composite op, in module "
                f'"{self._stack[-1] if self._stack else ""}", and cannot be followed.\n'
                + (f"  Called at {source}.\n" if (source := _source_line()) else "")
                + "  Write that part with ops that return a new tensor, or explain what follows it with wrt=."
            )
        result = func(*args, **kwargs)
        if way != "constant":
            self._write(func, args, kwargs, live, result)
        return result

    def _stands_for(self, old: Tensor, new: Tensor) -> bool:
        """Return whether a live tensor, written all over another one, lies in memory just as that one does."""
        same = old.shape == new.shape and old.dtype == new.dtype and old.stride() == new.stride()
        alone = new.untyped_storage().nbytes() == new.numel() * new.element_size()
        return same and alone and old.device == new.device and id(new) in self.values

    def _live_among(self, arguments: Iterable[Any]) -> tuple[Value, ...]:
        """Return the live values among an op's arguments, where tensors stand alone or in lists."""
        values, found = self.values, []
        for argument in arguments:
            # the tensors of the values are alive, so nothing else has an id of theirs
            if (value := values.get(id(argument))) is not None:
                found.append(value)
            elif isinstance(argument, (list, tuple)):
                found += [values[id(item)] for item in argument if id(item) in values]
        return tuple(found)

    def _choose(self, result: Tensor, chosen: list[Value]) -> Tensor:
        name = next(n for n, values in self.chosen.items() if values is chosen)
        layout = self._layout_of(name, result.shape)
        value = Value(result, name=name if not chosen else f"{name}:{len(chosen)}", layout=layout)
        chosen.append(value)
        self.values[id(result)] = value
        return result

    def _layout_of(self, name: str, shape: torch.Size) -> Layout | None:
        """Return where the samples lie in what a module returned: along its first axis, or the one of their number.

        Raises: ``BadInput`` where no axis, or more than one, may be theirs.
        """
        if self.samples == 1 or shape[0] == self.samples:
            return None
        along = [d for d, size in enumerate(shape) if size == self.samples]
        if not along and shape[0] % self.samples == 0:
            return None  # in blocks along the first axis: the windows of each sample
        if len(along) != 1:
            which = "more than one axis" if along else "no axis"
            raise BadInput(
                f'the output of "{name}", {tuple(shape)}, has {which} that may be that of the {self.samples} samples.\n'
                "  Explain another number of samples, or one at a time: batch_size=1."
            )
        return Layout(along[0] - len(shape))

    def _write(self, func: Any, args: Any, kwargs: Any, live: tuple[Value, ...], result: Any) -> None:
        results = result if isinstance(result, (tuple, list)) else (result,)
        moving = [isinstance(t, Tensor) and t.is_floating_point() and t.numel() > 0 for t in results]
        if not any(moving):  # comparisons, indices: constant on this piece
            return
        node = Node(
            index=len(self.nodes),
            name="",
            op=func,
            args=args,
            kwargs=kwargs,
            inputs=live,
            module=self._stack[-1].split("#")[0] if self._stack else "",
            source=_source_line(),
            samples=self.samples,
            scopes=tuple(self._stack),
            input_of={id(v.tensor): v for v in live},
            gated=self.gated,
        )
        node.name = self._new_name(node.op_name)
        outputs: list[Value | None] = []
        for tensor, moves in zip(results, moving, strict=True):
            if not moves:
                outputs.append(None)
            elif id(tensor) in self.values:  # the op returned its own argument: an alias of the same value
                return
            else:
                value = Value(tensor, name=node.name)
                self.values[id(tensor)] = value  # keeps the tensor alive, so its id stays its own
                outputs.append(value)
        node.outputs, node.results = tuple(outputs), tuple(results)
        self.nodes.append(node)

    def _new_name(self, op: str) -> str:
        """Return ``"relu"``, then ``"relu_1"``, and so on; never the name of a module, which is something else."""
        while True:
            count = self._names[op]
            self._names[op] += 1
            name = f"{op}_{count}" if count or op in self._modules else op
            if name not in self._modules:
                return name

    def graph(self, output: Any) -> Graph:
        """Close the tape.

        Raises: ``BadInput`` where a module of ``wrt`` did not run, or returned nothing that can be explained.
        """
        for name, values in self.chosen.items():
            if not values:
                raise BadInput(
                    f'wrt="{name}": that module did not run on these inputs, or returned no tensor.'
                )
        inputs = self.inputs or tuple(value for values in self.chosen.values() for value in values)
        return Graph(inputs=inputs, nodes=tuple(self.nodes), output=output, value_of=self.values)


@cache
def _way_of(func: Any) -> str:
    """Return in which way a call of an op is taken down; ``""`` for the plain one."""
    if func is aten.copy_.default:
        return "written"
    if func is aten.copy.default:
        return "copied"
    if func is aten._convolution.default:
        return "traced"
    if is_attention(func):
        return "attention"
    if _is_composite(func):
        return "composite"
    if func.overloadpacket not in _RELABELS and _writes_its_result(func):
        return "writes"
    return "constant" if func.overloadpacket in _CONSTANT else ""


def _is_composite(func: Any) -> bool:
    """Return whether an op is no more than a few lines of other ops."""
    return torch._C._dispatch_has_kernel_for_dispatch_key(
        func.name(), torch.DispatchKey.CompositeImplicitAutograd
    )


def _writes_its_result(func: Any) -> bool:
    return func._schema.is_mutable and any(result.alias_info is not None for result in func._schema.returns)


def _explainable(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.is_floating_point() and leaf.dim() > 0


def _source_line() -> str:
    """Return the innermost line outside torch that is running, as ``file:line in function``."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        whose, _ = _WHOSE.get(id(code)) or _remembered(code)
        if whose == "run":
            return ""  # no line of the user's own: torch's containers called torch's modules
        if whose == "user":
            return f"{code.co_filename}:{frame.f_lineno} in {code.co_name}"
        frame = frame.f_back
    return ""


def _whose(code: CodeType) -> str:
    if code is run_in.__code__:
        return "run"
    return "house" if code.co_filename.startswith(_HOUSE) else "user"


def _remembered(code: CodeType) -> tuple[str, CodeType]:
    found = _WHOSE[id(code)] = (_whose(code), code)
    return found


#: Whose code a frame is running, remembered: there are dozens of frames to look at for every op. By ``id``, since a
#: code object hashes all that it is made of, anew each time; kept alive, so that its id stays its own.
_WHOSE: dict[int, tuple[str, CodeType]] = {}
