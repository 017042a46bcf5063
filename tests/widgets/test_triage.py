"""Triage as tables, and what is shown as Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from engine.nets import Residual, randomized
from PIL import Image
from widgets.pages import CLASSES, EVIL, LONG, lane, pictures

import bbp_widgets as bbp

Make = Callable[..., bbp.Explorer]


def test_triage_has_a_row_for_every_step(make: Make) -> None:
    explorer = make(rule="softmax")
    table = explorer.triage()
    ledger = explorer.attribution.ledger
    assert isinstance(table, pd.DataFrame)
    assert list(table["node"]) == [step.node for step in ledger]
    assert list(table["residual"]) == [float(step.residual[0]) for step in ledger]
    assert list(table["unshared"]) == [float(step.unshared[0]) for step in ledger]
    assert {"broken", "entropy", "negative", "dead", "seconds", "anomalies"} <= set(table)
    assert table.index.name == "step"


def test_two_checkpoints_are_joined_step_by_step(make: Make) -> None:
    network, other = randomized(Residual()), randomized(Residual())
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(0.5)
    here, there = make(network), make(other)
    table = here.triage(there)
    assert list(table["mass"]) == list(here.triage()["mass"])
    assert list(table["mass_other"]) == list(there.triage()["mass"])
    np.testing.assert_allclose(table["mass_difference"], table["mass_other"] - table["mass"])
    assert list(table.index) == list(table["step_other"])
    columns = list(table)
    assert columns.index("mass_other") == columns.index("mass") + 1
    np.testing.assert_array_equal(here.triage(there.attribution)["mass_other"], table["mass_other"])


def test_two_samples_are_compared(make: Make) -> None:
    explorer = make()
    table = explorer.triage(2)
    assert explorer.sample == 0
    explorer.sample = 2
    assert explorer.wait(LONG)
    assert list(table["mass_other"]) == list(explorer.triage()["mass"])


def test_networks_of_different_make_leave_gaps(make: Make) -> None:
    small = randomized(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 5)))
    table = make().triage(make(small))
    assert table["mass_other"].isna().any()
    assert table["mass"].isna().any()
    assert table.index.isna().sum() == table["mass"].isna().sum()


@pytest.mark.parametrize("other", ["x", 9, torch.zeros(1)], ids=str)
def test_what_triage_cannot_compare_with(make: Make, other: Any) -> None:
    with pytest.raises((TypeError, bbp.errors.BbpError, Exception), match=r"other must be|sample must be"):
        make().triage(other)


# -- as Python ---------------------------------------------------------------------------------------------------


def run(explorer: bbp.Explorer, **names: Any) -> dict[str, Any]:
    text = explorer.python()
    exec(compile(text, "copied", "exec"), names)
    return names


@pytest.mark.parametrize(
    "options",
    [
        {}, {"sample": 2, "target": 4}, {"target": 3, "versus": 1}, {"versus": 1},
        {"rule": "softmax", "parameters": {"temperature": 0.3}, "step": 3},
        {"plan": {"head": "uniform", "last": bbp.rules.softmax(2.0)}}, {"linearization": "gated"}, {"wrt": "stem"},
        {"lanes": [lane(), lane("winner")], "lane": 1},
    ],
    ids=str,
)  # fmt: skip
def test_the_copied_lines_compute_what_is_shown(
    make: Make, capsys: pytest.CaptureFixture[str], options: dict[str, Any]
) -> None:
    network = randomized(Residual())
    if "wrt" in options:
        options = {"wrt": next(name for name, _ in network.named_children())}
    explorer = make(network, classes=CLASSES, **options)
    names = run(explorer, network=network, inputs=pictures())
    torch.testing.assert_close(names["result"].bias, explorer.attribution.bias, rtol=0, atol=0)
    assert repr(explorer.attribution) in capsys.readouterr().out


def test_the_copied_lines_tell_the_selected_unit(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    network = randomized(Residual())
    explorer = make(network)
    assert explorer.film is not None
    kinds = [frame["tensor"]["kind"] for frame in explorer.film.header["frames"]]
    explorer.selection = {"frame": kinds.index("maps"), "at": [1, 0, 1]}
    run(explorer, network=network, inputs=pictures())
    unit = explorer.attribution.unit(explorer.film.header["frames"][kinds.index("maps")]["node"], (1, 0, 1))
    assert repr(unit) in capsys.readouterr().out


def test_copied_lines_with_a_class_of_evil_name_are_one_comment(make: Make) -> None:
    explorer = make(classes=["a", "b", "c", "d", EVIL + "\nimport os"], target=4)
    assert "\nimport os" not in explorer.python()


def test_copied_lines_of_pictures(make: Make) -> None:
    def transform(picture: Image.Image) -> torch.Tensor:
        return torch.tensor(np.asarray(picture), dtype=torch.float32).permute(2, 0, 1) / 255

    network = randomized(Residual())
    inputs = [Image.new("RGB", (8, 8), "red"), np.full((8, 8, 3), 7, np.uint8)]
    explorer = make(network, inputs, transform=transform, sample=1)
    names = run(explorer, network=network, inputs=inputs, transform=transform)
    torch.testing.assert_close(names["result"].bias, explorer.attribution.bias, rtol=0, atol=0)
