"""Sub-pixel registration of two images that already nearly agree.

Lucas & Kanade 1981, An Iterative Image Registration Technique with an Application to Stereo Vision; here at a place
`tau` between the images, with damping (Levenberg) and a limit on the step.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from vfi_flow.motion.motion_at_tau import flow_to
from vfi_flow.motion.resize import box_mean, double, halve
from vfi_flow.motion.warp import overshoot

LONGEST_STEP = 1.0
"""Pixels. A linear model of the image holds no further."""

UNSEEN = 1e-4
"""Square difference, summed over the channels, that is noise: what falls from there is no improvement."""


EXPOSURE_WINDOW = 9
"""Pixels a side over which exposure is taken for constant."""


def mean_free(image: Tensor) -> Tensor:
    """`image` (B, C, H, W) minus its local mean: what is left does not change with exposure."""
    return image - box_mean(image, EXPOSURE_WINDOW)


def gradient(image: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences of `image` (B, C, H, W) in x and in y, per pixel."""
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    dx = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    dy = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    return dx / 2, dy / 2


@torch.no_grad()
def lucas_kanade_step(
    warped0: Tensor,
    warped1: Tensor,
    tau: Tensor | float,
    window: int,
    damping: float,
    block: int = 1,
    weight: Tensor | None = None,
) -> Tensor:
    """The change of the motion that makes two frames warped to `tau` agree better: one damped Gauss-Newton step.

    Args:
        warped0, warped1: (B, C, H, W) float32, both frames warped to `tau`, of range about 1; locally mean-free where
            their brightness may change.
        tau: number or (B, 1, 1, 1) float32 in (0, 1).
        window: blocks (odd) over which one displacement is fitted.
        damping: added to the diagonal of the structure tensor; the step fades where there is less texture than that.
        block: side in pixels, 1 or 2, of the blocks that one displacement is solved for; between them it is linear.
        weight: (B, 1, H/block, W/block) in [0, 1], how much each block counts; None: all the same.

    Returns:
        (B, 2, H, W): change of the motion from frame 0 to frame 1 (dx, dy), pixels of this grid, at most LONGEST_STEP.
    """
    difference = warped0 - warped1
    gx, gy = gradient(warped1 + tau * difference)
    products = [gx * gx, gx * gy, gy * gy, gx * difference, gy * difference]
    if warped0.shape[1] > 1:
        products = [product.sum(1, keepdim=True) for product in products]
    moments = torch.cat(products, 1)
    moments = moments if block == 1 else halve(moments)
    moments = moments if weight is None else moments * weight
    xx, xy, yy, xd, yd = box_mean(moments, window).split(1, 1)
    xx, yy = xx + damping, yy + damping
    determinant = xx * yy - xy * xy
    u, v = (yy * xd - xy * yd) / determinant, (xx * yd - xy * xd) / determinant
    shorten = LONGEST_STEP / (u * u + v * v + 1e-8).sqrt().clamp(min=LONGEST_STEP)
    step = torch.cat([u * shorten, v * shorten], 1)
    return step if block == 1 else double(step)


@torch.no_grad()
def fine_step(luma0: Tensor, luma1: Tensor, tau: Tensor, half_flow: Tensor) -> Tensor:
    """(B, 4, H, W): the change of both flows that `lucas_kanade_step` finds between luma (B, 1, H, W) warped by them.

    `half_flow` (B, 4, H/2, W/2) are these flows on a grid of half the density, in pixels of that one.
    A local difference in brightness is not motion; it is subtracted first. Where motion leads out of a frame there is
    nothing to register.
    """
    seen = (1 - overshoot(half_flow[:, :2]) - overshoot(half_flow[:, 2:])).clamp(min=0)
    brighter = box_mean(halve(luma0 - luma1) * seen, 5) / (box_mean(seen, 5) + 0.01)
    step = lucas_kanade_step(luma0, luma1 + double(brighter), tau, window=3, damping=1e-5, block=2, weight=seen)
    return flow_to(step, tau)


@torch.no_grad()
def improvement(before: tuple[Tensor, Tensor], after: tuple[Tensor, Tensor], window: int, least: float = 1.0) -> Tensor:
    """(B, 1, H, W) in [0, 1]: how far two warped frames (B, C, H, W) agree better after a change than before it.

    0 where their square difference over window x window pixels does not fall to 1 / `least`, 1 from half of that on.
    """
    old, new = (box_mean(square_sum(a - b), window) for a, b in (before, after))
    return fallen(old, new, least)


def fallen(old: Tensor, new: Tensor, least: float = 1.0) -> Tensor:
    """In [0, 1]: how far a square error has fallen; 0 where not to 1 / `least`, 1 from half of that on."""
    return (2 * (old - least * new) / (old + UNSEEN)).clamp(0, 1)


def square_sum(image: Tensor) -> Tensor:
    """(B, 1, H, W): squares of `image` (B, C, H, W), summed over its channels."""
    return image.square().sum(1, keepdim=True)


def displacement(flow: Tensor) -> Tensor:
    """(B, 2, H, W) from frame 0 to frame 1, of `flow` (B, 4, H, W) to both."""
    return flow[:, 2:] - flow[:, :2]


def length(displacement: Tensor) -> Tensor:
    """(B, 1, H, W) of `displacement` (B, 2, H, W), with a slope at 0 as well."""
    return (displacement.square().sum(1, keepdim=True) + 1e-6).sqrt()
