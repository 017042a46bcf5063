"""A shape that can be moved: sliders for the picture, an explorer for what the biases make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets
from PIL import ImageColor

from .drawing import SHAPES, SIDE, Colour, draw

if TYPE_CHECKING:
    from bbp_widgets import Explorer

    from . import Demo

__all__ = ["Playground"]


class Playground(ipywidgets.VBox):
    """Draws one shape, and explains what the network sees in it; each move of a slider computes it anew.

    The sliders are attributes: link them, or set ``playground.x.value = 20`` from Python.
    """

    def __init__(self, demo: Demo, explorer: Explorer | None = None, **options: Any) -> None:
        """Explain drawings for ``demo``; ``options`` are those of ``bbp.Explorer``, unless one is given."""
        from bbp_widgets import Explorer

        def slider(name: str, value: float, least: float, most: float, step: float) -> ipywidgets.FloatSlider:
            return ipywidgets.FloatSlider(
                value=value, min=least, max=most, step=step, description=name, readout_format=".4g"
            )

        self._demo = demo
        self.shape = ipywidgets.Dropdown(options=SHAPES, value="square", description="shape")
        self.x = slider("x", SIDE / 2, 0, SIDE, 1)
        self.y = slider("y", SIDE / 2, 0, SIDE, 1)
        self.size = slider("size", 18, 4, 30, 0.5)
        self.rotation = slider("rotation", 0, 0, 360, 5)
        self.noise = slider("noise", 0.04, 0, 0.3, 0.01)
        self.colour = ipywidgets.ColorPicker(value="#f58c2e", description="colour")
        self.background = ipywidgets.ColorPicker(value="#1f2b47", description="background")
        self.sliders = (self.x, self.y, self.size, self.rotation, self.noise)
        picture = self.picture()
        self.explorer = explorer or Explorer(
            demo.network, demo.prepare(picture), classes=demo.classes, pictures=picture[None], **options
        )
        tools = (self.shape, *self.sliders, self.colour, self.background)
        for tool in tools:
            tool.observe(self._on_move, names=["value"])
        box = ipywidgets.Box(tools, layout=ipywidgets.Layout(flex_flow="row wrap"))
        super().__init__([box, self.explorer])
        if explorer is not None:
            self._on_move(None)

    def picture(self) -> Any:
        """Return the picture that is drawn now, (64, 64, 3) from 0 to 255."""
        return draw(
            self.shape.value, x=self.x.value, y=self.y.value, size=self.size.value, rotation=self.rotation.value,
            colour=_rgb(self.colour.value), background=_rgb(self.background.value), noise=self.noise.value,
        )  # fmt: skip

    def _on_move(self, change: Any) -> None:
        picture = self.picture()
        self.explorer.show(self._demo.prepare(picture), picture=picture)


def _rgb(text: str) -> Colour:
    """Read a colour as a picker writes it, or a person."""
    red, green, blue = (part / 255 for part in ImageColor.getrgb(text)[:3])
    return red, green, blue
