"""bqplot panels beside an explorer, linked to it by traits: ``bbp.panels``."""

from .panel import Panel
from .parts import PartsPanel

__all__ = ["Panel", "PartsPanel"]
