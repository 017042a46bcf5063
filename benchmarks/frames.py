"""How long the page's main thread works for each frame, read from the browser's own trace.

`latency.py` uses it. A frame's work is every task of the main thread since the frame before: events, scripts, style,
layout, paint and commit, of the whole notebook. It is the thread's own time where the browser tells that, so that other
programs do not count.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

#: Milliseconds between two moves of a hand: about one a frame.
BEAT = 16
TRACED = ["-*", "devtools.timeline", "disabled-by-default-devtools.timeline"]


def work_of_frames(page: Page, act: Callable[[], None]) -> list[float]:
    """Return the milliseconds of work for each frame that was made while ``act`` ran, and a moment after."""
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, categories=TRACED)
    act()
    page.wait_for_timeout(250)
    return of_trace(json.loads(browser.stop_tracing())["traceEvents"])


def of_trace(events: list[dict[str, Any]]) -> list[float]:
    """Return the work for each frame of a trace, in milliseconds: a frame ends with the task that commits it."""
    threads: dict[tuple[int, int], dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for event in events:
        if event["ph"] == "X" and event["name"] in ("RunTask", "Commit"):
            threads[event["pid"], event["tid"]][event["name"]].append(event)
    # of several pages the one that makes the frames
    busiest = max(threads.values(), key=lambda thread: len(thread["Commit"]))
    commits = sorted(event["ts"] for event in busiest["Commit"])
    frames, work = [], 0.0
    for task in sorted(busiest["RunTask"], key=lambda task: task["ts"]):
        work += task.get("tdur", task["dur"]) / 1000
        made = [at for at in commits if at < task["ts"] + task["dur"]]
        if made:
            commits = commits[len(made) :]
            frames.append(work)
            work = 0.0
    return frames


def step_by_keys(page: Page, steps: int) -> Callable[[], None]:
    """Return what steps toward the input and back again, a key every second frame: as fast as a key repeats."""

    def act() -> None:
        for i in range(steps):
            page.keyboard.press("ArrowLeft" if i < steps // 2 else "ArrowRight")
            page.wait_for_timeout(2 * BEAT)

    return act


def scrub(page: Page, moves: int) -> Callable[[], None]:
    """Return what drags the cursor along the whole rail and back."""
    box = page.locator(".bbp-explorer .bbp-rail").first.bounding_box()
    assert box is not None
    left, right, y = box["x"] + 60, box["x"] + box["width"] - 60, box["y"] + box["height"] / 2

    def act() -> None:
        page.mouse.move(right, y)
        page.mouse.down()
        for i in range(moves):
            part = 1 - abs(2 * i / (moves - 1) - 1)
            page.mouse.move(right + (left - right) * part, y)
            page.wait_for_timeout(BEAT)
        page.mouse.up()

    return act
