"""Motion that speeds up, slows down or turns between two frames, as the motion before and after them shows it.

Two frames alone say nothing of it: every place between them is explained as well by an even motion. What moves by v
between the frames before them, by d between them and by w between the frames after them, all equally far apart, is not
half-way in the middle but (w - v) / 16 short of it.

Xu et al. 2019, Quadratic Video Interpolation; here the acceleration is looked up along the path, at the place of the
new frame.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vfi_flow.motion.lucas_kanade import displacement, length
from vfi_flow.motion.resize import box_mean
from vfi_flow.motion.warp import backward_warp

TRUST = 0.9
"""How much of the acceleration that is seen to follow: some of it is error."""
STEADY_BETWEEN, STEADY_BESIDE = 1 / 12, 1 / 80
"""The change of motion that counts half, as a share of a frame's width: with neighbours on both sides, and on one."""
JERK = 4.0
"""Pixels of motion that may be uneven still, for each pixel by which the changes before and after differ."""
CELL, CELLS = 8, 11
"""Pixels to a side of the cells, and cells to a side of the window, that jerk is the mean of: single places err."""


class Accelerated(NamedTuple):
    """Motion that is not even in time."""

    flow: Tensor
    """(B, 4, H, W) to frame 0 and to frame 1."""
    uneven: Tensor
    """(B, 1, H, W) in [0, 1]: the share of the motion that may be uneven still."""
    jerk: Tensor
    """(B, 1, H, W) pixels: by how much the motion around changes otherwise before the place than after it, as that of
    a camera that is shaken does; 0 where that is not known."""


def accelerated(
    flow: Tensor, before: Tensor, after: Tensor, tau: Tensor, intervals: Tensor, width: Tensor
) -> Accelerated:
    """`flow` with what an even motion misses of the path, and how far that is known.

    What changes its motion before and after the pair alike, as a steady camera that does not change it at all, does so
    between the two as well.

    Args:
        flow: (B, 4, H, W) float32 at `tau`, to frame 0 and to frame 1, pixels of this grid; H and W multiples of CELL.
        before: (B, 4, H, W) the same in the middle between the frame before the pair and frame 0.
        after: (B, 4, H, W) the same in the middle between frame 1 and the frame after the pair.
        tau: (B, 1, 1, 1) in (0, 1).
        intervals: (B, 2, 1, 1) from the frame before to frame 0 and from frame 1 to the frame after, in units of the
            time from frame 0 to frame 1; 0 where there is no such frame, and the flow given for it does not count.
        width: scalar or (1,), pixels of this grid: of the whole frame, where `flow` is that of a part.

    Returns:
        The path; `flow` itself where neither neighbour is known, and all of it uneven where they are not both.
    """
    velocity = displacement(flow)
    known0, known1 = (intervals > 0).to(flow.dtype).split(1, 1)
    to_before, to_after = ((1 + intervals) / 2).split(1, 1)  # from the middle of the pair to those of its neighbours
    earlier = velocity_at(before, -(to_before - 0.5 + tau) * velocity, intervals[:, :1])
    later = velocity_at(after, (to_after + 0.5 - tau) * velocity, intervals[:, 1:])
    steady = width * (STEADY_BESIDE + known0 * known1 * (STEADY_BETWEEN - STEADY_BESIDE))
    sooner, further = velocity - earlier, later - velocity
    change = known1 * damped(further, steady) + known0 * damped(sooner, steady)
    acceleration = change / (known1 * to_after + known0 * to_before).clamp(min=0.5)
    ahead = TRUST * tau * (1 - tau) / 2 * acceleration
    jerk = further / to_after - sooner / to_before
    uneven = 1 - known0 * known1 * (1 - JERK * length(jerk) / length(velocity)).clamp(min=0)
    most = known0 * known1 * 4 * tau * (1 - tau)
    return Accelerated(flow + torch.cat([ahead, ahead], 1), uneven, most * length_around(jerk))


def length_around(motion: Tensor) -> Tensor:
    """(B, 1, H, W): length of the mean of `motion` (B, 2, H, W) around every place."""
    around = length(box_mean(F.avg_pool2d(motion, CELL), CELLS))
    return F.interpolate(around, scale_factor=float(CELL), mode="bilinear", align_corners=False)


def damped(change: Tensor, steady: Tensor) -> Tensor:
    """`change` (B, 2, H, W), the less of it the larger it is: half where it is `steady` (B, 1, 1, 1) pixels long."""
    return change / (1 + change.square().sum(1, keepdim=True) / steady.square())


def velocity_at(flow: Tensor, path: Tensor, interval: Tensor) -> Tensor:
    """(B, 2, H, W): the velocity of another pair where `path` (B, 2, H, W) leads, pixels per interval of this one."""
    return backward_warp(displacement(flow), path) / torch.where(interval > 0, interval, torch.ones_like(interval))
