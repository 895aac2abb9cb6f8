"""How well two feature maps agree at every small displacement, and the displacement that follows from it."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

ONNX_OPERATOR = "vfi_flow::LocalCorrelation"
"""Name of the node an exported graph carries until `export` expands it into standard operators."""


def local_correlation(features0: Tensor, features1: Tensor, radius: int) -> Tensor:
    """Scalar products of features0[p] with features1[p + d] for every displacement d within `radius`.

    Args:
        features0, features1: (B, C, H, W) float32; with channel vectors of length 1 the result is their cosine.
        radius: the largest displacement in pixels, in x and in y.

    Returns:
        (B, (2 radius + 1)^2, H, W); dy changes slowest, from -radius to radius. Outside `features1` counts as zero.
    """
    return _LocalCorrelation.apply(features0, features1, radius)


def displacements(radius: int) -> Tensor:
    """(2, (2 radius + 1)^2) float32: the displacements (dx, dy) in the order of `local_correlation`."""
    steps = torch.arange(-radius, radius + 1, dtype=torch.float32)
    dy, dx = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([dx.flatten(), dy.flatten()])


def expected_displacement(scores: Tensor, radius: int, sharpness: Tensor, prior: Tensor) -> tuple[Tensor, Tensor]:
    """The displacement read out of correlation scores: the expectation under softmax(sharpness s - prior |d|^2).

    Args:
        scores: (B, (2 radius + 1)^2, H, W) from `local_correlation`.
        sharpness: scalar; how much a better score weighs.
        prior: scalar; how much a short displacement is preferred, per squared pixel of this grid. It decides where
            texture repeats or is missing.

    Returns:
        displacement: (B, 2, H, W), dx and dy in pixels of this grid.
        confidence: (B, 1, H, W), the largest probability.
    """
    d = displacements(radius).to(scores.device)
    penalty = (d * d).sum(0).view(1, -1, 1, 1)
    probability = (scores * sharpness - prior * penalty).softmax(1)
    # A 1x1 convolution is the weighted sum over displacements; in full precision, for it is a motion in pixels.
    with torch.autocast(scores.device.type, enabled=False):
        displacement = F.conv2d(probability, d.view(2, -1, 1, 1))
    return displacement, probability.amax(1, keepdim=True)


class _LocalCorrelation(torch.autograd.Function):
    # A loop over displacements on channels-last copies: autograd over the slices would keep all of them in memory.

    @staticmethod
    def forward(ctx: Any, features0: Tensor, features1: Tensor, radius: int) -> Tensor:
        height, width = features0.shape[-2:]
        left = features0.permute(0, 2, 3, 1).contiguous()
        right = F.pad(features1, (radius, radius, radius, radius)).permute(0, 2, 3, 1).contiguous()
        ctx.save_for_backward(left, right)
        ctx.radius = radius
        size = 2 * radius + 1
        scores = left.new_empty(left.shape[0], size * size, height, width)
        for i in range(size):
            for j in range(size):
                scores[:, i * size + j] = (left * right[:, i : i + height, j : j + width]).sum(-1)
        return scores

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        left, right = ctx.saved_tensors
        radius, (height, width) = ctx.radius, left.shape[1:3]
        size = 2 * radius + 1
        left_gradient, right_gradient = torch.zeros_like(left), torch.zeros_like(right)
        for i in range(size):
            for j in range(size):
                gradient = gradients[0][:, i * size + j].unsqueeze(-1)
                left_gradient.addcmul_(right[:, i : i + height, j : j + width], gradient)
                right_gradient[:, i : i + height, j : j + width].addcmul_(left, gradient)
        inside = right_gradient[:, radius : radius + height, radius : radius + width]
        return left_gradient.permute(0, 3, 1, 2), inside.permute(0, 3, 1, 2), None

    @staticmethod
    def symbolic(graph: Any, features0: Any, features1: Any, radius: int) -> Any:
        node = graph.op(ONNX_OPERATOR, features0, features1, radius_i=radius)
        size = 2 * radius + 1
        sizes = features0.type().sizes()
        if sizes is not None:
            node.setType(features0.type().with_sizes([sizes[0], size * size, *sizes[2:]]))
        return node
