"""Colours over transparent ground are those that lie there, with any interpolator of three channels."""

import numpy as np
import pytest

from vfi_flow.inference.alpha import between_transparent


def blend(frame0, frame1, taus):
    """Stands for the model."""
    return [np.rint(frame0 * (1 - tau) + frame1 * tau).astype(frame0.dtype) for tau in taus]


def never(frame0, frame1, taus):
    raise AssertionError("opaque frames need no picture of their alpha")


def sprite(dtype, columns: slice, colour=(0.8, 0.4, 0.2), under=(0.0, 1.0, 0.0), alpha: float = 1.0) -> np.ndarray:
    """A patch of `colour` over transparent ground that holds the colour `under`."""
    frame = np.zeros((6, 16, 4))
    frame[..., :3] = under
    frame[:, columns] = (*colour, alpha)
    return np.rint(frame * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_colour_of_a_half_visible_pixel_is_that_of_what_is_visible(dtype):
    frame0, frame1 = sprite(dtype, slice(2, 8)), sprite(dtype, slice(4, 10))

    [made] = between_transparent(frame0, frame1, [0.5], blend, blend)

    full = np.iinfo(dtype).max
    assert made.dtype == dtype
    assert np.abs(made[0, [2, 3, 8, 9], 3] / full - 0.5).max() < 0.005
    assert np.abs(made[0, 2:10, :3] / full - (0.8, 0.4, 0.2)).max() < 0.01
    assert made[0, [0, 1, 12], 3].max() == 0


def test_a_still_transparent_frame_comes_back(dtype=np.uint8):
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (32, 32, 4)).astype(dtype)

    [made] = between_transparent(frame, frame, [0.4], blend, blend)

    assert np.abs(made.astype(int) - frame).max() <= 1


def test_two_opaque_frames_need_one_picture():
    frame0, frame1 = (np.random.default_rng(n).integers(0, 256, (5, 7, 4)).astype(np.uint8) for n in (0, 1))
    frame0[..., 3] = frame1[..., 3] = 255

    made = between_transparent(frame0, frame1, [0.25, 0.5], blend, never)

    expected = blend(frame0, frame1, [0.25, 0.5])
    assert all(map(np.array_equal, made, expected))
