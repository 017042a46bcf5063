"""bqplot panels beside an explorer, linked to it by traits: ``bbp.panels``."""

from .panel import Panel
from .parts import PartsPanel
from .residual import ResidualPanel
from .rules import RuleScatter
from .shares import ShareHistogram

__all__ = ["Panel", "PartsPanel", "ResidualPanel", "RuleScatter", "ShareHistogram"]
