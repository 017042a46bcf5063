"""What the units of each op see, of what its arguments' units see: one entry for every op that is known here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from .regrouped import groups, recounted, strides
from .spans import Seen, each, over, rearranged, tidied, union, window

__all__ = ["Call", "seen_by"]


def seen_by(call: Call) -> Seen | None:
    """Return what each unit of an op's output sees, ``None`` where that is nothing of the input."""
    if all(call.of(value) is None for value in call.node.inputs):
        return None
    handler = _OPS.get(call.node.op_name)
    found = None if handler is None else handler(call)
    found = call.everything if found is None else tidied(found, call.shape)
    if call.keeping and all(span.axis is None for span in found):
        alike = [call.of(v) for v in call.node.inputs if tuple(v.tensor.shape) == call.shape]
        found = next((seen for seen in alike if seen is not None), found)
    return found


@dataclass(frozen=True, slots=True)
class Call:
    """One op call: what its live arguments see, and its other arguments by place or name."""

    node: Any
    output: int
    known: dict[Any, Seen | None]
    everything: Seen
    keeping: bool = False

    def of(self, value: Any) -> Seen | None:
        """Return what a live argument sees; a gate that is held fixed sees nothing."""
        return self.known.get(value)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the output."""
        return tuple(self.node.outputs[self.output].tensor.shape)

    def get(self, place: int, name: str, default: Any = None) -> Any:
        """Return an argument."""
        args = self.node.args
        return args[place] if place < len(args) else self.node.kwargs.get(name, default)

    def seen(self, place: int) -> Seen | None:
        """Return what an argument sees, ``None`` where that is nothing."""
        value = self.node.value(self.get(place, ""))
        return None if value is None else self.of(value)

    def only(self, place: int) -> tuple[Seen, tuple[int, ...]] | None:
        """Return what an argument sees, and its shape, where it is the only live one."""
        seen = self.seen(place)
        alone = all(value is self.node.value(self.node.args[place]) for value in self.node.inputs)
        return (seen, tuple(self.node.args[place].shape)) if seen is not None and alone else None

    def union(self, parts: Iterable[Seen | None]) -> Seen:
        """Return what holds all of some fields."""
        return union(parts, self.everything, keeping=self.keeping)


Handler = Callable[[Call], "Seen | None"]  # None: everything
_OPS: dict[str, Handler] = {}


def _ops(*names: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        _OPS.update(dict.fromkeys(names, handler))
        return handler

    return register


@_ops(
    "abs", "acos", "acosh", "add", "addcdiv", "addcmul", "alias", "asin", "asinh", "atan", "atan2", "atanh", "celu",
    "clamp", "clamp_max", "clamp_min", "clone", "contiguous", "copy", "cos", "cosh", "div", "dropout", "elu", "erf",
    "erfc", "exp", "exp2", "expand", "expm1", "fmax", "fmin", "fmod", "frac", "gelu", "hardshrink", "hardsigmoid",
    "hardswish", "hardtanh", "hypot", "leaky_relu", "lerp", "lift_fresh", "log", "log10", "log1p", "log2",
    "log_sigmoid_forward", "logaddexp", "logaddexp2", "logit", "masked_fill", "maximum", "minimum", "mish", "mul",
    "nan_to_num", "native_batch_norm_legit_no_training", "neg", "pow", "prelu_kernel", "reciprocal", "relu",
    "remainder", "rrelu_with_noise", "rsqrt", "rsub", "sgn", "sigmoid", "silu", "sin", "sinc", "sinh", "softplus",
    "softshrink", "sqrt", "square", "sub", "tan", "tanh", "threshold", "to_copy", "tril", "triu", "where", "xlogy",
    "zero",
)  # fmt: skip
def _pointwise(call: Call) -> Seen | None:
    """Each unit sees what the units at its place see, of every argument; a broadcast axis has one place."""
    return call.union(call.of(value) for value in call.node.inputs)


@_ops("native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm")
def _batch_norm(call: Call) -> Seen | None:
    return None if call.get(5, "training", True) else _pointwise(call)


@_ops("convolution")
def _convolution(call: Call) -> Seen | None:
    there = call.only(0)
    if there is None:
        return None
    (seen, shape), kernel = there, call.get(1, "").shape[2:]
    dims = len(kernel)
    stride, padding, dilation = (each(call.get(i, ""), dims) for i in (3, 4, 5))
    seen = over(seen, shape, [len(shape) - dims - 1])
    for i in range(dims):
        reach = dilation[i] * (kernel[i] - 1)
        if call.get(6, "transposed"):
            share = Fraction(1, stride[i])
            seen = window(seen, i - dims, share, (padding[i] - reach) * share, reach * share)
        else:
            seen = window(seen, i - dims, Fraction(stride[i]), Fraction(-padding[i]), Fraction(reach))
    return seen


@_ops("max_pool2d_with_indices", "max_pool3d_with_indices")
def _max_pool(call: Call) -> Seen | None:
    return _pool(call, call.get(4, "dilation", 1))


@_ops("avg_pool2d", "avg_pool3d")
def _mean_pool(call: Call) -> Seen | None:
    return _pool(call, 1)


def _pool(call: Call, dilation: Any) -> Seen | None:
    seen, dims = call.seen(0), 3 if "3d" in call.node.op_name else 2
    if seen is None:
        return None
    kernel = each(call.get(1, "kernel_size"), dims)
    stride = each(call.get(2, "stride") or kernel, dims)
    padding, apart = each(call.get(3, "padding", 0), dims), each(dilation, dims)
    for i in range(dims):
        reach = Fraction(apart[i] * (kernel[i] - 1))
        seen = window(seen, i - dims, Fraction(stride[i]), Fraction(-padding[i]), reach)
    return seen


@_ops("adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def _adaptive_pool(call: Call) -> Seen | None:
    """Window i runs from ⌊i·a⌋ to ⌈(i + 1)·a⌉, a = size / windows."""
    seen, dims = call.seen(0), 3 if "3d" in call.node.op_name else 2
    if seen is None:
        return None
    for axis in range(-dims, 0):
        ratio = Fraction(call.get(0, "").shape[axis], call.shape[axis])
        loose = 1 - Fraction(1, ratio.denominator)
        seen = window(seen, axis, ratio, -loose, ratio - 1 + 2 * loose)
    return seen


@_ops("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d")
def _nearest(call: Call) -> Seen | None:
    """Unit o is place ⌊o·a⌋."""
    return _resized(call, False, lambda a: (Fraction(1, a.denominator) - 1, 1 - Fraction(1, a.denominator)))


@_ops("upsample_nearest_exact1d", "upsample_nearest_exact2d", "upsample_nearest_exact3d")
def _nearest_exact(call: Call) -> Seen | None:
    """Unit o is place ⌊(o + ½)·a⌋."""
    return _resized(call, False, lambda a: (a / 2 - 1, Fraction(1)))


@_ops("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d")
def _linear_resize(call: Call) -> Seen | None:
    """Unit o is between the places about (o + ½)·a − ½, or o·a where corners are aligned."""
    if call.get(2, "align_corners"):
        return _resized(call, True, lambda a: (Fraction(-1), Fraction(2)))
    return _resized(call, False, lambda a: ((a - 1) / 2 - 1, Fraction(2)))


def _resized(
    call: Call, aligned: bool, reached: Callable[[Fraction], tuple[Fraction, Fraction]]
) -> Seen | None:
    seen, before, after = call.seen(0), call.get(0, "").shape, call.shape
    if seen is None:
        return None
    dims = int(call.node.op_name.rstrip("d")[-1])
    scales = [
        s for s in (*call.node.args[2:], *call.node.kwargs.values()) if isinstance(s, (float, list, tuple))
    ]
    given = [s for scale in scales for s in (scale if isinstance(scale, (list, tuple)) else [scale])]
    exact = {after[axis] / before[axis] for axis in range(-dims, 0)}
    if any(scale is not None and scale not in exact for scale in given):
        return None
    for axis in range(-dims, 0):
        ratio = Fraction(before[axis], after[axis])
        if aligned:
            ratio = Fraction(before[axis] - 1, max(1, after[axis] - 1))
        start, reach = reached(ratio)
        seen = window(seen, axis, ratio, Fraction(start), reach)
    return seen


@_ops("pixel_shuffle")
def _pixel_shuffle(call: Call) -> Seen | None:
    seen, factor = call.seen(0), call.get(1, "upscale_factor")
    if seen is None:
        return None
    loose, rank = 1 - Fraction(1, factor), len(call.shape)
    seen = over(seen, call.get(0, "").shape, [rank - 3])
    for axis in (-2, -1):
        seen = window(seen, axis, Fraction(1, factor), -loose, loose)
    return seen


@_ops("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(call: Call) -> Seen | None:
    seen = call.seen(0)
    return None if seen is None else over(seen, call.get(0, "").shape, [1])


@_ops("amax", "amin", "kthvalue", "linalg_vector_norm", "logsumexp", "max", "mean", "median", "min", "mode", "norm",
      "prod", "std", "sum", "var")  # fmt: skip
def _reduction(call: Call) -> Seen | None:
    """A sum, a largest or whatever of whole axes sees all of them."""
    there = call.only(0)
    if there is None:
        return None
    seen, shape = there
    dims = call.get(2 if call.node.op_name in ("kthvalue", "linalg_vector_norm", "norm") else 1, "dim")
    chosen = (dims,) if isinstance(dims, int) else tuple(dims or range(len(shape)))
    axes = sorted({d % max(1, len(shape)) for d in chosen})
    seen = over(seen, shape, axes)
    if len(call.shape) == len(shape):  # kept as axes of one place
        return seen
    left = [d for d in range(len(shape)) if d not in axes]
    return rearranged(seen, len(shape), {old: new for new, old in enumerate(left)}, len(left))


@_ops("softmax", "log_softmax", "safe_softmax", "cumsum", "cummax", "cummin", "glu", "sort", "index_select")
def _along(call: Call) -> Seen | None:
    """What works along one axis sees all of it."""
    there, dim = call.only(0), call.get(1, "dim", -1)
    if there is None or not isinstance(dim, int):
        return None
    return over(*there, [dim % len(there[1])])


@_ops("native_layer_norm")
def _layer_norm(call: Call) -> Seen | None:
    there = call.only(0)
    if there is None:
        return None
    seen, shape = there
    return over(seen, shape, range(len(shape) - len(call.get(1, "normalized_shape")), len(shape)))


@_ops("linear")
def _linear(call: Call) -> Seen | None:
    there = call.only(0)
    return None if there is None else over(*there, [len(there[1]) - 1])


@_ops("mm", "bmm")
def _product(call: Call) -> Seen | None:
    return _times(call, 0)


@_ops("addmm", "baddbmm")
def _sum_and_product(call: Call) -> Seen | None:
    return None if call.seen(0) is not None else _times(call, 1)


def _times(call: Call, first: int) -> Seen | None:
    left, right = call.only(first), call.only(first + 1)
    if left is not None:
        return over(*left, [len(left[1]) - 1])
    return None if right is None else over(*right, [len(right[1]) - 2])


@_ops(
    "view",
    "reshape",
    "unsafe_view",
    "reshape_alias",
    "view_copy",
    "flatten",
    "unflatten",
    "squeeze",
    "unsqueeze",
)
def _view(call: Call) -> Seen | None:
    """Axes may be joined, and cut again: each place is counted by an axis, or by a part of one."""
    seen, before, after = call.seen(0), tuple(call.get(0, "").shape), call.shape
    if seen is None:
        return None
    old, new = strides(before), strides(after)
    found = []
    for span in seen:
        if span.axis is not None:
            axis = span.axis + len(before)
            there = next(there for here, there in groups(before, after) if axis in here)
            axes = [(d - len(after), new[d], after[d]) for d in there]
            span = recounted(span, before[axis], old[axis], axes)
        found.append(span)
    return tuple(found)


@_ops("permute", "transpose", "t")
def _permuted(call: Call) -> Seen | None:
    seen, rank = call.seen(0), len(call.shape)
    if seen is None:
        return None
    order = list(range(rank))
    if call.node.op_name == "permute":
        order = [d % rank for d in call.get(1, "dims")]
    else:
        a, b = (
            (call.get(1, "dim0"), call.get(2, "dim1")) if call.node.op_name == "transpose" else (0, rank - 1)
        )
        order[a % rank], order[b % rank] = order[b % rank], order[a % rank]
    return rearranged(seen, rank, {old: new for new, old in enumerate(order)}, rank)


@_ops("slice")
def _slice(call: Call) -> Seen | None:
    seen, shape = call.seen(0), call.get(0, "").shape
    if seen is None:
        return None
    dim = call.get(1, "dim", 0) % len(shape)
    start, _, step = slice(call.get(2, "start"), call.get(3, "end"), call.get(4, "step", 1)).indices(
        shape[dim]
    )
    return window(seen, dim - len(shape), Fraction(step), Fraction(start), Fraction(0))


@_ops("select", "unbind")
def _select(call: Call) -> Seen | None:
    seen, shape = call.seen(0), call.get(0, "").shape
    if seen is None:
        return None
    rank, one = len(shape), call.node.op_name == "select"
    dim = call.get(1, "dim", 0) % rank
    index = call.get(2, "index") % shape[dim] if one else call.output
    seen = window(seen, dim - rank, Fraction(0), Fraction(index), Fraction(0))
    left = [d for d in range(rank) if d != dim]
    return rearranged(seen, rank, {old: new for new, old in enumerate(left)}, rank - 1)


@_ops("split", "split_with_sizes", "chunk", "unsafe_split", "unsafe_split_with_sizes")
def _split(call: Call) -> Seen | None:
    seen, shape = call.seen(0), call.get(0, "").shape
    if seen is None:
        return None
    dim = call.get(2, "dim", 0) % len(shape)
    before = [t.shape[dim] for t in call.node.results[: call.output]]
    return window(seen, dim - len(shape), Fraction(1), Fraction(sum(before)), Fraction(0))


@_ops("cat", "stack")
def _joined(call: Call) -> Seen | None:
    """Beside one another along a channel axis the parts keep their places; along an axis of places they do not.

    Asked where the places are, constants in front of them (a class token) are told apart.
    """
    rank, dim = len(call.shape), call.get(1, "dim", 0)
    dim %= rank
    if call.keeping and call.node.op_name == "cat" and (behind := _behind(call, dim - rank)) is not None:
        return behind
    parts = []
    for value in call.node.inputs:
        seen = call.of(value)
        if seen is None:
            continue
        if call.node.op_name == "stack":
            left = [d for d in range(rank) if d != dim]
            seen = rearranged(seen, rank - 1, dict(enumerate(left)), rank)
        parts.append(over(seen, value.tensor.shape, [dim] if value.tensor.dim() == rank else []))
    return call.union(parts)


def _behind(call: Call, axis: int) -> Seen | None:
    """Return the places of the last part of a ``cat`` along an axis of places, where all before it are constants."""
    *before, last = call.get(0, "tensors")
    value = call.node.value(last)
    seen = None if value is None else call.of(value)
    if seen is None or not before or any(call.node.value(one) is not None for one in before):
        return None
    if all(span.axis != axis for span in seen):
        return None
    lead = sum(one.shape[axis] for one in before)
    return tuple(replace(span, lead=span.lead + lead) if span.axis == axis else span for span in seen)


@_ops("constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d",
      "replication_pad2d", "replication_pad3d")  # fmt: skip
def _pad(call: Call) -> Seen | None:
    """What is mirrored or repeated at an edge is at most so far away from it."""
    seen, border = call.seen(0), call.get(1, "pad")
    if seen is None:
        return None
    name = call.node.op_name
    times = 2 if name.startswith("reflection") else 1 if name.startswith("replication") else 0
    for i in range(len(border) // 2):
        before, after = border[2 * i], border[2 * i + 1]
        early, late = times * max(0, after), times * max(0, before)
        seen = window(seen, -1 - i, Fraction(1), Fraction(-before - early), Fraction(early + late))
    return seen


@_ops("flip")
def _flip(call: Call) -> Seen | None:
    seen, shape = call.seen(0), call.get(0, "").shape
    if seen is None:
        return None
    for dim in call.get(1, "dims"):
        size = shape[dim % len(shape)]
        seen = window(seen, dim % len(shape) - len(shape), Fraction(-1), Fraction(size - 1), Fraction(0))
    return seen


@_ops("roll", "repeat")
def _roll(call: Call) -> Seen | None:
    seen, shape = call.seen(0), call.get(0, "").shape
    if seen is None:
        return None
    if call.node.op_name == "repeat":
        times = call.get(1, "repeats")[len(call.shape) - len(shape) :]
        return over(seen, shape, [d for d, count in enumerate(times) if count != 1])
    dims = call.get(2, "dims") or range(len(shape))
    axes = [d % len(shape) - len(shape) for d in dims]
    if call.keeping:
        return tuple(replace(span, shifted=True) if span.axis in axes else span for span in seen)
    return over(seen, shape, [axis + len(shape) for axis in axes])
