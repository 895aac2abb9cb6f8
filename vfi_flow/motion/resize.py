"""Images and flows on other grids."""

import torch
import torch.nn.functional as F
from torch import Tensor


def halve(image: Tensor) -> Tensor:
    """`image` (B, C, H, W) averaged over blocks of 2x2; H and W even."""
    return F.avg_pool2d(image, 2)


def double(image: Tensor) -> Tensor:
    """`image` (B, C, H, W) on a grid of twice the density, bilinear."""
    return F.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False)


def double_flow(flow: Tensor) -> Tensor:
    """`flow` (B, 2 n, H, W), pixels of its grid, on a grid of twice the density in pixels of that one."""
    return double(flow) * 2


def box_mean(image: Tensor, window: int) -> Tensor:
    """Mean of `image` (B, C, H, W) over window x window pixels (odd); the edge pixel is repeated outside."""
    margin = window // 2
    padded = F.pad(image, (margin, margin, margin, margin), mode="replicate")
    if torch.onnx.is_in_onnx_export():
        return F.avg_pool2d(padded, window, 1)  # the fastest form in ONNX Runtime, the slowest in torch on a CPU
    channels = image.shape[1]
    row = padded.new_full((channels, 1, 1, window), 1 / window)
    with torch.autocast(image.device.type, enabled=False):
        return F.conv2d(F.conv2d(padded, row, groups=channels), row.transpose(2, 3), groups=channels)
