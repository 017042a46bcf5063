"""The explorer without a browser: what the page asks, and what it is sent for it.

``explorer.stage.set_state({...})`` is what a trait that the page writes does; ``Page.say`` a message of it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from engine.nets import Residual, randomized
from torch import Tensor, nn
from widgets.pages import LONG, THREE, Gated, Page, lane, no_workers, pictures, state

import bbp_widgets as bbp

Make = Callable[..., bbp.Explorer]


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
    import bbp_widgets.widgets.work as module

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


def test_what_a_walk_starts_from_is_told_before_there_is_a_film(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bbp_widgets.widgets.work._BREATH", 0)
    explorer = make(classes=["cat", "dog"])
    seen: list[dict[str, Any]] = []
    explorer.stage.observe(lambda change: seen.append(change["new"]), names=["progress"])
    Page(explorer).answered(4, sample=1, target=1)
    told = [progress["known"] for progress in seen if progress.get("stage") == "walk"]
    assert told
    film = explorer.film
    assert film is not None
    totals, value = film.header["totals"], film.header["target"]["value"]
    for known in told:
        assert known["target"] == "dog"
        assert known["value"] == pytest.approx(value, rel=1e-6)
        assert known["gradient"] + known["bias"] == pytest.approx(known["value"], rel=1e-6)
        assert known["bias"] == pytest.approx(totals["bias"], rel=1e-4)
    assert all("known" not in progress for progress in seen if progress.get("stage") != "walk")


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
