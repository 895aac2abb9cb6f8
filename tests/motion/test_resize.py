"""Images and flows on other grids."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tolerances import WARP_FLOAT32  # noqa: E402

from vfi_flow.motion.resize import box_mean, double, double_flow, halve, halve_softly, on_scale  # noqa: E402


def noise(*shape: int) -> "torch.Tensor":
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("window", [1, 3, 9])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 5), (11, 13)])
def test_box_mean_equals_a_slow_mean_with_repeated_edges(window, height, width):
    image = noise(2, 3, height, width)
    margin = window // 2
    padded = np.pad(image.double().numpy(), ((0, 0), (0, 0), (margin, margin), (margin, margin)), mode="edge")
    slow = np.empty((2, 3, height, width))
    for row in range(height):
        for column in range(width):
            slow[:, :, row, column] = padded[:, :, row : row + window, column : column + window].mean((2, 3))

    assert np.allclose(box_mean(image, window).numpy(), slow, rtol=0, atol=WARP_FLOAT32)


def test_halve_averages_blocks_of_two_by_two():
    image = torch.tensor([[1.0, 3.0, 0.0, 0.0], [5.0, 7.0, 0.0, 8.0]]).view(1, 1, 2, 4)

    assert halve(image).flatten().tolist() == [4.0, 2.0]


def test_halving_softly_averages_blocks_of_four_by_four_around_those_of_two_by_two():
    image = noise(1, 2, 6, 8)
    padded = np.pad(image.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")

    halved = halve_softly(image)

    assert halved.shape == (1, 2, 3, 4)
    assert np.allclose(halved[..., 1, 2].numpy(), padded[..., 2:6, 4:8].mean((2, 3)), rtol=0, atol=WARP_FLOAT32)
    assert np.allclose(halved[..., 0, 0].numpy(), padded[..., :4, :4].mean((2, 3)), rtol=0, atol=WARP_FLOAT32)


def test_of_stripes_too_fine_for_the_new_grid_less_is_left():
    """Three pixels apart: on a grid of every other pixel they would look twice as wide."""
    stripes = (torch.arange(48.0) * (2 * torch.pi / 3)).cos().view(1, 1, 1, 48).expand(1, 1, 8, 48)

    left = [half(stripes)[..., 2:-2].abs().max() for half in (halve, halve_softly)]

    assert left[0] > 0.45
    assert left[1] < 0.27


@pytest.mark.parametrize(("scale", "other", "factor"), [(8, 4, 2), (2, 8, 0.25), (4, 4, 1)])
def test_motion_is_as_long_on_any_grid(scale, other, factor):
    motion = torch.tensor([1.5, -0.5]).view(1, 2, 1, 1).expand(1, 2, 8, 16)

    moved = on_scale(motion, scale, other)

    assert moved.shape == (1, 2, 8 * scale // other, 16 * scale // other)
    assert torch.allclose(moved, torch.tensor([1.5, -0.5]).view(1, 2, 1, 1) * factor)


def test_halving_what_was_doubled_gives_a_ramp_back():
    ramp = (torch.arange(8.0).view(1, 1, 1, 8) + 10 * torch.arange(6.0).view(1, 1, 6, 1)).contiguous()

    there_and_back = halve(double(ramp))

    assert double(ramp).shape == (1, 1, 12, 16)
    assert torch.allclose(there_and_back[:, :, 1:-1, 1:-1], ramp[:, :, 1:-1, 1:-1], atol=1e-5)


def test_a_doubled_flow_counts_the_pixels_of_the_finer_grid():
    flow = torch.tensor([1.5, -0.5]).view(1, 2, 1, 1).expand(1, 2, 4, 6)

    assert torch.equal(double_flow(flow), torch.tensor([3.0, -1.0]).view(1, 2, 1, 1).expand(1, 2, 8, 12))
