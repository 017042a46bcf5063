"""What a page asks of an explorer and says to it, and what it is answered: the traits and messages of the stage."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from bbp_widgets.engine import BadInput, Cancelled

from .desk import Desk
from .look import QUESTION, BadState
from .shown import Shown
from .stage import Stage
from .work import Progress, Work, told
from .worker import Worker

__all__ = ["Conversation"]

#: Messages that are answered by one of their own, and its type.
_REPLIES = {"ask": "detail", "upload": "uploaded"}


class Conversation:
    """Listens to the pages in which a stage is shown. Nothing that a page says is met with silence."""

    def __init__(
        self, stage: Stage, shown: Shown, work: Work, desk: Desk, worker: Worker, *,
        follow: Callable[..., None], tell: Callable[[], None],
    ) -> None:  # fmt: skip
        """``follow`` gets the entries of the look that a page changed, ``tell`` is called where others are shown."""
        self._stage, self._shown, self._work, self._desk, self._worker = stage, shown, work, desk, worker
        self._follow, self._tell = follow, tell
        stage.observe(self._on_request, names=["request"])
        stage.observe(self._on_shown, names=["shown"])
        stage.observe(self._on_look, names=["look"])
        stage.observe(lambda change: work.cancel(change["new"]), names=["cancel"])
        stage.on_msg(self._on_message)

    def _on_request(self, change: dict[str, Any]) -> None:
        request = change["new"]
        if not request:
            return
        seq = request.get("seq")
        try:
            if missing := [name for name in QUESTION if name not in request]:
                raise BadState(f"a request has sample, target, versus and lanes; {missing[0]} is missing.")
            self._shown.change({name: request[name] for name in QUESTION})
        except Exception as error:  # whatever a page can ask wrongly is shown in the page
            self._work.fail(error, seq)
            return
        # asked for again, perhaps after a failure: nothing has changed, but an answer is wanted
        self._work.want(seq, wanted=request.get("wanted"))
        self._tell()

    def _on_shown(self, change: dict[str, Any]) -> None:
        """The page went back to a film that it still had."""
        state, shown = change["new"], self._shown
        if not state:
            return
        try:
            with shown.lock:
                lanes = [*shown.look["lanes"]]
                lanes[shown.look["lane"]] = {name: state[name] for name in ("rule", "parameters", "plan")}
                shown.change({**{name: state[name] for name in QUESTION[:-1]}, "lanes": lanes})
        except Exception as error:
            self._work.fail(error, None)
            return
        self._work.want(None, send=False)
        self._tell()

    def _on_look(self, change: dict[str, Any]) -> None:
        look, shown = change["new"], self._shown
        if not look:
            return
        try:
            with shown.lock:
                changed = shown.change(shown.news_of(look, asked=self._work.waits))
        except Exception as error:
            self._work.fail(error, None)
            return
        self._follow(changed, send=False)
        self._tell()

    def _on_message(self, widget: Any, content: Any, buffers: Sequence[Any]) -> None:
        kind = content.get("type") if isinstance(content, dict) else None
        seq = content.get("seq") if isinstance(content, dict) else None
        try:
            if kind == "hello":
                self._greet()
            elif kind == "ask":
                self._ask(seq, content.get("question"))
            elif kind == "upload":
                self._upload(seq, content.get("name"), buffers)
            else:
                raise BadState(f"the page said {kind!r}, which is no message of docs/film.md.")
        except Exception as error:
            if isinstance(kind, str) and kind in _REPLIES:
                self._stage.send({"type": _REPLIES[kind], "seq": seq, "error": told(error)})
            else:
                self._work.fail(error, seq)

    def _greet(self) -> None:
        """A view was opened: it gets what is shown, and is told what that is where its page had not written it yet."""
        with self._shown.lock:
            if self._stage.look and not self._shown.asked_by(self._stage.look):
                self._stage.put = self._shown.put(QUESTION)
            if not self._work.send_all():
                self._stage.send({"type": "here"})

    def _ask(self, seq: Any, question: Any) -> None:
        if not isinstance(question, dict):
            raise BadState(f"a question is a dict, got {question!r}.")

        def job(cancelled: threading.Event) -> None:
            try:
                answer = self._desk.detail(question, Progress(self._work, seq, None, cancelled).at)
            except Cancelled:
                return
            except Exception as error:
                if not cancelled.is_set():
                    self._stage.send({"type": "detail", "seq": seq, "error": told(error)})
            else:
                if not cancelled.is_set():
                    self._stage.send_blob({"type": "detail", "seq": seq}, answer)
            self._work.rest()

        self._worker.submit(job, (question.get("kind"), str(question.get("film"))))

    def _upload(self, seq: Any, name: Any, buffers: Sequence[Any]) -> None:
        if not buffers:
            raise BadInput("an upload has the file's bytes with it, and there are none.")
        words = str(name or "picture").replace("\\", "/").rpartition("/")[2][:200]
        sample = self._desk.samples.add(bytes(buffers[0]), words)
        with self._shown.lock, self._stage.hold_sync():
            self._stage.setup, self._stage.thumbs = self._desk.setup(), self._desk.samples.thumbs()
        self._stage.send({"type": "uploaded", "seq": seq, "sample": sample})
