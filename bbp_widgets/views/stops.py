"""Where the stepper stops, at three granularities, and what each stop is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bbp_widgets.engine import Step

__all__ = ["LEVELS", "Stop", "levels_of", "names_of", "stops_as_json"]

LEVELS = ("blocks", "layers", "ops")


@dataclass(frozen=True, slots=True)
class Stop:
    """A frame to stop at, the name it is shown under, and the path of the module that it stands in.

    It stands for the frames after the stop before it, up to its own.
    """

    frame: int
    name: str
    group: str


def levels_of(ledger: Sequence[Step]) -> dict[str, list[Stop]]:
    """Return where each granularity stops: frame 0 is the output, 1 the first step, the last one the input.

    ``blocks``: one stop a block, at its last frame in walk order; ``layers``: the steps that add bias or share it by
    rule; ``ops``: all. A block is a module of the network's own that adds or shares; one that holds more than half of
    the layers is replaced by the modules inside it.
    """
    names = names_of(ledger)
    opened = _opened([step.module for step in ledger if _loud(step)])
    groups = [_block(step.module, opened) for step in ledger]
    loud = {group for step, group in zip(ledger, groups, strict=True) if group and _loud(step)}
    last = {group: i for i, group in enumerate(groups) if group in loud}
    found = {
        "blocks": [
            Stop(i + 1, group, group.rpartition(".")[0])
            for group, i in sorted(last.items(), key=lambda at: at[1])
        ],
        "layers": [Stop(i + 1, names[i], groups[i]) for i, step in enumerate(ledger) if _loud(step)],
        "ops": [Stop(i + 1, names[i], groups[i]) for i in range(len(ledger))],
    }
    output, end = Stop(0, "output", ""), Stop(len(ledger) + 1, "input", "")
    return {level: [output, *stops, end] for level, stops in found.items()}


def stops_as_json(levels: dict[str, list[Stop]]) -> dict[str, list[dict[str, Any]]]:
    """Return the levels as the contract has them."""
    return {level: [asdict(stop) for stop in stops] for level, stops in levels.items()}


def names_of(ledger: Sequence[Step]) -> list[str]:
    """Return what each step is called: its module where that says it all, else the module and the node.

    A module says it all where it holds one step that adds or shares, or no other step.
    """
    modules = [step.module for step in ledger]
    inside = {part for module in set(modules) for part in _containers(module)}
    loud = Counter(step.module for step in ledger if _loud(step))
    steps = Counter(modules)
    names = []
    for step in ledger:
        alone = loud[step.module] == 1 if _loud(step) else steps[step.module] == 1
        whole = bool(step.module) and alone and step.module not in inside
        names.append(step.module if whole else " · ".join(part for part in (step.module, step.node) if part))
    return names


def _loud(step: Step) -> bool:
    """Return whether something happens to the bias: activations, reshapes and the like pass it on as it is."""
    return step.adds or step.mixes


def _containers(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:i]) for i in range(1, len(parts))]


def _opened(modules: Sequence[str]) -> set[str]:
    """Return the modules that are shown as what is inside them, of the modules of all layers."""
    opened = {""}
    while True:
        counts = Counter(block for module in modules if (block := _block(module, opened)) not in opened)
        largest, count = counts.most_common(1)[0] if counts else ("", 0)
        if 2 * count <= len(modules) or not any(module.startswith(largest + ".") for module in modules):
            return opened
        opened.add(largest)


def _block(module: str, opened: set[str]) -> str:
    """Return the block that a module stands in: the outermost that is not opened, else the module itself."""
    return next((part for part in (*_containers(module), module) if part not in opened), module)
