"""The explorer without a browser: what the page is sent for what is asked, in the page or in Python.

``explorer.stage.set_state({...})`` is what a message of the page does.
"""

from __future__ import annotations

import gc
import itertools
import re
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import bqplot
import ipywidgets
import pytest
import torch
import traitlets
from engine.nets import Residual, randomized
from torch import Tensor, nn

import bbp_widgets as bbp
from bbp_widgets.views import films_key, unpack

LONG = 30.0
EVIL = "<img src=x onerror=alert(1)>"
CLASSES = ["ant", "bee", "cat", "dog", EVIL]


def pictures(samples: int = 4) -> Tensor:
    return torch.randn(samples, 3, 8, 8, generator=torch.Generator().manual_seed(5))


class Gated(nn.Module):
    """Runs when its gate is open, and tells when it has come to it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = randomized(Residual())
        self.gate, self.entered = threading.Event(), threading.Event()
        self.gate.set()
        self.count = itertools.count()  # no attribute of ours: what a run writes there is undone
        self.eval()

    @property
    def runs(self) -> int:
        return int(re.findall(r"\d+", repr(self.count))[0])

    def forward(self, x: Tensor) -> Tensor:
        next(self.count)
        self.entered.set()
        assert self.gate.wait(LONG)
        return self.inner(x)

    def shut(self) -> None:
        self.entered.clear()
        self.gate.clear()


Make = Callable[..., bbp.Explorer]


@pytest.fixture
def make() -> Iterator[Make]:
    """Make explorers that are closed at the end, their first film there."""
    made: list[bbp.Explorer] = []

    def explorer(
        network: nn.Module | None = None, inputs: Tensor | None = None, **options: Any
    ) -> bbp.Explorer:
        network = randomized(Residual()) if network is None else network
        made.append(bbp.Explorer(network, pictures() if inputs is None else inputs, **options))
        assert made[-1].wait(LONG)
        return made[-1]

    yield explorer
    for explorer_made in made:
        explorer_made.close()
        explorer_made.wait(LONG)


def header(explorer: bbp.Explorer) -> dict[str, Any]:
    """Return the header of the film that the page has."""
    return unpack(explorer.stage.film)[0]


def state(**changes: Any) -> dict[str, Any]:
    return {
        "sample": 0, "target": None, "versus": None, "rule": "proportional", "parameters": {}, **changes,
    }  # fmt: skip


def ask(explorer: bbp.Explorer, seq: int, **changes: Any) -> None:
    explorer.stage.set_state({"request": {"seq": seq, **state(**changes)}})


def answered(explorer: bbp.Explorer, seq: int, **changes: Any) -> dict[str, Any]:
    """Ask as the page does, and return the header of the film that came."""
    ask(explorer, seq, **changes)
    assert explorer.wait(LONG)
    assert explorer.stage.error == {}
    return header(explorer)


def films_sent(explorer: bbp.Explorer) -> list[int | None]:
    """Return a list that grows by the number that each film answers."""
    seen: list[int | None] = []
    explorer.stage.observe(lambda change: seen.append(unpack(change["new"])[0]["answers"]), names=["film"])
    return seen


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("bbp-explorer")]


def no_workers() -> bool:
    end = time.monotonic() + LONG
    while workers() and time.monotonic() < end:
        time.sleep(0.001)
    return not workers()


# -- what is there at first --------------------------------------------------------------------------------------


def test_the_first_film_arrives(make: Make) -> None:
    network = randomized(Residual())
    explorer = make(network, classes=CLASSES, labels=[0, 1, 2, "own"])
    first = header(explorer)
    expected = bbp.attribute(network, pictures()[:1])
    assert first["answers"] is None
    assert first["state"] == {**state(), "parameters": {"power": 1.0}}
    assert first["key"] == films_key(first["state"])
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
    assert explorer.rule == "uniform"
    thumbs, _ = unpack(explorer.stage.thumbs)
    assert len(thumbs["items"]) == 4
    assert None not in thumbs["items"]


def test_a_table_has_names_and_no_pictures(make: Make) -> None:
    network = randomized(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)))
    explorer = make(network, torch.ones(2, 3), features=["a", EVIL, "c"])
    source = header(explorer)["input"]
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
    assert header(explorer)["totals"]["value"] == float(expected.value[0])
    assert network.training


def test_names_with_html_stay_text(make: Make) -> None:
    explorer = make(classes=CLASSES, target=4)
    shown = header(explorer)
    assert shown["target"]["label"] == EVIL
    assert explorer.stage.setup["classes"][4] == EVIL
    for child in [explorer, *explorer.children]:
        assert not isinstance(child, ipywidgets.HTML)


# -- what the page asks ------------------------------------------------------------------------------------------


def test_a_request_is_answered_by_its_number(make: Make) -> None:
    network = randomized(Residual())
    explorer = make(network)
    shown = answered(
        explorer, 7, sample=2, target=3, versus=1, rule="softmax", parameters={"temperature": 0.5}
    )
    assert shown["answers"] == 7
    parameters = {"temperature": 0.5, "relative": True}
    assert shown["state"] == state(sample=2, target=3, versus=1, rule="softmax", parameters=parameters)
    expected = bbp.attribute(network, pictures()[2:3], (3, 1), bbp.rules.softmax(0.5))
    assert shown["totals"]["value"] == float(expected.value[0])
    assert shown["target"]["versus"] == 1
    assert (explorer.sample, explorer.target, explorer.versus, explorer.rule) == (2, 3, 1, "softmax")
    assert explorer.parameters == {"temperature": 0.5}
    torch.testing.assert_close(explorer.attribution.bias, expected.bias, rtol=0, atol=0)
    again = answered(
        explorer, 8, sample=2, target=3, versus=1, rule="softmax", parameters={"temperature": 0.5}
    )
    assert again["answers"] == 8
    assert again["key"] == shown["key"]


def test_a_request_runs_the_network_once_for_each_target_not_for_each_rule(make: Make) -> None:
    network = Gated()
    explorer = make(network)
    assert network.runs == 1
    for seq, rule in enumerate(["uniform", "softmax", "proportional", "uniform"]):
        answered(explorer, seq, rule=rule)
    assert network.runs == 1
    answered(explorer, 9, target=1)
    assert network.runs == 2


def test_versus_alone_is_against_the_largest(make: Make) -> None:
    network = randomized(Residual())
    output = network(pictures()).detach()
    best = int(output.argmax(1)[0])
    other = (best + 1) % 5
    shown = answered(make(network), 1, versus=other)
    assert shown["target"]["index"] == best
    assert shown["totals"]["value"] == pytest.approx(float(output[0, best] - output[0, other]), rel=1e-5)


def test_only_the_newest_request_is_answered(make: Make) -> None:
    network = Gated()
    explorer = make(network)
    sent = films_sent(explorer)
    network.shut()
    ask(explorer, 1, sample=1)
    assert network.entered.wait(LONG)
    for seq in range(2, 12):
        ask(explorer, seq, sample=seq % 4, rule="uniform")
    ask(explorer, 12, sample=3, rule="softmax")
    network.gate.set()
    assert explorer.wait(LONG)
    assert sent == [12]
    assert header(explorer)["state"]["sample"] == 3
    assert explorer.stage.progress == {}
    assert no_workers()


def test_python_overtakes_a_request(make: Make) -> None:
    network = Gated()
    explorer = make(network)
    sent = films_sent(explorer)
    network.shut()
    ask(explorer, 1, sample=1)
    assert network.entered.wait(LONG)
    explorer.sample = 2
    network.gate.set()
    assert explorer.wait(LONG)
    assert sent == [None]
    assert header(explorer)["state"]["sample"] == 2


def test_cancel_leaves_the_film_that_is_there(make: Make) -> None:
    network = Gated()
    explorer = make(network)
    before = explorer.stage.film
    network.shut()
    ask(explorer, 5, sample=1)
    assert network.entered.wait(LONG)
    explorer.stage.set_state({"cancel": 5})
    network.gate.set()
    assert explorer.wait(LONG)
    assert explorer.stage.film == before
    assert explorer.stage.progress == {}
    assert explorer.stage.error == {}
    assert no_workers()
    assert answered(explorer, 6, sample=1)["answers"] == 6


def test_progress_tells_what_is_done(make: Make) -> None:
    class Slow(Residual):
        def forward(self, x: Tensor) -> Tensor:
            time.sleep(0.1)
            return super().forward(x)

    explorer = make(randomized(Slow()))
    seen: list[dict[str, Any]] = []
    explorer.stage.observe(lambda change: seen.append(change["new"]), names=["progress"])
    answered(explorer, 4, sample=1)
    assert seen[0]["seq"] == 4
    assert seen[0]["stage"] == "capture"
    assert 0 <= seen[0]["done"] <= seen[0]["total"]
    assert seen[-1] == {}


def test_the_page_went_back_to_a_film_it_had(make: Make) -> None:
    explorer = make()
    first = header(explorer)
    answered(explorer, 1, sample=1, rule="uniform")
    sent = films_sent(explorer)
    explorer.stage.set_state({"shown": {"key": first["key"], **first["state"]}})
    assert explorer.wait(LONG)
    assert (explorer.sample, explorer.rule) == (0, "proportional")
    assert sent == []
    assert explorer.film is not None
    assert explorer.film.key == first["key"]


@pytest.mark.parametrize(
    ("changes", "title", "words"),
    [
        ({"target": 99}, "BadTarget", "99 is out of range"),
        ({"sample": 4}, "TraitError", "0 to 3"),
        ({"rule": "best"}, "UnknownRule", "best"),
        ({"parameters": {"temperature": 1}}, "UnknownRule", "temperature"),
        ({"rule": "softmax", "parameters": {"temperature": 0}}, "UnknownRule", "temperature"),
        ({"rule": "softmax", "parameters": {"temperature": None}}, "UnknownRule", "temperature"),
        ({"target": "cat"}, "TraitError", "target"),
    ],
    ids=str,
)
def test_a_request_that_cannot_be_met_is_told_in_the_page(
    make: Make, changes: dict[str, Any], title: str, words: str
) -> None:
    explorer = make()
    before = explorer.stage.film
    ask(explorer, 3, **changes)
    assert explorer.wait(LONG)
    error = explorer.stage.error
    assert (error["seq"], error["title"]) == (3, title)
    assert words in error["message"]
    assert "Traceback" in error["traceback"]
    assert explorer.stage.film == before
    assert explorer.stage.progress == {}
    with pytest.raises(Exception, match=words):
        _ = explorer.attribution
    assert answered(explorer, 4)["answers"] == 4
    assert explorer.stage.error == {}
    assert explorer.attribution is not None


@pytest.mark.parametrize(
    "changes", [{"rule": "best"}, {"parameters": {"temperature": 1}}, {"sample": 9}], ids=str
)
def test_a_request_that_cannot_be_met_changes_nothing_and_is_answered_each_time(
    make: Make, changes: dict[str, Any]
) -> None:
    explorer = make()
    before = {name: getattr(explorer, name) for name in state()}
    for seq in (3, 4):
        ask(explorer, seq, target=1, **changes)
        assert explorer.wait(LONG)
        assert explorer.stage.error["seq"] == seq
        assert {name: getattr(explorer, name) for name in state()} == before


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
    assert explorer.stage.film == b""
    with pytest.raises(type(expected.value)):
        _ = explorer.attribution


def test_one_bad_picture_among_good_ones(make: Make) -> None:
    x = pictures()
    x[2, 1, 3, 4] = float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        explorer = make(inputs=x)
    answered(explorer, 1, sample=1)
    before = explorer.stage.film
    ask(explorer, 2, sample=2)
    assert explorer.wait(LONG)
    assert explorer.stage.error["title"] == "BadInput"
    assert "nan" in explorer.stage.error["message"]
    assert explorer.stage.film == before
    assert answered(explorer, 3, sample=3)["input"]["name"] == "4 of 4"


# -- what is set in Python ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trait", "value", "shown"),
    [
        ("sample", 3, 3), ("sample", -1, 3), ("target", 2, 2), ("versus", 1, 1), ("rule", "uniform", "uniform"),
        ("parameters", {"power": 2.0}, {"power": 2.0}),
    ],
    ids=str,
)  # fmt: skip
def test_what_python_sets_is_shown(make: Make, trait: str, value: Any, shown: Any) -> None:
    explorer = make()
    sent = films_sent(explorer)
    setattr(explorer, trait, value)
    assert explorer.wait(LONG)
    assert sent == [None]
    assert header(explorer)["state"][trait] == shown
    assert getattr(explorer, trait) == shown


def test_another_rule_keeps_only_the_parameters_that_it_has(make: Make) -> None:
    explorer = make(rule="softmax", parameters={"temperature": 0.2, "relative": False})
    assert header(explorer)["state"]["parameters"] == {"temperature": 0.2, "relative": False}
    sent = films_sent(explorer)
    explorer.rule = "proportional"
    assert explorer.wait(LONG)
    assert explorer.parameters == {}
    assert header(explorer)["state"]["parameters"] == {"power": 1.0}
    assert sent == [None]
    explorer.parameters = {"power": 3.0}
    explorer.rule = "uniform"
    explorer.rule = "softmax"
    assert explorer.wait(LONG)
    assert explorer.parameters == {}
    assert header(explorer)["state"]["parameters"] == {"temperature": 1.0, "relative": True}


@pytest.mark.parametrize(
    ("trait", "value", "error"),
    [
        ("sample", 4, traitlets.TraitError), ("sample", -5, traitlets.TraitError),
        ("sample", "two", traitlets.TraitError), ("rule", "best", bbp.errors.UnknownRule),
        ("parameters", {"temperature": 1.0}, bbp.errors.UnknownRule),
        ("parameters", {"power": -1.0}, bbp.errors.UnknownRule),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_is_raised_in_the_cell_and_changes_nothing(
    make: Make, trait: str, value: Any, error: type[Exception]
) -> None:
    explorer = make()
    sent, before = films_sent(explorer), getattr(explorer, trait)
    with pytest.raises(error):
        setattr(explorer, trait, value)
    assert explorer.wait(LONG)
    assert getattr(explorer, trait) == before
    assert sent == []
    assert explorer.stage.error == {}


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"clases": CLASSES}, TypeError, "clases"),
        ({"labels": [1, 2]}, bbp.errors.BadInput, "4 inputs"),
        ({"rules": []}, bbp.errors.UnknownRule, "at least one"),
        ({"rules": ["best"]}, bbp.errors.UnknownRule, "best"),
        ({"rule": "best"}, bbp.errors.UnknownRule, "best"),
        ({"sample": 4}, traitlets.TraitError, "0 to 3"),
        ({"pictures": torch.zeros(3, 8, 8)}, ValueError, r"\(4, H, W\)"),
        ({"inputs": torch.zeros(8)}, bbp.errors.BadInput, r"image\[None\]"),
        ({"inputs": [[1.0]]}, bbp.errors.BadInput, "tensor"),
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


def test_a_step_is_asked_for_and_told(make: Make) -> None:
    explorer = make()
    explorer.step = 3
    assert explorer.stage.jump == {"seq": 1, "step": 3}
    explorer.stage.set_state({"step": 3})
    assert explorer.stage.jump["seq"] == 1  # the page is where it was asked to be
    explorer.stage.set_state({"step": 5})
    assert explorer.step == 5
    assert explorer.stage.jump["seq"] == 1
    explorer.step = 0
    assert explorer.stage.jump == {"seq": 2, "step": 0}


def test_the_panel_shows_the_film(make: Make) -> None:
    explorer = make()
    frames = header(explorer)["frames"]
    gradient, above, below = next(mark for mark in explorer.parts.marks if isinstance(mark, bqplot.Bars)).y
    assert list(gradient) == [frame["cut_gradient"] for frame in frames]
    assert [up + down for up, down in zip(above, below, strict=True)] == [
        frame["cut_bias"] for frame in frames
    ]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_network_that_overflows_does_not_stop_the_explorer(make: Make, sign: int) -> None:
    network = randomized(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)))
    x = pictures()
    with torch.no_grad():
        x[1] = 1e30
        network[1].weight[0] = sign * 1e10  # type: ignore[union-attr,index,operator]
    explorer = make(network, x)
    ask(explorer, 1, sample=1, target=0)  # plus or minus infinity
    assert explorer.wait(LONG / 10), "the worker is gone"
    assert header(explorer)["answers"] == 1
    assert header(explorer)["totals"]["value"] is None
    assert explorer.stage.error == {}
    assert answered(explorer, 2, sample=2, target=1)["totals"]["exact"]


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


def test_many_explorers_come_and_go_without_a_trace() -> None:
    gc.collect()
    left: list[weakref.ref[Any]] = []
    for i in range(5):
        network = randomized(Residual())
        explorer = bbp.Explorer(network, pictures(), classes=CLASSES)
        assert explorer.wait(LONG)
        answered(explorer, 1, sample=i % 4, rule="softmax")
        local = explorer.attribution.local
        left += [weakref.ref(local), weakref.ref(network), weakref.ref(explorer), weakref.ref(explorer.stage)]
        explorer.close()
        del network, explorer, local
    assert no_workers()
    gc.collect()
    assert [
        kind for kind, ref in zip(["local", "network", "explorer", "stage"] * 5, left, strict=True) if ref()
    ] == []
