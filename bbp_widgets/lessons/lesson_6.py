"""Lesson 6: when the bias is the prediction; batch norm, w·x at chance, b right."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from bbp_widgets import Explorer, demo

TITLE = "When the bias is the prediction"
HIDE = ("controls", "maps", "unit", "flow", "triage")
#: So many fresh pictures are counted, of the embedded seed.
PICTURES = 400


def network() -> nn.Module:
    """Give the embedded network of nine convolutions with batch norm."""
    return demo.shapes().network


def inputs() -> Tensor:
    """Give three pictures that it was not trained on: a circle, a square and a triangle."""
    return demo.shapes().inputs[:3]


def explorer() -> Explorer:
    """Give an explorer of the three."""
    shapes = demo.shapes()
    return Explorer(
        shapes.network, shapes.inputs[:3], classes=shapes.classes, labels=shapes.labels[:3].tolist(),
        pictures=shapes.pictures[:3], rules=["proportional"],
    )  # fmt: skip


NUMBERS = {
    "gamma": 2.0, "beta": 1.0, "mu": 3.0, "sigma": 2.0, "norm_w": 1.0, "norm_b": -2.0, "norm_shift": 3.0,
    "value": 5.46, "wx": -0.13, "b": 5.59, "classes": 8.0, "chance": 12.5, "pictures": 400.0,
    "all_right": 100.0, "wx_right": 15.5, "b_right": 98.8, "top_adds": 4.30,
    "digits_wx": 47.2, "digits_b": 77.0, "digits_all": 99.8,
}  # fmt: skip

STEPS: list[dict[str, Any]] = [
    {
        "text": "A **batch norm** in use is `γ · (x − μ) / σ + β`, with four numbers that training has left behind. That is a "
        "linear model of x.\n\nTake γ = {gamma}, β = {beta}, μ = {mu}, σ = {sigma}.",
        "look": {"sample": 0, "step": "output"},
        "hide": ["classes", "rail", "ledger", "pictures"],
        "question": {
            "kind": "number",
            "ask": "How much is its b?",
            "answer": "{norm_b}",
            "right": "β − γμ/σ. Its w is {norm_w}.",
            "wrong": "γμ/σ is {gamma} · {mu} / {sigma}, {norm_shift}; β less {norm_shift} is {norm_b}.",
        },
    },
    {
        "text": "So a batch norm has a bias even where β is zero: the mean that it takes away. In a network with batch norm "
        "each layer takes a typical value away and works on what is left.\n\n"
        "The network of this lesson has nine convolutions, each with a batch norm. It was trained to name {classes} shapes.",
        "hide": ["classes", "rail", "ledger", "pictures"],
    },
    {
        "text": "It gets the picture of a circle, names it rightly, and its score for *circle* is {value}.",
        "hide": ["classes", "rail", "ledger", "pictures"],
        "question": {
            "kind": "choice",
            "ask": "How much of it is w·x, the part that most explanations draw?",
            "choices": ["Nearly all of it.", "About half of it.", "Nearly nothing, even less than zero."],
            "answer": "Nearly nothing, even less than zero.",
            "right": "w·x is {wx}, and b is {b}.",
            "wrong": "w·x is {wx}, and b is {b}.",
        },
    },
    {
        "text": "Here is the circle, with both parts of its score. Step along the rail: the first layers from the right add little.",
        "look": {"step": "output"},
        "highlight": "rail",
        "hide": ["classes"],
        "question": {
            "kind": "layer",
            "ask": "Which layer adds the most?",
            "answer": "block2.bn2",
            "right": "A batch norm in the middle of the network: {top_adds}.",
            "wrong": "It is a batch norm in the middle of the network, and adds {top_adds}.",
        },
    },
    {
        "text": "Every class, which is a name that the network can give, has its own w·x and its own b. The slider below fades b in "
        "and out: at the left end, where it is now, the network answers with w·x alone.",
        "look": {"step": "input", "panel": "classes", "dim": 0.0},
        "highlight": "classes",
        "hide": ["rail", "ledger", "pictures"],
        "question": {
            "kind": "choice",
            "ask": "What does the network call this circle without b?",
            "choices": ["circle", "square", "star", "hexagon"],
            "answer": "hexagon",
            "right": "And with b it is a circle again.",
            "wrong": "And with b it is a circle again.",
            "show": {"dim": 1.0},
        },
    },
    {
        "text": "One picture may be an accident. So we let the network name {pictures} fresh pictures: once as it is, once by w·x "
        "alone, once by b alone. As it is, {all_right} percent are right. Guessing would be right in {chance} percent.",
        "hide": ["classes", "rail", "ledger", "pictures"],
        "question": {
            "kind": "number",
            "ask": "Make a guess: how many percent are right by w·x alone?",
            "answer": "{wx_right}",
            "tolerance": 5.0,
            "right": "{wx_right} percent: hardly better than guessing.",
            "wrong": "That is hardly better than guessing.",
        },
    },
    {
        "text": "And by b alone?",
        "hide": ["classes", "rail", "ledger", "pictures"],
        "question": {
            "kind": "number",
            "ask": "How many percent are right by b alone?",
            "answer": "{b_right}",
            "tolerance": 3.0,
            "right": "{b_right} percent. In this network the bias *is* the prediction.",
            "wrong": "In this network the bias *is* the prediction.",
        },
    },
    {
        "text": "How can a bias know what is in the picture? In a linear model it could not.",
        "hide": ["classes"],
        "highlight": "pictures",
        "look": {"panel": "maps", "step": "input"},
        "question": {
            "kind": "choice",
            "ask": "Where does b get it from?",
            "choices": [
                "From the labels, in secret.",
                "From which ReLUs are open: they decide which biases count.",
                "It cannot know; this is an accident.",
            ],
            "answer": "From which ReLUs are open: they decide which biases count.",
            "right": "Lesson two in large: b belongs to this input.",
            "wrong": "Lesson two in large: the picture opens some ReLUs and closes others, and so decides which biases count.",
        },
    },
    {
        "text": "It is not so everywhere. In the smaller network of lesson five, w·x alone is right in {digits_wx} percent and b "
        "alone in {digits_b}, both together in {digits_all}: there neither part is enough.\n\n"
        "What to take along: **an explanation that leaves b out may leave out the answer.** Measure both parts before you trust "
        "a picture of one.",
        "hide": ["classes"],
    },
]  # fmt: skip
