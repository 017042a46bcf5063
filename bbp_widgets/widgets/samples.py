"""The inputs that an explorer offers: the tensors it explains, and what is shown in their place."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from bbp_widgets.engine import BadInput
from bbp_widgets.views import Line, as_pictures, pack_thumbnails, trace_of

from .joint import Given, Pictures, alike, described, each, joint_samples, shown_for, shown_of

__all__ = ["MOST_BYTES", "MOST_PIXELS", "Samples"]

Array = np.ndarray[Any, Any]
#: What a file that is dropped on the page may hold. The page sends pictures already made smaller.
MOST_BYTES, MOST_PIXELS = 10 << 20, 64_000_000
#: Longest side of a picture that is kept to be shown.
_SIDE, _THUMB = 448, 48
#: Signals that are drawn small; nobody picks among more by their looks.
_TRACES = 512
#: Mean difference, of 1, up to which a picture made smaller counts as what the network sees.
_ALIKE = 0.06


@dataclass(frozen=True)
class _Sample:
    tensor: Given
    name: str
    label: str | None
    pictures: Pictures
    source: str | None = None  # what makes its tensor in Python, where that is not its place among the inputs


class Samples:
    """The inputs, which may become more while they are looked at."""

    def __init__(
        self,
        inputs: Any,
        *,
        transform: Callable[[Image.Image], Tensor] | None = None,
        pictures: Any = None,
        labels: Sequence[Any] | None = None,
        classes: Sequence[str] | None = None,
    ) -> None:
        """Take a tensor, a tuple of them for several inputs, or what ``transform`` makes tensors of.

        That may be pictures, files, arrays of bytes.

        Raises: ``BadInput`` for what is neither; ``ValueError`` where ``pictures`` does not fit.
        """
        self._transform = transform
        self._lock = threading.Lock()
        if isinstance(inputs, tuple) and transform is None:
            joint = joint_samples(inputs, pictures)
            tensors, shown = [tensors for tensors, _ in joint], [shown for _, shown in joint]
            names = [f"{i + 1} of {len(joint)}" for i in range(len(joint))]
            sources: list[str | None] = [None] * len(joint)
        elif isinstance(inputs, Tensor) and inputs.dtype != torch.uint8:
            if inputs.dim() < 2:
                raise BadInput(
                    "inputs must be a tensor with the samples along its first axis, e.g. image[None]; "
                    f"got {_shape(inputs)}."
                )
            tensors = [inputs.detach()[i : i + 1] for i in range(len(inputs))]
            names = [f"{i + 1} of {len(inputs)}" for i in range(len(inputs))]
            shown = [(picture,) for picture in shown_of(inputs, pictures)]
            sources = [None] * len(inputs)
        else:
            entries = _entries(inputs, transform)
            read = [self._read(entry, i) for i, entry in enumerate(entries)]
            made, names = [tensor for tensor, _, _ in read], [name for _, name, _ in read]
            names = [name or f"{i + 1} of {len(read)}" for i, name in enumerate(names)]
            shown = [(picture,) for _, _, picture in read]
            sources = [_source(entry, i) for i, entry in enumerate(entries)]
            if pictures is not None:
                shown = [(picture,) for picture in shown_of(torch.cat(made), pictures)]
            for i, tensor in enumerate(made):
                _check_shape(tensor, made[0], names[i])
            tensors = [*made]
        if not tensors:
            raise BadInput("inputs is empty: there is nothing to explain.")
        words = _labels(labels, classes, len(tensors))
        self._lines: tuple[Line | None, ...] = ()
        self._samples = [_Sample(*parts) for parts in zip(tensors, names, words, shown, sources, strict=True)]

    def __len__(self) -> int:
        """Return how many inputs there are now."""
        return len(self._samples)

    def tensor(self, sample: int) -> Given:
        """Return one input, (1, ...); of several a tuple of them."""
        return self._samples[sample].tensor

    def name(self, sample: int) -> str:
        """Return what an input is called: the name of its file, or its place."""
        return self._samples[sample].name

    def label(self, sample: int) -> str | None:
        """Return what an input is said to be."""
        return self._samples[sample].label

    def pictures(self, sample: int) -> Pictures:
        """Return each input of a sample as a person sees it, (H, W, 3) bytes."""
        return self._samples[sample].pictures

    @property
    def several(self) -> bool:
        """Whether the network takes a tuple."""
        return isinstance(self._samples[0].tensor, tuple)

    def source(self, sample: int) -> str | None:
        """Return the Python that makes an input's tensor; ``None`` where it is the one at its place in ``inputs``."""
        return self._samples[sample].source

    @property
    def may_grow(self) -> bool:
        """Whether a picture can be added."""
        return self._transform is not None

    def described(self) -> list[dict[str, Any]]:
        """Return the names and labels of all inputs, for the page."""
        return [{"name": sample.name, "label": sample.label} for sample in self._samples]

    @property
    def lines(self) -> tuple[Line | None, ...]:
        """How each input of a sample lies along a line; empty until a network has told which axis that is."""
        return self._lines

    def lay(self, lines: tuple[Line | None, ...]) -> None:
        """Take how each input lies along a line, as the network has it."""
        self._lines = lines

    def thumbs(self) -> bytes:
        """Return small pictures of all inputs, packed for the page: of signals, once it is known that they are some."""
        pictures = [next((p for p in sample.pictures if p is not None), None) for sample in self._samples]
        if all(picture is None for picture in pictures):
            traces = [self._trace(sample) for sample in self._samples[:_TRACES]]
            traces += [None] * (len(pictures) - len(traces))
            return pack_thumbnails(None, len(pictures), traces=traces)
        tiles = np.stack([_square(picture, _THUMB) for picture in pictures])
        return pack_thumbnails(tiles, len(tiles), _THUMB)

    def _trace(self, sample: _Sample) -> Array | None:
        inputs = zip(self._lines, each(sample.tensor), strict=False)
        return next((trace_of(line, x[0]) for line, x in inputs if line is not None), None)

    def add(self, data: bytes, name: str) -> int:
        """Add the picture in a file's bytes; return its place.

        Raises: ``BadInput`` for what is no picture, or too large, or does not become an input of this network.
        """
        if self._transform is None:
            raise BadInput("this explorer takes no pictures: it was made without transform=.")
        if len(data) > MOST_BYTES:
            raise BadInput(
                f"{name} has {len(data) / 1e6:.1f} MB; at most {MOST_BYTES / 1e6:.0f} MB can be added."
            )
        tensor, _, picture = self._read(_opened(data, name), len(self._samples), name)
        with self._lock:
            _check_shape(tensor, self._samples[0].tensor, name)
            source = f"transform(PIL.Image.open({name!r}).convert('RGB'))[None]"
            self._samples.append(_Sample(tensor, name, None, (picture,), source))
            return len(self._samples) - 1

    def replace(self, place: int, tensor: Any, picture: Any = None) -> None:
        """Put another input of the same kind in a place, with the picture that is shown for it.

        Raises: ``BadInput`` where it is not of the shape and type of the others.
        """
        tensor = self.check(tensor)
        shown = shown_for(tensor, picture)
        with self._lock:
            old = self._samples[place]
            self._samples[place] = replace(old, tensor=tensor, pictures=shown, source=None)

    def check(self, tensor: Any) -> Given:
        """Return an input with its sample axis.

        Raises: ``BadInput`` where it is not of the shape and type of the others.
        """
        return alike(tensor, self._samples[0].tensor)

    def clear(self) -> None:
        """Let go of every tensor."""
        self._samples = []

    def _read(self, entry: Any, place: int, name: str = "") -> tuple[Tensor, str, Array | None]:
        """Return what ``transform`` makes of a picture, its name, and the picture."""
        if isinstance(entry, (str, Path)):
            name = Path(entry).name
            try:
                entry = _opened(Path(entry).read_bytes(), name)
            except OSError as error:
                raise BadInput(f"inputs[{place}]: cannot read {str(entry)!r}: {error.strerror}.") from error
        picture = entry if isinstance(entry, Image.Image) else _as_image(entry, f"inputs[{place}]")
        picture = picture.convert("RGB")
        assert self._transform is not None
        tensor = _transformed(self._transform, picture, name or f"inputs[{place}]")
        return tensor, name, _as_seen(self._transform, picture, tensor)


def _shape(array: Any) -> str:
    return f"one of shape {tuple(array.shape)}" if hasattr(array, "shape") else type(array).__name__


def _entries(inputs: Any, transform: Any) -> list[Any]:
    """Return pictures one by one."""
    if transform is None:
        raise BadInput(
            "inputs must be a tensor with the samples along its first axis, e.g. image[None]; "
            f"got {'a tensor of bytes' if isinstance(inputs, Tensor) else type(inputs).__name__}.\n"
            "  Pictures, files and arrays of bytes can be given with transform=, which makes tensors of them."
        )
    if isinstance(inputs, (str, Path, Image.Image)):
        return [inputs]
    if isinstance(inputs, (Tensor, np.ndarray)) and inputs.ndim <= 3:
        return [inputs]
    return list(inputs)


def _source(entry: Any, place: int) -> str:
    """Return the Python that makes the tensor of an entry of ``inputs``."""
    if isinstance(entry, Image.Image):
        return f"transform(inputs[{place}])[None]"
    opened = "open" if isinstance(entry, (str, Path)) else "fromarray"
    return f"transform(PIL.Image.{opened}(inputs[{place}]).convert('RGB'))[None]"


def _as_image(entry: Any, where: str) -> Image.Image:
    array = entry.detach().cpu().numpy() if isinstance(entry, Tensor) else np.asarray(entry)
    if array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[-1] not in (1, 3):
        array = np.moveaxis(array, 0, -1)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[-1] == 3)):
        raise BadInput(
            f"{where} must be a picture, a file, or an array of bytes (H, W) or (H, W, 3); "
            f"got {type(entry).__name__} {array.dtype} {array.shape}."
        )
    return Image.fromarray(array)


def _opened(data: bytes, name: str) -> Image.Image:
    """Return the picture in a file's bytes, upright.

    Raises: ``BadInput`` where there is none, or one too large to be unpacked.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit is ours
            picture = Image.open(io.BytesIO(data))
            width, height = picture.size
            if width * height > MOST_PIXELS:
                raise BadInput(
                    f"{name} has {width} x {height} pixels; at most {MOST_PIXELS // 1_000_000} million can be read."
                )
            return ImageOps.exif_transpose(picture).convert("RGB")
    except BadInput:
        raise
    except Exception as error:  # a decoder may raise anything at bytes that are none
        raise BadInput(f"{name} is no picture that can be read: {error}.") from error


def _transformed(transform: Callable[[Image.Image], Tensor], picture: Image.Image, name: str) -> Tensor:
    try:
        tensor = transform(picture)
    except Exception as error:
        raise BadInput(f"transform fails on {name}, a picture of {picture.size}: {error}") from error
    if not isinstance(tensor, Tensor):
        raise BadInput(f"transform must return a tensor, got {type(tensor).__name__} for {name}.")
    tensor = tensor.detach()
    return tensor if tensor.dim() == 4 and len(tensor) == 1 else tensor[None]


def _check_shape(tensor: Tensor, like: Given, name: str) -> None:
    assert isinstance(like, Tensor)  # a transform makes one input
    if tensor.shape != like.shape or tensor.dtype != like.dtype:
        raise BadInput(
            f"transform makes {described(tensor)} of {name}, and {described(like)} of the first: all must be alike."
        )


def _as_seen(
    transform: Callable[[Image.Image], Tensor], picture: Image.Image, tensor: Tensor
) -> Array | None:
    """Return a picture as the network sees it, in its own colours.

    Attributions lie on the pixels that ``transform`` kept, so the picture must show just those. Black and white through
    the same transform tell its scale; red, green and blue the order of its channels (some networks take blue first).
    Both are undone. Where it is only made smaller, the sharper original is shown.
    """
    if tensor.dim() != 4 or tensor.shape[1] not in (1, 3):
        return None
    seen = None
    try:
        low, high = (transform(Image.new("RGB", picture.size, colour)) for colour in ("black", "white"))
        black, white = (t.detach().double().cpu().numpy().reshape(tensor.shape[1:]) for t in (low, high))
        span = white - black
        if np.all(np.isfinite(span)) and np.abs(span).min() > 0:
            seen = ((tensor[0].double().cpu().numpy() - black) / span)[_order(transform, picture, black)]
    except Exception:  # a transform that is random or refuses a plain picture: its output as it is
        seen = None
    if seen is None:
        stretched = as_pictures(tensor.float().cpu().numpy())
        return None if stretched is None else stretched[0]
    shown = np.clip(np.nan_to_num(np.moveaxis(seen, 0, -1)), 0, 1)
    shown = np.repeat(shown, 3, -1) if shown.shape[-1] == 1 else shown
    height, width = shown.shape[:2]
    bytes_seen = np.rint(shown * 255).astype(np.uint8)
    if abs(picture.width * height - picture.height * width) > max(picture.size):
        return bytes_seen  # cut or squeezed
    small = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float64) / 255
    grey = tensor.shape[1] == 1
    if np.abs((small.mean(-1) - shown.mean(-1)) if grey else (small - shown)).mean() > _ALIKE:
        return bytes_seen
    if max(picture.size) <= max(height, width):
        return bytes_seen
    larger = picture.convert("L").convert("RGB") if grey else picture
    larger.thumbnail((_SIDE, _SIDE))
    return np.asarray(larger)


def _order(transform: Callable[[Image.Image], Tensor], picture: Image.Image, black: Array) -> list[int]:
    """Return which channels of what ``transform`` makes are red, green and blue; as they come where it mixes them."""
    channels = list(range(len(black)))
    if len(black) != 3:
        return channels
    plain = [transform(Image.new("RGB", picture.size, colour)) for colour in ("red", "lime", "blue")]
    made = np.stack([one.detach().double().cpu().numpy().reshape(black.shape) for one in plain])
    order = [int(channel) for channel in np.abs(made - black).mean((2, 3)).argmax(1)]
    return order if sorted(order) == channels else channels


def _square(picture: Array | None, side: int) -> Array:
    """Return a picture in the middle of a square one of ``side``, so that thumbnails keep its proportions."""
    square = np.full((side, side, 3), 128, np.uint8)
    if picture is None:
        return square
    height, width = picture.shape[:2]
    factor = side / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    kind = Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.BOX
    scaled = np.asarray(Image.fromarray(picture).resize(size, kind))
    top, left = (side - scaled.shape[0]) // 2, (side - scaled.shape[1]) // 2
    square[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    return square


def _labels(labels: Sequence[Any] | None, classes: Sequence[str] | None, count: int) -> list[str | None]:
    """Return what each input is, in words.

    Raises: ``BadInput`` where the labels do not fit the inputs or the classes.
    """
    if labels is None:
        return [None] * count
    if len(labels) != count:
        raise BadInput(f"labels must have one entry for each of the {count} inputs, got {len(labels)}.")
    words: list[str | None] = []
    for i, label in enumerate(labels):
        plain = label.item() if hasattr(label, "item") else label
        if plain is None or isinstance(plain, str) or classes is None:
            words.append(None if plain is None else str(plain))
        elif isinstance(plain, int) and 0 <= plain < len(classes):
            words.append(classes[plain])
        else:
            raise BadInput(f"labels[{i}] must be a name, None or 0 to {len(classes) - 1}, got {plain!r}.")
    return words
