"""Noise is a function of seed and pts, and is standard Gaussian."""

import numpy as np
import pytest

from vfi_flow.inference.noise import pair_noise


def test_the_same_key_gives_the_same_noise_whatever_was_drawn_before():
    first = pair_noise(3, 1001, 16, 32)
    pair_noise(3, 2002, 48, 48)
    np.random.default_rng(0).standard_normal(10)

    assert np.array_equal(pair_noise(3, 1001, 16, 32), first)
    assert (first.shape, first.dtype) == ((1, 3, 16, 32), np.float32)


@pytest.mark.parametrize(
    ("seed", "pts"), [(4, 1001), (3, 1002), (1001, 3), (-3, 1001), (3, -1001), (3 + 2**32, 1001), (3, 1001 + 2**32)]
)
def test_another_seed_or_another_pts_gives_unrelated_noise(seed, pts):
    first, second = pair_noise(3, 1001, 64, 64), pair_noise(seed, pts, 64, 64)

    correlation = (first * second).mean()

    assert abs(correlation) < 5 / np.sqrt(first.size)


def test_negative_and_huge_keys_are_allowed():
    assert np.isfinite(pair_noise(-1, -(2**63), 16, 16)).all()
    assert np.isfinite(pair_noise(2**70, 2**63, 16, 16)).all()


def test_the_noise_is_standard_gaussian():
    noise = pair_noise(0, 0, 128, 128)
    error_of_the_mean = 1 / np.sqrt(noise.size)

    assert abs(noise.mean()) < 5 * error_of_the_mean
    assert abs(noise.std() - 1) < 5 * error_of_the_mean
    assert (np.abs(noise) < 1).mean() == pytest.approx(0.6827, abs=5 * error_of_the_mean)
