"""What hardly moves, looked at from rest.

Fences, meshes and other texture that repeats look the same a period further on, and what is too fine for a grid looks
there as if it moved in another way. What is found from coarse to fine may be such a motion: where it is, the frames
agree much better with the small one that a single step from none leads to.
"""

from typing import NamedTuple

from torch import Tensor

from vfi_flow.motion.agreement import disagreement
from vfi_flow.motion.lucas_kanade import fallen, lucas_kanade_step
from vfi_flow.motion.motion_at_tau import MIDDLE
from vfi_flow.motion.resize import box_mean, double, halve, on_scale

AROUND = 13
"""Cells of 8 pixels over which frames are compared: over a third of that, things before other things are lost."""
LEAST = {8: 2.0, 2: 3.0}
"""The square error has to fall to one part of this many. Keys: frame pixels per pixel of the grid of a motion."""


class Rest(NamedTuple):
    """What a single step finds that begins with no motion, and how far the frames disagree with it."""

    motion: Tensor
    """(B, 2, h/2, w/2), pixels of this grid."""
    error: Tensor
    """(B, 1, h/8, w/8)."""


def from_rest(luma0: Tensor, luma1: Tensor, window: int, damping: float, block: int) -> Rest:
    """One Lucas-Kanade step (see there) between two lumas (B, 1, h/2, w/2), mean-free; h and w multiples of 8."""
    motion = lucas_kanade_step(luma0, luma1, MIDDLE, window, damping, block)
    return Rest(motion, around(luma0, luma1, halve(motion) / 2))


def or_rest(luma0: Tensor, luma1: Tensor, motion: Tensor, rest: Rest, scale: int) -> Tensor:
    """`motion` (B, 2, h/scale, w/scale) with `rest` in its place, where the lumas agree much better then."""
    found = around(luma0, luma1, on_scale(motion, scale, 4))
    better = fallen(found, rest.error, LEAST[scale])
    while better.shape[-1] < motion.shape[-1]:
        better = double(better)
    return motion + better * (on_scale(rest.motion, 2, scale) - motion)


def around(luma0: Tensor, luma1: Tensor, motion: Tensor) -> Tensor:
    """(B, 1, h/8, w/8): `disagreement` over AROUND cells."""
    return box_mean(halve(disagreement(luma0, luma1, motion)), AROUND)
