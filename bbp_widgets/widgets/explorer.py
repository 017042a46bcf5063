"""The explorer: step a network backward, watch the bias arrive at the input, switch rules live."""

from __future__ import annotations

import base64
import copy
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets
from torch import Tensor

from bbp_widgets.engine import Attribution, BadInput, Cancelled, Rule, rule_names
from bbp_widgets.views import Film, films_key

from .controls import Offer
from .desk import Desk
from .look import QUESTION, BadState, Look, checked_lane, checked_look, fresh_look, hint, question_of
from .panels import PartsPanel
from .python import python_of
from .samples import Samples
from .save import kept_films, saved
from .stage import Stage
from .still import Still, small_png
from .triage import triage_difference, triage_frame, triage_rows
from .worker import Worker

if TYPE_CHECKING:
    import pandas

__all__ = ["Explorer"]

#: Seconds between two progress messages.
_BREATH = 0.05
#: The worker's slot for films; every other is a kind of detail.
_FILMS = "films"


class _Plain(traitlets.TraitType):  # type: ignore[type-arg]
    """Plain data, given out as a copy: changed in place it would change nothing that is shown."""

    def get(self, obj: Any, cls: Any = None) -> Any:
        return copy.deepcopy(super().get(obj, cls))


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


class Explorer(ipywidgets.VBox):
    """Explores one network on some inputs.

    What it shows are traits: set them from Python, link them, or read what was chosen in the browser. ``state`` has all
    of it at once. All work is done in one thread; what is superseded is dropped.
    """

    sample = traitlets.Int(0, help="Which input is explained.")
    target = traitlets.Int(
        None, allow_none=True, help="Index of the output explained; None takes the largest."
    )
    versus = traitlets.Int(None, allow_none=True, help="Explain target rather than this output.")
    rule = traitlets.Unicode("proportional", help="Name of the active lane's sharing rule.")
    parameters = _Plain({}, help="Its parameters; what is left out has its default.")
    plan = _Plain({}, help='Other rules for some of its nodes: {"layer3.*": "uniform"}.')
    lanes = _Plain([], help="One to four rules side by side: {rule, parameters, plan} each.")
    lane = traitlets.Int(0, help="The active lane: the one whose mass, ledger and unit are shown.")
    step = traitlets.Int(0, help="The frame shown: 0 at the output, the last one at the input.")
    selection = _Plain(None, help='The selected unit, {"frame": 12, "at": [79, 16, 12]}, or None.')
    state = _Plain(
        {}, help="Everything that is shown, as a small dict (docs/film.md, Look); a part of one may be set."
    )
    shown = traitlets.Unicode("", help="Key of the film that is shown: changes once another one is there.")
    arrivals = traitlets.Int(0, help="How many films have come, of all lanes.")

    def __init__(
        self,
        network: Any,
        inputs: Any,
        *,
        classes: Sequence[str] | None = None,
        labels: Sequence[Any] | None = None,
        pictures: Any = None,
        features: Sequence[str] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target: int | None = None,
        rules: Sequence[str | Rule] | None = None,
        plan: dict[str, Any] | None = None,
        state: dict[str, Any] | None = None,
        linearization: str = "tangent",
        wrt: str | Sequence[str] | None = None,
        keep_films: bool = False,
        **traits: Any,
    ) -> None:
        """Show ``network`` at ``inputs``, a tensor with the samples along its first axis.

        With ``transform``, which makes the network's input of a PIL picture, ``inputs`` may be pictures, files or
        arrays of bytes, and more can be added in the page. ``classes`` names the outputs, ``labels`` are the true
        classes of the inputs (names or indices), ``pictures`` (N, H, W, 3) are shown in the place of the inputs,
        ``features`` names the columns of a table.

        ``rules`` are offered, all where none are named; ``state`` is what to show at first, as ``explorer.state`` gives
        it. ``linearization`` and ``wrt`` are those of ``bbp.linearize``. ``keep_films`` keeps the films shown in the
        saved notebook, which grows by them.

        Raises: ``BadInput`` and ``UnknownRule`` for what cannot be explained at all, ``TraitError`` for a state that
        cannot be shown. What is wrong with one sample or one target is shown in the widget when it is chosen, and
        raised by ``attribution``.
        """
        known = {name: trait for name, trait in self.traits().items() if not name.startswith("_")}
        for name in traits:
            if name not in known or name in ("shown", "arrivals"):
                said = hint(name, (*_OPTIONS, *_LOOKS))
                raise TypeError(
                    f"Explorer has no option {name!r}{said}. It has: {', '.join((*_OPTIONS, *_LOOKS))}."
                )
        offer = Offer(rule_names() if rules is None else rules)
        names = None if classes is None else [str(c) for c in classes]
        samples = Samples(inputs, transform=transform, pictures=pictures, labels=labels, classes=names)
        if linearization not in ("tangent", "gated"):
            raise BadInput(f'linearization must be "tangent" or "gated", got {linearization!r}.')
        self._classes, self._keep_films = names, keep_films
        self._desk = Desk(
            network, samples, offer, classes=names, features=None if features is None else [str(f) for f in features],
            linearization=linearization, wrt=wrt,
        )  # fmt: skip
        self._lock = threading.RLock()  # held for moments: never while computing, nor while traits are told
        self._telling = threading.local()
        self._look = fresh_look(offer.rule(offer.first))
        given = {name: traits.pop(name) for name in _LOOKS if name in traits}
        if target is not None:
            given["target"] = target
        if plan is not None:
            given["plan"] = plan
        self._version = 0
        if isinstance(state, dict):  # a difference is one of the lanes, which may be given beside it
            state = {**state, **{name: given.pop(name) for name in ("lanes", "lane") if name in given}}
        self._look = self._checked({} if state is None else state)
        for name in (
            "lanes",
            "lane",
            "rule",
            "parameters",
            "plan",
            *given,
        ):  # what another builds on goes first
            if name in given:
                self._look = self._checked(self._change_of(name, given.pop(name)))
        for lane in self._look["lanes"]:
            offer.include(lane["rule"])
        self._asked: _Asked | None = None
        self._settled: Look = self._question()
        self._computing: tuple[str, threading.Event] | None = None
        self._working = False
        self._film: Film | None = None
        self._puts, self._unseen = 0, Look()
        self._parts_shown = False
        self.stage = Stage(
            key=uuid.uuid4().hex,
            setup=self._setup(),
            thumbs=samples.thumbs(),
            put={"seq": 0, "look": copy.deepcopy(self._look)},
        )
        self.parts = PartsPanel()
        self._worker = Worker(f"bbp-explorer-{type(network).__name__}", first=_FILMS)
        super().__init__(children=[self.stage], **traits)
        self.still = Still(self.model_id[:12], self._draw_still)
        self.add_class("bbp-explorer").add_class(self.still.live_class)
        self._tell()
        self.observe(self._on_choice, names=list(_LOOKS))
        self.stage.observe(self._on_request, names=["request"])
        self.stage.observe(self._on_shown, names=["shown"])
        self.stage.observe(self._on_look, names=["look"])
        self.stage.observe(self._on_cancel, names=["cancel"])
        self.stage.on_msg(self._on_message)
        self.parts.link(self)
        self._want(None)

    # -- what a user asks in Python --------------------------------------------------------------------------

    @property
    def attribution(self) -> Attribution:
        """The attribution shown, in the active lane: waits until it is there.

        Raises: what went wrong, as the widget shows it.
        """
        self.wait()
        with self._lock:
            state, asked = question_of(self._look, self._look["lane"]), self._asked
        if asked is not None and (failure := asked.failures.get(films_key(state))) is not None:
            raise failure
        return self._desk.attribution(state)

    def triage(self, other: Explorer | Attribution | int | None = None) -> pandas.DataFrame:
        """Return what may be wrong with each step: residual, unshared, broken numbers, entropy of the shares, and more.

        Against ``other`` (another explorer, an attribution, or another sample of this one) each column comes three
        times: as it is here, ``_other``, and ``_difference``. Two checkpoints, or two inputs, are joined by module and
        op.
        """
        here = triage_rows(self.attribution)
        if other is None:
            return triage_frame(here)
        if isinstance(other, int):
            with self._lock:
                change = self._checked({"sample": other})
            other = self._desk.attribution(question_of(change, change["lane"]))
        there = other.attribution if isinstance(other, Explorer) else other
        if not isinstance(there, Attribution):
            raise TypeError(
                f"other must be an explorer, an attribution or a sample, got {type(other).__name__}."
            )
        return triage_difference(here, triage_rows(there))

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write what is shown to a file, without a browser: `.html`, `.png`, `.svg` or `.csv`. Return its path.

        The page is one file that steps, undoes and switches rules without a kernel and without a network. It has the
        films of all lanes and of ``rules`` (all offered ones where none are named), for every one of ``samples`` and
        ``targets`` (what is shown where none are named), each at its largest units and with a ``title``.

        Raises: what the widget shows where there is nothing to save.
        """
        self.wait()
        _ = self.attribution
        with self._lock:
            look = copy.deepcopy(self._look)
        return saved(path, self.stage, self._desk, look, options)

    def show(self, inputs: Tensor, *, sample: int | None = None, picture: Any = None) -> None:
        """Explain another input in the place of one: of the sample that is shown, unless another is named.

        Returns at once. Calls that follow each other quickly are not queued: what is under way is shown when it is
        done, then the newest. ``picture`` (H, W, 3) is shown in the place of the input.

        Raises: ``BadInput`` for an input that is not like the others.
        """
        with self._lock:
            place = self._look["sample"] if sample is None else self._checked({"sample": sample})["sample"]
        self._desk.samples.check(inputs)

        def job(cancelled: threading.Event) -> None:
            if cancelled.is_set() or self.comm is None:
                return
            self._desk.replace(place, inputs, picture)
            self.stage.send({"type": "forget", "sample": place})
            self.stage.thumbs = self._desk.samples.thumbs()
            with self._lock:
                asked, self._film = self._asked, None
                seq = asked.seq if asked is not None and asked.missing else None
            self.set_trait("shown", "")
            self._want(seq)

        self._worker.submit(job, ("show", place))

    def python(self) -> str:
        """Return the lines of Python that reproduce what is shown, of the explorer's `network` and `inputs`."""
        with self._lock:
            look, desk = copy.deepcopy(self._look), self._desk
        return python_of(look, self._film, desk)

    @property
    def film(self) -> Film | None:
        """The film shown last, in the active lane."""
        return self._film

    @property
    def films(self) -> list[Film | None]:
        """One film a lane; ``None`` where it is still to come."""
        with self._lock:
            states = [question_of(self._look, lane) for lane in range(len(self._look["lanes"]))]
        return [self._desk.known(state) for state in states]

    def later(self, job: Callable[[], None], slot: Hashable) -> None:
        """Do something in the explorer's own thread, after the films; it takes the place of what waits in its slot."""
        self._worker.submit(lambda cancelled: job(), slot)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is being computed; return whether that came in time.

        An observer that runs while a film arrives does not wait for its own end.
        """
        return self._worker.wait(timeout)

    def close(self) -> None:
        """Stop computing and close the widgets."""
        if hasattr(self, "_worker"):  # not where __init__ refused its arguments
            with self._lock:
                self._asked = self._film = None
                if self._computing is not None:
                    self._computing[1].set()
            self._worker.cancel()
            if hasattr(self, "still"):
                self.still.close()
            self._desk.clear()
            self.parts.close()
            self.stage.layout.close()
            self.stage.close()
            self.layout.close()
        super().close()

    def __repr__(self) -> str:
        film, samples = self._film, len(self._desk.samples)
        shown = ""
        if film is not None:
            target, totals = film.header["target"], film.header["totals"]
            rule = self._desk.offer.rule(self.rule, self.parameters)
            shown = (
                f", {film.header['input']['name']}: {target['label']} {totals['value']:.6g} = "
                f"w·x {totals['gradient']:.6g} + b {totals['bias']:.6g}, by {rule}"
            )
        return f"Explorer({type(self._desk.network).__name__}, {samples} input{'s' * (samples != 1)}{shown})"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """Return the widget, a picture and words: a host shows the best of them that it can."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data = dict(bundle[0] if isinstance(bundle, tuple) else bundle or {})
        data["text/plain"] = repr(self)
        if self._film is not None:
            picture = self._still_png()
            data["image/png"] = base64.b64encode(picture).decode("ascii")
        return data

    def _ipython_display_(self) -> None:
        """Show the widget, and a still that a notebook keeps: it is seen where there is no kernel."""
        from IPython import get_ipython
        from IPython.display import display

        if not hasattr(get_ipython(), "kernel"):  # a terminal
            print(self)
            return
        data = super()._repr_mimebundle_()
        data = dict(data[0] if isinstance(data, tuple) else data or {})
        display({**data, "text/plain": repr(self)}, raw=True)
        self.still.display()

    def _draw_still(self) -> None:
        """Draw the still in the explorer's thread, once nothing is computed."""

        def job() -> None:
            if self._film is not None and self.comm is not None:
                self.still.update(self._still_png(), repr(self))

        self.later(job, "still")

    def _still_png(self) -> bytes:
        with self._lock:
            film = self._film
        assert film is not None
        state = film.header["state"]
        return small_png(self._desk.attribution(state), **self._desk.shown_of(state["sample"]))

    # -- the look, and the traits that are parts of it -------------------------------------------------------

    def _checked(self, change: Any) -> Look:
        return checked_look(change, self._look, len(self._desk.samples), self._desk.offer.rule)

    def _question(self) -> Look:
        return copy.deepcopy({name: self._look[name] for name in (*QUESTION, "lane")})

    def _traits_of(self, look: Look) -> dict[str, Any]:
        """Return what the traits are where this is shown."""
        plain = {name: look[name] for name in ("sample", "target", "versus", "lanes", "lane", "step")}
        return {**plain, **look["lanes"][look["lane"]], "selection": look["unit"], "state": look}

    def _change_of(self, name: str, value: Any, rule: str | None = None) -> Look:
        """Return the part of a look that a trait stands for; ``rule`` is whose parameters are meant."""
        if name == "state":
            return dict(value) if isinstance(value, dict) else value
        if name == "selection":
            return {"unit": value}
        if name not in ("rule", "parameters", "plan"):
            return {name: value}
        look = self._look
        lane = dict(look["lanes"][look["lane"]])
        lane = {**lane, **({} if rule is None else {"rule": rule}), name: value}
        if name == "rule":  # a parameter that both rules have stays as it is
            takes = self._desk.offer.rule(value).parameters
            lane["parameters"] = {key: kept for key, kept in lane["parameters"].items() if key in takes}
        lanes = [*look["lanes"]]
        lanes[look["lane"]] = lane
        return {"lanes": lanes}

    def _change(self, change: Look, *, put: bool) -> set[str]:
        """Show something else: return the entries that differ from what was shown.

        Raises: as ``checked_look``, and nothing has changed then.
        """
        with self._lock:
            look = self._checked(change)
            changed = {name for name, value in look.items() if value != self._look[name]}
            if changed:
                self._look = look
                self._version += 1
                if put:
                    self._put({name: look[name] for name in changed})
        return changed

    def _put(self, part: Look) -> None:
        """Ask the page to show something; what no page has told of yet is asked for once more."""
        self._puts += 1
        self._unseen = {**self._unseen, **copy.deepcopy(part)}
        self.stage.put = {"seq": self._puts, "look": self._unseen}

    def _tell(self) -> None:
        """Set the traits to what is shown, until they are: meanwhile another thread may show something else."""
        outer = getattr(self._telling, "values", None)  # an observer's own choice is told while another is
        while True:
            with self._lock:
                version, values = self._version, self._traits_of(copy.deepcopy(self._look))
            self._telling.values = values
            try:
                with self.hold_trait_notifications():
                    for name, value in values.items():
                        self.set_trait(name, value)
            finally:
                self._telling.values = outer
            with self._lock:
                if version == self._version:
                    return

    @traitlets.validate(
        "sample", "target", "versus", "lanes", "lane", "step", "selection", "state", "rule", "plan"
    )
    def _valid(self, proposal: dict[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        told = getattr(self._telling, "values", None)
        if told is not None and told[name] == value:
            return value
        with self._lock:
            return self._traits_of(self._checked(self._change_of(name, value)))[name]

    @traitlets.validate("parameters")
    def _valid_parameters(self, proposal: dict[str, Any]) -> dict[str, Any]:
        # of the rule as it is now: both may be set at once
        lane = {"rule": self.rule, "parameters": proposal["value"]}
        return dict(checked_lane(lane, self._desk.offer.rule, "lane")["parameters"])

    def _on_choice(self, change: dict[str, Any]) -> None:
        """A trait was set in Python, or in a widget that is linked to it."""
        name, value = change["name"], change["new"]
        told = getattr(self._telling, "values", None)
        if told is not None and told[name] == value:
            return
        with self._lock:
            if self._traits_of(self._look)[name] == value:
                return
            rule = self.rule if name == "parameters" else None
            changed = self._change(self._change_of(name, value, rule), put=True)
        if changed & {*QUESTION}:
            self._want(None)
        elif "lane" in changed:
            self._turn_to_active()
        if "panel" in changed:
            self._complete()
        self._tell()

    # -- what the page asks ----------------------------------------------------------------------------------

    def _on_request(self, change: dict[str, Any]) -> None:
        request = change["new"]
        if not request:
            return
        seq = request.get("seq")
        try:
            if missing := [name for name in QUESTION if name not in request]:
                raise BadState(f"a request has sample, target, versus and lanes; {missing[0]} is missing.")
            self._change({name: request[name] for name in QUESTION}, put=False)
        except Exception as error:  # whatever a page can ask wrongly is shown in the page
            self._fail(error, seq, None)
            return
        # asked for again, perhaps after a failure: nothing has changed, but an answer is wanted
        self._want(seq, wanted=request.get("wanted"))
        self._tell()

    def _on_shown(self, change: dict[str, Any]) -> None:
        """The page went back to a film that it still had."""
        state = change["new"]
        if not state:
            return
        try:
            with self._lock:
                lanes = [*self._look["lanes"]]
                lanes[self._look["lane"]] = {name: state[name] for name in ("rule", "parameters", "plan")}
                self._change({**{name: state[name] for name in QUESTION[:-1]}, "lanes": lanes}, put=False)
        except Exception as error:
            self._fail(error, None, None)
            return
        self._want(None, send=False)
        self._tell()

    def _on_look(self, change: dict[str, Any]) -> None:
        look = dict(change["new"])
        if not look:
            return
        try:
            with self._lock:
                changed = self._change(self._news_of(look), put=False)
        except Exception as error:
            self._fail(error, None, None)
            return
        if changed & {*QUESTION}:
            self._want(None, send=False)
        elif "lane" in changed:
            self._turn_to_active()
        if "panel" in changed:
            self._complete()
        self._tell()

    def _news_of(self, look: Look) -> Look:
        """Return what of a look the page knew, and did not write before it had heard of something newer."""
        seen = look.pop("put", self._puts)
        if seen >= self._puts:
            self._unseen = {}
        stale = {*self._unseen}
        if self._asked is not None and self._asked.missing:  # what was asked for is not there yet
            stale |= {*QUESTION}
        return {name: value for name, value in look.items() if name not in stale}

    def _on_cancel(self, change: dict[str, Any]) -> None:
        with self._lock:
            asked = self._asked
            if asked is None or asked.seq not in (None, change["new"]):
                return  # given up by the page before it asked for something else
            asked.missing = []
            if self._computing is not None:
                self._computing[1].set()
            self.stage.progress = {}
            self._go_back()
        self._tell()

    def _go_back(self) -> None:
        """Show what was there last, as the page does when it gives a question up."""
        self._change(self._settled, put=False)
        self._asked = self._asked_for(None)

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
        except Exception as error:  # nothing that a page says is met with silence
            if isinstance(kind, str) and kind in _REPLIES:
                self.stage.send({"type": _REPLIES[kind], "seq": seq, "error": _told(error)})
            else:
                self._fail(error, seq, None)

    def _greet(self) -> None:
        """A view was opened: it gets what is shown."""
        with self._lock:
            asked, sent = self._asked, 0
            for lane, state in enumerate([] if asked is None else asked.states):
                film = self._desk.known(state)
                if film is not None and asked is not None:
                    self._send_film(film, asked.seq, lane)
                    sent += 1
            if not sent:
                self.stage.send({"type": "here"})

    def _ask(self, seq: Any, question: Any) -> None:
        if not isinstance(question, dict):
            raise BadState(f"a question is a dict, got {question!r}.")

        def job(cancelled: threading.Event) -> None:
            try:
                answer = self._desk.detail(question, _Progress(self, seq, None, cancelled).at)
            except Cancelled:
                return
            except Exception as error:
                if not cancelled.is_set():
                    self.stage.send({"type": "detail", "seq": seq, "error": _told(error)})
            else:
                if not cancelled.is_set():
                    self.stage.send({"type": "detail", "seq": seq}, [answer])
            with self._lock:
                if self.stage.progress and not self._working:
                    self.stage.progress = {}

        self._worker.submit(job, (question.get("kind"), str(question.get("film"))))

    def _upload(self, seq: Any, name: Any, buffers: Sequence[Any]) -> None:
        if not buffers:
            raise BadInput("an upload has the file's bytes with it, and there are none.")
        words = str(name or "picture").replace("\\", "/").rpartition("/")[2][:200]
        sample = self._desk.samples.add(bytes(buffers[0]), words)
        with self._lock, self.stage.hold_sync():
            self.stage.setup, self.stage.thumbs = self._setup(), self._desk.samples.thumbs()
        self.stage.send({"type": "uploaded", "seq": seq, "sample": sample})

    # -- the work --------------------------------------------------------------------------------------------

    def _asked_for(self, seq: int | None) -> _Asked:
        lanes = range(len(self._look["lanes"]))
        return _Asked(seq, self._question(), [question_of(self._look, lane) for lane in lanes])

    def _want(self, seq: int | None, *, wanted: Sequence[int] | None = None, send: bool = True) -> None:
        """Have the films of all lanes: those that are there at once, the others as they are done.

        What is being computed goes on if it is still wanted. With ``send=False`` the page has those that are there.
        """
        with self._lock:
            asked = self._asked = self._asked_for(seq)
            for lane, state in enumerate(asked.states):
                if wanted is not None and lane not in wanted:
                    continue
                film = self._desk.known(state)
                if film is None:
                    asked.missing.append(lane)
                elif send:
                    self._send_film(film, seq, lane)
            keys = {films_key(asked.states[lane]) for lane in asked.missing}
            if self._computing is not None and self._computing[0] not in keys:
                self._computing[1].set()
            if self.stage.error:
                self.stage.error = {}
            if not asked.missing:
                self.stage.progress = {}
                self._settled = asked.question
                if self._keep_films:
                    self._keep()
            elif not self._working:
                self._working = True
                self._worker.submit(self._work, _FILMS)
        self._turn_to_active()

    def _work(self, closed: threading.Event) -> None:
        """Compute what is missing, lane by lane, the active one first."""
        while True:
            with self._lock:
                asked = self._asked
                if closed.is_set() or asked is None or not asked.missing:
                    self._computing, self._working = None, False
                    self.stage.progress = {}
                    break
                active = asked.question["lane"]
                lane = active if active in asked.missing else asked.missing[0]
                state, cancelled = asked.states[lane], threading.Event()
                key = films_key(state)
                self._computing = (key, cancelled)
            try:
                film = self._desk.film(state, _Progress(self, asked.seq, key, cancelled).at, self._arrived)
            except Cancelled:
                continue
            except Exception as error:
                self._failed(key, error)
            else:
                self._arrived(film)
        if asked is not None and not closed.is_set():
            self._finished(asked)

    def _arrived(self, film: Film) -> None:
        with self._lock:
            asked = self._asked
            if asked is None:
                return
            for lane in asked.lanes_of(film.key):
                if lane in asked.missing:  # else it was given up meanwhile, and is kept for later
                    self._send_film(film, asked.seq, lane)
                    if film.part == "whole":
                        asked.missing.remove(lane)
        self._turn_to_active()
        if film.part == "whole":
            self.set_trait("arrivals", self.arrivals + 1)

    def _failed(self, key: str, error: BaseException) -> None:
        with self._lock:
            asked = self._asked
            lanes = [] if asked is None else [lane for lane in asked.lanes_of(key) if lane in asked.missing]
            if asked is None or not lanes:
                return
            asked.missing = [lane for lane in asked.missing if lane not in lanes]
            asked.failures[key] = error
            self._fail(error, asked.seq, lanes[0])

    def _finished(self, asked: _Asked) -> None:
        with self._lock:
            if self._asked is not asked:
                return
            if self._keep_films:
                self._keep()
            if not asked.failures:
                self._settled = asked.question
                self._complete()
            elif asked.seq is not None:  # the page goes back to what it has; what Python set stays set
                self._go_back()
        self._tell()

    def _keep(self) -> None:
        """Put the films that are shown where a saved notebook keeps them."""
        films = [(lane, film) for lane, film in enumerate(self.films) if film is not None]
        films.sort(key=lambda entry: entry[0] != self._look["lane"])  # the active one first
        self.stage.kept = kept_films(films, self._desk.details(), self._look)

    def _complete(self) -> None:
        """Where triage is looked at: send the films once more, with what takes longer than a film may."""
        if self._look["panel"] != "triage":
            return

        def job(cancelled: threading.Event) -> None:
            with self._lock:
                asked = self._asked
            for lane, state in enumerate([] if asked is None else asked.states):
                try:
                    film = self._desk.whole_film(state, _Progress(self, None, "", cancelled).at)
                except Cancelled:
                    return
                except Exception as error:
                    # what is wrong with the film itself was told with it
                    if asked is not None and not asked.failures and not cancelled.is_set():
                        self._fail(error, asked.seq, lane)
                    return
                with self._lock:
                    if cancelled.is_set() or self._asked is not asked or asked is None:
                        return
                    if film is not None:
                        self._send_film(film, asked.seq, lane)

        self._worker.submit(job, "triage")

    def _turn_to_active(self) -> None:
        """Have the panels show the film of the active lane, once it is there."""
        with self._lock:
            film = None
            if self._asked is not None:
                film = self._desk.known(question_of(self._look, self._look["lane"]))
            if film is None or film is self._film:
                return
            self._film = film
        self.set_trait("shown", film.key)
        self.still.touch()
        if not self._parts_shown:  # an empty figure is no sight
            self._parts_shown = True
            self.children = (self.stage, self.parts)

    def _send_film(self, film: Film, seq: int | None, lane: int) -> None:
        self.stage.send({"type": "film"}, [film.packed(seq, lane)])

    def _fail(self, error: BaseException, seq: int | None, lane: int | None) -> None:
        with self._lock, self.stage.hold_sync():
            self.stage.progress = {}
            self.stage.error = {"seq": seq, "lane": lane, **_told(error)}

    def _progressed(self, seq: int | None, key: str | None, stage: str, done: int, total: int) -> None:
        """Tell the page how far the work is, in the words of its newest question."""
        with self._lock:
            lane = self._look["lane"]
            if key is not None:
                if self._asked is None or self._computing is None or self._computing[1].is_set():
                    return
                lanes = self._asked.lanes_of(key)
                seq, lane = self._asked.seq, lanes[0] if lanes else lane
            self.stage.progress = {"seq": seq, "lane": lane, "stage": stage, "done": done, "total": total}

    def _setup(self) -> dict[str, Any]:
        network = self._desk.network
        notices = []
        if getattr(network, "training", False):
            notices.append(
                "The network is in training mode. It is explained in eval mode, and left as it is."
            )
        return {
            "network": type(network).__name__,
            "classes": self._classes,
            "samples": self._desk.samples.described(),
            "rules": self._desk.offer.controls(),
            "uploads": self._desk.samples.may_grow,
            "offline": False,
            "notices": notices,
        }


#: What may be given to an explorer: what it is made of, and what it shows at first.
_OPTIONS = (
    "classes", "labels", "pictures", "features", "transform", "rules", "linearization", "wrt", "keep_films",
)  # fmt: skip
_LOOKS = (
    "state", "sample", "target", "versus", "lanes", "lane", "rule", "parameters", "plan", "step", "selection",
)  # fmt: skip
_REPLIES = {"ask": "detail", "upload": "uploaded"}


def _told(error: BaseException) -> dict[str, str]:
    """Return what went wrong, for the page."""
    return {
        "title": type(error).__name__,
        "message": str(error),
        "traceback": "".join(traceback.format_exception(error)),
    }


class _Progress:
    """Passes progress on to the page, not too often, and stops the work once it was cancelled."""

    def __init__(
        self, explorer: Explorer, seq: int | None, key: str | None, cancelled: threading.Event
    ) -> None:
        self._explorer, self._seq, self._key, self._cancelled = explorer, seq, key, cancelled
        self._last = time.monotonic()

    def at(self, name: str) -> Callable[[int, int], None]:
        """Return the callback of one part of the work."""

        def callback(done: int, total: int) -> None:
            if self._cancelled.is_set():
                raise Cancelled(f"cancelled after {done} of {total} nodes.")
            now = time.monotonic()
            if now - self._last > _BREATH:
                self._last = now
                self._explorer._progressed(self._seq, self._key, name, done, total)

        return callback
