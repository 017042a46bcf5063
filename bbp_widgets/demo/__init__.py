"""Two trained networks with pictures and their twins, inside the package: nothing is downloaded to see a bias move."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bbp_widgets.demo import networks
from bbp_widgets.demo.drawing import SHAPES, draw, sample

if TYPE_CHECKING:
    from bbp_widgets.demo.playground import Playground

__all__ = ["SHAPES", "Demo", "digits", "draw", "sample", "shapes", "shapes_playground"]

_DATA = Path(__file__).parent / "data"
_NETWORK = "network/"  # prefix of the arrays that are the network's state
_FRESH_SEED = 20_000  # shapes of this seed were neither trained on nor used to choose anything

Pictures = NDArray[np.uint8]
Source = Callable[[int], "tuple[Pictures, NDArray[np.int64]]"]


@dataclass(frozen=True)
class Demo:
    """A trained network and pictures it was not trained on.

    Shapes: ``inputs`` is ``(N, C, H, W)``, normalised as the network expects; ``pictures`` are the same ones
    to look at, ``(N, H, W, C)`` from 0 to 255; ``labels`` is ``(N,)``.
    """

    name: str
    network: nn.Module = field(repr=False)
    inputs: Tensor = field(repr=False)
    labels: Tensor = field(repr=False)
    classes: list[str]
    pictures: Pictures = field(repr=False)
    accuracy: float
    """Part of all held-out pictures that this network gets right, as measured when it was trained."""
    mean: tuple[float, ...]
    """Per channel, of the training pictures in 0..1."""
    std: tuple[float, ...]
    _source: Source = field(repr=False)

    def prepare(self, pictures: Pictures) -> Tensor:
        """Normalise pictures of your own as the network expects them.

        Shapes: ``(N, H, W, C)`` from 0 to 255, or one picture ``(H, W, C)``, to ``(N, C, H, W)``.
        Raises: ``ValueError`` where height, width and channels are not this network's.
        """
        batch = np.asarray(pictures)
        batch = batch[None] if batch.ndim == 3 else batch
        if batch.shape[1:] != self.pictures.shape[1:]:
            raise ValueError(
                f"{self.name} takes pictures (N, H, W, C) with H, W, C = {self.pictures.shape[1:]}; "
                f"got an array of shape {np.shape(pictures)}."
            )
        return _normalise(batch, self.mean, self.std)

    def held_out(self, n: int = 400) -> tuple[Tensor, Tensor]:
        """Give up to ``n`` inputs that the network was not trained on and their labels, the same each time.

        Shapes: ``(n, C, H, W)`` and ``(n,)``. ``digits`` has 450 of them, ``shapes`` draws as many as asked.
        """
        pictures, labels = self._source(n)
        return self.prepare(pictures), torch.from_numpy(labels)


def digits(kind: str = "norm") -> Demo:
    """Handwritten digits, 8x8 grey, and a network of five convolutions that reads them.

    ``kind`` is ``"norm"``, or one of its twins without batch norm: ``"bias"`` has biases in every layer, ``"bare"``
    has none at all. They were trained by `bbp_widgets.demo.train` on the same pictures, and weigh half precision.

    Raises: ``ValueError`` for a kind that is none.
    Source: the pictures are the 1,797 of scikit-learn's ``load_digits`` (E. Alpaydin, C. Kaynak, "Optical
    Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998, CC BY 4.0).
    """
    arrays = _arrays("digits", kind)
    pictures, labels = arrays["held_out"], arrays["held_out_labels"]
    return _demo("digits", kind, networks.Digits(kind=kind), arrays, lambda n: (pictures[:n], labels[:n]))


def shapes(kind: str = "norm") -> Demo:
    """Drawn shapes, 64x64 in colour, and a network of nine convolutions that names them.

    Draw your own with `draw` and give them to the network with `Demo.prepare`. ``kind`` is as of `digits`; the twins
    were trained on fewer pictures.

    Raises: ``ValueError`` for a kind that is none.
    """
    arrays = _arrays("shapes", kind)
    return _demo("shapes", kind, networks.Shapes(kind=kind), arrays, lambda n: sample(n, _FRESH_SEED))


def shapes_playground(**options: Any) -> Playground:
    """Give a shape that can be moved, turned, resized and recoloured, and an explorer that follows it.

    ``options`` are those of ``bbp.Explorer``.
    """
    from bbp_widgets.demo.playground import Playground

    return Playground(shapes(), **options)


def _arrays(name: str, kind: str) -> dict[str, NDArray[Any]]:
    """Read pictures and weights; a twin's file has its weights only, the pictures are those of the first."""
    if kind not in networks.KINDS:
        raise ValueError(f"a network is one of {', '.join(networks.KINDS)}, not {kind!r}.")
    arrays: dict[str, NDArray[Any]] = {}
    for stem in dict.fromkeys((name, networks.stem_of(name, kind))):
        with np.load(_DATA / f"{stem}.npz", allow_pickle=False) as file:
            arrays = {key: array for key, array in arrays.items() if not key.startswith(_NETWORK)}
            arrays |= {key: file[key] for key in file.files}
    return arrays


def _demo(name: str, kind: str, network: nn.Module, arrays: dict[str, NDArray[Any]], source: Source) -> Demo:
    stem = networks.stem_of(name, kind)
    facts = json.loads((_DATA / "facts.json").read_text(encoding="utf-8"))[stem]
    weights = {key.removeprefix(_NETWORK): a for key, a in arrays.items() if key.startswith(_NETWORK)}
    network.load_state_dict({key: torch.from_numpy(array) for key, array in weights.items()})
    mean, std = tuple(facts["mean"]), tuple(facts["std"])
    return Demo(
        name=stem,
        network=network.eval(),
        inputs=_normalise(arrays["pictures"], mean, std),
        labels=torch.from_numpy(arrays["labels"]),
        classes=list(facts["classes"]),
        pictures=arrays["pictures"],
        accuracy=facts["accuracy"],
        mean=mean,
        std=std,
        _source=source,
    )


def _normalise(pictures: Pictures, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    scaled = torch.tensor(pictures, dtype=torch.float32).permute(0, 3, 1, 2) / 255.0
    centre, spread = (torch.tensor(values)[:, None, None] for values in (mean, std))
    return ((scaled - centre) / spread).contiguous()
