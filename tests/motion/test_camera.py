"""The camera's motion, on motion of which the truth is known."""

import pytest

torch = pytest.importorskip("torch")

from vfi_flow.motion.camera import camera_motion  # noqa: E402
from vfi_flow.motion.warp import pixel_grid  # noqa: E402

HEIGHT, WIDTH = 45, 80


def linear(slope: tuple[float, float, float, float] = (0, 0, 0, 0)) -> "torch.Tensor":
    """(1, 2, HEIGHT, WIDTH): 7 and -2 pixels in the middle, and from there on `slope` (dx/x, dx/y, dy/x, dy/y)."""
    x, y = pixel_grid(torch.zeros(1, 1, HEIGHT, WIDTH))
    x, y = x - WIDTH / 2, y - HEIGHT / 2
    return torch.cat([7 + slope[0] * x + slope[1] * y, -2 + slope[2] * x + slope[3] * y], 1)


@pytest.mark.parametrize("slope", [(0, 0, 0, 0), (0.02, 0, 0, 0.02), (0, 0.03, -0.03, 0)], ids=["pan", "zoom", "turn"])
def test_it_is_found_although_a_third_of_the_frame_moves_otherwise(slope):
    truth = linear(slope)
    found = truth.clone()
    found[..., : WIDTH // 4] = 0
    found[..., 30:40, 30:70] += 5
    found += 0.1 * torch.randn(found.shape, generator=torch.Generator().manual_seed(0))
    other = ((found - truth).square().sum(1) > 4).float().mean()

    motion, share = camera_motion(found, torch.ones(1, 1, HEIGHT, WIDTH))

    assert other > 0.33
    assert (motion - truth).abs().max() < 0.25
    assert float(share) == pytest.approx(1 - float(other), abs=0.1)


def test_only_places_with_texture_count():
    found, texture = torch.zeros(2, 2, HEIGHT, WIDTH), torch.zeros(2, 1, HEIGHT, WIDTH)
    found[..., 10:20, 10:20], texture[..., 10:20, 10:20] = 3.0, 1.0
    found[1, :, 30:, 60:], texture[1, :, 30:, 60:] = -3.0, 0.01  # hardly any

    motion, share = camera_motion(found, texture)

    assert torch.allclose(motion, torch.full_like(motion, 3.0), atol=0.05)
    assert (share > 0.95).all()


def test_where_nothing_is_seen_nothing_moves():
    motion, share = camera_motion(torch.full((1, 2, 8, 9), 5.0), torch.zeros(1, 1, 8, 9))

    assert motion.abs().max() == 0 and float(share) == 0


def test_every_pair_of_a_batch_has_its_own():
    found = torch.cat([linear(), -linear((0.02, 0, 0, 0.02))])
    texture = torch.ones(2, 1, HEIGHT, WIDTH)

    motion, _ = camera_motion(found, texture)

    assert torch.allclose(motion, found, atol=0.02)
    assert torch.allclose(motion[:1], camera_motion(found[:1], texture[:1])[0], atol=1e-4)
