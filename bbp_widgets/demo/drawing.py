"""The picture set of the ``shapes`` network: `draw` makes one picture from its parameters, `sample` many."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

SIDE = 64
"""Height and width of a picture, in pixels."""

SHAPES = ("circle", "square", "triangle", "star", "cross", "ring", "hexagon", "heart")
"""Names of the shapes; the position of a name is its label."""

RING_HOLE = 0.5  # radius of the hole, the outer radius being 1
FAINTEST = 0.45  # least distance of shape and background of a sampled picture, in RGB where 1 is full range

Colour = tuple[float, float, float]
Points = NDArray[np.float64]


def draw(
    shape: str,
    *,
    x: float = SIDE / 2,
    y: float = SIDE / 2,
    size: float = 20.0,
    rotation: float = 0.0,
    colour: Colour = (0.96, 0.55, 0.18),
    background: Colour = (0.12, 0.17, 0.28),
    noise: float = 0.0,
    seed: int = 0,
) -> NDArray[np.uint8]:
    """Draw one shape with smooth edges; the same parameters always give the same picture.

    ``x`` and ``y`` are the centre in pixels from the upper left corner, ``size`` the radius of the circle
    around the shape in pixels, ``rotation`` is in degrees, clockwise. ``colour`` and ``background`` are (red,
    green, blue) in 0..1. ``noise`` is the standard deviation of Gaussian noise on every channel, on the same
    scale, and ``seed`` chooses which noise.

    Shapes: the picture is ``(64, 64, 3)``, 0 to 255.
    Raises: ``ValueError`` for an unknown shape, a size that is not positive, or noise below zero.
    """
    if shape not in SHAPES:
        raise ValueError(f"no shape {shape!r}. There are: {', '.join(SHAPES)}.")
    if not size > 0 or noise < 0:
        raise ValueError(f"size must be above zero and noise at least zero; got size={size}, noise={noise}.")
    distance = size * _distance(shape, _grid(x, y, size, rotation))
    inside = np.clip(0.5 - distance, 0.0, 1.0)[..., None]  # an edge is one pixel wide
    picture = inside * np.asarray(colour) + (1.0 - inside) * np.asarray(background)
    if noise:
        picture = picture + np.random.default_rng(seed).normal(0.0, noise, picture.shape)
    return np.round(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)


def sample(n: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw ``n`` pictures of random shapes in random places, sizes, turns and colours, and their labels.

    Shapes: pictures ``(n, 64, 64, 3)``, labels ``(n,)``.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(SHAPES), n)
    pictures = np.empty((n, SIDE, SIDE, 3), np.uint8)
    for picture, label in zip(pictures, labels, strict=True):
        picture[:] = _draw_random(SHAPES[label], rng)
    return pictures, labels


def _draw_random(shape: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    size = rng.uniform(9.0, 24.0)
    colour, background = _two_colours(rng)
    return draw(
        shape,
        x=rng.uniform(size, SIDE - size),
        y=rng.uniform(size, SIDE - size),
        size=size,
        rotation=rng.uniform(0.0, 360.0),
        colour=colour,
        background=background,
        noise=rng.uniform(0.0, 0.12),
        seed=int(rng.integers(2**31)),
    )


def _two_colours(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Choose a bright shape on a dark ground or the other way round, far enough apart to be seen."""
    while True:
        bright = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.15, 0.85), rng.uniform(0.75, 1.0))
        dark = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.2, 0.9), rng.uniform(0.12, 0.55))
        if np.linalg.norm(np.subtract(bright, dark)) >= FAINTEST:
            return (bright, dark) if rng.random() < 0.6 else (dark, bright)


def _grid(x: float, y: float, size: float, rotation: float) -> Points:
    """Give the centre of every pixel in the shape's own frame, where its radius is 1: ``(64, 64, 2)``."""
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    turn = np.deg2rad(rotation)
    right, down = (columns - x) / size, (rows - y) / size
    return np.stack(
        [np.cos(turn) * right + np.sin(turn) * down, np.cos(turn) * down - np.sin(turn) * right], axis=-1
    )


def _distance(shape: str, points: Points) -> Points:
    """Measure how far every point is outside the shape, negative inside.

    Shapes: ``points`` is ``(..., 2)``, the distance ``(...)``.
    """
    if shape == "circle":
        return np.linalg.norm(points, axis=-1) - 1.0
    if shape == "ring":
        middle, half = (1.0 + RING_HOLE) / 2.0, (1.0 - RING_HOLE) / 2.0
        return np.abs(np.linalg.norm(points, axis=-1) - middle) - half
    return _polygon_distance(points, _OUTLINES[shape])


def _polygon_distance(points: Points, corners: Points) -> Points:
    """Measure the distance to the nearest edge, with the sign that crossing edges on the way right tells."""
    start, end = corners, np.roll(corners, -1, axis=0)
    edge, to_point = end - start, points[..., None, :] - start
    along = np.clip((to_point * edge).sum(-1) / (edge * edge).sum(-1), 0.0, 1.0)
    nearest = np.linalg.norm(to_point - along[..., None] * edge, axis=-1).min(-1)
    height = points[..., None, 1]
    straddles = (start[:, 1] > height) != (end[:, 1] > height)
    rise = np.where(edge[:, 1] == 0.0, 1.0, edge[:, 1])  # a level edge never straddles
    crosses = straddles & (points[..., None, 0] < start[:, 0] + edge[:, 0] * (height - start[:, 1]) / rise)
    return np.where(crosses.sum(-1) % 2 == 1, -nearest, nearest)


def _corners_at(angles: Points, radii: Points | float = 1.0) -> Points:
    return np.stack([radii * np.sin(angles), -radii * np.cos(angles)], axis=-1)


def _regular(corners: int) -> Points:
    return _corners_at(np.arange(corners) * 2.0 * np.pi / corners)


def _star(points: int = 5, waist: float = 0.42) -> Points:
    turns = np.arange(2 * points)
    return _corners_at(turns * np.pi / points, np.where(turns % 2 == 0, 1.0, waist))


def _cross(arm: float = 0.34) -> Points:
    tip = np.sqrt(1.0 - arm**2)
    arms = [np.array([(arm, -arm), (arm, -tip), (-arm, -tip)])]
    for _ in range(3):  # each arm is the one before, a quarter turn on
        arms.append(arms[-1] @ np.array([[0.0, -1.0], [1.0, 0.0]]))
    return np.concatenate(arms)


def _heart(corners: int = 32) -> Points:
    t = np.arange(corners) * 2.0 * np.pi / corners
    right = 16.0 * np.sin(t) ** 3
    up = 13.0 * np.cos(t) - 5.0 * np.cos(2 * t) - 2.0 * np.cos(3 * t) - np.cos(4 * t)
    outline = np.stack([right, -up - 2.5], axis=-1)
    return outline / np.linalg.norm(outline, axis=-1).max()


_OUTLINES = {
    "square": _regular(4) @ np.array([[1.0, 1.0], [-1.0, 1.0]]) / np.sqrt(2.0),
    "triangle": _regular(3),
    "star": _star(),
    "cross": _cross(),
    "hexagon": _regular(6),
    "heart": _heart(),
}
