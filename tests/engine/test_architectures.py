"""Every network of torchvision with random weights, biases and statistics: the sums hold, and w is autograd's."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
import torch
from engine.exact import DOUBLE, SINGLE, accounted, apart, assert_near, autograd
from torch import Tensor, nn
from torchvision import models

import bbp_widgets as bbp

#: |w − autograd's w|, of its largest entry: the same kernels forward, other orders of summing backward.
GRADIENT = 1e-4

#: The smallest picture that it takes, where that is not 32 pixels wide.
SMALLEST = {"alexnet": 64, "inception_v3": 75, "maxvit_t": 64}
#: More than some seconds or gigabytes each.
LARGE = {
    "convnext_base", "convnext_large", "efficientnet_b7", "efficientnet_v2_l", "maxvit_t", "regnet_x_32gf",
    "regnet_y_128gf", "regnet_y_16gf", "regnet_y_32gf", "resnext101_64x4d", "swin_b", "swin_v2_b", "vit_h_14",
    "vit_l_16", "vit_l_32", "wide_resnet101_2",
}  # fmt: skip
#: One of each family.
FAMILIES = (
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3",
    "maxvit_t", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "resnet18",
    "resnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_1", "swin_t", "swin_v2_t", "vgg11", "vgg11_bn", "vit_b_32",
    "wide_resnet50_2",
)  # fmt: skip
NAMES = models.list_models(module=models)


@pytest.fixture(autouse=True)
def memory() -> Iterator[None]:
    """Let a network go before the next one is built."""
    yield
    gc.collect()


def unset(build: Callable[[], nn.Module]) -> nn.Module:
    """Build a network without the minutes that filling in weights takes, for they are filled in again."""
    fills = [name for name in dir(nn.init) if name.endswith("_") and not name.startswith("_")]
    with mock.patch.multiple(nn.init, **dict.fromkeys(fills, lambda tensor, *args, **kwargs: tensor)):
        return build()


def filled(network: nn.Module) -> nn.Module:
    """Give every weight, bias and statistic a random value that keeps the values of deep networks sane."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in network.modules():
            for name, tensor in module._parameters.items():
                if tensor is None:
                    continue
                if tensor.dim() > 1:
                    tensor.normal_(0, 1.4 / math.sqrt(tensor[0].numel()), generator=generator)
                elif name == "bias":
                    tensor.normal_(0, 0.5, generator=generator)
                else:  # the scale of a norm
                    tensor.uniform_(-1, 1, generator=generator)
                    tensor.add_(0.3 * tensor.sign())
            for name, tensor in module._buffers.items():
                if name == "running_mean":
                    tensor.normal_(0, 1, generator=generator)
                elif name == "running_var":
                    tensor.uniform_(0.5, 2, generator=generator)
    return network.eval()


def example(name: str, samples: int = 1, pixels: int = 32) -> tuple[nn.Module, Tensor]:
    pixels = max(pixels, SMALLEST.get(name, 32))
    options: dict[str, Any] = {"weights": None}
    if name.startswith("vit"):
        patch = int(name[-2:])
        options["image_size"] = pixels = max(2 * patch, pixels // patch * patch)
    elif name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    if name == "maxvit_t" and pixels % 224:
        return filled(unset(small_maxvit)), noise(samples, 3, pixels, pixels)
    return filled(unset(lambda: models.get_model(name, **options))), noise(samples, 3, pixels, pixels)


def small_maxvit() -> nn.Module:
    """MaxViT as it is, but for windows of 2 by 2: those of 7 by 7 want 224 pixels."""
    return models.MaxVit(
        input_size=(64, 64), stem_channels=64, partition_size=2, block_channels=[64, 128, 256, 512],
        block_layers=[2, 2, 5, 2], head_dim=32, stochastic_depth_prob=0.2,
    )  # fmt: skip


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def largest(output: Tensor) -> Tensor:
    return output.amax(1)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in LARGE else []) for n in NAMES]
)
def test_a_network_is_accounted_for(name: str) -> None:
    network, x = example(name, pixels=224 if name == "maxvit_t" else 64)
    expected = autograd(network, x, largest)
    result = bbp.attribute(network, x)
    assert torch.isfinite(result.value).all()
    accounted(result, SINGLE)
    assert_near(result.local.w, expected, GRADIENT, "w")
    assert result.unshared.abs().max() == 0


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_is_exact_in_double(name: str) -> None:
    network, x = example(name)
    result = bbp.attribute(network, x, dtype=torch.float64)
    accounted(result, DOUBLE)
    assert_near(result.local.w, autograd(network.double(), x.double(), largest), DOUBLE, "w")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_shares_by_every_rule(name: str) -> None:
    network, x = example(name)
    local = bbp.linearize(network, x)
    for rule in bbp.rules.names():
        accounted(local.attribute(rule), SINGLE, rule)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_keeps_its_samples_apart(name: str) -> None:
    network, x = example(name, samples=2)
    apart(network, x, target=3)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_adds_up_with_its_gates_held_fixed(name: str) -> None:
    network, x = example(name)
    result = bbp.attribute(network, x, linearization="gated")
    accounted(result, SINGLE)


@pytest.mark.parametrize("name", ["vit_b_32", "swin_t", "swin_v2_t"])
def test_every_output_is_split_where_attention_is_fused(name: str) -> None:
    network, x = example(name, samples=2)
    parts = bbp.decompose(network, x)
    torch.testing.assert_close(parts.output, network(x).detach(), rtol=SINGLE, atol=SINGLE)
    for k in (0, 7):
        local = bbp.linearize(network, x, target=k)
        scale = float(parts.output.abs().max())
        torch.testing.assert_close(parts.bias[:, k], local.b, rtol=SINGLE, atol=SINGLE * scale)
        torch.testing.assert_close(
            parts.gradient[:, k], local.value - local.b, rtol=SINGLE, atol=SINGLE * scale
        )


@pytest.mark.parametrize("name", models.list_models(module=models.segmentation))
def test_a_segmentation_network_is_explained_by_a_callable(name: str) -> None:
    options = (
        {} if name.startswith("lraspp") else {"aux_loss": True}
    )  # a head that the target does not look at
    network = filled(
        unset(lambda: models.get_model(name, weights=None, weights_backbone=None, num_classes=5, **options))
    )

    def middle(out: dict[str, Tensor]) -> Tensor:
        return out["out"][:, 2, 12:20, 12:20].mean((1, 2))

    x = noise(2, 3, 32, 32)
    result = bbp.attribute(network, x, target=middle)
    accounted(result, SINGLE)
    assert_near(result.local.w, autograd(network, x, middle), GRADIENT, "w")
    assert not any("aux_classifier" in node.module for node in result.local.nodes)


def _s3d() -> nn.Module:
    network = models.video.s3d(weights=None, num_classes=6)
    network.avgpool = nn.AvgPool3d((1, 2, 2), stride=1)  # its own is made for 224 pixels
    return network


VIDEO = {
    "r3d_18": (lambda: models.video.r3d_18(weights=None, num_classes=6), (3, 4, 24, 24)),
    "mc3_18": (lambda: models.video.mc3_18(weights=None, num_classes=6), (3, 4, 24, 24)),
    "r2plus1d_18": (lambda: models.video.r2plus1d_18(weights=None, num_classes=6), (3, 4, 24, 24)),
    "s3d": (_s3d, (3, 8, 64, 64)),
}


@pytest.mark.parametrize("name", VIDEO)
def test_a_video_network_is_accounted_for(name: str) -> None:
    build, shape = VIDEO[name]
    network, x = filled(unset(build)), noise(1, *shape)
    result = bbp.attribute(network, x)
    accounted(result, SINGLE)
    assert_near(result.local.w, autograd(network, x, largest), GRADIENT, "w")
    apart(network, noise(2, *shape))
