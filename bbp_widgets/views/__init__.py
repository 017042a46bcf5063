"""Plain arrays ready to draw: limits, tiles, stops and film frames. No widget, no browser."""

from .details import channels_answer, largest_unit, parts_answer, unit_answer
from .fading import Fading
from .film import Film, film_of, films_key, films_of
from .pictures import as_pictures, pack_thumbnails, thumbnail_png
from .reel import pack_reel
from .shares import Shares, shares_at
from .signals import Line, lines_of, positions_of
from .sources import parts_known
from .still import mime_bundle, still_png, still_svg
from .stops import Stop, levels_of, names_of
from .table import still_csv
from .ticks import round_ticks
from .traces import trace_of
from .triage import anomalies, triage_table
from .wire import canonical, pack, unpack

__all__ = [
    "Fading",
    "Film",
    "Line",
    "Shares",
    "Stop",
    "anomalies",
    "as_pictures",
    "canonical",
    "channels_answer",
    "film_of",
    "films_key",
    "films_of",
    "largest_unit",
    "levels_of",
    "lines_of",
    "mime_bundle",
    "names_of",
    "pack",
    "pack_reel",
    "pack_thumbnails",
    "parts_answer",
    "parts_known",
    "positions_of",
    "round_ticks",
    "shares_at",
    "still_csv",
    "still_png",
    "still_svg",
    "thumbnail_png",
    "trace_of",
    "triage_table",
    "unit_answer",
    "unpack",
]
