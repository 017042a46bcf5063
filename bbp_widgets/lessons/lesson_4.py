"""Lesson 4: rules; the same mass, shared in four ways."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn

from bbp_widgets import Explorer

TITLE = "Rules: who deserves the bias?"
HIDE = ("maps", "unit", "flow", "triage", "classes")
LANES = ("uniform", "proportional", "winner", "aligned")


def network() -> nn.Module:
    """Give one unit with four inputs and a bias of 8."""
    unit = nn.Linear(4, 1)
    with torch.no_grad():
        unit.weight.copy_(torch.tensor([[4.0, -2.0, 1.0, 1.0]]))
        unit.bias.copy_(torch.tensor([8.0]))
    return nn.Sequential(OrderedDict(unit=unit)).eval()


def inputs() -> Tensor:
    """Give the one input of the lesson; its last feature is zero."""
    return torch.tensor([[1.0, 1.0, 2.0, 0.0]])


def explorer() -> Explorer:
    """Give an explorer that offers the four rules of the lesson."""
    return Explorer(
        network(), inputs(), classes=["y"], features=["a", "b", "c", "d"], rules=list(LANES), step=2
    )


NUMBERS = {
    "bias": 8.0, "s_a": 4.0, "s_b": -2.0, "s_c": 2.0, "s_d": 0.0, "sizes": 8.0, "uniform": 2.0, "four": 4.0,
    "prop_a": 4.0, "prop_b": 2.0, "prop_c": 2.0, "prop_d": 0.0, "winner_a": 8.0,
    "aligned_a": 4.64, "aligned_b": 0.40, "aligned_c": 2.05, "aligned_d": 0.91, "wx": 4.0, "y": 12.0,
}  # fmt: skip

STEPS: list[dict[str, Any]] = [
    {
        "text": "One unit, four inputs. The products of weight and value, called **strengths**, are {s_a}, {s_b}, {s_c} and "
        "{s_d}. The bias is {bias}.\n\nThe sum of the shares is given: it is b. Who gets how much is not. A **rule** decides.",
        "look": {"lanes": ["uniform"], "step": "input"},
        "hide": ["controls", "rail", "ledger", "pictures"],
    },
    {
        "text": "The strengths are {s_a}, {s_b}, {s_c} and {s_d}, the bias is {bias}.\n\n"
        "The plainest rule, *uniform*: to every input alike.",
        "hide": ["controls", "rail", "ledger", "pictures"],
        "question": {
            "kind": "number",
            "ask": "How much does each input get?",
            "answer": "{uniform}",
            "right": "Also the last one, whose value is {s_d}.",
            "wrong": "{bias} for {four} inputs.",
        },
    },
    {
        "text": "The strengths are {s_a}, {s_b}, {s_c} and {s_d}, the bias is {bias}.\n\n"
        "*Proportional*: by the size of the strength. Signs do not count.",
        "look": {"lanes": ["proportional"]},
        "hide": ["controls", "rail", "ledger", "pictures"],
        "question": {
            "kind": "number",
            "ask": "How much does the first input get?",
            "answer": "{prop_a}",
            "right": "{s_a} of {sizes} parts.",
            "wrong": "The sizes add up to {sizes}, and the first one is {s_a}.",
        },
    },
    {
        "text": "The inputs are called a, b, c and d. With *proportional* one of them goes away with nothing.",
        "hide": ["controls", "rail", "ledger", "pictures"],
        "question": {
            "kind": "choice",
            "ask": "Which input gets nothing?",
            "choices": ["a, strength {s_a}", "b, strength {s_b}", "c, strength {s_c}", "d, strength {s_d}"],
            "answer": 3,
            "right": "Its strength is {s_d}. Of the others a gets {prop_a}, b and c get {prop_b} each.",
            "wrong": "Its strength is {s_d}. The others get {prop_a}, {prop_b} and {prop_c}: the sign of b's strength does not count.",
        },
    },
    {
        "text": "*Winner*: everything to the largest. See the column *bias attribution*.\n\n"
        "It is the other extreme from *uniform*. A rule between the two is *softmax*: its temperature says where it stands.",
        "look": {"lanes": ["winner"]},
        "hide": ["controls", "rail", "ledger"],
        "highlight": "pictures",
    },
    {
        "text": "*Aligned*: to the inputs that push the way the bias pushes. The bias is positive here.",
        "look": {"lanes": ["aligned"]},
        "hide": ["controls", "rail", "ledger", "pictures"],
        "question": {
            "kind": "choice",
            "ask": "Which input gets the least?",
            "choices": ["a, strength {s_a}", "b, strength {s_b}", "c, strength {s_c}", "d, strength {s_d}"],
            "answer": 1,
            "right": "It pulls the other way: {aligned_b}. The others get {aligned_a}, {aligned_c} and {aligned_d}.",
            "wrong": "The second pulls the other way and gets {aligned_b}; the last one does nothing, and gets {aligned_d}.",
        },
    },
    {
        "text": "All four beside each other, as **lanes**: a column of the table for each. A click on a column's head makes its "
        "lane the active one, and the buttons *rule* above change the rule of that lane.",
        "look": {"lanes": list(LANES), "lane": 0},
        "highlight": "pictures",
        "hide": ["rail", "ledger"],
        "question": {
            "kind": "choice",
            "ask": "What is the same in all four columns?",
            "choices": ["The largest share.", "The sum.", "The share of the last input."],
            "answer": "The sum.",
            "right": "It is b, {bias}, whatever the rule.",
            "wrong": "Only the sum: it is b, {bias}, whatever the rule.",
        },
    },
    {
        "text": "w·x is {wx}, b is {bias}, y is {y}: none of the three depends on a rule.",
        "highlight": "ledger",
        "hide": ["controls", "rail"],
        "question": {
            "kind": "choice",
            "ask": "Two rules give different pictures for one network and one input. Which one is right?",
            "choices": [
                "The one whose parts add up to b.",
                "Neither is derived: a rule is a view, and has to be named with the picture.",
                "The one that looks like the object.",
            ],
            "answer": "Neither is derived: a rule is a view, and has to be named with the picture.",
            "right": "What one can do is measure which rule explains better, and say which one was used.",
            "wrong": "Every rule adds up to b, and looks deceive. A rule is a view: name it, and measure what it is good for.",
        },
    },
    {
        "text": "What to take along:\n\nThe network states facts: w, b, the gradient, the sums. Rules make choices.\n"
        "Where pictures of several rules agree, the choice does not matter; where they part, it does. The grey bands below the "
        "rail say how far the other lanes are from the active one, from nothing to all of the mass.",
    },
]  # fmt: skip
