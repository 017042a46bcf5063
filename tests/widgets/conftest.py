"""Fixtures of the widgets' tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from engine.nets import Residual, randomized
from widgets.pages import LONG, pictures

import bbp_widgets as bbp

Make = Callable[..., bbp.Explorer]


@pytest.fixture
def make() -> Iterator[Make]:
    """Make explorers that are closed at the end, their first film there."""
    made: list[bbp.Explorer] = []

    def explorer(network: Any = None, inputs: Any = None, **options: Any) -> bbp.Explorer:
        network = randomized(Residual()) if network is None else network
        made.append(bbp.Explorer(network, pictures() if inputs is None else inputs, **options))
        assert made[-1].wait(LONG)
        return made[-1]

    yield explorer
    for explorer_made in made:
        explorer_made.close()
        explorer_made.wait(LONG)
