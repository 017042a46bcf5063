"""Jupyter widgets on the engine: traits, linking and workers. They draw nothing and compute no arrays."""

from . import panels
from .explorer import Explorer

__all__ = ["Explorer", "panels"]
