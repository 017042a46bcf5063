"""The cell of notebook 05 that counts a pretrained network: with its weights, without them, or with half of them."""

from __future__ import annotations

import socket
import urllib.error
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from torchvision.models import ResNet18_Weights, _api, resnet18

NOTEBOOK = Path(__file__).resolve().parent.parent / "example_notebooks" / "05_does_the_bias_matter.ipynb"
WEIGHTS = ResNet18_Weights.DEFAULT
#: Which photos of seven have a label; the labels are classes of ImageNet.
LABELS = np.array([281, -1, 817, 0, -1, 999, 5])


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the cell after the notebook's first one, on seven photos; return its results and what it printed."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("BBP_DOWNLOAD", raising=False)
    cells = [cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"]
    (cell,) = [source for source in cells if "resnet18(" in source]
    photos = np.random.default_rng(0).integers(0, 256, (7, 227, 227, 3), dtype=np.uint8)

    def played(photos: Any = photos) -> tuple[list[Any], str]:
        names: dict[str, Any] = {}
        exec(cells[0], names)
        names |= {"photos": photos, "photo_labels": LABELS, "known": LABELS >= 0}
        capsys.readouterr()
        exec(cell, names)
        return names["results"], capsys.readouterr().out

    return played


def on_disk(folder: Path) -> None:
    checkpoint = folder / "hub" / "checkpoints" / Path(WEIGHTS.url).name
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()


def answering(monkeypatch: pytest.MonkeyPatch, asked: list[Any]) -> None:
    """Have the server of the weights answer, as far as the cell can tell."""

    class Line:
        def close(self) -> None:
            pass

    def connect(address: Any, timeout: float) -> Line:
        asked.append(address)
        return Line()

    monkeypatch.setattr(socket, "create_connection", connect)


def test_a_download_that_succeeds_is_counted(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    answering(monkeypatch, asked)
    torch.manual_seed(0)
    trained, fetched = resnet18().state_dict(), []

    def fetch(url: str, **_: Any) -> Any:
        fetched.append(url)
        return trained

    monkeypatch.setattr(_api, "load_state_dict_from_url", fetch)
    (result,), printed = play()
    assert printed == ""
    assert fetched == [WEIGHTS.url]
    assert asked == [("download.pytorch.org", 443)]
    assert result.name == "torchvision ResNet-18, photos, batch norm"
    assert result.labels.tolist() == LABELS[LABELS >= 0].tolist()
    assert result.output.shape == (5, 1000)
    # the parts are those of the network with these weights
    network = resnet18()
    network.load_state_dict(trained)
    assert (result.gradient + result.bias - result.output).abs().max() < 1e-4
    assert result.bias.abs().max() > 1e-3


def test_weights_on_disk_need_no_server(play: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_disk(tmp_path)
    monkeypatch.setenv("BBP_DOWNLOAD", "0")
    monkeypatch.setattr(_api, "load_state_dict_from_url", lambda url, **_: resnet18().state_dict())
    results, printed = play()
    assert (len(results), printed) == (1, "")


@pytest.mark.parametrize(
    "failure",
    [urllib.error.URLError("no route to host"), TimeoutError("timed out"), ConnectionResetError("reset")],
)
def test_a_download_that_fails_is_told_and_skipped(
    play: Any, monkeypatch: pytest.MonkeyPatch, failure: OSError
) -> None:
    answering(monkeypatch, [])

    def fetch(url: str, **_: Any) -> Any:
        raise failure

    monkeypatch.setattr(_api, "load_state_dict_from_url", fetch)
    results, printed = play()
    assert results == []
    assert printed == f"skipped: the download failed ({failure})\n"


def test_a_download_that_was_cut_off_is_told_and_skipped(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, [])

    def fetch(url: str, **_: Any) -> Any:
        raise RuntimeError('invalid hash value (expected "f37072fd", got "e3b0c442")')  # as torch.hub says it

    monkeypatch.setattr(_api, "load_state_dict_from_url", fetch)
    results, printed = play()
    assert results == []
    assert "skipped: the download failed (invalid hash value" in printed


def test_no_server_and_no_photos_are_told_and_skipped(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: Any, timeout: float) -> Any:
        raise OSError("unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)
    assert play() == ([], "skipped: the weights are not on disk and cannot be downloaded now\n")
    monkeypatch.setenv("BBP_DOWNLOAD", "0")
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("asked for all that"))
    assert play() == ([], "skipped: the weights are not on disk and cannot be downloaded now\n")
    assert play(photos=None) == ([], "skipped: no labelled photos\n")
