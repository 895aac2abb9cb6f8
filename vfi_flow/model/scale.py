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


@torch.no_grad()
def enlarge(found: Registration, frame0: FrameFeatures, frame1: FrameFeatures) -> Registration:
    """The motion between two frames, given what was `found` of them at half of their size (see `halved`)."""
    height, width = frame0.half.shape[-2:]
    motion, mask, context = (
        plane[:, :, :height, :width] for plane in (double_flow(found.motion), double(found.mask), double(found.context))
    )
    for _ in range(STEPS):
        before = warp_both(frame0.half, frame1.half, motion)
        step = lucas_kanade_step(*before, MIDDLE, WINDOW, DAMPING, BLOCK)
        after = warp_both(frame0.half, frame1.half, motion + step)
        motion = motion + improvement(before, after, SEEN) * step
    return Registration(motion, mask, context, found.unexplained)
