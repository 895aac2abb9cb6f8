"""How far two frames agree where a motion leads, and which of two motions they agree better with."""

import torch
from torch import Tensor

from vfi_flow.motion.lucas_kanade import fallen
from vfi_flow.motion.motion_at_tau import halves
from vfi_flow.motion.resize import box_mean, double, double_flow, halve
from vfi_flow.motion.warp import sparse_backward_warp

COMPARED = 9
"""Pixels of the coarser grid over which frames are compared."""
SHARE = 0.5
"""Of the way back from a later motion to an earlier one, at most: what agrees better is not always what is true."""


@torch.no_grad()
def disagreement(luma0: Tensor, luma1: Tensor, motion: Tensor) -> Tensor:
    """(B, 1, h/4, w/4): square difference of lumas (B, 1, h/2, w/2) where `motion` (B, 2, h/4, w/4) leads."""
    back, forth = halves(motion)
    return (sparse_backward_warp(luma0, back) - sparse_backward_warp(luma1, forth)).square()


def drawn_back(luma0: Tensor, luma1: Tensor, later: Tensor, earlier: Tensor) -> Tensor:
    """The `later` motion (B, 2, h/2, w/2), nearer to the `earlier` (B, 2, h/4, w/4) where lumas agree better with it.

    Lumas are (B, 1, h/2, w/2). No gradient goes through the choice.
    """
    motions = halve(later) / 2, earlier
    late, early = (box_mean(disagreement(luma0, luma1, motion), COMPARED) for motion in motions)
    return later + SHARE * double(fallen(late, early)) * (double_flow(earlier) - later)
