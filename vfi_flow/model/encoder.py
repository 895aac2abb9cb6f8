"""What a single frame contributes: computed once, used for both pairs it belongs to and for every tau."""

from typing import NamedTuple

from torch import Tensor, nn

from vfi_flow.model.layers import convolution
from vfi_flow.motion.lucas_kanade import mean_free
from vfi_flow.motion.luma import Subsampled, subsample
from vfi_flow.motion.resize import halve


class FrameFeatures(NamedTuple):
    """One frame (B, 3, H, W) as the network sees it."""

    image: Tensor
    """(B, 3, H, W) float32 in [0, 1]."""
    luma: Tensor
    """(B, 1, H, W) luma of the frame."""
    colour: Tensor
    """(B, 3, H/2, W/2) what its colours differ by from the luma."""
    half: Tensor
    """(B, 3, H/2, W/2) the frame, locally mean-free."""
    quarter: Tensor
    """(B, 3, H/4, W/4) the frame, locally mean-free."""
    eighth: Tensor
    """(B, 3, H/8, W/8) the frame, locally mean-free."""
    at_2: Tensor
    at_4: Tensor
    at_8: Tensor
    at_16: Tensor
    """Learned features at 1/2 to 1/16 of the frame."""

    @property
    def subsampled(self) -> Subsampled:
        return Subsampled(self.luma, self.colour)


class Encoder(nn.Module):
    """Image (B, 3, H, W) -> FrameFeatures.

    Frames go on for ever at their border: with zeros there, the border would be the strongest edge of the picture, and
    what is near it in one frame would look unlike itself in the other.
    """

    def __init__(self, channels: tuple[int, int, int, int]) -> None:
        super().__init__()
        first, *others = zip((3, *channels[:-1]), channels, strict=True)
        self.levels = nn.ModuleList([halving(*first)])
        self.levels += [nn.Sequential(halving(i, o), convolution(o, o, border="replicate")) for i, o in others]

    def forward(self, image: Tensor) -> FrameFeatures:
        half = halve(image)
        quarter = halve(half)
        x, pyramid = image, []
        for level in self.levels:
            x = level(x)
            pyramid.append(x)
        smaller = [mean_free(x) for x in (half, quarter, halve(quarter))]
        return FrameFeatures(image, *subsample(image), *smaller, *pyramid)


def halving(inputs: int, outputs: int) -> nn.Sequential:
    return convolution(inputs, outputs, stride=2, border="replicate")
