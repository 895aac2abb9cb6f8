"""The motion of the camera: one motion, linear in position, that most of the frame follows.

Where there is little to see, as in sky, in water or out of focus, comparing two frames finds no motion or a wrong one.
What is seen elsewhere tells how the camera moves.

Odobez & Bouthemy 1995, Robust Multiresolution Estimation of Parametric Motion Models.
"""

import torch
from torch import Tensor

from vfi_flow.motion.linear import TINY, linear_fit, moments
from vfi_flow.motion.warp import pixel_grid

ROUNDS = ((8.0, 3.0), (4.0, 1.0), (2.0, 0.1), (1.0, 1e-3), (1.0, 1e-3))
"""Of fits: by how many pixels motion may differ from the fit before to count a quarter still, and what is added to the
variance of the positions, as a share of that of the whole frame. It is nearly one motion for all places at first:
two things that move apart would pass for one motion with a slope."""

EVERY = 2
"""Pixels from one place that is looked at to the next, along both axes: six numbers need no more."""


@torch.no_grad()
def camera_motion(displacement: Tensor, texture: Tensor) -> tuple[Tensor, Tensor]:
    """The linear motion that most of what is seen follows, by iteratively reweighted least squares.

    Args:
        displacement: (B, 2, H, W) float32, pixels.
        texture: (B, 1, H, W) >= 0, how much each place counts.

    Returns:
        (B, 2, H, W), pixels, and (B, 1, 1, 1) in [0, 1]: the share of the texture that agrees with it to about a pixel.
    """
    everywhere = [axis - axis.mean() for axis in pixel_grid(displacement)]
    x, y = everywhere[0][..., ::EVERY], everywhere[1][..., ::EVERY, :]
    displacement, texture = (plane[..., ::EVERY, ::EVERY] for plane in (displacement, texture))
    planes = moments(x, y, torch.ones_like(texture), displacement)
    variance_x, variance_y = x.square().mean(), y.square().mean()
    seen = texture.mean((2, 3), keepdim=True) + TINY
    motion = (texture * displacement).mean((2, 3), keepdim=True) / seen
    for tolerance, stiffness in ROUNDS:
        follows = texture * nearness(displacement - motion, tolerance)
        sums = (follows * planes).mean((2, 3), keepdim=True)
        camera = linear_fit(sums, (stiffness * variance_x, stiffness * variance_y))
        motion = camera.at(x, y)
    follows = texture * nearness(displacement - motion, tolerance)
    return camera.at(*everywhere), follows.mean((2, 3), keepdim=True) / seen


def nearness(difference: Tensor, tolerance: float) -> Tensor:
    """(B, 1, H, W) in (0, 1]: 1 where `difference` (B, 2, H, W) is 0, 1/4 where it is `tolerance` long."""
    return (1 + difference.square().sum(1, keepdim=True) / tolerance**2) ** -2
