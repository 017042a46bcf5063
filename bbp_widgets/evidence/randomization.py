"""The sanity check: an explanation that does not change when the network is ruined does not explain the network."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..engine import BadInput, linearize
from .batches import Progress, told
from .methods import Method, in_eval, skipped_of
from .scores import Scores
from .table import Table

__all__ = ["Randomization", "randomization", "rank_correlation"]


@dataclass(frozen=True, eq=False, repr=False)
class Randomization:
    """How alike each attribution stays as layers are randomized from the top, as rank correlations.

    Shapes: ``layers`` are L names, the top first; each of ``values`` is ``(L, N)``, where row i has the layers up to i
    randomized. What has no order, such as an attribution that is zero everywhere, is not a number.
    """

    layers: tuple[str, ...]
    values: Mapping[str, Tensor]
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def last(self) -> Scores:
        """What is left when everything is randomized. Near zero is what a good explanation does."""
        values = {name: correlation[-1] for name, correlation in self.values.items()}
        return Scores("rank correlation with all layers randomized", "lower", values, self.skipped)

    @property
    def table(self) -> Table:
        """Mean rank correlation of every method after every layer."""
        rows = [
            [name, *(f"{value:.2f}" for value in correlation.double().nanmean(1).tolist())]
            for name, correlation in self.values.items()
        ]
        notes = [
            "rank correlation with the attribution of the whole network; layers are randomized from the left on",
            *(f"{name}: skipped, {why}" for name, why in self.skipped.items()),
        ]
        return Table(["method", *self.layers], rows, notes)

    def __str__(self) -> str:
        return str(self.table)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def randomization(
    network: nn.Module,
    x: Tensor,
    target: Tensor,
    methods: Mapping[str, Method],
    *,
    how: str = "shuffle",
    absolute: bool = False,
    layers: tuple[str, ...] | None = None,
    seed: int = 0,
    progress: Progress = True,
) -> Randomization:
    """Randomize the layers of a copy one after another from the top, and compare the attributions by rank.

    ``how``: ``"shuffle"`` gives the parameters and statistics of each layer another order, so that sizes and signs are
    those of training; ``"reset"`` draws them as a fresh layer would. A fresh batch norm has no bias at all, so with
    ``"reset"`` little is left of b. ``absolute`` compares magnitudes. ``layers`` names modules, the top first; all that
    hold parameters below one of them are randomized at once. ``None`` takes every module with parameters, by itself.

    Raises: ``BadInput``.
    Source: Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, section 3 (cascading randomization).
    """
    if how not in ("shuffle", "reset"):
        raise BadInput(f'how must be "shuffle" or "reset", got {how!r}.')
    names = _from_the_top(network, x) if layers is None else layers
    ruined = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(seed)
    before = {name: _numbers(method(network, x, target), absolute) for name, method in methods.items()}
    found: dict[str, list[Tensor]] = {name: [] for name in methods}
    for layer in told(names, len(names), progress, lambda _: 1, "randomization"):
        for module in ruined.get_submodule(layer).modules():
            _randomize(module, how, generator)
        for name, method in methods.items():
            now = _numbers(method(ruined, x, target), absolute)
            found[name].append(rank_correlation(before[name], now))
    values = {name: torch.stack(correlations) for name, correlations in found.items()}
    return Randomization(tuple(names), values, skipped_of(methods))


def rank_correlation(a: Tensor, b: Tensor) -> Tensor:
    """Give Spearman's rank correlation of each row, ties by their mean rank; not a number where a row is flat.

    Shapes: ``(N, P)`` both, to ``(N,)``.
    """
    first, second = (_ranks(rows) for rows in (a, b))
    first, second = (ranks - ranks.mean(1, keepdim=True) for ranks in (first, second))
    return (first * second).sum(1) / (first.square().sum(1) * second.square().sum(1)).sqrt()


def _ranks(rows: Tensor) -> Tensor:
    ranks = torch.empty_like(rows, dtype=torch.float64)
    for row, out in zip(rows, ranks, strict=True):
        _, place, count = row.unique(return_inverse=True, return_counts=True)
        end = count.cumsum(0).double()
        out[:] = (end - (count - 1) / 2)[place]
    return ranks


def _numbers(attribution: Tensor, absolute: bool) -> Tensor:
    rows = attribution.detach().cpu().flatten(1)
    return rows.abs() if absolute else rows


def _from_the_top(network: nn.Module, x: Tensor) -> list[str]:
    """Name the modules with parameters of their own, the one that runs last first."""
    own = [
        name
        for name, module in network.named_modules()
        if next(module.parameters(recurse=False), None) is not None
    ]
    with in_eval(network):
        ran = [node.module.partition("#")[0] for node in linearize(network, x[:1]).nodes]
    last = {name: place for place, name in enumerate(ran)}
    return sorted(own, key=lambda name: last.get(name, -1), reverse=True)


def _randomize(module: nn.Module, how: str, generator: torch.Generator) -> None:
    """Randomize what a module itself holds. Weight and statistics of one channel of a norm move together."""
    tensors = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    numbers = [t for t in tensors if t.is_floating_point()]
    if not numbers:
        return
    if how == "reset":
        reset = getattr(module, "reset_parameters", None)
        if reset is None:
            raise BadInput(f'{type(module).__name__} cannot be reset. Use how="shuffle".')
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
            reset()
        return
    orders = {
        count: torch.randperm(count, generator=generator) for count in sorted({t.numel() for t in numbers})
    }
    with torch.no_grad():
        for tensor in numbers:
            order = orders[tensor.numel()].to(tensor.device)
            tensor.copy_(tensor.flatten()[order].reshape(tensor.shape))
