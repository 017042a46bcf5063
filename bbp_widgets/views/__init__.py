"""Plain arrays ready to draw: limits, tiles, stops and film frames. No widget, no browser."""

from .film import Film, film_of, films_key
from .pictures import as_pictures, pack_thumbnails
from .still import mime_bundle, still_svg
from .stops import Stop, stops_of
from .ticks import round_ticks
from .wire import pack, unpack

__all__ = [
    "Film",
    "Stop",
    "as_pictures",
    "film_of",
    "films_key",
    "mime_bundle",
    "pack",
    "pack_thumbnails",
    "round_ticks",
    "still_svg",
    "stops_of",
    "unpack",
]
