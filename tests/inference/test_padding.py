"""Any size goes in and comes out; what is added repeats the edge."""

import numpy as np
import pytest

from vfi_flow.inference.padding import ALIGNMENT, crop_frame, pad_frame, padded_size


def frame(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 100 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("width", [1, 16, 50])
def test_pad_then_crop_is_identity_for_every_height(width):
    for height in range(1, 71):
        original = frame(height, width)

        padded = pad_frame(original)

        assert padded.shape == (*padded_size(height, width), 3)
        assert padded.shape[0] % ALIGNMENT == padded.shape[1] % ALIGNMENT == 0
        assert padded.shape[0] - height < ALIGNMENT
        assert padded.shape[1] - width < ALIGNMENT
        assert np.array_equal(crop_frame(padded, height, width), original)


def test_the_last_row_and_column_are_repeated():
    original = frame(5, 18)

    padded = pad_frame(original)

    assert (padded[5:, :18] == original[4]).all()
    assert (padded[:5, 18:] == original[:, 17:18]).all()
    assert (padded[5:, 18:] == original[4, 17]).all()


def test_a_cropped_frame_is_contiguous_and_its_own():
    padded = pad_frame(frame(20, 20))

    cropped = crop_frame(padded, 20, 20)

    assert cropped.flags.c_contiguous
    assert not np.shares_memory(cropped, padded)
