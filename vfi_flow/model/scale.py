"""Large frames: motion is found on frames of half the size, once or several times over, and refined on the whole ones.

What fills many pixels of a large frame moves over many pixels, further than registration sees, and looks smooth; on
frames of half the size both are as they were in training.
"""

import torch
from torch import Tensor

from vfi_flow.model.encoder import FrameFeatures, aligned
from vfi_flow.model.registration import Registration, warp_both
from vfi_flow.motion.lucas_kanade import improvement, lucas_kanade_step
from vfi_flow.motion.motion_at_tau import MIDDLE
from vfi_flow.motion.resize import double, double_flow, halve

STEPS, WINDOW, BLOCK, DAMPING = 2, 5, 2, 1e-5
"""Of the Lucas-Kanade steps on half of the whole frame (see `lucas_kanade_step`)."""
SEEN = 9
"""Pixels over which the frames must agree better after a step."""


def halved(image: Tensor) -> Tensor:
    """`image` (B, 3, H, W), H and W multiples of ALIGNMENT, at half of its size, repeated at its end up to the same."""
    return aligned(halve(image))


def enlarge(found: Registration, frame0: FrameFeatures, frame1: FrameFeatures) -> Registration:
    """The motion between two frames, given what was `found` of them at half of their size (see `halved`)."""
    maps = enlarge_maps(found.motion, found.mask, found.context, frame0.half, frame1.half)
    return Registration(*maps, found.unexplained)


@torch.no_grad()
def enlarge_maps(
    motion: Tensor, mask: Tensor, context: Tensor, half0: Tensor, half1: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The maps of a `Registration`, found at half of the size of the frames, for the whole ones.

    Args:
        motion, mask, context: (B, 2 | 1 | C, h/4, w/4), as `Registration` has them, or filled up as `halved` does.
        half0, half1: (B, 3, h/2, w/2), the whole frames at half of their size, as `FrameFeatures` has them.

    Returns:
        motion, mask and context on h/2 x w/2.
    """
    height, width = half0.shape[-2:]
    motion, mask, context = (
        plane[:, :, :height, :width] for plane in (double_flow(motion), double(mask), double(context))
    )
    for _ in range(STEPS):
        before = warp_both(half0, half1, motion)
        step = lucas_kanade_step(*before, MIDDLE, WINDOW, DAMPING, BLOCK)
        after = warp_both(half0, half1, motion + step)
        motion = motion + improvement(before, after, SEEN) * step
    return motion, mask, context
