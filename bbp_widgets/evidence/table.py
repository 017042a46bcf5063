"""A table of texts, for a terminal and for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Table"]


@dataclass(frozen=True)
class Table:
    """Rows of texts under their heads, the first column a name; ``notes`` are lines below.

    ``str(table)`` is what a terminal shows. In a notebook everything is written as text, whatever it holds.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        lines = [self.heads, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.heads))]
        text = [
            "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines
        ]
        return "\n".join([*(line.rstrip() for line in text), *self.notes])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        def cells(line: Sequence[str], tag: str) -> str:
            sides = ["left", *["right"] * (len(line) - 1)]
            return "".join(
                f'<{tag} style="text-align: {side}">{escape(cell)}</{tag}>'
                for cell, side in zip(line, sides, strict=True)
            )

        rows = "".join(f"<tr>{cells(line, 'td')}</tr>" for line in self.rows)
        notes = "".join(f"<div>{escape(note)}</div>" for note in self.notes)
        return f"<table><thead><tr>{cells(self.heads, 'th')}</tr></thead><tbody>{rows}</tbody></table>{notes}"
