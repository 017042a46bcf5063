"""The explorer: step a network backward, watch the bias arrive at the input, switch rules live."""

from __future__ import annotations

import base64
import threading
import uuid
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets
from torch import Tensor

from bbp_widgets.engine import Attribution, BadInput, Rule, rule_names
from bbp_widgets.views import Film

from .controls import Offer
from .conversation import Conversation
from .desk import Desk
from .look import QUESTION, hint, question_of
from .panels import PartsPanel
from .python import python_of
from .samples import Samples
from .save import saved
from .shown import Shown
from .stage import Stage
from .still import Still, small_png
from .traits import LOOKS, LookTraits
from .triage import triage_difference, triage_frame, triage_rows
from .work import FILMS, Work
from .worker import Worker

if TYPE_CHECKING:
    import pandas

__all__ = ["Explorer"]

#: What an explorer is made of; beside it, what it shows at first may be given.
_OPTIONS = (
    "classes", "labels", "pictures", "features", "transform", "rules", "linearization", "wrt", "keep_films",
)  # fmt: skip


class Explorer(LookTraits):
    """Explores one network on some inputs.

    What it shows are traits: set them from Python, link them, or read what was chosen in the browser. ``state`` has all
    of it at once. All work is done in one thread; what is superseded is dropped.
    """

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
        """Show ``network`` at ``inputs``, a tensor with the samples along its first axis, or a tuple of such tensors.

        With ``transform``, which makes the network's input of a PIL picture, ``inputs`` may be pictures, files or
        arrays of bytes, and more can be added in the page. ``classes`` names the outputs, ``labels`` are the true
        classes of the inputs (names or indices), ``pictures`` (N, H, W, 3) are shown in the place of the inputs (of
        several a tuple, with ``None`` for what is shown as it is), ``features`` names the columns of a table, or the
        positions or channels of a signal.

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
                said = hint(name, (*_OPTIONS, *LOOKS))
                raise TypeError(
                    f"Explorer has no option {name!r}{said}. It has: {', '.join((*_OPTIONS, *LOOKS))}."
                )
        offer = Offer(rule_names() if rules is None else rules)
        names = None if classes is None else [str(c) for c in classes]
        samples = Samples(inputs, transform=transform, pictures=pictures, labels=labels, classes=names)
        if linearization not in ("tangent", "gated"):
            raise BadInput(f'linearization must be "tangent" or "gated", got {linearization!r}.')
        self._desk = Desk(
            network, samples, offer, classes=names, features=None if features is None else [str(f) for f in features],
            linearization=linearization, wrt=wrt,
        )  # fmt: skip
        given = {name: traits.pop(name) for name in LOOKS if name in traits}
        given |= {
            name: value
            for name, value in (("state", state), ("target", target), ("plan", plan))
            if value is not None
        }
        shown = Shown(samples, offer)
        self._prepare(shown, self._desk, given)
        for lane in shown.look["lanes"]:
            offer.include(lane["rule"])
        self._parts_shown = False
        self._lines = samples.lines
        self.stage = Stage(
            key=uuid.uuid4().hex,
            setup=self._desk.setup(),
            thumbs=samples.thumbs(),
            put={"seq": 0, "look": shown.copied()},
        )
        self.parts = PartsPanel()
        self._worker = Worker(f"bbp-explorer-{type(network).__name__}", first=FILMS)
        self._work = Work(
            shown, self._desk, self.stage, self._worker,
            keep=keep_films, turned=self._turned, arrived=self._arrived, tell=self._tell,
        )  # fmt: skip
        super().__init__(children=[self.stage], **traits)
        self.still = Still(self.model_id[:12], self._draw_still)
        self.add_class("bbp-explorer").add_class(self.still.live_class)
        self._tell()
        self.observe(self._on_choice, names=list(LOOKS))
        Conversation(
            self.stage, shown, self._work, self._desk, self._worker, follow=self._follow, tell=self._tell
        )
        self.parts.link(self)
        self._work.want(None)

    # -- what a user asks in Python --------------------------------------------------------------------------

    @property
    def attribution(self) -> Attribution:
        """The attribution shown, in the active lane: waits until it is there.

        Raises: what went wrong, as the widget shows it.
        """
        self.wait()
        state = self._shown.active()
        if (failure := self._work.failure_of(state)) is not None:
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
            change = self._shown.checked({"sample": other})
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
        return saved(path, self.stage, self._desk, self._shown.copied(), options)

    def show(
        self, inputs: Tensor | tuple[Tensor, ...], *, sample: int | None = None, picture: Any = None
    ) -> None:
        """Explain another input in the place of one: of the sample that is shown, unless another is named.

        Returns at once. Calls that follow each other quickly are not queued: what is under way is shown when it is
        done, then the newest. ``picture`` (H, W, 3) is shown in the place of the input; of several it is a tuple.

        Raises: ``BadInput`` for an input that is not like the others.
        """
        change = {} if sample is None else {"sample": sample}
        place = self._shown.checked(change)["sample"]
        self._desk.samples.check(inputs)

        def job(cancelled: threading.Event) -> None:
            if cancelled.is_set() or self.comm is None:
                return
            self._desk.replace(place, inputs, picture)
            self.stage.send({"type": "forget", "sample": place})
            self.stage.thumbs = self._desk.samples.thumbs()
            self.set_trait("shown", "")
            self._work.want_again()

        self._worker.submit(job, ("show", place))

    def python(self) -> str:
        """Return the lines of Python that reproduce what is shown, of the explorer's `network` and `inputs`."""
        return python_of(self._shown.copied(), self.film, self._desk)

    @property
    def film(self) -> Film | None:
        """The film shown last, in the active lane."""
        return self._work.film

    @property
    def films(self) -> list[Film | None]:
        """One film a lane; ``None`` where it is still to come."""
        return [self._desk.known(state) for state in self._shown.states()]

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
            self._work.close()
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
        film, samples = self._work.film, len(self._desk.samples)
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
        if self._work.film is not None:
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
            if self._work.film is not None and self.comm is not None:
                self.still.update(self._still_png(), repr(self))

        self.later(job, "still")

    def _still_png(self) -> bytes:
        film = self._work.film
        assert film is not None
        state = film.header["state"]
        attribution = self._desk.attribution(state)
        return small_png(attribution, **self._desk.shown_of(state["sample"], attribution))

    # -- what comes of it ------------------------------------------------------------------------------------

    def _follow(self, changed: set[str], *, send: bool = True) -> None:
        if changed & {*QUESTION}:
            self._work.want(None, send=send)
        elif "lane" in changed:
            self._work.turn_to_active()
        if "panel" in changed:
            self._work.complete()

    def _turned(self, film: Film) -> None:
        self.set_trait("shown", film.key)
        self.still.touch()
        if not self._parts_shown:  # an empty figure is no sight
            self._parts_shown = True
            self.children = (self.stage, self.parts)

    def _arrived(self) -> None:
        samples = self._desk.samples
        if samples.lines != self._lines:
            self._lines, self.stage.thumbs = samples.lines, samples.thumbs()
        self.set_trait("arrivals", self.arrivals + 1)
