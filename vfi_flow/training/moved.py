"""The motion of a batch as it is found in a video: with the frames before and after every pair, where they are known.

Those only help: no gradient goes through them.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from vfi_flow.model.encoder import FrameFeatures
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.model.registration import Registration
from vfi_flow.motion.resize import double_flow
from vfi_flow.training.batches import Batch


class Moved(NamedTuple):
    """The motion of a batch."""

    frame0: FrameFeatures
    frame1: FrameFeatures
    even: Registration
    """What the two frames show by themselves."""
    path: Registration
    """The same with what the frames before and after them add to it; only `even` is learned from it."""
    even_flow: Tensor
    """(B, 4, H/2, W/2): what `even` should have found."""


def move(network: InterpolationNetwork, batch: Batch) -> Moved:
    frame0, frame1 = network.encode(batch.frame0), network.encode(batch.frame1)
    even = network.registration(frame0, frame1, batch.tau)
    with torch.no_grad():
        before = middle_flow(network, batch.before, frame0, batch.intervals[:, 0], even.flow)
        after = middle_flow(network, frame1, batch.after, batch.intervals[:, 1], even.flow)
        width = batch.frame_width / network.config.flow_scale
        path = even.accelerated(before, after, batch.tau, batch.intervals, width)
        ahead = path.flow - even.flow
        even_flow = batch.flow - on_grid(ahead, batch.flow, network.config.motion_downscale)
    return Moved(frame0, frame1, even, path._replace(flow=even.flow + ahead), even_flow)


def on_grid(flow: Tensor, like: Tensor, downscale: int) -> Tensor:
    """`flow` found on frames `downscale` times as small, which may have been padded, on the grid of `like`."""
    return flow if downscale == 1 else double_flow(flow)[..., : like.shape[-2], : like.shape[-1]]


def middle_flow(
    network: InterpolationNetwork,
    frame0: Tensor | FrameFeatures,
    frame1: Tensor | FrameFeatures,
    interval: Tensor,
    like: Tensor,
) -> Tensor:
    """Flow in the middle between two frames, one of them an image (B, 3, H, W); 0 where `interval` (B, 1, 1) is 0.

    It has the shape of `like`.
    """
    known = interval.flatten() > 0
    flow = torch.zeros_like(like)
    if known.any():
        pair = (network.encode(x[known]) if isinstance(x, Tensor) else x.at(known) for x in (frame0, frame1))
        flow[known] = network.registration(*pair, torch.full_like(interval[known], 0.5)[..., None]).flow
    return flow
