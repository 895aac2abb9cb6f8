"""The losses are zero, or least, at the truth."""

import math

import pytest
import torch

from vfi_flow.training.losses import (
    FLOW_LEVEL_WEIGHTS,
    charbonnier,
    flow_error,
    gaussian_likelihood,
    laplacian_pyramid,
    sharpness_difference,
)


@pytest.mark.parametrize("loss", [charbonnier, laplacian_pyramid])
def test_an_error_of_nothing_costs_next_to_nothing(loss):
    nothing, something = torch.zeros(1, 3, 32, 32), 0.1 * torch.randn(1, 3, 32, 32)

    assert float(loss(nothing)) <= 1.001e-3  # the rounded tip of sqrt(error^2 + 1e-6)
    assert float(loss(something)) > 0.02


def test_the_likelihood_is_best_for_the_deviation_the_error_has():
    error = 0.1 * torch.randn(1, 3, 200, 200, generator=torch.Generator().manual_seed(0))
    losses = {s: float(gaussian_likelihood(error, torch.full((1, 1, 1, 1), s))) for s in (0.05, 0.1, 0.2)}

    assert min(losses, key=losses.__getitem__) == 0.1


def test_sharpness_does_not_mind_where_detail_lies_but_blur_and_grain():
    noise = torch.rand(2, 1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    other, truth = noise.unbind()
    blurred = torch.nn.functional.avg_pool2d(truth, 3, 1, 1)
    same, blur, grain = (float(sharpness_difference(x, truth)) for x in (other, blurred, 2 * other))

    assert same < 0.1 * min(blur, grain)


@pytest.mark.parametrize("level", range(6))
def test_flow_error_counts_pixels_of_full_resolution_where_the_flow_is_trusted(level):
    """All over the frame 16 of its pixels to the right and 8 down, to one of the frames; each level has its own."""
    scales = (16, 8, 4, 8, 4, 2)
    frame_pixels = torch.tensor([16.0, 8, -16, -8]).view(1, 4, 1, 1)
    flow, trust = (frame_pixels / 2).expand(1, 4, 16, 16), torch.ones(1, 2, 16, 16)
    right = [(scale, (frame_pixels / scale).repeat(1, 1, 32 // scale, 32 // scale)) for scale in scales]
    scale, found = right[level]
    wrong = [*right[:level], (scale, found + torch.tensor([3.0, 0, 0, 0]).view(1, 4, 1, 1)), *right[level + 1 :]]

    exact = float(flow_error(tuple(right), flow, trust))
    tip = 0.1
    assert exact == pytest.approx(tip * sum(w * s for w, s in zip(FLOW_LEVEL_WEIGHTS, scales, strict=True)))
    # Three pixels of the grid are so many times more of the frame; only one of the two flows is off.
    added = FLOW_LEVEL_WEIGHTS[level] * scale * (math.hypot(3, tip) - tip) / 2
    assert float(flow_error(tuple(wrong), flow, trust)) - exact == pytest.approx(added, rel=1e-4)
    assert float(flow_error(tuple(wrong), flow, 0 * trust)) == 0
