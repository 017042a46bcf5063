"""A small network is computed with one thread, and nobody else is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from engine.nets import Residual, randomized
from torch import Tensor
from widgets.pages import LONG, Page, pictures

import bbp_widgets as bbp
from bbp_widgets.widgets.threads import SMALL, threads_for

Make = Callable[..., bbp.Explorer]


@pytest.fixture
def three() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(("elements", "threads"), [(None, 3), (0, 1), (SMALL, 1), (SMALL + 1, 3)])
def test_a_small_run_takes_one_thread_and_gives_the_others_back(elements: int | None, threads: int) -> None:
    seen = []
    with threads_for(elements):
        seen.append(torch.get_num_threads())
        with threads_for(elements):
            seen.append(torch.get_num_threads())
        seen.append(torch.get_num_threads())
    assert seen == [threads] * 3
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three")
def test_threads_are_given_back_where_something_goes_wrong() -> None:
    with pytest.raises(ZeroDivisionError), threads_for(1):
        _ = 1 / 0
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three")
def test_an_explorer_knows_a_small_network_after_its_first_run(make: Make, monkeypatch: Any) -> None:
    counted: list[int] = []  # no attribute of the network: what a run writes there is undone

    class Counting(Residual):
        def forward(self, x: Tensor) -> Tensor:
            counted.append(torch.get_num_threads())
            return super().forward(x)

    network = randomized(Counting())
    explorer = make(network, pictures())
    assert explorer._desk._elements is not None
    assert explorer._desk._elements < SMALL
    Page(explorer).answered(1, sample=1)
    explorer.sample = 2
    assert explorer.wait(LONG)
    assert counted == [3, 1, 1]
    assert torch.get_num_threads() == 3
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert found == [3]
    monkeypatch.setattr(explorer._desk, "_elements", SMALL + 1)
    explorer.sample = 3
    assert explorer.wait(LONG)
    assert counted[-1] == 3
