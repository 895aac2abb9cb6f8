"""The motion of a batch as it is found in a video: with the frames before and after every pair, where they are known.

Those only help: no gradient goes through them.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from vfi_flow.model.encoder import FrameFeatures
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.model.registration import MotionAtTau
from vfi_flow.motion.acceleration import Neighbours, bend
from vfi_flow.motion.lucas_kanade import displacement
from vfi_flow.motion.resize import double_flow
from vfi_flow.training.batches import Batch


class Moved(NamedTuple):
    """The motion of a batch."""

    frame0: FrameFeatures
    frame1: FrameFeatures
    flows: tuple[tuple[int, Tensor], ...]
    """What the two frames show by themselves, as `Registration.flows_at`."""
    course: MotionAtTau
    """The course with what the frames before and after add to it; only what the two show is learned from it."""
    even_flow: Tensor
    """(B, 4, H/2, W/2): what `flows` should have found."""


def move(network: InterpolationNetwork, batch: Batch) -> Moved:
    """Features and motion of a batch, as they are when a frame of a video is made.

    Gradients reach encoder and registration through what the two frames show; what `before` and `after` add is a
    constant. It is taken off `even_flow`, so that registration is not asked for what the two frames cannot show.
    """
    frame0, frame1 = network.encode(batch.frame0), network.encode(batch.frame1)
    registration = network.registration(frame0, frame1)
    even = registration.at(batch.tau)
    with torch.no_grad():
        before = middle_motion(network, batch.before, frame0, batch.intervals[:, 0], registration.motion)
        after = middle_motion(network, frame1, batch.after, batch.intervals[:, 1], registration.motion)
        width = batch.frame_width / network.config.flow_scale
        added = bend(displacement(even.flow), Neighbours(before, after, batch.intervals, width), batch.tau)
    course = even.bent(added)
    ahead = (course.flow - even.flow).detach()
    even_flow = batch.flow - on_grid(ahead, batch.flow, network.config.downscale)
    return Moved(frame0, frame1, registration.flows_at(batch.tau), course, even_flow)


def on_grid(flow: Tensor, like: Tensor, downscale: int) -> Tensor:
    """`flow` found on frames `downscale` times as small, which may have been padded, on the grid of `like`."""
    return flow if downscale == 1 else double_flow(flow)[..., : like.shape[-2], : like.shape[-1]]


def middle_motion(
    network: InterpolationNetwork,
    frame0: Tensor | FrameFeatures,
    frame1: Tensor | FrameFeatures,
    interval: Tensor,
    like: Tensor,
) -> Tensor:
    """Motion between two frames, one of them an image (B, 3, H, W); 0 where `interval` (B, 1, 1) is 0.

    It has the shape of `like`.
    """
    known = interval.flatten() > 0
    motion = torch.zeros_like(like)
    if known.any():
        pair = (network.encode(x[known]) if isinstance(x, Tensor) else x.at(known) for x in (frame0, frame1))
        motion[known] = network.registration(*pair).motion
    return motion
