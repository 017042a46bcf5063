"""The still picture that a notebook keeps of an explorer: seen where there is no kernel to show the widget.

A notebook that is opened again without its kernel shows of a widget nothing but an error, whatever else is in the
same output. So the still is an output of its own below the widget's: it is hidden while the widget is there, and hides
that error where it is not.
"""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable
from html import escape
from typing import Any

from PIL import Image

from bbp_widgets.engine import Attribution
from bbp_widgets.views import still_png

__all__ = ["Still", "small_png"]

#: What a still may add to a notebook, before it is written in base64.
MOST_BYTES = 300_000
#: Seconds of rest after which the still is drawn anew.
_REST = 3.0
_WIDE = 1000


class Still:
    """Keeps one output up to date, a while after the last change."""

    def __init__(self, name: str, draw: Callable[[], None]) -> None:
        """``name`` tells this still from others in the page; ``draw`` is called when it is time to ``update``."""
        self._name, self._draw = name, draw
        self._handles: list[Any] = []
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._html = _page(name, "")

    @property
    def live_class(self) -> str:
        """The class of the widget that hides this still."""
        return f"bbp-live-{self._name}"

    def display(self) -> None:
        """Show the still as an output of its own."""
        from IPython.display import display

        handle = display(self._bundle(""), raw=True, display_id=True)
        if handle is not None:
            self._handles.append(handle)
            self.touch(0.0)

    def touch(self, rest: float = _REST) -> None:
        """Say that something else is shown: the still is drawn after ``rest`` seconds without another change."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if not self._handles:
                return
            self._timer = threading.Timer(rest, self._draw)
            self._timer.daemon = True
            self._timer.name = f"bbp-explorer-still-{self._name}"
            self._timer.start()

    def update(self, picture: bytes, words: str) -> None:
        """Put a picture and words into the output."""
        wide = int.from_bytes(picture[16:20], "big")  # a PNG's own width; a large one has two pixels for one
        size = f"width:min(100%,{wide // 2 if wide > _WIDE else wide}px)"
        html = _page(self._name, f'<img alt="{escape(words)}" style="{size}" src="{_address(picture)}">')
        if html == self._html:
            return
        self._html = html
        for handle in self._handles:
            handle.update(self._bundle(words), raw=True)

    def close(self) -> None:
        """Leave the output as it is."""
        with self._lock:
            self._handles = []
            if self._timer is not None:
                self._timer.cancel()

    def _bundle(self, words: str) -> dict[str, str]:
        return {"text/html": self._html, "text/plain": words}


def small_png(attribution: Attribution, **shown: Any) -> bytes:
    """Return a still of at most ``MOST_BYTES``: with fewer colours and pixels where it has more."""
    picture = b""
    for scale in (2, 1):
        picture = still_png(attribution, **shown, scale=scale)
        if len(picture) <= MOST_BYTES:
            return picture
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    while len(picture) > MOST_BYTES:
        buffer = io.BytesIO()
        image.quantize(128).save(buffer, "PNG", optimize=True)
        picture = buffer.getvalue()
        image = image.reduce(2)
    return picture


def _page(name: str, inside: str) -> str:
    still = f"bbp-still-{name}"
    live = f":root:has(.bbp-live-{name})"
    child = ".jp-OutputArea-child"
    hidden = [f"{live} .{still}", f"{live} {child}:has(.{still})"]
    if (
        inside
    ):  # what JupyterLab says in the place of a widget without a model: text alone, in the output just before
        hidden.append(f"{child}:has(+ {child} .{still}) > .jupyter-widgets:not(:has(.lm-Widget))")
    return f'<style>{",".join(hidden)}{{display:none}}</style><div class="bbp-still {still}">{inside}</div>'


def _address(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}"
