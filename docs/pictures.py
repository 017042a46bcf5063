"""Draw the pictures of README.md: the explorer as a saved page, in Chromium, light and dark.

From the checkout, in its environment: ``python docs/pictures.py``, or with a folder to write to.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
from PIL import Image
from playwright.sync_api import sync_playwright

import bbp_widgets as bbp

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from jupyter_harness import running_chromium  # noqa: E402

import dev  # noqa: E402

#: Of the page, in CSS pixels, and of the picture.
WIDTH, MOST_BYTES = 1200, 250_000
#: What the explorer shows, beside the stop and a unit: a star, two rules, more than halfway back.
LOOK = {
    "sample": 3,
    "lanes": [
        {"rule": "proportional"},
        {"rule": "softmax", "parameters": {"temperature": 0.3}},
    ],
    "overlay": 0.8,
}
#: The stop to stand at.
STOP = "block2.conv1"


def explorer() -> bbp.Explorer:
    """Return the explorer of the embedded shapes, turned to the stop."""
    demo = bbp.demo.shapes()
    shown = bbp.Explorer(
        demo.network,
        demo.inputs,
        classes=demo.classes,
        labels=demo.labels,
        pictures=demo.pictures,
        state=LOOK,
    )
    shown.wait()
    assert shown.film is not None
    frames = shown.film.header["frames"]
    step = next(i for i, frame in enumerate(frames) if frame["name"] == STOP)
    mass = shown.attribution.at(step - 1).mass[0]
    largest = torch.unravel_index(mass.abs().argmax(), mass.shape)
    shown.state = {"step": step, "unit": {"frame": step, "at": [int(i) for i in largest]}}
    return shown


def main(folder: Path) -> None:
    """Write both pictures."""
    chromium = dev.find_chromium()
    assert chromium, f"no Chromium: install one, or name it in {dev.BROWSER_VARIABLE}"
    with tempfile.TemporaryDirectory() as scratch:
        page_file = explorer().save(Path(scratch) / "explorer.html", rules=["proportional"])
        with sync_playwright() as playwright, running_chromium(playwright, chromium) as browser:
            for theme in ("light", "dark"):
                page = browser.new_page(
                    viewport={"width": WIDTH, "height": 1000}, color_scheme=theme, reduced_motion="reduce"
                )
                page.goto(page_file.as_uri())
                page.locator(".bbp-explorer [data-key=target][data-value]").first.wait_for()
                page.wait_for_timeout(500)
                path = folder / f"explorer-{theme}.png"
                page.locator(".bbp-explorer").screenshot(path=path)
                shrink(path)
                print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def shrink(path: Path) -> None:
    """Keep a picture of a screen small: 64 levels of each channel look as all, and 256 colours do not on the ramps."""
    with Image.open(path) as picture:
        plain = picture.convert("RGB").point(lambda level: round(round(level * 63 / 255) * 255 / 63))
    plain.save(path, optimize=True)
    assert path.stat().st_size < MOST_BYTES, f"{path} has {path.stat().st_size} bytes"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")
