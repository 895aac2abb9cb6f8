"""Detail that two frames share is kept; detail in which they disagree is shrunk, as far as makes the error least."""

import pytest

torch = pytest.importorskip("torch")

from tiny_network import as_image, moving_texture, standard_noise  # noqa: E402

from vfi_flow.motion.coherence import coherence, octave, shrink_octaves  # noqa: E402

TRUTH = as_image(moving_texture(64, 96))
BOTH = torch.full((1, 1, 64, 96), 0.5)


def shrunk(frame0: "torch.Tensor", frame1: "torch.Tensor") -> "torch.Tensor":
    return shrink_octaves((frame0 + frame1) / 2, coherence(frame0, frame1, BOTH).sigmoid())


def mean_square(error: "torch.Tensor") -> float:
    return float(error.square().mean())


def test_an_image_is_its_octaves():
    everything = torch.ones(1, 2, 32, 48)
    fine, rest = octave(TRUTH)

    assert (fine.shape, rest.shape) == ((1, 3, 64, 96), (1, 3, 32, 48))
    torch.testing.assert_close(shrink_octaves(TRUTH, everything), TRUTH)
    assert mean_square(octave(TRUTH * 0 + 0.3)[0]) < 1e-12


def test_without_any_detail_kept_no_fast_change_is_left():
    checkers = (torch.arange(96) + torch.arange(64)[:, None]).remainder(2).expand(1, 3, 64, 96).float()

    assert shrink_octaves(checkers, torch.zeros(1, 2, 32, 48)).sub(0.5).abs().max() < 1e-6


def test_what_both_frames_show_stays():
    assert (shrunk(TRUTH, TRUTH) - TRUTH).abs().max() < 1 / 255


def test_noise_of_their_own_goes():
    noisy0, noisy1 = (0.5 + 0.1 * standard_noise(1, 3, 64, 96, seed=seed) for seed in (1, 2))

    assert mean_square(shrunk(noisy0, noisy1) - 0.5) < 0.25 * mean_square((noisy0 + noisy1) / 2 - 0.5)


@pytest.mark.parametrize("noise", [0.02, 0.05, 0.15])
def test_it_comes_closer_to_the_truth_than_the_mean_of_the_frames_and_than_less_or_more_of_it(noise):
    frame0, frame1 = (TRUTH + noise * standard_noise(1, 3, 64, 96, seed=seed) for seed in (1, 2))
    mean, logit = (frame0 + frame1) / 2, coherence(frame0, frame1, BOTH)
    errors = [mean_square(shrink_octaves(mean, torch.sigmoid(logit + other)) - TRUTH) for other in (-2, 0, 2)]

    assert errors[1] < min(errors[0], errors[2], mean_square(mean - TRUTH))


def test_a_frame_shifted_by_pixels_blurs_where_it_is_and_nowhere_else():
    shifted = TRUTH.clone()
    shifted[..., 48:] = as_image(moving_texture(64, 96, dx=6))[..., 48:]

    keep = coherence(TRUTH, shifted, BOTH).sigmoid()[:, 0]

    assert keep[..., :12].min() > 0.99
    assert keep[..., 36:].mean() < 0.6


@pytest.mark.parametrize("blend", [0.0, 1.0])
def test_a_frame_that_does_not_count_blurs_nothing(blend):
    hidden = as_image(moving_texture(64, 96, seed=1))
    frames = (TRUTH, hidden) if blend else (hidden, TRUTH)

    assert coherence(*frames, torch.full_like(BOTH, blend)).sigmoid()[:, 0].min() > 0.99
