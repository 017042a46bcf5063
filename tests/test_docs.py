"""The examples of `docs/engine.md` run as they stand, one after another, and do what the page says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

import bbp_widgets as bbp

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "engine.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page() -> dict[str, object]:
    """The names that the page's examples leave behind."""
    module = ModuleType("examples_of_the_page")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    for example in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(example, module.__dict__)
    return module.__dict__


def attribution(page: dict[str, object], name: str) -> bbp.Attribution:
    result = page[name]
    assert isinstance(result, bbp.Attribution)
    assert result.residual.abs().max() < 1e-5
    return result


def test_token_ids_are_explained_by_their_embedding(page: dict[str, object]) -> None:
    whole = bbp.attribute(page["network"], page["tokens"], wrt="embedding")
    torch.testing.assert_close(attribution(page, "parts").bias, whole.bias, rtol=1e-4, atol=1e-6)
    assert attribution(page, "gated").bias.shape == (2, 4, 16)


def test_the_registered_op_adds_up(page: dict[str, object]) -> None:
    assert any(
        step.op == "docs::soft_step" or "soft_step" in step.op for step in attribution(page, "result").ledger
    )


def test_the_rule_of_ones_own_is_used(page: dict[str, object]) -> None:
    assert str(attribution(page, "up").rule) == "excitatory(power=2.0)"
    assert not torch.equal(attribution(page, "mixed").bias, attribution(page, "up").bias)


def test_the_page_names_every_rule() -> None:
    table = PAGE[PAGE.index("| rule | φ |") :]
    for name in bbp.rules.names():
        assert re.search(rf"`{name}\b", table), name
