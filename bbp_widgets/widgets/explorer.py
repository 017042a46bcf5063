"""The explorer: step a network backward, watch the bias arrive at the input, switch rules live."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import traitlets

from bbp_widgets.engine import Attribution, BadInput, Cancelled, LocalModel, Rule, as_rule, linearize
from bbp_widgets.views import Film, as_pictures, film_of, films_key, pack_thumbnails

from .controls import rule_controls
from .films import Recent
from .parts import PartsPanel
from .stage import Stage
from .worker import Worker

__all__ = ["Explorer"]

#: Bytes of films kept; local models hold every value of a run, so only a few of those.
_FILM_BYTES, _LOCAL_MODELS = 64 << 20, 3
#: Seconds between two progress messages.
_BREATH = 0.05


class Explorer(ipywidgets.VBox):
    """Explores one network on some inputs.

    ``sample``, ``target``, ``versus``, ``rule``, ``parameters`` and ``step`` are traits: set them from Python, or read
    what was chosen in the browser. All work is done in one thread; what is superseded is dropped.
    """

    sample = traitlets.Int(0, help="Which input is explained.")
    target = traitlets.Int(
        None, allow_none=True, help="Index of the output explained; None takes the largest."
    )
    versus = traitlets.Int(None, allow_none=True, help="Explain target rather than this output.")
    rule = traitlets.Unicode("proportional", help="Name of the sharing rule.")
    parameters = traitlets.Dict(help="The rule's parameters; what is missing has its default.")
    step = traitlets.Int(0, help="The frame shown: 0 at the output, the last one at the input.")

    def __init__(
        self,
        network: Any,
        inputs: Any,
        *,
        classes: Sequence[str] | None = None,
        labels: Sequence[Any] | None = None,
        pictures: Any = None,
        features: Sequence[str] | None = None,
        target: int | None = None,
        rules: Sequence[str] = ("uniform", "proportional", "softmax"),
        **traits: Any,
    ) -> None:
        """Show ``network`` at ``inputs``, a tensor with the samples along its first axis.

        ``classes`` names the outputs, ``labels`` are the true classes of the inputs (names or indices), ``pictures``
        (N, H, W, 3) are shown in the place of the inputs, ``features`` names the columns of a table.

        Raises: ``BadInput`` and ``UnknownRule`` for what cannot be explained at all. What is wrong with one sample or
        one target is shown in the widget when it is chosen, and raised by ``attribution``.
        """
        unknown = set(traits) - {*self.trait_names()}
        if unknown:
            raise TypeError(
                f"Explorer has no option {sorted(unknown)[0]!r}. It has: classes, labels, pictures, features, target, "
                "rules, sample, versus, rule, parameters."
            )
        rules_offered = rule_controls(tuple(rules))
        if not hasattr(inputs, "detach") or inputs.dim() < 2:
            raise BadInput("inputs must be a tensor with the samples along its first axis, e.g. image[None].")
        self._network, self._inputs = network, inputs.detach()
        self._classes = None if classes is None else [str(c) for c in classes]
        self._labels = _labels(labels, self._classes, len(inputs))
        self._features = None if features is None else [str(f) for f in features]
        self._pictures = as_pictures(self._inputs.float().cpu().numpy(), pictures)
        self._worker = Worker(f"bbp-explorer-{type(network).__name__}")
        self._films: Recent[Film] = Recent(_FILM_BYTES, lambda film: len(film.body))
        self._locals: Recent[LocalModel] = Recent(_LOCAL_MODELS, lambda _: 1)
        self._failure: BaseException | None = None
        self._shown: Film | None = None
        self._adopting = False
        self._parts_shown = False
        self._kept: tuple[str, Attribution] | None = (
            None  # the attribution asked for last, with its film's key
        )
        self._jumps = 0
        traits.setdefault("rule", "proportional" if "proportional" in rules else rules[0])
        self.stage = Stage(
            setup=self._setup(rules_offered), thumbs=pack_thumbnails(self._pictures, len(inputs))
        )
        self.parts = PartsPanel(self._go_to)
        super().__init__(children=[self.stage], target=target, **traits)
        self.add_class("bbp-explorer")
        self.observe(self._on_choice, names=["sample", "target", "versus", "rule", "parameters"])
        self.observe(self._on_step, names=["step"])
        self.stage.observe(self._on_request, names=["request"])
        self.stage.observe(self._on_shown, names=["shown"])
        self.stage.observe(self._on_page_step, names=["step"])
        self.stage.observe(self._on_cancel, names=["cancel"])
        self._compute(None)

    # -- what a user asks in Python --------------------------------------------------------------------------

    @property
    def attribution(self) -> Attribution:
        """The attribution shown: waits until it is there.

        Raises: what went wrong, as the widget shows it.
        """
        self.wait()
        if self._failure is not None:
            raise self._failure
        state = self._state()
        key = films_key(state)
        if self._kept is None or self._kept[0] != key:
            self._kept = (key, self._attribution(state, None, None))
        return self._kept[1]

    @property
    def film(self) -> Film | None:
        """The film shown last."""
        return self._shown

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is being computed; return whether that came in time."""
        return self._worker.wait(timeout)

    def close(self) -> None:
        """Stop computing and close the widgets."""
        if hasattr(self, "_worker"):  # not where __init__ refused its arguments
            self._worker.cancel()
            self._films.clear()
            self._locals.clear()
            self._kept = None
            self.stage.close()
            self.parts.close()
        super().close()

    @traitlets.validate("sample")
    def _valid_sample(self, proposal: dict[str, Any]) -> int:
        sample, count = proposal["value"], len(self._inputs)
        if not -count <= sample < count:
            raise traitlets.TraitError(f"sample must be 0 to {count - 1}, got {sample}.")
        return int(sample % count)

    @traitlets.validate("rule")
    def _valid_rule(self, proposal: dict[str, Any]) -> str:
        return str(as_rule(proposal["value"]).name)

    @traitlets.validate("parameters")
    def _valid_parameters(self, proposal: dict[str, Any]) -> dict[str, Any]:
        as_rule(self.rule, **proposal["value"])
        return dict(proposal["value"])

    # -- what the page asks ----------------------------------------------------------------------------------

    def _on_request(self, change: dict[str, Any]) -> None:
        request = change["new"]
        if not request:
            return
        seq = request.get("seq")
        try:
            self._adopt(request)
        except Exception as error:  # whatever a page can ask wrongly is shown in the page
            self._show_failure(error, seq)
            return
        # asked for again, perhaps after a failure: nothing has changed, but an answer is wanted
        self._compute(seq)

    def _adopt(self, state: dict[str, Any]) -> None:
        """Take over what was chosen in the page, without computing for each trait."""
        names = ("sample", "target", "versus", "rule", "parameters")
        before = {name: getattr(self, name) for name in names}
        self._adopting = True
        try:
            self._set_together({name: state[name] for name in names})
        except Exception:
            self._set_together(before)  # traitlets itself undoes only what a TraitError stopped
            raise
        finally:
            self._adopting = False

    def _set_together(self, values: dict[str, Any]) -> None:
        with self.hold_trait_notifications():
            for name, value in values.items():
                setattr(self, name, value)

    def _on_shown(self, change: dict[str, Any]) -> None:
        """The page went back to a film that it still had."""
        state = change["new"]
        if not state:
            return
        self._adopt(state)
        film = self._films.get(state["key"])
        if film is None:
            self._compute(None)
        else:
            self._failure, self._shown = None, film
            self._show_parts(film)

    def _on_choice(self, change: dict[str, Any]) -> None:
        if self._adopting:
            return  # who adopts decides what is computed
        if change["name"] == "rule" and (kept := self._fitting_parameters()) != self.parameters:
            self.parameters = kept  # which computes
        else:
            self._compute(None)

    def _fitting_parameters(self) -> dict[str, Any]:
        known = as_rule(self.rule).parameters
        return {name: value for name, value in self.parameters.items() if name in known}

    def _on_cancel(self, change: dict[str, Any]) -> None:
        self._worker.cancel()
        self.stage.progress = {}
        if self._shown is not None:  # the page, too, goes back to what it shows
            self._adopt(self._shown.header["state"])

    def _on_page_step(self, change: dict[str, Any]) -> None:
        self.set_trait("step", change["new"])

    def _on_step(self, change: dict[str, Any]) -> None:
        self.parts.show_step(change["new"])
        if change["new"] != self.stage.step:
            self._jumps += 1
            self.stage.jump = {"seq": self._jumps, "step": change["new"]}

    def _go_to(self, step: int) -> None:
        self.step = step

    # -- the work --------------------------------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        return {
            "sample": self.sample,
            "target": self.target,
            "versus": self.versus,
            "rule": self.rule,
            "parameters": as_rule(self.rule, **self.parameters).parameters,
        }

    def _compute(self, answers: int | None) -> None:
        state = self._state()

        def job(cancelled: threading.Event) -> None:
            try:
                film = self._film(state, answers, cancelled)
            except Cancelled:
                self.stage.progress = {}  # a message may have slipped out after the page was told
                return
            except Exception as error:
                if not cancelled.is_set():
                    self._show_failure(error, answers)
                return
            if not cancelled.is_set():
                self._show(film, answers)

        self._worker.submit(job)

    def _film(self, state: dict[str, Any], answers: int | None, cancelled: threading.Event) -> Film:
        progress = _Progress(self.stage, answers, cancelled)
        key = films_key(state)
        film = self._films.get(key)
        if film is not None:
            return film
        sample = state["sample"]
        attribution = self._attribution(state, progress, cancelled)
        film = film_of(
            attribution,
            state=state,
            network=type(self._network).__name__,
            classes=self._classes,
            name=f"{sample + 1} of {len(self._inputs)}",
            label=self._labels[sample],
            picture=None if self._pictures is None else self._pictures[sample],
            features=self._features,
            progress=progress.at("film"),
        )
        return self._films.put(key, film)

    def _attribution(
        self, state: dict[str, Any], progress: _Progress | None, cancelled: threading.Event | None
    ) -> Attribution:
        sample, target, versus = state["sample"], state["target"], state["versus"]
        key = (sample, target, versus)
        local = self._locals.get(key)
        if local is None:
            asked = target if versus is None else (self._best(sample) if target is None else target, versus)
            local = linearize(
                self._network,
                self._inputs[sample : sample + 1],
                asked,
                progress=None if progress is None else progress.at("capture"),
            )
            self._locals.put(key, local)
        rule: Rule = as_rule(state["rule"], **state["parameters"])
        return local.attribute(rule, progress=None if progress is None else progress.at("walk"))

    def _best(self, sample: int) -> int:
        """Return the largest output of a sample, for a pair whose first half was not chosen."""
        best = linearize(self._network, self._inputs[sample : sample + 1]).target
        return int(best[0]) if best is not None else 0

    def _show(self, film: Film, answers: int | None) -> None:
        self._failure, self._shown = None, film
        with self.stage.hold_sync():
            self.stage.error, self.stage.progress, self.stage.film = {}, {}, film.packed(answers)
        self._show_parts(film)

    def _show_parts(self, film: Film) -> None:
        self.parts.show_frames(film.header["frames"])
        self.parts.show_step(self.step)
        if not self._parts_shown:  # an empty figure is no sight
            self._parts_shown = True
            self.children = (self.stage, self.parts)

    def _show_failure(self, error: BaseException, answers: int | None) -> None:
        self._failure = error
        with self.stage.hold_sync():
            self.stage.progress = {}
            self.stage.error = {
                "seq": answers,
                "title": type(error).__name__,
                "message": str(error),
                "traceback": "".join(traceback.format_exception(error)),
            }

    def _setup(self, rules: list[dict[str, Any]]) -> dict[str, Any]:
        count = len(self._inputs)
        notices = []
        if getattr(self._network, "training", False):
            notices.append(
                "The network is in training mode. It is explained in eval mode, and left as it is."
            )
        return {
            "network": type(self._network).__name__,
            "classes": self._classes,
            "samples": [{"name": f"{i + 1} of {count}", "label": self._labels[i]} for i in range(count)],
            "rules": rules,
            "notices": notices,
        }


class _Progress:
    """Passes progress on to the page, not too often, and stops the work once it was cancelled."""

    def __init__(self, stage: Stage, seq: int | None, cancelled: threading.Event) -> None:
        self._stage, self._seq, self._cancelled = stage, seq, cancelled
        self._last = time.monotonic()

    def at(self, name: str) -> Callable[[int, int], None]:
        """Return the callback of one part of the work."""

        def callback(done: int, total: int) -> None:
            if self._cancelled.is_set():
                raise Cancelled(f"cancelled after {done} of {total} nodes.")
            now = time.monotonic()
            if now - self._last > _BREATH:
                self._last = now
                self._stage.progress = {"seq": self._seq, "stage": name, "done": done, "total": total}

        return callback


def _labels(labels: Sequence[Any] | None, classes: Sequence[str] | None, count: int) -> list[str | None]:
    """Return what each input is, in words.

    Raises: ``BadInput`` where the labels do not fit the inputs or the classes.
    """
    if labels is None:
        return [None] * count
    if len(labels) != count:
        raise BadInput(f"labels must have one entry for each of the {count} inputs, got {len(labels)}.")
    words: list[str | None] = []
    for i, label in enumerate(labels):
        plain = label.item() if hasattr(label, "item") else label
        if plain is None or isinstance(plain, str) or classes is None:
            words.append(None if plain is None else str(plain))
        elif isinstance(plain, int) and 0 <= plain < len(classes):
            words.append(classes[plain])
        else:
            raise BadInput(f"labels[{i}] must be a name, None or 0 to {len(classes) - 1}, got {plain!r}.")
    return words
