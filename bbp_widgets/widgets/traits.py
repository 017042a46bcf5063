"""The traits that an explorer's look is read and set by, in Python and in widgets that are linked to it."""

from __future__ import annotations

import copy
import threading
from typing import Any

import ipywidgets
import traitlets

from .desk import Desk
from .look import Look, checked_lane
from .shown import Shown
from .stage import Stage

__all__ = ["LOOKS", "LookTraits"]

#: The traits that say what is shown. What another builds on goes first.
LOOKS = (
    "state", "sample", "target", "versus", "lanes", "lane", "rule", "parameters", "plan", "step", "selection",
)  # fmt: skip


class _Plain(traitlets.TraitType):  # type: ignore[type-arg]
    """Plain data, given out as a copy: changed in place it would change nothing that is shown."""

    def get(self, obj: Any, cls: Any = None) -> Any:
        return copy.deepcopy(super().get(obj, cls))


class _Told(_Plain):
    """Plain data that is meant also where it is what is there already: a page may be elsewhere, and not have told."""

    def set(self, obj: Any, value: Any) -> None:
        super().set(obj, value)
        obj._insist(value)


class LookTraits(ipywidgets.VBox):
    """Keeps the traits and the look alike. Whoever inherits says in ``_follow`` what comes of a change."""

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
    state = _Told(
        {}, help="Everything that is shown, as a small dict (docs/film.md, Look); a part of one may be set."
    )

    stage: Stage
    _shown: Shown
    _desk: Desk

    def _prepare(self, shown: Shown, desk: Desk, given: dict[str, Any]) -> None:
        """Begin with what is given by the names of traits, before there is a widget.

        Raises: as ``checked_look``.
        """
        self._telling = threading.local()
        self._shown, self._desk = shown, desk
        given = dict(given)
        if isinstance(
            given.get("state"), dict
        ):  # a difference is one of the lanes, which may be given beside it
            beside = {name: given.pop(name) for name in ("lanes", "lane") if name in given}
            given["state"] = {**given["state"], **beside}
        for name in LOOKS:
            if name in given:
                shown.change(self._change_of(name, given[name]))

    def _follow(self, changed: set[str], *, send: bool = True) -> None:
        """Do what comes of a change of these entries; without ``send`` the page has the films that are there."""
        raise NotImplementedError

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
        look = self._shown.look
        lane = dict(look["lanes"][look["lane"]])
        lane = {**lane, **({} if rule is None else {"rule": rule}), name: value}
        if name == "rule":  # a parameter that both rules have stays as it is
            takes = self._desk.offer.rule(value).parameters
            lane["parameters"] = {key: kept for key, kept in lane["parameters"].items() if key in takes}
        lanes = [*look["lanes"]]
        lanes[look["lane"]] = lane
        return {"lanes": lanes}

    def _insist(self, state: Any) -> None:
        """Have the page show what was set in Python, wherever a hand went that it has not told of yet."""
        if not hasattr(self, "stage") or self._told() is not None:
            return  # before there is a page, or told by it
        if self._cross_validation_lock:  # several are set together, and none is checked yet
            return
        with self._shown.lock:
            self.stage.put = self._shown.put(name for name in state if name in self._shown.look)

    def _told(self) -> dict[str, Any] | None:
        """Return what the traits are being set to by this thread, because it is shown already."""
        return getattr(self._telling, "values", None)

    def _tell(self) -> None:
        """Set the traits to what is shown, until they are: meanwhile another thread may show something else."""
        shown, outer = self._shown, self._told()  # an observer's own choice is told while another is
        while True:
            with shown.lock:
                version, values = shown.version, self._traits_of(shown.copied())
            self._telling.values = values
            try:
                with self.hold_trait_notifications():
                    for name, value in values.items():
                        self.set_trait(name, value)
            finally:
                self._telling.values = outer
            with shown.lock:
                if version == shown.version:
                    return

    @traitlets.validate(
        "sample", "target", "versus", "lanes", "lane", "step", "selection", "state", "rule", "plan"
    )
    def _valid(self, proposal: dict[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        told = self._told()
        if told is not None and told[name] == value:
            return value
        with self._shown.lock:
            return self._traits_of(self._shown.checked(self._change_of(name, value)))[name]

    @traitlets.validate("parameters")
    def _valid_parameters(self, proposal: dict[str, Any]) -> dict[str, Any]:
        # of the rule as it is now: both may be set at once
        lane = {"rule": self.rule, "parameters": proposal["value"]}
        return dict(checked_lane(lane, self._desk.offer.rule, "lane")["parameters"])

    def _on_choice(self, change: dict[str, Any]) -> None:
        """A trait was set in Python, or in a widget that is linked to it."""
        name, value = change["name"], change["new"]
        told = self._told()
        if told is not None and told[name] == value:
            return
        shown = self._shown
        with shown.lock:
            if self._traits_of(shown.look)[name] == value:
                return
            rule = self.rule if name == "parameters" else None
            changed = shown.change(self._change_of(name, value, rule))
            if changed:
                self.stage.put = shown.put(changed)
        self._follow(changed)
        self._tell()
