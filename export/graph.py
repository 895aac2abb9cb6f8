"""The network as graphs with named inputs and outputs, one module for every file that is exported."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from vfi_flow.model.config import ALIGNMENT
from vfi_flow.model.encoder import FrameFeatures
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.model.registration import Registration
from vfi_flow.model.scale import enlarge_maps, halved

FEATURES, SIDES = FrameFeatures._fields, ("_0", "_1")
REGISTERED = ("half", "quarter", "eighth", "at_4", "at_8", "at_16", "far_8", "far_16")
COMPOSED = ("image", "luma", "colour", "half", "at_2")
"""The maps of a frame that are looked at to find motion, and to make the new frame."""
ENLARGED = ("half",)
"""The maps of the whole frames that motion is refined on where it was found on smaller ones."""
HALF_GRID, FOUND_GRID = ("half_height", "half_width"), ("found_height", "found_width")
MOTION = ("motion", "mask", "context", "unexplained")
"""What is known of a pair's motion, at any `tau` (see `Registration`)."""
IMAGE = ("batch", 3, "height", "width")
Steps = int | Literal["input"]
"""Solver steps that are unrolled in a file, or `input`: a Loop, and their number comes with the frames."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: its name and what its axes are called; an int is a fixed size."""

    name: str
    axes: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a network: the frame at `tau` between two others."""

    frame0: Tensor
    """(B, 3, H, W) float32 in [0, 1], as `frame1`."""
    frame1: Tensor
    tau: Tensor
    """(B, 1, 1, 1)."""
    noise: Tensor
    """(B, 3, H, W) standard Gaussian."""
    strength: Tensor
    """(1,)."""


class ExportGraph(nn.Module):
    """A network as one file: what goes in and out, in order."""

    layout: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    alignment = ALIGNMENT
    """Height and width must be multiples of this; it is the smallest size, too."""
    value_range = "0..1"
    ends = False
    """Whether it answers with the frames themselves at 0 and 1; where not, that is up to the host."""
    steps: int | None = None
    """None where a graph has no part in the solver."""
    halvings = 0
    """How many times frames are halved inside before motion is found."""
    noise_source = "input"
    loops = 0
    """How many Loops are meant to be in it."""

    def __init__(self, network: InterpolationNetwork) -> None:
        super().__init__()
        self.network = network

    @property
    def steps_named(self) -> str:
        """In metadata and file names."""
        return "any" if self.steps is None else str(self.steps)

    def examples(self, height: int, width: int) -> tuple[Tensor, ...]:
        """Inputs to trace the graph with, for frames of `height` x `width`."""
        raise NotImplementedError


class PairGraph(ExportGraph):
    """The whole integrator in one call, whatever its inputs look like."""

    steps: int

    def __init__(self, network: InterpolationNetwork, steps: int, halvings: int = 0) -> None:
        """Motion is found on frames that were halved so many times (see `model.scale`)."""
        super().__init__(network)
        self.steps, self.halvings = steps, halvings

    def examples(self, height: int, width: int) -> tuple[Tensor, ...]:
        return self.feed(example_question(height, width))

    def feed(self, question: Question) -> tuple[Tensor, ...]:
        """The inputs that ask `question`, in order."""
        raise NotImplementedError

    def as_image(self, output: Tensor) -> Tensor:
        """The output as (B, 3, H, W) float32 in [0, 1]."""
        return output


def feature_ports(network: InterpolationNetwork, names: Sequence[str], sides: Sequence[str]) -> tuple[Port, ...]:
    """Maps of frames, with the channels that they have in `network`; `sides` end their names."""
    with torch.no_grad():
        maps = network.encode(torch.zeros(1, 3, ALIGNMENT, ALIGNMENT))
    return tuple(
        Port(f"{name}{side}", ("batch", getattr(maps, name).shape[1], f"{name}_height", f"{name}_width"))
        for side in sides
        for name in names
    )


def read_features(
    inputs: Sequence[Tensor], names: Sequence[str] = FEATURES
) -> tuple[FrameFeatures, FrameFeatures, tuple[Tensor, ...]]:
    """Features of both frames, of which only the maps called `names` are there, and the inputs behind them."""
    count, missing = len(names), dict.fromkeys(FEATURES, torch.zeros(0))
    frame0, frame1 = (
        FrameFeatures(**missing | dict(zip(names, maps, strict=True)))
        for maps in (inputs[:count], inputs[count : 2 * count])
    )
    return frame0, frame1, tuple(inputs[2 * count :])


class EncodeGraph(ExportGraph):
    """`frame` (B, H, W, 3) float32 RGB in [0, 1] -> what the frame contributes to every pair, as float32 maps."""

    layout = "split"
    inputs = (Port("frame", ("batch", "height", "width", 3)),)

    def __init__(self, network: InterpolationNetwork) -> None:
        super().__init__(network)
        self.outputs = feature_ports(network, FEATURES, [""])

    def forward(self, frame: Tensor) -> FrameFeatures:
        return self.network.encode(frame.permute(0, 3, 1, 2))

    def examples(self, height: int, width: int) -> tuple[Tensor, ...]:
        return (example_question(height, width).frame0.permute(0, 2, 3, 1).contiguous(),)


def maps_of(names: Sequence[str], features: FrameFeatures) -> list[Tensor]:
    return [getattr(features, name) for name in names]


def motion_ports(network: InterpolationNetwork) -> tuple[Port, ...]:
    *maps, doubt = MOTION
    channels = 2, 1, network.config.levels[-1].context
    ports = (Port(name, ("batch", count, *HALF_GRID)) for name, count in zip(maps, channels, strict=True))
    return *ports, Port(doubt, ("batch", 1, 1, 1))


def read_motion(inputs: Sequence[Tensor]) -> Registration:
    motion, mask, context, unexplained = inputs[: len(MOTION)]
    return Registration(motion, mask, context, unexplained)


class RegisterGraph(ExportGraph):
    """Maps of both frames -> the motion between them and what goes with it (`MOTION`): once a pair, for any `tau`."""

    layout = "split"

    def __init__(self, network: InterpolationNetwork) -> None:
        super().__init__(network)
        self.inputs = feature_ports(network, REGISTERED, SIDES)
        self.outputs = motion_ports(network)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        frame0, frame1, _ = read_features(inputs, REGISTERED)
        return self.network.registration(frame0, frame1)[: len(MOTION)]

    def examples(self, height: int, width: int) -> tuple[Tensor, ...]:
        with torch.no_grad():
            maps = maps_of(REGISTERED, self.network.encode(example_question(height, width).frame0))
        return *maps, *maps


class EnlargeGraph(ExportGraph):
    """The motion of a pair as `register` found it on frames of half the size (`found_` before the names) -> `MOTION`
    on the whole ones, without `unexplained`, which stays as it is."""

    layout = "split"

    def __init__(self, network: InterpolationNetwork) -> None:
        super().__init__(network)
        self.outputs = motion_ports(network)[:-1]
        found = (Port(f"found_{port.name}", (*port.axes[:2], *FOUND_GRID)) for port in self.outputs)
        self.inputs = (*feature_ports(network, ENLARGED, SIDES), *found)

    def forward(self, half0: Tensor, half1: Tensor, *found: Tensor) -> tuple[Tensor, ...]:
        motion, mask, context = found
        return enlarge_maps(motion, mask, context, half0, half1)

    def examples(self, height: int, width: int) -> tuple[Tensor, ...]:
        question = example_question(height, width)
        with torch.no_grad():
            whole, smaller = (self.network.encode(image) for image in (question.frame0, halved(question.frame0)))
            found = self.network.registration(smaller, smaller)
        return whole.half, whole.half, *found[: len(self.outputs)]


def pair_example(network: InterpolationNetwork, question: Question) -> tuple[Tensor, ...]:
    """What hosts keep of a pair to make frames of it: maps of both frames and their motion."""
    with torch.no_grad():
        features = network.encode(question.frame0)
        motion = network.registration(features, features)[: len(MOTION)]
    maps = maps_of(COMPOSED, features)
    return *maps, *maps, *motion


class SynthesiseGraph(ExportGraph):
    """Maps and motion of a pair, `tau`, `noise`, `strength` -> `frame` (B, H, W, 3) float32 in [0, 1]; steps unrolled.

    With 0 steps there is neither `noise` nor `strength`.
    """

    layout = "split"
    steps: int
    outputs = (Port("frame", ("batch", "height", "width", 3)),)

    def __init__(self, network: InterpolationNetwork, steps: int) -> None:
        super().__init__(network)
        self.steps = steps
        self.inputs = (*feature_ports(network, COMPOSED, SIDES), *motion_ports(network), *dial_ports(steps))

    def forward(self, *inputs: Tensor) -> Tensor:
        frame0, frame1, others = read_features(inputs, COMPOSED)
        tau, noise, strength = read_dials(others[len(MOTION) :])
        mean = self.network.fused(frame0, frame1, tau, read_motion(others).at(tau))
        return self.network.drawn(mean, noise, strength, self.steps).permute(0, 2, 3, 1)

    def examples(self, height: int, width: int) -> tuple[Tensor, ...]:
        question = example_question(height, width)
        return *pair_example(self.network, question), *dials(question, self.steps)


class NativeGraph(PairGraph):
    """`frame0`, `frame1` (B, 3, H, W) float32, `tau`, `noise`, `strength` -> `frame`: the whole integrator."""

    layout = "native"
    outputs = (Port("frame", IMAGE),)

    def __init__(self, network: InterpolationNetwork, steps: int, halvings: int = 0) -> None:
        super().__init__(network, steps, halvings)
        self.inputs = (Port("frame0", IMAGE), Port("frame1", IMAGE), *dial_ports(steps))

    def forward(self, frame0: Tensor, frame1: Tensor, *dials: Tensor) -> Tensor:
        tau, noise, strength = read_dials(dials)
        return self.network(frame0, frame1, tau, noise, strength, self.steps, self.halvings)

    def feed(self, question: Question) -> tuple[Tensor, ...]:
        return question.frame0, question.frame1, *dials(question, self.steps)


def dial_ports(steps: int) -> tuple[Port, ...]:
    tau = Port("tau", ("batch", 1, 1, 1))
    return (tau, Port("noise", IMAGE), Port("strength", (1,))) if steps else (tau,)


def read_dials(dials: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
    tau, noise, strength = (*dials, dials[0], dials[0])[:3]  # unused without steps
    return tau, noise, strength


def dials(question: Question, steps: int | None) -> tuple[Tensor, ...]:
    return (question.tau, question.noise, question.strength) if steps else (question.tau,)


def example_question(height: int, width: int) -> Question:
    generator = torch.Generator().manual_seed(0)
    frame = torch.rand(1, 3, height, width, generator=generator)
    return Question(frame, frame, torch.full((1, 1, 1, 1), 0.5), frame - 0.5, torch.ones(1))
