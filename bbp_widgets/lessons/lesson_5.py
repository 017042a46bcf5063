"""Lesson 5: convolutions; feature maps of mass, padding and pooling, on digits."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from bbp_widgets import Explorer, demo

TITLE = "A network that reads digits"
HIDE = ("controls", "flow", "triage", "classes")


def network() -> nn.Module:
    """Give the embedded network of five convolutions."""
    return demo.digits().network


def inputs() -> Tensor:
    """Give three digits that it was not trained on: zero, one and two."""
    return demo.digits().inputs[:3]


def explorer() -> Explorer:
    """Give an explorer of the three digits."""
    digits = demo.digits()
    return Explorer(
        digits.network, digits.inputs[:3], classes=digits.classes, labels=digits.labels[:3].tolist(),
        pictures=digits.pictures[:3], rules=["proportional"],
    )  # fmt: skip


NUMBERS = {
    "side": 8.0, "window": 9.0, "corner": 4.0, "edge": 6.0, "max_cell": 4.0, "max_gets": 1.0, "pool_side": 4.0,
    "mean_cells": 16.0, "value": 6.83, "wx": 1.22, "b": 5.61, "channels": 24.0,
    "first_norm_adds": 5.81, "second_norm_adds": 1.77, "channel": 15.0, "channel_mass": 2.36,
    "row": 5.0, "column": 2.0, "pixel_bias": 0.31, "one_value": 7.85, "one_b": 0.48, "one_negative": -3.74,
    "one_positive": 6.94,
}  # fmt: skip

STEPS: list[dict[str, Any]] = [
    {
        "text": "Pictures of handwritten digits, {side} by {side} pixels, and a trained network of five convolutions. This one "
        "is a zero, and the target is its score for *zero*.\n\nBefore the walk, three things to do by hand.",
        "look": {"sample": 0, "step": "output"},
        "highlight": "pictures",
        "hide": ["maps", "unit"],
    },
    {
        "text": "**Convolution.** A window of three by three pixels feeds one unit, so the unit shares its mass among "
        "{window} pixels. Around the picture the window hangs over into **padding**: zeros that are no input. They "
        "get nothing, also by the rule *uniform*.",
        "hide": ["maps", "unit", "rail", "ledger"],
        "question": {
            "kind": "number",
            "ask": "Among how many pixels does a unit in the corner share?",
            "answer": "{corner}",
            "right": "On an edge it is {edge}.",
            "wrong": "Of three by three only two by two lie in the picture: {corner}. On an edge it is {edge}.",
        },
    },
    {
        "text": "**Max pooling** takes the largest of {max_cell} values. At this input its output *is* that value.",
        "hide": ["maps", "unit", "rail", "ledger"],
        "question": {
            "kind": "number",
            "ask": "Among how many of the {max_cell} is the mass shared?",
            "answer": "{max_gets}",
            "right": "No rule is asked: the largest gets it all.",
            "wrong": "The output does not depend on the others, as long as they stay smaller. The largest gets it all.",
        },
    },
    {
        "text": "**Mean pooling** makes one number of a whole map. Here the maps are {pool_side} by {pool_side} by then.",
        "hide": ["maps", "unit", "rail", "ledger"],
        "question": {
            "kind": "number",
            "ask": "Among how many places is the mass of one channel shared?",
            "answer": "{mean_cells}",
            "right": "By the rule: *proportional* gives more to larger values.",
            "wrong": "{pool_side} times {pool_side}.",
        },
    },
    {
        "text": "Now the walk. The score is {value}, w·x is {wx} and b is {b}: most of this answer is bias.\n\n"
        "Go along the rail with the **arrow keys** and watch the bars.",
        "look": {"step": "output"},
        "highlight": "rail",
        "hide": ["maps", "unit", "pictures"],
        "question": {
            "kind": "layer",
            "ask": "Which layer adds the most?",
            "answer": "block1.bn1",
            "right": "A batch norm, with {first_norm_adds}. The convolutions have no bias of their own here.",
            "wrong": "`block1.bn1`, a batch norm, with {first_norm_adds}; the next one is `block2.bn2` with {second_norm_adds}.",
        },
    },
    {
        "text": "Each tile below is one of the {channels} channels of this layer: the mass that waits in it, place by place. They "
        "are sorted by mass, the largest first. Orange adds to the score, blue takes away.",
        "look": {"step": "block1.bn1", "panel": "maps", "tensor": "mass", "sort": "mass"},
        "highlight": "maps",
        "hide": ["pictures", "unit"],
        "question": {
            "kind": "number",
            "ask": "What is the number of the channel with the most mass?",
            "answer": "{channel}",
            "tolerance": 0.0,
            "right": "It holds {channel_mass}.",
            "wrong": "It stands first, and holds {channel_mass}.",
        },
    },
    {
        "text": "On to the input. On the left is the digit with the mass over it, then w ⊙ x, then the bias attribution. Pick a pixel "
        "in the map below, or type its place; rows and columns count from zero.",
        "look": {"step": "input", "scale": "each"},
        "highlight": "pictures",
        "hide": ["unit"],
        "question": {
            "kind": "pixel",
            "ask": "Which pixel gets the most bias?",
            "answer": ["{row}", "{column}"],
            "tolerance": 0,
            "right": "It gets {pixel_bias} of {b}. It lies on the stroke.",
            "wrong": "It gets {pixel_bias} of {b}. It lies on the stroke.",
        },
    },
    {
        "text": "The next digit, a one: its score is {one_value}, and b is only {one_b}.",
        "look": {"sample": 1, "step": "input", "unit": None},
        "highlight": "rail",
        "hide": ["maps", "unit"],
        "question": {
            "kind": "choice",
            "ask": "So biases hardly matter for this digit?",
            "choices": [
                "Right: b is nearly nothing.",
                "They do: large masses of both signs nearly cancel.",
                "One cannot tell from b.",
            ],
            "answer": "They do: large masses of both signs nearly cancel.",
            "right": "One layer takes {one_negative}, another gives {one_positive}: the walk shows what the sum hides.",
            "wrong": "Look at the bars: one layer takes {one_negative}, another gives {one_positive}, and the sum hides it.",
        },
    },
    {
        "text": "What to take along:\n\nMass is shared over the real pixels of a window, and nothing goes into the padding.\n"
        "Max pooling hands it on, mean pooling shares it.\n"
        "A small b can be the sum of large masses.\n\n"
        "In the notebook, the next cell has shapes that you can move: watch the bias follow.",
        "hide": ["maps", "unit"],
    },
]  # fmt: skip
