"""Images and flows on other grids."""

import torch
import torch.nn.functional as F
from torch import Tensor


def halve(image: Tensor) -> Tensor:
    """`image` (B, C, H, W) averaged over blocks of 2x2; H and W even."""
    return F.avg_pool2d(image, 2)


def halve_softly(image: Tensor) -> Tensor:
    """`image` (B, C, H, W) averaged over blocks of 4x4, every other one of them; H and W even.

    Of texture too fine for the new grid less is left than `halve` leaves, to look like motion that there is not.
    """
    return F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), 4, 2)


def double(image: Tensor) -> Tensor:
    """`image` (B, C, H, W) on a grid of twice the density, bilinear."""
    return F.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False)


def double_flow(flow: Tensor) -> Tensor:
    """`flow` (B, 2 n, H, W), pixels of its grid, on a grid of twice the density in pixels of that one."""
    return double(flow) * 2


def on_scale(motion: Tensor, scale: int, other: int) -> Tensor:
    """`motion` (B, 2 n, H, W) of a grid of `scale` frame pixels per pixel on one of `other`, both powers of two."""
    while scale > other:
        motion, scale = double_flow(motion), scale // 2
    while scale < other:
        motion, scale = halve(motion) / 2, 2 * scale
    return motion


def box_mean(image: Tensor, window: int) -> Tensor:
    """Mean of `image` (B, C, H, W) over window x window pixels (odd); the edge pixel is repeated outside."""
    margin = window // 2
    padded = F.pad(image, (margin, margin, margin, margin), mode="replicate")
    if torch.onnx.is_in_onnx_export():
        return F.avg_pool2d(padded, window, 1)  # the fastest form in ONNX Runtime, the slowest in torch on a CPU
    return _sum_of_neighbours(_sum_of_neighbours(padded, window, 3), window, 2) / window**2


def _sum_of_neighbours(image: Tensor, count: int, axis: int) -> Tensor:
    # By doubling: sums of 2 are sums of neighbours, sums of 4 are sums of sums of 2, ... and `count` is made of these.
    total, position, width, sums = None, 0, 1, image
    length = image.shape[axis] - count + 1
    while True:
        if count & width:
            part = sums.narrow(axis, position, length)
            total, position = part if total is None else total + part, position + width
        if 2 * width > count:
            assert total is not None
            return total
        inner = sums.shape[axis] - width
        sums = sums.narrow(axis, 0, inner) + sums.narrow(axis, width, inner)
        width *= 2
