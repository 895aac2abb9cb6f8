"""Motion that is continued to the border, where the inside is known."""

import pytest

torch = pytest.importorskip("torch")

from tolerances import WARP_FLOAT32  # noqa: E402

from vfi_flow.motion.border import carry_on, continue_outwards, inner_positions, mean_slope, motion_around  # noqa: E402


def pan(height: int, width: int, dx: float) -> "torch.Tensor":
    """Motion of content that moves `dx` to the right between the frames."""
    return torch.tensor([dx, 0]).view(1, 2, 1, 1).expand(1, 2, height, width).clone()


def test_a_pan_reaches_the_border_on_both_sides():
    truth = pan(40, 60, 12.0)
    found = truth.clone()
    found[..., :6] = found[..., -6:] = 0  # where one frame has no partner

    continued = continue_outwards(found, margin=10, certain=0.5)

    # The two columns nearest to the inside lead out by less than `certain`.
    assert torch.allclose(continued[..., :5], truth[..., :5], rtol=0, atol=WARP_FLOAT32)
    assert torch.allclose(continued[..., -5:], truth[..., -5:], rtol=0, atol=WARP_FLOAT32)


def test_motion_that_stays_in_the_frame_is_left_alone():
    motion = 2 * torch.randn(2, 2, 30, 30, generator=torch.Generator().manual_seed(0))
    motion[..., 8:-8, 8:-8] = 0

    assert torch.equal(continue_outwards(motion, margin=8), motion)


def test_the_interior_is_never_touched():
    motion = torch.randn(1, 2, 40, 50, generator=torch.Generator().manual_seed(1)) * 60

    continued = continue_outwards(motion, margin=8)

    assert torch.equal(continued[..., 8:-8, 8:-8], motion[..., 8:-8, 8:-8])


@pytest.mark.parametrize(
    ("side", "expected"),
    [(1, [0]), (2, [0, 1]), (5, [2, 2, 2, 2, 2]), (6, [2, 2, 2, 3, 3, 3]), (9, [3, 3, 3, 3, 4, 5, 5, 5, 5])],
)
def test_the_inner_position_is_the_nearest_one(side, expected):
    assert inner_positions(side, 3, torch.device("cpu")).tolist() == expected


def test_the_gradient_goes_to_the_motion_that_was_taken_over():
    motion = pan(20, 20, 12.0).requires_grad_()

    continue_outwards(motion, margin=5, certain=0.5)[..., 10, 0].sum().backward()

    assert motion.grad is not None
    assert motion.grad[0, :, 10, 0].abs().max() == 0
    assert (motion.grad[0, :, 10, 5] == 1).all()


def test_a_zoom_is_continued_along_its_slope():
    """From the middle to frame 0 the picture shrinks by 5 %, to frame 1 it grows by 5 %."""
    x = torch.arange(64.0) - 31.5
    truth = torch.stack([(0.1 * x).view(1, -1).expand(64, 64), (0.1 * x).view(-1, 1).expand(64, 64)])[None]
    found = truth.clone()
    found[..., :4], found[..., -4:] = 0, 0

    continued = continue_outwards(found, margin=12, certain=0.1)

    assert torch.allclose(continued[:, 0, 20:44, 0], truth[:, 0, 20:44, 0], rtol=0, atol=2e-4)


def test_the_slope_is_that_of_a_plane():
    motion = (0.3 * torch.arange(10.0) - 2).view(1, 1, 1, 10).expand(1, 1, 7, 10)

    assert mean_slope(motion, torch.ones(1, 1, 7, 10), 3).item() == pytest.approx(0.3, abs=1e-5)
    assert mean_slope(motion, torch.ones(1, 1, 7, 10), 2).item() == pytest.approx(0.0, abs=1e-5)


def zoom(height: int, width: int, rate: float) -> "torch.Tensor":
    """Motion of content that moves away from the middle by `rate` of its distance."""
    y, x = torch.meshgrid(torch.arange(height) - (height - 1) / 2, torch.arange(width) - (width - 1) / 2, indexing="ij")
    return torch.stack([x, y])[None] * rate


@pytest.mark.parametrize("cell", [2, 4])
@pytest.mark.parametrize("truth", [pan(64, 96, 12.0), zoom(64, 96, 0.2)], ids=["pan", "zoom"])
def test_what_leaves_a_frame_moves_as_what_is_beside_it(truth, cell):
    x = torch.arange(96).view(1, 1, 1, 96)
    half = truth[:, :1].abs() / 2
    outside = ((x - half < 0) | (x + half > 95)).float()
    noise = 6 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(2))
    leaves = truth + outside * (noise + 16 * truth.sign())  # wrong, but known to lead out

    carried = carry_on(leaves, cell, near=2)

    before, after = ((motion - truth).abs().amax() for motion in (leaves, carried))
    assert before > 16 and after < 1
    assert torch.equal(carried[..., 12:-12, 24:-24], truth[..., 12:-12, 24:-24])


def test_what_is_near_to_such_a_place_is_not_believed_either():
    found = pan(64, 96, 12.0)  # leaves frame 0 at the six columns on the left and frame 1 at those on the right
    found[..., 6:8] = 0

    believed, doubted = carry_on(found, cell=4, near=0), carry_on(found, cell=4, near=2)

    assert (believed[..., 30, 6:8] == 0).all()
    assert torch.allclose(doubted[..., 30, 6:8], pan(64, 96, 12.0)[..., 30, 6:8], rtol=0, atol=0.6)


def test_motion_that_leaves_no_frame_is_not_touched():
    motion = 0.8 * torch.rand(1, 2, 32, 48, generator=torch.Generator().manual_seed(3)) - 0.4

    assert torch.equal(carry_on(motion, cell=4, near=2), motion)


def test_where_nothing_is_seen_around_motion_stays():
    motion = pan(32, 48, 400.0)

    assert torch.equal(carry_on(motion, cell=4, near=2), motion)


def test_even_motion_around_leads_to_expect_itself():
    even = pan(32, 48, 6.0)
    seen = torch.zeros(1, 1, 32, 48)
    seen[..., 16:] = 1

    motion, share = motion_around(even, seen, cell=4)

    assert torch.allclose(motion[..., 4:], even[..., 4:], rtol=0, atol=2e-3)
    assert share[..., 24:40].min() > share[..., 4:12].max()
