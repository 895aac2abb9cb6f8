"""How a frame is made of two others, and the making of it: warp both, blend them, keep what detail can be trusted."""

from typing import NamedTuple

import torch
from torch import Tensor

from vfi_flow.motion.coherence import coherence, shrink_octaves
from vfi_flow.motion.lucas_kanade import fine_step
from vfi_flow.motion.luma import luma
from vfi_flow.motion.resize import double, double_flow, halve
from vfi_flow.motion.warp import backward_warp, overshoot, sharp_backward_warp

SMALLEST_DEVIATION, LARGEST_DEVIATION = 1 / 255, 0.25
OUTSIDE_PENALTY, FAR_OUTSIDE = 0.8, 8.0
"""How much less a frame counts, as a logit, per pixel that motion leads outside it, and the pixels from which it
counts no further."""


class Composition(NamedTuple):
    """What fusion decides, all float32, on a grid of (h, w) pixels: those of the frame, or twice as wide and high."""

    flow: Tensor
    """(B, 4, h, w) to frame 0 and to frame 1, pixels of this grid."""
    preference: Tensor
    """(B, 1, h, w) logit of how much frame 0 is to be preferred, its nearness in time included."""
    crossfade: Tensor
    """(B, 1, h/2, w/2) logit of how much the frames as they are count beside the warped ones."""
    detail: Tensor
    """(B, 2, h/2, w/2) logits of what to keep of the two finest octaves, beside what `coherence` says of them."""
    residual: Tensor
    """(B, 1, h, w) what is added to all colours."""
    deviation: Tensor
    """(B, 1, h, w) standard deviation of the truth around the mean, in [SMALLEST_DEVIATION, LARGEST_DEVIATION]."""
    features: Tensor
    """(B, C, h/2, w/2), of a doubled grid (B, C, h/4, w/4): what it was decided from."""
    activity: Tensor
    """(B, 1, h/2, w/2) in [0, 1]: 0 where nothing happens between the frames."""

    def doubled(self, height: int, width: int) -> "Composition":
        """The same for frames of `height` x `width`, up to twice as wide and high as the grid."""

        def whole(plane: Tensor) -> Tensor:
            return plane[:, :, :height, :width]

        def half(plane: Tensor) -> Tensor:
            return double(plane)[:, :, : height // 2, : width // 2]

        return Composition(
            flow=whole(double_flow(self.flow)),
            preference=whole(double(self.preference)),
            crossfade=half(self.crossfade),
            detail=half(self.detail),
            residual=whole(double(self.residual)),
            deviation=whole(double(self.deviation)),
            features=self.features[:, :, : height // 4, : width // 4],
            activity=half(self.activity),
        )

    def refined(self, image0: Tensor, image1: Tensor, tau: Tensor) -> "Composition":
        """The same with its flow after one Lucas-Kanade step between images (B, 3, h, w) at `tau`."""
        warped = backward_warp(luma(image0), self.flow[:, :2]), backward_warp(luma(image1), self.flow[:, 2:])
        return self._replace(flow=self.flow + fine_step(*warped, tau, halve(self.flow) / 2))


class Mean(NamedTuple):
    """Stage 1's answer; all float32 at full resolution, except `features`."""

    mean: Tensor
    """(B, 3, H, W) E[frame | frame0, frame1, tau], around [0, 1]."""
    sharp: Tensor
    """(B, 3, H, W) the same with all its detail, likely or not: one possible frame rather than their mean."""
    deviation: Tensor
    """(B, 1, H, W) standard deviation of the truth around `mean`; the unit of the residual around `sharp`."""
    warped0: Tensor
    warped1: Tensor
    blend: Tensor
    """(B, 1, H, W) in (0, 1): the share of `warped0` beside `warped1`."""
    flow: Tensor
    """(B, 4, H, W) to frame 0 and to frame 1, pixels."""
    features: Tensor
    """(B, C, H/2, W/2), or (B, C, H/4, W/4) where motion was found on half of the frame."""
    activity: Tensor
    """(B, 1, H, W) in [0, 1]: 0 where nothing happens between the frames, so that there is no detail to draw."""

    @property
    def spread(self) -> Tensor:
        """(B, 1, H, W): what a standardised residual is scaled by when it is drawn."""
        return self.activity * self.deviation

    @property
    def shrunk(self) -> Tensor:
        """(B, 3, H, W): detail that the mean lacks and that comes back when a frame is drawn."""
        return self.activity * (self.sharp - self.mean)


def compose(image0: Tensor, image1: Tensor, tau: Tensor, composition: Composition) -> Mean:
    """The conditional mean at `tau` (B, 1, 1, 1), made of two images (B, 3, H, W) as `composition` says; sizes agree.

    Where motion explains the frames the mean is made of both warped frames; where it does not (dissolves, flashes, what
    stands still before a moving ground, what cannot be followed) it goes over to a crossfade of the frames as they are.
    Detail in which the warped frames disagree is mostly wrong: it is shrunk as far as Wiener's filter and what has been
    learned say.
    """
    flow = composition.flow
    warped0 = sharp_backward_warp(image0, flow[:, :2])
    warped1 = sharp_backward_warp(image1, flow[:, 2:])
    penalty0, penalty1 = outside_penalty(flow[:, :2]), outside_penalty(flow[:, 2:])
    blend = torch.sigmoid(composition.preference + penalty1 - penalty0)
    followed = warped1 + blend * (warped0 - warped1)
    unfollowed = image0 + tau * (image1 - image0)
    # Where motion leaves a frame there is nothing to compare, and no reason to doubt the motion.
    mean = followed + torch.sigmoid(double(composition.crossfade) - penalty0 - penalty1) * (unfollowed - followed)
    sharp, mean = mean, shrink_octaves(mean, kept(warped0, warped1, blend, composition.detail))
    sharp, mean = sharp + composition.residual, mean + composition.residual
    happens = double(composition.activity)
    return Mean(mean, sharp, composition.deviation, warped0, warped1, blend, flow, composition.features, happens)


def kept(warped0: Tensor, warped1: Tensor, blend: Tensor, detail: Tensor) -> Tensor:
    """(B, 2, H/2, W/2) in (0, 1): how much to keep of the two finest octaves of the blend of both warped frames."""
    return torch.sigmoid(coherence(warped0, warped1, blend) + detail)


def outside_penalty(flow: Tensor) -> Tensor:
    """(B, 1, H, W), 0 or more: how much less a frame counts where `flow` (B, 2, H, W) leaves it, as a logit."""
    return OUTSIDE_PENALTY * overshoot(flow).clamp(max=FAR_OUTSIDE)
