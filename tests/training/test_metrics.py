"""Metrics against slow formulas and against values that can be worked out by hand."""

import math

import numpy as np
import pytest

pytest.importorskip("kornia")
cv2 = pytest.importorskip("cv2")

from tolerances import SSIM_FLOAT32  # noqa: E402

from vfi_flow.training import metrics  # noqa: E402


def texture(height: int = 40, width: int = 56, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.0)


def flat(value: int, size: int = 16) -> np.ndarray:
    return np.full((size, size, 3), value, np.uint8)


@pytest.mark.parametrize(("offset", "decibels"), [(1, 48.1308), (16, 24.0484), (255, 0.0)])
def test_psnr_of_a_constant_offset(offset, decibels):
    assert metrics.psnr(flat(offset), flat(0)) == pytest.approx(decibels, abs=1e-4)


def test_psnr_counts_every_pixel_and_channel_once():
    made = flat(100)
    made[3, 5, 1] += 10

    assert metrics.psnr(made, flat(100)) == pytest.approx(10 * math.log10(255**2 / (10**2 / made.size)))


def test_identical_frames_have_a_finite_psnr():
    assert metrics.psnr(texture(), texture()) == metrics.IDENTICAL_DB


def slow_ssim(made: np.ndarray, truth: np.ndarray) -> float:
    """Wang et al. 2004, equation 13, window by window."""
    offsets = np.arange(11) - 5
    weights = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(weights, weights) / np.outer(weights, weights).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    height, width, channels = truth.shape
    found = []
    for channel in range(channels):
        for top in range(height - 10):
            for left in range(width - 10):
                x = made[top : top + 11, left : left + 11, channel].astype(float)
                y = truth[top : top + 11, left : left + 11, channel].astype(float)
                mean_x, mean_y = (window * x).sum(), (window * y).sum()
                variance_x, variance_y = (window * (x - mean_x) ** 2).sum(), (window * (y - mean_y) ** 2).sum()
                covariance = (window * (x - mean_x) * (y - mean_y)).sum()
                found.append(
                    (2 * mean_x * mean_y + c1)
                    * (2 * covariance + c2)
                    / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))
                )
    return float(np.mean(found))


def test_ssim_agrees_with_the_formula_window_by_window():
    truth = texture(18, 23)
    made = cv2.GaussianBlur(truth, (0, 0), 1.2)

    assert metrics.ssim(made, truth) == pytest.approx(slow_ssim(made, truth), abs=SSIM_FLOAT32)


def test_ssim_of_equal_frames_is_one_and_of_tiny_frames_not_defined():
    assert metrics.ssim(texture(), texture()) == pytest.approx(1, abs=SSIM_FLOAT32)
    assert math.isnan(metrics.ssim(texture(10, 30), texture(10, 30)))


def test_doubled_contrast_has_four_times_the_laplacian_energy():
    truth = (texture() // 4).astype(np.uint8)
    everywhere = np.ones(truth.shape[:2], bool)

    assert metrics.sharpness(2 * truth, truth, everywhere) == pytest.approx(4)
    assert metrics.sharpness(truth, truth, everywhere) == 1


def test_sharpness_sees_the_moving_area_only():
    truth = texture()
    made = truth.copy()
    made[:, 28:] = cv2.GaussianBlur(truth, (0, 0), 2)[:, 28:]
    left = np.zeros(truth.shape[:2], bool)
    left[:, :27] = True

    assert metrics.sharpness(made, truth, left) == 1
    assert metrics.sharpness(made, truth, ~left) < 0.5


def test_sharpness_is_not_defined_where_almost_nothing_moves_or_the_truth_is_flat():
    few = np.zeros((16, 16), bool)
    few[8, 8:11] = True  # 3 of the 196 inner pixels: 1.5 %

    assert math.isnan(metrics.sharpness(texture(16, 16), texture(16, 16), few))
    assert math.isnan(metrics.sharpness(flat(7), flat(7), np.ones((16, 16), bool)))


def test_a_pixel_moves_from_more_than_eight_levels_of_the_channel_mean():
    frame1 = flat(100)
    frame1[0, 0], frame1[0, 1], frame1[0, 2] = 108, 109, (100, 100, 127)

    assert np.argwhere(metrics.moving(flat(100), frame1)).tolist() == [[0, 1], [0, 2]]


def test_spectrum_distance_is_zero_for_equal_frames_and_grows_with_blur():
    truth = texture()
    blurred = [cv2.GaussianBlur(truth, (0, 0), sigma) for sigma in (0.5, 1.0, 2.0)]
    distances = [metrics.spectrum_distance(made, truth) for made in blurred]

    assert metrics.spectrum_distance(truth, truth) == 0
    assert 0.5 < distances[0] < distances[1] < distances[2]


def test_spectrum_distance_does_not_care_where_detail_is():
    """White noise of another seed: every pixel is wrong, the spectrum is right up to chance."""
    truth, other = (np.random.default_rng(seed).integers(0, 256, (128, 128, 3), dtype=np.uint8) for seed in (0, 1))

    assert metrics.psnr(other, truth) < 10
    assert metrics.spectrum_distance(other, truth) < 1
    # Half the amplitude is a quarter of the power at every frequency.
    assert metrics.spectrum_distance(other // 2, other) == pytest.approx(20 * math.log10(2), abs=0.1)


def test_ring_powers_add_up_to_the_variance_of_white_noise():
    """Parseval: the mean over frequencies of the power per pixel is the variance."""
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 1), dtype=np.uint8).repeat(3, axis=2)

    assert metrics.ring_powers(noise).mean() == pytest.approx(noise.var(), rel=0.1)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3)])
def test_tiny_frames_have_a_spectrum_distance_or_none(size):
    value = metrics.spectrum_distance(*(np.full((*size, 3), v, np.uint8) for v in (0, 9)))

    assert value == 0 or math.isnan(value)


def test_flicker_is_the_standard_deviation_of_original_made_original_made():
    """Errors 4 and -2 at two places: the viewer sees 0, 4, 0, -2."""
    flicker = metrics.Flicker(16, 16)
    everywhere = np.ones((16, 16), bool)
    flicker.add(flat(104), flat(100), everywhere)
    flicker.add(flat(98), flat(100), everywhere)

    assert flicker.value() == pytest.approx(np.std([0, 4, 0, -2]))


def test_flicker_leaves_out_what_is_not_static():
    static = np.zeros((16, 16), bool)
    static[:8] = True
    made = flat(100)
    made[8:] = 255
    flicker = metrics.Flicker(16, 16)
    flicker.add(made, flat(100), static)

    assert flicker.value() == 0
    assert math.isnan(metrics.Flicker(16, 16).value())


def test_static_means_that_none_of_the_three_frames_differs():
    changed = flat(100)
    changed[:, 8:] = 110

    for frames in ((changed, flat(100), flat(100)), (flat(100), changed, flat(100)), (flat(100), flat(100), changed)):
        static = metrics.static(*frames)
        assert static[:, :7].all() and not static[:, 8:].any()


def test_seed_spread_of_two_draws():
    assert metrics.seed_spread([flat(10), flat(14)]) == 2
    assert metrics.seed_spread([flat(10), flat(10), flat(10)]) == 0
