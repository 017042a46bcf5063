"""Jupyter widgets on the engine: traits, linking and workers. They draw nothing and compute no arrays."""

from . import panels
from .bars import curve_lines, interval_bars
from .explorer import Explorer
from .fade import Fade
from .lesson import Lesson

__all__ = ["Explorer", "Fade", "Lesson", "curve_lines", "interval_bars", "panels"]
