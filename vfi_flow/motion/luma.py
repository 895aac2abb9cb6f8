"""The brightness of colours, and pictures whose colours are as coarse as those of video."""

from typing import NamedTuple

from torch import Tensor

from vfi_flow.motion.resize import halve

LUMA = (0.299, 0.587, 0.114)


def luma(image: Tensor) -> Tensor:
    """(B, 1, H, W) BT.601 luma of `image` (B, 3, H, W) RGB."""
    red, green, blue = LUMA
    return red * image[:, 0:1] + green * image[:, 1:2] + blue * image[:, 2:3]


class Subsampled(NamedTuple):
    """A picture as 4:2:0 video has it, luma of every pixel and fewer colours: 1.75 values a pixel to look up, not 3."""

    luma: Tensor
    """(B, 1, H, W)."""
    colour: Tensor
    """(B, 3, H/2, W/2): red, green and blue minus the luma."""

    def half(self) -> Tensor:
        """(B, 3, H/2, W/2) RGB."""
        return halve(self.luma) + self.colour


def subsample(image: Tensor) -> Subsampled:
    """`image` (B, 3, H, W) RGB, H and W even."""
    brightness = luma(image)
    return Subsampled(brightness, halve(image) - halve(brightness))
