"""Cuts are found; pans, flashes, fades and chaos are not cuts."""

from itertools import pairwise

import av
import numpy as np
import pytest

from vfi_flow.media.scenes import HEIGHT, WIDTH, CutDetector, unexplained
from vfi_flow.media.thumbnail import thumbnail


def landscape(seed: int, width: int = 4 * WIDTH) -> np.ndarray:
    """(36, width) a picture with structure at every size, wider than the screen."""
    rng = np.random.default_rng(seed)
    image = np.zeros((HEIGHT, width))
    for size in (2, 4, 9, 18):
        coarse = rng.uniform(-1, 1, (HEIGHT // size + 2, width // size + 2))
        image += np.kron(coarse, np.ones((size, size)))[:HEIGHT, :width]
    return (128 + 40 * image).clip(0, 255).astype(np.float32)


def view(image: np.ndarray, x: int) -> np.ndarray:
    return image[:, x : x + WIDTH]


def cuts_in(frames: list[np.ndarray]) -> list[int]:
    detector = CutDetector()
    return [n + 1 for n, pair in enumerate(pairwise(frames)) if detector.is_cut(*pair)]


@pytest.mark.parametrize("seed", range(8))
def test_a_cut_between_two_scenes_is_found_where_it_is(seed):
    first, second = landscape(2 * seed), landscape(2 * seed + 1)

    assert cuts_in([view(first, n) for n in range(6)] + [view(second, 20 + n) for n in range(6)]) == [6]


@pytest.mark.parametrize("speed", [1, 3, 6])
def test_a_pan_is_no_cut_up_to_a_tenth_of_the_width_a_frame(speed):
    assert cuts_in([view(landscape(1), speed * n) for n in range(20)]) == []


def test_a_flash_is_no_cut():
    frames = [view(landscape(2), n) for n in range(9)]
    frames[4] = (1.4 * frames[4] + 60).clip(0, 255)

    assert cuts_in(frames) == []


@pytest.mark.parametrize("level", [0, 255], ids=["to black", "to white"])
def test_a_fade_is_no_cut(level):
    frames = [view(landscape(3), 0) * (1 - n / 8) + level * n / 8 for n in range(9)]

    assert cuts_in(frames) == []


def test_chaos_that_goes_on_is_no_series_of_cuts():
    rng = np.random.default_rng(0)
    mild = [view(landscape(4), 0) + rng.normal(0, 9 * n, (HEIGHT, WIDTH)).astype(np.float32) for n in range(12)]

    assert len(cuts_in(mild)) <= 3


def test_what_only_moved_is_explained_and_what_is_new_is_not():
    image = landscape(5)

    assert unexplained(view(image, 30), view(image, 34)) < 0.2
    assert unexplained(view(image, 30), view(landscape(6), 30)) > 0.75


def test_a_thumbnail_holds_the_means_of_areas():
    luma = np.zeros((360, 640), np.uint8)
    luma[:, 320:] = 200
    picture = av.VideoFrame.from_ndarray(np.concatenate([luma, np.full((180, 640), 128, np.uint8)]), "yuv420p")
    picture.color_range = 2

    small = thumbnail(picture)

    assert small.shape == (HEIGHT, WIDTH)
    assert small[:, :31].max() <= 1 and np.abs(small[:, 33:] - 200).max() <= 1
