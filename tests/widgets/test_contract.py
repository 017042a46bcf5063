"""The traits are the contract: what TypeScript was told, what the page is offered, and who draws it."""

from __future__ import annotations

from pathlib import Path

import pytest

import bbp_widgets as bbp
from bbp_widgets.widgets.contract import contract_text
from bbp_widgets.widgets.controls import rule_controls
from bbp_widgets.widgets.stage import Stage

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
        stage._bundle("nothing.js")


def test_every_rule_has_sliders_that_it_takes() -> None:
    controls = rule_controls(bbp.rules.names())
    assert [control["name"] for control in controls] == list(bbp.rules.names())
    for control in controls:
        rule = bbp.rules.as_rule(control["name"])
        assert control["says"] == rule.says
        for slider in control["parameters"]:
            assert slider["min"] <= slider["default"] <= slider["max"]
            assert slider["default"] == rule.parameters[slider["name"]]
            assert slider["scale"] in ("log", "linear")
            for end in ("min", "max"):
                bbp.rules.as_rule(control["name"], **{slider["name"]: slider[end]})


@pytest.mark.parametrize(("names", "words"), [((), "at least one"), (("uniform", "best"), "best")])
def test_rules_that_cannot_be_offered(names: tuple[str, ...], words: str) -> None:
    with pytest.raises(bbp.errors.UnknownRule, match=words):
        rule_controls(names)
