"""Inputs along a line: what the page draws at a position is what the attribution says there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from engine.nets import randomized
from torch import nn
from views.seen import floats
from views.test_film import STATE, check

import bbp_widgets as bbp
from bbp_widgets.views import film_of, positions_of, still_csv
from bbp_widgets.views.follow import features_last, told_by
from bbp_widgets.views.signals import Line, line_of
from bbp_widgets.views.tensors import sheets_of

#: Sums of float32 in double, rounded to float32 once.
ROUNDED = 1e-6


def network(channels: int, length: int) -> nn.Module:
    layers = (
        nn.Conv1d(channels, 4, 5, padding=2),
        nn.ReLU(),
        nn.AdaptiveMaxPool1d(6),
        nn.Flatten(),
        nn.Linear(24, 3),
    )
    return randomized(nn.Sequential(*layers))


@pytest.mark.parametrize(("channels", "length", "lanes"), [(1, 40, 1), (3, 25, 3), (16, 12, 16), (17, 12, 1)])
def test_a_signal_has_a_lane_a_channel_up_to_sixteen(channels: int, length: int, lanes: int) -> None:
    x = torch.randn(2, channels, length, generator=torch.Generator().manual_seed(1))
    result = bbp.attribute(network(channels, length), x)
    made = film_of(result, state=STATE, sample=1)
    check(made, result, 1)
    source, pictures = made.header["input"], made.header["pictures"]
    assert (source["kind"], source["shape"], source["rgb"]) == ("signal", [channels, length], None)
    assert (source["channels"], source["length"], source["block"]) == (channels, length, 1)
    assert (source["height"], source["width"]) == (pictures["height"], pictures["width"]) == (lanes, length)
    for name, part in (("gradient", result.gradient), ("bias", result.bias)):
        wanted = part[1].double().reshape(lanes, -1, length).sum(1)  # type: ignore[union-attr]
        seen = floats(made.body, pictures[name], lanes * length).reshape(lanes, length)
        assert np.allclose(seen, wanted.numpy(), rtol=ROUNDED, atol=ROUNDED)
    values = floats(made.body, source["values"], lanes * length).reshape(lanes, length)
    wanted = x[1] if lanes == channels else x[1].square().sum(0, keepdim=True).sqrt()
    assert np.allclose(values, wanted.numpy(), rtol=ROUNDED, atol=ROUNDED)


def test_a_signal_of_many_positions_comes_as_sums_over_blocks() -> None:
    line = Line(2, 100_001)
    assert (line.block, line.lanes) == (4, 2)
    part = torch.randn(2, 100_001, generator=torch.Generator().manual_seed(0))
    sums = line.sums(part)
    assert sums.shape == (2, 25_001)
    assert np.allclose(sums[:, 7], part[:, 28:32].double().sum(1).numpy())
    assert np.allclose(sums[:, -1], part[:, 100_000:].double().sum(1).numpy())
    assert sums.sum() == pytest.approx(float(part.double().sum()), abs=1e-9)
    values = line.values(part)
    assert np.allclose(values[:, 7], part[:, 28:32].double().mean(1).numpy())
    assert np.allclose(values[:, -1], part[:, 100_000:].double().numpy().T[0])


def test_sixteen_thousand_samples_come_one_by_one() -> None:
    assert Line(1, 16_000).block == 1


@pytest.mark.parametrize(
    ("shape", "count", "names", "lanes"),
    [
        ((3, 7), 7, True, False),
        ((3, 7), 3, False, True),
        ((3, 7), 4, False, False),
        ((20, 7), 20, False, False),
    ],
)
def test_names_are_of_positions_or_of_channels(
    shape: tuple[int, int], count: int, names: bool, lanes: bool
) -> None:
    features = [f"f{i}" for i in range(count)]
    line = line_of(shape, features)
    assert line is not None
    assert line.names(features) == {
        "names": features if names else None,
        "lanes": features if lanes else None,
    }


def test_a_row_of_a_table_is_a_signal_where_it_is_long_and_has_no_names() -> None:
    assert line_of((256,)) is None
    assert line_of((257,)) == Line(1, 257)
    assert line_of((257,), [""] * 257) is None
    assert line_of((3, 8, 8)) is None
    x = torch.randn(1, 6000, generator=torch.Generator().manual_seed(0))
    result = bbp.attribute(randomized(nn.Linear(6000, 2)), x)
    made = film_of(result, state=STATE)
    pictures = made.header["pictures"]
    assert (made.header["input"]["kind"], pictures["width"]) == ("signal", 6000)
    assert np.array_equal(floats(made.body, pictures["bias"], 6000), result.bias[0].numpy())  # type: ignore[index]


class Reader(nn.Module):
    """Reads tokens: an embedding, one layer of attention, the mean."""

    def __init__(self, features: int = 24) -> None:
        super().__init__()
        self.emb = nn.Embedding(20, features)
        self.layer = nn.TransformerEncoderLayer(features, 2, 30, batch_first=True)
        self.head = nn.Linear(features, 3)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(self.emb(words)).mean(1))


def tokens(samples: int = 2, **options: int) -> bbp.Attribution:
    words = torch.randint(0, 20, (samples, 7), generator=torch.Generator().manual_seed(2))
    return bbp.attribute(randomized(Reader(**options)).eval(), words, wrt="emb", target=1)


def test_tokens_are_positions_with_their_features_summed() -> None:
    result = tokens()
    names = ["the", "film", "was", "not", "bad", "at", "all"]
    made = film_of(result, state=STATE, sample=1, features=names)
    source, pictures = made.header["input"], made.header["pictures"]
    assert (source["kind"], source["shape"], source["names"]) == ("signal", [7, 24], names)
    assert (source["channels"], source["length"], source["height"], source["width"]) == (24, 7, 1, 7)
    for name, part in (("gradient", result.gradient), ("bias", result.bias)):
        seen = floats(made.body, pictures[name], 7)
        assert np.allclose(seen, part[1].double().sum(-1).numpy(), rtol=ROUNDED, atol=ROUNDED)  # type: ignore[union-attr]
    x = result.local.inputs[1]  # type: ignore[union-attr]
    assert np.allclose(floats(made.body, source["values"], 7), x.norm(dim=-1).numpy(), rtol=ROUNDED)
    grid = made.header["frames"][-1]["grid"]
    assert grid == {"kind": "maps", "channels": 24, "height": 1, "width": 7, "placed": True, "lead": 0}
    assert positions_of(result) == 7


def test_few_features_are_lanes_of_their_own() -> None:
    result = tokens(features=6)
    made = film_of(result, state=STATE, features=[f"sensor {i}" for i in range(6)])
    source, pictures = made.header["input"], made.header["pictures"]
    assert (source["height"], source["width"], source["names"]) == (6, 7, None)
    assert source["lanes"] == [f"sensor {i}" for i in range(6)]
    bias = floats(made.body, pictures["bias"], 42).reshape(6, 7)
    assert np.array_equal(bias, result.bias[0].T.numpy())  # type: ignore[union-attr,index]
    rows = still_csv(result).split("\n\n")[1].splitlines()
    assert rows[1 + 7 + 2].startswith("1,2,")
    assert float(rows[1 + 7 + 2].split(",")[4]) == float(result.bias[0, 2, 1])  # type: ignore[call-overload,index]


def test_units_of_tokens_are_counted_by_feature_and_position() -> None:
    result = tokens(samples=1)
    sheet = sheets_of(result, 0)[-1]
    assert sheet.grid.index([5, 0, 3]) == (3, 5)
    assert sheet.grid.unit((3, 5)) == [5, 0, 3]
    assert torch.equal(sheet.weight, sheet.place.mass.abs().sum(0))
    linear = next(i for i, step in enumerate(result.ledger) if step.module == "layer.linear1" and step.mixes)
    assert sheets_of(result, 0)[linear].grid.described["width"] == 7


class Turned(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv1d(8, 5, 3), nn.Linear(5, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.conv(x.relu().transpose(1, 2)).mean(-1))


class Steps(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru, self.head = nn.GRU(8, 5, batch_first=True), nn.Linear(5, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.gru(x)[0][:, -1])


@pytest.mark.parametrize(
    ("build", "last", "told"),
    [
        (lambda: nn.Sequential(nn.Conv1d(6, 4, 3), nn.Flatten(), nn.Linear(24, 2)), False, "convolution"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), False, None),
        (lambda: nn.Sequential(nn.LayerNorm(8), nn.Flatten(), nn.Linear(48, 2)), True, "native_layer_norm"),
        (lambda: nn.Sequential(nn.Linear(8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 2)), True, "addmm"),
        (Turned, True, "convolution"),
        (Steps, True, "addmm"),
    ],
)
def test_the_first_op_that_mixes_an_axis_tells_which_are_the_channels(
    build: Any, last: bool, told: str | None
) -> None:
    x = torch.randn(1, 6, 8, generator=torch.Generator().manual_seed(0))
    result = bbp.attribute(randomized(build()).eval(), x)
    assert features_last(result) is last
    assert told_by(result) == told
    made = film_of(result, state=STATE)
    source = made.header["input"]
    assert (source["channels"], source["length"]) == ((8, 6) if last else (6, 8))
    assert source["axes"] == {"positions": "first" if last else "last", "told": told}


class Second(nn.Module):
    """A transformer that has its samples second: (T, N, D) from its embedding on."""

    def __init__(self) -> None:
        super().__init__()
        self.emb, self.head = nn.Embedding(20, 8), nn.Linear(8, 3)
        self.layer = nn.TransformerEncoderLayer(8, 2, 12)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(self.emb(words.t())).mean(0))


@pytest.mark.parametrize("samples", [1, 3])
def test_tokens_are_tokens_where_the_samples_are_second(samples: int) -> None:
    network = randomized(Second()).eval()
    words = torch.randint(0, 20, (samples, 7), generator=torch.Generator().manual_seed(0))
    result = bbp.attribute(network, words, target=1, wrt="emb")
    made = film_of(result, state=STATE, sample=samples - 1, features=[f"word {i}" for i in range(7)])
    source = made.header["input"]
    assert (source["kind"], source["channels"], source["length"]) == ("signal", 8, 7)
    assert source["names"] == [f"word {i}" for i in range(7)]
    bias = result.bias[:, samples - 1]  # type: ignore[call-overload,index]
    pictures = made.header["pictures"]
    drawn = floats(made.body, pictures["bias"], 8 * 7).reshape(8, 7)
    assert np.array_equal(drawn, bias.T.numpy())
    assert pictures["bias_sum"] == pytest.approx(float(bias.double().sum()), abs=1e-6)
    norms = [frame for frame in made.header["frames"] if frame["op"] == "native_layer_norm"]
    assert len(norms) == 2
    for frame in [*norms, made.header["frames"][-1]]:
        grid = frame["grid"]
        assert (grid["channels"], grid["height"], grid["width"], grid["placed"]) == (8, 1, 7, True)
    # a value is placed only where its places are the tokens: seven of them
    assert {frame["grid"]["width"] for frame in made.header["frames"][1:] if frame["grid"]["placed"]} == {7}
    sheet = sheets_of(result, samples - 1)[-1]
    assert torch.equal(sheet.grid.by_channel(sheet.place.mass), bias.T)


def test_a_linear_layer_over_time_behind_a_convolution_takes_no_channels_for_tokens() -> None:
    network = nn.Sequential(
        nn.Conv1d(3, 5, 3, padding=1), nn.ReLU(), nn.Linear(40, 16), nn.ReLU(), nn.Flatten(), nn.Linear(80, 2)
    )
    x = torch.randn(1, 3, 40, generator=torch.Generator().manual_seed(0))
    made = film_of(bbp.attribute(randomized(network).eval(), x), state=STATE)
    assert made.header["input"]["channels"] == 3
    grids = {frame["module"]: frame["grid"] for frame in made.header["frames"] if frame["mixes"]}
    assert (grids["0"]["channels"], grids["0"]["width"], grids["0"]["placed"]) == (5, 40, True)
    assert (grids["2"]["channels"], grids["2"]["height"], grids["2"]["placed"]) == (5, 1, False)
