"""Whole numbers become floats and come back as they were."""

import numpy as np
import pytest

from vfi_flow.inference.depth import FULL_SCALE, as_floats, as_integers


@pytest.mark.parametrize("dtype", FULL_SCALE, ids=str)
def test_every_number_comes_back(dtype):
    numbers = np.arange(FULL_SCALE[dtype] + 1, dtype=dtype)

    back = as_integers(as_floats(numbers), dtype)

    assert back.dtype == dtype
    assert np.array_equal(back, numbers)


@pytest.mark.parametrize("dtype", FULL_SCALE, ids=str)
def test_black_and_white_are_zero_and_one_exactly(dtype):
    floats = as_floats(np.array([0, FULL_SCALE[dtype]], dtype))

    assert floats.dtype == np.float32
    assert floats.tolist() == [0, 1]


def test_the_nearest_whole_number_is_taken():
    assert as_integers(np.float32([0.4, 0.6, 254.6]) / 255, np.uint8).tolist() == [0, 1, 255]
