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

NARROW = 3
"""Pixels over which they are compared close to a moving thing, where WINDOW would take it for a part of the ground."""
NARROW_SHARPNESS = 1000.0
NARROW_LEVEL = 0.012
BETTER = 0.5
"""Share of the difference after warping up to which so few pixels can count as still."""
AROUND = 15
"""Pixels around a place of which enough must be still as well."""
FEW, ENOUGH = 0.25, 0.5
"""Share of them up to which, and from which on, they are not and are enough."""

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
    better the result is about a half, and no flow matters much. Right beside a thing only a few pixels can be compared;
    as few of them agree by chance in what moves, they count in still surroundings alone.
    """
    as_they_are, warped = square_difference(frame0, frame1), square_difference(warped0, warped1)
    over_window = _agree(as_they_are, warped, WINDOW, 1.0, LEVEL, SHARPNESS)
    over_few = _agree(as_they_are, warped, NARROW, BETTER, NARROW_LEVEL, NARROW_SHARPNESS)
    surroundings = ((box_mean(over_few, AROUND) - FEW) / (ENOUGH - FEW)).clamp(0, 1)
    return torch.maximum(over_window, surroundings * over_few)


def _agree(as_they_are: Tensor, warped: Tensor, window: int, share: float, level: float, sharpness: float) -> Tensor:
    """How far the first is less than `share` of the second, and than `level`; square differences over `window`."""
    as_they_are, warped = box_mean(as_they_are, window).sqrt(), box_mean(warped, window).sqrt()
    better = torch.sigmoid(sharpness * (share * warped - as_they_are))
    equal = torch.sigmoid(sharpness * (level - as_they_are))
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
    return box_mean(square_difference(image, other), window).sqrt()


def square_difference(image: Tensor, other: Tensor) -> Tensor:
    """(B, 1, H, W): mean over all channels."""
    return (image - other).square().mean(1, keepdim=True)
