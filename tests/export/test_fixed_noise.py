"""The noise inside the graphs is as good as drawn."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from vfi_flow.export.fixed_noise import PERIOD, FixedNoise, fixed_noise  # noqa: E402

SIDE = 512
SPREAD = 1 / SIDE
"""Standard deviation of the mean, and of a correlation, of SIDE x SIDE independent normal numbers."""


@pytest.fixture(scope="module")
def field() -> np.ndarray:
    return fixed_noise(SIDE, SIDE)[0]


def test_it_is_standard_normal(field):
    for plane in field:
        below = np.sort(plane, axis=None)[[int(p * plane.size) for p in (0.0228, 0.1587, 0.5, 0.8413, 0.9772)]]

        assert abs(plane.mean()) < 5 * SPREAD
        assert abs(plane.var() - 1) < 5 * SPREAD * 2**0.5
        assert np.abs(below - [-2, -1, 0, 1, 2]).max() < 0.1  # 4096 values stand for all


def test_no_shift_of_it_resembles_it(field):
    for plane in field:
        power = np.abs(np.fft.fft2(plane)) ** 2
        correlation = np.fft.ifft2(power).real / plane.size
        correlation[0, 0] = 0

        assert np.abs(correlation[:9, :9]).max() < 5 * SPREAD  # neighbours, where the eye looks
        assert np.abs(correlation).max() < 0.04
        assert correlation.std() < 1.5 * SPREAD


def test_its_power_is_even_over_all_frequencies(field):
    """White noise: neither stripes nor clouds; sums of 32 x 32 frequencies scatter by 3 percent."""
    power = (np.abs(np.fft.fft2(field)) ** 2).mean(0) / SIDE**2
    coarse = power.reshape(16, SIDE // 16, 16, SIDE // 16).mean((1, 3))

    assert np.abs(coarse - 1).max() < 0.15


def test_colours_are_independent(field):
    correlation = np.corrcoef(field.reshape(3, -1))[np.triu_indices(3, 1)]

    assert np.abs(correlation).max() < 0.06  # of 4096 values: 1/64 is one standard deviation


def test_a_value_depends_on_its_place_alone(field):
    assert np.array_equal(fixed_noise(33, 70)[0], field[:, :33, :70])


def test_the_graph_holds_the_same_field_also_beyond_its_period():
    made = FixedNoise()(torch.zeros(2, 3, 5, PERIOD + 9))

    assert np.array_equal(made.numpy(), fixed_noise(5, PERIOD + 9))
    assert np.array_equal(made[..., PERIOD:], made[..., :9])
