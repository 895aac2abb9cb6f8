"""The making of a frame: detail that both frames share is kept, motion found on half the frame fits the whole one."""

import pytest

torch = pytest.importorskip("torch")

from tiny_network import as_image, moving_texture  # noqa: E402

from vfi_flow.model.composition import Composition, compose, kept  # noqa: E402

HALF = torch.full((1, 1, 1, 1), 0.5)
HEIGHT, WIDTH = 64, 96
FRAME0, FRAME1 = as_image(moving_texture(HEIGHT, WIDTH)), as_image(moving_texture(HEIGHT, WIDTH, dx=24))
NEUTRAL = torch.zeros(1, 2, HEIGHT // 2, WIDTH // 2)


def composition(height: int = HEIGHT, width: int = WIDTH, moved: float = 0.0) -> Composition:
    """All of both warped frames, in equal parts: what is seen moves to the left by `moved` pixels between them."""
    at_half = 1, 1, height // 2, width // 2
    flow = torch.tensor([moved / 2, 0, -moved / 2, 0]).view(1, 4, 1, 1).expand(1, 4, height, width)
    plane = torch.zeros(1, 1, height, width)
    detail = torch.full((1, 2, *at_half[2:]), 30.0)
    crossfade, features, activity = torch.full(at_half, -30.0), torch.rand(1, 5, *at_half[2:]), torch.ones(at_half)
    return Composition(flow, plane, crossfade, detail, plane, plane + 0.1, features, activity)


def error(made, truth) -> float:
    """Root mean square, away from the border, which one frame does not show."""
    return float((made - truth)[..., 8:-8, 16:-16].square().mean().sqrt())


def test_what_differs_from_a_frame_that_does_not_count_is_kept():
    both, alone = (
        kept(FRAME0, FRAME1, torch.full((1, 1, HEIGHT, WIDTH), blend), NEUTRAL)[:, 0].mean() for blend in (0.5, 0.999)
    )

    assert both < 0.6
    assert alone > 0.9


def test_training_can_keep_all_detail_or_none():
    blend = torch.full((1, 1, HEIGHT, WIDTH), 0.5)

    assert kept(FRAME0, FRAME1, blend, NEUTRAL + 30).min() > 0.99
    assert kept(FRAME0, FRAME0, blend, NEUTRAL - 40).max() < 0.01


def test_a_frame_between_equal_ones_is_equal():
    mean = compose(FRAME0, FRAME0, HALF, composition())

    torch.testing.assert_close(mean.mean, FRAME0, atol=1e-5, rtol=0)
    torch.testing.assert_close(mean.sharp, FRAME0, atol=1e-5, rtol=0)


def test_both_frames_are_looked_up_where_the_motion_leads():
    before, after = (as_image(moving_texture(HEIGHT, WIDTH, dx=dx)) for dx in (-2, 2))

    assert error(compose(before, after, HALF, composition(moved=4.0)).mean, FRAME0) < 0.005
    assert error(compose(before, after, HALF, composition()).mean, FRAME0) > 0.02


def test_where_motion_leads_out_of_one_frame_the_other_one_counts():
    """What moves to the left comes in from the right, where frame 0 does not show it yet."""
    blend = compose(FRAME0, FRAME1, HALF, composition(moved=16.0)).blend

    assert blend[..., 0].min() > 0.95
    assert blend[..., -1].max() < 0.05
    assert (blend[..., 16:-16] == 0.5).all()


@pytest.mark.parametrize(("height", "width"), [(HEIGHT, WIDTH), (HEIGHT - 16, WIDTH - 16)])
def test_motion_found_on_half_the_frame_fits_the_whole_one(height, width):
    half = composition(HEIGHT // 2, WIDTH // 2, moved=2.0)

    whole = half.doubled(height, width)

    assert whole.flow.shape == (1, 4, height, width) and whole.deviation.shape == (1, 1, height, width)
    assert whole.features.shape == (1, 5, height // 4, width // 4)
    torch.testing.assert_close(whole.flow, composition(height, width, moved=4.0).flow)
    torch.testing.assert_close(whole.deviation, torch.full((1, 1, height, width), 0.1))


def test_most_of_half_a_pixel_is_found_on_the_whole_frame():
    before, after = (as_image(moving_texture(HEIGHT, WIDTH, dx=dx)) for dx in (-0.25, 0.25))

    found = composition().refined(before, after, HALF).flow[..., 8:-8, 16:-16].mean((2, 3)).flatten()

    torch.testing.assert_close(found, torch.tensor([0.25, 0, -0.25, 0]), atol=0.06, rtol=0)
