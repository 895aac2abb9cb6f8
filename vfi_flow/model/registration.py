"""The motion between two frames by the place half-way, coarse to fine."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vfi_flow.model.config import LevelConfig, NetworkConfig
from vfi_flow.model.encoder import FrameFeatures
from vfi_flow.model.layers import ResidualBlock, convolution
from vfi_flow.motion.acceleration import Bend, Neighbours, bend
from vfi_flow.motion.agreement import drawn_back
from vfi_flow.motion.border import CERTAIN, carry_on, continue_outwards
from vfi_flow.motion.camera import camera_motion
from vfi_flow.motion.correlation import expected_displacement, local_correlation
from vfi_flow.motion.explained import unexplained
from vfi_flow.motion.lucas_kanade import improvement, length, lucas_kanade_step, square_sum
from vfi_flow.motion.luma import luma
from vfi_flow.motion.motion_at_tau import MIDDLE, flow_to, halves, passing
from vfi_flow.motion.resize import box_mean, double, double_flow, halve
from vfi_flow.motion.rest import from_rest, or_rest
from vfi_flow.motion.warp import backward_warp, overshoot

MOTION_GAIN = 0.1
"""Motion enters convolutions divided by ten, so that it is of the size of the other inputs."""


class Match(NamedTuple):
    """What one level hands to the next; motion is (B, 2, h, w) from frame 0 to frame 1, pixels of its grid."""

    motion: Tensor
    mask: Tensor
    """(B, 1, h, w) logit of how much frame 0 is to be preferred."""
    context: Tensor
    readout: Tensor
    """The motion at the level's own resolution as read out of the correlation, before the convolutions."""
    gate: Tensor
    """(B, 1, h, w) in (0, 1): how far a Lucas-Kanade step may be trusted."""


class MotionAtTau(NamedTuple):
    """The motion between two frames as it passes a place `tau` between them, for a picture of h x w."""

    flow: Tensor
    """(B, 4, h/2, w/2) float32 to frame 0 and to frame 1, pixels of this grid."""
    mask: Tensor
    """(B, 1, h/2, w/2) logit of how much frame 0 is to be preferred."""
    context: Tensor
    """(B, C, h/2, w/2)."""
    uneven: Tensor
    """(B, 1, h/2, w/2) in [0, 1]: the share of the motion that may not be even in time; 1 for two frames alone."""
    jerk: Tensor
    """(B, 1, h/2, w/2) pixels of this grid: how the motion is shaken; 0 for two frames alone."""
    unexplained: Tensor
    """(B, 1, 1, 1) in [0, 1]: how far no motion explains the two frames (see `motion.explained`)."""

    def bent(self, by: Bend) -> "MotionAtTau":
        """The same of motion that is not even in time."""
        return self._replace(flow=self.flow + torch.cat([by.ahead, by.ahead], 1), uneven=by.uneven, jerk=by.jerk)


class Registration(NamedTuple):
    """The motion between two frames, by the place half-way, for a picture of h x w. It serves every `tau`."""

    motion: Tensor
    """(B, 2, h/2, w/2) float32 from frame 0 to frame 1, pixels of this grid."""
    mask: Tensor
    """(B, 1, h/2, w/2) logit of how much frame 0 is to be preferred."""
    context: Tensor
    """(B, C, h/2, w/2)."""
    unexplained: Tensor
    """(B, 1, 1, 1) in [0, 1]: how far no motion explains the two frames."""
    motions: tuple[tuple[int, Tensor], ...] = ()
    """Every intermediate motion and how many pixels of the frame one of its grid stands for, for supervision."""

    def at(self, tau: Tensor, neighbours: Neighbours | None = None) -> MotionAtTau:
        """What passes at `tau` (B, 1, 1, 1); with `neighbours` motion may be uneven (see `motion.acceleration`).

        `mask` and `context` stay those of the place half-way: to carry them along changes nothing.
        """
        motion = passing(self.motion, tau)
        all_of_it, unknown = torch.ones_like(self.mask), torch.zeros_like(self.mask)
        even = MotionAtTau(flow_to(motion, tau), self.mask, self.context, all_of_it, unknown, self.unexplained)
        return even if neighbours is None else even.bent(bend(motion, neighbours, tau))

    def flows_at(self, tau: Tensor) -> tuple[tuple[int, Tensor], ...]:
        """Flows (B, 4, h, w) at `tau` of all `motions`, with their scales."""
        return tuple((scale, flow_to(passing(motion, tau), tau)) for scale, motion in self.motions)


class MatchLevel(nn.Module):
    """Reads the motion between two feature maps out of their correlation and refines it by convolutions.

    The inputs live on one grid, the result on one of twice the density.
    """

    def __init__(self, features: int, context: int, config: LevelConfig, rank: int) -> None:
        """`features` channels of either frame; `context` channels from the level before, 0 for the first level."""
        super().__init__()
        self.radius, self.context = config.radius, config.context
        scores = (2 * config.radius + 1) ** 2
        inputs = 2 * features + scores + 3 + (context + 5 if context else 0)
        self.projection = nn.Conv2d(features, config.matched, 1)
        self.log_sharpness = nn.Parameter(torch.tensor(3.0))
        self.prior = nn.Parameter(torch.tensor(0.3))
        self.stem = convolution(inputs, config.width, rank=rank)
        self.body = nn.Sequential(*[ResidualBlock(config.width, rank) for _ in range(config.blocks)])
        self.narrow = nn.Conv2d(config.width, rank, 3, 1, 1, bias=False)
        self.head = nn.Conv2d(rank, 4 * (4 + config.context), 1)
        self.shuffle = nn.PixelShuffle(2)
        self._start_as_readout()

    def _start_as_readout(self) -> None:
        motion_and_mask, gate = slice(0, 4 * 3), slice(-4, None)
        with torch.no_grad():
            self.head.weight[motion_and_mask] *= 0.1
            self.head.weight[gate] = 0
            self.head.bias[motion_and_mask] = 0  # type: ignore[index]
            self.head.bias[gate] = 1.5  # type: ignore[index]

    def forward(self, features0: Tensor, features1: Tensor, before: Match | None) -> Match:
        if before is not None:
            features0, features1 = warp_both(features0, features1, before.motion)
        scores, readout, confidence = self.correlate(features0, features1)
        seen = [scores, readout, confidence]
        if before is not None:
            readout = readout + before.motion
            seen += [before.motion * MOTION_GAIN, before.mask, before.context, without_partner(before.motion)]
        inputs = torch.cat([features0, features1, *(x.to(features0.dtype) for x in seen)], 1)
        output = self.shuffle(self.head(self.narrow(self.body(self.stem(inputs))))).float()
        motion, mask, context, gate = output.split([2, 1, self.context, 1], 1)
        if before is not None:
            mask = mask + double(before.mask)
        return Match(double_flow(readout) + 2 * motion, mask, context, readout, gate.sigmoid())

    def correlate(self, features0: Tensor, features1: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scores of all displacements, the one that is expected, and how certain it is."""
        scores = local_correlation(self.unit_features(features0), self.unit_features(features1), self.radius)
        return scores, *expected_displacement(scores, self.radius, self.log_sharpness.exp(), self.prior)

    def smooth_readout(self, features0: Tensor, features1: Tensor) -> Tensor:
        """(B, 2, h, w): motion read out of the correlation, the mean around every place, weighted by certainty."""
        _, expected, confidence = self.correlate(features0, features1)
        return box_mean(confidence * expected, 3) / (box_mean(confidence, 3) + 1e-4)

    def read_on(self, features0: Tensor, features1: Tensor, motion: Tensor | None) -> Tensor:
        """`motion` (B, 2, h, w) and what is left of it when features are looked up where it leads."""
        if motion is None:
            return self.smooth_readout(features0, features1)
        return motion + self.smooth_readout(*warp_both(features0, features1, motion))

    def unit_features(self, features: Tensor) -> Tensor:
        return F.normalize(self.projection(features).float(), dim=1)


def even(image: Tensor) -> Tensor:
    """`image` (B, C, h, w) with its last row and column repeated where their number is odd."""
    height, width = image.shape[-2:]
    return F.pad(image, (0, width % 2, 0, height % 2), mode="replicate")


def without_partner(motion: Tensor) -> Tensor:
    """(B, 2, h, w) in [0, 1]: 1 where `motion` (B, 2, h, w) leaves frame 0 or frame 1, so nothing can be matched."""
    return torch.cat([overshoot(half) for half in halves(motion)], 1).clamp(max=1)


def warp_both(image0: Tensor, image1: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
    """Both images (B, C, h, w) as they are half-way on `motion` (B, 2, h, w)."""
    back, forth = halves(motion)
    return backward_warp(image0, back), backward_warp(image1, forth)


class RegistrationNetwork(nn.Module):
    """Features of two frames -> the motion between them at half the resolution of the picture."""

    STEPS, DAMPING = 2, 1e-5
    WINDOW, BLOCK = {4: 7, 2: 3}, {4: 1, 2: 2}
    """Keys: frame pixels per grid pixel. The larger grid is worked on in blocks."""
    COARSE_WINDOW, COARSE_DAMPING = 5, 2e-4
    NEAR = 2.0
    """Cells at 1/16 within which motion is found there, without help from coarser grids."""
    FAR_WINDOW, FAR_LEAST = 17, 4.0
    """Motion found beyond 1/32 is taken where the square error over FAR_WINDOW pixels at 1/8 falls to 1 / FAR_LEAST."""
    CAMERA_WINDOW, CAMERA_LEAST = 9, 4.0
    """The camera's motion is taken where the square error over CAMERA_WINDOW pixels falls to 1 / CAMERA_LEAST: parts of
    other motion happen to fit it."""
    TEXTURED = 1e-3
    """Square difference from the local mean, of both frames and all colours, that counts half as texture."""
    CAMERA_SHARE_FADE = 0.3, 0.6
    """Of the frame, that follows the camera: between these shares its motion at 1/4 fades in."""
    BORDER = 32
    """Pixels of the frame in which motion may be continued from further inside."""
    CELL = 8
    """Pixels of the frame to a side of the cells that motion is carried on from."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.downscale = config.downscale
        _, at_4, at_8, at_16 = config.encoder
        coarse, middle, fine = config.levels
        self.at_16 = MatchLevel(at_16, 0, coarse, config.rank)
        self.at_8 = MatchLevel(at_8, coarse.context, middle, config.rank)
        self.at_4 = MatchLevel(at_4, middle.context, fine, config.rank)

    def forward(self, frame0: FrameFeatures, frame1: FrameFeatures) -> Registration:
        coarse = self.coarsest(frame0, frame1)
        coarse = self.refine_where_better(frame0.eighth, frame1.eighth, coarse)
        coarse = self.border(self.with_camera(frame0.eighth, frame1.eighth, coarse), 8)
        lumas = luma(frame0.half), luma(frame1.half)
        rest = from_rest(*lumas, self.WINDOW[2], self.DAMPING, self.BLOCK[2])
        coarse = coarse._replace(motion=or_rest(*lumas, coarse.motion, rest, 8))
        middle = self.at_8(frame0.at_8, frame1.at_8, coarse)
        middle = self.with_camera(frame0.quarter, frame1.quarter, middle, self.CAMERA_SHARE_FADE)
        middle = self.border(self.refine(frame0.quarter, frame1.quarter, middle, 4), 4, near=3)
        fine = self.at_4(frame0.at_4, frame1.at_4, middle)
        fine = fine._replace(motion=drawn_back(*lumas, fine.motion, middle.motion))
        fine = fine._replace(motion=or_rest(*lumas, fine.motion, rest, 2))
        fine = self.border(self.refine(frame0.half, frame1.half, fine, 2), 2, near=2)
        readouts = (16, coarse.readout), (8, middle.readout), (4, fine.readout)
        motions = (8, coarse.motion), (4, middle.motion), (2, fine.motion)
        in_frame = tuple((scale * self.downscale, motion) for scale, motion in readouts + motions)
        return Registration(fine.motion, fine.mask, fine.context, self.unexplained(frame0, frame1, fine), in_frame)

    def unexplained(self, frame0: FrameFeatures, frame1: FrameFeatures, fine: Match) -> Tensor:
        """(B, 1, 1, 1): how far the motion does not explain the frames, looked at on a quarter of their size."""
        frames, motion = (frame0.half, frame1.half), fine.motion
        if self.downscale == 1:
            frames, motion = (frame0.quarter, frame1.quarter), halve(motion) / 2
        return unexplained(frames, warp_both(*frames, motion))

    def coarsest(self, frame0: FrameFeatures, frame1: FrameFeatures) -> Match:
        """What is found at 1/16, after large motion has been taken out."""
        far = self.far(frame0, frame1)
        match = self.at_16(*warp_both(frame0.at_16, frame1.at_16, far), None)
        return match._replace(motion=match.motion + double_flow(far), readout=match.readout + far)

    @torch.no_grad()
    def far(self, frame0: FrameFeatures, frame1: FrameFeatures) -> Tensor:
        """(B, 2, h/16, w/16): motion too large to be found at 1/16, read out from coarse to fine without convolutions.

        0 where it is not so large, or where the pictures do not agree better with it. What is read out of features at
        1/32 holds, unless the pictures agree much better with what those of a smaller picture lead to: texture that
        repeats looks as if it moved far.
        """
        height, width = frame0.at_16.shape[-2:]
        halved = halve(even(frame0.at_16)), halve(even(frame1.at_16))

        def found(start: Tensor | None) -> Tensor:
            motion = self.at_16.read_on(*halved, self.at_16.read_on(*halved, start))
            return double_flow(motion)[:, :, :height, :width]

        pictures = halve(frame0.eighth), halve(frame1.eighth)
        far = found(None)
        far = self.large(far) * improvement(pictures, warp_both(*pictures, far), self.COARSE_WINDOW) * far
        start = self.at_16.read_on(frame0.far_16, frame1.far_16, None)
        start = double_flow(self.at_16.read_on(frame0.far_16, frame1.far_16, start))
        start = self.at_8.read_on(frame0.far_8, frame1.far_8, start)
        further = found(start[:, :, : halved[0].shape[-2], : halved[0].shape[-1]])
        eighths = frame0.eighth, frame1.eighth
        before, after = (warp_both(*eighths, double_flow(motion)) for motion in (far, further))
        better = halve(improvement(before, after, self.FAR_WINDOW, self.FAR_LEAST))
        return far + self.large(further) * better * (further - far)

    def large(self, motion: Tensor) -> Tensor:
        """(B, 1, h/16, w/16) in [0, 1]: how far it is motion that is not found at 1/16."""
        return (length(motion) - self.NEAR).clamp(0, 1)

    def border(self, match: Match, scale: int, near: int | None = None) -> Match:
        """`match` (frame pixels per pixel of its grid: `scale`) with motion continued to where nothing can be matched.

        That is the border, and with `near` (see `carry_on`) also wherever the motion then leads out of a frame.
        """
        motion = continue_outwards(match.motion, self.BORDER // scale, CERTAIN / scale)
        return match._replace(motion=motion if near is None else carry_on(motion, self.CELL // scale, near))

    def refine(self, image0: Tensor, image1: Tensor, match: Match, scale: int) -> Match:
        """`match` after Lucas-Kanade steps between images (B, 3, h, w) on its grid, as far as its gate lets them."""
        window, block = self.WINDOW[scale], self.BLOCK[scale]
        motion = match.motion
        for _ in range(self.STEPS):
            warped = warp_both(image0, image1, motion)
            motion = motion + match.gate * lucas_kanade_step(*warped, MIDDLE, window, self.DAMPING, block)
        return match._replace(motion=motion)

    def refine_where_better(self, image0: Tensor, image1: Tensor, match: Match) -> Match:
        """One step, as far as the images agree better after it: a grid this coarse may lead to a wrong partner."""
        before = warp_both(image0, image1, match.motion)
        step = match.gate * lucas_kanade_step(*before, MIDDLE, self.COARSE_WINDOW, self.COARSE_DAMPING)
        after = warp_both(image0, image1, match.motion + step)
        return match._replace(motion=match.motion + improvement(before, after, self.COARSE_WINDOW) * step)

    def with_camera(
        self, image0: Tensor, image1: Tensor, match: Match, most: tuple[float, float] | None = None
    ) -> Match:
        """`match` with the motion of the camera in its place, where images (B, 3, h, w) on its grid agree much better.

        With `most` this fades in from the first to the second share of the frame that follows that motion.
        """
        texture = box_mean(square_sum(image0) + square_sum(image1), self.COARSE_WINDOW)
        camera, share = camera_motion(match.motion, texture / (texture + self.TEXTURED))
        images = warp_both(image0, image1, match.motion), warp_both(image0, image1, camera)
        better = improvement(*images, self.CAMERA_WINDOW, self.CAMERA_LEAST)
        if most is not None:
            better = better * ((share - most[0]) / (most[1] - most[0])).clamp(0, 1)
        return match._replace(motion=match.motion + better * (camera - match.motion))
