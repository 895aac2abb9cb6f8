"""Learning from another network, whose answers have no noise; the truth counts beside them.

Hinton, Vinyals & Dean 2015, *Distilling the Knowledge in a Neural Network*. Differences are compared by the logarithm
of their square, so that what is nearly right goes on getting nearer.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from vfi_flow.model.composition import Mean
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.model.weights import channels_last
from vfi_flow.training.batches import Batch
from vfi_flow.training.losses import Flows, log_square_error
from vfi_flow.training.neighbour_motion import move

WEIGHTS = {
    "mean": 1.0,
    "sharp": 0.3,
    "truth": 0.3,
    "flow": 0.1,
    "deviation": 0.1,
    "features": 0.05,
    "levels": 0.03,
}
IMAGE_FLOOR, DEVIATION_FLOOR, FEATURE_FLOOR, FLOW_FLOOR = 1e-6, 1e-4, 1e-5, 1e-3
"""Mean square differences from which less is no longer worth much: 60 dB, a hundredth of a deviation, ..."""
FAR_OFF = 4.0
"""Square pixels from which on a wrong motion is wrong however far it is."""


class Answer(NamedTuple):
    """What a teacher says of a batch."""

    mean: Mean
    flows: Flows


class Teacher:
    """A trained network, of any preset, that is asked and does not learn."""

    def __init__(self, network: InterpolationNetwork) -> None:
        self.network = channels_last(network).eval()

    @torch.no_grad()
    def answer(self, batch: Batch) -> Answer:
        moved = move(self.network, batch)
        return Answer(self.network.fused(moved.frame0, moved.frame1, batch.tau, moved.course), moved.flows)


def taught_losses(mean: Mean, flows: Flows, answer: Answer, truth: Tensor) -> dict[str, Tensor]:
    """Weighted loss terms by name; their sum is minimised.

    Features are compared where both networks have equally many, so that a velocity that was trained on the teacher's
    still fits; motion on the way where both look at frames of the same size.

    Args:
        mean, flows: as in `losses.mean_losses`, with their `answer`.
        truth: (B, 3, H, W).
    """
    wanted = answer.mean
    terms = {
        "mean": apart(mean.mean, wanted.mean, IMAGE_FLOOR),
        "sharp": apart(mean.sharp, wanted.sharp, IMAGE_FLOOR),
        "truth": apart(mean.mean, truth, IMAGE_FLOOR),
        "flow": off_course(mean.flow, wanted.flow),
        "deviation": apart(mean.deviation.log(), wanted.deviation.log(), DEVIATION_FLOOR),
    }
    if mean.features.shape == wanted.features.shape:
        terms["features"] = apart(mean.features, wanted.features, FEATURE_FLOOR)
    if [scale for scale, _ in flows] == [scale for scale, _ in answer.flows]:
        levels = [off_course(found, other) for (_, found), (_, other) in zip(flows, answer.flows, strict=True)]
        terms["levels"] = torch.stack(levels).sum()
    return {name: WEIGHTS[name] * term for name, term in terms.items()}


def apart(image: Tensor, other: Tensor, floor: float) -> Tensor:
    """`log_square_error` of the difference."""
    return log_square_error(image.float() - other.float(), floor)


def off_course(flow: Tensor, other: Tensor) -> Tensor:
    """The same of flows (B, 4, h, w), in pixels of their grid, with FLOW_FLOOR and at most FAR_OFF at a place."""
    square = (flow.float() - other.float()).square().sum(1).clamp(max=FAR_OFF)
    return (square.mean((1, 2)) + FLOW_FLOOR).log().mean()
