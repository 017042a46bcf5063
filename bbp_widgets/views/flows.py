"""How much mass each frame handed to each other: the ribbons of the flow."""

from __future__ import annotations

from bbp_widgets.engine import Attribution

__all__ = ["flows_of"]


def flows_of(attribution: Attribution, sample: int) -> list[list[float]]:
    """Return [from, to, net, gross] for each pair of frames, in walk order.

    A node that uses a value twice, or uses two outputs of another, has one ribbon to it.
    """
    last = len(attribution.ledger) + 1
    sums: dict[tuple[int, int], list[float]] = {}
    for flow in attribution.flows:
        pair = (flow.step + 1, last if flow.to is None else flow.to + 1)
        net, gross = sums.setdefault(pair, [0.0, 0.0])
        sums[pair] = [net + float(flow.net[sample]), gross + float(flow.gross[sample])]
    return [[*pair, *both] for pair, both in sums.items()]
