"""One damped Gauss-Newton step on images whose displacement is known everywhere."""

import math

import pytest

torch = pytest.importorskip("torch")

from tolerances import LUCAS_KANADE_REST, WARP_FLOAT32  # noqa: E402

from vfi_flow.motion.lucas_kanade import (  # noqa: E402
    LONGEST_STEP,
    displacement,
    fine_step,
    gradient,
    improvement,
    lucas_kanade_step,
    mean_free,
)

SIDE, WINDOW, DAMPING = 48, 7, 1e-5
INSIDE = (slice(None), slice(None), slice(8, -8), slice(8, -8))


def texture(dx: float = 0.0, dy: float = 0.0) -> "torch.Tensor":
    """(1, 1, SIDE, SIDE): waves of several directions, drawn at p + (dx, dy)."""
    y, x = torch.meshgrid(torch.arange(float(SIDE)) + dy, torch.arange(float(SIDE)) + dx, indexing="ij")
    waves = [(0.50, 0.10, 0.3), (-0.15, 0.45, 1.1), (0.30, 0.35, 2.0), (0.35, -0.30, 0.7)]
    return sum(torch.sin(a * x + b * y + phase) for a, b, phase in waves).view(1, 1, SIDE, SIDE) * 0.1


def place(tau: float) -> "torch.Tensor":
    return torch.full((1, 1, 1, 1), tau)


def displacement_found(warped0: "torch.Tensor", warped1: "torch.Tensor", tau: float, damping: float = DAMPING):
    """(1, 2, H, W)."""
    return lucas_kanade_step(warped0, warped1, place(tau), WINDOW, damping)


@pytest.mark.parametrize(("window", "block"), [(7, 1), (3, 2)])
@pytest.mark.parametrize("tau", [0.5, 0.25, 0.9])
@pytest.mark.parametrize(("dx", "dy"), [(0.3, 0.0), (0.0, -0.3), (0.25, 0.2), (-0.6, 0.4)])
def test_a_step_takes_most_of_a_sub_pixel_displacement_away(tau, dx, dy, window, block):
    """Frame 1 is to be looked up further along by d: what is seen there is frame 0 drawn d earlier."""
    warped0, warped1 = mean_free(texture()), mean_free(texture(-dx, -dy))

    step = lucas_kanade_step(warped0, warped1, place(tau), window, DAMPING, block)

    assert step.shape == (1, 2, SIDE, SIDE)
    rest = step[INSIDE] - torch.tensor([dx, dy]).view(1, 2, 1, 1)
    assert rest.norm(dim=1).mean() < LUCAS_KANADE_REST * math.hypot(dx, dy)


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.75])
def test_the_finest_step_is_shared_between_both_frames_by_tau(tau):
    step = fine_step(texture(), texture(-0.3, 0.2), place(tau), torch.zeros(1, 4, SIDE // 2, SIDE // 2))
    found = displacement(step)

    assert found[INSIDE].norm(dim=1).min() > 0.2
    assert torch.allclose(step, torch.cat([-tau * found, (1 - tau) * found], 1), atol=WARP_FLOAT32)


def test_equal_images_are_left_where_they_are():
    assert displacement_found(texture(), texture(), 0.5).abs().max() == 0


def test_the_step_fades_where_there_is_less_texture_than_damping():
    def length(contrast: float) -> float:
        return (
            displacement_found(contrast * texture(), contrast * texture(-0.3, 0), 0.5)[INSIDE].norm(dim=1).mean().item()
        )

    lengths = [length(contrast) for contrast in (1.0, 0.05, 0.005)]

    assert lengths[0] == pytest.approx(0.3, rel=LUCAS_KANADE_REST)
    assert lengths[0] > lengths[1] > lengths[2]
    assert lengths[2] < 0.01


def test_a_step_is_zero_without_texture():
    flat = torch.full((1, 1, SIDE, SIDE), 0.5)

    assert displacement_found(flat, flat - 0.25, 0.5).abs().max() == 0


def test_a_step_is_never_longer_than_the_linear_model_holds():
    generator = torch.Generator().manual_seed(0)
    warped0, warped1 = torch.randn(2, 1, 3, SIDE, SIDE, generator=generator)

    found = displacement_found(warped0, 30 * warped1, 0.3, damping=1e-7)

    assert found.norm(dim=1).max() == pytest.approx(LONGEST_STEP, abs=1e-5)


def test_gradients_of_a_ramp_are_its_slopes():
    y, x = torch.meshgrid(torch.arange(6.0), torch.arange(8.0), indexing="ij")
    dx, dy = gradient((3 * x - 2 * y).view(1, 1, 6, 8))

    assert torch.equal(dx[..., 1:-1], torch.full((1, 1, 6, 6), 3.0))
    assert torch.equal(dy[..., 1:-1, :], torch.full((1, 1, 4, 8), -2.0))


def test_what_is_mean_free_does_not_change_with_exposure():
    assert torch.allclose(mean_free(texture() + 0.4), mean_free(texture()), atol=WARP_FLOAT32)


def test_a_step_to_the_right_partner_is_an_improvement_and_one_away_from_it_is_none():
    image, near, far = texture(), texture(0.2), texture(1.5)

    assert improvement((image, far), (image, near), WINDOW).min() == 1
    assert improvement((image, near), (image, far), WINDOW).max() == 0
    assert improvement((image, near), (image, near), WINDOW).max() == 0


def test_half_of_the_way_to_half_the_square_difference_counts_half():
    flat = torch.zeros(1, 3, SIDE, SIDE)

    half_way = improvement((flat, flat + 0.2), (flat, flat + 0.2 * math.sqrt(0.75)), WINDOW)

    assert torch.allclose(half_way, torch.full_like(half_way, 0.5), atol=1e-3)


@pytest.mark.parametrize(("left", "expected"), [(1 / 2, 0.0), (1 / 4, 0.0), (3 / 16, 0.5), (1 / 8, 1.0), (0, 1.0)])
def test_a_change_that_must_be_much_better_counts_from_there_on(left, expected):
    flat = torch.full((1, 1, 32, 32), 0.5)

    better = improvement((flat, flat + 0.4), (flat, flat + 0.4 * math.sqrt(left)), WINDOW, least=4)

    assert float(better[0, 0, 16, 16]) == pytest.approx(expected, abs=0.01)


def test_what_is_as_small_as_noise_is_no_improvement():
    flat = torch.zeros(1, 3, SIDE, SIDE)

    assert improvement((flat, flat + 1 / 2550), (flat, flat), WINDOW).max() < 0.01


STILL = torch.zeros(1, 4, SIDE // 2, SIDE // 2)


def test_light_that_changes_is_no_motion_at_full_resolution():
    moved, lit = (
        fine_step(texture(), texture(-0.3), place(0.5), STILL),
        fine_step(texture(), texture() + 0.1, place(0.5), STILL),
    )

    assert moved[INSIDE].norm(dim=1).mean() > 0.15
    assert lit[INSIDE].norm(dim=1).mean() < 0.02


def test_where_motion_leads_out_of_a_frame_there_is_no_step():
    flow = STILL.clone()
    flow[..., :12] = torch.tensor([-30.0, 0, 0, 0]).view(1, 4, 1, 1)  # half of the picture has no partner in frame 0

    step = fine_step(texture(), texture(-0.3), place(0.5), flow)

    assert step[..., 4:20].abs().max() == 0
    assert step[..., 30:-8].abs().mean() > 0.05
