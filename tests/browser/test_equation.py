"""The equation of a unit: its figures are those of ``explorer.attribution.unit``, and can be taken along."""

from __future__ import annotations

from typing import Any

import pytest
from browser.stage import PATIENCE, Stage, close

CONV = "block2.conv2"
UNIT = [5, 7, 9]


@pytest.fixture
def unit(stage: Stage, python: Any) -> Stage:
    """With a unit selected from Python, its equation on the screen."""
    frame = python(
        f"next(s['frame'] for s in explorer.film.header['levels']['layers'] if s['name'] == '{CONV}')"
    )
    python(
        f"[setattr(explorer, 'step', {frame}), setattr(explorer, 'selection', dict(frame={frame}, at={UNIT}))][:0]"
    )
    stage.root.locator(".bbp-inspector .gives [data-key=mass]").first.wait_for(timeout=PATIENCE)
    return stage


def column(stage: Stage, table: str, key: str) -> list[float]:
    cells = stage.root.locator(f".bbp-inspector .{table} tr[data-at] [data-key={key}]")
    return [float(value) for value in cells.evaluate_all("(all) => all.map((one) => one.dataset.value)")]


def one(stage: Stage, selector: str) -> float:
    return float(stage.root.locator(f".bbp-inspector {selector}").first.get_attribute("data-value") or "nan")


def test_its_terms_and_totals_are_pythons(unit: Stage, python: Any) -> None:
    python("globals().update(eq=explorer.attribution.unit(explorer.film.header['frames'][explorer.step]['node'], "
           f"{tuple(UNIT)})) or 0")  # fmt: skip
    for key, name in [("share", "share"), ("mass", "mass"), ("weight", "weight"), ("value", "value")]:
        shown = column(unit, "gives", key)
        wanted = python(f"eq.gives.{name}[:{len(shown)}].double().tolist()")
        assert len(shown) > 3
        assert all(close(a, b, 1e-5) for a, b in zip(shown, wanted, strict=True)), key
    shown = column(unit, "comes", "part")
    wanted = python(f"eq.comes.contribution[:{len(shown)}].double().tolist()")
    assert all(close(a, b, 1e-5) for a, b in zip(shown, wanted, strict=True))
    assert close(one(unit, ".comes [data-key=mass]"), python("float(eq.mass)"), 1e-5)
    assert close(one(unit, ".gives [data-key=total]"), python("float(eq.mass)"), 1e-5)
    assert close(one(unit, "[data-key=unit-value]"), python("float(eq.value)"), 1e-5)
    unit.picture("equation")


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_a_term_leads_to_its_unit_and_back(unit: Stage, by: str, python: Any) -> None:
    def press(what: Any) -> None:
        if by == "pointer":
            what.click()
        else:
            what.focus()
            unit.press("Enter")

    step = unit.step()
    row = unit.root.locator(".bbp-inspector .gives tr[data-at]").nth(1)
    at = [int(i) for i in (row.get_attribute("data-at") or "").split(",")]
    press(row.locator("button.term"))
    unit.wait_at_rest()
    assert unit.step() > step
    assert python("explorer.selection")["at"] == at
    unit.root.locator(".bbp-inspector .equation").wait_for(timeout=PATIENCE)
    assert close(one(unit, ".comes [data-key=mass]"), python(
        "float(explorer.attribution.unit(explorer.film.header['frames'][explorer.step]['node'], "
        f"{tuple(at)}).mass)"), 1e-5)  # fmt: skip
    press(unit.button("back"))
    unit.wait_at_rest()
    assert unit.step() == step
    assert python("explorer.selection")["at"] == UNIT
    press(unit.button("clear"))
    unit.wait_at_rest()
    assert python("explorer.selection") is None


@pytest.mark.parametrize("by", ["keys", "pointer"])
def test_it_is_read_as_formula_and_as_python_and_copied(unit: Stage, by: str, python: Any) -> None:
    tabs = unit.root.locator(".bbp-inspector [role=tablist]")
    inspector = unit.root.locator(".bbp-inspector")
    if by == "pointer":
        tabs.get_by_role("tab", name="formula").click()
    else:
        tabs.get_by_role("tab", name="numbers").focus()
        unit.press("ArrowRight")
    assert inspector.locator(".formula").is_visible()
    if by == "pointer":
        tabs.get_by_role("tab", name="Python").click()
    else:
        unit.press("ArrowRight")
    code = inspector.locator("pre").inner_text()
    lines = [line for line in code.splitlines() if "=" in line or "explorer" in line]
    assert any("explorer.attribution.unit(" in line for line in lines)
    clipboard = "() => navigator.clipboard.readText()"
    for what, wanted in [
        ("the equation as CSV", ","),
        ("the equation as LaTeX", "\\"),
        ("the Python", "unit("),
    ]:
        button = unit.button(f"copy {what}")
        if by == "pointer":
            button.click()
        else:
            button.focus()
            unit.press("Enter")
        unit.page.wait_for_timeout(150)
        assert wanted in str(unit.page.evaluate(clipboard))
    assert str(unit.page.evaluate(clipboard)).strip() == code.strip()
    mass = python(f"float(eval({code.strip()!r}.splitlines()[-1].split('=')[-1].strip().split('#')[0]).mass)")
    assert close(mass, one(unit, ".comes [data-key=mass]"), 1e-5)
