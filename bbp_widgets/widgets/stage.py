"""The stage: the one view in which an explorer's films are stepped through (`js/src/widgets/stage.ts`).

Each trait has one writer. What the kernel writes the page only reads, and the other way round: a trait that both
write is overwritten by the newer local move. Films and details are messages, which a saved notebook does not keep.
`docs/film.md` has what is in them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from .going import saying

__all__ = ["MESSAGES", "Stage", "bundle"]

STATIC = Path(__file__).parent.parent / "static"

#: What goes to and fro beside the traits: who says it, and its fields, as TypeScript has them. `?` may be missing.
MESSAGES: dict[str, tuple[str, dict[str, str]]] = {
    "hello": ("page", {}),
    "ask": ("page", {"seq": "number", "question": "Record<string, unknown>"}),
    "upload": ("page", {"seq": "number", "name": "string"}),
    "here": ("kernel", {}),
    "forget": ("kernel", {"sample": "number"}),
    "film": ("kernel", {"bytes": "number"}),
    "detail": ("kernel", {"seq": "number", "bytes?": "number", "error?": "Record<string, unknown>"}),
    "uploaded": ("kernel", {"seq": "number", "sample?": "number", "error?": "Record<string, unknown>"}),
}


def bundle(name: str) -> str:
    """Return a file of the front end as text.

    Raises: ``FileNotFoundError`` where it was not built.
    """
    path = STATIC / name
    if not path.is_file():
        raise FileNotFoundError(
            f"the front end is not built: {path.name} is missing.\n"
            "  In a checkout, run `pip install -e .` (or `make demo`, which does); it builds what js/ holds."
        )
    return path.read_text("utf8")


class Stage(anywidget.AnyWidget):
    """Steps through films: rail, pictures, ledger, feature maps of mass, lanes of rules."""

    key = traitlets.Unicode("", help="Kernel: what other widgets of the page find this one by.").tag(
        sync=True
    )
    setup = traitlets.Dict(
        help="Kernel: what seldom changes: network, classes, samples, rules, uploads, notices."
    ).tag(sync=True)
    thumbs = traitlets.Bytes(help="Kernel: small pictures of the inputs, packed as a film is.").tag(sync=True)
    kept = traitlets.Bytes(
        help="Kernel: films, details and a look for a page without a kernel, packed; mostly empty."
    ).tag(sync=True)
    progress = traitlets.Dict(
        help="Kernel: seq, lane, stage, done and total of the work under way; empty when idle."
    ).tag(sync=True)
    error = traitlets.Dict(
        help="Kernel: seq, lane, title, message and traceback of what went wrong; empty when nothing did."
    ).tag(sync=True)
    put = traitlets.Dict(help="Kernel: seq, and a look or a part of one that Python asked for.").tag(
        sync=True
    )
    request = traitlets.Dict(
        help="Page: seq, sample, target, versus and lanes asked for, and which are wanted."
    ).tag(sync=True)
    shown = traitlets.Dict(help="Page: key and state of a film that it went back to by itself.").tag(
        sync=True
    )
    cancel = traitlets.Int(0, help="Page: seq of the request to cancel.").tag(sync=True)
    look = traitlets.Dict(help="Page: everything that it shows, and seq of the newest put in it.").tag(
        sync=True
    )

    # Given as text: a path would keep every closed widget alive while it is watched for changes.
    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits: object) -> None:
        """Load the front end.

        Raises: ``FileNotFoundError`` where it was not built.
        """
        super().__init__(_esm=bundle("stage.js"), _css=bundle("stage.css"), **traits)

    def send_blob(self, content: dict[str, Any], blob: bytes) -> None:
        """Send a message with one buffer, and how long that is: the page hears what came whole."""
        self.send({**content, "bytes": len(blob)}, [blob])

    def _send(self, msg: Any, buffers: Any = None) -> None:
        with saying() as heard:
            if heard:
                super()._send(msg, buffers)
