"""Train the embedded networks: ``python -m bbp_widgets.demo.train digits shapes``, minutes on two cores.

``--twins`` trains the same layers without batch norm instead, once with biases and once without any; their weights
are written in half precision. From Python: ``twin("digits", "bare")``, seconds, and nothing is written.

Everything is seeded; another torch or number of threads adds in another order, which moves a picture or two.
The accuracy noted in ``data/facts.json`` is that of the weights written beside it, on pictures that were used for
nothing else. ``digits`` needs scikit-learn; using the networks does not.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from bbp_widgets.demo import networks
from bbp_widgets.demo.drawing import SHAPES, sample

DATA = Path(__file__).parent / "data"
SEED = 0
SHOWN = 12  # pictures of `Demo.inputs`

Batch = tuple[Tensor, Tensor]
Pictures = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """What one network is trained on and tested with."""

    name: str
    network: Callable[..., nn.Module]
    classes: tuple[str, ...]
    train: tuple[Pictures, Labels]
    held_out: tuple[Pictures, Labels]
    vary: Callable[[Tensor], Tensor]
    epochs: int
    keep_held_out: bool
    """Whether the held-out pictures are written beside the weights; what can be drawn again is not."""
    rate: float = 6e-3
    """The largest step of the optimizer."""


def digits_task() -> Task:
    """Real handwriting, a quarter of it held out."""
    from sklearn.datasets import load_digits

    data = load_digits()
    pictures = np.round(data.images * (255 / 16)).astype(np.uint8)[..., None]
    labels = data.target.astype(np.int64)
    order = np.random.default_rng(SEED).permutation(len(labels))
    held, train = order[:450], order[450:]
    return Task(
        name="digits",
        network=networks.Digits,
        classes=tuple("0123456789"),
        train=(pictures[train], labels[train]),
        held_out=(pictures[held], labels[held]),
        vary=shift_and_turn,
        epochs=60,
        keep_held_out=True,
    )


def shapes_task(pictures: int = 12_000) -> Task:
    """Drawn shapes; seed 1 to train on, seed 2 held out."""
    return Task(
        name="shapes",
        network=networks.Shapes,
        classes=SHAPES,
        train=sample(pictures, seed=1),
        held_out=sample(2_000, seed=2),
        vary=flip_and_turn,
        epochs=18,
        keep_held_out=False,
    )


def shift_and_turn(x: Tensor) -> Tensor:
    """Move each picture by up to a pixel and turn it by up to 12 degrees."""
    n, side = len(x), x.shape[-1]
    angle = (torch.rand(n) * 2 - 1) * np.deg2rad(12)
    shift = (torch.rand(n, 2) * 2 - 1) * (2.0 / side)
    cos, sin = angle.cos(), angle.sin()
    rows = [torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


def flip_and_turn(x: Tensor) -> Tensor:
    """Turn a batch by quarters, mirror it, and exchange its colours: a shape stays what it is."""
    x = torch.rot90(x, int(torch.randint(4, ())), (2, 3))
    x = x.flip(3) if torch.rand(()) < 0.5 else x
    return x[:, torch.randperm(x.shape[1])]


def say_at_once(text: str) -> None:
    """Print a line, also where the output goes to a file."""
    print(text, flush=True)


def twin_task(name: str, kind: str) -> Task:
    """The same layers without batch norm, on the same pictures (of the shapes on the first 3,000).

    Raises: ``ValueError`` for a kind that is none.
    """
    if kind not in networks.KINDS:
        raise ValueError(f"a twin is one of {', '.join(networks.KINDS)}, not {kind!r}.")
    task, epochs = (digits_task(), 30) if name == "digits" else (shapes_task(pictures=3_000), 40)
    return replace(task, network=partial(task.network, kind=kind), epochs=epochs, rate=4e-3)


def twin(
    name: str, kind: str, *, say: Callable[[str], None] = say_at_once
) -> tuple[nn.Module, Tensor, Tensor]:
    """Train a twin of an embedded network; give it with its held-out inputs and their labels.

    ``name`` is ``"digits"`` (seconds on two cores; needs scikit-learn) or ``"shapes"`` (minutes); ``kind`` is
    ``"bias"`` for biases in every layer, ``"bare"`` for none anywhere, ``"norm"`` for batch norm as in the embedded
    network. Seeded; randomness elsewhere is left alone.
    """
    task = twin_task(name, kind)
    with torch.random.fork_rng(devices=[]):
        network, mean, std = train(task, say)
    pictures, labels = task.held_out
    scaled = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    return network, normalise(scaled, mean, std), torch.from_numpy(labels)


def train(task: Task, say: Callable[[str], None] = say_at_once) -> tuple[nn.Module, list[float], list[float]]:
    """Train from scratch; also give mean and standard deviation of the training pictures per channel."""
    torch.manual_seed(SEED)
    pictures = torch.from_numpy(task.train[0]).permute(0, 3, 1, 2).contiguous()
    labels = torch.from_numpy(task.train[1])
    scaled = pictures.float() / 255
    mean = [round(value, 4) for value in scaled.mean((0, 2, 3)).tolist()]
    std = [round(value, 4) for value in scaled.std((0, 2, 3)).tolist()]
    inputs = normalise(scaled, mean, std)
    network = task.network().train()
    batches = len(inputs) // 64
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, task.rate, total_steps=batches * task.epochs)
    for epoch in range(task.epochs):
        begun, total = time.perf_counter(), 0.0
        for rows in torch.randperm(len(inputs))[: batches * 64].split(64):
            outputs = network(task.vary(inputs[rows]))
            loss = functional.cross_entropy(outputs, labels[rows], label_smoothing=0.02)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        took = time.perf_counter() - begun
        say(f"epoch {epoch + 1:2d}: loss {total / batches:.4f}, {took:.1f} s")
    return network.eval(), mean, std


def normalise(scaled: Tensor, mean: list[float], std: list[float]) -> Tensor:
    """Take off the mean and divide by the standard deviation, per channel."""
    centre, spread = (torch.tensor(values)[:, None, None] for values in (mean, std))
    return (scaled - centre) / spread


@torch.no_grad()
def logits(network: nn.Module, pictures: Pictures, mean: list[float], std: list[float]) -> Tensor:
    """Give the network's outputs for pictures from 0 to 255."""
    scaled = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    return torch.cat([network(part) for part in normalise(scaled, mean, std).split(250)])


def choose(outputs: Tensor, labels: Tensor) -> list[int]:
    """Choose pictures to show: the clearest of every class, then mistakes, then narrow escapes.

    Shapes: ``outputs`` ``(N, K)``, ``labels`` ``(N,)``; the choice is `SHOWN` positions.
    """
    right = outputs.gather(1, labels[:, None]).squeeze(1)
    others = outputs.scatter(1, labels[:, None], -torch.inf).max(1).values
    margin = right - others
    clearest = [int(margin.masked_fill(labels != k, -torch.inf).argmax()) for k in range(outputs.shape[1])]
    hardest = [i for i in margin.argsort().tolist() if i not in clearest]
    mistakes = [i for i in hardest if margin[i] < 0]
    escapes = [i for i in hardest if margin[i] >= 0]
    free = SHOWN - len(clearest)
    wrong = mistakes[: free // 2]
    return clearest + wrong + escapes[: free - len(wrong)]


def write(task: Task, network: nn.Module, mean: list[float], std: list[float]) -> None:
    """Measure the network on the held-out pictures and write it, the shown pictures and the facts."""
    pictures, labels = task.held_out
    outputs = logits(network, pictures, mean, std)
    correct = int((outputs.argmax(1) == torch.from_numpy(labels)).sum())
    shown = choose(outputs, torch.from_numpy(labels))
    state = network.state_dict()
    arrays: dict[str, Any] = {f"network/{name}": value.numpy() for name, value in state.items()}
    arrays |= {"pictures": pictures[shown], "labels": labels[shown]}
    if task.keep_held_out:
        arrays |= {"held_out": pictures, "held_out_labels": labels}
    DATA.mkdir(exist_ok=True)
    path = DATA / f"{task.name}.npz"
    np.savez_compressed(path, **arrays)
    facts = {"accuracy": correct / len(labels), "held_out": len(labels), "mean": mean, "std": std}
    note(task.name, {**facts, "classes": list(task.classes)})
    print(f"{task.name}: {correct} of {len(labels)} held-out pictures right ({correct / len(labels):.2%})")
    print(f"wrote {path.name}, {path.stat().st_size / 1000:.0f} kB, and facts.json in {DATA}")


def note(name: str, facts: dict[str, Any]) -> None:
    """Put the facts of one network into ``facts.json``, leaving the others."""
    path = DATA / "facts.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    path.write_text(json.dumps({**known, name: facts}, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def write_twin(name: str, kind: str) -> None:
    """Train a twin and write its weights in half precision, and the accuracy that they have then."""
    task = twin_task(name, kind)
    network, mean, std = train(task)
    halves = {key: value.half() for key, value in network.state_dict().items()}
    network.load_state_dict({key: value.float() for key, value in halves.items()})
    pictures, labels = task.held_out
    right = (logits(network, pictures, mean, std).argmax(1) == torch.from_numpy(labels)).double().mean()
    stem = networks.stem_of(name, kind)
    path = DATA / f"{stem}.npz"
    np.savez_compressed(path, **{f"network/{key}": value.numpy() for key, value in halves.items()})
    facts = {"accuracy": float(right), "held_out": len(labels), "mean": mean, "std": std}
    note(stem, {**facts, "classes": list(task.classes)})
    print(
        f"{stem}: {right:.2%} of {len(labels)} held-out pictures right; {path.stat().st_size / 1000:.0f} kB"
    )


def main() -> None:
    """Train the networks named on the command line."""
    tasks = {"digits": digits_task, "shapes": shapes_task}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="+", choices=sorted(tasks))
    parser.add_argument("--twins", action="store_true", help="train those without batch norm instead")
    options = parser.parse_args()
    for name in options.name:
        if options.twins:
            for kind in ("bias", "bare"):
                write_twin(name, kind)
            continue
        task = tasks[name]()
        write(task, *train(task))


if __name__ == "__main__":
    main()
