"""The whole integrator for hosts that know nothing of it: frames of any size, noise and strength built in."""

import torch
from torch import Tensor
from vfi_flow.export.fixed_noise import FixedNoise
from vfi_flow.export.graph import IMAGE, PairGraph, Port, Question

from vfi_flow.model.encoder import aligned
from vfi_flow.model.network import InterpolationNetwork


class HostGraph(PairGraph):
    """Pads and crops inside, takes its noise from a fixed field and `strength` from the card of the weights.

    At 0 and before it the answer is frame 0 itself, from 1 on it is frame 1.
    """

    alignment, noise_source, ends = 1, "fixed", True

    def __init__(self, network: InterpolationNetwork, steps: int, strength: float, halvings: int = 0) -> None:
        super().__init__(network, steps, halvings)
        self.noise = FixedNoise()
        self.register_buffer("strength", torch.tensor([strength]), persistent=False)

    def interpolate(self, frame0: Tensor, frame1: Tensor, tau: Tensor) -> Tensor:
        """The frame (B, 3, H, W) at `tau` (B, 1, 1, 1) between two frames of any size."""
        height, width = frame0.shape[-2:]
        padded0, padded1 = aligned(frame0), aligned(frame1)
        noise = self.noise(padded0).expand(padded0.shape[0], -1, -1, -1) if self.steps else padded0
        frame = self.network(padded0, padded1, tau, noise, self.strength, self.steps, self.halvings)
        frame = frame[:, :, :height, :width]
        return torch.where(tau <= 0, frame0, torch.where(tau >= 1, frame1, frame))


class ThreeInputGraph(HostGraph):
    """`img0`, `img1` (B, 3, H, W) float32, `timestep` (B or 1, 1, H or 1, W or 1) -> `output` (B, 3, H, W)."""

    layout = "3in"
    inputs = (
        Port("img0", IMAGE),
        Port("img1", IMAGE),
        Port("timestep", ("timestep_batch", 1, "timestep_height", "timestep_width")),
    )
    outputs = (Port("output", IMAGE),)

    def forward(self, img0: Tensor, img1: Tensor, timestep: Tensor) -> Tensor:
        return self.interpolate(img0, img1, timestep[:, :, :1, :1].expand(img0.shape[0], -1, -1, -1))

    def feed(self, question: Question) -> tuple[Tensor, ...]:
        return question.frame0, question.frame1, question.tau


class PlanesGraph(HostGraph):
    """`input` (B, planes, H, W) float32 -> `output` (B, 3, H, W): vs-mlrt's interface to RIFE.

    Planes are frame 0, frame 1 and tau; of eleven the last four (a grid and its scale) are not needed and not read.
    """

    outputs = (Port("output", IMAGE),)

    def __init__(
        self, network: InterpolationNetwork, steps: int, strength: float, halvings: int = 0, *, planes: int
    ) -> None:
        super().__init__(network, steps, strength, halvings)
        self.planes = planes
        self.layout = f"{planes}ch"
        self.inputs = (Port("input", ("batch", planes, "height", "width")),)

    def forward(self, planes: Tensor) -> Tensor:
        return self.interpolate(planes[:, 0:3], planes[:, 3:6], planes[:, 6:7, :1, :1])

    def feed(self, question: Question) -> tuple[Tensor, ...]:
        batch, _, height, width = question.frame0.shape
        planes = [question.frame0, question.frame1, question.tau.expand(-1, 1, height, width)]
        if self.planes > 7:
            x = torch.linspace(-1, 1, width).view(1, 1, 1, -1).expand(batch, 1, height, width)
            y = torch.linspace(-1, 1, height).view(1, 1, -1, 1).expand(batch, 1, height, width)
            scales = (torch.full_like(x, 2 / max(side - 1, 1)) for side in (width, height))
            planes += [x, y, *scales]
        return (torch.cat(planes, 1),)


class BytesGraph(HostGraph):
    """`frame0`, `frame1` (B, H, W, 3) uint8 RGB, `tau` (B) float32 -> `frame` (B, H, W, 3) uint8."""

    layout, value_range = "u8", "0..255"
    inputs = (
        Port("frame0", ("batch", "height", "width", 3)),
        Port("frame1", ("batch", "height", "width", 3)),
        Port("tau", ("batch",)),
    )
    outputs = (Port("frame", ("batch", "height", "width", 3)),)

    def forward(self, frame0: Tensor, frame1: Tensor, tau: Tensor) -> Tensor:
        frame0, frame1 = (frame.permute(0, 3, 1, 2).float() / 255 for frame in (frame0, frame1))
        frame = self.interpolate(frame0, frame1, tau.view(-1, 1, 1, 1))
        return (frame * 255).round().permute(0, 2, 3, 1).to(torch.uint8)

    def feed(self, question: Question) -> tuple[Tensor, ...]:
        frames = (as_bytes(frame) for frame in (question.frame0, question.frame1))
        return *frames, question.tau.flatten()

    def as_image(self, output: Tensor) -> Tensor:
        return output.permute(0, 3, 1, 2).float() / 255


def as_bytes(image: Tensor) -> Tensor:
    """(B, H, W, 3) uint8 of an image (B, 3, H, W) in [0, 1]."""
    return (image * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
