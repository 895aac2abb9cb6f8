"""Correlation against a slow loop and finite differences; the displacement that is read out of it."""

import math

import pytest

torch = pytest.importorskip("torch")
F = torch.nn.functional

from tolerances import CORRELATION_FLOAT32, READOUT_PIXELS  # noqa: E402

from vfi_flow.motion.correlation import displacements, expected_displacement, local_correlation  # noqa: E402

SHARP, PRIOR = torch.tensor(40.0), torch.tensor(0.05)


def noise(*shape: int, seed: int = 0, dtype: "torch.dtype | None" = None) -> "torch.Tensor":
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def slow_correlation(features0: "torch.Tensor", features1: "torch.Tensor", radius: int) -> "torch.Tensor":
    batch, _, height, width = features0.shape
    scores = torch.zeros(batch, (2 * radius + 1) ** 2, height, width)
    for channel, (dx, dy) in enumerate(displacements(radius).T.int().tolist()):
        for row in range(height):
            for column in range(width):
                from_row, from_column = row - math.floor(dy / 2), column - math.floor(dx / 2)
                to_row, to_column = from_row + dy, from_column + dx
                if not (0 <= from_row < height and 0 <= to_row < height):
                    continue
                if 0 <= from_column < width and 0 <= to_column < width:
                    product = features0[:, :, from_row, from_column] * features1[:, :, to_row, to_column]
                    scores[:, channel, row, column] = product.sum(1)
    return scores


@pytest.mark.parametrize(("radius", "height", "width"), [(1, 5, 4), (2, 3, 6), (4, 3, 3), (2, 1, 1)])
def test_correlation_equals_a_slow_loop(radius, height, width):
    features0, features1 = noise(2, 5, height, width), noise(2, 5, height, width, seed=1)

    scores = local_correlation(features0, features1, radius)

    slow = slow_correlation(features0, features1, radius)
    assert torch.allclose(scores, slow, rtol=0, atol=CORRELATION_FLOAT32)


def test_the_gradient_of_the_correlation_agrees_with_finite_differences():
    features0 = noise(2, 2, 2, 3, dtype=torch.float64).requires_grad_()
    features1 = noise(2, 2, 2, 3, seed=1, dtype=torch.float64).requires_grad_()

    assert torch.autograd.gradcheck(lambda a, b: local_correlation(a, b, 1), (features0, features1))


def test_swapped_maps_mirror_the_displacements():
    features0, features1 = noise(1, 4, 7, 8), noise(1, 4, 7, 8, seed=1)

    forwards, backwards = local_correlation(features0, features1, 3), local_correlation(features1, features0, 3)

    assert torch.equal(forwards, backwards.flip(1))


def test_content_is_found_where_it_is_half_way():
    """A dot that goes from column 2 to column 6 passes column 4."""
    features0, features1 = torch.zeros(1, 1, 1, 9), torch.zeros(1, 1, 1, 9)
    features0[..., 2] = features1[..., 6] = 1

    scores = local_correlation(features0, features1, 4)

    assert scores.nonzero().tolist() == [[0, displacements(4).T.tolist().index([4, 0]), 0, 4]]


def test_displacements_are_listed_row_by_row():
    assert displacements(1).T.tolist() == [[dx, dy] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (2, 0), (0, -1), (-2, 1), (1, 2)])
def test_the_readout_finds_a_whole_pixel_shift(dx, dy):
    """features1[p + d] = features0[p], so d is where to look."""
    features0 = F.normalize(noise(1, 16, 20, 24), dim=1)
    features1 = features0.roll((dy, dx), (2, 3))

    displacement, confidence = expected_displacement(local_correlation(features0, features1, 2), 2, SHARP, PRIOR)

    inside = displacement[:, :, 3:-3, 3:-3]
    assert torch.allclose(inside, torch.tensor([dx, dy]).view(1, 2, 1, 1).float(), rtol=0, atol=READOUT_PIXELS)
    assert confidence[:, :, 3:-3, 3:-3].min() > 0.9


def test_without_texture_the_displacement_is_zero_and_the_shortest_one_is_the_likeliest():
    features = F.normalize(torch.ones(1, 8, 15, 15), dim=1)
    scores = local_correlation(features, features, 3)

    displacement, confidence = expected_displacement(scores, 3, SHARP, torch.tensor(1.0))

    inside = (slice(None), slice(None), slice(3, -3), slice(3, -3))
    assert displacement[inside].abs().max() < CORRELATION_FLOAT32
    assert (confidence[inside] > 1 / 49).all()


def test_of_two_equally_good_displacements_the_shorter_one_wins():
    scores = torch.zeros(1, 25, 1, 1)
    order = displacements(2).T.int().tolist()
    scores[0, order.index([1, 0])] = scores[0, order.index([-2, 0])] = 1

    displacement, _ = expected_displacement(scores, 2, SHARP, torch.tensor(3.0))

    assert displacement.flatten().tolist() == pytest.approx([1, 0], abs=READOUT_PIXELS)


def test_the_readout_never_leaves_the_radius():
    scores = noise(2, 25, 8, 8).clamp(-1, 1)

    displacement, confidence = expected_displacement(scores, 2, SHARP, PRIOR)

    assert displacement.abs().max() <= 2 + CORRELATION_FLOAT32
    assert ((confidence > 1 / 25) & (confidence <= 1)).all()
