"""Motion near the border, where content comes in or goes out and one of the two frames has nothing to match.

    |            . inner       A pixel near the border looks at the motion of the nearest pixel that is `margin` away
    |  p ------> .             from it, carried on along the mean slope of the motion. Where that leads out of a
    |            .             frame, nothing can have been found at p itself, and it is taken over.

The slope is one for the whole frame, so pans, zooms and turns of the camera are continued exactly, and what single
things do at the border does not bend it. That is `continue_outwards`. `carry_on` does the rest, where a flow
that was found leads out of a frame: there it takes over the motion around, whatever its distance from the border.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from vfi_flow.motion.linear import TINY, linear_fit, moments
from vfi_flow.motion.motion_at_tau import halves
from vfi_flow.motion.warp import overshoot, pixel_grid

REACH, STIFFNESS = 4, 2.0
"""Cells of reach of the motion around a place, and what is added to the variance of the positions, in square cells, so
that few places give no steep slope."""
OUTSIDE, ENOUGH = 0.5, 0.02
"""Pixels outside from which on a frame has no partner, and the share of the window that must be seen."""

CERTAIN = 4.0
"""Pixels outside from which on the inner motion counts alone."""


def continue_outwards(motion: Tensor, margin: int, certain: float = CERTAIN) -> Tensor:
    """`motion` with that of the interior continued to where one of the frames has no partner.

    Args:
        motion: (B, 2, H, W) float32 from frame 0 to frame 1 by the place half-way, pixels of this grid.
        margin: width in pixels of the band along the border that is looked at; at most half of a side is.
        certain: how far outside the inner motion must lead to count alone; less far, it counts in proportion.

    Returns:
        (B, 2, H, W); unchanged more than `margin` away from the border.
    """
    height, width = motion.shape[-2:]
    rows, columns = (inner_positions(side, margin, motion.device) for side in (height, width))
    down, across = (inner - torch.arange(inner.shape[0], device=motion.device) for inner in (rows, columns))
    inside = ((down == 0).view(1, 1, -1, 1) & (across == 0).view(1, 1, 1, -1)).float()
    inner = motion.index_select(2, rows).index_select(3, columns)
    inner = inner - mean_slope(motion, inside, 2) * down.view(1, 1, -1, 1)
    inner = inner - mean_slope(motion, inside, 3) * across.view(1, 1, 1, -1)
    return motion + (outside(inner).detach() / certain).clamp(max=1) * (inner - motion)


def outside(motion: Tensor) -> Tensor:
    """(B, 1, H, W): how many pixels outside a frame `motion` (B, 2, H, W) leads from half-way, of the further one."""
    return torch.maximum(*(overshoot(half) for half in halves(motion)))


def inner_positions(side: int, margin: int, device: torch.device) -> Tensor:
    """(side,) int64: for every position the nearest one that is `margin` away from both ends, or in the middle."""
    position = torch.arange(side, device=device)
    mirrored = side - 1 - position
    to_edge = torch.minimum(position, mirrored)
    inner = torch.minimum(to_edge.clamp(min=margin), to_edge.amax())
    return torch.where(position <= mirrored, inner, side - 1 - inner)


@torch.no_grad()
def mean_slope(motion: Tensor, weight: Tensor, axis: int) -> Tensor:
    """(B, C, 1, 1): change of `motion` (B, C, H, W) per pixel along `axis`, by least squares where `weight` is 1.

    The weighted places lie symmetrically about the middle of the axis.
    """
    side = motion.shape[axis]
    shape = [1, 1, 1, 1]
    shape[axis] = -1
    centred = (torch.arange(side, dtype=torch.float32, device=motion.device) - (side - 1) / 2).view(shape) * weight
    return (motion * centred).sum((2, 3), keepdim=True) / (centred.square().sum() + 1e-6)


@torch.no_grad()
def motion_around(motion: Tensor, seen: Tensor, cell: int) -> tuple[Tensor, Tensor]:
    """What the motion of the seen places around leads to expect everywhere, and of how much of them it is made.

    Args:
        motion: (B, 2, H, W) float32; H and W multiples of `cell`.
        seen: (B, 1, H, W) float32, 1 where `motion` counts.
        cell: pixels to a side of the cells whose means are looked at.

    A linear motion is fitted by least squares to windows of 2 REACH + 1 cells (Knutsson & Westin 1993, Normalized and
    Differential Convolution). STIFFNESS pulls its slope towards that of the whole frame, so pans, zooms and turns are
    carried on exactly.

    Returns:
        (B, 2, H, W), and (B, 1, H, W) in [0, 1]: the share of the window that is seen.
    """
    cells = F.avg_pool2d(torch.cat([seen, seen * motion], 1), cell)
    x, y = pixel_grid(cells)
    weight, weighted = cells.split([1, motion.shape[1]], 1)
    slopes = slope_along(x, weight, weighted, 3), slope_along(y, weight, weighted, 2)
    weighted = weighted - weight * (slopes[0] * x + slopes[1] * y)
    sums = F.avg_pool2d(moments(x, y, weight, weighted), 2 * REACH + 1, 1, REACH)
    found = torch.cat(linear_fit(sums, (STIFFNESS, STIFFNESS)), 1)
    # One cell more on every side: between the centres of the outermost cells and the border nothing is interpolated.
    at_0, slope_x, slope_y, share = F.pad(found, (1, 1, 1, 1), mode="replicate").split([motion.shape[1]] * 3 + [1], 1)
    x, y = (position - 1 for position in pixel_grid(at_0))
    expected = torch.cat([at_0 + (slope_x + slopes[0]) * x + (slope_y + slopes[1]) * y, share], 1)
    fine = F.interpolate(expected, scale_factor=float(cell), mode="bilinear", align_corners=False)
    around, share = fine[..., cell:-cell, cell:-cell].split([motion.shape[1], 1], 1)
    return around, share


def slope_along(position: Tensor, weight: Tensor, weighted: Tensor, axis: int) -> Tensor:
    """(B, C, 1, 1): change along `axis` of what `weighted` (B, C, H, W) is the product of with `weight`, least squares.

    Every line along the axis has a mean of its own, so a slope across it does not count.
    """
    total = weight.sum(axis, keepdim=True) + TINY
    centred = position - (weight * position).sum(axis, keepdim=True) / total
    return (centred * weighted).sum((2, 3), keepdim=True) / ((weight * centred**2).sum((2, 3), keepdim=True) + 1)


def carry_on(motion: Tensor, cell: int, near: int) -> Tensor:
    """`motion` (B, 2, H, W), pixels of this grid, with that around in place of what leads out of a frame.

    The same holds within `near` pixels of such places, where windows of comparison have left the frame. Where hardly
    anything is seen around, `motion` stays. `cell` is that of `motion_around`.
    """
    unseen = F.max_pool2d((outside(motion) >= OUTSIDE).float(), 2 * near + 1, 1, near)
    around, share = motion_around(motion, 1 - unseen, cell)
    return motion + unseen * (share > ENOUGH).float() * (around - motion)
