"""Motion known half-way between two frames, as it passes other places."""

import pytest

torch = pytest.importorskip("torch")

from vfi_flow.motion.motion_at_tau import flow_to, halves, passing  # noqa: E402

WIDTH = 64


def place(tau: float) -> "torch.Tensor":
    return torch.full((1, 1, 1, 1), tau)


def thing(at: int, speed: float) -> "torch.Tensor":
    """(1, 2, 8, WIDTH): still, but for a thing 16 pixels wide that moves to the right by `speed`."""
    motion = torch.zeros(1, 2, 8, WIDTH)
    motion[:, 0, :, at : at + 16] = speed
    return motion


@pytest.mark.parametrize(("tau", "moved"), [(0.0, -4), (0.25, -2), (0.75, 2), (1.0, 4)])
def test_a_thing_takes_its_motion_with_it(tau, moved):
    """It is further on its way, or not yet so far; only at its edges two motions meet."""
    found, expected = passing(thing(24, 8.0), place(tau)), thing(24 + moved, 8.0)

    inside = slice(24 + moved + 5, 24 + moved + 11)
    torch.testing.assert_close(found[..., inside], expected[..., inside])
    assert found[..., :12].abs().max() == 0 and found[..., 52:].abs().max() == 0


def test_half_way_it_is_what_it_was():
    motion = torch.randn(2, 2, 8, WIDTH, generator=torch.Generator().manual_seed(0))

    torch.testing.assert_close(passing(motion, place(0.5)), motion, atol=1e-5, rtol=0)


@pytest.mark.parametrize("tau", [0.125, 0.4, 0.9])
def test_a_zoom_passes_every_place_at_its_own_speed(tau):
    """What is at x half-way moves by x / 10: at `tau` it is at x (1 + (tau - 1/2) / 10)."""
    x = (torch.arange(float(WIDTH)) - (WIDTH - 1) / 2).view(1, 1, 1, WIDTH).expand(1, 1, 8, WIDTH)
    motion = torch.cat([0.1 * x, 0 * x], 1)

    found = passing(motion, place(tau))[:, :1, :, 4:-4]

    torch.testing.assert_close(found, (0.1 * x / (1 + (tau - 0.5) / 10))[..., 4:-4], atol=1e-3, rtol=0)


def test_every_sample_of_a_batch_has_its_own_tau():
    motion = torch.ones(2, 2, 3, 3)

    flow = flow_to(motion, torch.tensor([0.25, 0.5]).view(2, 1, 1, 1))

    assert flow[:, :, 0, 0].tolist() == [[-0.25, -0.25, 0.75, 0.75], [-0.5, -0.5, 0.5, 0.5]]
    assert torch.equal(torch.cat(halves(motion), 1)[1], flow[1])
