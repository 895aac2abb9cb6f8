"""The conditional mean of the new frame and how far off it may be, from both frames, warped and as they are."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from vfi_flow.model.config import NetworkConfig
from vfi_flow.model.encoder import FrameFeatures
from vfi_flow.model.layers import ResidualBlock, convolution, plane
from vfi_flow.model.registration import FLOW_SCALE, Registration
from vfi_flow.motion.coherence import AROUND, coherence, shrink_octaves
from vfi_flow.motion.lucas_kanade import lucas_kanade_step, mean_free
from vfi_flow.motion.luma import Subsampled
from vfi_flow.motion.resize import box_mean, double, double_flow, halve
from vfi_flow.motion.stillness import activity, difference, stillness
from vfi_flow.motion.warp import backward_warp, overshoot, sharp_backward_warp

SMALLEST_DEVIATION, LARGEST_DEVIATION = 1 / 255, 0.25


class Mean(NamedTuple):
    """Stage 1's answer; all float32 at full resolution, except `features` (B, C, H/2, W/2)."""

    mean: Tensor
    """(B, 3, H, W) E[frame | frame0, frame1, tau], around [0, 1]."""
    sharp: Tensor
    """(B, 3, H, W) the same with all its detail, likely or not: one possible frame rather than their mean."""
    deviation: Tensor
    """(B, 1, H, W) standard deviation of the truth around `mean`."""
    warped0: Tensor
    warped1: Tensor
    blend: Tensor
    """(B, 1, H, W) in (0, 1): the share of `warped0` beside `warped1`."""
    flow: Tensor
    """(B, 4, H, W) to frame 0 and to frame 1, pixels."""
    features: Tensor
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


class FusionNetwork(nn.Module):
    """Works at half resolution on pixels folded into channels, answers at full resolution.

    Where motion explains the frames the mean is made of both warped frames; where it does not (dissolves, flashes, what
    stands still before a moving ground, what cannot be followed) it goes over to a crossfade of the frames as they are.
    Detail in which the warped frames disagree is mostly wrong: it is shrunk as far as Wiener's filter and what has been
    learned say.
    """

    WINDOW, DAMPING = 7, 1e-5
    OUTSIDE, FAR_OUTSIDE = 0.8, 8.0
    """Per pixel outside the frame, and the pixels from which it counts no further."""
    SLOW = 4.0
    """Pixels between the frames up to which motion is slow."""
    COMPARED = 5
    """Pixels at half resolution over which the network sees how far the frames disagree."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        inputs = 2 * config.encoder[0] + 2 * (4 + 3) + config.levels[-1].context + 4 + 1 + 1 + 4
        self.stem = convolution(inputs, config.fusion_width)
        self.body = nn.Sequential(*[ResidualBlock(config.fusion_width) for _ in range(config.fusion_blocks)])
        self.at_pixels = [4, 1, 1, 1, 1]  # flow, blend, residual of the luma, deviation, gate
        self.at_half = [1, 2]  # crossfade, detail kept of two octaves
        self.head = nn.Conv2d(config.fusion_width, 4 * sum(self.at_pixels) + sum(self.at_half), 3, 1, 1)
        self.detail_slope = nn.Parameter(torch.tensor([-1.81, 0.66]).view(1, 2, 1, 1))
        self.fold, self.unfold = nn.PixelUnshuffle(2), nn.PixelShuffle(2)
        with torch.no_grad():
            self.head.weight *= 0.1
            self.head.weight[-7:] = 0
            # gate open, no crossfade, detail as coherence and speed say
            self.head.bias.copy_(torch.tensor([0.0] * 28 + [1.5] * 4 + [-4.0, 1.93, 1.33]))  # type: ignore[union-attr]

    def forward(self, frame0: FrameFeatures, frame1: FrameFeatures, tau: Tensor, registration: Registration) -> Mean:
        flow = double_flow(registration.flow)
        seen0 = look_up(frame0.subsampled, flow[:, :2], registration.flow[:, :2])
        seen1 = look_up(frame1.subsampled, flow[:, 2:], registration.flow[:, 2:])
        features = self.features(frame0, frame1, tau, registration, seen0, seen1)
        at_pixels, at_half = self.head(features).float().split([4 * sum(self.at_pixels), sum(self.at_half)], 1)
        correction, blend, residual, deviation, gate = self.unfold(at_pixels).split(self.at_pixels, 1)
        crossfade, detail = at_half.split(self.at_half, 1)
        step = lucas_kanade_step(mean_free(seen0.luma), mean_free(seen1.luma), tau, self.WINDOW, self.DAMPING)
        flow = flow + gate.sigmoid() * step + correction
        unmoved = frame0.subsampled.half(), frame1.subsampled.half()
        still = stillness(*unmoved, seen0.half(), seen1.half())
        flow = flow * (1 - double(still))
        warped0 = sharp_backward_warp(frame0.image, flow[:, :2])
        warped1 = sharp_backward_warp(frame1.image, flow[:, 2:])
        # Without evidence the nearer frame counts more, as in a linear blend.
        preference = double(registration.mask) + blend + torch.log((1 - tau) / tau)
        outside0, outside1 = self.outside(flow[:, :2]), self.outside(flow[:, 2:])
        blend = torch.sigmoid(preference + outside1 - outside0)
        followed = warped1 + blend * (warped0 - warped1)
        unfollowed = frame0.image + tau * (frame1.image - frame0.image)
        # Where motion leaves a frame there is nothing to compare, and no reason to doubt the motion.
        mean = followed + torch.sigmoid(double(crossfade) - outside0 - outside1) * (unfollowed - followed)
        sharp = mean + 0.1 * residual
        mean = shrink_octaves(mean, self.kept(warped0, warped1, blend, flow, detail)) + 0.1 * residual
        # Softplus, for which ONNX Runtime has no fast loop; above 0 it is larger than the largest deviation.
        deviation = (deviation - 4.0).clamp(max=0).exp().log1p().clamp(SMALLEST_DEVIATION, LARGEST_DEVIATION)
        happens = double(activity(*unmoved))
        return Mean(mean, sharp, deviation, warped0, warped1, blend, flow, features, happens)

    def kept(self, warped0: Tensor, warped1: Tensor, blend: Tensor, flow: Tensor, learned: Tensor) -> Tensor:
        """(B, 2, H/2, W/2) in (0, 1): how much to keep of the two finest octaves of the blend of both warped frames.

        What is wrong in both frames alike, because motion is not even in time, no comparison of them shows. It grows
        with speed.
        """
        evidence = coherence(warped0, warped1, blend) + self.detail_slope * self.speed(flow)
        return torch.sigmoid(evidence + learned)

    @torch.no_grad()
    def speed(self, flow: Tensor) -> Tensor:
        """(B, 1, H/2, W/2): logarithm of the motion between the frames around a place, 0 where nothing moves."""
        motion = halve(flow[:, 2:] - flow[:, :2])
        length = (motion.square().sum(1, keepdim=True) + 1e-6).sqrt()
        return torch.log1p(double(box_mean(halve(length), AROUND)) / self.SLOW)

    def outside(self, flow: Tensor) -> Tensor:
        """How much less a frame counts where `flow` leaves it, as a logit."""
        return self.OUTSIDE * overshoot(flow).clamp(max=self.FAR_OUTSIDE)

    def features(
        self,
        frame0: FrameFeatures,
        frame1: FrameFeatures,
        tau: Tensor,
        registration: Registration,
        seen0: Subsampled,
        seen1: Subsampled,
    ) -> Tensor:
        flow = registration.flow
        learned0 = backward_warp(frame0.at_2, flow[:, :2])
        learned1 = backward_warp(frame1.at_2, flow[:, 2:])
        seen = [self.fold(seen0.luma), seen0.colour, self.fold(seen1.luma), seen1.colour]
        seen += [registration.context, flow * FLOW_SCALE, registration.mask]
        seen += self.without_motion(frame0, frame1, seen0, seen1)
        dtype = learned0.dtype
        inputs = [learned0, learned1, *(x.to(dtype) for x in seen), plane(tau, learned0)]
        return self.body(self.stem(torch.cat(inputs, 1)))

    @torch.no_grad()
    def without_motion(
        self, frame0: FrameFeatures, frame1: FrameFeatures, seen0: Subsampled, seen1: Subsampled
    ) -> list[Tensor]:
        """Four planes (B, 1, H/2, W/2): both frames as they are, and how far they disagree without and with motion."""
        as_they_are = difference(frame0.half, frame1.half, self.COMPARED)
        followed = difference(seen0.half(), seen1.half(), self.COMPARED)
        return [halve(frame0.luma), halve(frame1.luma), 4 * as_they_are, 4 * followed]


def look_up(picture: Subsampled, flow: Tensor, half_flow: Tensor) -> Subsampled:
    """`picture` warped by one flow on its two grids, (B, 2, H, W) and (B, 2, H/2, W/2)."""
    return Subsampled(backward_warp(picture.luma, flow), backward_warp(picture.colour, half_flow))
