"""How well two feature maps agree at every small displacement, and the displacement that follows from it."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

ONNX_OPERATOR = "vfi_flow::LocalCorrelation"
"""Name of the node an exported graph carries until `export` expands it into standard operators."""
SMALLEST = 1e-30
"""Sum of likelihoods that still counts; at less no displacement is likely, and the answer is 0."""


def local_correlation(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    """Scalar products of two feature maps along every small displacement that passes through a pixel half-way.

    A displacement d at p compares features0[p - floor(d / 2)] with features1[p - floor(d / 2) + d]: content that
    crosses p in the middle of its way, and not content that was at p in the first frame. Swapping the maps mirrors
    the displacements exactly. (Bilateral cost volume: Park et al. 2020, BMBC.)

    Args:
        features0, features1: (B, C, H, W) float32; with channel vectors of length 1 the result is their cosine.
        radius: the largest displacement in pixels, in x and in y.

    Returns:
        (B, (2 radius + 1)^2, H, W); dy changes slowest, from -radius to radius. Outside a map counts as zero.
    """
    return _LocalCorrelation.apply(features0, features1, radius)


def shifts(displacement: int) -> tuple[int, int]:
    """Where the two maps are looked up for a displacement along one axis: half of it back, the rest forth."""
    back = -(displacement // 2)
    return back, displacement + back


def margin(radius: int) -> int:
    """The largest of all `shifts` within `radius`: as far as the maps are looked up beyond their edges."""
    return (radius + 1) // 2


def displacements(radius: int) -> Tensor:
    """(2, (2 radius + 1)^2) float32: the displacements (dx, dy) in the order of `local_correlation`."""
    steps = torch.arange(-radius, radius + 1, dtype=torch.float32)
    dy, dx = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([dx.flatten(), dy.flatten()])


def expected_displacement(scores: Tensor, radius: int, sharpness: Tensor, prior: Tensor) -> tuple[Tensor, Tensor]:
    """The displacement read out of correlation scores: the expectation under softmax(sharpness s - prior |d|^2).

    Args:
        scores: (B, (2 radius + 1)^2, H, W) in [-1, 1], cosines from `local_correlation`.
        sharpness: scalar; how much a better score weighs.
        prior: scalar; how much a short displacement is preferred, per squared pixel of this grid. It decides where
            texture repeats or is missing.

    Returns:
        displacement: (B, 2, H, W), dx and dy in pixels of this grid.
        confidence: (B, 1, H, W), the largest probability.
    """
    d = displacements(radius).to(scores.device)
    penalty = (d * d).sum(0).view(1, -1, 1, 1)
    # A cosine is at most 1, so nothing overflows without the search for the largest score that softmax begins with.
    likelihood = ((scores - 1) * sharpness - prior * penalty).exp()
    # A 1x1 convolution is the weighted sum over displacements; in full precision, for it is a motion in pixels.
    with torch.autocast(scores.device.type, enabled=False):
        sums = F.conv2d(likelihood, torch.cat([d, torch.ones_like(d[:1])]).view(3, -1, 1, 1))
    total = sums[:, 2:] + SMALLEST
    return sums[:, :2] / total, likelihood.amax(1, keepdim=True) / total


class _LocalCorrelation(torch.autograd.Function):
    # A loop over displacements on channels-last copies: autograd over the slices would keep all of them in memory.

    @staticmethod
    def forward(ctx: Any, features0: Tensor, features1: Tensor, radius: int) -> Tensor:
        height, width = features0.shape[-2:]
        pad = 4 * (margin(radius),)
        left, right = (F.pad(x, pad).permute(0, 2, 3, 1).contiguous() for x in (features0, features1))
        ctx.save_for_backward(left, right)
        ctx.radius = radius
        scores = left.new_empty(left.shape[0], (2 * radius + 1) ** 2, height, width)
        for index, (at0, at1) in enumerate(_windows(radius, height, width)):
            scores[:, index] = (left[at0] * right[at1]).sum(-1)
        return scores

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        left, right = ctx.saved_tensors
        radius, edge = ctx.radius, margin(ctx.radius)
        height, width = gradients[0].shape[-2:]
        left_gradient, right_gradient = torch.zeros_like(left), torch.zeros_like(right)
        for index, (at0, at1) in enumerate(_windows(radius, height, width)):
            gradient = gradients[0][:, index].unsqueeze(-1)
            left_gradient[at0].addcmul_(right[at1], gradient)
            right_gradient[at1].addcmul_(left[at0], gradient)
        inside = (slice(None), slice(edge, edge + height), slice(edge, edge + width))
        return left_gradient[inside].permute(0, 3, 1, 2), right_gradient[inside].permute(0, 3, 1, 2), None

    @staticmethod
    def symbolic(graph: Any, features0: Any, features1: Any, radius: int) -> Any:
        node = graph.op(ONNX_OPERATOR, features0, features1, radius_i=radius)
        size = 2 * radius + 1
        sizes = features0.type().sizes()
        if sizes is not None:
            node.setType(features0.type().with_sizes([sizes[0], size * size, *sizes[2:]]))
        return node


Window = tuple[slice, slice, slice]


def _windows(radius: int, height: int, width: int) -> Iterator[tuple[Window, Window]]:
    """For every displacement, what to compare of two channels-last maps that are padded by `margin(radius)`."""
    edge, reach = margin(radius), range(-radius, radius + 1)
    for dy, dx in product(reach, reach):
        yield tuple(  # type: ignore[misc]
            (slice(None), slice(edge + y, edge + y + height), slice(edge + x, edge + x + width))
            for y, x in zip(shifts(dy), shifts(dx), strict=True)
        )
