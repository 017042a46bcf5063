"""The embedded networks: small, residual, with batch norm, and named so that stepping back reads well; and their twins.

A twin has the same layers without batch norm: ``"bias"`` gives a bias to every layer, ``"bare"`` to none at all.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

KINDS = ("norm", "bias", "bare")
"""Batch norm after every convolution; no norm, and biases everywhere; no norm and no bias."""


def stem_of(name: str, kind: str) -> str:
    """Name the file of a network's weights: ``digits``, or of a twin ``digits_bare``."""
    return name if kind == "norm" else f"{name}_{kind}"


class Block(nn.Module):
    """Two 3x3 convolutions beside a skip, which is a 1x1 convolution where size or channels change."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, kind: str = "norm") -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=kind == "bias")
        self.bn1 = norm(outputs, kind)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=kind == "bias")
        self.bn2 = norm(outputs, kind)
        same = (inputs, stride) == (outputs, 1)
        self.skip = nn.Identity() if same else shortcut(inputs, outputs, stride, kind)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: ``(N, inputs, H, W)`` to ``(N, outputs, H / stride, W / stride)``."""
        inner = self.relu1(self.bn1(self.conv1(x)))
        return self.relu2(self.bn2(self.conv2(inner)) + self.skip(x))


class Digits(nn.Module):
    """Five convolutions for 8x8 grey pictures of handwritten digits."""

    def __init__(self, classes: int = 10, width: int = 24, kind: str = "norm") -> None:
        super().__init__()
        self.stem = stem(1, width, kind)
        self.block1 = Block(width, width, kind=kind)
        self.shrink = nn.MaxPool2d(2)
        self.block2 = Block(width, width, kind=kind)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.head = nn.Linear(width, classes, bias=kind != "bare")

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: ``(N, 1, 8, 8)`` to logits ``(N, 10)``."""
        x = self.block2(self.shrink(self.block1(self.stem(x))))
        return self.head(self.flatten(self.pool(x)))


class Shapes(nn.Module):
    """Nine convolutions for 64x64 colour pictures of one shape."""

    def __init__(self, classes: int = 8, width: int = 16, kind: str = "norm") -> None:
        super().__init__()
        self.stem = stem(3, width, kind)
        self.shrink = nn.MaxPool2d(2)
        self.block1 = Block(width, width, kind=kind)
        self.block2 = Block(width, 2 * width, stride=2, kind=kind)
        self.block3 = Block(2 * width, 4 * width, stride=2, kind=kind)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.head = nn.Linear(4 * width, classes, bias=kind != "bare")

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: ``(N, 3, 64, 64)`` to logits ``(N, 8)``."""
        x = self.block3(self.block2(self.block1(self.shrink(self.stem(x)))))
        return self.head(self.flatten(self.pool(x)))


def norm(channels: int, kind: str) -> nn.Module:
    """Give a batch norm, or what stands in its place in a network without."""
    return nn.BatchNorm2d(channels) if kind == "norm" else nn.Identity()


def stem(inputs: int, outputs: int, kind: str = "norm") -> nn.Sequential:
    """Give the first convolution, its batch norm and ReLU."""
    conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=kind == "bias")
    return nn.Sequential(OrderedDict(conv=conv, bn=norm(outputs, kind), relu=nn.ReLU()))


def shortcut(inputs: int, outputs: int, stride: int, kind: str = "norm") -> nn.Sequential:
    """Give a skip that changes channels and size: a 1x1 convolution and its batch norm."""
    conv = nn.Conv2d(inputs, outputs, 1, stride, bias=kind == "bias")
    return nn.Sequential(OrderedDict(conv=conv, bn=norm(outputs, kind)))
