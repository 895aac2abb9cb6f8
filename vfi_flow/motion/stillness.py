"""Where nothing moves, whatever the flow says: burnt-in titles, displays, a fixed camera's background."""

import torch
from torch import Tensor

from vfi_flow.motion.resize import box_mean

WINDOW = 9
"""Pixels over which the frames are compared, at half their resolution."""
SHARPNESS = 500.0
"""Of both decisions, per unit of image range: a difference of 1/255 turns one to 88 %."""
LEVEL = 0.02
"""Root mean square difference between the frames up to which a place can count as still; noise and compression."""

CLOSE = 3
"""Pixels, at half the frames' resolution, over which they are compared to tell whether anything happens."""
QUIET, LIVELY = 2.0 / 255, 4.0 / 255
"""Root mean square differences up to which nothing happens, and from which on something does."""


@torch.no_grad()
def stillness(frame0: Tensor, frame1: Tensor, warped0: Tensor, warped1: Tensor) -> Tensor:
    """(B, 1, H, W) in [0, 1]: 1 where the frames agree as they are, and better than after warping.

    Args:
        frame0, frame1: (B, 3, H, W) in [0, 1], at half their resolution: what is still is larger than a pixel.
        warped0, warped1: the same frames warped to the place between them.

    Flow is estimated from coarse to fine, so the motion of a thing spreads to the still ground around it. There the
    unwarped frames agree better, which decides; where things do move, they do not agree at all. Where neither is
    better the result is about a half, and no flow matters much.
    """
    as_they_are, warped = difference(frame0, frame1, WINDOW), difference(warped0, warped1, WINDOW)
    better = torch.sigmoid(SHARPNESS * (warped - as_they_are))
    equal = torch.sigmoid(SHARPNESS * (LEVEL - as_they_are))
    return better * equal


@torch.no_grad()
def activity(frame0: Tensor, frame1: Tensor) -> Tensor:
    """(B, 1, H, W) in [0, 1]: 0 where nothing happens between two frames, 1 where something does.

    frame0, frame1: (B, 3, H, W) in [0, 1], at half their resolution, where noise is weaker.

    The mean is as good as exact where the frames agree, and detail drawn on top of it would flicker.
    """
    return ((difference(frame0, frame1, CLOSE) - QUIET) / (LIVELY - QUIET)).clamp(0, 1)


def difference(image: Tensor, other: Tensor, window: int) -> Tensor:
    """(B, 1, H, W): root mean square difference over window x window pixels and all channels."""
    return box_mean((image - other).square().mean(1, keepdim=True), window).sqrt()
