"""The traits are the contract: what TypeScript was told, what the page is offered, and who draws it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

import bbp_widgets as bbp
from bbp_widgets.widgets.contract import contract_text
from bbp_widgets.widgets.controls import Offer
from bbp_widgets.widgets.look import checked_lane
from bbp_widgets.widgets.stage import MESSAGES, Stage

ROOT = Path(__file__).resolve().parents[2]


def test_the_typescript_side_is_up_to_date() -> None:
    """Where this fails, ``python -m bbp_widgets.widgets.contract`` writes it anew."""
    assert ROOT.joinpath("js/src/contract.ts").read_text("utf8") == contract_text()


def test_every_trait_is_told_with_its_writer() -> None:
    for name, trait in Stage.class_own_traits(sync=True).items():
        if not name.startswith("_"):
            assert trait.help.startswith(("Kernel: ", "Page: ")), name


def test_the_front_end_travels_as_text() -> None:
    stage = Stage()
    assert isinstance(stage._esm, str)
    assert "export" in stage._esm
    assert isinstance(stage._css, str)
    stage.close()


def test_a_front_end_that_is_not_built_says_how() -> None:
    from bbp_widgets.widgets import stage

    with pytest.raises(FileNotFoundError, match=r"nothing\.js is missing.\n.*pip install"):
        stage.bundle("nothing.js")


def test_every_message_is_in_the_contract() -> None:
    page = ROOT.joinpath("docs/film.md").read_text("utf8")
    for name, (writer, fields) in MESSAGES.items():
        line = next(
            line
            for line in page.splitlines()
            if line.strip().startswith(writer) and f'"type": "{name}"' in line
        )
        for field in fields:
            assert f'"{field.rstrip("?")}"' in line, (name, field)


def test_every_rule_has_sliders_that_it_takes() -> None:
    offer = Offer(bbp.rules.names())
    controls = offer.controls()
    assert [control["name"] for control in controls] == list(bbp.rules.names())
    for control in controls:
        rule = bbp.rules.as_rule(control["name"])
        assert control["says"] == rule.says
        assert control["formula"].startswith("φ = ")
        assert control["standard"] == checked_lane(control["name"], offer.rule)["parameters"]
        for slider in control["parameters"]:
            assert slider["min"] <= slider["default"] <= slider["max"]
            assert slider["default"] == rule.parameters[slider["name"]]
            assert slider["scale"] in ("log", "linear")
            for end in ("min", "max"):
                offer.rule(control["name"], {slider["name"]: slider[end]})


@pytest.mark.parametrize(("names", "words"), [((), "at least one"), (("uniform", "best"), "best")])
def test_rules_that_cannot_be_offered(names: tuple[str, ...], words: str) -> None:
    with pytest.raises(bbp.errors.UnknownRule, match=words):
        Offer(names)


def test_a_rule_of_ones_own_keeps_its_parameters() -> None:
    @dataclass(frozen=True)
    class Half(bbp.rules.Rule):
        """Half of them."""

        sharp: float = 2.0
        name: ClassVar[str] = "half"
        says: ClassVar[str] = "by half"
        formula: ClassVar[str] = "φ = |s| above the median"

        def phi(self, tile: Any) -> Any:
            return tile.strength.abs()

    offer = Offer([Half(3.0), "uniform"])
    assert offer.names == ("half", "uniform")
    assert offer.rule("half") == Half(3.0)
    assert offer.rule("half", {"sharp": 1.0}) == Half(1.0)
    with pytest.raises(bbp.errors.UnknownRule, match=r"'temperature'\. It has: sharp"):
        offer.rule("half", {"temperature": 1.0})
    assert offer.rule("winner") == bbp.rules.winner()
    assert offer.controls()[0]["formula"] == "φ = |s| above the median"
