"""Answers to what is too large for a film: a unit's equation, more channels, what each part says of every class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from bbp_widgets.engine import Attribution

from .budget import Budget
from .stops import names_of
from .tensors import by_mass, sheets_of, tensor_of
from .wire import Body, canonical, pack

__all__ = ["channels_answer", "largest_unit", "parts_answer", "unit_answer"]

#: Terms of an equation that are told one by one; the rest are summed.
TERMS = 12


def unit_answer(
    attribution: Attribution, question: dict[str, Any], *, sample: int = 0, top: int = TERMS
) -> bytes:
    """Return the equation of one unit: where its mass came from, and what it gives on, the largest terms first.

    ``question`` is ``{"kind": "unit", "film": key, "frame": i, "unit": [...]}`` about a film of this attribution.

    Raises: ``IndexError`` for a frame or a unit that is none.
    """
    frame = _checked(attribution, question["frame"])
    names = _Names(attribution, sample)
    node = names.node[frame]
    index = names.grids[frame - 1].index(question["unit"])
    found = attribution.unit(node, index, sample)
    answer = {
        "node": node,
        "unit": list(question["unit"]),
        "value": found.value,
        "intercept": found.intercept,
        "grad": found.grad,
        "mass": found.mass,
        "arrived": found.arrived,
        "own": found.own,
        "unshared": found.unshared,
        "rule": None if found.rule is None else str(found.rule),
        "formula": None if found.rule is None else found.rule.formula,
        "gives": _gives(found.gives, names, top),
        "comes": _comes(found.comes, names, top),
        "python": f"explorer.attribution.unit({_quoted(node)}, {tuple(index)})",
    }
    return _packed("unit", question, answer, Body())


def channels_answer(attribution: Attribution, question: dict[str, Any], *, sample: int = 0) -> bytes:
    """Return a page of a frame's channels, as a tensor of the contract in full size.

    ``question`` is ``{"kind": "channels", "film": key, "frame": i, "by": "mass" or "index", "page": n}``.

    Raises: ``IndexError`` for a frame or page that is none, or a frame without maps.
    """
    sheet = sheets_of(attribution, sample)[_checked(attribution, question["frame"]) - 1]
    if sheet.grid.kind != "maps":
        raise IndexError(
            f"frame {question['frame']} has no maps: its value has shape {list(sheet.grid.shape)}."
        )
    budget = Budget()
    pages = -(-sheet.grid.channels // budget.shown)
    page = int(question["page"])
    if not 0 <= page < pages:
        raise IndexError(f"no page {page}: there are {pages}, counted from zero.")
    order = (
        by_mass(sheet.weight) if question.get("by", "mass") == "mass" else torch.arange(sheet.grid.channels)
    )
    body = Body()
    shown = order[page * budget.shown : (page + 1) * budget.shown]
    tensor = tensor_of(sheet, budget, body, shown.to(sheet.weight.device))
    return _packed("channels", question, {"pages": pages, "tensor": tensor}, body)


def parts_answer(question: dict[str, Any], gradient: Sequence[float], bias: Sequence[float]) -> bytes:
    """Return what w · x and b of every output are, for the ranking and the dimmer.

    ``question`` is ``{"kind": "parts", "sample": i}``; the parts are those of ``bbp.decompose``, in class order.
    """
    parts = {"gradient": [float(g) for g in gradient], "bias": [float(b) for b in bias]}
    return _packed("parts", question, parts, Body())


def largest_unit(attribution: Attribution, frame: int, *, sample: int = 0) -> list[int]:
    """Return the unit of a frame that holds the most mass, as the screen counts.

    Raises: ``IndexError`` for a frame that is none.
    """
    sheet = sheets_of(attribution, sample)[_checked(attribution, frame) - 1]
    sizes = torch.nan_to_num(sheet.place.mass.abs(), nan=-1.0)
    index = torch.unravel_index(sizes.argmax(), sizes.shape)
    return sheet.grid.unit([int(i) for i in index])


def _packed(kind: str, question: dict[str, Any], answer: dict[str, Any], body: Body) -> bytes:
    return pack({"version": 2, "key": canonical(question), "kind": kind, **answer}, bytes(body))


def _checked(attribution: Attribution, frame: Any) -> int:
    """Return the number of a frame that holds something.

    Raises: ``IndexError``.
    """
    last = len(attribution.ledger) + len(attribution.sources)
    if not isinstance(frame, int) or not 0 < frame <= last:
        raise IndexError(f"no frame {frame!r} with units: 1 to {last}, the output has none.")
    return frame


class _Names:
    """Which frame a value belongs to, what it is called, and how it is drawn."""

    def __init__(self, attribution: Attribution, sample: int) -> None:
        ledger = attribution.ledger
        nodes = [*(step.node for step in ledger), *(value.name for value in attribution.sources)]
        self.node = dict(enumerate(nodes, 1))
        self.frame = {node: frame for frame, node in self.node.items()}
        self.name = {step.node: name for step, name in zip(ledger, names_of(ledger), strict=True)}
        self.grids = [sheet.grid for sheet in sheets_of(attribution, sample)]

    def term(self, name: str, index: Sequence[int]) -> dict[str, Any]:
        """Return where a term is: its frame, the unit as the screen counts, and what to print.

        A second output is drawn nowhere: its unit is told by its own index.
        """
        node = name.partition(":")[0]
        frame = self.frame[node]
        own = [i for i in index if i >= 0]
        if name == self.node[frame]:
            own = self.grids[frame - 1].unit(own)
        return {
            "frame": frame,
            "at": own,
            "name": self.name.get(node, name),
        }


def _gives(gives: Any, names: _Names, top: int) -> dict[str, Any]:
    columns = [
        getattr(gives, name)[:top].tolist() for name in ("weight", "value", "strength", "share", "mass")
    ]
    terms = [
        {
            **names.term(gives.sources[source], index),
            **dict(zip(("weight", "value", "strength", "share", "mass"), numbers, strict=True)),
        }
        for source, index, *numbers in zip(
            gives.source[:top].tolist(), gives.index[:top].tolist(), *columns, strict=True
        )
    ]
    rest_share, rest_mass = (float(a[top:].sum(dtype=torch.double)) for a in (gives.share, gives.mass))
    return {"terms": terms, "count": len(gives), "rest_share": rest_share, "rest_mass": rest_mass}


def _comes(comes: Any, names: _Names, top: int) -> dict[str, Any]:
    columns = [getattr(comes, name)[:top].tolist() for name in ("share", "mass", "contribution")]
    terms = [
        {
            **names.term(comes.sources[source], index),
            **dict(zip(("share", "mass", "part"), numbers, strict=True)),
        }
        for source, index, *numbers in zip(
            comes.source[:top].tolist(), comes.index[:top].tolist(), *columns, strict=True
        )
    ]
    rest = float(comes.contribution[top:].sum(dtype=torch.double))
    return {"terms": terms, "count": len(comes), "rest_part": rest}


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
