"""A repeat is recognised through grain and compression; motion of half a pixel is no repeat."""

import av
import numpy as np
import pytest
from clips import scene

from vfi_flow.media.repeats import block_means, change, may_be_repeat, stands_out


def picture(rgb: np.ndarray, pix_fmt: str = "yuv420p") -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24").reformat(format=pix_fmt)


def grainy(rgb: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, (*rgb.shape[:2], 1))
    return (rgb + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p10le", "rgb24", "gray"])
@pytest.mark.parametrize("size", [(1, 1), (17, 9), (320, 180)], ids=str)
def test_a_block_mean_is_the_mean_of_its_area(pix_fmt, size):
    width, height = size
    rgb = np.full((height, width, 3), 128, np.uint8)

    means = block_means(picture(rgb, pix_fmt))

    assert means.shape == (-(-height // 8), -(-width // 8))
    assert np.ptp(means) <= 1 and 110 <= means[0, 0] <= 140


@pytest.mark.parametrize("sigma", [0, 3, 6])
def test_grain_is_no_change(sigma):
    rgb = scene(1, 320, 176)

    level = change(*(block_means(picture(grainy(rgb, sigma, seed))) for seed in (1, 2)))

    assert may_be_repeat(level)


def test_a_mouth_that_moves_is_a_change():
    rgb = scene(1, 640, 352) // 2
    spoken = rgb.copy()
    spoken[200:216, 300:332] = 200  # 1/400 of the picture

    assert not may_be_repeat(change(block_means(picture(rgb)), block_means(picture(spoken))))


def test_a_group_stands_out_when_what_surrounds_it_is_twice_as_much_and_more_than_grain():
    assert stands_out(9.0, 4.5) and stands_out(9.0, 0.0)
    assert not stands_out(9.0, 5.0) and not stands_out(8.0, 0.0)
