"""Motion found half-way between two frames, as it passes any other place between them.

Both frames are equally near there, so it is the place where motion is found best; at another one `tau` it is the same
motion, further on its way. It is looked up where it leads to, like an image, so nothing is torn open
(cf. Bao et al. 2019, DAIN, whose projected flow must be filled where nothing arrives).
"""

import torch
from torch import Tensor

from vfi_flow.motion.warp import backward_warp

MIDDLE = 0.5
ROUNDS = 2
"""Of looking up motion where what was found before leads: a third changes nothing (docs/experiments.md)."""


def flow_to(motion: Tensor, tau: Tensor | float) -> Tensor:
    """Flows (B, 4, H, W) from `tau` to frame 0 and to frame 1 for a straight, even `motion` (B, 2, H, W) between them.

    Channels: dx and dy to frame 0, dx and dy to frame 1, pixels.
    """
    return torch.cat([-tau * motion, (1 - tau) * motion], 1)


def halves(motion: Tensor) -> tuple[Tensor, Tensor]:
    """Flows (B, 2, H, W) from half-way to frame 0 and to frame 1 for a `motion` (B, 2, H, W) between them."""
    half = motion / 2
    return -half, half


def passing(motion: Tensor, tau: Tensor | float) -> Tensor:
    """The motion that passes every place at `tau`, of what passes it half-way.

    Args:
        motion: (B, 2, H, W) float32 from frame 0 to frame 1, dx and dy, pixels of this grid, by the place half-way.
        tau: (B, 1, 1, 1) in [0, 1].

    Returns:
        (B, 2, H, W) of the same kind, by the place at `tau`; `motion` itself in the middle.
    """
    found = motion
    for _ in range(ROUNDS):
        found = backward_warp(motion, (MIDDLE - tau) * found)
    return found
