"""How README.md says what `docs/figures.json` holds: one function for every marked region."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

Figures = dict[str, Any]

WIDTH = 160
TOP = {
    "shapes": "the embedded `shapes` network (9 convolutions, batch norm)",
    "digits": "the embedded `digits` network (5 convolutions, batch norm)",
}
NETWORKS = {
    "shapes": "`shapes`, batch norm",
    "shapes_bias": "its twin with biases, no norm",
    "shapes_bare": "its twin without any bias",
    "digits": "`digits`, batch norm",
    "digits_bias": "its twin with biases, no norm",
    "digits_bare": "its twin without any bias",
    "resnet20": "ResNet-20, CIFAR-10, batch norm",
    "lenet": "LeNet, CIFAR-10, biases, no norm",
    "mnist": "small CNN, MNIST, biases, no norm",
}
METHODS = {
    "integrated gradients": "integrated gradients",
    "w·x": "w ⊙ x",
    "w·x + b: proportional": "total, `proportional`",
    "b: aligned": "bias alone, `aligned`",
    "b: softmax": "bias alone, `softmax`",
    "b: proportional": "bias alone, `proportional`",
    "b: uniform": "bias alone, `uniform`",
    "random": "random, looks at no network",
}
LARGE = {
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "vgg11_bn": "VGG-11, batch norm",
    "mobilenet_v2": "MobileNet v2",
    "efficientnet_b0": "EfficientNet-B0",
    "convnext_tiny": "ConvNeXt-T",
    "vit_b_16": "ViT-B/16",
}
RULES = {
    "linearize": "linearize",
    "uniform": "uniform",
    "weights": "weights",
    "proportional": "proportional",
    "softmax T=1": "softmax (T=1)",
    "aligned T=1": "aligned (T=1)",
}


def top(noted: Figures) -> str:
    """The embedded networks with batch norm, in percent."""
    lines = ["| network | pictures | right: w·x + b | right: only w·x | right: only b | chance |"]
    lines.append("|---|---:|---:|---:|---:|---:|")
    by_name = {row["network"]: row for row in noted["accuracy"]["rows"]}
    for name, said in TOP.items():
        row = by_name[name]
        shares = " | ".join(percent(row[part], row["pictures"]) for part in ("all", "w·x", "b"))
        which = "fresh" if name == "shapes" else "held out"
        lines.append(f"| {said} | {row['pictures']} {which} | {shares} | {100 / row['classes']:.1f} % |")
    return "\n".join(lines)


def accuracy(noted: Figures) -> str:
    """Every network, in percent."""
    lines = [
        "| percent right | pictures | w·x + b | only w·x | only b | chance |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for row in noted["accuracy"]["rows"]:
        shares = " | ".join(share(row[part], row["pictures"]) for part in ("all", "w·x", "b"))
        lines.append(
            f"| {NETWORKS[row['network']]} | {row['pictures']} | {shares} | {100 / row['classes']:.3g} |"
        )
    return "\n".join(lines)


def faithfulness(noted: Figures) -> str:
    """Some of the methods in three tests; half the interval beside each mean."""
    part = noted["faithfulness"]
    rows = {row["method"]: row for row in part["rows"]}
    lines = [f"| `digits`, {part['pictures']} pictures | digit switch ↑ | deletion ↓ | insertion ↑ |"]
    lines.append("|---|--:|--:|--:|")
    for method, said in METHODS.items():
        numbers = [rows[method][test] for test in ("switch", "deletion", "insertion")]
        texts = [with_interval(number, digits) for number, digits in zip(numbers, (1, 2, 2), strict=True)]
        lines.append(f"| {said} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def cost(noted: Figures) -> str:
    """What the engine costs, and on what."""
    part = noted["cost"]
    lines = [
        f"A run on {machine(part['run'])}, batch 1, in forward+backward passes of the same network:",
        "",
        "| network, 224 px | " + " | ".join(RULES.values()) + " |",
        "|---|" + "--:|" * len(RULES),
    ]
    for name, said in LARGE.items():
        row = dict(zip(part["columns"], part["rows"][name], strict=False))
        # how often a cell was measured stands in the noted figures
        lines.append(f"| {said} | " + " | ".join(row[rule].partition(" ")[0] for rule in RULES) + " |")
    sharp = {
        said: dict(zip(part["columns"], part["rows"][name], strict=False))["softmax T=0.1"].partition(" ")[0]
        for name, said in LARGE.items()
    }
    passes = sorted(float(text) for text in sharp.values() if not text.startswith(">"))
    stopped = "".join(
        f", {said} more than {text[1:]}" for said, text in sharp.items() if text.startswith(">")
    )
    return "\n".join(
        [
            *lines,
            "",
            wrapped(
                "`linearize` is capture, values and gradients in one, and is paid once for an input and target; each rule "
                f"then pays only its own walk. A sharp softmax (T = 0.1) is written out: {passes[0]:.0f} to {passes[-1]:.0f} "
                f"passes{stopped}."
            ),
        ]
    )


def latency(noted: Figures) -> str:
    """How soon the explorer answers a hand."""
    rows = noted["latency"]["rows"]
    return wrapped(
        f"In the explorer, on the `shapes` network, on {machine(noted['latency']['run'])}: a step is painted in "
        f"{rows['step']:.0f} ms, a rule that was seen before in {rows['rule, seen']:.0f} ms, another picture in "
        f"{rows['another picture']:.0f} ms, and a move of the temperature in {rows['temperature slider']:.0f} ms, of which "
        "120 ms are the pause after which the page asks (medians)."
    )


def commands(noted: Figures) -> str:
    """How long the two commands take."""
    rows, run = noted["commands"]["rows"], noted["commands"]["run"]
    words = (
        f"From a clean clone with no Node on the path and empty caches, on {run['cores']} cores: {rows['set up']:.0f} s of "
        f"setting up ({rows['pip']:.0f} s of them pip, with torch's wheels at hand: its download of some gigabytes comes on "
        "top). A second run takes seconds of set-up, and `make demo` serves "
        f"{rows['demo']:.0f} s after it was typed. The tests are those of pytest, some of them in JupyterLab with a real "
        "Chromium, and of vitest"
    )
    if "tests" in noted:  # half an hour to compute, so perhaps not yet
        all_of_them = noted["tests"]["rows"]
        words += (
            f": {all_of_them['passed']:,.0f} of pytest, {all_of_them['tests'] / 60:.0f} min on such a machine"
        )
    return wrapped(f"{words}.")


REGIONS: dict[str, Callable[[Figures], str]] = {
    "top": top,
    "accuracy": accuracy,
    "faithfulness": faithfulness,
    "cost": cost,
    "latency": latency,
    "commands": commands,
}


def percent(right: int | None, total: int) -> str:
    """Say a share in percent, with its sign."""
    return "none" if right is None else f"{100 * right / total:.1f} %"


def share(right: int | None, total: int) -> str:
    """Say a share in percent; a part that says the same of every class has none."""
    return "–" if right is None else f"{100 * right / total:.1f}"


def with_interval(number: Sequence[float], digits: int) -> str:
    """Say a mean and half the width of its interval."""
    mean, low, high = number
    return f"{mean:.{digits}f} ± {(high - low) / 2:.{digits}f}"


def machine(run: Figures) -> str:
    """Say what a run was measured on, and when."""
    return f"{run['cores']} CPU cores without a GPU ({run['date']}, torch {run['torch']})"


def wrapped(text: str) -> str:
    """Break a paragraph as README.md does."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
