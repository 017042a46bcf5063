"""What an explorer shows as a file: a page that steps without a kernel, a still picture, a table."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bbp_widgets.engine import BadInput, BbpError, Rule
from bbp_widgets.views import Film, films_key, largest_unit, pack_reel, still_csv, still_png, still_svg

from .desk import Desk
from .look import Look, checked_lane, hint, question_of
from .offline import OfflineView, offline_page
from .stage import Stage

__all__ = ["KINDS", "kept_films", "questions_of", "saved", "view_of"]

#: What can be written, and the options that each takes.
KINDS: dict[str, tuple[str, ...]] = {
    ".html": ("rules", "samples", "targets", "title"),
    ".png": (),
    ".svg": (),
    ".csv": (),
}
#: Units whose equations a page brings along, for each lane.
_UNITS = 64


def saved(path: str | Path, stage: Stage, desk: Desk, look: Look, options: dict[str, Any]) -> Path:
    """Write the file; return where it is.

    Raises: ``ValueError`` for a kind of file that is none; ``TypeError`` for an option that it does not have.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise ValueError(f"save writes {', '.join(KINDS)}; got {path.name!r}.")
    for name in options:
        if name not in KINDS[kind]:
            said = hint(name, KINDS[kind])
            raise TypeError(
                f"a {kind} file has no option {name!r}{said}. It has: {', '.join(KINDS[kind]) or 'none'}."
            )
    if kind == ".html":
        text = _page(stage, desk, look, **options)
        path.write_text(text, "utf8")
        return path
    shown = desk.attribution(question_of(look, look["lane"]))
    given = desk.shown_of(look["sample"], shown)
    if kind == ".png":
        path.write_bytes(still_png(shown, **given))
    elif kind == ".svg":
        path.write_text(still_svg(shown, **given), "utf8")
    else:
        path.write_text(still_csv(shown, features=given["features"], titles=given["titles"]), "utf8")
    return path


def kept_films(films: Sequence[tuple[int, Film]], details: Sequence[bytes], look: Look) -> bytes:
    """Return films with the lanes that they are in, details and a look as the trait ``kept``."""
    return pack_reel([film.packed(None, lane) for lane, film in films], details, look)


def _page(
    stage: Stage,
    desk: Desk,
    look: Look,
    *,
    rules: Sequence[str | Rule | dict[str, Any]] | None = None,
    samples: Sequence[int] | None = None,
    targets: Sequence[int | None] | None = None,
    title: str | None = None,
) -> str:
    """Return the page of a look with every film that can be reached in it.

    The films of its lanes, and those of ``rules``, all offered ones where none are named, each of them for every one of
    ``samples`` and ``targets``; without these, of what is shown.
    """
    view, words = view_of(stage, desk, [look], questions_of(desk, look, rules, samples, targets), triage=True)
    shown = desk.attribution(question_of(look, look["lane"]))
    name = title or f"{stage.setup['network']}, {time.strftime('%Y-%m-%d')}"
    return offline_page(
        [view], title=name, words=words, picture=still_png(shown, **desk.shown_of(look["sample"], shown))
    )


def view_of(
    stage: Stage,
    desk: Desk,
    looks: Sequence[Look],
    questions: Iterable[dict[str, Any]] = (),
    few: int = 0,
    *,
    triage: bool = False,
) -> tuple[OfflineView, str]:
    """Return the stage of a page that opens at the first of ``looks``, and what it shows then in words.

    It has the films of all looks and of ``questions``, and the equation of the largest unit at each stop; where a stop
    has at most ``few`` units, of all of them. For ``triage`` the films of the looks have the entropies of their shares.
    """
    looks = copy.deepcopy([*looks])
    films: dict[str, tuple[int, Film]] = {}
    details: dict[bytes, None] = {}
    for look in looks:
        for lane in range(len(look["lanes"])):
            state = question_of(look, lane)
            if films_key(state) not in films:
                film = desk.whole_film(state) if triage else None
                films[films_key(state)] = (lane, film or desk.film(state))
                details.update(dict.fromkeys(_units_of(desk, state, look, few)))
            if (unit := look["unit"]) is not None:
                details.update(
                    dict.fromkeys(_answers(desk, [_unit_question(state, unit["frame"], unit["at"])]))
                )
    first = looks[0]
    for state in questions:
        if films_key(state) not in films:
            films[films_key(state)] = (0, desk.film(state))
            if few:
                details.update(dict.fromkeys(_units_of(desk, state, first, few)))
        if (unit := first["unit"]) is not None and state["sample"] == first["sample"]:
            details.update(dict.fromkeys(_answers(desk, [_unit_question(state, unit["frame"], unit["at"])])))
    parts = [
        {"kind": "parts", "sample": sample}
        for sample in sorted({f.header["state"]["sample"] for _, f in films.values()})
    ]
    details.update(dict.fromkeys(_answers(desk, parts)))
    active = films_key(question_of(first, first["lane"]))
    order = [films[active], *(film for key, film in films.items() if key != active)]
    view = OfflineView.of(
        stage,
        "bbp-explorer",
        kept=kept_films(order, list(details), first),
        setup={**stage.setup, "uploads": False, "offline": True},
        put={"seq": 0, "look": first},
        look={},
        request={},
        shown={},
        progress={},
        error={},
        cancel=0,
    )
    shown = desk.attribution(question_of(first, first["lane"]))
    return view, f"{stage.setup['network']}: {order[0][1].header['target']['label']}\n{shown}"


def questions_of(
    desk: Desk,
    look: Look,
    rules: Any = None,
    samples: Sequence[int] | None = None,
    targets: Sequence[int | None] | None = None,
) -> Iterator[dict[str, Any]]:
    """Give every question that a page can ask of what it offers."""
    lanes = [
        checked_lane(_plain(rule), desk.offer.rule) for rule in (desk.offer.names if rules is None else rules)
    ]
    lanes += [lane for lane in look["lanes"] if lane not in lanes]
    for sample in [look["sample"]] if samples is None else samples:
        if not 0 <= sample < len(desk.samples):
            raise BadInput(f"samples must be 0 to {len(desk.samples) - 1}, got {sample}.")
        for target in [look["target"]] if targets is None else targets:
            for lane in lanes:
                yield {"sample": sample, "target": target, "versus": look["versus"], **copy.deepcopy(lane)}


def _plain(rule: Any) -> Any:
    return {"rule": rule.name, "parameters": rule.parameters} if isinstance(rule, Rule) else rule


def _units_of(desk: Desk, state: dict[str, Any], look: Look, few: int = 0) -> list[bytes]:
    """Return the equations of the largest unit at each stop of a film, and of all units of a stop of few."""
    attribution, film = desk.attribution(state), desk.film(state)
    questions = []
    stops = [stop["frame"] for stop in film.header["levels"][look["level"]][1:_UNITS]]
    inputs = range(len(film.header["frames"]), len(film.header["frames"]) + len(film.header["others"]))
    for frame in [*stops, *inputs]:
        tensor = film.frame(frame)["tensor"]
        all_of_them = tensor["kind"] == "vector" and tensor["channels"] <= few
        units = (
            [[i] for i in range(tensor["channels"])] if all_of_them else [largest_unit(attribution, frame)]
        )
        questions += [_unit_question(state, frame, unit) for unit in units]
    return _answers(desk, questions)


def _unit_question(state: dict[str, Any], frame: int, unit: Sequence[int]) -> dict[str, Any]:
    return {"kind": "unit", "film": films_key(state), "frame": frame, "unit": list(unit)}


def _answers(desk: Desk, questions: Sequence[dict[str, Any]]) -> list[bytes]:
    """Return the answers of those questions that have one: a network without a forward derivative has no parts."""
    found = []
    for question in questions:
        try:
            found.append(desk.detail(question))
        except (BbpError, IndexError, KeyError):
            continue
    return found
