"""A film: everything the browser needs to step through one attribution, in one block of bytes.

One frame per step with its numbers and its display tiles. Stepping, playing and scrubbing then ask nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bbp_widgets.engine import Attribution

from .budget import Budget, budget_of
from .entries import Array, entries_of
from .fields import sights_of
from .flows import flows_of
from .frames import frames_of_inputs, numbers_of_frames, tolerance_of
from .sources import scores_of, target_label
from .stops import levels_of, stops_as_json
from .tensors import PENDING, Sheet, sheets_of, tensor_of
from .triage import entropy_of, figures_of
from .wire import Body, canonical, pack

__all__ = ["Film", "film_of", "films_key", "films_of"]

#: Bytes that a film keeps to.
FILM_BYTES = 5_000_000
#: A film with more bytes of tiles than this is sent without them first.
LARGE = 1_000_000


@dataclass(frozen=True)
class Film:
    """A film and what it was made of."""

    header: dict[str, Any] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def key(self) -> str:
        """The name of the question that it answers."""
        return str(self.header["key"])

    @property
    def part(self) -> str:
        """``"whole"``, or ``"numbers"`` where the tiles are still to come."""
        return str(self.header["part"])

    def frame(self, number: int) -> dict[str, Any]:
        """Return a frame by its number: those of other inputs are counted on after that of the first."""
        frames = self.header["frames"]
        later = number - len(frames)
        return dict(frames[number] if later < 0 else self.header["others"][later]["frame"])

    def packed(self, answers: int | None = None, lane: int = 0) -> bytes:
        """Return the film for the page; ``answers`` is the request that asked for it, ``lane`` which lane of it."""
        return pack({**self.header, "answers": answers, "lane": lane}, self.body)


def films_key(state: dict[str, Any]) -> str:
    """Return the name of a film: what was asked, in a form that is the same for the same question."""
    return canonical(state)


def film_of(attribution: Attribution, **options: Any) -> Film:
    """Return the whole film of one sample of an attribution: the last of ``films_of``, with the same options."""
    *_, film = films_of(attribution, **options, large=None)
    return film


def films_of(
    attribution: Attribution,
    *,
    state: dict[str, Any],
    sample: int = 0,
    network: str = "",
    classes: Sequence[str] | None = None,
    name: str = "",
    label: str | None = None,
    pictures: Sequence[Array | None] = (),
    titles: Sequence[str] = (),
    features: Sequence[str] | None = None,
    entropies: bool = False,
    progress: Callable[[int, int], None] | None = None,
    large: int | None = LARGE,
) -> Iterator[Film]:
    """Make the film of one sample of an attribution: first its numbers alone where the tiles are many, then the whole.

    ``state`` is the question that it answers, ``pictures`` (H, W, 3) bytes to show for each input, ``titles`` what they
    are called where they are several, ``features`` the names of a table's columns, ``entropies`` whether those of the
    shares are computed. ``progress`` is called with (frames done, frames in all). A film whose tiles take more than
    ``large`` bytes comes twice; with ``None`` only the whole.
    """
    body = Body()
    totals = _totals(attribution, sample)
    entries = entries_of(attribution, sample, features, pictures, titles)
    first, *others = entries
    header = {
        "version": 2,
        "key": films_key(state),
        "answers": None,
        "lane": 0,
        "part": "whole",
        "state": state,
        "network": network,
        "precision": str(attribution.value.dtype).removeprefix("torch."),
        "target": _target(attribution, sample, classes),
        "scores": scores_of(attribution, sample),
        "input": first.described(name, label, body),
        "pictures": first.pictures(body),
        "others": [
            {"input": other.described(name, label, body), "pictures": other.pictures(body)}
            for other in others
        ],
        "totals": totals,
        "frames": [],
        "levels": stops_as_json(levels_of(attribution.ledger)),
        "flows": flows_of(attribution, sample),
    }
    frames = numbers_of_frames(attribution, sample, totals["tolerance"])
    frames += frames_of_inputs(attribution, frames[-1], [entry.title for entry in entries])
    sheets = sheets_of(attribution, sample)
    sights = sights_of(attribution, [sheet.grid for sheet in sheets])
    if others:
        frames[0]["sees"] = []
    for i, (frame, sheet, seen) in enumerate(zip(frames[1:], sheets, sights, strict=True)):
        frame["shape"], frame["grid"] = list(sheet.grid.shape), sheet.grid.described
        frame["field"] = None if seen[0] is None else seen[0].field
        if others:
            frame["sees"] = [None if one is None else one.described for one in seen]
        frame["triage"].update(figures_of(sheet))
        if entropies and i < len(attribution.ledger):
            frame["triage"]["entropy"] = entropy_of(attribution, i, sample)
    budget = budget_of([sheet.grid for sheet in sheets], FILM_BYTES - len(bytes(body)))
    if large is not None and sum(budget.bytes_of(sheet.grid) for sheet in sheets) > large:
        pending = [frames[0], *({**frame, "tensor": PENDING} for frame in frames[1:])]
        yield Film({**header, "part": "numbers", **_apart(header, pending)}, bytes(body))
    drawn = _with_tensors(frames, sheets, budget, body, progress)
    yield Film({**header, **_apart(header, drawn)}, bytes(body))


def _apart(header: dict[str, Any], frames: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the frames of the walk, which end at the first input, and each of the others with its input."""
    others = header["others"]
    end = len(frames) - len(others)
    return {
        "frames": frames[:end],
        "others": [{**other, "frame": frame} for other, frame in zip(others, frames[end:], strict=True)],
    }


def _target(attribution: Attribution, sample: int, classes: Sequence[str] | None) -> dict[str, Any]:
    index = attribution.local.target
    chosen = [] if index is None else index[sample].reshape(-1).tolist()
    return {
        "index": chosen[0] if chosen else None,
        "label": target_label(attribution.local, sample, classes),
        "value": float(attribution.value[sample]),
        "versus": chosen[1] if len(chosen) > 1 else None,
    }


def _totals(attribution: Attribution, sample: int) -> dict[str, Any]:
    value, b = float(attribution.value[sample]), float(attribution.local.b[sample])
    residual, tolerance = float(attribution.residual[sample]), tolerance_of(attribution, sample)
    return {
        "value": value,
        "gradient": value - b,
        "bias": b,
        "unshared": float(attribution.unshared[sample]),
        "residual": residual,
        "tolerance": tolerance,
        "exact": abs(residual) <= tolerance,
    }


def _with_tensors(
    frames: list[dict[str, Any]],
    sheets: list[Sheet],
    budget: Budget,
    body: Body,
    progress: Callable[[int, int], None] | None,
) -> list[dict[str, Any]]:
    drawn = [frames[0]]
    for i, (frame, sheet) in enumerate(zip(frames[1:], sheets, strict=True)):
        if progress is not None:
            progress(i, len(sheets))
        drawn.append({**frame, "tensor": tensor_of(sheet, budget, body)})
    if progress is not None:
        progress(len(sheets), len(sheets))
    return drawn
