"""A hole is filled from what is around it, and nothing else changes."""

import numpy as np
import pytest
from clips import scene

from vfi_flow.pipeline.filling import filled, pull_push


def hole_in(height: int, width: int, rows: slice, columns: slice) -> np.ndarray:
    hole = np.zeros((height, width), bool)
    hole[rows, columns] = True
    return hole


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (33, 17), (96, 128)], ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_not_in_the_hole_keeps_its_bits_and_the_source_is_not_touched(size, dtype):
    rng = np.random.default_rng(0)
    image = rng.integers(0, np.iinfo(dtype).max, (*size, 3)).astype(dtype)
    hole = rng.random(size) < 0.3
    before = image.copy()

    result = filled(image, hole)

    assert result.dtype == dtype and np.array_equal(image, before)
    assert np.array_equal(result[~hole], image[~hole])


def test_one_colour_stays_one_colour_whatever_stood_in_the_hole():
    image = np.full((40, 60, 3), (10, 200, 90), np.uint8)
    image[10:20, 15:40] = 255

    assert (filled(image, hole_in(40, 60, slice(10, 20), slice(15, 40))) == (10, 200, 90)).all()


def test_a_ramp_goes_on_through_thin_strokes():
    ramp = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None] * 3, 48, axis=0).repeat(3, axis=2)
    hole = np.zeros((48, 64), bool)
    hole[10:30, 20:23] = hole[18:21, 10:40] = True
    written = ramp.copy()
    written[hole] = 255

    assert np.abs(filled(written, hole).astype(int) - ramp)[:, 4:-4].max() <= 12  # four columns of it


def test_the_fill_lies_between_the_darkest_and_the_brightest_pixel_around():
    image = scene(4)
    hole = hole_in(*image.shape[:2], slice(30, 50), slice(40, 90))

    inside = filled(image, hole)[hole]

    assert (inside >= image[~hole].min(axis=0)).all() and (inside <= image[~hole].max(axis=0)).all()


def test_without_a_hole_or_without_anything_else_the_picture_comes_back():
    image = scene(4)
    everything = np.ones(image.shape[:2], bool)

    assert filled(image, ~everything) is image
    assert np.array_equal(filled(image, everything), image)
    assert np.array_equal(pull_push(image.astype(np.float32), ~everything), image)
