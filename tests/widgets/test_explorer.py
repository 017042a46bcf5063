"""The explorer without a browser: what the page is sent at first, what cannot be explained, what is left at the end.

``explorer.stage.set_state({...})`` is what a trait that the page writes does; ``Page.say`` a message of it.
"""

from __future__ import annotations

import gc
import sys
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
from widgets.pages import CLASSES, EVIL, LONG, THREE, Gated, Page, lane, no_workers, pictures, state, workers

import bbp_widgets as bbp
from bbp_widgets.views import films_key, unpack
from bbp_widgets.widgets.look import QUESTION

Make = Callable[..., bbp.Explorer]


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


def test_who_comes_with_an_older_look_is_told_what_is_shown_before_its_films(make: Make) -> None:
    explorer = make()
    page = Page(explorer)
    first = explorer.state
    page.stage.set_state({"look": {**first, "put": 0}})
    page.answered(1, rule="softmax", parameters={"temperature": 1.0})  # and goes before it writes its look
    question = {name: explorer.state[name] for name in QUESTION}

    def told() -> bool:
        put = explorer.stage.put
        page.say({"type": "hello"})
        assert page.films()[-1]["answers"] == 1
        assert explorer.stage.put == (
            put if explorer.stage.put is put else {"seq": put["seq"] + 1, "look": question}
        )
        return explorer.stage.put is not put

    assert told()
    page.stage.set_state({"look": {**first, "lanes": [lane("softmax", temperature=1.0)], "put": 1}})
    assert not told()  # the same films, though not every parameter is written
    for bad in ({"sample": 99}, {"lanes": [lane("none such")]}):
        page.stage.set_state({"look": {**first, **bad, "put": 1}})
        assert explorer.stage.error
        assert told()


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
