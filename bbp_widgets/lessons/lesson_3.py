"""Lesson 3: a two-layer network by hand; one walk with every number in sight."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn

from bbp_widgets import Explorer

TITLE = "A walk by hand"
HIDE = ("controls", "flow", "triage", "classes")


def network() -> nn.Module:
    """Give two inputs, three hidden units with a ReLU, and one output."""
    hidden, out = nn.Linear(2, 3), nn.Linear(3, 1)
    with torch.no_grad():
        hidden.weight.copy_(torch.tensor([[1.0, 2.0], [2.0, -1.0], [-1.0, 1.0]]))
        hidden.bias.copy_(torch.tensor([1.0, 2.0, -3.0]))
        out.weight.copy_(torch.tensor([[1.0, 2.0, 3.0]]))
        out.bias.copy_(torch.tensor([5.0]))
    return nn.Sequential(OrderedDict(hidden=hidden, relu=nn.ReLU(), out=out)).eval()


def inputs() -> Tensor:
    """Give the one input of the lesson."""
    return torch.tensor([[1.0, 2.0]])


def explorer() -> Explorer:
    """Give an explorer of it, with the rule that the lesson works with."""
    return Explorer(network(), inputs(), classes=["y"], features=["x0", "x1"], rules=["proportional"])


NUMBERS = {
    "x_a": 1.0, "x_b": 2.0, "h_a": 6.0, "h_b": 2.0, "h_c": -2.0, "v_a": 1.0, "v_b": 2.0, "v_c": 3.0, "y": 15.0,
    "b_out": 5.0, "s_a": 6.0, "s_b": 4.0, "s_sum": 10.0, "share_a": 3.0, "share_b": 2.0, "own_a": 1.0, "own_b": 4.0,
    "hidden_adds": 5.0, "mass_a": 4.0, "mass_b": 6.0, "bias_of_a": 1.0, "bias_of_b": 2.0, "none": 0.0,
    "t_aa": 1.0, "t_ab": 4.0, "t_sum": 5.0, "to_a_from_a": 0.8, "to_b_from_a": 3.2, "from_b": 3.0, "bias_a": 3.8, "bias_b": 6.2,
    "b": 10.0, "wx": 5.0, "w_b": 0.0, "cut_gradient_out": 10.0, "cut_bias_out": 5.0,
}  # fmt: skip

FORMULAS = "`h0 = relu(x0 + 2·x1 + 1)`\n`h1 = relu(2·x0 − x1 + 2)`\n`h2 = relu(−x0 + x1 − 3)`\n`y = h0 + 2·h1 + 3·h2 + 5`"

STEPS: list[dict[str, Any]] = [
    {
        "text": "Two inputs, three hidden units, one output. Have pen and paper ready, and write this down:\n"
        f"{FORMULAS}\n\nThe input is `x0` = {{x_a}}, `x1` = {{x_b}}.\n\n"
        "The three hidden units are the layer `hidden`, before their ReLU. The last line is the layer `out`.",
        "look": {"step": "output", "tensor": "value"},
        "hide": ["maps", "unit", "rail", "ledger", "pictures"],
    },
    {
        "text": f"First forward, as the network itself runs, for `x0` = {{x_a}} and `x1` = {{x_b}}:\n{FORMULAS}",
        "hide": ["maps", "unit", "rail", "ledger", "pictures"],
        "question": {
            "kind": "number",
            "ask": "What is y?",
            "answer": "{y}",
            "right": "The hidden units are {h_a}, {h_b} and, closed, {none}.",
            "wrong": "The hidden units are {h_a}, {h_b} and, since {h_c} is negative, {none}.",
        },
    },
    {
        "text": "The bars are what the three hidden units have before the ReLU. They are counted from zero, as in `h0`, `h1`, "
        "`h2`, and called channels there: click a bar, or type its number.",
        "look": {"step": "hidden", "tensor": "value", "sort": "index"},
        "highlight": "maps",
        "hide": ["rail", "ledger", "pictures", "unit"],
        "question": {
            "kind": "unit",
            "ask": "Which hidden unit is closed by the ReLU?",
            "answer": {"frame": "hidden", "at": [2]},
            "right": "Its value is {h_c}.",
            "wrong": "The one with the negative value, {h_c}.",
        },
    },
    {
        "text": "Now **backward**. The walk goes from the output to the input, layer by layer. Two things travel: the *gradient*, "
        "and the **mass**, which is bias that waits to be shared.\n\n"
        "The ledger stands at the output: nothing is gathered yet, and all of y, {y}, is *gradient part*.",
        "look": {"step": "output", "tensor": "mass", "unit": None},
        "highlight": "ledger",
        "hide": ["unit", "maps", "rail", "pictures"],
    },
    {
        "text": "First comes `out`. Its own bias enters: {b_out}.\n\n"
        "**The check.** Wherever the walk is stopped, the gradient part and the bias part add up to y. Such a place is a **cut**.",
        "look": {"step": "out"},
        "hide": ["maps", "unit", "rail", "pictures", "ledger"],
        "question": {
            "kind": "number",
            "ask": "The bias part is {cut_bias_out} now. How much is the gradient part?",
            "answer": "{cut_gradient_out}",
            "right": "It is what the three hidden units give: {s_a}, {s_b} and {none}.",
            "wrong": "y is {y}, and {cut_bias_out} of it has been gathered as bias.",
        },
    },
    {
        "text": "The ledger has both parts of the cut, and the mass {b_out} to be passed on. It is shared among the three hidden "
        "units. The rule is *proportional*: to each the part that the size of its product is of all. The products are "
        "{v_a} · {h_a}, {v_b} · {h_b} and {v_c} · {none}.",
        "hide": ["maps", "unit", "rail", "pictures"],
        "question": {
            "kind": "number",
            "ask": "How much goes to the first hidden unit?",
            "answer": "{share_a}",
            "right": "{s_a} of {s_sum} parts; the second gets {share_b}, the closed one {none}.",
            "wrong": "The products are {s_a}, {s_b} and {none}, together {s_sum}: {s_a} of {s_sum} parts of {b_out}.",
        },
    },
    {
        "text": "Through the ReLU the mass goes as it is. Then `hidden` adds its own biases, each times the gradient there: "
        "{bias_of_a} counts {v_a} times, {bias_of_b} counts {v_b} times, and the bias of the closed unit does not count.",
        "look": {"step": "hidden"},
        "hide": ["maps", "unit", "rail", "ledger", "pictures"],
        "question": {
            "kind": "number",
            "ask": "How much does the layer `hidden` add?",
            "answer": "{hidden_adds}",
            "right": "{own_a} and {own_b}.",
            "wrong": "{v_a} · {bias_of_a} and {v_b} · {bias_of_b}: {own_a} and {own_b}.",
        },
    },
    {
        "text": "So each hidden unit holds what came from `out` and what it adds itself. The bars are the mass now.",
        "look": {"step": "hidden", "tensor": "mass"},
        "highlight": "maps",
        "hide": ["unit", "rail", "pictures", "ledger"],
        "question": {
            "kind": "unit",
            "ask": "Which hidden unit holds the most mass?",
            "answer": {"frame": "hidden", "at": [1]},
            "right": "{share_b} came, {own_b} is its own: {mass_b}.",
            "wrong": "The second: {share_b} came and {own_b} is its own, {mass_b}. The first has {share_a} and {own_a}, {mass_a}.",
        },
    },
    {
        "text": "This is the whole account of that unit. Above: the mass that came from the ReLU behind it, and what it adds "
        "itself (*own intercept*). Below: its inputs, and what each of them gets.\n\n"
        "The names in it are the units that it hears from and speaks to: a click goes on to the account of one.",
        "look": {"unit": {"frame": "hidden", "at": [1]}},
        "highlight": "unit",
        "hide": ["pictures", "ledger", "rail"],
    },
    {
        "text": "The last step. The first unit shares {mass_a} among its two inputs, whose products are {t_aa} and {t_ab}; the "
        "second shares {mass_b} evenly, for its two products are of one size.",
        "look": {"step": "hidden", "unit": None},
        "hide": ["pictures", "unit", "maps", "ledger"],
        "question": {
            "kind": "number",
            "ask": "How much bias does x1 get in all?",
            "answer": "{bias_b}",
            "tolerance": 0.05,
            "right": "{to_b_from_a} and {from_b}. x0 gets {to_a_from_a} and {from_b}, {bias_a}.",
            "wrong": "{t_ab} of {t_sum} parts of {mass_a} are {to_b_from_a}, and half of {mass_b} is {from_b}.",
            "show": {"step": "input", "unit": None},
        },
    },
    {
        "text": "w·x is {wx}, b is {b}, and y is {y}: two thirds of this answer are bias.",
        "look": {"step": "input", "unit": None},
        "highlight": "pictures",
        "hide": ["maps", "unit"],
        "question": {
            "kind": "choice",
            "ask": "The gradient at x1 is {w_b}. Does x1 matter?",
            "choices": [
                "No: its gradient says so.",
                "By its bias attribution it does: it takes part in units whose bias counts.",
                "Only if it is larger.",
            ],
            "answer": "By its bias attribution it does: it takes part in units whose bias counts.",
            "right": "Two paths cancel in the gradient; the units on both of them stay open, and carry bias.",
            "wrong": "Two paths cancel in the gradient. The units on them carry {bias_b} of bias to x1 all the same.",
        },
    },
    {
        "text": "What to take along:\n\nOne step back: the bias enters, the gradient is multiplied by the weights, the mass is shared.\n"
        "At every cut both parts add up to the target. That is the check to make whenever something looks odd.",
        "hide": ["maps", "unit"],
    },
]  # fmt: skip
