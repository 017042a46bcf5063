"""An attribution as a table of text: the ledger, and what each feature of a row of a table gets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from bbp_widgets.engine import Attribution

__all__ = ["still_csv"]


def still_csv(attribution: Attribution, *, sample: int = 0, features: Sequence[str] | None = None) -> str:
    """Return the ledger of one sample as CSV, a line a step, output first.

    For a row of a table an empty line follows, and then a line for each feature.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(_ledger(attribution, sample))
    x = attribution.local.inputs
    if not isinstance(x, tuple) and x[sample].dim() == 1:
        writer.writerow([])
        writer.writerows(_features(attribution, sample, features))
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


def _features(
    attribution: Attribution, sample: int, features: Sequence[str] | None
) -> Iterator[Sequence[object]]:
    yield "feature", "value", "gradient", "bias", "total"
    arrays = (attribution.local.inputs, attribution.gradient, attribution.bias, attribution.total)
    columns = [array[sample].tolist() for array in arrays]  # type: ignore[union-attr]
    for i, numbers in enumerate(zip(*columns, strict=True)):
        yield (str(features[i]) if features is not None else f"x{i}", *numbers)
