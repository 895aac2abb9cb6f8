"""The network as graphs with named inputs and outputs, one module for every file that is exported."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vfi_flow.model.encoder import FrameFeatures
from vfi_flow.model.network import InterpolationNetwork

FEATURES = FrameFeatures._fields


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: its name and what its axes are called; an int is a fixed size."""

    name: str
    axes: tuple[str | int, ...]


class ExportGraph(nn.Module):
    """A network as one file: what goes in and out, in order."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def __init__(self, network: InterpolationNetwork) -> None:
        super().__init__()
        self.network = network


class EncodeGraph(ExportGraph):
    """`frame` (B, H, W, 3) float32 RGB in [0, 1] -> what the frame contributes to every pair, as float32 maps."""

    inputs = (Port("frame", ("batch", "height", "width", 3)),)
    outputs = tuple(Port(name, ("batch", f"{name}_channels", f"{name}_height", f"{name}_width")) for name in FEATURES)

    def forward(self, frame: Tensor) -> FrameFeatures:
        return self.network.encode(frame.permute(0, 3, 1, 2))


class SynthesiseGraph(ExportGraph):
    """Features of both frames, `tau`, `noise`, `strength` -> `frame` (B, H, W, 3) float32 in [0, 1]; steps unrolled.

    With 0 steps there is neither `noise` nor `strength`.
    """

    outputs = (Port("frame", ("batch", "height", "width", 3)),)

    def __init__(self, network: InterpolationNetwork, steps: int) -> None:
        super().__init__(network)
        self.steps = steps
        features = tuple(
            Port(f"{name}_{side}", ("batch", f"{name}_channels", f"{name}_height", f"{name}_width"))
            for side in (0, 1)
            for name in FEATURES
        )
        self.inputs = (*features, *dial_ports(steps))

    def forward(self, *inputs: Tensor) -> Tensor:
        count = len(FEATURES)
        frame0, frame1 = FrameFeatures(*inputs[:count]), FrameFeatures(*inputs[count : 2 * count])
        tau, noise, strength = read_dials(inputs[2 * count :])
        return self.network.synthesise(frame0, frame1, tau, noise, strength, self.steps).permute(0, 2, 3, 1)


class NativeGraph(ExportGraph):
    """`frame0`, `frame1` (B, 3, H, W) float32, `tau`, `noise`, `strength` -> `frame`: the whole integrator."""

    outputs = (Port("frame", ("batch", 3, "height", "width")),)

    def __init__(self, network: InterpolationNetwork, steps: int) -> None:
        super().__init__(network)
        self.steps = steps
        image = ("batch", 3, "height", "width")
        self.inputs = (Port("frame0", image), Port("frame1", image), *dial_ports(steps))

    def forward(self, frame0: Tensor, frame1: Tensor, *dials: Tensor) -> Tensor:
        tau, noise, strength = read_dials(dials)
        return self.network(frame0, frame1, tau, noise, strength, self.steps)


def dial_ports(steps: int) -> tuple[Port, ...]:
    tau = Port("tau", ("batch", 1, 1, 1))
    return (tau, Port("noise", ("batch", 3, "height", "width")), Port("strength", (1,))) if steps else (tau,)


def read_dials(dials: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
    tau, noise, strength = (*dials, dials[0], dials[0])[:3]  # unused without steps
    return tau, noise, strength


def example_inputs(graph: ExportGraph, height: int, width: int) -> tuple[Tensor, ...]:
    """Inputs to trace `graph` with, for a frame of `height` x `width`."""
    generator = torch.Generator().manual_seed(0)
    frame = torch.rand(1, 3, height, width, generator=generator)
    tau, strength = torch.full((1, 1, 1, 1), 0.5), torch.ones(1)
    dials = (tau, frame - 0.5, strength) if getattr(graph, "steps", 0) else (tau,)
    if isinstance(graph, EncodeGraph):
        return (frame.permute(0, 2, 3, 1).contiguous(),)
    if isinstance(graph, NativeGraph):
        return (frame, frame, *dials)
    with torch.no_grad():
        features = graph.network.encode(frame)
    return (*features, *features, *dials)
