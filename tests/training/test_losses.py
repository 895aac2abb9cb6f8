"""The losses are zero, or least, at the truth."""

import pytest
import torch

from vfi_flow.training.losses import (
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


def test_flow_error_counts_pixels_of_full_resolution_where_the_flow_is_trusted():
    flow, trust = torch.zeros(1, 4, 16, 16), torch.ones(1, 2, 16, 16)
    found = {scale: torch.zeros(1, 4, 32 // scale, 32 // scale) for scale in (16, 8, 4, 2)}
    found[2][:, 0] = 3  # 3 pixels of half resolution are 6 of the frame
    flows = tuple((scale, found[scale]) for scale in (16, 8, 4, 8, 4, 2))
    untrusted = flow_error(flows, flow, 0 * trust)
    exact = flow_error(tuple((s, 0 * f) for s, f in flows), flow, trust)

    assert float(untrusted) == 0
    # The level weighs 2 and only one of the two flows is off, so half of 2 x 6 pixels are added.
    assert float(flow_error(flows, flow, trust) - exact) == pytest.approx(6, abs=0.25)
