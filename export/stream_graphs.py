"""The network in parts, for hosts that hold a stream of frames.

- `encode`: a frame -> its maps (that of layout `split`)
- `register`: maps of two frames -> their motion (that of layout `split`)
- `enlarge`: motion of the halved frames, maps of the whole ones -> their motion (that of layout `split`)
- `compose`: maps of two frames, their motion and that of the pairs beside them, tau, noise, strength -> the new frame
"""

import torch
from torch import Tensor
from vfi_flow.export.graph import (
    COMPOSED,
    MOTION,
    SIDES,
    ExportGraph,
    Port,
    dial_ports,
    dials,
    example_question,
    feature_ports,
    motion_ports,
    pair_example,
    read_dials,
    read_features,
    read_motion,
)

from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.motion.acceleration import Neighbours

BESIDE = ("motion_before", "motion_after")


class ComposeGraph(ExportGraph):
    """Maps and motion of a pair, what is beside it, `tau`, `noise`, `strength` -> `frame` (B, H, W, 3) in [0, 1].

    Beside it are `motion_before`, `motion_after`, `intervals` and `frame_width` (see `motion.acceleration`; here the
    width is in pixels of the frame). With 0 steps there is neither `noise` nor `strength`.
    """

    layout = "stream"
    steps: int
    outputs = (Port("frame", ("batch", "height", "width", 3)),)

    def __init__(self, network: InterpolationNetwork, steps: int) -> None:
        super().__init__(network)
        self.steps = steps
        motion = motion_ports(network)
        self.inputs = (
            *feature_ports(network, COMPOSED, SIDES),
            *motion,
            *(Port(name, motion[0].axes) for name in BESIDE),
            Port("intervals", ("batch", 2, 1, 1)),
            Port("frame_width", (1,)),
            *dial_ports(steps),
        )

    def forward(self, *inputs: Tensor) -> Tensor:
        frame0, frame1, others = read_features(inputs, COMPOSED)
        before, after, intervals, frame_width, *dials = others[len(MOTION) :]
        tau, noise, strength = read_dials(tuple(dials))
        grid_width = frame_width / self.network.config.flow_scale
        course = read_motion(others).at(tau, Neighbours(before, after, intervals, grid_width))
        mean = self.network.fused(frame0, frame1, tau, course)
        return self.network.drawn(mean, noise, strength, self.steps).permute(0, 2, 3, 1)

    def examples(self, height: int, width: int) -> tuple[Tensor, ...]:
        question = example_question(height, width)
        pair = pair_example(self.network, question)
        motion, *_ = pair[-len(MOTION) :]
        beside = motion, motion, torch.ones(1, 2, 1, 1), torch.full((1,), float(width))
        return *pair, *beside, *dials(question, self.steps)
