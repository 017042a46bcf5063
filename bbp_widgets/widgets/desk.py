"""The desk: computes films and details of one network, and keeps what it has computed. It knows of no widget."""

from __future__ import annotations

import inspect
import json
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from torch import nn

from bbp_widgets import engine
from bbp_widgets.engine import Attribution, BadInput, LocalModel, linearize
from bbp_widgets.views import (
    Film,
    canonical,
    channels_answer,
    films_key,
    films_of,
    lines_of,
    parts_answer,
    parts_known,
    positions_of,
    unit_answer,
)

from .controls import Offer
from .films import Recent
from .look import checked_lane, sorted_plan
from .samples import Samples
from .threads import threads_for

__all__ = ["Desk"]

#: Called with (done, of so many); raises ``Cancelled`` where the work is no longer wanted.
Progress = Callable[[int, int], None]


class Stages(Protocol):
    """Gives the callback of one part of the work: "capture", "walk", "film" or "detail"."""

    def __call__(self, stage: str, known: Mapping[str, Any] | None = None) -> Progress:
        """Return it; ``known`` is what can be told already while this part is under way."""
        ...


#: Bytes of films and of details kept; local models and attributions hold every value of a run, so only a few of those.
_FILM_BYTES, _DETAIL_BYTES, _LOCAL_MODELS, _ATTRIBUTIONS = 64 << 20, 16 << 20, 3, 4
#: The engine puts a network into eval mode while it runs: two explorers of one network take turns.
_ENGINE = threading.RLock()


def _quiet(stage: str, known: Mapping[str, Any] | None = None) -> Progress:
    return lambda done, total: None


class Desk:
    """Answers questions about a network and its samples. Any thread may ask; one at a time is computed.

    A question is the ``state`` of a film in `docs/film.md`: sample, target, versus, rule, parameters and plan.
    """

    def __init__(
        self,
        network: nn.Module,
        samples: Samples,
        offer: Offer,
        *,
        classes: Sequence[str] | None = None,
        features: Sequence[str] | None = None,
        linearization: str = "tangent",
        wrt: str | Sequence[str] | None = None,
    ) -> None:
        self.network, self.samples, self.offer = network, samples, offer
        self._classes, self._features = classes, features
        self._linearization, self._wrt = linearization, wrt
        self._films: Recent[Film] = Recent(_FILM_BYTES, lambda film: len(film.body))
        self._details: Recent[bytes] = Recent(_DETAIL_BYTES, len)
        self._locals: Recent[LocalModel] = Recent(_LOCAL_MODELS, lambda _: 1)
        self._attributions: Recent[Attribution] = Recent(_ATTRIBUTIONS, lambda _: 1)
        self._seen: tuple[tuple[int, int, int], ...] | None = None
        self._elements: int | None = None  # of a run, once there was one

    def known(self, state: dict[str, Any]) -> Film | None:
        """Return the film of a question that was answered before, of the network as it is now."""
        self._forget_old()
        return self._films.get(films_key(state))

    def film(
        self, state: dict[str, Any], stages: Stages = _quiet, early: Callable[[Film], None] | None = None
    ) -> Film:
        """Return the film of a question; where it is large, ``early`` is called with its numbers alone first."""
        with self._turn():
            film = self.known(state)
            if film is not None:
                return film
            attribution = self.attribution(state, stages)
            with self._turn():
                for film in self._films_from(attribution, state, stages("film")):
                    if film.part == "numbers" and early is not None:
                        early(film)
            assert film is not None
            return self._films.put(film.key, film)

    def whole_film(self, state: dict[str, Any], stages: Stages = _quiet) -> Film | None:
        """Return a film with the entropies of its shares, which take longer; ``None`` where it had been made before."""
        with self._turn():
            known = self.known(state)
            if known is not None and any(f["triage"]["entropy"] is not None for f in known.header["frames"]):
                return None
            attribution = self.attribution(state, stages)
            *_, film = self._films_from(attribution, state, stages("film"), entropies=True)
            return self._films.put(film.key, film)

    def _films_from(
        self, attribution: Attribution, state: dict[str, Any], progress: Progress, entropies: bool = False
    ) -> Iterator[Film]:
        sample, inner = state["sample"], self._wrt is not None
        if not inner:
            self.samples.lay(lines_of(attribution, self._features))
        return films_of(
            attribution,
            state=state,
            network=type(self.network).__name__,
            classes=self._classes,
            name=self.samples.name(sample),
            label=self.samples.label(sample),
            pictures=() if inner else self.samples.pictures(sample),
            titles=self._titles(attribution),
            features=self._names(attribution),
            entropies=entropies,
            progress=progress,
        )

    def attribution(self, state: dict[str, Any], stages: Stages = _quiet) -> Attribution:
        """Return the attribution of a question."""
        key = films_key(state)
        with self._turn():
            self._forget_old()
            attribution = self._attributions.get(key)
            if attribution is not None:
                return attribution
            local = self._local(state, stages)
            rule = self.offer.rule(state["rule"], state["parameters"])
            plan = {
                pattern: self.offer.rule(entry["rule"], entry["parameters"])
                for pattern, entry in sorted_plan(state["plan"], _ops_of(local)).items()
            }
            with self._turn():
                walk = stages("walk", parts_known(local, 0, self._classes))
                attribution = local.attribute(rule, plan, progress=walk, keep=True)
                return self._attributions.put(key, attribution)

    def detail(self, question: Any, stages: Stages = _quiet) -> bytes:
        """Return the answer to a question about a film, packed for the page.

        Raises: ``BadInput`` for a question that is none, and what the engine raises.
        """
        key = canonical(question)
        self._forget_old()
        known = self._details.get(key)
        if known is None:
            with self._turn():
                known = self._details.put(key, self._answer(question, stages))
        return known

    def options(self) -> dict[str, Any]:
        """Return how the network is linearized, where that is not as usual: the keywords of ``linearize``."""
        given: dict[str, Any] = {} if self._wrt is None else {"wrt": self._wrt}
        return given if self._linearization == "tangent" else {**given, "linearization": self._linearization}

    def setup(self) -> dict[str, Any]:
        """Return what a page is told once: the network, its classes, the samples, and the rules that are offered."""
        notices = []
        if getattr(self.network, "training", False):
            notices.append(
                "The network is in training mode. It is explained in eval mode, and left as it is."
            )
        return {
            "network": type(self.network).__name__,
            "classes": self._classes,
            "samples": self.samples.described(),
            "rules": self.offer.controls(),
            "uploads": self.samples.may_grow,
            "offline": False,
            "notices": notices,
        }

    def _names(self, attribution: Attribution) -> Sequence[str] | None:
        """Return what names the explained values may have: of a module's output only positions are called so."""
        if self._wrt is None or self._features is None:
            return self._features
        return self._features if positions_of(attribution) == len(self._features) else None

    def _titles(self, attribution: Attribution) -> Sequence[str]:
        """Return what several inputs are called: as the modules explained, or as ``forward`` has them."""
        count = len(attribution.sources)
        if count == 1:
            return ()
        if self._wrt is not None:
            return [value.name for value in attribution.sources]
        named = [*inspect.signature(self.network.forward).parameters.values()]
        plain = [p.name for p in named if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        return plain[:count] if len(plain) >= count else [f"input {i + 1}" for i in range(count)]

    def shown_of(self, sample: int, attribution: Attribution) -> dict[str, Any]:
        """Return what a still picture of a sample is drawn with: classes, picture and features."""
        shown = () if self._wrt is not None else self.samples.pictures(sample)
        pictures = [None if picture is None else picture[None] for picture in shown] or None
        return {
            "classes": self._classes,
            "pictures": pictures if pictures is None or self.samples.several else pictures[0],
            "features": self._names(attribution),
            "titles": self._titles(attribution),
        }

    def class_name(self, index: int | None) -> str | None:
        """Return what an output is called, on one line."""
        if index is None or self._classes is None or not 0 <= index < len(self._classes):
            return None
        return " ".join(self._classes[index].split())

    def details(self) -> list[bytes]:
        """Return every answer that is kept."""
        return [answer for _, answer in self._details.entries()]

    def replace(self, sample: int, tensor: Any, picture: Any = None) -> None:
        """Put another input in the place of one, and forget what was computed."""
        with self._turn():
            self.samples.replace(sample, tensor, picture)
            self._forget()

    def clear(self) -> None:
        """Let go of everything that was computed, and of the network."""
        self._forget()
        self.samples.clear()
        self.network = nn.Identity()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Take a turn at the engine, with the threads that are good for this network."""
        with _ENGINE, threads_for(self._elements):
            yield

    def _forget(self) -> None:
        for shelf in (self._films, self._details, self._locals, self._attributions):
            shelf.clear()

    def _forget_old(self) -> None:
        """Forget what was computed of a network that has been trained on, or edited, since."""
        tensors = (*self.network.parameters(), *self.network.buffers())
        found = tuple((id(t), 0 if t.is_inference() else t._version, t.data_ptr()) for t in tensors)
        if found != self._seen:
            if self._seen is not None:
                self._forget()
            self._seen = found

    def _answer(self, question: dict[str, Any], stages: Stages) -> bytes:
        kind = question.get("kind")
        if kind == "parts":
            return self._parts(question, stages("detail"))
        answer = {"unit": unit_answer, "channels": channels_answer}.get(str(kind))
        if answer is None:
            raise BadInput(f"{kind!r} is no question of docs/film.md.")
        for name in ("frame", *(("unit",) if kind == "unit" else ("page",))):
            if name not in question:
                raise BadInput(f"a question of the kind {kind!r} has {name!r}, which is missing.")
        attribution = self.attribution(self._state_of(question.get("film")), stages)
        return answer(attribution, question)

    def _state_of(self, key: Any) -> dict[str, Any]:
        """Return the question that a film answers, from its key.

        Raises: ``BadInput`` where the key is none.
        """
        try:
            state = json.loads(key)
            lane = checked_lane(
                {name: state[name] for name in ("rule", "parameters", "plan")}, self.offer.rule
            )
            state = {**{name: state[name] for name in ("sample", "target", "versus")}, **lane}
        except (ValueError, TypeError, KeyError) as error:
            raise BadInput(f"{key!r} is no key of a film.") from error
        self._check_sample(state["sample"])
        return state

    def _check_sample(self, sample: Any) -> None:
        if not isinstance(sample, int) or not 0 <= sample < len(self.samples):
            raise BadInput(f"sample must be 0 to {len(self.samples) - 1}, got {sample!r}.")

    def _parts(self, question: dict[str, Any], progress: Progress) -> bytes:
        sample = question.get("sample")
        self._check_sample(sample)
        assert isinstance(sample, int)
        if self._wrt is not None or self._linearization != "tangent":
            raise BadInput(
                "what either part says about every class is known of plain tangents at the inputs only."
            )
        progress(0, 1)
        whole = engine.decompose(self.network, self.samples.tensor(sample))
        if whole.output.dim() not in (1, 2):
            raise BadInput(
                f"the network's output is of shape {tuple(whole.output.shape)}: it has no classes."
            )
        progress(1, 1)
        return parts_answer(question, *(part.reshape(-1).tolist() for part in (whole.gradient, whole.bias)))

    def _local(self, state: dict[str, Any], stages: Stages) -> LocalModel:
        sample, target, versus = state["sample"], state["target"], state["versus"]
        key = (sample, target, versus)
        local = self._locals.get(key)
        if local is not None:
            return local
        if versus is not None and target is None:
            target = self._best(sample, stages)
        local = linearize(
            self.network,
            self.samples.tensor(sample),
            target if versus is None else (target, versus),
            wrt=self._wrt,
            linearization=self._linearization,
            progress=stages("capture"),
            keep=True,
        )
        weights = sum(parameter.numel() for parameter in self.network.parameters())
        self._elements = weights + sum(math.prod(node.shape) for node in local.nodes)
        if target is None and local.target is not None:  # the largest, by its own name too
            self._locals.put((sample, int(local.target[0]), None), local)
        return self._locals.put(key, local)

    def _best(self, sample: int, stages: Stages) -> int:
        """Return the largest output of a sample, for a pair whose first half was not chosen."""
        best = self._local({"sample": sample, "target": None, "versus": None}, stages).target
        return int(best[0]) if best is not None else 0


def _ops_of(local: LocalModel) -> set[str]:
    """Return the plain names of a network's ops, as a plan has them: `convolution` of `aten.convolution.default`."""
    return {node.op.rpartition(".")[0].removeprefix("aten.").strip("_") for node in local.nodes}
