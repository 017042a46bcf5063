"""The explorer without a browser: what the page is sent for what is asked, in the page or in Python.

``explorer.stage.set_state({...})`` is what a trait that the page writes does; ``Page.say`` a message of it.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import ipywidgets
import pytest
import torch
import traitlets
from engine.nets import Residual, randomized
from ipywidgets.widgets.widget import _instances
from torch import Tensor, nn
from widgets.pages import CLASSES, EVIL, LONG, Gated, Page, lane, no_workers, pictures, workers

import bbp_widgets as bbp
from bbp_widgets.views import films_key, unpack

Make = Callable[..., bbp.Explorer]
FULL = {"parameters": {"power": 1.0}}
THREE = [lane("uniform"), lane("softmax", temperature=0.5), lane("winner")]


def state(**changes: Any) -> dict[str, Any]:
    return {
        "sample": 0, "target": None, "versus": None, "rule": "proportional", "parameters": {"power": 1.0}, "plan": {},
        **changes,
    }  # fmt: skip


# -- what is there at first --------------------------------------------------------------------------------------


def test_the_first_film_is_sent_to_who_says_hello(make: Make) -> None:
    network = randomized(Residual())
    explorer = make(network, classes=CLASSES, labels=[0, 1, 2, "own"])
    page = Page(explorer)
    page.say({"type": "hello"})
    (first,) = page.films()
    expected = bbp.attribute(network, pictures()[:1])
    assert (first["answers"], first["lane"]) == (None, 0)
    assert first["state"] == state()
    assert first["key"] == films_key(first["state"]) == explorer.shown
    assert first["totals"]["value"] == float(expected.value[0])
    assert first["totals"]["bias"] == float(expected.local.b[0])
    assert first["input"]["name"] == "1 of 4"
    assert first["input"]["label"] == "ant"
    assert first["target"]["label"] == CLASSES[int(network(pictures()).argmax(1)[0])]
    assert explorer.stage.progress == {}
    assert explorer.stage.error == {}
    torch.testing.assert_close(explorer.attribution.bias, expected.bias, rtol=0, atol=0)
    assert explorer.film is not None
    assert explorer.film.key == first["key"]


def test_two_views_get_the_films_each_with_the_numbers_they_had(make: Make) -> None:
    explorer = make()
    page = Page(explorer)
    page.answered(4, lanes=THREE)
    sent = len(page.films())
    for _ in range(2):
        page.say({"type": "hello"})
        assert page.answers()[sent:] == [(4, 0), (4, 1), (4, 2)]
        sent += 3


def test_who_comes_before_the_first_film_is_told_that_the_kernel_lives() -> None:
    network = Gated()
    network.shut()
    explorer = bbp.Explorer(network, pictures())
    page = Page(explorer)
    page.say({"type": "hello"})
    assert page.said == [({"type": "here"}, [])]
    network.gate.set()
    assert explorer.wait(LONG)
    assert page.answers() == [(None, 0)]
    explorer.close()


def test_what_does_not_change_is_told_once(make: Make) -> None:
    explorer = make(classes=CLASSES, labels=[0, 1, 2, "own"], rules=["uniform", "softmax"])
    setup = explorer.stage.setup
    assert setup["network"] == "Residual"
    assert setup["classes"] == CLASSES
    assert setup["samples"] == [
        {"name": f"{i + 1} of 4", "label": label} for i, label in enumerate(["ant", "bee", "cat", "own"])
    ]
    assert [rule["name"] for rule in setup["rules"]] == ["uniform", "softmax"]
    assert setup["notices"] == []
    assert setup["uploads"] is False
    assert explorer.rule == "uniform"
    assert explorer.stage.put == {"seq": 0, "look": explorer.state}
    thumbs, _ = unpack(explorer.stage.thumbs)
    assert len(thumbs["items"]) == 4
    assert None not in thumbs["items"]


def test_all_rules_are_offered_with_their_formulas(make: Make) -> None:
    offered = make().stage.setup["rules"]
    assert [rule["name"] for rule in offered] == list(bbp.rules.names())
    assert all(rule["formula"].startswith("φ") for rule in offered)


def test_a_table_has_names_and_no_pictures(make: Make) -> None:
    network = randomized(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)))
    explorer = make(network, torch.ones(2, 3), features=["a", EVIL, "c"])
    assert explorer.film is not None
    source = explorer.film.header["input"]
    assert (source["kind"], source["names"]) == ("vector", ["a", EVIL, "c"])
    assert unpack(explorer.stage.thumbs)[0]["items"] == [None, None]


def test_labels_without_classes_are_plain_numbers(make: Make) -> None:
    explorer = make(labels=torch.tensor([3, 1, 0, 2]))
    assert [s["label"] for s in explorer.stage.setup["samples"]] == ["3", "1", "0", "2"]


def test_a_network_in_training_mode_is_said_to_be(make: Make) -> None:
    network = randomized(Residual())
    expected = bbp.attribute(network, pictures()[:1])
    network.train()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        explorer = make(network)
    assert len(explorer.stage.setup["notices"]) == 1
    assert "training mode" in explorer.stage.setup["notices"][0]
    assert float(explorer.attribution.value[0]) == float(expected.value[0])
    assert network.training


def test_names_with_html_stay_text(make: Make) -> None:
    explorer = make(classes=CLASSES, target=4)
    assert explorer.film is not None
    assert explorer.film.header["target"]["label"] == EVIL
    assert explorer.stage.setup["classes"][4] == EVIL
    for child in [explorer, *explorer.children]:
        assert not isinstance(child, ipywidgets.HTML)


def test_gated_linearization_and_inner_layers_are_explained(make: Make) -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.act, self.head = nn.Embedding(9, 6), nn.SiLU(), nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.act(self.embed(x)).mean(1))

    network, tokens = randomized(Words()), torch.tensor([[1, 2, 3], [4, 5, 6]])
    explorer = make(network, tokens, wrt="embed", linearization="gated")
    expected = bbp.attribute(network, tokens[:1], wrt="embed", linearization="gated")
    torch.testing.assert_close(explorer.attribution.bias, expected.bias, rtol=0, atol=0)
    assert explorer.film is not None
    assert explorer.film.header["input"]["shape"] == [3, 6]


# -- what the page asks ------------------------------------------------------------------------------------------


def test_a_request_is_answered_by_its_number(make: Make) -> None:
    network = randomized(Residual())
    explorer = make(network)
    page = Page(explorer)
    asked = {"sample": 2, "target": 3, "versus": 1, "rule": "softmax", "parameters": {"temperature": 0.5}}
    shown = page.answered(7, **asked)
    assert shown["answers"] == 7
    parameters = {"temperature": 0.5, "relative": True}
    assert shown["state"] == state(sample=2, target=3, versus=1, rule="softmax", parameters=parameters)
    expected = bbp.attribute(network, pictures()[2:3], (3, 1), bbp.rules.softmax(0.5))
    assert shown["totals"]["value"] == float(expected.value[0])
    assert shown["target"]["versus"] == 1
    assert (explorer.sample, explorer.target, explorer.versus, explorer.rule) == (2, 3, 1, "softmax")
    assert explorer.parameters == parameters
    torch.testing.assert_close(explorer.attribution.bias, expected.bias, rtol=0, atol=0)
    again = page.answered(8, **asked)
    assert again["answers"] == 8
    assert again["key"] == shown["key"]


def test_every_lane_is_answered_and_none_twice_computed(make: Make) -> None:
    network = Gated()
    explorer = make(network)
    page = Page(explorer)
    page.answered(1, lanes=THREE)
    assert page.answers() == [(1, 0), (1, 1), (1, 2)]
    assert [film["state"]["rule"] for film in page.films()] == ["uniform", "softmax", "winner"]
    computed: list[str] = []
    attribution = explorer._desk.attribution
    explorer._desk.attribution = lambda state, *rest: (
        computed.append(state["rule"]),
        attribution(state, *rest),
    )[1]
    page.said.clear()
    page.answered(2, lanes=[THREE[0], lane("softmax", temperature=0.25), THREE[2], lane("aligned")])
    assert computed == ["softmax", "aligned"]
    assert page.answers() == [(2, 0), (2, 2), (2, 1), (2, 3)]  # what is there at once
    assert network.runs == 1


def test_only_the_lanes_that_are_wanted_are_sent(make: Make) -> None:
    page = Page(make())
    page.answered(1, lanes=THREE, wanted=[2])
    assert page.answers() == [(1, 2)]


def test_the_active_lane_is_computed_first(make: Make) -> None:
    explorer = make(lanes=THREE, lane=2)
    page = Page(explorer)
    page.answered(1, lanes=THREE, sample=1)
    assert page.answers() == [(1, 2), (1, 0), (1, 1)]
    assert explorer.lane == 2
    assert explorer.rule == "winner"


def test_two_lanes_alike_are_both_answered(make: Make) -> None:
    page = Page(make())
    page.answered(1, lanes=[THREE[1], THREE[1]])
    assert page.answers() == [(1, 0), (1, 1)]


def test_what_is_under_way_and_still_wanted_goes_on(make: Make) -> None:
    network = Gated()
    page = Page(make(network))
    network.shut()
    page.request(1, sample=1, rule="uniform")
    assert network.entered.wait(LONG)
    page.request(2, sample=1, lanes=[lane("softmax"), lane("uniform")])
    network.gate.set()
    assert page.explorer.wait(LONG)
    assert network.runs == 2  # the first film, and sample 1 once
    assert sorted(page.answers()) == [(2, 0), (2, 1)]


def test_a_request_runs_the_network_once_for_each_target_not_for_each_rule(make: Make) -> None:
    network = Gated()
    page = Page(make(network))
    assert network.runs == 1
    for seq, rule in enumerate(["uniform", "softmax", "proportional", "uniform"]):
        page.answered(seq, rule=rule)
    assert network.runs == 1
    page.answered(9, target=1)
    assert network.runs == 2
    largest = int(network(pictures()[:1]).argmax(1)[0])
    page.answered(10, target=largest, rule="winner")
    assert network.runs == 3  # the line above


def test_versus_alone_is_against_the_largest(make: Make) -> None:
    network = randomized(Residual())
    output = network(pictures()).detach()
    best = int(output.argmax(1)[0])
    other = (best + 1) % 5
    shown = Page(make(network)).answered(1, versus=other)
    assert shown["target"]["index"] == best
    assert shown["totals"]["value"] == pytest.approx(float(output[0, best] - output[0, other]), rel=1e-5)


def test_a_plan_is_carried_out(make: Make) -> None:
    network = randomized(Residual())
    plan = {"head": {"rule": "uniform", "parameters": {}}, "last": lane("softmax", temperature=0.5)}
    explorer = make(network)
    Page(explorer).answered(1, plan=plan)
    expected = bbp.attribute(
        network, pictures()[:1], plan={"head": "uniform", "last": bbp.rules.softmax(0.5)}
    )
    torch.testing.assert_close(explorer.attribution.bias, expected.bias, rtol=0, atol=0)
    assert explorer.plan["last"] == {"rule": "softmax", "parameters": {"temperature": 0.5, "relative": True}}


def test_the_most_exact_entry_of_a_plan_wins_in_whatever_order_it_is_written(make: Make) -> None:
    network = randomized(Residual())
    ops = {step.op for step in bbp.attribute(network, pictures()[:1]).ledger if step.mixes}
    op = sorted(ops & {"convolution", "addmm"})[0]
    plan = {op: lane("uniform"), "first": lane("winner"), "*": lane("softmax"), "head": lane("weights")}
    exact = {"head": "weights", "*": "softmax", "first": "winner", op: "uniform"}
    expected = bbp.attribute(network, pictures()[:1], plan=exact)
    for given in (plan, dict(reversed(plan.items()))):
        explorer = make(network)
        Page(explorer).answered(1, plan=given)
        torch.testing.assert_close(explorer.attribution.bias, expected.bias, rtol=0, atol=0)
        names: dict[str, Any] = {"network": network, "inputs": pictures()}
        exec(explorer.python(), names)
        torch.testing.assert_close(names["result"].bias, expected.bias, rtol=0, atol=0)


def test_only_the_newest_request_is_answered(make: Make) -> None:
    network = Gated()
    page = Page(make(network))
    network.shut()
    page.request(1, sample=1)
    assert network.entered.wait(LONG)
    for seq in range(2, 12):
        page.request(seq, sample=seq % 4, rule="uniform")
    page.request(12, sample=3, rule="softmax")
    network.gate.set()
    assert page.explorer.wait(LONG)
    assert page.answers() == [(12, 0)]
    assert page.films()[-1]["state"]["sample"] == 3
    assert page.stage.progress == {}
    assert no_workers()


def test_python_overtakes_a_request(make: Make) -> None:
    network = Gated()
    page = Page(make(network))
    network.shut()
    page.request(1, sample=1)
    assert network.entered.wait(LONG)
    page.explorer.sample = 2
    network.gate.set()
    assert page.explorer.wait(LONG)
    assert page.answers() == [(None, 0)]
    assert page.films()[-1]["state"]["sample"] == 2
    assert page.stage.put["look"] == {"sample": 2}


def test_cancel_leaves_the_films_that_are_there(make: Make) -> None:
    network = Gated()
    page = Page(make(network))
    page.answered(1, lanes=THREE)
    sent = len(page.said)
    network.shut()
    page.request(5, sample=1, lanes=[lane("aligned")])
    assert network.entered.wait(LONG)
    page.stage.set_state({"cancel": 5})
    network.gate.set()
    assert page.explorer.wait(LONG)
    assert len(page.said) == sent
    assert page.stage.progress == {}
    assert page.stage.error == {}
    assert page.explorer.sample == 0
    assert [one["rule"] for one in page.explorer.lanes] == ["uniform", "softmax", "winner"]
    assert no_workers()
    assert page.answered(6, sample=1)["answers"] == 6


def test_a_cancel_that_comes_too_late_stops_nothing(make: Make) -> None:
    network = Gated()
    page = Page(make(network))
    network.shut()
    page.request(5, sample=1)
    page.request(6, sample=2)
    page.stage.set_state({"cancel": 5})
    network.gate.set()
    assert page.explorer.wait(LONG)
    assert page.answers() == [(6, 0)]


def test_cancel_comes_between_nodes(make: Make) -> None:
    network = randomized(Residual())
    explorer = make(network)
    page = Page(explorer)
    seen: list[dict[str, Any]] = []

    def stop(change: dict[str, Any]) -> None:
        seen.append(change["new"])
        if change["new"].get("stage") == "walk":
            page.stage.set_state({"cancel": 3})

    page.stage.observe(stop, names=["progress"])
    import bbp_widgets.widgets.explorer as module

    breath, module._BREATH = module._BREATH, -1.0
    try:
        page.request(3, sample=1)
        assert explorer.wait(LONG)
    finally:
        module._BREATH = breath
    walked = [told for told in seen if told.get("stage") == "walk"]
    assert len(walked) == 1
    assert walked[0]["done"] < walked[0]["total"]
    assert page.films() == []
    assert page.stage.progress == {}


def test_progress_tells_what_is_done(make: Make) -> None:
    class Slow(Residual):
        def forward(self, x: Tensor) -> Tensor:
            time.sleep(0.1)
            return super().forward(x)

    explorer = make(randomized(Slow()))
    seen: list[dict[str, Any]] = []
    explorer.stage.observe(lambda change: seen.append(change["new"]), names=["progress"])
    Page(explorer).answered(4, sample=1)
    assert (seen[0]["seq"], seen[0]["lane"]) == (4, 0)
    assert seen[0]["stage"] == "capture"
    assert 0 <= seen[0]["done"] <= seen[0]["total"]
    assert seen[-1] == {}


def test_the_page_went_back_to_a_film_it_had(make: Make) -> None:
    explorer = make()
    first = explorer.film
    assert first is not None
    page = Page(explorer)
    page.answered(1, sample=1, rule="uniform")
    sent = len(page.said)
    page.stage.set_state({"shown": {"key": first.key, **first.header["state"]}})
    assert explorer.wait(LONG)
    assert (explorer.sample, explorer.rule) == (0, "proportional")
    assert len(page.said) == sent
    assert explorer.film is first
    assert explorer.shown == first.key


@pytest.mark.parametrize(
    ("changes", "title", "words"),
    [
        ({"target": 99}, "BadTarget", "99 is out of range"),
        ({"sample": 4}, "BadState", "0 to 3"),
        ({"rule": "best"}, "UnknownRule", "best"),
        ({"parameters": {"temperature": 1}}, "UnknownRule", "temperature"),
        ({"rule": "softmax", "parameters": {"temperature": 0}}, "UnknownRule", "temperature"),
        ({"rule": "softmax", "parameters": {"temperature": None}}, "UnknownRule", "temperature"),
        ({"target": "cat"}, "BadState", "target"),
        ({"lanes": []}, "BadState", "1 to 4"),
        ({"lanes": [lane()] * 5}, "BadState", "1 to 4"),
        ({"lanes": "all"}, "BadState", "1 to 4"),
        ({"plan": {"nowhere": {"rule": "uniform", "parameters": {}}}}, "UnknownRule", "nowhere"),
        ({"plan": {"head": {"rule": "best"}}}, "UnknownRule", "best"),
        ({"plan": []}, "BadState", "plan"),
    ],
    ids=str,
)
def test_a_request_that_cannot_be_met_is_told_in_the_page_and_nothing_changes(
    make: Make, changes: dict[str, Any], title: str, words: str
) -> None:
    explorer = make()
    page = Page(explorer)
    before = explorer.state
    for seq in (3, 4):  # each time
        page.request(seq, **changes)
        assert explorer.wait(LONG)
        error = page.stage.error
        assert (error["seq"], error["title"]) == (seq, title)
        assert words in error["message"]
        assert "Traceback" in error["traceback"]
        assert page.films() == []
        assert page.stage.progress == {}
        assert explorer.state == before
    assert explorer.attribution is not None
    assert page.answered(5)["answers"] == 5
    assert page.stage.error == {}


def test_one_lane_that_fails_does_not_take_the_others_with_it(make: Make) -> None:
    explorer = make()
    page = Page(explorer)
    bad = lane("uniform", plan={"nowhere": lane("uniform")})
    page.request(3, lanes=[lane("softmax"), bad, lane("winner")])
    assert explorer.wait(LONG)
    assert page.answers() == [(3, 0), (3, 2)]
    assert (page.stage.error["seq"], page.stage.error["lane"]) == (3, 1)
    assert "nowhere" in page.stage.error["message"]


def test_a_request_without_its_fields_is_told_in_the_page(make: Make) -> None:
    explorer = make()
    explorer.stage.set_state({"request": {"seq": 9}})
    assert explorer.wait(LONG)
    assert explorer.stage.error["seq"] == 9


def test_a_network_that_cannot_be_explained_says_it_in_the_engines_words(make: Make) -> None:
    class Bessel(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.special.i0(x.flatten(1))[:, :3]

    network = Bessel().eval()
    with pytest.raises(bbp.errors.BbpError) as expected:
        bbp.linearize(network, pictures()[:1])
    explorer = make(network)
    assert explorer.stage.error["message"] == str(expected.value)
    assert explorer.stage.error["title"] == type(expected.value).__name__
    assert explorer.stage.error["seq"] is None
    assert explorer.film is None
    assert explorer.shown == ""
    with pytest.raises(type(expected.value)):
        _ = explorer.attribution
    page = Page(explorer)
    page.say({"type": "hello"})
    assert page.said == [({"type": "here"}, [])]


def test_one_bad_picture_among_good_ones(make: Make) -> None:
    x = pictures()
    x[2, 1, 3, 4] = float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        explorer = make(inputs=x)
    page = Page(explorer)
    page.answered(1, sample=1)
    page.request(2, sample=2)
    assert explorer.wait(LONG)
    assert page.stage.error["title"] == "BadInput"
    assert "nan" in page.stage.error["message"]
    assert page.answers() == [(1, 0)]
    assert explorer.sample == 1
    assert page.answered(3, sample=3)["input"]["name"] == "4 of 4"


@pytest.mark.parametrize(
    "content",
    [{"type": "shout"}, {}, "hello", None, {"type": ["hello"]}, {"type": "hello", "seq": {}}],
    ids=str,
)
def test_a_message_that_is_none_is_told(make: Make, content: Any) -> None:
    explorer = make()
    page = Page(explorer)
    page.say(content)
    assert explorer.wait(LONG)
    assert bool(explorer.stage.error) == (content != {"type": "hello", "seq": {}})


# -- the look ----------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"clases": CLASSES}, TypeError, "'clases', perhaps 'classes' is meant"),
        ({"shown": "x"}, TypeError, "shown"),
        ({"labels": [1, 2]}, bbp.errors.BadInput, "4 inputs"),
        ({"rules": []}, bbp.errors.UnknownRule, "at least one"),
        ({"rules": ["best"]}, bbp.errors.UnknownRule, "best"),
        ({"rule": "best"}, bbp.errors.UnknownRule, "best"),
        ({"sample": 4}, traitlets.TraitError, "0 to 3"),
        ({"pictures": torch.zeros(3, 8, 8)}, ValueError, r"\(4, H, W\)"),
        ({"inputs": torch.zeros(8)}, bbp.errors.BadInput, r"image\[None\]"),
        ({"inputs": torch.zeros(0, 3, 8, 8)}, bbp.errors.BadInput, "empty"),
        ({"inputs": [[1.0]]}, bbp.errors.BadInput, "tensor"),
        ({"linearization": "tangential"}, bbp.errors.BadInput, "gated"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else getattr(value, "__name__", None),
)
def test_an_explorer_that_cannot_be_made_says_so_in_the_cell(
    make: Make, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    also: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda raised: also.append(str(raised.exc_value)))
    with pytest.raises(error, match=words):
        make(**options)
    gc.collect()
    assert also == []  # a second message under the cell, from taking down what was half made
    assert no_workers()


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


def test_a_network_that_is_trained_on_is_explained_anew(make: Make) -> None:
    network = randomized(Residual())
    explorer = make(network)
    before = float(explorer.attribution.value[0])
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.1)
    page = Page(explorer)
    shown = page.answered(1)
    expected = bbp.attribute(network, pictures()[:1])
    assert shown["totals"]["value"] == float(expected.value[0]) != before
    torch.testing.assert_close(explorer.attribution.bias, expected.bias, rtol=0, atol=0)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_network_that_overflows_does_not_stop_the_explorer(make: Make, sign: int) -> None:
    network = randomized(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)))
    x = pictures()
    with torch.no_grad():
        x[1] = 1e30
        network[1].weight[0] = sign * 1e10  # type: ignore[union-attr,index,operator]
    page = Page(make(network, x))
    page.request(1, sample=1, target=0)  # plus or minus infinity
    assert page.explorer.wait(LONG / 10), "the worker is gone"
    assert page.stage.error == {}
    assert page.films()[-1]["answers"] == 1
    assert page.films()[-1]["totals"]["value"] is None
    assert page.answered(2, sample=2, target=1)["totals"]["exact"]


# -- the end -----------------------------------------------------------------------------------------------------


def test_closing_stops_the_work() -> None:
    network = Gated()
    network.shut()
    explorer = bbp.Explorer(network, pictures())
    assert network.entered.wait(LONG)
    assert len(workers()) == 1
    explorer.close()
    network.gate.set()
    assert explorer.wait(LONG)
    assert no_workers()
    assert explorer.film is None
    explorer.close()  # twice is no error


def test_a_cell_run_again_leaves_the_first_explorer_usable(make: Make) -> None:
    network = Gated()
    first = make(network)
    second = make(network)
    page = Page(first)
    page.answered(1, sample=3)
    assert second.sample == 0
    assert first.sample == 3
    assert second.attribution is not None


def test_twenty_explorers_come_and_go_without_a_trace() -> None:
    gc.collect()
    widgets = set(_instances)
    left: list[tuple[str, weakref.ref[Any]]] = []
    for i in range(20):
        network = randomized(Residual())
        explorer = bbp.Explorer(network, pictures(), classes=CLASSES)
        assert explorer.wait(LONG)
        page = Page(explorer)
        page.answered(1, sample=i % 4, lanes=[lane("softmax"), lane("uniform")])
        local = explorer.attribution.local
        for name, thing in [
            ("local", local), ("network", network), ("explorer", explorer), ("stage", explorer.stage),
            ("parts", explorer.parts), ("input", explorer._desk.samples.tensor(0)),
        ]:  # fmt: skip
            left.append((name, weakref.ref(thing)))
        explorer.close()
        del network, explorer, local, page, thing
    assert no_workers()
    gc.collect()
    assert [name for name, ref in left if ref()] == []
    assert set(_instances) == widgets
