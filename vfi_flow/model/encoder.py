"""What a single frame contributes: computed once, used for both pairs it belongs to and for every tau."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vfi_flow.model.config import ALIGNMENT
from vfi_flow.model.layers import convolution
from vfi_flow.motion.lucas_kanade import mean_free
from vfi_flow.motion.luma import Subsampled, subsample
from vfi_flow.motion.resize import halve, halve_softly


class FrameFeatures(NamedTuple):
    """One frame (B, 3, H, W) as the network sees it.

    Motion is found on a picture (B, 3, h, w) of it: the frame itself, or half of its width and height.
    """

    image: Tensor
    """(B, 3, H, W) the frame, float32 in [0, 1]."""
    luma: Tensor
    """(B, 1, h, w) luma of the picture."""
    colour: Tensor
    """(B, 3, h/2, w/2) what its colours differ by from the luma."""
    half: Tensor
    """(B, 3, h/2, w/2) the picture, locally mean-free."""
    quarter: Tensor
    """(B, 3, h/4, w/4) the picture, locally mean-free."""
    eighth: Tensor
    """(B, 3, h/8, w/8) the picture, locally mean-free."""
    at_2: Tensor
    at_4: Tensor
    at_8: Tensor
    at_16: Tensor
    """Learned features at 1/2 to 1/16 of the picture."""
    far_8: Tensor
    far_16: Tensor
    """The same at 1/8 and 1/16 of a picture of a quarter of its width and height; nothing is learned through them."""

    @property
    def subsampled(self) -> Subsampled:
        return Subsampled(self.luma, self.colour)

    def at(self, chosen: Tensor) -> "FrameFeatures":
        """Of the frames of a batch for which `chosen` (B,) bool is true."""
        return FrameFeatures(*(part[chosen] for part in self))


class Encoder(nn.Module):
    """Image (B, 3, H, W) -> FrameFeatures.

    Frames go on for ever at their border: with zeros there, the border would be the strongest edge of the picture, and
    what is near it in one frame would look unlike itself in the other.
    """

    def __init__(self, channels: tuple[int, int, int, int], downscale: int, rank: int) -> None:
        """`downscale` 1: motion is found on the frame itself, 2: on half of its width and height."""
        super().__init__()
        self.downscale = downscale
        first, *others = zip((3, *channels[:-1]), channels, strict=True)
        self.levels = nn.ModuleList([halving(*first)])
        self.levels += [
            nn.Sequential(halving(i, o), convolution(o, o, border="replicate", rank=rank)) for i, o in others
        ]

    def forward(self, image: Tensor) -> FrameFeatures:
        picture = image if self.downscale == 1 else aligned(halve(image))
        half = halve(picture)
        quarter = halve(half)
        eighth = halve_softly(halve_softly(halve_softly(picture)))
        smaller = [mean_free(x) for x in (half, quarter, eighth)]
        with torch.no_grad():
            far = self.pyramid(aligned(quarter))[-2:]
        return FrameFeatures(image, *subsample(picture), *smaller, *self.pyramid(picture), *far)

    def pyramid(self, picture: Tensor) -> list[Tensor]:
        """Learned features at 1/2 to 1/16 of it."""
        features = [picture]
        for level in self.levels:
            features.append(level(features[-1]))
        return features[1:]


def halving(inputs: int, outputs: int) -> nn.Sequential:
    return convolution(inputs, outputs, stride=2, border="replicate")


def aligned(image: Tensor) -> Tensor:
    """`image` (B, 3, H, W) with its last row and column repeated up to multiples of ALIGNMENT."""
    height, width = image.shape[-2:]
    return F.pad(image, (0, -width % ALIGNMENT, 0, -height % ALIGNMENT), mode="replicate")
