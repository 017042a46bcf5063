"""Lesson 2: one ReLU, two linear pieces, and where b comes from."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn

from bbp_widgets import Explorer

TITLE = "One ReLU: two linear pieces"
HIDE = ("controls", "flow", "triage", "classes")


def network() -> nn.Module:
    """Give y = 1.5 · relu(2x − 2) + 1."""
    first, last = nn.Linear(1, 1), nn.Linear(1, 1)
    with torch.no_grad():
        for layer, weight, bias in ((first, 2.0, -2.0), (last, 1.5, 1.0)):
            layer.weight.fill_(weight)
            layer.bias.fill_(bias)
    return nn.Sequential(OrderedDict(first=first, relu=nn.ReLU(), last=last)).eval()


def inputs() -> Tensor:
    """Give three inputs: two on one piece, one on the other."""
    return torch.tensor([[3.0], [2.0], [0.5]])


def explorer() -> Explorer:
    """Give an explorer of the three."""
    return Explorer(network(), inputs(), classes=["y"], features=["x"], rules=["proportional"])


NUMBERS = {
    "w1": 2.0, "size_b1": 2.0, "b1": -2.0, "w2": 1.5, "b2": 1.0, "x": 3.0, "inner": 4.0, "y": 7.0,
    "w": 3.0, "wx": 9.0, "b": -2.0, "size_b": 2.0, "first_adds": -3.0,
    "x_two": 2.0, "y_two": 4.0, "b_two": -2.0, "x_low": 0.5, "inner_low": -1.0, "y_low": 1.0, "w_low": 0.0, "b_low": 1.0,
    "fold": 1.0, "nothing": 0.0,
}  # fmt: skip

STEPS: list[dict[str, Any]] = [
    {
        "text": "Two layers with a ReLU between them, one number in and one out:\n"
        "`y = {w2} · relu({w1}x − {size_b1}) + {b2}`\n\n"
        "The inner layer is called `first`: `{w1}x − {size_b1}`. The outer one is `last`.\n\n"
        "Between them a **ReLU** lets what is positive through as it is: then it is *open*. Of all else it makes {nothing}: it is "
        "*closed*.",
        "look": {"sample": 0, "step": "output"},
        "hide": ["maps", "unit", "rail", "ledger", "pictures"],
    },
    {
        "text": "`y = {w2} · relu({w1}x − {size_b1}) + {b2}`\n\n"
        "Work it out for x = {x}, from the inside: `first`, then the ReLU, then `last`.",
        "hide": ["maps", "unit", "rail", "ledger", "pictures"],
        "question": {
            "kind": "number",
            "ask": "What is y?",
            "answer": "{y}",
            "right": "The ReLU lets {inner} through.",
            "wrong": "{w1} · {x} − {size_b1} is {inner}; the ReLU lets it through; {w2} · {inner} + {b2} is {y}.",
        },
    },
    {
        "text": "At x = {x} the ReLU is open. As long as it is, one can leave it out:\n"
        "`y = {w2} · ({w1}x − {size_b1}) + {b2}`\n\nThat is a linear model, and lesson one applies.",
        "hide": ["maps", "unit", "rail", "ledger", "pictures"],
        "question": {
            "kind": "number",
            "ask": "Multiply it out. How much is b?",
            "answer": "{b}",
            "right": "y = {w}x − {size_b}.",
            "wrong": "{w2} · ({b1}) is {first_adds}, and {b2} more is {b}.",
        },
    },
    {
        "text": "The **rail** shows where that b comes from. Read it from right to left: the **walk** goes from the output back to "
        "the input. At each layer a bar says what the layer's own bias adds, and the ribbon above what has been gathered by then.\n\n"
        "Choose a layer here, or go to it on the rail by click or with the **arrow keys**.",
        "look": {"step": "output"},
        "highlight": "rail",
        "hide": ["maps", "unit", "ledger", "pictures"],
        "question": {
            "kind": "layer",
            "ask": "Which layer adds something negative?",
            "answer": "first",
            "right": "Its own bias is {b1}, but it reaches y through a weight of {w2}: it adds {first_adds}.",
            "wrong": "`last` adds its bias {b2} as it is; `first` adds {first_adds}.",
        },
    },
    {
        "text": "The bias of `first` is {b1}, and yet it adds {first_adds}: what `first` gives is multiplied by {w2} on its way to "
        "y. How much y grows for one more at a layer is called the **gradient** there. So a bias counts times the gradient at its "
        "layer.\n\n"
        "The ledger says it for this step: {b2} arrives from `last`, {first_adds} is added, and {b} is passed on.",
        "look": {"step": "first"},
        "highlight": "ledger",
        "hide": ["maps", "unit", "pictures"],
    },
    {
        "text": "`y = {w2} · relu({w1}x − {size_b1}) + {b2}`\n\nNow x = {x_two}.",
        "look": {"sample": 1, "step": "input"},
        "hide": ["maps", "unit", "rail", "ledger", "pictures"],
        "question": {
            "kind": "choice",
            "ask": "How does b differ from the one at x = {x}?",
            "choices": ["It is smaller, since x is smaller.", "Not at all.", "It is zero."],
            "answer": "Not at all.",
            "right": "The ReLU is open for both: they lie on one linear **piece**. {w} · {x_two} − {size_b} is {y_two}.",
            "wrong": "The ReLU is open for both, so w and b are the same: they lie on one linear **piece**.",
        },
    },
    {
        "text": "`y = {w2} · relu({w1}x − {size_b1}) + {b2}`\n\nAnd x = {x_low}. Mind the ReLU.",
        "look": {"sample": 2, "step": "input"},
        "hide": ["maps", "unit", "rail", "ledger", "pictures"],
        "question": {
            "kind": "number",
            "ask": "How much is b here?",
            "answer": "{b_low}",
            "right": "The ReLU is closed, w is {w_low}, and y is nothing but b.",
            "wrong": "{w1} · {x_low} − {size_b1} is {inner_low}, so the ReLU is closed and only the bias of `last` is left.",
        },
    },
    {
        "text": "The bar below `first` is gone: what happens behind a closed ReLU does not reach y, and a bias there counts "
        "{nothing} times.\n\nSo **b depends on the input**, as w does: this is another piece. At x = {fold} the two meet.",
        "look": {"step": "first"},
        "highlight": "rail",
        "hide": ["maps", "unit", "ledger", "pictures"],
        "question": {
            "kind": "choice",
            "ask": "On this piece, what would an explanation by w ⊙ x show?",
            "choices": ["Nothing at all.", "The bias of `last`.", "The bias of `first`."],
            "answer": "Nothing at all.",
            "right": "w is {w_low}: all of y is b.",
            "wrong": "w is {w_low}, so every w ⊙ x is {w_low} too.",
        },
    },
    {
        "text": "What to take along:\n\nA ReLU network is linear **at each input**, with a w and a b of that input.\n"
        "b gathers the biases of all layers, each times the gradient at its layer.\n"
        "Stepping back from the output to the input is adding them up, one by one.",
        "hide": ["maps", "unit"],
    },
]  # fmt: skip
