"""The digit switch: take away what speaks for one class rather than another, and see whether the answer turns."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..engine import BadInput
from .batches import Progress, told
from .masking import baseline_like, order_of, ranks_of, replaced, total_per_pixel
from .methods import Method, chosen, in_eval, skipped_of
from .scores import Scores

__all__ = ["digit_switch"]


def digit_switch(
    network: nn.Module,
    x: Tensor,
    methods: Mapping[str, Method],
    *,
    source: Tensor | None = None,
    goal: Tensor | int | None = None,
    fraction: float = 0.2,
    baseline: Tensor | float = 0.0,
    batch_size: int = 64,
    seed: int = 0,
    progress: Progress = True,
) -> Scores:
    """Mask the pixels that an attribution says separate class ``source`` from class ``goal``; report the log-odds.

    Each method explains "source rather than goal". Of its pixels with an attribution above zero the largest are
    replaced by ``baseline``, at most ``fraction`` of the picture. The score is how far the log-odds of source against
    goal fall, in logits: log-odds before minus after. ``source`` is the network's answer where it is ``None``, and
    ``goal`` the runner-up beside ``source``.

    Shapes: ``x`` ``(N, C, ...)``; ``source`` and ``goal`` ``(N,)``; ``baseline`` a number or like one input.
    Raises: ``BadInput`` where source and goal are the same class.
    Source: Shrikumar, Greenside and Kundaje, "Learning Important Features Through Propagating Activation Differences"
    (DeepLIFT), ICML 2017, section 4.1: up to 157 of 784 pixels of MNIST. There the difference of two attributions
    is taken; that of "source rather than goal" is the same for every method that is linear in the target.
    """
    empty = baseline_like(baseline, x)
    found: dict[str, list[Tensor]] = {name: [] for name in methods}
    rows = torch.arange(len(x))
    for part in told(rows.split(batch_size), len(x), progress, len, "digit switch"):
        inputs = x[part]
        with torch.no_grad(), in_eval(network):
            output = network(inputs)
        pair = _pairs(output, None if source is None else source[part], _of(goal, part))
        before = chosen(output, pair)
        for name, method in methods.items():
            attribution = method(network, inputs, pair)
            speaks = total_per_pixel(attribution) > 0
            most = round(fraction * speaks.shape[1])
            masked = (ranks_of(order_of(attribution, seed)) < most) & speaks
            with torch.no_grad(), in_eval(network):
                after = chosen(network(replaced(inputs, masked, empty[part])), pair)
            found[name].append((before - after).cpu())
    what = f"fall of the log-odds when {fraction:.0%} of the pixels are masked, logits"
    values = {name: torch.cat(falls) for name, falls in found.items()}
    return Scores(what, "higher", values, skipped_of(methods), seed)


def _of(goal: Tensor | int | None, rows: Tensor) -> Tensor | None:
    if goal is None:
        return None
    return goal[rows] if isinstance(goal, Tensor) and goal.dim() else torch.full((len(rows),), int(goal))


def _pairs(output: Tensor, source: Tensor | None, goal: Tensor | None) -> Tensor:
    """Give (source, goal) of each sample, (N, 2).

    Raises: ``BadInput``.
    """
    first = output.argmax(1) if source is None else source.to(output.device)
    runner_up = output.scatter(1, first[:, None], -torch.inf).argmax(1)
    second = runner_up if goal is None else goal.to(output.device)
    if bool((first == second).any()):
        raise BadInput(
            f"source and goal are the same class, {int(first[first == second][0])}, for some samples.\n"
            "  Leave these samples out, or give each its own goal."
        )
    return torch.stack([first, second], 1)
