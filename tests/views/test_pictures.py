"""The inputs as a person would see them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from bbp_widgets.views import as_pictures, pack_thumbnails, unpack
from bbp_widgets.views.pictures import thumbnail


def test_each_input_is_stretched_by_itself() -> None:
    x = np.zeros((3, 3, 2, 2))
    x[0, 0, 0, 0], x[0, 2, 1, 1] = -1, 3
    x[1] = 5
    x[2, :, 0, 0] = 1e-6
    shown = as_pictures(x)
    assert shown is not None
    assert shown.shape == (3, 2, 2, 3)
    assert shown.dtype == np.uint8
    assert shown[0, 0, 0].tolist() == [0, 64, 64]
    assert shown[0, 1, 1].tolist() == [64, 64, 255]
    assert (shown[1] == 128).all()
    assert shown[2].max() == 255


def test_one_channel_is_grey() -> None:
    shown = as_pictures(np.arange(4.0).reshape(1, 1, 2, 2))
    assert shown is not None
    assert (shown[..., 0] == shown[..., 2]).all()
    assert shown[0, :, :, 0].tolist() == [[0, 85], [170, 255]]


@pytest.mark.parametrize("shape", [(2, 2, 4, 4), (2, 4, 4, 4), (2, 5), (2, 3, 9), (2, 3, 2, 4, 4)])
def test_what_is_no_picture_has_none(shape: tuple[int, ...]) -> None:
    assert as_pictures(np.ones(shape)) is None


def test_pictures_may_be_given() -> None:
    x = np.zeros((2, 2, 4, 4))
    byte = np.arange(2 * 5 * 6 * 3, dtype=np.uint8).reshape(2, 5, 6, 3)
    kept = as_pictures(x, byte)
    assert kept is not None
    assert np.array_equal(kept, byte)
    whole = as_pictures(x, byte.astype(np.int64))
    assert whole is not None
    assert np.array_equal(whole, byte)
    grey = as_pictures(x, np.array([[[0.0, 0.5]], [[1.0, 1.0]]]))
    assert grey is not None
    assert grey[0, 0].tolist() == [[0] * 3, [128] * 3]
    assert as_pictures(x, torch.zeros(2, 5, 6, 1)).shape == (2, 5, 6, 3)  # type: ignore[union-attr,arg-type]


@pytest.mark.parametrize("shape", [(3, 4, 4), (2, 4, 4, 2), (2, 3, 4, 4), (4, 4)])
def test_pictures_that_do_not_fit_say_what_was_wanted(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"pictures must be \(2, H, W\)"):
        as_pictures(np.zeros((2, 3, 4, 4)), np.zeros(shape))


def test_pictures_on_another_scale_are_refused() -> None:
    """Clipped to 0..1 they would be a white square without a word."""
    with pytest.raises(ValueError, match="0 to 1"):
        as_pictures(np.zeros((1, 3, 4, 4)), np.full((1, 4, 4, 3), 200.0))


def test_nan_is_shown_without_a_warning() -> None:
    x = np.arange(8.0).reshape(2, 1, 2, 2)
    x[1, 0, 0, 0] = np.nan
    x[1, 0, 0, 1] = np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = as_pictures(x)
    assert shown is not None
    assert shown[0, :, :, 0].tolist() == [[0, 85], [170, 255]]
    assert shown[1, 1, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize("size", [(48, 48), (96, 96), (100, 130), (8, 8), (5, 7), (1, 300)])
def test_a_thumbnail_keeps_a_plain_colour(size: tuple[int, int]) -> None:
    small = thumbnail(np.full((*size, 3), 77, np.uint8), 48)
    assert small.shape == (48, 48, 3)
    assert small.dtype == np.uint8
    assert (small == 77).all()


def test_a_thumbnail_is_the_mean_of_its_blocks() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[:2, :2] = [[[10], [20]], [[30], [40]]]
    assert thumbnail(picture, 2)[:, :, 0].tolist() == [[25, 0], [0, 0]]


def test_thumbnails_are_packed_with_null_for_no_picture() -> None:
    header, body = unpack(pack_thumbnails(np.full((2, 3, 3, 3), 9, np.uint8), 2, side=4))
    assert header == {"version": 2, "height": 4, "width": 4, "items": [0, 48], "traces": [None, None]}
    assert body == bytes([9]) * 96
    header, body = unpack(pack_thumbnails(None, 3))
    assert header["items"] == [None] * 3
    assert body == b""
