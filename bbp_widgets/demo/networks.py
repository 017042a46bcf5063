"""The two embedded networks: small, residual, with batch norm, and named so that stepping back reads well."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn


class Block(nn.Module):
    """Two 3x3 convolutions beside a skip, which is a 1x1 convolution where size or channels change."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.skip = nn.Identity() if (inputs, stride) == (outputs, 1) else shortcut(inputs, outputs, stride)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: ``(N, inputs, H, W)`` to ``(N, outputs, H / stride, W / stride)``."""
        inner = self.relu1(self.bn1(self.conv1(x)))
        return self.relu2(self.bn2(self.conv2(inner)) + self.skip(x))


class Digits(nn.Module):
    """Five convolutions for 8x8 grey pictures of handwritten digits."""

    def __init__(self, classes: int = 10, width: int = 24) -> None:
        super().__init__()
        self.stem = stem(1, width)
        self.block1 = Block(width, width)
        self.shrink = nn.MaxPool2d(2)
        self.block2 = Block(width, width)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: ``(N, 1, 8, 8)`` to logits ``(N, 10)``."""
        x = self.block2(self.shrink(self.block1(self.stem(x))))
        return self.head(self.flatten(self.pool(x)))


class Shapes(nn.Module):
    """Nine convolutions for 64x64 colour pictures of one shape."""

    def __init__(self, classes: int = 8, width: int = 16) -> None:
        super().__init__()
        self.stem = stem(3, width)
        self.shrink = nn.MaxPool2d(2)
        self.block1 = Block(width, width)
        self.block2 = Block(width, 2 * width, stride=2)
        self.block3 = Block(2 * width, 4 * width, stride=2)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.head = nn.Linear(4 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: ``(N, 3, 64, 64)`` to logits ``(N, 8)``."""
        x = self.block3(self.block2(self.block1(self.shrink(self.stem(x)))))
        return self.head(self.flatten(self.pool(x)))


def stem(inputs: int, outputs: int) -> nn.Sequential:
    """Give the first convolution, its batch norm and ReLU."""
    conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm2d(outputs), relu=nn.ReLU()))


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Give a skip that changes channels and size: a 1x1 convolution and its batch norm."""
    conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm2d(outputs)))
