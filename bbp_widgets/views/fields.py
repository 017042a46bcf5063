"""Receptive fields: which places of the input a unit of each frame can see.

Worked out from what the ops are, without running anything: along each axis of the picture, the unit at ``i`` of some
axis of a value sees the places from ``start + step · i`` on, ``size`` of them; fractions are rounded inwards. Where
ways through the network differ, the field is one that holds both; where an op is not known here, it is everything.

The same arithmetic tells which axes of a value are the picture's rows and columns, wherever they have been moved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from bbp_widgets.engine import Attribution

from .grids import Along, Grid, grid_of

__all__ = ["Seen", "Span", "fields_of", "grids_of"]


@dataclass(frozen=True, slots=True)
class Span:
    """The places seen along one axis of the picture: from ``start + step · i``, ``size`` of them.

    ``i`` is counted by a value's axis (from the end), or by a part of one that was joined of several:
    i = (index // div) mod ``mod``. Without ``axis`` all units see the same.
    """

    start: Fraction
    step: Fraction
    size: Fraction
    axis: int | None
    div: int = 1
    mod: int | None = None

    @property
    def along(self) -> Along | None:
        """What counts the places."""
        return None if self.axis is None else (self.axis, self.div, self.mod)


Seen = tuple[Span, ...]  # one for each axis of the picture: rows and columns


def fields_of(attribution: Attribution, grids: Sequence[Grid]) -> list[dict[str, Any] | None]:
    """Return the field of each step and of the input, as the contract has it, ``None`` where it is everything.

    ``grids`` says how the units of each are drawn.
    """
    seen, everything = _traced(attribution, keeping=False)
    return [
        None if spans is None else _as_field(spans, grid, everything)
        for spans, grid in zip(seen, grids, strict=True)
    ]


def grids_of(attribution: Attribution, shapes: Sequence[Sequence[int]]) -> list[Grid]:
    """Return how the units of each step and of the input are drawn, by where the graph has the picture's places.

    ``shapes`` are those of the values, without the axis of samples.
    """
    seen, _ = _traced(attribution, keeping=True)
    return [
        grid_of(shape, None if spans is None else [span.along for span in spans])
        for shape, spans in zip(shapes, seen, strict=True)
    ]


def _traced(attribution: Attribution, keeping: bool) -> tuple[list[Seen | None], Seen]:
    """Follow the places of the input through the graph; return what each step and the input see, and everything.

    ``keeping`` asks where the places are rather than which of them are seen: ways that see different parts do no harm
    then, and what comes out as it went in has them where they were.
    """
    source, *others = attribution.sources
    sizes, seen = _of_input(source.tensor.shape)
    everything = _everything(sizes)
    known: dict[Any, Seen | None] = {source: seen, **dict.fromkeys(others)}  # None: nothing of it
    for site in reversed(attribution.sites):
        for i, value in enumerate(site.node.outputs):
            if value is not None:
                known[value] = _of_node(_Call(site.node, i, known, everything, keeping))
    firsts = [next(v for v in site.node.outputs if v is not None) for site in attribution.sites]
    own: list[Seen | None] = [None] * (len(attribution.ledger) - len(firsts))  # the target's own step
    return [*own, *(known[value] for value in (*firsts, source))], everything


def _of_input(shape: Sequence[int]) -> tuple[tuple[int, ...], Seen]:
    """Return the height and width of the picture that an input (N, ...) is, and what each of its places sees."""
    one, zero = Fraction(1), Fraction(0)
    if len(shape) < 3:
        return (1, math.prod(shape[1:])), _everything((1, math.prod(shape[1:])))
    column = Span(zero, one, one, -1)
    if len(shape) == 3:
        return (1, shape[-1]), _tidied((Span(zero, zero, one, None), column), shape)
    return (shape[-2], shape[-1]), _tidied((Span(zero, one, one, -2), column), shape)


def _everything(sizes: Sequence[int]) -> Seen:
    return tuple(Span(Fraction(0), Fraction(0), Fraction(size), None) for size in sizes)


def _as_field(seen: Seen, grid: Grid, everything: Seen) -> dict[str, Any] | None:
    """Return what the units of a value see, as the screen counts them."""
    spans = [
        span if span.along is None or span.along == along else whole
        for span, along, whole in zip(seen, grid.along, everything, strict=True)
    ]
    if all(
        span.step == 0 and span.start <= 0 and span.start + span.size >= whole.size
        for span, whole in zip(spans, everything, strict=True)
    ):
        return None
    return {
        "start": [_number(span.start) for span in spans],
        "step": [_number(span.step) for span in spans],
        "size": [_number(span.size) for span in spans],
    }


def _number(value: Fraction) -> float:
    return value.numerator if value.denominator == 1 else float(value)


# -- what every op does ---------------------------------------------------------------------------------------


def _of_node(call: _Call) -> Seen | None:
    if all(call.of(value) is None for value in call.node.inputs):
        return None
    handler = _OPS.get(call.node.op_name)
    found = None if handler is None else handler(call)
    found = call.everything if found is None else _tidied(found, call.shape)
    if call.keeping and all(span.axis is None for span in found):
        alike = [call.of(v) for v in call.node.inputs if tuple(v.tensor.shape) == call.shape]
        found = next((seen for seen in alike if seen is not None), found)
    return found


@dataclass(frozen=True, slots=True)
class _Call:
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


Handler = Callable[[_Call], "Seen | None"]  # None: everything
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
def _pointwise(call: _Call) -> Seen | None:
    """Each unit sees what the units at its place see, of every argument; a broadcast axis has one place."""
    return _union((call.of(value) for value in call.node.inputs), call)


@_ops("native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm")
def _batch_norm(call: _Call) -> Seen | None:
    return None if call.get(5, "training", True) else _pointwise(call)


@_ops("convolution")
def _convolution(call: _Call) -> Seen | None:
    there = call.only(0)
    if there is None:
        return None
    (seen, shape), kernel = there, call.get(1, "").shape[2:]
    dims = len(kernel)
    stride, padding, dilation = (_each(call.get(i, ""), dims) for i in (3, 4, 5))
    seen = _over(seen, shape, [len(shape) - dims - 1])
    for i in range(dims):
        reach = dilation[i] * (kernel[i] - 1)
        if call.get(6, "transposed"):
            share = Fraction(1, stride[i])
            seen = _window(seen, i - dims, share, (padding[i] - reach) * share, reach * share)
        else:
            seen = _window(seen, i - dims, Fraction(stride[i]), Fraction(-padding[i]), Fraction(reach))
    return seen


@_ops("max_pool2d_with_indices", "max_pool3d_with_indices")
def _max_pool(call: _Call) -> Seen | None:
    return _pool(call, call.get(4, "dilation", 1))


@_ops("avg_pool2d", "avg_pool3d")
def _mean_pool(call: _Call) -> Seen | None:
    return _pool(call, 1)


def _pool(call: _Call, dilation: Any) -> Seen | None:
    seen, dims = call.seen(0), 3 if "3d" in call.node.op_name else 2
    if seen is None:
        return None
    kernel = _each(call.get(1, "kernel_size"), dims)
    stride = _each(call.get(2, "stride") or kernel, dims)
    padding, apart = _each(call.get(3, "padding", 0), dims), _each(dilation, dims)
    for i in range(dims):
        reach = Fraction(apart[i] * (kernel[i] - 1))
        seen = _window(seen, i - dims, Fraction(stride[i]), Fraction(-padding[i]), reach)
    return seen


@_ops("adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def _adaptive_pool(call: _Call) -> Seen | None:
    """Window i runs from ⌊i·a⌋ to ⌈(i + 1)·a⌉, a = size / windows."""
    seen, dims = call.seen(0), 3 if "3d" in call.node.op_name else 2
    if seen is None:
        return None
    for axis in range(-dims, 0):
        ratio = Fraction(call.get(0, "").shape[axis], call.shape[axis])
        loose = 1 - Fraction(1, ratio.denominator)
        seen = _window(seen, axis, ratio, -loose, ratio - 1 + 2 * loose)
    return seen


@_ops("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d")
def _nearest(call: _Call) -> Seen | None:
    """Unit o is place ⌊o·a⌋."""
    return _resized(call, False, lambda a: (Fraction(1, a.denominator) - 1, 1 - Fraction(1, a.denominator)))


@_ops("upsample_nearest_exact1d", "upsample_nearest_exact2d", "upsample_nearest_exact3d")
def _nearest_exact(call: _Call) -> Seen | None:
    """Unit o is place ⌊(o + ½)·a⌋."""
    return _resized(call, False, lambda a: (a / 2 - 1, Fraction(1)))


@_ops("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d")
def _linear_resize(call: _Call) -> Seen | None:
    """Unit o is between the places about (o + ½)·a − ½, or o·a where corners are aligned."""
    if call.get(2, "align_corners"):
        return _resized(call, True, lambda a: (Fraction(-1), Fraction(2)))
    return _resized(call, False, lambda a: ((a - 1) / 2 - 1, Fraction(2)))


def _resized(
    call: _Call, aligned: bool, window: Callable[[Fraction], tuple[Fraction, Fraction]]
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
        start, reach = window(ratio)
        seen = _window(seen, axis, ratio, Fraction(start), reach)
    return seen


@_ops("pixel_shuffle")
def _pixel_shuffle(call: _Call) -> Seen | None:
    seen, factor = call.seen(0), call.get(1, "upscale_factor")
    if seen is None:
        return None
    loose, rank = 1 - Fraction(1, factor), len(call.shape)
    seen = _over(seen, call.get(0, "").shape, [rank - 3])
    for axis in (-2, -1):
        seen = _window(seen, axis, Fraction(1, factor), -loose, loose)
    return seen


@_ops("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(call: _Call) -> Seen | None:
    seen = call.seen(0)
    return None if seen is None else _over(seen, call.get(0, "").shape, [1])


@_ops("amax", "amin", "kthvalue", "linalg_vector_norm", "logsumexp", "max", "mean", "median", "min", "mode", "norm",
      "prod", "std", "sum", "var")  # fmt: skip
def _reduction(call: _Call) -> Seen | None:
    """A sum, a largest or whatever of whole axes sees all of them."""
    there = call.only(0)
    if there is None:
        return None
    seen, shape = there
    dims = call.get(2 if call.node.op_name in ("kthvalue", "linalg_vector_norm", "norm") else 1, "dim")
    chosen = (dims,) if isinstance(dims, int) else tuple(dims or range(len(shape)))
    axes = sorted({d % max(1, len(shape)) for d in chosen})
    seen = _over(seen, shape, axes)
    if len(call.shape) == len(shape):  # kept as axes of one place
        return seen
    left = [d for d in range(len(shape)) if d not in axes]
    return _rearranged(seen, len(shape), {old: new for new, old in enumerate(left)}, len(left))


@_ops("softmax", "log_softmax", "safe_softmax", "cumsum", "cummax", "cummin", "glu", "sort", "index_select")
def _along(call: _Call) -> Seen | None:
    """What works along one axis sees all of it."""
    there, dim = call.only(0), call.get(1, "dim", -1)
    if there is None or not isinstance(dim, int):
        return None
    return _over(*there, [dim % len(there[1])])


@_ops("native_layer_norm")
def _layer_norm(call: _Call) -> Seen | None:
    there = call.only(0)
    if there is None:
        return None
    seen, shape = there
    return _over(seen, shape, range(len(shape) - len(call.get(1, "normalized_shape")), len(shape)))


@_ops("linear")
def _linear(call: _Call) -> Seen | None:
    there = call.only(0)
    return None if there is None else _over(*there, [len(there[1]) - 1])


@_ops("mm", "bmm")
def _product(call: _Call) -> Seen | None:
    return _times(call, 0)


@_ops("addmm", "baddbmm")
def _sum_and_product(call: _Call) -> Seen | None:
    return None if call.seen(0) is not None else _times(call, 1)


def _times(call: _Call, first: int) -> Seen | None:
    left, right = call.only(first), call.only(first + 1)
    if left is not None:
        return _over(*left, [len(left[1]) - 1])
    return None if right is None else _over(*right, [len(right[1]) - 2])


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
def _view(call: _Call) -> Seen | None:
    """Axes may be joined, and cut again: each place is counted by an axis, or by a part of one."""
    seen, before, after = call.seen(0), tuple(call.get(0, "").shape), call.shape
    if seen is None:
        return None
    old, new = _strides(before), _strides(after)
    found = []
    for span in seen:
        if span.axis is not None:
            axis = span.axis + len(before)
            there = next(there for here, there in _groups(before, after) if axis in here)
            axes = [(d - len(after), new[d], after[d]) for d in there]
            span = _recounted(span, before[axis], old[axis], axes)
        found.append(span)
    return tuple(found)


def _recounted(span: Span, size: int, stride: int, axes: Sequence[tuple[int, int, int]]) -> Span:
    """Return a span as one of some axes (place, stride, size) counts it, whole where none does."""
    count = span.mod or size
    stride *= span.div
    for axis, unit, length in axes:
        div = stride // unit
        if div and stride % unit == 0 and length % (div * count) == 0:
            plain = div == 1 and count == length
            return replace(span, axis=axis, div=div, mod=None if plain else count)
    return _whole(span, size)


def _strides(shape: Sequence[int]) -> list[int]:
    strides = [1]
    for size in reversed(shape):
        strides.append(strides[-1] * size)
    return strides[-2::-1]


def _groups(before: Sequence[int], after: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Return the fewest axes on both sides of a view that have as many elements."""
    old = [d for d, size in enumerate(before) if size != 1]
    new = [d for d, size in enumerate(after) if size != 1]
    groups = []
    while old and new:
        here, there = [old.pop(0)], [new.pop(0)]
        left, right = before[here[0]], after[there[0]]
        while left != right:
            if left < right:
                here.append(old.pop(0))
                left *= before[here[-1]]
            else:
                there.append(new.pop(0))
                right *= after[there[-1]]
        groups.append((here, there))
    return groups


@_ops("permute", "transpose", "t")
def _permuted(call: _Call) -> Seen | None:
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
    return _rearranged(seen, rank, {old: new for new, old in enumerate(order)}, rank)


@_ops("slice")
def _slice(call: _Call) -> Seen | None:
    seen, shape = call.seen(0), call.get(0, "").shape
    if seen is None:
        return None
    dim = call.get(1, "dim", 0) % len(shape)
    start, _, step = slice(call.get(2, "start"), call.get(3, "end"), call.get(4, "step", 1)).indices(
        shape[dim]
    )
    return _window(seen, dim - len(shape), Fraction(step), Fraction(start), Fraction(0))


@_ops("select", "unbind")
def _select(call: _Call) -> Seen | None:
    seen, shape = call.seen(0), call.get(0, "").shape
    if seen is None:
        return None
    rank, one = len(shape), call.node.op_name == "select"
    dim = call.get(1, "dim", 0) % rank
    index = call.get(2, "index") % shape[dim] if one else call.output
    seen = _window(seen, dim - rank, Fraction(0), Fraction(index), Fraction(0))
    left = [d for d in range(rank) if d != dim]
    return _rearranged(seen, rank, {old: new for new, old in enumerate(left)}, rank - 1)


@_ops("split", "split_with_sizes", "chunk", "unsafe_split", "unsafe_split_with_sizes")
def _split(call: _Call) -> Seen | None:
    seen, shape = call.seen(0), call.get(0, "").shape
    if seen is None:
        return None
    dim = call.get(2, "dim", 0) % len(shape)
    before = [t.shape[dim] for t in call.node.results[: call.output]]
    return _window(seen, dim - len(shape), Fraction(1), Fraction(sum(before)), Fraction(0))


@_ops("cat", "stack")
def _joined(call: _Call) -> Seen | None:
    """Beside one another along a channel axis the parts keep their places; along an axis of places they do not."""
    rank, dim = len(call.shape), call.get(1, "dim", 0)
    dim %= rank
    parts = []
    for value in call.node.inputs:
        seen = call.of(value)
        if seen is None:
            continue
        if call.node.op_name == "stack":
            left = [d for d in range(rank) if d != dim]
            seen = _rearranged(seen, rank - 1, dict(enumerate(left)), rank)
        parts.append(_over(seen, value.tensor.shape, [dim] if value.tensor.dim() == rank else []))
    return _union(parts, call)


@_ops("constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d",
      "replication_pad2d", "replication_pad3d")  # fmt: skip
def _pad(call: _Call) -> Seen | None:
    """What is mirrored or repeated at an edge is at most so far away from it."""
    seen, border = call.seen(0), call.get(1, "pad")
    if seen is None:
        return None
    name = call.node.op_name
    times = 2 if name.startswith("reflection") else 1 if name.startswith("replication") else 0
    for i in range(len(border) // 2):
        before, after = border[2 * i], border[2 * i + 1]
        early, late = times * max(0, after), times * max(0, before)
        seen = _window(seen, -1 - i, Fraction(1), Fraction(-before - early), Fraction(early + late))
    return seen


@_ops("flip")
def _flip(call: _Call) -> Seen | None:
    seen, shape = call.seen(0), call.get(0, "").shape
    if seen is None:
        return None
    for dim in call.get(1, "dims"):
        size = shape[dim % len(shape)]
        seen = _window(seen, dim % len(shape) - len(shape), Fraction(-1), Fraction(size - 1), Fraction(0))
    return seen


@_ops("roll", "repeat")
def _roll(call: _Call) -> Seen | None:
    seen, shape = call.seen(0), call.get(0, "").shape
    if seen is None:
        return None
    if call.node.op_name == "repeat":
        times = call.get(1, "repeats")[len(call.shape) - len(shape) :]
        return _over(seen, shape, [d for d, count in enumerate(times) if count != 1])
    dims = call.get(2, "dims") or range(len(shape))
    return _over(seen, shape, [d % len(shape) for d in dims])


# -- arithmetic of spans --------------------------------------------------------------------------------------


def _each(value: Any, dims: int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return values * dims if len(values) == 1 else values


def _window(seen: Seen, axis: int, stride: Fraction, start: Fraction, reach: Fraction) -> Seen:
    """Return what units see, that look at the units from ``stride · o + start`` on, up to ``reach`` further along."""
    found = []
    for span in seen:
        if span.axis == axis and span.mod is not None and (stride != 1 or start or reach):
            span = _whole(span, span.mod)
        elif span.axis == axis:
            first = span.start + span.step * (start if span.step >= 0 else start + reach)
            size = span.size + abs(span.step) * reach
            span = replace(span, start=first, step=span.step * stride, size=size)
        found.append(span)
    return tuple(found)


def _over(seen: Seen, shape: Sequence[int], axes: Iterable[int]) -> Seen:
    """Return what is seen by units that look along whole axes."""
    whole = {d - len(shape) for d in axes}
    return tuple(
        span if span.axis not in whole or span.axis is None else _whole(span, shape[span.axis])
        for span in seen
    )


def _whole(span: Span, size: int) -> Span:
    """Return what is seen along a whole axis of ``size``, or along the part of it that counts."""
    reach = span.step * ((span.mod or size) - 1)
    return Span(span.start + min(Fraction(0), reach), Fraction(0), span.size + abs(reach), None)


def _rearranged(seen: Seen, rank: int, places: dict[int, int], new_rank: int) -> Seen:
    """Return spans that follow their axes to other places; those of axes that are gone are along nothing."""
    found = []
    for span in seen:
        if span.axis is not None:
            new = places.get(span.axis + rank)
            span = (
                Span(span.start, Fraction(0), span.size, None)
                if new is None
                else replace(span, axis=new - new_rank)
            )
        found.append(span)
    return tuple(found)


def _tidied(seen: Seen, shape: Sequence[int]) -> Seen:
    """Return spans of which none follows an axis of one place: there a broadcast may follow."""
    return tuple(
        replace(span, step=Fraction(0), axis=None)
        if span.axis is not None and shape[span.axis] == 1
        else span
        for span in seen
    )


def _union(parts: Iterable[Seen | None], call: _Call) -> Seen:
    """Return what holds all of some fields: everything, along an axis where no one span does."""
    joined = []
    there = [part for part in parts if part is not None]
    for spans, whole in zip(zip(*there, strict=True), call.everything, strict=True):
        start = min(span.start for span in spans)
        end = max(span.start + span.size for span in spans)
        alike = len({(span.along, span.step) for span in spans}) == 1
        joined.append(replace(spans[0], start=start, size=end - start) if alike else whole)
        if call.keeping and not alike:
            joined[-1] = next((span for span in spans if span.axis is not None), whole)
    return tuple(joined)
