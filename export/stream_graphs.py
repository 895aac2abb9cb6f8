"""The network in four parts, for hosts that hold a stream of frames: the motion of a pair also serves its neighbours.

- `encode`: a frame -> its maps (that of layout `split`)
- `register`: maps of two frames, tau -> motion
- `accelerate`: motion of a pair and of both its neighbours -> motion that is not even in time
- `compose`: maps of two frames, motion, tau, noise, strength -> the new frame
"""

import torch
from torch import Tensor
from vfi_flow.export.graph import (
    SIDES,
    ExportGraph,
    Port,
    dial_ports,
    dials,
    example_question,
    feature_ports,
    read_dials,
    read_features,
)

from vfi_flow.model.encoder import FrameFeatures
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.model.registration import Registration
from vfi_flow.motion.acceleration import Accelerated, accelerated

REGISTERED = ("half", "quarter", "eighth", "at_4", "at_8", "at_16", "far_8", "far_16")
COMPOSED = ("image", "luma", "colour", "half", "at_2")
"""The maps of a frame that are looked at to find motion, and to make the new frame."""
HALF_GRID = ("half_height", "half_width")
TAU = Port("tau", ("batch", 1, 1, 1))
MOTION = ("flow", "mask", "context", "uneven", "jerk")


def motion_ports(network: InterpolationNetwork) -> tuple[Port, ...]:
    channels = 4, 1, network.config.levels[-1].context, 1, 1
    return tuple(Port(name, ("batch", count, *HALF_GRID)) for name, count in zip(MOTION, channels, strict=True))


def maps_of(names: tuple[str, ...], features: FrameFeatures) -> list[Tensor]:
    return [getattr(features, name) for name in names]


class RegisterGraph(ExportGraph):
    """Maps of both frames and `tau` -> `flow`, `mask`, `context`, `uneven`, `jerk` (see `Registration`)."""

    layout = "stream"

    def __init__(self, network: InterpolationNetwork) -> None:
        super().__init__(network)
        self.inputs = (*feature_ports(network, REGISTERED, SIDES), TAU)
        self.outputs = motion_ports(network)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        frame0, frame1, (tau,) = read_features(inputs, REGISTERED)
        return self.network.registration(frame0, frame1, tau)[: len(MOTION)]

    def examples(self, height: int, width: int) -> tuple[Tensor, ...]:
        question = example_question(height, width)
        with torch.no_grad():
            maps = maps_of(REGISTERED, self.network.encode(question.frame0))
        return *maps, *maps, question.tau


class AccelerateGraph(ExportGraph):
    """`flow`, `flow_before`, `flow_after`, `tau`, `intervals`, `frame_width` -> `accelerated`, `uneven`, `jerk`.

    `accelerated` takes the place of `flow`. See `motion.acceleration`; here the width (1) is in pixels of the frame.
    """

    layout = "stream"
    inputs = (
        *(Port(name, ("batch", 4, *HALF_GRID)) for name in ("flow", "flow_before", "flow_after")),
        TAU,
        Port("intervals", ("batch", 2, 1, 1)),
        Port("frame_width", (1,)),
    )
    outputs = (
        Port("accelerated", ("batch", 4, *HALF_GRID)),
        *(Port(name, ("batch", 1, *HALF_GRID)) for name in ("uneven", "jerk")),
    )

    def forward(
        self, flow: Tensor, before: Tensor, after: Tensor, tau: Tensor, intervals: Tensor, frame_width: Tensor
    ) -> Accelerated:
        grid_width = frame_width / self.network.config.flow_scale
        return accelerated(flow, before, after, tau, intervals, grid_width)

    def examples(self, height: int, width: int) -> tuple[Tensor, ...]:
        flow = torch.zeros(1, 4, height // 2, width // 2)
        tau = example_question(height, width).tau
        return flow, flow, flow, tau, torch.ones(1, 2, 1, 1), torch.full((1,), float(width))


class ComposeGraph(ExportGraph):
    """Maps of both frames, motion, `tau`, `noise`, `strength` -> `frame` (B, H, W, 3) float32 in [0, 1].

    With 0 steps there is neither `noise` nor `strength`.
    """

    layout = "stream"
    steps: int
    outputs = (Port("frame", ("batch", "height", "width", 3)),)

    def __init__(self, network: InterpolationNetwork, steps: int) -> None:
        super().__init__(network)
        self.steps = steps
        self.inputs = (*feature_ports(network, COMPOSED, SIDES), *motion_ports(network), *dial_ports(steps))

    def forward(self, *inputs: Tensor) -> Tensor:
        frame0, frame1, others = read_features(inputs, COMPOSED)
        motion, dials = others[: len(MOTION)], others[len(MOTION) :]
        tau, noise, strength = read_dials(dials)
        mean = self.network.fused(frame0, frame1, tau, Registration(*motion))
        return self.network.drawn(mean, noise, strength, self.steps).permute(0, 2, 3, 1)

    def examples(self, height: int, width: int) -> tuple[Tensor, ...]:
        question = example_question(height, width)
        with torch.no_grad():
            features = self.network.encode(question.frame0)
            motion = self.network.registration(features, features, question.tau)[: len(MOTION)]
        maps = maps_of(COMPOSED, features)
        return *maps, *maps, *motion, *dials(question, self.steps)
