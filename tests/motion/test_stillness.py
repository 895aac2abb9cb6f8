"""Still ground is told from moving things by comparing the frames as they are with the frames as warped."""

import pytest

torch = pytest.importorskip("torch")

from tiny_network import as_image, moving_texture, standard_noise  # noqa: E402

from vfi_flow.motion.stillness import CLOSE, NARROW, WINDOW, activity, stillness  # noqa: E402

GROUND = as_image(moving_texture(64, 96))
ELSEWHERE = as_image(moving_texture(64, 96, dx=8))


def test_still_ground_under_a_wrong_flow_is_still():
    assert stillness(GROUND, GROUND, GROUND, ELSEWHERE).min() > 0.99


def test_a_little_noise_does_not_make_still_ground_move():
    noisy = GROUND + 0.005 * standard_noise(*GROUND.shape)

    assert stillness(GROUND, noisy, GROUND, ELSEWHERE).min() > 0.99


def test_what_moves_is_not_still_when_the_flow_follows_it():
    assert stillness(GROUND, ELSEWHERE, GROUND, GROUND).max() < 0.01


@pytest.mark.parametrize("brighter", [0.1, -0.2])
def test_a_fade_is_not_still_even_where_warping_does_not_help(brighter):
    assert stillness(GROUND, GROUND + brighter, GROUND, GROUND + 2 * brighter).max() < 0.01


def test_ground_beside_a_moving_thing_is_still_half_a_window_away_from_it():
    """The thing covers the right half and is warped right; its motion has spread to the ground on the left."""
    frame0, frame1, warped1 = GROUND.clone(), GROUND.clone(), ELSEWHERE.clone()
    frame1[..., 48:] = ELSEWHERE[..., 48:]
    warped1[..., 48:] = GROUND[..., 48:]

    found = stillness(frame0, frame1, GROUND, warped1)

    assert found[..., : 48 - WINDOW // 2].min() > 0.99
    assert found[..., 48 + WINDOW // 2 :].max() < 0.01
    assert 0 <= found.min() <= found.max() <= 1


def test_ground_right_beside_a_moving_thing_is_still_where_the_frames_are_equal():
    """The thing covers the right half; the motion of its surroundings is wrong, on the thing itself as well."""
    frame1 = GROUND.clone()
    frame1[..., 48:] = ELSEWHERE[..., 48:]
    edge = 48 - NARROW // 2

    found = stillness(GROUND, frame1, GROUND, torch.roll(GROUND, 5, 2))

    assert found[..., edge - 4 : edge].median() > 0.99
    assert found[..., 48 + WINDOW // 2 :].max() < 0.01


def test_a_few_equal_pixels_in_what_moves_are_not_still():
    patch = slice(30, 35), slice(46, 51)
    frame1 = ELSEWHERE.clone()
    frame1[:, :, *patch] = GROUND[:, :, *patch]

    assert stillness(GROUND, frame1, GROUND, torch.roll(GROUND, 5, 2))[:, :, *patch].max() < 0.01


def test_nothing_happens_between_equal_frames_and_under_faint_noise():
    noisy = GROUND + 0.005 * standard_noise(*GROUND.shape)

    assert activity(GROUND, GROUND).max() == 0
    assert activity(GROUND, noisy).max() == 0


def test_something_happens_where_texture_moves_and_only_close_to_it():
    frame1 = GROUND.clone()
    frame1[..., 48:] = ELSEWHERE[..., 48:]

    found = activity(GROUND, frame1)

    assert found[..., : 48 - CLOSE // 2].max() == 0
    assert found[..., 48 + CLOSE // 2 :].mean() > 0.9
