"""Images and flows on other grids."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tolerances import WARP_FLOAT32  # noqa: E402

from vfi_flow.motion.resize import box_mean, double, double_flow, halve  # noqa: E402


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


def test_halving_what_was_doubled_gives_a_ramp_back():
    ramp = (torch.arange(8.0).view(1, 1, 1, 8) + 10 * torch.arange(6.0).view(1, 1, 6, 1)).contiguous()

    there_and_back = halve(double(ramp))

    assert double(ramp).shape == (1, 1, 12, 16)
    assert torch.allclose(there_and_back[:, :, 1:-1, 1:-1], ramp[:, :, 1:-1, 1:-1], atol=1e-5)


def test_a_doubled_flow_counts_the_pixels_of_the_finer_grid():
    flow = torch.tensor([1.5, -0.5]).view(1, 2, 1, 1).expand(1, 2, 4, 6)

    assert torch.equal(double_flow(flow), torch.tensor([3.0, -1.0]).view(1, 2, 1, 1).expand(1, 2, 8, 12))
