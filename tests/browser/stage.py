"""The explorer on a page as its reader uses it: what can be pressed, and what can be read off the screen."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

SCREENSHOTS = Path(__file__).resolve().parents[1] / "screenshots"
#: Six digits.
SIX = 1e-6
#: Milliseconds: the kernel may have to compute, on a machine that others use as well.
PATIENCE = 60_000
SUPERSCRIPT = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def close(a: float, b: float, relative: float = SIX) -> bool:
    """Say whether two figures are the same, to six digits."""
    return math.isclose(a, b, rel_tol=relative, abs_tol=1e-6)


def printed(text: str) -> float:
    """Read a figure as it is printed: "+1.23 × 10⁻⁵", "Σ −0.5", "±0.1"."""
    found = re.search(r"([−+-]?)\s*([\d.]+)(?: × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?", text.replace("Σ", ""))
    if found is None:
        raise AssertionError(f"no figure in {text!r}")
    size = float(found[2]) * (10.0 ** int(found[3].translate(SUPERSCRIPT)) if found[3] else 1.0)
    return -size if found[1] in ("−", "-") else size


class Stage:
    """One explorer of a page, by its root element."""

    def __init__(self, page: Page, root: Locator | None = None, *, index: int = 0, film: bool = True) -> None:
        self.page = page
        self.root = root or page.locator(".bbp").nth(index)
        self.rail = self.root.locator(".bbp-rail")
        self.root.wait_for(timeout=PATIENCE)
        if film:
            self.wait_for_film()

    def picture(self, name: str) -> None:
        """Keep a view of the explorer in the ignored folder of screenshots."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.root.screenshot(path=SCREENSHOTS / f"{name}-{self.root.get_attribute('data-theme')}.png")

    # -- waiting ---------------------------------------------------------------------------------------------

    def wait_for_film(self) -> None:
        """Wait until the first film is drawn."""
        self.rail.wait_for(timeout=PATIENCE)
        self.figure("target").wait_for(timeout=PATIENCE)

    def wait_until(self, expression: str, *arguments: Any, timeout: int = PATIENCE) -> None:
        """Wait for an expression of JavaScript, of ``root`` and the ``arguments``."""
        self.page.wait_for_function(
            f"([root, ...rest]) => {{ {expression} }}",
            arg=[self.root.element_handle(), *arguments],
            timeout=timeout,
        )

    def wait_for_number(self, key: str, value: float) -> None:
        """Wait until a figure of the ledger is this."""
        self.wait_until(
            "const [key, value] = rest;"
            "const seen = Number(root.querySelector(`.bbp-ledger [data-key=${key}]`).dataset.value);"
            "return Math.abs(seen - value) <= 1e-6 * Math.max(1, Math.abs(value));",
            key,
            value,
        )

    def wait_at_rest(self) -> None:
        """Wait until the page has nothing to wait for, and has told Python what it shows."""
        self.wait_until("return root.querySelector('.bbp-busy').hidden")
        self.page.wait_for_timeout(600)

    # -- the rail and the ledger -----------------------------------------------------------------------------

    def step(self) -> int:
        return int(self.rail.get_attribute("aria-valuenow") or -1)

    def steps(self) -> int:
        return int(self.rail.get_attribute("aria-valuemax") or -1)

    def spoken(self) -> str:
        return self.rail.get_attribute("aria-valuetext") or ""

    def press(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        for key in keys:
            self.page.keyboard.press(key)

    def walk(self, *keys: str) -> None:
        """Press keys on the rail."""
        self.rail.focus()
        self.press(*keys)

    def stop_at(self, stop: int) -> tuple[float, float]:
        """Return where a stop lies on the page, for the pointer."""
        self.rail.scroll_into_view_if_needed()
        box = self.rail.locator("circle.stop").nth(stop).bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def figure(self, key: str) -> Locator:
        return self.root.locator(f".bbp-ledger [data-key={key}][data-value]").first

    def number(self, key: str) -> float:
        """Return a figure of the ledger, to the last bit."""
        return float(
            self.root.locator(f".bbp-ledger [data-key={key}]").first.get_attribute("data-value") or "nan"
        )

    # -- groups, tabs, banners -------------------------------------------------------------------------------

    def group(self, label: str) -> Locator:
        return self.root.locator(f'[role=radiogroup][aria-label="{label}"]')

    def option(self, label: str, key: object) -> Locator:
        return self.group(label).locator(f'[data-key="{key}"]')

    def choose(self, label: str, key: object, *, by: str = "pointer") -> None:
        """Choose one of a group, by pointer or by keyboard: arrows to it, then Enter."""
        option = self.option(label, key)
        if by == "pointer":
            option.click()
            return
        keys = self.group(label).locator("button").evaluate_all("(all) => all.map((one) => one.dataset.key)")
        self.group(label).locator("button[tabindex='0']").focus()
        at = (
            self.group(label)
            .locator("button")
            .evaluate_all("(all) => all.findIndex((one) => one === document.activeElement)")
        )
        move = keys.index(str(key)) - at
        self.press(*["ArrowRight" if move > 0 else "ArrowLeft"] * abs(move), "Enter")

    def chosen(self, label: str) -> str:
        return self.group(label).locator("[aria-checked=true]").get_attribute("data-key") or ""

    def panel(self, key: str, *, by: str = "pointer") -> None:
        """Open one of the panels below the pictures."""
        tab = self.root.locator(f".bbp-tabs [data-key={key}]")
        if by == "pointer":
            tab.click()
        else:
            self.root.locator(".bbp-tabs [tabindex='0']").first.focus()
            while tab.get_attribute("aria-selected") != "true":
                self.press("ArrowRight")
        assert tab.get_attribute("aria-selected") == "true"

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    def alert(self) -> str:
        """Wait for the banner; return what it says."""
        banner = self.root.get_by_role("alert")
        banner.locator("p").wait_for(timeout=PATIENCE)
        return banner.inner_text()

    def said(self, where: str = ".body > .bbp-unseen") -> str:
        """Return what a screen reader was told last: it is told after a moment of rest."""
        self.page.wait_for_timeout(350)
        return self.root.locator(where).text_content() or ""

    # -- pictures --------------------------------------------------------------------------------------------

    def maps(self) -> Locator:
        """Return the pictures of the attributions, as they stand in the row."""
        return self.root.locator(".bbp-gallery .bbp-map:not(.bbp-picture, .bbp-signal-input):visible")

    def sum_of(self, map_: int) -> float:
        return float(self.maps().nth(map_).locator("figcaption .figure").get_attribute("data-value") or "nan")

    def limit_of(self, map_: int) -> float:
        return float(
            self.maps().nth(map_).locator(".limits [data-value]").get_attribute("data-value") or "nan"
        )

    def reading_of(self, map_: int) -> float:
        """Return what the pointer reads off a picture."""
        return printed(self.maps().nth(map_).locator("figcaption .figure.reading").inner_text())

    def pixels(self, map_: int) -> str:
        """Return a picture as text, to see whether it was painted anew."""
        return str(self.maps().nth(map_).locator("canvas.ink").evaluate("(canvas) => canvas.toDataURL()"))

    def point(self, at: Locator, across: float, down: float) -> None:
        """Put the pointer on a place, in fractions."""
        at.scroll_into_view_if_needed()
        box = at.bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
