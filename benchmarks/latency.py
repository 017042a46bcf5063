"""How long from a hand on the explorer to pixels on the screen, in a real JupyterLab and a real Chromium.

    python benchmarks/latency.py            # needs the test extra and a Chromium; about two minutes

Prints medians and 95th percentiles in milliseconds, and by how much the notebook grows when it is saved after all
that. A move of a slider includes the pause (120 ms) after which
the page asks, the message to the kernel, the walk, the film's way back and the painting. "Seen" is a switch back
to something that was shown before, which asks nobody; a step is one press of a key. The work of a frame is what
the page's main thread did for it while a key was held down, or the cursor dragged along the rail: 16 ms at most.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

from frames import scrub, step_by_keys, work_of_frames  # noqa: E402
from jupyter_harness import Lab, new_page, running_chromium, running_server  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402

import dev  # noqa: E402

EMBEDDED = """
import bbp_widgets as bbp
demo = bbp.demo.{name}()
explorer = bbp.Explorer(demo.network, demo.inputs, classes=demo.classes, pictures=demo.pictures, rule="softmax")
explorer
"""
RESNET = """
import sys; sys.path.insert(0, {benchmarks!r})
import argparse, torch, common, bbp_widgets as bbp
network, x = common.CASES["resnet50"]()
explorer = bbp.Explorer(network, x[:4])
explorer
"""
#: Rules that were not seen of the last target.
RULES = ["uniform", "proportional", "softmin", "aligned", "opposed", "winner", "weights"]
# The time of every paint of a canvas is noted; a move is over at the first quiet frame after the last paint it caused.
WATCH = """() => {
  window.paints = [];
  const proto = CanvasRenderingContext2D.prototype;
  for (const name of ['putImageData', 'drawImage']) {
    const plain = proto[name];
    proto[name] = function (...args) { window.paints.push(performance.now()); return plain.apply(this, args); };
  }
}"""
MOVE = """([what, value]) => new Promise((resolve, reject) => {
  const root = document.querySelector('.bbp-explorer');
  window.paints.length = 0;
  const began = performance.now();
  if (what === 'slider') {
    const slider = root.querySelector('.knobs input[type=range]');
    slider.value = value;
    slider.dispatchEvent(new Event('input', { bubbles: true }));
  } else if (what === 'step') {
    const press = new KeyboardEvent('keydown', { key: value, bubbles: true, cancelable: true });
    root.querySelector('.bbp-rail').dispatchEvent(press);
  } else {
    root.querySelector(`[role=radiogroup][aria-label="${what}"] [data-key="${value}"]`).click();
  }
  const look = () => {
    const last = window.paints.at(-1);
    if (last !== undefined && performance.now() - last > 30) return resolve(last - began + 16.7);
    if (performance.now() - began > 20000) return reject(new Error(`nothing was painted for ${what} ${value}`));
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""


def measured(page: Page, what: str, values: list[str]) -> list[float]:
    """Do one thing after another, each once the one before is painted; a paint counts at the next frame (16.7 ms)."""
    times = []
    for value in values:
        times.append(float(page.evaluate(MOVE, [what, value])))
        page.wait_for_timeout(60)
    return times


def line(name: str, what: str, times: list[float]) -> str:
    """Return one row of the table."""
    p95 = sorted(times)[int(0.95 * (len(times) - 1))]
    return f"| {name} | {what} | {statistics.median(times):.0f} | {p95:.0f} | {len(times)} |"


def turns(one: str, other: str, count: int) -> list[str]:
    return [one if i % 2 == 0 else other for i in range(count)]


def main() -> None:
    """Print the table for both embedded networks, and for a ResNet-50 at 224 pixels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=20)
    parser.add_argument("--only", default="digits,shapes,resnet50", help="networks; comma between")
    options = parser.parse_args()
    path = dev.find_chromium()
    if not path:
        raise SystemExit(f"needs Chromium: install it, or name one in {dev.BROWSER_VARIABLE}.")
    print("| network | move | median ms | p95 ms | moves |\n|---|---|---:|---:|---:|")
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(Path(folder) / "lab") as server,
        sync_playwright() as playwright,
        running_chromium(playwright, path) as browser,
    ):
        for name in options.only.split(","):
            page = new_page(browser)
            page.set_viewport_size({"width": 1300, "height": 1400})
            lab = Lab(page, server, Path(folder), f"latency_{name}")
            rows(lab, name, options.moves)
            lab.close()
            page.context.close()


def rows(lab: Lab, name: str, count: int) -> None:
    """Print the rows of one network."""
    page = lab.page
    large = name == "resnet50"
    lab.open_cells(
        RESNET.format(benchmarks=str(ROOT / "benchmarks")) if large else EMBEDDED.format(name=name)
    )
    empty = size_of_notebook(lab)
    lab.run_all(240)
    page.locator("[data-key=target][data-value]").first.wait_for(timeout=120_000)
    page.wait_for_timeout(2000)
    page.evaluate(WATCH)
    page.evaluate(MOVE, ["step", "End"])
    if not large:
        slider = page.locator(".knobs input[type=range]").first
        low, high = (float(slider.get_attribute(end) or 0) for end in ("min", "max"))
        spots = [str(low + (high - low) * (0.35 + 0.5 * ((7 * i) % count) / count)) for i in range(count)]
        print(line(name, "temperature slider", measured(page, "slider", spots)), flush=True)
        print(
            line(name, "another picture", measured(page, "sample", [str(i) for i in range(1, 12)])),
            flush=True,
        )
        chips = page.locator('[role=radiogroup][aria-label="target"] [data-key]')
        others = [chips.nth(i).get_attribute("data-key") or "" for i in range(1, 5)]
        print(line(name, "another target", measured(page, "target", others)), flush=True)
        print(line(name, "another rule", measured(page, "rule", RULES)), flush=True)
    measured(page, "rule", ["uniform", "proportional"])
    seen = measured(page, "rule", turns("uniform", "proportional", count))
    print(line(name, "rule, seen", seen), flush=True)
    steps = ["ArrowRight" if i % 20 < 10 else "ArrowLeft" for i in range(count)]
    print(line(name, "step", measured(page, "step", steps)), flush=True)
    page.locator(".bbp-explorer .bbp-rail").first.focus()
    frames = work_of_frames(page, step_by_keys(page, 2 * count))
    print(line(name, "stepping, work of a frame", frames), flush=True)
    frames = work_of_frames(page, scrub(page, 4 * count))
    print(line(name, "scrubbing, work of a frame", frames), flush=True)
    grown = size_of_notebook(lab) - empty
    print(f"| {name} | the saved notebook grew by {grown / 1e6:.2f} MB | | | |", flush=True)


def size_of_notebook(lab: Lab) -> int:
    """Save the notebook as a reader would, and return its size in bytes."""
    lab.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    lab.page.wait_for_timeout(1000)
    return max(path.stat().st_size for path in lab.server.notebooks.glob("latency_*.ipynb"))


if __name__ == "__main__":
    main()
