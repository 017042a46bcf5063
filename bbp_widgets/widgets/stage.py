"""The stage: the one view in which an explorer's film is stepped through (`js/src/widgets/stage.ts`).

Each trait has one writer. What the kernel writes the page only reads, and the other way round: a trait that both
write is overwritten by the newer local move.
"""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

__all__ = ["Stage"]

STATIC = Path(__file__).parent.parent / "static"


def _bundle(name: str) -> str:
    path = STATIC / name
    if not path.is_file():
        raise FileNotFoundError(
            f"the front end is not built: {path.name} is missing.\n"
            "  In a checkout, run `pip install -e .` (or `make demo`, which does); it builds what js/ holds."
        )
    return path.read_text("utf8")


class Stage(anywidget.AnyWidget):
    """Steps through a film: rail, pictures, ledger and feature maps of mass."""

    setup = traitlets.Dict(
        help="Kernel: what does not change: network, classes, samples, rules, notices."
    ).tag(sync=True)
    thumbs = traitlets.Bytes(help="Kernel: small pictures of the inputs, packed as a film is.").tag(sync=True)
    film = traitlets.Bytes(help="Kernel: the newest film.").tag(sync=True)
    progress = traitlets.Dict(
        help="Kernel: seq, stage, done and total of the work under way; empty when idle."
    ).tag(sync=True)
    error = traitlets.Dict(
        help="Kernel: seq, title, message and traceback of what went wrong; empty when nothing did."
    ).tag(sync=True)
    jump = traitlets.Dict(help="Kernel: seq and step of a step that Python asked for.").tag(sync=True)
    request = traitlets.Dict(help="Page: seq, sample, target, versus, rule and parameters asked for.").tag(
        sync=True
    )
    shown = traitlets.Dict(
        help="Page: key, sample, target, versus, rule and parameters of a film it went back to by itself."
    ).tag(sync=True)
    cancel = traitlets.Int(0, help="Page: seq of the request to cancel.").tag(sync=True)
    step = traitlets.Int(0, help="Page: the frame it rests on.").tag(sync=True)

    # Given as text: a path would keep every closed widget alive while it is watched for changes.
    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits: object) -> None:
        """Load the front end.

        Raises: ``FileNotFoundError`` where it was not built.
        """
        super().__init__(_esm=_bundle("stage.js"), _css=_bundle("stage.css"), **traits)
