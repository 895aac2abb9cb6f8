"""Motion near the border, where content comes in or goes out and one of the two frames has nothing to match.

    |            . inner       A pixel near the border looks at the motion of the nearest pixel that is `margin` away
    |  p ------> .             from it, carried on along the mean slope of the motion. Where that leads out of a
    |            .             frame, nothing can have been found at p itself, and it is taken over.

The slope is one for the whole frame, so pans, zooms and turns of the camera are continued exactly, and what single
things do at the border does not bend it.
"""

import torch
from torch import Tensor

from vfi_flow.motion.warp import overshoot

CERTAIN = 4.0
"""Pixels outside from which on the inner motion counts alone."""


def continue_outwards(flow: Tensor, margin: int, certain: float = CERTAIN) -> Tensor:
    """`flow` with the motion of the interior continued to where one of the frames has no partner.

    Args:
        flow: (B, 4, H, W) float32 to frame 0 and to frame 1, pixels of this grid.
        margin: width in pixels of the band along the border that is looked at; at most half of a side is.
        certain: how far outside the inner motion must lead to count alone; less far, it counts in proportion.

    Returns:
        (B, 4, H, W); unchanged more than `margin` away from the border.
    """
    height, width = flow.shape[-2:]
    rows, columns = (inner_positions(side, margin, flow.device) for side in (height, width))
    down, across = (inner - torch.arange(inner.shape[0], device=flow.device) for inner in (rows, columns))
    inside = ((down == 0).view(1, 1, -1, 1) & (across == 0).view(1, 1, 1, -1)).float()
    inner = flow.index_select(2, rows).index_select(3, columns)
    inner = inner - mean_slope(flow, inside, 2) * down.view(1, 1, -1, 1)
    inner = inner - mean_slope(flow, inside, 3) * across.view(1, 1, 1, -1)
    outside = torch.maximum(overshoot(inner[:, :2]), overshoot(inner[:, 2:])).detach()
    return flow + (outside / certain).clamp(max=1) * (inner - flow)


def inner_positions(side: int, margin: int, device: torch.device) -> Tensor:
    """(side,) int64: for every position the nearest one that is `margin` away from both ends, or in the middle."""
    position = torch.arange(side, device=device)
    mirrored = side - 1 - position
    to_edge = torch.minimum(position, mirrored)
    inner = torch.minimum(to_edge.clamp(min=margin), to_edge.amax())
    return torch.where(position <= mirrored, inner, side - 1 - inner)


@torch.no_grad()
def mean_slope(flow: Tensor, weight: Tensor, axis: int) -> Tensor:
    """(B, C, 1, 1): change of `flow` (B, C, H, W) per pixel along `axis`, by least squares where `weight` is 1.

    The weighted places lie symmetrically about the middle of the axis.
    """
    side = flow.shape[axis]
    shape = [1, 1, 1, 1]
    shape[axis] = -1
    centred = (torch.arange(side, dtype=torch.float32, device=flow.device) - (side - 1) / 2).view(shape) * weight
    return (flow * centred).sum((2, 3), keepdim=True) / (centred.square().sum() + 1e-6)
