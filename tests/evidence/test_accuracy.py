"""Accuracies of the parts, against networks whose w·x and b are known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import bbp_widgets as bbp
from bbp_widgets import evidence
from bbp_widgets.evidence import UNDECIDED, decomposition_accuracy

EVIL = "<img src=x onerror=alert(1)>"


def linear() -> nn.Linear:
    """Two classes of two features: w·x = x, b = (0, 3)."""
    network = nn.Linear(2, 2)
    with torch.no_grad():
        network.weight.copy_(torch.eye(2))
        network.bias.copy_(torch.tensor([0.0, 3.0]))
    return network.eval()


X = torch.tensor([[5.0, 1.0], [2.0, 1.0], [1.0, 2.0], [9.0, 0.0]])
# w·x says 0 0 1 0, b says 1 always, together 0 1 1 0
LABELS = torch.tensor([0, 1, 1, 1])


def test_a_linear_model_by_hand() -> None:
    result = decomposition_accuracy(linear(), X, LABELS, progress=False)
    assert torch.equal(result.gradient, X)
    torch.testing.assert_close(result.bias, torch.tensor([[0.0, 3.0]]).expand(4, 2))
    said = {name: answers.tolist() for name, answers in result.answers.items()}
    assert said == {"all": [0, 1, 1, 0], "w·x": [0, 0, 1, 0], "b": [1, 1, 1, 1]}
    assert {name: count.right for name, count in result.counts.items()} == {"all": 3, "w·x": 2, "b": 3}
    assert result.counts["w·x"].share == 0.5
    assert result.counts["w·x"].interval() == evidence.wilson(2, 4)


def test_two_layers_by_hand() -> None:
    first, last = nn.Linear(1, 2), nn.Linear(2, 2)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        first.bias.copy_(torch.tensor([1.0, 1.0]))
        last.weight.copy_(torch.tensor([[2.0, 0.0], [0.0, 3.0]]))
        last.bias.copy_(torch.tensor([0.5, 0.0]))
    result = decomposition_accuracy(
        nn.Sequential(first, nn.ReLU(), last), torch.tensor([[2.0]]), torch.tensor([0])
    )
    # the second unit, 1 − 2, is off: outputs 2·(2 + 1) + 0.5 and 0, of which w·x is 4 and 0
    assert result.output.tolist() == [[6.5, 0.0]]
    assert result.gradient.tolist() == [[4.0, 0.0]]
    assert result.bias.tolist() == [[2.5, 0.0]]


def test_a_network_without_biases_has_no_answer_for_b() -> None:
    network = nn.Sequential(nn.Linear(6, 8, bias=False), nn.ReLU(), nn.Linear(8, 3, bias=False))
    x = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    result = decomposition_accuracy(network, x, torch.zeros(50, dtype=torch.long), progress=False)
    assert result.answers["b"].tolist() == [UNDECIDED] * 50
    assert result.counts["b"].right == 0
    assert result.counts["b"].undecided == 50
    assert torch.equal(result.answers["all"], result.answers["w·x"])
    assert "none" in str(evidence.compare([result]))


def test_tensors_and_loaders_give_the_same() -> None:
    loader = DataLoader(TensorDataset(X, LABELS), batch_size=3)
    whole = decomposition_accuracy(linear(), X, LABELS, batch_size=2, progress=False)
    loaded = decomposition_accuracy(linear(), loader, progress=False)
    assert torch.equal(whole.output, loaded.output)
    assert torch.equal(whole.labels, loaded.labels)
    assert loaded.positions.tolist() == [0, 1, 2, 3]


def test_a_limit_takes_samples_by_seed_of_tensors_and_the_first_of_a_loader() -> None:
    x = torch.arange(40.0).reshape(20, 2)
    labels = torch.arange(20) % 2

    def taken(seed: int) -> list[int]:
        return decomposition_accuracy(
            linear(), x, labels, limit=5, seed=seed, progress=False
        ).positions.tolist()

    assert taken(0) == taken(0)
    assert taken(0) != taken(1)
    assert taken(0) == sorted(set(taken(0)))
    loader = DataLoader(TensorDataset(x, labels), batch_size=4)
    first = decomposition_accuracy(linear(), loader, limit=5, progress=False)
    assert torch.equal(first.gradient, x[:5])


def test_a_loader_shuffles_by_seed_and_leaves_other_randomness_alone() -> None:
    loader = DataLoader(TensorDataset(X, LABELS), batch_size=2, shuffle=True)
    network = linear()
    before = torch.random.get_rng_state()
    orders = [decomposition_accuracy(network, loader, seed=3, progress=False).gradient for _ in range(2)]
    assert torch.equal(orders[0], orders[1])
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, bbp.errors.Cancelled])
def test_an_interrupt_keeps_what_was_counted(interrupt: type[BaseException]) -> None:
    def stop(done: int, total: int | None) -> None:
        assert total == 4
        if done == 2:
            raise interrupt

    result = decomposition_accuracy(linear(), X, LABELS, batch_size=1, progress=stop)
    assert result.interrupted
    assert len(result) == 2
    assert "interrupted after 2 samples" in str(result)


def test_an_interrupt_before_anything_was_counted_goes_on() -> None:
    def broken() -> Iterator[tuple[Tensor, Tensor]]:
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        decomposition_accuracy(linear(), broken(), progress=False)


@pytest.mark.parametrize(
    ("data", "labels", "said"),
    [
        (X, None, "needs its labels"),
        (X, LABELS[:2], "4 inputs need 4 labels"),
        ([X, X], None, "pairs"),
        (iter([]), None, "no samples"),
        ([(X, LABELS)], LABELS, "a loader yields its own"),
    ],
)
def test_what_cannot_be_counted_is_refused(data: object, labels: Tensor | None, said: str) -> None:
    with pytest.raises(bbp.errors.BadInput, match=said):
        decomposition_accuracy(linear(), data, labels, progress=False)


def test_a_network_in_training_mode_comes_back_so() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)).train()
    decomposition_accuracy(network, X, LABELS, progress=False)
    assert network.training
    assert network[1].training


def test_tables_hold_text() -> None:
    result = decomposition_accuracy(linear(), X, LABELS, name=EVIL, progress=False)
    for html in (result._repr_html_(), evidence.compare([result], paper=True, notes=[EVIL])._repr_html_()):
        assert "<img" not in html
        assert "&lt;img" in html


def test_the_papers_table_is_that_of_the_paper() -> None:
    text = str(evidence.compare([], paper=True))
    for number in (
        "90.9",
        "66.8",
        "94.7",
        "71.5",
        "40.3",
        "76.1",
        "62.2",
        "36.5",
        "24.6",
        "87.0",
        "62.8",
        "94.1",
    ):
        assert number in text
    assert "ICML 2019" in text


def test_a_result_fades_its_own_samples() -> None:
    network = torch.nn.Linear(2, 2).eval()
    x = torch.randn(10, 2, generator=torch.Generator().manual_seed(0))
    result = decomposition_accuracy(network, x, torch.zeros(10, dtype=torch.long), limit=4, progress=False)
    pictures = np.stack([np.full((2, 2), k, np.uint8) for k in range(10)])
    fade = result.fade(pictures=pictures, t=0.0)
    assert fade._pictures[:, 0, 0, 0].tolist() == result.positions.tolist()
    fade.close()


def test_batch_norm_leaves_little_to_w(shared_data: Path) -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location("nets_of_the_folder", shared_data / "nets.py")
    assert spec is not None
    assert spec.loader is not None
    nets = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(nets)
    network = nets.CifarResNet(20).eval()
    network.load_state_dict(torch.load(shared_data / "weights" / "cifar_resnet20.pt", weights_only=True))
    with np.load(shared_data / "images" / "cifar10_100.npz") as data:
        x, labels = torch.from_numpy(data["x"]).permute(0, 3, 1, 2) / 255, torch.from_numpy(data["y"]).long()
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    counts = decomposition_accuracy(network, (x - mean) / std, labels, progress=False).counts
    assert counts["all"].right == 92
    assert counts["w·x"].share < 0.25 < 0.75 < counts["b"].share
