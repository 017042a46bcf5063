"""Widgets in one file that needs neither a kernel nor a network: any that are a module, a style sheet and traits."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import anywidget
import ipywidgets

__all__ = ["OfflineView", "offline_page"]

_PAGE = Path(__file__).with_name("offline.html")
#: What would end a script, or begin a comment in one; JSON knows them by other names too.
_UNSAFE = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


@dataclass(frozen=True)
class OfflineView:
    """One widget of a page: an ES module that exports ``render``, its style sheet, and its traits as they shall be.

    A trait is plain data or bytes. The model that ``render`` gets has no ``send``: there is nobody to hear.
    """

    module: str = field(repr=False)
    css: str = field(repr=False)
    traits: dict[str, Any]
    class_name: str = ""

    @classmethod
    def of(cls, widget: anywidget.AnyWidget, class_name: str = "", **traits: Any) -> OfflineView:
        """Return a widget as it is now, but with these traits."""
        common = {*ipywidgets.DOMWidget.class_trait_names(sync=True)}
        names = [name for name in widget.keys if name not in common and not name.startswith("_")]
        held = {**{name: getattr(widget, name) for name in names}, **traits}
        return cls(widget._esm, widget._css, held, class_name)


def offline_page(
    views: Sequence[OfflineView], *, title: str = "", words: str = "", picture: bytes | None = None
) -> str:
    """Return an HTML page of these views, one below another.

    ``words`` and ``picture`` (a PNG) are what a reader without scripts sees. Names and words are text wherever they
    come from: nothing of them is read as HTML.
    """
    modules, styles = _distinct(view.module for view in views), _distinct(view.css for view in views)
    page = {
        "modules": modules,
        "styles": styles,
        "views": [
            {
                "module": modules.index(view.module),
                "css": styles.index(view.css),
                "className": view.class_name,
                "traits": {name: value for name, value in view.traits.items() if not _is_bytes(value)},
                "bytes": {name: _packed(value) for name, value in view.traits.items() if _is_bytes(value)},
            }
            for view in views
        ],
    }
    image = (
        ""
        if picture is None
        else f'<img alt="" src="data:image/png;base64,{base64.b64encode(picture).decode()}">'
    )
    return Template(_PAGE.read_text("utf8")).substitute(
        title=escape(title), words=escape(words), picture=image, page=_json(page)
    )


def _distinct(texts: Any) -> list[str]:
    return list(dict.fromkeys(texts))


def _is_bytes(value: Any) -> bool:
    return isinstance(value, (bytes, bytearray, memoryview))


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(bytes(data), 6, mtime=0)).decode("ascii")


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).translate(_UNSAFE)
