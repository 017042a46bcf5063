"""The main job without a screen: ``python -m bbp_widgets.demo.show`` prints a ledger and writes a still picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from torch import Tensor

import bbp_widgets as bbp
from bbp_widgets.demo import shapes
from bbp_widgets.views import still_svg

__all__ = ["show"]


def show(picture: Path, sample: int = 0) -> str:
    """Explain one embedded picture: write the still to ``picture``, return its ledger and what it says in words."""
    demo = shapes()
    x = demo.inputs[sample : sample + 1]
    result = bbp.attribute(demo.network, x)
    still = still_svg(result, classes=demo.classes, pictures=demo.pictures[sample : sample + 1])
    picture.write_text(still, encoding="utf-8")
    target = result.local.target
    assert target is not None
    bias = result.bias
    assert isinstance(bias, Tensor)
    value, b = float(result.value[0]), float(result.local.b[0])
    held_out, labels = demo.held_out(400)
    parts = bbp.decompose(demo.network, held_out)
    right = {
        name: f"{(part.argmax(1) == labels).double().mean():.1%}" for name, part in parts._asdict().items()
    }
    return "\n".join(
        [
            f'picture {sample + 1} of the embedded shapes, explained for "{demo.classes[int(target[0])]}",'
            f" rule {result.rule}:",
            "",
            result.ledger.table(),
            "",
            f"target {value:.6f} = w·x {value - b:.6f} + b {b:.6f};"
            f" the bias attribution adds up to {float(bias.double().sum()):.6f}, the rest is rounding.",
            f"{len(labels)} fresh pictures named right: {right['output']} by the network,"
            f" {right['gradient']} by w·x alone, {right['bias']} by b alone.",
            f"still picture: {picture}",
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--picture", type=Path, default=Path("bias_of_a_shape.svg"), help="where to write the still"
    )
    print(show(parser.parse_args().picture))
