"""Where the stepper stops: the steps of the ledger at which something happens to the bias."""

from __future__ import annotations

from dataclasses import dataclass

from bbp_widgets.engine import Ledger

__all__ = ["Stop", "stops_of"]


@dataclass(frozen=True, slots=True)
class Stop:
    """One step of the ledger with the name it is shown under, and the group it stands in."""

    step: int  # its place in the ledger
    node: str
    name: str
    group: str


def stops_of(ledger: Ledger) -> tuple[Stop, ...]:
    """Return the steps that add bias or share it by rule, in walk order.

    Activations, reshapes and the like pass the mass on as it is; they are steps of the ledger, but no stops.
    """
    steps = [(i, step) for i, step in enumerate(ledger) if step.adds or step.mixes]
    modules = [step.module for step in ledger]
    at = [step.module for _, step in steps]
    stops = []
    for i, step in steps:
        container = not step.module or any(m.startswith(step.module + ".") for m in modules)
        alone = at.count(step.module) == 1 and not container
        name = step.module if alone else " · ".join(part for part in (step.module, step.node) if part)
        stops.append(Stop(i, step.node, name, step.module.split(".")[0] or step.op))
    return tuple(stops)
