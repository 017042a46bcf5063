"""See what the biases of a neural network do.

At one input a network is a linear model, target = w·x + b. Bias backpropagation carries b back to the input, node by
node, so that every input feature gets its part of it. The engine does this for PyTorch networks, exactly; the widgets
show it in Jupyter.
"""

from typing import TYPE_CHECKING, Any

from .engine import (
    Attribution,
    LocalModel,
    Step,
    attribute,
    decompose,
    errors,
    linearize,
    rules,
)
from .views import mime_bundle

if TYPE_CHECKING:
    from . import demo, evidence, lessons
    from .widgets import Explorer, Lesson, panels

__version__ = "0.1.0"
__all__ = [
    "Attribution", "Explorer", "Lesson", "LocalModel", "Step", "attribute", "decompose", "demo", "errors", "evidence",
    "lessons", "linearize", "panels", "rules",
]  # fmt: skip

# the engine knows nothing of pictures, so the house joins the two
Attribution._repr_mimebundle_ = mime_bundle  # type: ignore[attr-defined]


def __getattr__(name: str) -> Any:
    """Import the widgets, the embedded networks, the evidence and the lessons when they are first asked for."""
    if name in ("Explorer", "Lesson"):
        from . import widgets

        return getattr(widgets, name)
    if name in ("demo", "evidence", "lessons", "panels"):
        import importlib

        return importlib.import_module(".widgets.panels" if name == "panels" else f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
