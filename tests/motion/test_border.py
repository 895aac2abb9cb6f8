"""Motion that is continued to the border, on flows whose inside is known."""

import pytest

torch = pytest.importorskip("torch")

from tolerances import WARP_FLOAT32  # noqa: E402

from vfi_flow.motion.border import continue_outwards, inner_positions, mean_slope  # noqa: E402


def pan(height: int, width: int, dx: float) -> "torch.Tensor":
    """Flow half-way of content that moves `dx` to the right between the frames."""
    return torch.tensor([-dx / 2, 0, dx / 2, 0]).view(1, 4, 1, 1).expand(1, 4, height, width).clone()


def test_a_pan_reaches_the_border_on_both_sides():
    truth = pan(40, 60, 12.0)
    found = truth.clone()
    found[..., :6] = found[..., -6:] = 0  # where one frame has no partner

    continued = continue_outwards(found, margin=10, certain=0.5)

    # The two columns nearest to the inside lead out by less than `certain`.
    assert torch.allclose(continued[..., :5], truth[..., :5], rtol=0, atol=WARP_FLOAT32)
    assert torch.allclose(continued[..., -5:], truth[..., -5:], rtol=0, atol=WARP_FLOAT32)


def test_motion_that_stays_in_the_frame_is_left_alone():
    flow = torch.randn(2, 4, 30, 30, generator=torch.Generator().manual_seed(0))
    flow[..., 8:-8, 8:-8] = 0

    assert torch.equal(continue_outwards(flow, margin=8), flow)


def test_the_interior_is_never_touched():
    flow = torch.randn(1, 4, 40, 50, generator=torch.Generator().manual_seed(1)) * 30

    continued = continue_outwards(flow, margin=8)

    assert torch.equal(continued[..., 8:-8, 8:-8], flow[..., 8:-8, 8:-8])


@pytest.mark.parametrize(
    ("side", "expected"),
    [(1, [0]), (2, [0, 1]), (5, [2, 2, 2, 2, 2]), (6, [2, 2, 2, 3, 3, 3]), (9, [3, 3, 3, 3, 4, 5, 5, 5, 5])],
)
def test_the_inner_position_is_the_nearest_one(side, expected):
    assert inner_positions(side, 3, torch.device("cpu")).tolist() == expected


def test_the_gradient_goes_to_the_flow_that_was_taken_over():
    flow = pan(20, 20, 12.0).requires_grad_()

    continue_outwards(flow, margin=5, certain=0.5)[..., 10, 0].sum().backward()

    assert flow.grad is not None
    assert flow.grad[0, :, 10, 0].abs().max() == 0
    assert (flow.grad[0, :, 10, 5] == 1).all()


def test_a_zoom_is_continued_along_its_slope():
    """From the middle to frame 0 the picture shrinks by 5 %, to frame 1 it grows by 5 %."""
    x = torch.arange(64.0) - 31.5
    dx, dy = (0.05 * x).view(1, -1).expand(64, 64), (0.05 * x).view(-1, 1).expand(64, 64)
    truth = torch.stack([-dx, -dy, dx, dy])[None]
    found = truth.clone()
    found[..., :4], found[..., -4:] = 0, 0

    continued = continue_outwards(found, margin=12, certain=0.1)

    assert torch.allclose(continued[:, 0::2, 20:44, 0], truth[:, 0::2, 20:44, 0], rtol=0, atol=1e-4)


def test_the_slope_is_that_of_a_plane():
    flow = (0.3 * torch.arange(10.0) - 2).view(1, 1, 1, 10).expand(1, 1, 7, 10)

    assert mean_slope(flow, torch.ones(1, 1, 7, 10), 3).item() == pytest.approx(0.3, abs=1e-5)
    assert mean_slope(flow, torch.ones(1, 1, 7, 10), 2).item() == pytest.approx(0.0, abs=1e-5)
