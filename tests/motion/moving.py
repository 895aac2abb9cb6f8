"""Frames for tests of motion: texture without a period that moves to the right."""

import torch

from vfi_flow.motion.lucas_kanade import mean_free
from vfi_flow.motion.resize import box_mean, halve


def lumas(moved: int, side: int = 320) -> list[torch.Tensor]:
    """(1, 1, side/2, side/2) of two frames of side x side: halved, what moves by `moved` pixels, at most 16."""
    noise = torch.rand(1, 1, 320, 352, generator=torch.Generator().manual_seed(0))
    wide = sum(box_mean(noise, window) * window for window in (5, 17, 41)) / 8
    return [mean_free(halve(wide[..., start : start + side])) for start in (16, 16 - moved)]
