"""From motion to a composition: where to look in both frames, which to prefer, and what of it to trust."""

import torch
from torch import Tensor, nn

from vfi_flow.model.composition import LARGEST_DEVIATION, SMALLEST_DEVIATION, Composition
from vfi_flow.model.config import NetworkConfig
from vfi_flow.model.encoder import FrameFeatures
from vfi_flow.model.layers import ResidualBlock, convolution, plane
from vfi_flow.model.registration import MOTION_GAIN, MotionAtTau
from vfi_flow.motion.coherence import AROUND
from vfi_flow.motion.lucas_kanade import displacement, fine_step, length
from vfi_flow.motion.luma import Subsampled
from vfi_flow.motion.resize import box_mean, double, double_flow, halve
from vfi_flow.motion.stillness import activity, difference, stillness
from vfi_flow.motion.warp import backward_warp

NEAREST = 1e-6
"""Place from which a frame counts no more for being near, so that its logit is finite at 0, at 1 and beyond."""


class FusionNetwork(nn.Module):
    """Works at half the resolution of the picture that motion is found on, with pixels folded into channels."""

    SLOW = 4.0
    """Pixels between the frames up to which motion is slow."""
    SHAKEN = 10.0
    """Pixels of the frame of jerk at which detail counts a quarter: places are off by half a pixel or so there."""
    CERTAIN = 40.0
    """What is added to the logits of the crossfade and of the detail that is kept where no motion explains the frames:
    more than all else together."""
    COMPARED = 5
    """Pixels at half resolution over which the network sees how far the frames disagree."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.grid = config.flow_scale
        width, rank = config.fusion_width, config.rank
        self.stem = convolution(self.inputs(config), width, rank=rank)
        self.body = nn.Sequential(*[ResidualBlock(width, rank) for _ in range(config.fusion_blocks)])
        self.at_pixels = [4, 1, 1, 1, 1]  # flow, blend, residual of the luma, deviation, gate
        self.at_half = [1, 2]  # crossfade, detail kept of two octaves
        self.narrow = nn.Conv2d(width, rank, 3, 1, 1, bias=False)
        self.head = nn.Conv2d(rank, 4 * sum(self.at_pixels) + sum(self.at_half), 1)
        self.detail_slope = nn.Parameter(torch.tensor([-1.81, 0.66]).view(1, 2, 1, 1))
        self.fold, self.unfold = nn.PixelUnshuffle(2), nn.PixelShuffle(2)
        self._start_as_warped()

    @staticmethod
    def inputs(config: NetworkConfig) -> int:
        """Channels that `features` looks at."""
        learned = 2 * config.encoder[0]
        warped = 2 * (4 + 3)  # four lumas and a colour of either frame
        motion = config.levels[-1].context + 4 + 1  # context, flow, mask
        unwarped = 2 + 2  # both lumas; how far the frames disagree as they are and warped
        tau = 1
        return learned + warped + motion + unwarped + tau

    def _start_as_warped(self) -> None:
        """The gate of the flow's step is open, nothing is crossfaded, detail is kept as coherence and speed say."""
        sizes = [*(4 * channels for channels in self.at_pixels), *self.at_half]
        with torch.no_grad():
            self.head.weight *= 0.1
            self.head.bias.zero_()  # type: ignore[union-attr]
            biases = self.head.bias.split(sizes)  # type: ignore[union-attr]
            *_, gate, crossfade, detail = zip(self.head.weight.split(sizes), biases, strict=True)
            for (weight, bias), start in ((gate, [1.5] * 4), (crossfade, [-4.0]), (detail, [1.93, 1.33])):
                weight.zero_()
                bias.copy_(torch.tensor(start))

    def forward(self, frame0: FrameFeatures, frame1: FrameFeatures, tau: Tensor, course: MotionAtTau) -> Composition:
        flow = double_flow(course.flow)
        seen0 = look_up(frame0.subsampled, flow[:, :2], course.flow[:, :2])
        seen1 = look_up(frame1.subsampled, flow[:, 2:], course.flow[:, 2:])
        unmoved = frame0.subsampled.half(), frame1.subsampled.half()
        moved = seen0.half(), seen1.half()
        with torch.no_grad():
            apart = difference(frame0.half, frame1.half, self.COMPARED), difference(*moved, self.COMPARED)
        features = self.features(frame0, frame1, tau, course, (seen0, seen1), apart)
        answer = self.head(self.narrow(features)).float()
        at_pixels, at_half = answer.split([4 * sum(self.at_pixels), sum(self.at_half)], 1)
        correction, preference, residual, deviation, gate = self.unfold(at_pixels).split(self.at_pixels, 1)
        crossfade, detail = at_half.split(self.at_half, 1)
        flow = flow + gate.sigmoid() * fine_step(seen0.luma, seen1.luma, tau, course.flow) + correction
        flow = flow * (1 - double(stillness(*unmoved, *moved)))
        # Without evidence the nearer frame counts more, as in a linear blend.
        inside = tau.clamp(NEAREST, 1 - NEAREST)
        preference = double(course.mask) + preference + torch.log((1 - inside) / inside)
        # What is wrong in both frames alike, because motion is not even in time, no comparison of them shows. It grows
        # with speed, unless the frames around know better.
        detail = detail + self.detail_slope * self.speed(flow, course.uneven)
        detail = detail - 2 * torch.log1p((course.jerk * self.grid / self.SHAKEN).square())
        crossfade, detail = (x + self.CERTAIN * course.unexplained for x in (crossfade, detail))
        explained = 1 - course.unexplained
        # Softplus, for which ONNX Runtime has no fast loop; above 0 it is larger than the largest deviation.
        deviation = (deviation - 4.0).clamp(max=0).exp().log1p().clamp(SMALLEST_DEVIATION, LARGEST_DEVIATION)
        residual, happens = 0.1 * explained * residual, explained * activity(*unmoved)
        return Composition(flow, preference, crossfade, detail, residual, deviation, features, happens)

    @torch.no_grad()
    def speed(self, flow: Tensor, uneven: Tensor) -> Tensor:
        """(B, 1, H/2, W/2): logarithm of the motion around a place that may be uneven, 0 where nothing moves."""
        speed = length(halve(displacement(flow))) * uneven
        return torch.log1p(double(box_mean(halve(speed), AROUND)) / self.SLOW)

    def features(
        self,
        frame0: FrameFeatures,
        frame1: FrameFeatures,
        tau: Tensor,
        course: MotionAtTau,
        seen: tuple[Subsampled, Subsampled],
        apart: tuple[Tensor, Tensor],
    ) -> Tensor:
        """(B, C, H/2, W/2); `seen` are both pictures, warped; `apart` how far they disagree unwarped and warped."""
        flow = course.flow
        learned0 = backward_warp(frame0.at_2, flow[:, :2])
        learned1 = backward_warp(frame1.at_2, flow[:, 2:])
        warped = [x for picture in seen for x in (self.fold(picture.luma), picture.colour)]
        motion = [course.context, flow * MOTION_GAIN, course.mask]
        unwarped = [halve(frame0.luma), halve(frame1.luma), *(4 * x for x in apart)]
        dtype = learned0.dtype
        others = [x.to(dtype) for x in (*warped, *motion, *unwarped)]
        return self.body(self.stem(torch.cat([learned0, learned1, *others, plane(tau, learned0)], 1)))


def look_up(picture: Subsampled, flow: Tensor, half_flow: Tensor) -> Subsampled:
    """`picture` warped by one flow on its two grids, (B, 2, H, W) and (B, 2, H/2, W/2)."""
    return Subsampled(backward_warp(picture.luma, flow), backward_warp(picture.colour, half_flow))
