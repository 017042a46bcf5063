"""The explorer without a browser: what it shows, told by the page or set in Python.

``explorer.stage.set_state({...})`` is what a trait that the page writes does; ``Page.say`` a message of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import traitlets
from engine.nets import Residual, randomized
from widgets.pages import LONG, THREE, Gated, Page, lane, pictures

import bbp_widgets as bbp

Make = Callable[..., bbp.Explorer]


def test_what_the_page_shows_can_be_read(make: Make) -> None:
    explorer = make()
    page = Page(explorer)
    look = {
        **explorer.state,
        "step": 5,
        "grain": 4,
        "unit": {"frame": 5, "at": [1, 2, 3]},
        "panel": "flow",
        "put": 0,
    }
    page.stage.set_state({"look": look})
    assert explorer.state == {name: value for name, value in look.items() if name != "put"}
    assert explorer.step == 5
    assert explorer.selection == {"frame": 5, "at": [1, 2, 3]}
    assert page.said == []
    assert explorer.stage.put["seq"] == 0


def test_state_is_a_copy(make: Make) -> None:
    explorer = make()
    explorer.state["step"] = 9
    explorer.lanes[0]["rule"] = "winner"
    assert (explorer.state["step"], explorer.step, explorer.lanes[0]["rule"]) == (0, 0, "proportional")


def test_a_state_is_set_as_it_was_read(make: Make) -> None:
    explorer = make()
    page = Page(explorer)
    page.answered(1, sample=2, lanes=THREE)
    page.stage.set_state({"look": {**explorer.state, "lane": 1, "step": 4, "scale": "shared", "put": 0}})
    saved = explorer.state
    again = make(state=saved)
    assert again.state == saved
    assert (again.sample, again.rule, again.step, again.lane) == (2, "softmax", 4, 1)
    assert again.stage.put == {"seq": 0, "look": saved}
    explorer.state = {"sample": 0, "lanes": ["uniform"]}
    assert explorer.wait(LONG)
    assert (explorer.lane, explorer.rule, explorer.step) == (0, "uniform", 4)
    explorer.state = saved
    assert explorer.wait(LONG)
    assert explorer.state == saved
    assert explorer.attribution.rule == bbp.rules.softmax(0.5)
    assert page.answers()[-3:] == [(None, 0), (None, 1), (None, 2)]


def test_a_state_goes_with_the_lanes_given_beside_it(make: Make) -> None:
    explorer = make(lanes=["uniform", "winner"], lane=1, state={"difference": 0, "scale": "shared"})
    assert (explorer.state["difference"], explorer.lane, explorer.rule) == (0, 1, "winner")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stepp": 3}, "'stepp', perhaps 'step'"), ({"step": -1}, "step must be zero or more"),
        ({"step": 1.5}, "whole number"), ({"step": True}, "whole number"), ({"scale": "shard"}, "perhaps 'shared'"),
        ({"grain": 3}, "1, 4, 8, 16"), ({"overlay": 2}, "0 to 1"), ({"overlay": float("nan")}, "overlay"),
        ({"lanes": [{"rule": "softmax", "param": {}}]}, r"lanes\[0\] has no entry 'param', perhaps 'parameters'"),
        ({"plan": {}}, r"state has no entry 'plan': it belongs to one of the lanes"),
        ({"lanes": [{}]}, r"lanes\[0\] must be like"), ({"lane": 1}, "lane must be 0 to 0"),
        ({"unit": 3}, "unit must be"), ({"stops": 3}, "stops must be"),
        ({"unit": {"frame": 1, "at": "x"}}, "unit.at must be a list"), ({"open": ["a", 1]}, "open must be names"),
        ({"difference": 1}, "difference must be 0 to 0"), ([], "must be a dict"), ({"dim": "x"}, "dim must be"),
        ({"lanes": [lane(plan={"a": lane(plan={"b": lane()})})]}, "no plan of its own"),
    ],
    ids=str,
)  # fmt: skip
def test_a_state_that_cannot_be_shown_says_why(make: Make, change: Any, words: str) -> None:
    explorer = make()
    before = explorer.state
    with pytest.raises(traitlets.TraitError, match=words):
        explorer.state = change
    assert explorer.state == before
    page = Page(explorer)
    if isinstance(change, dict):
        page.stage.set_state({"look": {**before, **change, "put": 0}})
        assert page.stage.error["title"] == "BadState"
    with pytest.raises(traitlets.TraitError, match=words):
        bbp.Explorer(randomized(Residual()), pictures(), state=change)


def test_a_look_written_before_the_page_heard_of_python_does_not_undo_it(make: Make) -> None:
    explorer = make()
    page = Page(explorer)
    before = explorer.state
    explorer.step = 3
    explorer.rule = "uniform"
    assert page.stage.put == {"seq": 2, "look": {"step": 3, "lanes": explorer.lanes}}
    page.stage.set_state({"look": {**before, "grain": 8, "put": 0}})
    assert (explorer.step, explorer.rule, explorer.state["grain"]) == (3, "uniform", 8)
    page.stage.set_state({"look": {**explorer.state, "step": 1, "put": 2}})
    assert explorer.step == 1
    explorer.step = 2
    assert page.stage.put == {"seq": 3, "look": {"step": 2}}


def test_a_state_that_is_set_is_meant_wherever_the_page_went_without_telling(make: Make) -> None:
    explorer = make()
    page = Page(explorer)
    before = explorer.state
    explorer.state = {
        "grain": before["grain"]
    }  # as Python knows it: but the page is at 16, and about to say so
    assert page.stage.put == {"seq": 1, "look": {"grain": before["grain"]}}
    page.stage.set_state({"look": {**before, "grain": 16, "step": 2, "put": 0}})
    assert (explorer.state["grain"], explorer.step) == (before["grain"], 2)
    explorer.state = before
    assert page.stage.put["look"] == before
    page.stage.set_state({"look": {**before, "step": 3, "put": page.stage.put["seq"]}})
    assert page.stage.put["look"] == before  # what the page tells is not told back


def test_a_look_told_while_a_request_is_under_way_leaves_the_question_alone(make: Make) -> None:
    network = Gated()
    page = Page(make(network))
    before = page.explorer.state
    network.shut()
    page.request(1, sample=2)
    page.stage.set_state({"look": {**before, "step": 2, "put": 0}})
    assert (page.explorer.sample, page.explorer.step) == (2, 2)
    network.gate.set()
    assert page.explorer.wait(LONG)
    assert page.answers() == [(1, 0)]
    assert page.explorer.film is not None
    assert page.explorer.film.header["state"]["sample"] == 2


# -- what is set in Python ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trait", "value", "shown"),
    [
        ("sample", 3, 3), ("sample", -1, 3), ("target", 2, 2), ("versus", 1, 1), ("rule", "uniform", "uniform"),
        ("parameters", {"power": 2.0}, {"power": 2.0}), ("parameters", {"power": 2}, {"power": 2.0}),
        ("plan", {"head": "uniform"}, {"head": {"rule": "uniform", "parameters": {}}}),
        ("plan", {"head": bbp.rules.weights(2.0)}, {"head": {"rule": "weights", "parameters": {"power": 2.0}}}),
    ],
    ids=str,
)  # fmt: skip
def test_what_python_sets_is_shown(make: Make, trait: str, value: Any, shown: Any) -> None:
    explorer = make()
    page = Page(explorer)
    setattr(explorer, trait, value)
    assert explorer.wait(LONG)
    assert page.answers() == [(None, 0)]
    assert page.films()[-1]["state"][trait] == shown
    assert getattr(explorer, trait) == shown
    assert explorer.stage.put["seq"] == 1


def test_lanes_and_the_traits_of_the_active_one_are_one_thing(make: Make) -> None:
    explorer = make()
    page = Page(explorer)
    explorer.lanes = ["uniform", {"rule": "softmax"}, lane("winner")]
    assert explorer.wait(LONG)
    assert page.answers() == [(None, 0), (None, 1), (None, 2)]
    keys = [explorer.shown]
    explorer.lane = 1
    assert (explorer.rule, explorer.parameters) == ("softmax", {"temperature": 1.0, "relative": True})
    keys.append(explorer.shown)
    explorer.parameters = {"temperature": 3.0}
    assert explorer.wait(LONG)
    assert explorer.lanes[1]["parameters"] == {"temperature": 3.0, "relative": True}
    assert explorer.lanes[0]["rule"] == "uniform"
    keys.append(explorer.shown)
    assert len(set(keys)) == 3
    assert explorer.attribution.rule == bbp.rules.softmax(3.0)
    explorer.lanes = ["uniform"]
    assert (explorer.lane, explorer.rule) == (0, "uniform")


def test_another_rule_keeps_only_the_parameters_that_it_has(make: Make) -> None:
    explorer = make(rule="softmax", parameters={"temperature": 0.2, "relative": False})
    assert explorer.parameters == {"temperature": 0.2, "relative": False}
    page = Page(explorer)
    explorer.rule = "proportional"
    assert explorer.wait(LONG)
    assert explorer.parameters == {"power": 1.0}
    assert page.films()[-1]["state"]["parameters"] == {"power": 1.0}
    assert page.answers() == [(None, 0)]
    explorer.parameters = {"power": 3.0}
    explorer.rule = "weights"
    assert explorer.parameters == {"power": 3.0}
    explorer.rule = "softmax"
    assert explorer.wait(LONG)
    assert explorer.parameters == {"temperature": 1.0, "relative": True}


@pytest.mark.parametrize("first", ["rule", "parameters"])
def test_rule_and_parameters_are_set_together(make: Make, first: str) -> None:
    explorer = make()
    values = {"rule": "softmax", "parameters": {"temperature": 2.0}}
    with explorer.hold_trait_notifications():
        for name in sorted(values, key=lambda name: name != first):
            setattr(explorer, name, values[name])
    assert explorer.wait(LONG)
    assert explorer.attribution.rule == bbp.rules.softmax(2.0)


@pytest.mark.parametrize(
    ("trait", "value", "error"),
    [
        ("sample", 4, traitlets.TraitError), ("sample", -5, traitlets.TraitError),
        ("sample", "two", traitlets.TraitError), ("rule", "best", bbp.errors.UnknownRule),
        ("parameters", {"temperature": 1.0}, bbp.errors.UnknownRule),
        ("parameters", {"power": -1.0}, bbp.errors.UnknownRule), ("lane", 1, traitlets.TraitError),
        ("lanes", [], traitlets.TraitError), ("lanes", ["best"], bbp.errors.UnknownRule),
        ("plan", {"head": "best"}, bbp.errors.UnknownRule), ("step", -1, traitlets.TraitError),
        ("selection", "x", traitlets.TraitError), ("plan", 3, traitlets.TraitError),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_is_raised_in_the_cell_and_changes_nothing(
    make: Make, trait: str, value: Any, error: type[Exception]
) -> None:
    explorer = make()
    page, before = Page(explorer), getattr(explorer, trait)
    with pytest.raises(error):
        setattr(explorer, trait, value)
    assert explorer.wait(LONG)
    assert getattr(explorer, trait) == before
    assert page.said == []
    assert explorer.stage.error == {}
    assert explorer.stage.put["seq"] == 0


def test_a_step_and_a_unit_are_asked_for_and_told(make: Make) -> None:
    explorer = make()
    explorer.step = 3
    explorer.selection = {"frame": 3, "at": (1, 0, 0)}
    unit = {"frame": 3, "at": [1, 0, 0]}
    assert explorer.stage.put == {"seq": 2, "look": {"step": 3, "unit": unit}}
    assert explorer.selection == unit
    explorer.stage.set_state({"look": {**explorer.state, "step": 5, "put": 2}})
    assert explorer.step == 5
    assert explorer.stage.put["seq"] == 2


def test_a_rule_of_ones_own_is_offered_and_used(make: Make) -> None:
    rule = bbp.rules.softmax(temperature=0.3)
    explorer = make(rules=[rule, "uniform"])
    assert (explorer.rule, explorer.parameters["temperature"]) == ("softmax", 0.3)
    assert explorer.attribution.rule == rule
    assert explorer.stage.setup["rules"][0]["parameters"][0]["default"] == 0.3


def test_traits_are_linked(make: Make) -> None:
    first, second = make(), make()
    link = traitlets.link((first, "state"), (second, "state"))
    first.step, first.rule = 4, "winner"
    assert second.wait(LONG)
    assert (second.step, second.rule) == (4, "winner")
    second.sample = 2
    assert first.wait(LONG)
    assert first.film is not None
    assert first.film.header["state"]["sample"] == 2
    assert first.state == second.state
    link.unlink()


def test_an_observer_may_choose_something_else_and_read_the_attribution(make: Make) -> None:
    explorer = make()
    seen: list[float] = []

    def follow(change: dict[str, Any]) -> None:
        explorer.rule = "uniform" if explorer.sample % 2 else "winner"

    explorer.observe(follow, names=["sample"])
    explorer.observe(lambda change: seen.append(float(explorer.attribution.value[0])), names=["shown"])
    page = Page(explorer)
    page.request(1, sample=1)
    assert explorer.wait(LONG)
    assert explorer.rule == "uniform"
    explorer.sample = 2
    assert explorer.wait(LONG)
    assert explorer.rule == "winner"
    assert len(seen) >= 2


def test_many_threads_at_once_leave_one_answer(make: Make) -> None:
    explorer = make()
    page = Page(explorer)
    failed: list[BaseException] = []

    def choose(number: int) -> None:
        try:
            for i in range(12):
                if number == 0:
                    page.request(100 + i, sample=i % 4, lanes=[lane("uniform"), lane("softmax")])
                elif number == 1:
                    explorer.sample = i % 3
                else:
                    page.stage.set_state({"look": {**explorer.state, "step": i, "put": 0}})
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=choose, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert explorer.wait(LONG)
    assert failed == []
    assert explorer.sample == explorer.state["sample"]
    assert explorer.rule == explorer.state["lanes"][explorer.lane]["rule"]
    assert float(explorer.attribution.residual.abs().max()) < 1e-4
    assert page.stage.progress == {}
