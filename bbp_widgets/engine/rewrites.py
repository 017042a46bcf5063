"""Fused and in-place kernels, said again in ops that can be followed.

Two doors. ``Rewrites`` sees calls of torch's functions: it says circular padding and recurrent layers in functional
ops (their own kernels write in place, below everything that could follow), takes in-place activations apart into the
op and the writing (torch's own way falls back to long decompositions in Python), and its mere presence keeps
``nn.MultiheadAttention`` and ``nn.TransformerEncoder`` off their fused fast path, in this thread only. What leaves
torch (``numpy``) leaves it with the numbers that are there, not as the empty shell that stands for them.
``attention`` says the fused attention kernels, whichever the device has, as two matrix products and a softmax.
"""

from __future__ import annotations

import inspect
import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

__all__ = ["Rewrites", "attention", "is_attention"]

aten = torch.ops.aten


class Rewrites(TorchFunctionMode):
    """While this is active, some of torch's functions are computed by plain, functional ops."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        rewrite = _REWRITES.get(func)
        if rewrite is not None:
            result = rewrite(*args, **kwargs)
            if result is not NotImplemented:
                return result
        return func(*args, **kwargs)


def _pad(x: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """Circular padding as slices side by side."""
    if mode != "circular":
        return NotImplemented
    for i in range(len(pad) // 2):
        dim, (before, after) = x.dim() - 1 - i, pad[2 * i : 2 * i + 2]
        size = x.shape[dim]
        if before > size or after > size:
            return NotImplemented  # torch's own message is the right one
        kept = x.narrow(dim, max(0, -before), size - max(0, -before) - max(0, -after))
        head = [x.narrow(dim, size - before, before)] if before > 0 else []
        tail = [x.narrow(dim, 0, after)] if after > 0 else []
        x = torch.cat([*head, kept, *tail], dim)
    return x


def _lstm_cell(x: Tensor, state: Any, *weights: Any) -> tuple[Tensor, Tensor]:
    """One step of an LSTM: gates i, f, g, o."""
    h, c = state
    w_x, w_h, b_x, b_h = (*weights, None, None)[:4]
    i, f, g, o = (F.linear(x, w_x, b_x) + F.linear(h, w_h, b_h)).chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def _gru_cell(x: Tensor, h: Tensor, *weights: Any) -> Tensor:
    """One step of a GRU: gates r, z and the candidate n."""
    w_x, w_h, b_x, b_h = (*weights, None, None)[:4]
    r_x, z_x, n_x = F.linear(x, w_x, b_x).chunk(3, 1)
    r_h, z_h, n_h = F.linear(h, w_h, b_h).chunk(3, 1)
    z = (z_x + z_h).sigmoid()
    n = (n_x + (r_x + r_h).sigmoid() * n_h).tanh()
    return n + z * (h - n)


def _plain_cell(activation: Any) -> Any:
    def cell(x: Tensor, h: Tensor, *weights: Any) -> Tensor:
        w_x, w_h, b_x, b_h = (*weights, None, None)[:4]
        return activation(F.linear(x, w_x, b_x) + F.linear(h, w_h, b_h))

    return cell


def _layers(cell: Any, states: int) -> Any:
    """Return a recurrent network of ``cell``, step by step; ``states`` is 2 for an LSTM."""

    def run(
        x: Any, state: Any, weights: Any, biases: Any, layers: int, dropout: float, training: bool,
        both_ways: Any, batch_first: Any = None,
    ) -> Any:  # fmt: skip
        if batch_first is None:  # the signature of packed sequences
            return NotImplemented
        state = state if states == 2 else (state,)
        steps = list((x.transpose(0, 1) if batch_first else x).unbind(0))
        per, ways, last = 4 if biases else 2, 2 if both_ways else 1, []
        if len(weights) != per * layers * ways:  # projections
            return NotImplemented
        for layer in range(layers):
            sides = []
            for way in range(ways):
                k = layer * ways + way
                held = tuple(s[k] for s in state)
                done = []
                for step in reversed(steps) if way else steps:
                    new = cell(step, held if states == 2 else held[0], *weights[per * k : per * (k + 1)])
                    held = new if states == 2 else (new,)
                    done.append(held[0])
                sides.append(done[::-1] if way else done)
                last.append(held)
            steps = [torch.cat(pair, 1) if ways == 2 else pair[0] for pair in zip(*sides, strict=True)]
        output = torch.stack(steps, 1 if batch_first else 0)
        return (output, *(torch.stack([held[i] for held in last]) for i in range(states)))

    return run


def _read(function: Any) -> Any:
    """Return a reading of a tensor's memory that looks at the tensor inside functionalization's shell."""

    def read(x: Tensor, *args: Any, **kwargs: Any) -> Any:
        if not torch._C._functorch.is_functionaltensor(x):
            return NotImplemented
        torch._sync(x)  # type: ignore[attr-defined]
        with torch._C.DisableTorchFunction():
            return function(
                torch._C._functorch._unwrap_functional_tensor(x, True).detach().clone(), *args, **kwargs
            )

    return read


def _data(x: Tensor) -> Any:
    """A value's ``data`` is a constant, as autograd has it."""
    return x.detach() if torch._C._functorch.is_functionaltensor(x) else NotImplemented


def _apart(function: Any) -> Any:
    """Return an in-place activation as the activation and the writing of its result."""
    place = list(inspect.signature(function).parameters).index("inplace")

    def rewrite(*args: Any, **kwargs: Any) -> Any:
        if not (args[place] if len(args) > place else kwargs.get("inplace")):
            return NotImplemented
        if len(args) > place:
            args = (*args[:place], False, *args[place + 1 :])
        else:
            kwargs = {**kwargs, "inplace": False}
        x = args[0] if args else kwargs["input"]
        return x.copy_(function(*args, **kwargs))

    return rewrite


_ACTIVATIONS = (
    F.hardtanh, F.relu6, F.silu, F.mish, F.hardswish, F.hardsigmoid, F.leaky_relu, F.elu, F.celu, F.selu,
    F.threshold, F.rrelu,
)  # fmt: skip


def _rms_norm(x: Tensor, shape: Any, weight: Any = None, eps: float | None = None) -> Tensor:
    """A value over the root of its mean square."""
    dims = tuple(range(-len(shape), 0))
    floor = torch.finfo(x.dtype).eps if eps is None else eps
    y = x * torch.rsqrt(x.pow(2).mean(dims, keepdim=True) + floor)
    return y if weight is None else y * weight


def _cosine_similarity(a: Tensor, b: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The sum of the products of two vectors of length one."""

    def directed(x: Tensor) -> Tensor:
        return x / torch.linalg.vector_norm(x, dim=dim, keepdim=True).clamp_min(eps)

    a, b = torch.broadcast_tensors(a, b)
    return (directed(a) * directed(b)).sum(dim)


def _with_mean(spread: Any) -> Any:
    """Return a variance or deviation together with the mean, as two calls."""

    def both(x: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        given = dict(zip(("dim", "unbiased", "keepdim"), args, strict=False)) | kwargs
        if isinstance(given.get("dim"), bool):
            given["unbiased"] = given.pop("dim")
        dim = given.get("dim")
        keepdim = given.get("keepdim", False)
        mean = x.mean() if dim is None and not keepdim else x.mean(dim, keepdim=keepdim)
        return spread(x, *args, **kwargs), mean

    return both


def _sdpa(
    q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> Any:  # fmt: skip
    """Attention, its queries grouped or not."""
    if dropout_p:
        return NotImplemented
    if enable_gqa:
        k, v = (x.repeat_interleave(q.shape[-3] // x.shape[-3], -3) for x in (k, v))
    return _attended(q, k, v, attn_mask, is_causal, scale)


_REWRITES: dict[Any, Any] = {
    **{read: _read(read) for read in (Tensor.numpy, Tensor.__array__, Tensor.tolist)},
    Tensor.data.__get__: _data,  # type: ignore[attr-defined]
    F.pad: _pad,
    torch._C._nn.pad: _pad,
    F.rms_norm: _rms_norm,
    torch.rms_norm: _rms_norm,
    torch.cosine_similarity: _cosine_similarity,
    torch.var_mean: _with_mean(torch.var),
    torch.std_mean: _with_mean(torch.std),
    F.scaled_dot_product_attention: _sdpa,
    torch.lstm_cell: _lstm_cell,
    torch.gru_cell: _gru_cell,
    torch.rnn_tanh_cell: _plain_cell(torch.tanh),
    torch.rnn_relu_cell: _plain_cell(torch.relu),
    torch.lstm: _layers(_lstm_cell, 2),
    torch.gru: _layers(_gru_cell, 1),
    torch.rnn_tanh: _layers(_plain_cell(torch.tanh), 1),
    torch.rnn_relu: _layers(_plain_cell(torch.relu), 1),
    **{function: _apart(function) for function in _ACTIVATIONS},
}

#: The fused attention kernels, and where each has its mask, dropout, causal flag among the arguments after q, k, v.
_ATTENTION: dict[Any, tuple[str, ...]] = {
    aten._scaled_dot_product_flash_attention_for_cpu: ("dropout_p", "is_causal"),
    aten._scaled_dot_product_flash_attention: ("dropout_p", "is_causal", "return_debug_mask"),
    aten._scaled_dot_product_efficient_attention: ("attn_bias", "compute_log_sumexp", "dropout_p", "is_causal"),
    aten._scaled_dot_product_cudnn_attention: (
        "attn_bias", "compute_log_sumexp", "dropout_p", "is_causal", "return_debug_mask",
    ),
    aten._scaled_dot_product_fused_attention_overrideable: (
        "attn_bias", "dropout_p", "is_causal", "return_debug_mask",
    ),
}  # fmt: skip


def is_attention(func: Any) -> bool:
    """Return whether an op is one of the fused attention kernels."""
    return func.overloadpacket in _ATTENTION


def attention(func: Any, args: Any, kwargs: Any) -> tuple[Any, ...]:
    """Return what a fused attention kernel returns: softmax(q kᵀ · scale + mask) v, and nothing of use beside it."""
    q, k, v = args[:3]
    given = {**dict(zip(_ATTENTION[func.overloadpacket], args[3:], strict=False)), **kwargs}
    mask = given.get("attn_mask", given.get("attn_bias"))
    attended = _attended(q, k, v, mask, given.get("is_causal", False), given.get("scale"))
    empty = q.new_empty(0)
    return (attended, *(empty for _ in func._schema.returns[1:]))


def _attended(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float | None
) -> Tensor:
    """Return softmax(q kᵀ · scale + mask) v; a query that is masked from everything gets zero."""
    scores = (q * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)) @ k.transpose(-2, -1)
    if causal:
        future = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).triu(1)
        scores = scores.masked_fill(future, -math.inf)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
    return torch._safe_softmax(scores, -1) @ v
