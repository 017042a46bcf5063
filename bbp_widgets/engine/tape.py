"""Capture: run the network once, and write down every op that touches a live value.

The tape sits below autograd and below ``torch.func.functionalize``. What it sees are functional ATen calls
with real tensors: no in-place op, no view that something writes through, and exactly the piece that ran,
whatever Python control flow chose it. There is no tracing, so there is nothing to compile, cache or
invalidate. ``torch.export`` was the other way: 0.2 to 6 seconds for each input shape, and no control flow on
values; this takes a forward pass and, on most networks, tens of microseconds an op (``benchmarks/README.md``).
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from .errors import BadInput, BbpError, NotCaptured, listed
from .graph import Graph, Node, Value
from .rewrites import Rewrites, attention, is_attention
from .samples import Layout

__all__ = ["in_eval_mode", "kept_buffers", "record", "run_in"]

_TORCH = str(Path(torch.__file__).parent)
_ENGINE = str(Path(__file__).parent)
#: One network is flipped to eval mode and back by one thread at a time.
_LOCK = threading.RLock()

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


@contextmanager
def in_eval_mode(network: nn.Module) -> Iterator[None]:
    """Put every module of ``network`` in eval mode, and give each back the mode it came in."""
    with _LOCK:
        training = [module for module in network.modules() if module.training]
        try:
            for module in training:
                module.training = False
            yield
        finally:
            for module in training:
                module.training = True


def record(
    network: nn.Module,
    inputs: tuple[Tensor, ...],
    dtype: torch.dtype | None = None,
    wrt: Sequence[str] = (),
    gated: bool = False,
) -> Graph:
    """Run ``network`` at ``inputs`` and return the live part of what ran.

    ``dtype`` converts copies of the parameters, ``wrt`` names the modules whose outputs are explained in the place
    of the inputs, ``gated`` is passed on to the nodes. The network's parameters, buffers, modes, hooks and gradients are
    as before when this returns or raises.

    Raises: ``NotCaptured`` with the network's own error where it does not run on these inputs; ``BadInput`` where
    ``wrt`` names no module, or one that did not run just once.
    """
    tape = _Tape(network, inputs, tuple(wrt), gated)

    def run(*tensors: Tensor) -> Any:
        return run_in(network, dtype, tensors)

    with (
        in_eval_mode(network),
        torch.inference_mode(False),
        torch.no_grad(),
        kept_buffers(network),
        tape.scopes(),
    ):
        try:
            output = _functional(run, tape)(*inputs)
        except BbpError:
            raise
        except Exception as error:
            shapes = ", ".join(str(tuple(t.shape)) for t in inputs)
            where = f', in module "{tape.failed_in}"' if tape.failed_in else ""
            raise NotCaptured(
                f"{type(network).__name__} does not run on inputs of shape {shapes}{where}: "
                f"{type(error).__name__}: {error}\n"
                "  Check that network(inputs) works by itself in eval mode, with the sample axis first."
            ) from error
    return tape.graph(output)


def run_in(network: nn.Module, dtype: torch.dtype | None, inputs: tuple[Tensor, ...]) -> Any:
    """Call ``network``, on copies of its parameters in ``dtype`` where one is given."""
    if dtype is None:
        return network(*inputs)
    return torch.func.functional_call(network, _converted(network, dtype), inputs)


def _functional(run: Any, tape: _Tape) -> Any:
    functional = torch.func.functionalize(run)

    def call(*tensors: Tensor) -> Any:
        with tape, Rewrites():
            return functional(*tensors)

    return call


def _converted(network: nn.Module, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return copies of the floating-point parameters and buffers in ``dtype``, by name."""
    state = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    return {name: t.detach().to(dtype) for name, t in state.items() if t.is_floating_point()}


@contextmanager
def kept_buffers(network: nn.Module) -> Iterator[None]:
    """Undo what a forward pass wrote into buffers (a call counter, a cache)."""
    before = [(t, None if t.is_inference() else t._version, t.detach().clone()) for t in network.buffers()]
    try:
        yield
    finally:
        for tensor, version, copy in before:
            if version is not None and tensor._version == version:
                continue  # nobody wrote
            if not torch.equal(tensor.nan_to_num(), copy.nan_to_num()):
                with torch.inference_mode(tensor.is_inference()):
                    tensor.copy_(copy)


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
        for path, module in network.named_modules():
            self._paths.setdefault(id(module), path)
        modules = {path for path, _ in network.named_modules()}
        for name in wrt:
            if name.partition("#")[0] not in modules:
                near = [path for path in modules if path and (path in name or name in path)] or sorted(modules)[:40]
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
        tensors = [a for a in tree_leaves((args, kwargs)) if isinstance(a, Tensor)]
        live = tuple(self.values[id(t)] for t in tensors if id(t) in self.values)
        if not live:
            return func(*args, **kwargs)
        if is_attention(func):
            with self:  # what the fused kernel does, op by op
                return attention(func, args, kwargs)
        if func.overloadpacket not in _RELABELS and _writes_its_result(func):
            raise NotCaptured(
                f"{func} writes into a tensor inside a composite op, in module "
                f'"{self._stack[-1] if self._stack else ""}", and cannot be followed.\n'
                + (f"  Called at {source}.\n" if (source := _source_line()) else "")
                + "  Write that part with ops that return a new tensor, or explain what follows it with wrt=."
            )
        result = func(*args, **kwargs)
        if func.overloadpacket not in _CONSTANT:
            self._write(func, args, kwargs, live, result)
        return result

    def _choose(self, result: Tensor, chosen: list[Value]) -> Tensor:
        name = next(n for n, values in self.chosen.items() if values is chosen)
        shape = result.shape
        along = [d for d, size in enumerate(shape) if size == self.samples]
        if self.samples > 1 and shape[0] % self.samples:
            if len(along) != 1:
                raise BadInput(
                    f'the output of "{name}", {tuple(shape)}, shows no axis of the {self.samples} samples.\n'
                    "  Explain one sample at a time: batch_size=1."
                )
            layout: Layout | None = Layout(along[0] - result.dim())
        else:
            layout = None
        value = Value(result, name=name if not chosen else f"{name}:{len(chosen)}", layout=layout)
        chosen.append(value)
        self.values[id(result)] = value
        return result

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
        count = self._names[node.op_name]
        self._names[node.op_name] += 1
        node.name = node.op_name if count == 0 else f"{node.op_name}_{count}"
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

    def graph(self, output: Any) -> Graph:
        """Close the tape.

        Raises: ``BadInput`` where a module of ``wrt`` did not run, or returned nothing that can be explained.
        """
        for name, values in self.chosen.items():
            if not values:
                raise BadInput(f'wrt="{name}": that module did not run on these inputs, or returned no tensor.')
        inputs = self.inputs or tuple(value for values in self.chosen.values() for value in values)
        return Graph(inputs=inputs, nodes=tuple(self.nodes), output=output, value_of=self.values)


def _writes_its_result(func: Any) -> bool:
    return func._schema.is_mutable and any(result.alias_info is not None for result in func._schema.returns)


def _explainable(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.is_floating_point() and leaf.dim() > 0


def _source_line() -> str:
    """Return the innermost line outside torch that is running, as ``file:line in function``."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        filename = frame.f_code.co_filename
        if filename.startswith(_ENGINE) and frame.f_code.co_name == "run":
            return ""  # no line of the user's own: torch's containers called torch's modules
        if not filename.startswith((_TORCH, _ENGINE)):
            return f"{filename}:{frame.f_lineno} in {frame.f_code.co_name}"
        frame = frame.f_back
    return ""
