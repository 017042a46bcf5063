"""Small drawings of signals: each column holds what the values there run between."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bbp_widgets.views import Line, pack_thumbnails, trace_of, unpack


@pytest.mark.parametrize("length", [7, 48, 100, 16_000, 70_000])
def test_a_column_holds_the_extremes_of_its_positions(length: int) -> None:
    x = torch.randn(2, length, generator=torch.Generator().manual_seed(0))
    line = Line(2, length)
    trace = trace_of(line, x)
    assert trace.shape == (2, 2, 48)
    assert (int(trace.min()), int(trace.max())) == (0, 255)
    values = line.values(x)
    places = values.shape[1]
    scaled = (values - values.min()) / (values.max() - values.min()) * 255
    for column in range(48):
        start, end = column * places // 48, max(column * places // 48 + 1, (column + 1) * places // 48)
        for lane in range(2):
            part = scaled[lane, start:end]
            assert trace[lane, :, column].tolist() == [round(part.min()), round(part.max())]


def test_the_first_three_of_many_channels_and_tokens_by_their_length() -> None:
    made = torch.Generator().manual_seed(1)
    assert trace_of(Line(12, 60), torch.randn(12, 60, generator=made)).shape == (3, 2, 48)
    tokens = torch.randn(50, 32, generator=made)
    length = tokens.norm(dim=1)
    trace = trace_of(Line(32, 50, last=True), tokens)
    assert trace.shape == (1, 2, 48)
    places = np.maximum.reduceat(length.numpy(), np.arange(48) * 50 // 48)
    assert int(trace[0, 1].argmax()) == int(places.argmax())


def test_what_is_not_finite_is_a_gap_and_what_is_flat_is_a_line() -> None:
    x = torch.zeros(1, 48)
    assert set(trace_of(Line(1, 48), x).reshape(-1).tolist()) == {128}
    x[0, :2] = torch.tensor([torch.nan, torch.inf])
    x[0, 2] = 1.0
    trace = trace_of(Line(1, 48), x)[0]
    assert trace[:, :4].T.tolist() == [[255, 0], [255, 0], [255, 255], [0, 0]]
    assert trace_of(Line(1, 48), torch.full((1, 48), torch.nan))[0, :, 5].tolist() == [255, 0]


def test_they_are_packed_beside_the_pictures() -> None:
    trace = trace_of(Line(1, 9), torch.arange(9.0)[None])
    header, body = unpack(pack_thumbnails(None, 2, traces=[None, trace]))
    assert header["items"] == [None, None]
    nothing, drawn = header["traces"]
    assert nothing is None
    assert (drawn["lanes"], drawn["width"]) == (1, 48)
    assert np.array_equal(np.frombuffer(body, np.uint8, 96, drawn["ends"]), trace.reshape(-1))
    assert unpack(pack_thumbnails(None, 3))[0]["traces"] == [None] * 3
