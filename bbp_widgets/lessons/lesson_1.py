"""Lesson 1: a linear model, and what b is."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn

from bbp_widgets import Explorer

TITLE = "A linear model: what is b?"
HIDE = ("controls", "rail", "maps", "unit", "flow", "triage", "classes")
FEATURES = ("rooms", "distance")


def network() -> nn.Module:
    """Give rent = 3 · rooms − 2 · distance + 4."""
    rent = nn.Linear(2, 1)
    with torch.no_grad():
        rent.weight.copy_(torch.tensor([[3.0, -2.0]]))
        rent.bias.copy_(torch.tensor([4.0]))
    return nn.Sequential(OrderedDict(linear=rent)).eval()


def inputs() -> Tensor:
    """Give two flats: two rooms near the centre, and one room far out."""
    return torch.tensor([[2.0, 1.0], [1.0, 3.0]])


def explorer() -> Explorer:
    """Give an explorer of the two flats."""
    return Explorer(
        network(), inputs(), classes=["rent"], features=FEATURES, rules=["proportional", "uniform"]
    )


NUMBERS = {
    "w_rooms": 3.0, "w_distance": -2.0, "size_distance": 2.0, "b": 4.0, "rooms": 2.0, "distance": 1.0,
    "from_rooms": 6.0, "from_distance": -2.0, "wx": 4.0, "rent": 8.0,
    "far_rooms": 1.0, "far_distance": 3.0, "far_wx": -3.0, "far_rent": 1.0,
    "strengths": 8.0, "strength_distance": 2.0, "bias_rooms": 3.0, "bias_distance": 1.0,
}  # fmt: skip

STEPS: list[dict[str, Any]] = [
    {
        "text": "A model guesses the rent of a flat, in hundreds:\n"
        "`rent = {w_rooms} · rooms − {size_distance} · distance + {b}`\n\n"
        "We begin with a flat that has {rooms} rooms at distance {distance}.\n\n"
        "**Page Down** goes on, **Page Up** goes back, and so do the buttons.",
        "look": {"sample": 0, "step": "input"},
        "hide": ["pictures", "ledger"],
    },
    {
        "text": "Every model that we look at is written as\n**target = w·x + b**.\n\n"
        "The *target* is the number to be explained: here the rent. *w·x* is one number: each **feature**, here rooms and "
        "distance, times its weight, added up.",
        "hide": ["pictures", "ledger"],
        "question": {
            "kind": "number",
            "ask": "For the flat with {rooms} rooms at distance {distance}: how much is w·x?",
            "answer": "{wx}",
            "right": "{from_rooms} from the rooms, {from_distance} from the distance.",
            "wrong": "{w_rooms} · {rooms} is {from_rooms}, and ({w_distance}) · {distance} is {from_distance}.",
        },
    },
    {
        "text": "Kept apart, the two products are called **w ⊙ x**: {from_rooms} for the rooms, {from_distance} for the distance. "
        "They say what each feature gave: the explanation that most methods draw.\n\nBut the rent is not {wx}.",
        "hide": ["pictures", "ledger"],
        "question": {
            "kind": "number",
            "ask": "How much of the rent is not in w·x?",
            "answer": "{b}",
            "right": "This is b, the **bias**: half of the rent.",
            "wrong": "The rent is {rent}, and w·x is {wx}. What is left is b, the **bias**.",
        },
    },
    {
        "text": "The **ledger** has both parts. Its grey bar is w·x, its coloured bar is **b**, and together they are the rent: "
        "the tick says that nothing is missing. Its other lines are for the lessons to come.",
        "highlight": "ledger",
        "hide": ["pictures"],
    },
    {
        "text": "Now the other flat: {far_rooms} room, at distance {far_distance}.",
        "look": {"sample": 1},
        "hide": ["pictures", "ledger"],
        "question": {
            "kind": "choice",
            "ask": "What happens to b?",
            "choices": ["It grows.", "It stays as it is.", "It becomes negative."],
            "answer": "It stays as it is.",
            "right": "In a linear model b is the same for every input. Keep that in mind: the next lesson breaks it.",
            "wrong": "b stands in the formula, and no feature is in it.",
        },
    },
    {
        "text": "w·x is {far_wx} here, and the rent is {far_rent}. Whoever looks at w ⊙ x alone sees a flat that costs less "
        "than nothing.",
        "highlight": "ledger",
        "hide": ["pictures"],
    },
    {
        "text": "Back to the first flat. If b is part of the answer, we may ask which features it belongs to. That cannot be "
        "derived: it takes a **rule**.\n\n"
        "The rule *proportional* gives each feature the part of b that the size of its product is of all sizes. The sizes "
        "are {from_rooms} and {strength_distance}, together {strengths}.",
        "look": {"sample": 0},
        "hide": ["pictures", "ledger"],
        "question": {
            "kind": "number",
            "ask": "How much of b goes to the rooms?",
            "answer": "{bias_rooms}",
            "right": "And {bias_distance} to the distance.",
            "wrong": "{from_rooms} of {strengths} parts of {b}.",
        },
    },
    {
        "text": "The table has a row for each feature. The column *w ⊙ x* has its product, the column **bias attribution** its "
        "part of b, and *total* is both. Every column adds up to what stands below it.",
        "highlight": "pictures",
        "question": {
            "kind": "choice",
            "ask": "The bias attribution adds up to",
            "choices": ["the rent", "b", "w·x"],
            "answer": "b",
            "right": "Nothing is lost on the way, and nothing is made up.",
            "wrong": "{bias_rooms} and {bias_distance} are the parts of b, and make b again. That w·x is {wx}, too, is chance.",
        },
    },
    {
        "text": "What to take along:\n\n**target = w·x + b**, and b may be as large as the rest.\n"
        "w ⊙ x shows the features' share of w·x. The bias attribution shows their share of b.\n"
        "How b is shared is a choice; that its parts add up to b is not.",
    },
]  # fmt: skip
