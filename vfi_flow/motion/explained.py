"""Whether motion explains how two frames differ: it does not where the light changes or one picture fades into another.

Looking for motion between such frames finds some, for a part of one picture looks like a part of any other. But what it
leads to agrees hardly better than the frames as they are, and that nearly everywhere, while of two frames of a moving
scene most agree several times as well.
"""

import torch
from torch import Tensor

from vfi_flow.motion.lucas_kanade import square_sum
from vfi_flow.motion.resize import box_mean

WINDOW = 9
"""Pixels over which frames are compared."""
NOTICED = 2 / 255
"""Root mean square difference between the frames from which on there is something to explain."""
REST = 0.5
"""Share of the square difference that is left when motion explains none of it."""
DOUBTED_ABOVE = 0.7
"""Share of the frame without an explanation from which on motion is doubted."""
REJECTED_ABOVE = 0.85
"""The same from which on it is not believed at all."""


@torch.no_grad()
def unexplained(frames: tuple[Tensor, Tensor], warped: tuple[Tensor, Tensor]) -> Tensor:
    """(B, 1, 1, 1) in [0, 1]: 1 where no motion explains how two frames differ, 0 where it explains enough.

    Args:
        frames: both (B, 3, H, W) float32, of range about 1, locally mean-free.
        warped: the same as motion leads to them.
    """
    as_they_are, followed = (box_mean(square_sum(a - b) / 3, WINDOW) for a, b in (frames, warped))
    without = (as_they_are > NOTICED**2) & (followed > REST * as_they_are)
    share = without.float().mean((2, 3), keepdim=True)
    return ((share - DOUBTED_ABOVE) / (REJECTED_ABOVE - DOUBTED_ABOVE)).clamp(0, 1)
