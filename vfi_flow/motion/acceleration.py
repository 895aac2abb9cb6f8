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

from vfi_flow.motion.intervals import LEAST, MOST
from vfi_flow.motion.lucas_kanade import length
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


class Neighbours(NamedTuple):
    """The motion of the pairs before and after one, each half-way between its frames."""

    before: Tensor
    """(B, 2, H, W) float32, pixels of this grid: from the frame before the pair to frame 0."""
    after: Tensor
    """(B, 2, H, W): from frame 1 to the frame after the pair."""
    intervals: Tensor
    """(B, 2, 1, 1) from the frame before to frame 0 and from frame 1 to the frame after, in units of the time from
    frame 0 to frame 1. Where one is 0 (there is no such frame), or less than half or more than twice that time, the
    motion given for it, which must be finite, does not count: it says nothing of the motion between."""
    width: Tensor
    """(1,) or (B, 1, 1, 1), pixels of this grid: of the whole frame, where this is a part of it."""


class Bend(NamedTuple):
    """What an even motion misses of the path, and how far that is known."""

    ahead: Tensor
    """(B, 2, H, W) pixels: what both flows are longer by than those of an even motion."""
    uneven: Tensor
    """(B, 1, H, W) in [0, 1]: the share of the motion that may be uneven still."""
    jerk: Tensor
    """(B, 1, H, W) pixels: by how much the motion around changes otherwise before the place than after it, as that of
    a camera that is shaken does; 0 where that is not known."""


def bend(motion: Tensor, neighbours: Neighbours, tau: Tensor) -> Bend:
    """How the path of what passes at `tau` differs from an even one.

    What changes its motion before and after the pair alike, as a steady camera that does not change it at all, does so
    between the two as well. Without neighbours nothing is ahead; without both of them all motion may be uneven.

    Args:
        motion: (B, 2, H, W) float32 from frame 0 to frame 1 of what passes at `tau`, pixels of this grid; H and W
            multiples of CELL.
        tau: (B, 1, 1, 1) in (0, 1).
    """
    intervals = alike(neighbours.intervals)
    known0, known1 = (intervals > 0).to(motion.dtype).split(1, 1)
    to_before, to_after = ((1 + intervals) / 2).split(1, 1)  # from the middle of the pair to those of its neighbours
    earlier = velocity_at(neighbours.before, -(to_before - 0.5 + tau) * motion, intervals[:, :1])
    later = velocity_at(neighbours.after, (to_after + 0.5 - tau) * motion, intervals[:, 1:])
    steady = neighbours.width * (STEADY_BESIDE + known0 * known1 * (STEADY_BETWEEN - STEADY_BESIDE))
    sooner, further = motion - earlier, later - motion
    change = known1 * damped(further, steady) + known0 * damped(sooner, steady)
    acceleration = change / (known1 * to_after + known0 * to_before).clamp(min=0.5)
    jerk = further / to_after - sooner / to_before
    uneven = 1 - known0 * known1 * (1 - JERK * length(jerk) / length(motion)).clamp(min=0)
    most = known0 * known1 * 4 * tau * (1 - tau)
    return Bend(TRUST * tau * (1 - tau) / 2 * acceleration, uneven, most * length_around(jerk))


def alike(intervals: Tensor) -> Tensor:
    """`intervals` where they are from half to twice the time between the two frames, otherwise 0."""
    is_alike = (intervals >= LEAST) & (intervals <= MOST)
    return torch.where(is_alike, intervals, torch.zeros_like(intervals))


def length_around(motion: Tensor) -> Tensor:
    """(B, 1, H, W): length of the mean of `motion` (B, 2, H, W) around every place."""
    around = length(box_mean(F.avg_pool2d(motion, CELL), CELLS))
    return F.interpolate(around, scale_factor=float(CELL), mode="bilinear", align_corners=False)


def damped(change: Tensor, steady: Tensor) -> Tensor:
    """`change` (B, 2, H, W), the less of it the larger it is: half where it is `steady` (B, 1, 1, 1) pixels long."""
    return change / (1 + change.square().sum(1, keepdim=True) / steady.square())


def velocity_at(motion: Tensor, path: Tensor, interval: Tensor) -> Tensor:
    """(B, 2, H, W): the velocity of another pair where `path` (B, 2, H, W) leads, pixels per interval of this one."""
    return backward_warp(motion, path) / torch.where(interval > 0, interval, torch.ones_like(interval))
