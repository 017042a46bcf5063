"""Lesson 5: convolutions; feature maps of mass, padding and pooling, on digits and on a shape."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from bbp_widgets import Explorer, demo

TITLE = "Convolutions on digits and shapes"
HIDE = ("controls", "flow", "triage", "classes")
#: Which picture of the shapes is the square.
SQUARE = 1
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def network() -> nn.Module:
    """Give the embedded network of five convolutions that reads digits."""
    return demo.digits().network


def inputs() -> Tensor:
    """Give three digits that it was not trained on: zero, one and two."""
    return demo.digits().inputs[:3]


def shapes_network() -> nn.Module:
    """Give the embedded network of nine convolutions that names shapes."""
    return demo.shapes().network


def shape() -> Tensor:
    """Give a square that it was not trained on."""
    return demo.shapes().inputs[SQUARE : SQUARE + 1]


def digits() -> Explorer:
    """Give an explorer of the three digits."""
    held = demo.digits()
    return Explorer(
        held.network, held.inputs[:3], classes=NAMES, labels=held.labels[:3].tolist(),
        pictures=held.pictures[:3], rules=["proportional"],
    )  # fmt: skip


def shapes() -> Explorer:
    """Give an explorer of the square."""
    held, only = demo.shapes(), slice(SQUARE, SQUARE + 1)
    return Explorer(
        held.network, held.inputs[only], classes=held.classes, labels=held.labels[only].tolist(),
        pictures=held.pictures[only], rules=["proportional"],
    )  # fmt: skip


def explorer() -> dict[str, Explorer]:
    """Give both: the lesson goes from one to the other."""
    return {"digits": digits(), "shapes": shapes()}


NUMBERS = {
    "side": 8.0, "window": 9.0, "corner": 4.0, "edge": 6.0, "max_cell": 4.0, "max_gets": 1.0, "pool_side": 4.0,
    "mean_cells": 16.0, "value": 6.83, "wx": 1.22, "b": 5.61, "channels": 24.0,
    "first_norm_adds": 5.81, "second_norm_adds": 1.77, "channel": 15.0, "channel_mass": 2.36,
    "row": 5.0, "column": 2.0, "pixel_bias": 0.31, "one_value": 7.85, "one_b": 0.48, "one_negative": -3.74,
    "one_positive": 6.94,
    "large_side": 64.0, "square_value": 5.78, "square_wx": -0.13, "square_b": 5.90, "takes": -0.53, "gives": 2.08,
    "unit_channel": 9, "unit_row": 9, "unit_column": 4, "unit_mass": 0.22, "map_side": 16.0,
    "last_side": 8.0, "last_places": 64.0, "clean": 4.0, "middle_windows": 9.0, "corner_windows": 4.0,
    "quarter": 25.0, "square_row": 39.0, "square_column": 21.0, "square_pixel_bias": 0.09,
}  # fmt: skip

STEPS: list[dict[str, Any]] = [
    {
        "text": "Pictures of handwritten digits, {side} by {side} pixels, and a trained network of five convolutions. This one "
        "is a zero, and the target is its score for *zero*.\n\nBefore the walk, two things to know.",
        "look": {"sample": 0, "step": "output"},
        "highlight": "pictures",
        "hide": ["maps", "unit", "rail", "ledger"],
    },
    {
        "text": "**Convolution.** A unit is a weighted sum of a window of three by three pixels. The window goes over the whole "
        "picture with the same weights, and the units make a picture again: a *map*, or **channel**. On the walk back a unit shares "
        "its mass among the {window} pixels of its window.\n\n"
        "Around the picture the window hangs over into **padding**: zeros that are no input. They get nothing, also by the rule "
        "*uniform*.",
        "hide": ["maps", "unit", "rail", "ledger", "pictures"],
        "question": {
            "kind": "number",
            "ask": "Among how many pixels does a unit in the corner share?",
            "answer": "{corner}",
            "right": "On an edge it is {edge}.",
            "wrong": "Of three by three only two by two lie in the picture. On an edge it is {edge}.",
        },
    },
    {
        "text": "**Mean pooling** makes one number of a whole map, its mean. Here the maps are {pool_side} by {pool_side} by then: the mass "
        "of one channel is shared among all {mean_cells} places of its map, and the rule *proportional* gives more to larger values.",
        "hide": ["maps", "unit", "rail", "ledger", "pictures"],
    },
    {
        "text": "Now the walk. The score is {value}, w·x is {wx} and b is {b}: most of this answer is bias.\n\n"
        "Go along the rail with the **arrow keys** and watch the bars.",
        "look": {"step": "output"},
        "highlight": "rail",
        "hide": ["maps", "unit", "pictures", "ledger"],
        "question": {
            "kind": "layer",
            "ask": "Which layer adds the most?",
            "answer": "block1.bn1",
            "right": "It adds {first_norm_adds}. It is a *batch norm*, of which lesson six tells; the convolutions have no bias here.",
            "wrong": "It adds {first_norm_adds}; the next one is `block2.bn2` with {second_norm_adds}. Both are a *batch norm*, of which "
            "lesson six tells.",
        },
    },
    {
        "text": "Each tile below is one of the {channels} channels of this layer: the mass that waits in it, place by place. Orange "
        "adds to the score, blue takes away. Below a tile stand its number, grey, and the sum of its mass.\n\n"
        "They are sorted by mass whatever its sign, the largest first: where orange and blue cancel, the sum is small all the same.",
        "look": {"step": "block1.bn1", "panel": "maps", "tensor": "mass", "sort": "mass"},
        "highlight": "maps",
        "hide": ["pictures", "unit", "rail", "ledger"],
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
        "text": "On to the input. On the left is the digit with the mass over it, then w ⊙ x, then the bias attribution.\n\n"
        "**Click a pixel** in any of the pictures, then answer. Or stay with the keys: the **arrows** go from pixel to pixel, "
        "**Enter** picks one, and Enter once more is your answer. Rows and columns count from zero.",
        "look": {"step": "input", "scale": "each"},
        "highlight": "pictures",
        "hide": ["maps", "unit", "rail", "ledger"],
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
            "right": "One layer adds {one_negative}, another {one_positive}: the walk shows what the sum hides.",
            "wrong": "Look at the bars: one layer adds {one_negative}, another {one_positive}, and their sum hides both.",
        },
    },
    {
        "text": "Now a larger network: nine convolutions, which name a shape in a picture of {large_side} by {large_side} pixels "
        "in colour. Its score for *square* is {square_value}: w·x is {square_wx}, b is {square_b}.\n\n"
        "Where a bar has no number, go to it: the ledger says what the layer adds.",
        "explorer": "shapes",
        "look": {"step": "output"},
        "highlight": "rail",
        "hide": ["maps", "unit"],
        "question": {
            "kind": "layer",
            "ask": "Blue bars take away. Which layer takes the most (is the most negative)?",
            "answer": "block3.bn2",
            "right": "It adds {takes}, and right after it on the walk `block3.bn1` adds {gives}: of both signs here, too.",
            "wrong": "It adds {takes}; right after it on the walk `block3.bn1` adds {gives}.",
        },
    },
    {
        "text": "A map of mass is a picture, too. At this layer each has {map_side} by {map_side} places. In some the square is a "
        "hole: there the ReLU behind is closed, and what is closed gets no mass. In others its outline holds the most.",
        "look": {"step": "block2.bn2", "tensor": "mass", "sort": "mass"},
        "highlight": "maps",
        "hide": ["unit", "rail", "ledger"],
        "question": {
            "kind": "unit",
            "ask": "Look for the orange that stands out most: which unit has the most mass? Click it, or type channel, row, column.",
            "answer": {"frame": "block2.bn2", "at": ["{unit_channel}", "{unit_row}", "{unit_column}"]},
            "right": "It holds {unit_mass}, and lies at a corner of the square. The box in the picture is what it sees.",
            "wrong": "It is in channel {unit_channel}, row {unit_row}, column {unit_column}, and holds {unit_mass}. The box in the "
            "picture is what it sees.",
        },
    },
    {
        "text": "The **padding** gets no mass, but it leaves a trace. The first map here is weaker toward its border: a unit in "
        "the middle stands in {middle_windows} windows of the next convolution, one in the corner in only {corner_windows}.\n\n"
        "And the zeros are seen from far: each convolution carries their trace one place further in, and each halving of "
        "the map makes a place twice as wide.",
        "look": {"step": "block3.bn1", "unit": None},
        "highlight": "maps",
        "hide": ["unit", "rail", "pictures", "ledger"],
        "question": {
            "kind": "choice",
            "ask": "The last maps have {last_side} by {last_side} places. Which of these {last_places} see nothing but the picture?",
            "choices": [
                "All but the outermost ring.",
                "Only the {clean} in the middle.",
                "None of them.",
            ],
            "answer": "Only the {clean} in the middle.",
            "right": "All others see some padding, though the picture is {large_side} pixels wide.",
            "wrong": "The padding is seen one ring further in with every convolution, and the maps are halved three times.",
        },
    },
    {
        "text": "**Max pooling** takes the largest of {max_cell} values. At this input its output *is* that value, so no rule is "
        "asked: the largest gets all of the mass, the others nothing. Here the mass has just gone through the pooling: it stands in "
        "single places. One step back on the rail, at `shrink`, the maps were half as wide and fuller.",
        "look": {"step": "stem.relu", "level": "ops"},
        "highlight": "maps",
        "hide": ["unit", "pictures", "ledger"],
        "question": {
            "kind": "number",
            "ask": "At most how many percent of the places of such a map can hold mass?",
            "answer": "{quarter}",
            "right": "One of every {max_cell}. It is less where the ReLU behind had closed.",
            "wrong": "One of every {max_cell}: {quarter}. It is less where the ReLU behind had closed.",
        },
    },
    {
        "text": "And at the input: the mass over the square.\n\n**Click a pixel**, or go there with the **arrow keys** (with "
        "**Shift** ten at once) and press **Enter** twice. One pixel beside counts as right.",
        "look": {"step": "input", "level": "layers", "scale": "each"},
        "highlight": "pictures",
        "hide": ["maps", "unit", "rail", "ledger"],
        "question": {
            "kind": "pixel",
            "ask": "Which pixel gets the most bias?",
            "answer": ["{square_row}", "{square_column}"],
            "tolerance": 1,
            "right": "It gets {square_pixel_bias} of {square_b}: a corner of the square, where the largest unit was, too.",
            "wrong": "It is in row {square_row}, column {square_column}, and gets {square_pixel_bias} of {square_b}: a corner of the square, "
            "where the largest unit was, too.",
        },
    },
    {
        "text": "What to take along:\n\nMass is shared over the real pixels of a window, and nothing goes into the padding; but "
        "the padding is seen from deep inside.\nMax pooling hands mass on to one, mean pooling shares it.\n"
        "A small b can be the sum of large masses.\n\n"
        "In the notebook, the next cell has a shape that you can move: watch the bias follow.",
        "hide": ["maps", "unit"],
    },
]  # fmt: skip
