"""Published networks on real pictures and a real table: every cut adds up, and w is autograd's."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import bbp_widgets as bbp

#: |residual| of any cut, of the largest of |target|, |w·x| and |b|.
SINGLE, DOUBLE = 1e-5, 1e-10


def _nets(folder: Path) -> Any:
    spec = importlib.util.spec_from_file_location("shared_nets", folder / "nets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _loaded(network: nn.Module, folder: Path, name: str) -> nn.Module:
    state = torch.load(folder / "weights" / name, weights_only=True)
    network.load_state_dict(
        {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    )
    return network.eval()


def resnet20(folder: Path) -> tuple[nn.Module, Tensor]:
    data = np.load(folder / "images" / "cifar10_100.npz")
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    x = torch.from_numpy(data["x"]).permute(0, 3, 1, 2) / 255
    return _loaded(_nets(folder).CifarResNet(20), folder, "cifar_resnet20.pt"), (x - mean) / std


def squeezenet(folder: Path) -> tuple[nn.Module, Tensor]:
    data = np.load(folder / "images" / "photos_7.npz")
    x = torch.from_numpy(data["x"]).float().permute(0, 3, 1, 2).flip(1)
    return _loaded(_nets(folder).SqueezeNet11(), folder, "squeezenet1_1_fp16.pt"), x - torch.tensor(
        [104.0, 117.0, 123.0]
    ).view(3, 1, 1)


def mnist(folder: Path) -> tuple[nn.Module, Tensor]:
    data = np.load(folder / "images" / "mnist_200.npz")
    network = _nets(folder).strided_cnn(nn.ReLU, 1, 16, 32, 800, 100, 10)
    return _loaded(network, folder, "mnist_conv_small.pt"), torch.from_numpy(data["x"])[:, None] / 255


def california(folder: Path) -> tuple[nn.Module, Tensor]:
    x = torch.from_numpy(np.load(folder / "tables" / "california_600.npz")["x"])
    complete = x[torch.isfinite(x).all(1)]
    return _loaded(_nets(folder).CaliforniaMLP(), folder, "california_mlp.pt"), complete


CASES = {
    "resnet20": (resnet20, 6),
    "squeezenet": (squeezenet, 2),
    "mnist": (mnist, 20),
    "california": (california, 200),
}


@pytest.mark.parametrize("name", CASES)
def test_a_real_network_is_accounted_for(shared_data: Path, name: str) -> None:
    load, count = CASES[name]
    network, inputs = load(shared_data)
    x = inputs[:count]
    traced = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network(traced).amax(1).sum(), traced)
    local = bbp.linearize(network, x)
    torch.testing.assert_close(local.w, gradient, rtol=1e-3, atol=2e-5 * float(gradient.abs().max()))
    for rule in ("uniform", "proportional", "softmax"):
        _check(local.attribute(rule), SINGLE)


@pytest.mark.parametrize("name", CASES)
def test_a_real_network_is_exact_in_double(shared_data: Path, name: str) -> None:
    load, count = CASES[name]
    network, inputs = load(shared_data)
    local = bbp.linearize(network, inputs[: max(1, count // 3)], dtype=torch.float64)
    for rule in ("uniform", "proportional"):
        _check(local.attribute(rule), DOUBLE)


def _check(result: bbp.Attribution, tolerance: float) -> None:
    b, value = result.local.b.double(), result.value.double()
    scale = torch.stack([value.abs(), (value - b).abs(), b.abs()]).amax(0)
    for step in result.ledger:
        assert (step.residual.abs() <= tolerance * scale).all(), step
    assert (result.residual.double().abs() <= tolerance * scale).all()
    assert result.unshared.abs().max() == 0


def test_padded_channels_of_the_resnet_get_nothing(shared_data: Path) -> None:
    """Without live and constant elements told apart, `uniform` lost half of the bias into zero-padded channels."""
    network, inputs = resnet20(shared_data)
    result = bbp.attribute(network, inputs[:2], rule="uniform")
    for node in ("constant_pad_nd", "constant_pad_nd_1"):
        mass = result.at(node).mass
        extra = mass.shape[1] // 4
        assert mass[:, :extra].abs().max() == 0
        assert mass[:, -extra:].abs().max() == 0
    torch.testing.assert_close(result.bias.flatten(1).sum(1), result.local.b, rtol=1e-5, atol=1e-4)


def test_with_batch_norm_the_bias_is_nearly_the_whole_answer(shared_data: Path) -> None:
    network, inputs = resnet20(shared_data)
    labels = torch.from_numpy(np.load(shared_data / "images" / "cifar10_100.npz")["y"]).long()
    parts = bbp.decompose(network, inputs)
    right = {name: (part.argmax(1) == labels).sum().item() for name, part in parts._asdict().items()}
    assert right["output"] == 92
    assert right["bias"] >= 80
    assert right["gradient"] <= 25
    local = bbp.linearize(network, inputs[:5], target=3)
    torch.testing.assert_close(parts.bias[:5, 3], local.b, rtol=1e-3, atol=1e-3)


def test_a_table_with_holes_is_refused_by_its_place(shared_data: Path) -> None:
    network, _ = california(shared_data)
    x = torch.from_numpy(np.load(shared_data / "tables" / "california_600.npz")["x"])
    with pytest.raises(bbp.errors.BadInput, match=r"nan at \(\d+, 3\) \(4 of 4800 elements\)"):
        bbp.linearize(network, x)
