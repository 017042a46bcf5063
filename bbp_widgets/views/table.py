"""An attribution as a table of text: the ledger, and what each feature of a row of a table gets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from torch import Tensor

from bbp_widgets.engine import Attribution

from .entries import Entry, entries_of

__all__ = ["still_csv"]


def still_csv(
    attribution: Attribution,
    *,
    sample: int = 0,
    features: Sequence[str] | None = None,
    titles: Sequence[str] = (),
) -> str:
    """Return the ledger of one sample as CSV, a line a step, output first.

    For a row of a table an empty line follows, and then a line for each feature; for an input along a line one for each
    channel at each position. Of several inputs each line begins with what the input is called.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(_ledger(attribution, sample))
    for entry in entries_of(attribution, sample, features, titles=titles):
        if entry.kind != "picture":
            writer.writerow([])
            heads, *rows = _features(entry) if entry.place.value.dim() == 1 else _positions(entry)
            several = [("input",), (entry.title,)] if entry.title else [(), ()]
            writer.writerow((*several[0], *heads))
            writer.writerows((*several[1], *row) for row in rows)
    return text.getvalue()


def _ledger(attribution: Attribution, sample: int) -> Iterator[Sequence[object]]:
    yield (
        "step", "node", "module", "op", "arriving", "added", "unshared", "passed_on", "gradient_part", "bias_part",
        "residual",
    )  # fmt: skip
    for i, step in enumerate(attribution.ledger, 1):
        arriving, added, unshared = (float(a[sample]) for a in (step.mass_in, step.intercept, step.unshared))
        cuts = (float(a[sample]) for a in (step.cut_gradient, step.cut_bias, step.residual))
        passed = arriving + added - unshared
        yield (i, step.node, step.module, step.op, arriving, added, unshared, passed, *cuts)


def _features(entry: Entry) -> Iterator[Sequence[object]]:
    yield "feature", "value", "gradient", "bias", "total"
    columns = [array.tolist() for array in _arrays(entry)]
    yield from zip(entry.names, *columns, strict=True)


def _positions(entry: Entry) -> Iterator[Sequence[object]]:
    yield "channel", "position", "value", "gradient", "bias", "total"
    line = entry.line
    assert line is not None  # two axes are one
    columns = [(array.T if line.last else array).reshape(-1).tolist() for array in _arrays(entry)]
    named = line.names(entry.features)
    channels, positions = named["lanes"], named["names"]
    for i, numbers in enumerate(zip(*columns, strict=True)):
        channel, position = divmod(i, line.length)
        yield (
            channels[channel] if channels else channel,
            positions[position] if positions else position,
            *numbers,
        )


def _arrays(entry: Entry) -> tuple[Tensor, ...]:
    gradient, mass = entry.gradient, entry.place.mass
    return entry.place.value, gradient, mass, gradient + mass
