"""Small networks for the engine's tests."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def randomized(network: nn.Module, seed: int = 0) -> nn.Module:
    """Give every parameter and running statistic a random value, so that nothing is zero or one by luck."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if not tensor.is_floating_point():
                continue
            noise = torch.randn(tensor.shape, generator=generator, dtype=torch.double)
            if "running_var" in name:
                noise = noise.abs() + 0.5
            elif tensor.dim() > 1:
                noise = noise / (tensor[0].numel() ** 0.5) * 1.4
            tensor.copy_(noise)
    return network.eval()


class OneNode(nn.Module):
    """One op under test, then a constant per element and fixed rates: mass at the op is known exactly.

    output k = Σ (op(x) + intercept) · rates[k], so for target k the op's output holds the mass rates[k] · intercept.
    """

    def __init__(self, op: Callable[..., Tensor], shape: torch.Size, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.op = op
        self.register_buffer("intercept", torch.randn(shape, generator=generator, dtype=torch.double).float())
        rates = torch.randn(2, shape.numel(), generator=generator, dtype=torch.double)
        self.register_buffer("rates", rates.float())

    def mass(self, target: int) -> Tensor:
        return self.rates[target].double() * self.intercept.flatten().double()

    def forward(self, *inputs: Tensor) -> Tensor:
        y = self.op(*inputs) + self.intercept
        return y.flatten(1) @ self.rates.t().to(y.dtype)


class Residual(nn.Module):
    """Two residual blocks, one with a padded shortcut, one with a projection; ReLU used again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(4)
        self.conv1 = nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 8, 3, padding=1, groups=2)
        self.project = nn.Conv2d(6, 8, 1)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn(self.stem(x)))
        padded = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 1, 1))
        x = self.relu(self.bn1(self.conv1(x)) + padded)
        x = self.relu(self.conv2(x) + self.project(x))
        x = self.pool(x)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Concat(nn.Module):
    """Branches side by side, one of them the value itself, and pooling of both kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, padding=1)
        self.again = nn.Conv2d(5, 5, 3, padding=2, dilation=2)
        self.head = nn.Linear(5 * 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.cat([x, F.leaky_relu(self.conv(x), 0.1)], 1)
        y = F.avg_pool2d(self.again(y), 3, 2, 1, count_include_pad=False)
        y = F.max_pool2d(F.hardtanh(y), 2, 2, 1, ceil_mode=True) + F.relu6(self.again(y))[:, :, :3, :3]
        y = F.adaptive_avg_pool2d(F.dropout(y, 0.5, self.training), 2)
        return self.head(y.flatten(1)) * 0.5 + 1.25


class Table(nn.Module):
    """A plain network for tables, with a skip from the input to the head and two rounds of one layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.shared, self.head = nn.Linear(7, 9), nn.Linear(9, 9), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.first(x))
        y = F.relu(self.shared(y)) - 0.3 * y
        y = F.relu(self.shared(y))
        return self.head(torch.cat([y, x], 1))


class Signal(nn.Module):
    """One-dimensional convolutions with groups, stride and dilation."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(4, 8, 5, stride=2, padding=2, groups=2), nn.BatchNorm1d(8), nn.PReLU(8),
            nn.Conv1d(8, 6, 3, padding=4, dilation=4), nn.Hardtanh(-0.5, 0.7), nn.AvgPool1d(3, 2),
            nn.Conv1d(6, 3, 3, padding=1, bias=False), nn.AdaptiveMaxPool1d(2), nn.Flatten(), nn.Linear(6, 3),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class Volume(nn.Module):
    """Three-dimensional convolution and pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv3d(2, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU(), nn.MaxPool3d(2),
            nn.Conv3d(4, 4, 2, stride=1), nn.AvgPool3d(2, 1), nn.Flatten(), nn.LazyLinear(3),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def volume() -> nn.Module:
    network = Volume()
    network(torch.zeros(1, 2, 6, 6, 6))
    return network


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "residual": (Residual, (3, 8, 8)),
    "concat": (Concat, (2, 9, 9)),
    "table": (Table, (7,)),
    "signal": (Signal, (4, 33)),
    "volume": (volume, (2, 6, 6, 6)),
}
