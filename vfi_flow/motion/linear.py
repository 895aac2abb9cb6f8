"""Motion that is linear in position, fitted by least squares."""

from typing import NamedTuple

import torch
from torch import Tensor

TINY = 1e-6


class Linear(NamedTuple):
    """A linear function of position, and how much it was fitted to; sizes are those of the sums."""

    at_0: Tensor
    """(B, C, h, w) its value at position (0, 0)."""
    slope_x: Tensor
    slope_y: Tensor
    weight: Tensor
    """(B, 1, h, w)."""

    def at(self, x: Tensor, y: Tensor) -> Tensor:
        return self.at_0 + self.slope_x * x + self.slope_y * y


def moments(x: Tensor, y: Tensor, weight: Tensor, weighted: Tensor) -> Tensor:
    """(B, 6 + 3 C, H, W) whose sums over places `linear_fit` wants.

    Args:
        x, y: positions, which broadcast to the size of `weight`.
        weight: (B, 1, H, W) how much each place counts.
        weighted: (B, C, H, W) its product with the function that is fitted.
    """
    planes = [weight, x * weight, y * weight, x * x * weight, x * y * weight, y * y * weight]
    return torch.cat([*planes, weighted, x * weighted, y * weighted], 1)


def linear_fit(sums: Tensor, spread: tuple[Tensor | float, Tensor | float]) -> Linear:
    """The least-squares fit to the places that `sums` (B, 6 + 3 C, h, w) of `moments` were taken over.

    `spread` is added to the variances of x and of y, so that few places give no steep slope.
    """
    channels = sums.shape[1] // 3 - 2
    weight, *parts = sums.split([1] * 6 + [channels] * 3, 1)
    mean_x, mean_y, xx, xy, yy, mean, xf, yf = (part / (weight + TINY) for part in parts)
    xx, yy, xy = xx - mean_x**2 + spread[0], yy - mean_y**2 + spread[1], xy - mean_x * mean_y
    xf, yf = xf - mean * mean_x, yf - mean * mean_y
    determinant = xx * yy - xy * xy
    slope_x, slope_y = (yy * xf - xy * yf) / determinant, (xx * yf - xy * xf) / determinant
    return Linear(mean - slope_x * mean_x - slope_y * mean_y, slope_x, slope_y, weight)
