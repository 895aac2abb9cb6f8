"""Looking up images where a flow points: against a slow loop, and against functions that are known everywhere."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tolerances import WARP_FLOAT32  # noqa: E402

from vfi_flow.motion.warp import (  # noqa: E402
    backward_warp,
    overshoot,
    sample_positions,
    sharp_backward_warp,
    sparse_backward_warp,
)

WARPS = [backward_warp, sharp_backward_warp]


def noise(*shape: int, seed: int = 0) -> "torch.Tensor":
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def constant_flow(dx: float, dy: float, height: int, width: int, batch: int = 1) -> "torch.Tensor":
    return torch.tensor([dx, dy]).view(1, 2, 1, 1).expand(batch, 2, height, width).contiguous()


def slow_bilinear(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """image (C, H, W) looked up pixel by pixel in float64; coordinates clamped to the image."""
    _, height, width = image.shape
    out = np.empty(image.shape)
    for row in range(height):
        for column in range(width):
            x = min(max(column + flow[0, row, column], 0), width - 1)
            y = min(max(row + flow[1, row, column], 0), height - 1)
            left, top = math.floor(x), math.floor(y)
            right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
            fx, fy = x - left, y - top
            above = (1 - fx) * image[:, top, left] + fx * image[:, top, right]
            below = (1 - fx) * image[:, bottom, left] + fx * image[:, bottom, right]
            out[:, row, column] = (1 - fy) * above + fy * below
    return out


@pytest.mark.parametrize(("dx", "dy"), [(0.0, 0.0), (1.5, -0.25), (-2.0, 3.1)])
def test_a_sparse_warp_is_every_other_pixel_of_the_whole_one(dx, dy):
    """`flow` in pixels of its own grid, twice as far on the image's."""
    image = noise(2, 3, 24, 40)

    sparse = sparse_backward_warp(image, constant_flow(dx, dy, 12, 20, batch=2))

    whole = backward_warp(image, constant_flow(2 * dx, 2 * dy, 24, 40, batch=2))
    inside = ..., slice(4, -4), slice(4, -4)
    assert torch.allclose(sparse[inside], whole[..., ::2, ::2][inside], rtol=0, atol=WARP_FLOAT32)


@pytest.mark.parametrize("warp", WARPS)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (5, 1), (16, 48), (37, 70)])
def test_zero_flow_is_identity(warp, height, width):
    image = noise(2, 3, height, width)

    assert torch.allclose(warp(image, torch.zeros(2, 2, height, width)), image, rtol=0, atol=WARP_FLOAT32)


@pytest.mark.parametrize("warp", WARPS)
@pytest.mark.parametrize(("dx", "dy"), [(1, 0), (0, -2), (3, 2), (-4, 1)])
def test_a_whole_pixel_flow_looks_that_far_right_and_down(warp, dx, dy):
    image = noise(1, 3, 20, 30)
    rows = np.clip(np.arange(20) + dy, 0, 19)
    columns = np.clip(np.arange(30) + dx, 0, 29)

    looked_up = warp(image, constant_flow(dx, dy, 20, 30))

    assert torch.allclose(looked_up, image[:, :, rows][:, :, :, columns], rtol=0, atol=WARP_FLOAT32)


@pytest.mark.parametrize("reach", [0.8, 4.0, 100.0], ids=["within a pixel", "some pixels", "far outside"])
def test_warp_equals_a_slow_loop_with_clamped_coordinates(reach):
    image, flow = noise(2, 3, 9, 14), (noise(2, 2, 9, 14, seed=1) - 0.5) * 2 * reach

    warped = backward_warp(image, flow)

    for i in range(2):
        assert np.allclose(
            warped[i].numpy(), slow_bilinear(image[i].numpy(), flow[i].numpy()), rtol=0, atol=WARP_FLOAT32
        )


def test_positions_never_leave_the_image():
    x, y = sample_positions((noise(1, 2, 6, 8) - 0.5) * 1000)

    assert (x.min(), x.max(), y.min(), y.max()) == (0, 7, 0, 5)


def test_overshoot_counts_the_pixels_to_the_nearest_pixel_inside():
    flow = torch.zeros(1, 2, 4, 6)
    flow[0, :, 1, 2] = torch.tensor([-4.5, 0.0])  # 2.5 left of the image
    flow[0, :, 3, 5] = torch.tensor([2.0, 3.0])  # 2 right of it and 3 below
    flow[0, :, 2, 1] = torch.tensor([4.0, -2.0])  # the corner pixel itself

    outside = overshoot(flow)

    assert (outside[0, 0, 1, 2].item(), outside[0, 0, 3, 5].item()) == (2.5, 5.0)
    assert outside.sum() == 7.5


def test_half_precision_images_are_addressed_in_float32():
    """Columns above 2048 have no neighbours of their own in half precision."""
    width = 4096
    image = (torch.arange(width) % 2).to(torch.bfloat16).view(1, 1, 1, width).expand(1, 1, 2, width)

    looked_up = backward_warp(image, torch.zeros(1, 2, 2, width, dtype=torch.bfloat16))

    assert looked_up.dtype == torch.bfloat16
    assert torch.equal(looked_up, image)


@pytest.mark.parametrize("shift", [0.5, 0.25, -0.4])
def test_the_sharp_warp_of_a_smooth_wave_is_several_times_more_exact(shift):
    def wave(x: "torch.Tensor", y: "torch.Tensor") -> "torch.Tensor":
        return (torch.sin(2 * math.pi * x / 12) + torch.cos(2 * math.pi * y / 10)).expand(1, 3, 40, 40)

    y, x = torch.meshgrid(torch.arange(40.0), torch.arange(40.0), indexing="ij")
    truth = wave(x + shift, y + shift)
    image, flow = wave(x, y), constant_flow(shift, shift, 40, 40)

    def error(warped: "torch.Tensor") -> float:
        return (warped - truth)[:, :, 3:-3, 3:-3].abs().max().item()

    assert error(sharp_backward_warp(image, flow)) < error(backward_warp(image, flow)) / 8


@pytest.mark.parametrize("warp", WARPS)
def test_a_constant_image_stays_constant_under_any_flow(warp):
    flow = (noise(1, 2, 16, 16) - 0.5) * 60

    assert torch.allclose(warp(torch.full((1, 3, 16, 16), 0.7), flow), torch.tensor(0.7), rtol=0, atol=WARP_FLOAT32)


@pytest.mark.parametrize("warp", WARPS)
def test_the_gradient_with_respect_to_the_flow_is_the_slope_of_the_image(warp):
    ramp = torch.arange(16.0).mul(0.03).expand(1, 3, 16, 16).contiguous()
    flow = constant_flow(0.3, 0.2, 16, 16).requires_grad_()

    warp(ramp, flow)[..., 1:-1, 1:-1].mean(1).sum().backward()

    inside = flow.grad[:, :, 1:-1, 1:-1]
    assert torch.allclose(inside[:, 0], torch.tensor(0.03), atol=WARP_FLOAT32)
    assert torch.allclose(inside[:, 1], torch.tensor(0.0), atol=WARP_FLOAT32)
