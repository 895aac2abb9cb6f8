"""The brightness of colours."""

from torch import Tensor

LUMA = (0.299, 0.587, 0.114)


def luma(image: Tensor) -> Tensor:
    """(B, 1, H, W) BT.601 luma of `image` (B, 3, H, W) RGB."""
    red, green, blue = LUMA
    return red * image[:, 0:1] + green * image[:, 1:2] + blue * image[:, 2:3]
