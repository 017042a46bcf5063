"""What the whole network answers, what w·x alone would have answered, and what b alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from .. import decompose
from ..engine import BadInput, Cancelled
from .batches import Progress, batches_of, told
from .intervals import LEVEL, wilson
from .table import Table

__all__ = ["PAPER", "UNDECIDED", "Count", "DecompositionAccuracy", "compare", "decomposition_accuracy"]

UNDECIDED = -1
"""The answer of a part that says the same of every class."""

PARTS = ("all", "w·x", "b")

#: What tells classes apart must be this much of the largest number of a sample; below is rounding.
_ROUNDING = 1e-5

PAPER = (
    ("paper: CIFAR-10, with biases", "90.9", "71.5", "62.2"),
    ("paper: CIFAR-10, without", "87.0", "", ""),
    ("paper: CIFAR-100, with biases", "66.8", "40.3", "36.5"),
    ("paper: CIFAR-100, without", "62.8", "", ""),
    ("paper: Fashion-MNIST, with biases", "94.7", "76.1", "24.6"),
    ("paper: Fashion-MNIST, without", "94.1", "", ""),
)
"""The table of Wang, Zhou and Bilmes, ICML 2019, in percent: name, whole network, only w·x, only b."""


@dataclass(frozen=True)
class Count:
    """How many answers were right; an undecided one is not."""

    right: int
    total: int
    undecided: int = 0

    @property
    def share(self) -> float:
        """The accuracy, 0 to 1."""
        return self.right / self.total if self.total else float("nan")

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Give the Wilson interval of the accuracy."""
        return wilson(self.right, self.total, level)


@dataclass(frozen=True, eq=False, repr=False)
class DecompositionAccuracy:
    """Every sample's outputs in two parts, and how often the whole and either part are right.

    Shapes: ``labels`` and ``positions`` (of the samples in what was given) are ``(N,)``; ``output``, ``gradient`` and
    ``bias`` are ``(N, K)``, in target units, with output = gradient + bias. ``interrupted`` says that the run was ended
    before its end; what was counted until then stands.
    """

    name: str
    labels: Tensor
    positions: Tensor
    output: Tensor
    gradient: Tensor
    bias: Tensor
    interrupted: bool = False
    answers: dict[str, Tensor] = field(init=False)
    """What the parts ``"all"``, ``"w·x"`` and ``"b"`` answer, each (N,); `UNDECIDED` where a part is flat."""

    def __post_init__(self) -> None:
        """Find the answers."""
        parts = dict(zip(PARTS, (self.output, self.gradient, self.bias), strict=True))
        largest = torch.stack([part.abs().amax(1) for part in parts.values()]).amax(0)
        object.__setattr__(self, "answers", {name: _answers(part, largest) for name, part in parts.items()})

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def counts(self) -> dict[str, Count]:
        """How often each part is right."""
        return {
            name: Count(int((said == self.labels).sum()), len(self), int((said == UNDECIDED).sum()))
            for name, said in self.answers.items()
        }

    @property
    def table(self) -> Table:
        """Accuracies with their intervals."""
        rows = []
        for name, count in self.counts.items():
            low, high = count.interval()
            rows.append(
                [
                    {"all": "w·x + b", "w·x": "only w·x", "b": "only b"}[name],
                    f"{count.right} of {count.total}",
                    f"{count.share:.1%}",
                    f"{low:.1%} to {high:.1%}",
                    str(count.undecided),
                ]
            )
        notes = [f"chance: {1 / self.output.shape[1]:.1%}"]
        if self.interrupted:
            notes.append(f"interrupted after {len(self)} samples")
        return Table([self.name, "right", "accuracy", "95 % interval", "undecided"], rows, notes)

    def fade(self, pictures: Any = None, classes: Sequence[str] | None = None, **options: Any) -> Any:
        """Show a widget that fades b in and out: what w·x + t·b answers as t moves, and who changes their mind.

        ``pictures`` are those of all samples that were given, (N, H, W), (N, H, W, 1 or 3), bytes or 0 to 1.
        """
        from ..widgets import Fade

        shown = None if pictures is None else [pictures[i] for i in self.positions.tolist()]
        numbers = (part.numpy() for part in (self.gradient, self.bias, self.labels))
        return Fade(*numbers, pictures=shown, classes=classes, **options)

    def __str__(self) -> str:
        return str(self.table)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def decomposition_accuracy(
    network: nn.Module,
    data: Any,
    labels: Tensor | None = None,
    *,
    name: str | None = None,
    batch_size: int = 64,
    limit: int | None = None,
    seed: int = 0,
    progress: Progress = True,
) -> DecompositionAccuracy:
    """Count how often the whole output, w·x alone and b alone name the right class, over all classes.

    ``data`` is a tensor (N, ...) with ``labels`` (N,), or a ``DataLoader`` or other iterable of pairs (inputs, labels).
    ``limit`` takes so many samples: of tensors at random by ``seed``, of a loader the first. Inputs go to the device of
    the network; the parts are computed in forward mode, a batch at a time.

    A ``KeyboardInterrupt``, or a ``Cancelled`` raised by a ``progress`` of your own, ends the run: what was counted so
    far is returned, with ``interrupted`` set. If that is nothing, the interrupt goes on.

    A part that says the same of every class, up to rounding, has no answer: a network without biases is not given one
    for b = 0.

    Raises: ``BadInput``, and as ``bbp.decompose``.
    """
    batches, total = batches_of(data, labels, batch_size, limit, seed)
    device = next((t.device for t in (*network.parameters(), *network.buffers())), torch.device("cpu"))
    called = name or type(network).__name__
    done: list[tuple[Tensor, ...]] = []
    interrupted = False
    try:
        for inputs, truth, rows in told(batches, total, progress, lambda batch: len(batch[1]), called):
            moved = tuple(x.to(device) for x in inputs) if isinstance(inputs, tuple) else inputs.to(device)
            parts = decompose(network, moved)
            if parts.output.dim() != 2:
                raise BadInput(
                    f"{called} must return one row of classes per sample, got {tuple(parts.output.shape)}."
                )
            done.append((truth.cpu(), rows, *(part.detach().float().cpu() for part in parts)))
    except (KeyboardInterrupt, Cancelled):
        if not done:
            raise
        interrupted = True
    if not done:
        raise BadInput("there are no samples to count.")
    truth, rows, output, gradient, bias = (torch.cat(same) for same in zip(*done, strict=True))
    return DecompositionAccuracy(called, truth, rows, output, gradient, bias, interrupted)


def compare(
    results: Iterable[DecompositionAccuracy], *, paper: bool = False, notes: Sequence[str] = ()
) -> Table:
    """Set results side by side, one a row, in percent; ``paper`` puts the published table above them."""
    rows = [[name, "", *numbers, ""] for name, *numbers in PAPER] if paper else []
    for result in results:
        counts = result.counts
        texts = [
            "none" if count.undecided == count.total else f"{count.share:.1%}"[:-1] + _half(count)
            for count in counts.values()
        ]
        rows.append([result.name, str(len(result)), *texts, f"{100 / result.output.shape[1]:.3g}"])
    below = [
        "percent right; ± is half the 95 % interval (Wilson); none: says the same of every class",
        *notes,
    ]
    if paper:
        below.insert(1, "paper: Wang, Zhou, Bilmes, ICML 2019; the networks trained without biases have no b")
    return Table(["network", "samples", "w·x + b", "only w·x", "only b", "chance"], rows, below)


def _half(count: Count) -> str:
    low, high = count.interval()
    return f" ± {50 * (high - low):.1f}"


def _answers(part: Tensor, largest: Tensor) -> Tensor:
    """Give the largest class of each sample, or `UNDECIDED` where what tells classes apart is rounding."""
    decided = part.amax(1) - part.amin(1) > _ROUNDING * largest
    return torch.where(decided, part.argmax(1), UNDECIDED)
