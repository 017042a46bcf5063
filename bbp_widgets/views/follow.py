"""Where the places of the input are in every value: followed through the graph, op by op."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from bbp_widgets.engine import Attribution

from .sight import Call, seen_by
from .spans import Seen, Span, tidied

__all__ = ["features_last", "followed", "own_axes", "told_by"]

#: Ops that mix the entries of one axis of an argument: which argument that is.
_MIXES = {"addmm": 1, "mm": 0, "bmm": 0, "baddbmm": 1, "linear": 0, "native_layer_norm": 0, "convolution": 0}


def followed(attribution: Attribution, keeping: bool, entry: int = 0) -> tuple[list[Seen | None], Seen]:
    """Follow the places of an input through the graph; return what each step and each input see, and everything.

    ``keeping`` asks where the places are rather than which of them are seen: ways that see different parts do no harm
    then, and what comes out as it went in has them where they were. ``None`` is for what sees nothing of this input.
    """
    source = attribution.sources[entry]
    sizes, seen = _of_input(attribution, entry)
    everything = _everything(sizes)
    known: dict[Any, Seen | None] = {source: seen}
    for _ in _calls(attribution, known, everything, keeping):
        pass
    firsts = [next(v for v in site.node.outputs if v is not None) for site in attribution.sites]
    own: list[Seen | None] = [None] * (len(attribution.ledger) - len(firsts))  # the target's own step
    values = (*firsts, *attribution.sources)
    return [*own, *(_of_one(known[value], value, len(attribution.value)) for value in values)], everything


def own_axes(attribution: Attribution, entry: int = 0) -> list[int]:
    """Return the axes of an input that are one sample's own, counted from the end.

    Mostly all but the first; of a module's output that has its samples second, (T, N, D), all but that.
    """
    source, samples = attribution.sources[entry], len(attribution.value)
    shape, axes = source.tensor.shape, list(range(-source.tensor.dim(), 0))
    aside = axes[0]
    if source.layout is not None:
        aside = source.layout.axis
    elif len(shape) == 3 and shape[0] != samples == shape[1]:
        aside = -2
    return [axis for axis in axes if axis != aside]


def features_last(attribution: Attribution, entry: int = 0) -> bool:
    """Say whether an input (N, A, B) is a row of A tokens with B features each, rather than B positions of A channels.

    As ``told_by``; where nothing tells it is taken for channels. The samples may be second, (A, N, B).
    """
    return _told(attribution, entry)[0]


def told_by(attribution: Attribution, entry: int = 0) -> str | None:
    """Return the op that tells the axes of an input (N, A, B) apart; ``None`` where there is none, or nothing to tell.

    It is the first that mixes one of the two: a linear layer or a norm over B mixes features, and A counts tokens; a
    convolution whose channels are along A has B for positions.
    """
    return _told(attribution, entry)[1]


def _told(attribution: Attribution, entry: int) -> tuple[bool, str | None]:
    source, axes = attribution.sources[entry], own_axes(attribution, entry)
    sizes = [source.tensor.shape[axis] for axis in axes]
    if len(axes) != 2 or 1 in sizes:
        return False, None
    one, zero = Fraction(1), Fraction(0)
    own = tuple(Span(zero, one, one, axis) for axis in axes)
    known: dict[Any, Seen | None] = {source: own}
    for call in _calls(attribution, known, _everything(sizes), True):
        place = _MIXES.get(call.node.op_name)
        seen = None if place is None else call.seen(place)
        if place is None or seen is None:
            continue
        first, second = (span.axis == _mixed(call, place) for span in seen)
        if first != second:
            return second, str(call.node.op_name)
    return False, None


def _mixed(call: Call, place: int) -> int | None:
    """Return which axis of an argument an op mixes, counted from the end; ``None`` where it is not just one."""
    if call.node.op_name == "native_layer_norm":
        return -1 if len(call.get(1, "normalized_shape")) == 1 else None
    return 1 - call.get(1, "").dim() if call.node.op_name == "convolution" else -1


def _calls(
    attribution: Attribution, known: dict[Any, Seen | None], everything: Seen, keeping: bool
) -> Iterator[Call]:
    """Go through the graph in the order in which it ran, and add to ``known`` what every value sees."""
    for source in attribution.sources:
        known.setdefault(source, None)  # nothing of it
    for site in reversed(attribution.sites):
        for i, value in enumerate(site.node.outputs):
            if value is not None:
                call = Call(site.node, i, known, everything, keeping)
                known[value] = seen_by(call)
                yield call


def _of_one(seen: Seen | None, value: Any, samples: int) -> Seen | None:
    """Return what is seen, by the axes that a value of one sample has: one that only counts samples is gone."""
    layout = value.layout
    if seen is None or layout is None or samples == 1:
        return seen
    if layout.inner != 1 or value.tensor.shape[layout.axis] != samples:
        return seen
    return tuple(
        replace(span, axis=span.axis + 1) if span.axis is not None and span.axis < layout.axis else span
        for span in seen
    )


def _of_input(attribution: Attribution, entry: int) -> tuple[tuple[int, ...], Seen]:
    """Return the height and width of the picture that an input is, and what each of its places sees."""
    one, zero = Fraction(1), Fraction(0)
    shape, axes = attribution.sources[entry].tensor.shape, own_axes(attribution, entry)
    if len(axes) < 2:
        whole = 1, math.prod(shape[axis] for axis in axes)
        return whole, _everything(whole)
    if len(axes) == 2:
        axis = axes[0] if features_last(attribution, entry) else axes[1]
        along = Span(zero, one, one, axis)
        return (1, shape[axis]), tidied((Span(zero, zero, one, None), along), shape)
    rows, columns = axes[-2:]
    spans = Span(zero, one, one, rows), Span(zero, one, one, columns)
    return (shape[rows], shape[columns]), tidied(spans, shape)


def _everything(sizes: Iterable[int]) -> Seen:
    return tuple(Span(Fraction(0), Fraction(0), Fraction(size), None) for size in sizes)
