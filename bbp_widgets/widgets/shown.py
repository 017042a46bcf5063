"""What an explorer shows: one look, changed under one lock, and what of it Python asks the page for."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable
from typing import Any

from bbp_widgets.engine import BbpError

from .controls import Offer
from .look import QUESTION, BadState, Look, checked_look, fresh_look, question_of
from .samples import Samples

__all__ = ["Shown"]


class Shown:
    """The look as it is now. Any thread may change it."""

    def __init__(self, samples: Samples, offer: Offer) -> None:
        self.lock = threading.RLock()  # held for moments: never while computing, nor while traits are told
        self.look = fresh_look(offer.rule(offer.first))
        self.version = 0
        self._samples, self._offer = samples, offer
        self._puts, self._unseen = 0, Look()

    def checked(self, change: Any) -> Look:
        """Return the look as it were with a change.

        Raises: as ``checked_look``.
        """
        return checked_look(change, self.look, len(self._samples), self._offer.rule)

    def change(self, change: Any) -> set[str]:
        """Show something else: return the entries that differ from what was shown.

        Raises: as ``checked_look``, and nothing has changed then.
        """
        with self.lock:
            look = self.checked(change)
            changed = {name for name, value in look.items() if value != self.look[name]}
            if changed:
                self.look = look
                self.version += 1
        return changed

    def copied(self) -> Look:
        """Return a copy of the look."""
        with self.lock:
            return copy.deepcopy(self.look)

    def question(self) -> Look:
        """Return what decides which films are computed, and which of them is the active one."""
        with self.lock:
            return copy.deepcopy({name: self.look[name] for name in (*QUESTION, "lane")})

    def states(self) -> list[dict[str, Any]]:
        """Return the question of each lane's film."""
        with self.lock:
            return [question_of(self.look, lane) for lane in range(len(self.look["lanes"]))]

    def active(self) -> dict[str, Any]:
        """Return the question of the active lane's film."""
        with self.lock:
            return question_of(self.look, self.look["lane"])

    def asked_by(self, look: Look) -> bool:
        """Return whether a page that begins with its look as it wrote it would ask for the films that are shown."""
        try:
            with self.lock:
                begun = self.checked({name: look[name] for name in QUESTION if name in look})
                return all(begun[name] == self.look[name] for name in QUESTION)
        except (BadState, BbpError):  # of a sample or a rule that is not there any more
            return False

    def put(self, names: Iterable[str]) -> dict[str, Any]:
        """Return what asks the page to show these entries as they are; what it has not told of yet is in it again."""
        self._puts += 1
        self._unseen = {**self._unseen, **copy.deepcopy({name: self.look[name] for name in names})}
        return {"seq": self._puts, "look": self._unseen}

    def news_of(self, look: Look, *, asked: bool) -> Look:
        """Return what of a page's look it knew, and did not write before it had heard of something newer.

        With ``asked`` the films that the page asked for are not there yet, and it still tells of the ones before.
        """
        look = dict(look)
        seen = look.pop("put", self._puts)
        if seen >= self._puts:
            self._unseen = {}
        stale = {*self._unseen, *(QUESTION if asked else ())}
        return {name: value for name, value in look.items() if name not in stale}
