"""The work of an explorer: the films of all lanes, computed one after another and sent to the page as they are done."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bbp_widgets.engine import Cancelled
from bbp_widgets.views import Film, films_key

from .desk import Desk
from .look import Look
from .save import kept_films
from .shown import Shown
from .stage import Stage
from .worker import Worker

__all__ = ["FILMS", "Progress", "Work", "told"]

#: Seconds between two progress messages.
_BREATH = 0.05
#: The worker's slot for films; every other is a kind of detail.
FILMS = "films"


@dataclass
class _Asked:
    """The films that are looked at, and which of them are still to come."""

    seq: int | None  # the page's number; None where Python asked
    question: Look
    states: list[dict[str, Any]]
    missing: list[int] = field(default_factory=list)
    failures: dict[str, BaseException] = field(default_factory=dict)

    def lanes_of(self, key: str) -> list[int]:
        return [lane for lane, state in enumerate(self.states) if films_key(state) == key]


class Work:
    """Has what is shown computed, newest first, and tells the page what comes of it."""

    def __init__(
        self, shown: Shown, desk: Desk, stage: Stage, worker: Worker, *, keep: bool,
        turned: Callable[[Film], None], arrived: Callable[[], None], tell: Callable[[], None],
    ) -> None:  # fmt: skip
        """``keep`` puts the films that are shown where a saved notebook keeps them.

        ``turned`` gets the film of the active lane where it is another one; ``arrived`` is called for each whole film,
        ``tell`` where something else is shown.
        """
        self._shown, self._desk, self._stage, self._worker = shown, desk, stage, worker
        self._keep_films, self._turned, self._arrival, self._tell = keep, turned, arrived, tell
        self._asked: _Asked | None = None
        self._settled: Look = shown.question()
        self._computing: tuple[str, threading.Event] | None = None
        self._working = False
        self.film: Film | None = None  # of the active lane, once it was there

    # -- what may be asked -----------------------------------------------------------------------------------

    def want(self, seq: int | None, *, wanted: Sequence[int] | None = None, send: bool = True) -> None:
        """Have the films of all lanes: those that are there at once, the others as they are done.

        What is being computed goes on if it is still wanted. With ``send=False`` the page has those that are there.
        """
        with self._shown.lock:
            asked = self._asked = self._asked_for(seq)
            for lane, state in enumerate(asked.states):
                if wanted is not None and lane not in wanted:
                    continue
                film = self._desk.known(state)
                if film is None:
                    asked.missing.append(lane)
                elif send:
                    self._send(film, seq, lane)
            keys = {films_key(asked.states[lane]) for lane in asked.missing}
            if self._computing is not None and self._computing[0] not in keys:
                self._computing[1].set()
            if self._stage.error:
                self._stage.error = {}
            if not asked.missing:
                self._stage.progress = {}
                self._settled = asked.question
                if self._keep_films:
                    self._keep()
            elif not self._working:
                self._working = True
                self._worker.submit(self._run, FILMS)
        self.turn_to_active()

    def want_again(self) -> None:
        """Have the films anew where what they show has changed, by the number of the page's question if it waits."""
        with self._shown.lock:
            asked, self.film = self._asked, None
            seq = asked.seq if asked is not None and asked.missing else None
        self.want(seq)

    @property
    def waits(self) -> bool:
        """Whether a film that was asked for is not there yet."""
        return self._asked is not None and bool(self._asked.missing)

    def cancel(self, seq: int) -> None:
        """Give a question of the page up, and show what was there last, as the page does."""
        with self._shown.lock:
            asked = self._asked
            if asked is None or asked.seq not in (None, seq):
                return  # given up by the page before it asked for something else
            asked.missing = []
            if self._computing is not None:
                self._computing[1].set()
            self._stage.progress = {}
            self._go_back()
        self._tell()

    def send_all(self) -> int:
        """Send the films that are there; return how many."""
        with self._shown.lock:
            asked, sent = self._asked, 0
            for lane, state in enumerate([] if asked is None else asked.states):
                film = self._desk.known(state)
                if film is not None and asked is not None:
                    self._send(film, asked.seq, lane)
                    sent += 1
        return sent

    def turn_to_active(self) -> None:
        """Have the panels show the film of the active lane, once it is there."""
        with self._shown.lock:
            film = None if self._asked is None else self._desk.known(self._shown.active())
            if film is None or film is self.film:
                return
            self.film = film
        self._turned(film)

    def complete(self) -> None:
        """Where triage is looked at: send the films once more, with what takes longer than a film may."""
        if self._shown.look["panel"] == "triage":
            self._worker.submit(self._complete, "triage")

    def failure_of(self, state: dict[str, Any]) -> BaseException | None:
        """Return what went wrong with a film that is looked at."""
        with self._shown.lock:
            return None if self._asked is None else self._asked.failures.get(films_key(state))

    def fail(self, error: BaseException, seq: int | None, lane: int | None = None) -> None:
        """Tell the page what went wrong."""
        with self._shown.lock, self._stage.hold_sync():
            self._stage.progress = {}
            self._stage.error = {"seq": seq, "lane": lane, **told(error)}

    def progressed(
        self,
        seq: int | None,
        key: str | None,
        stage: str,
        done: int,
        total: int,
        known: Mapping[str, Any] | None,
    ) -> None:
        """Tell the page how far the work is, in the words of its newest question; ``key`` is a film's, or none's."""
        with self._shown.lock:
            lane = self._shown.look["lane"]
            if key is not None:
                if self._asked is None or self._computing is None or self._computing[1].is_set():
                    return
                lanes = self._asked.lanes_of(key)
                seq, lane = self._asked.seq, lanes[0] if lanes else lane
            told = {} if known is None else {"known": dict(known)}
            self._stage.progress = {
                "seq": seq, "lane": lane, "stage": stage, "done": done, "total": total, **told
            }  # fmt: skip

    def rest(self) -> None:
        """Say that a detail is done: nothing is under way, unless films are."""
        with self._shown.lock:
            if self._stage.progress and not self._working:
                self._stage.progress = {}

    def close(self) -> None:
        """Stop computing, and let go of what was asked."""
        with self._shown.lock:
            self._asked = self.film = None
            if self._computing is not None:
                self._computing[1].set()

    # -- in the worker's thread ------------------------------------------------------------------------------

    def _run(self, closed: threading.Event) -> None:
        """Compute what is missing, lane by lane, the active one first."""
        while True:
            with self._shown.lock:
                asked = self._asked
                if closed.is_set() or asked is None or not asked.missing:
                    self._computing, self._working = None, False
                    self._stage.progress = {}
                    break
                active = asked.question["lane"]
                lane = active if active in asked.missing else asked.missing[0]
                state, cancelled = asked.states[lane], threading.Event()
                key = films_key(state)
                self._computing = (key, cancelled)
            try:
                film = self._desk.film(
                    state, Progress(self, asked.seq, key, cancelled, closed).at, self._arrived
                )
            except Cancelled:
                continue
            except Exception as error:
                self._failed(key, error)
            else:
                self._arrived(film)
        if asked is not None and not closed.is_set():
            self._finished(asked)

    def _arrived(self, film: Film) -> None:
        with self._shown.lock:
            asked = self._asked
            if asked is None:
                return
            for lane in asked.lanes_of(film.key):
                if lane in asked.missing:  # else it was given up meanwhile, and is kept for later
                    self._send(film, asked.seq, lane)
                    if film.part == "whole":
                        asked.missing.remove(lane)
        self.turn_to_active()
        if film.part == "whole":
            self._arrival()

    def _failed(self, key: str, error: BaseException) -> None:
        with self._shown.lock:
            asked = self._asked
            lanes = [] if asked is None else [lane for lane in asked.lanes_of(key) if lane in asked.missing]
            if asked is None or not lanes:
                return
            asked.missing = [lane for lane in asked.missing if lane not in lanes]
            asked.failures[key] = error
            self.fail(error, asked.seq, lanes[0])

    def _finished(self, asked: _Asked) -> None:
        with self._shown.lock:
            if self._asked is not asked:
                return
            if self._keep_films:
                self._keep()
            if not asked.failures:
                self._settled = asked.question
                self.complete()
            elif asked.seq is not None:  # the page goes back to what it has; what Python set stays set
                self._go_back()
        self._tell()

    def _complete(self, cancelled: threading.Event) -> None:
        with self._shown.lock:
            asked = self._asked
        for lane, state in enumerate([] if asked is None else asked.states):
            try:
                film = self._desk.whole_film(state, Progress(self, None, "", cancelled).at)
            except Cancelled:
                return
            except Exception as error:
                # what is wrong with the film itself was told with it
                if asked is not None and not asked.failures and not cancelled.is_set():
                    self.fail(error, asked.seq, lane)
                return
            with self._shown.lock:
                if cancelled.is_set() or self._asked is not asked or asked is None:
                    return
                if film is not None:
                    self._send(film, asked.seq, lane)

    # -- how it is done --------------------------------------------------------------------------------------

    def _asked_for(self, seq: int | None) -> _Asked:
        return _Asked(seq, self._shown.question(), self._shown.states())

    def _go_back(self) -> None:
        """Show what was there last, as the page does when it gives a question up."""
        self._shown.change(self._settled)
        self._asked = self._asked_for(None)

    def _keep(self) -> None:
        """Put the films that are shown where a saved notebook keeps them."""
        shelf = [self._desk.known(state) for state in self._shown.states()]
        films = [(lane, film) for lane, film in enumerate(shelf) if film is not None]
        films.sort(key=lambda entry: entry[0] != self._shown.look["lane"])  # the active one first
        self._stage.kept = kept_films(films, self._desk.details(), self._shown.look)

    def _send(self, film: Film, seq: int | None, lane: int) -> None:
        self._stage.send_blob({"type": "film"}, film.packed(seq, lane))


class Progress:
    """Passes progress on to the page, not too often, and stops the work once it was cancelled."""

    def __init__(self, work: Work, seq: int | None, key: str | None, *cancelled: threading.Event) -> None:
        """Stop the work once any of ``cancelled`` is set."""
        self._work, self._seq, self._key, self._cancelled = work, seq, key, cancelled
        self._last = time.monotonic()

    def at(self, stage: str, known: Mapping[str, Any] | None = None) -> Callable[[int, int], None]:
        """Return the callback of one part of the work; ``known`` is told with it."""

        def callback(done: int, total: int) -> None:
            if any(event.is_set() for event in self._cancelled):
                raise Cancelled(f"cancelled after {done} of {total} nodes.")
            now = time.monotonic()
            if now - self._last > _BREATH:
                self._last = now
                self._work.progressed(self._seq, self._key, stage, done, total, known)

        return callback


def told(error: BaseException) -> dict[str, str]:
    """Return what went wrong, for the page."""
    return {
        "title": type(error).__name__,
        "message": str(error),
        "traceback": "".join(traceback.format_exception(error)),
    }
