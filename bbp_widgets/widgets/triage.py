"""Triage as tables: one row a step, of one attribution or of two side by side."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from bbp_widgets.engine import Attribution
from bbp_widgets.views import triage_table

__all__ = ["triage_difference", "triage_frame", "triage_rows"]

Rows = list[dict[str, Any]]
#: What names a step; everything else is told about it.
_NAMES = ("step", "node", "module", "op")


def triage_rows(attribution: Attribution) -> Rows:
    """Return a row for each step of the ledger, output first."""
    return triage_table(attribution)


def triage_frame(rows: Rows) -> pd.DataFrame:
    """Return a table of the rows, by step."""
    return pd.DataFrame(rows).set_index("step")


def triage_difference(here: Rows, there: Rows) -> pd.DataFrame:
    """Return both tables in one, joined by module and op, and by the how-manieth of its kind a step is.

    What only one of them has is missing in the other's columns. ``_difference`` is other less this.
    """
    left, right = _named(here), _named(there)
    rows = []
    for key in [*left, *(key for key in right if key not in left)]:
        a, b = left.get(key), right.get(key)
        known = a or b or {}
        row = {"step": (a or {}).get("step"), "step_other": (b or {}).get("step")}
        row.update({name: known[name] for name in _NAMES[1:]})
        for name in (name for name in known if name not in _NAMES):
            first, second = (None if side is None else side[name] for side in (a, b))
            row.update({name: first, f"{name}_other": second})
            if isinstance(first, (int, float)) and isinstance(second, (int, float)):
                row[f"{name}_difference"] = second - first
        rows.append(row)
    frame = pd.DataFrame(rows)
    order = {name: place for place, name in enumerate(frame.columns)}
    stems = {name: name.removesuffix("_difference").removesuffix("_other") for name in frame.columns}
    frame = frame[sorted(frame.columns, key=lambda name: (order.get(stems[name], order[name]), order[name]))]
    whole = dict.fromkeys(("step", "step_other"), "Int64")
    return frame.astype(whole).set_index("step")


def _named(rows: Rows) -> dict[tuple[str, str, int], dict[str, Any]]:
    seen: Counter[tuple[str, str]] = Counter()
    named = {}
    for row in rows:
        kind = (row["module"], row["op"])
        named[(*kind, seen[kind])] = row
        seen[kind] += 1
    return named
