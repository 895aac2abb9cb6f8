"""The whole generator: two frames, a place between them and noise in, a frame out."""

from functools import partial

import torch
from torch import Tensor, nn

from vfi_flow.flow_matching.solver import sample_from_endpoint
from vfi_flow.model.composition import Mean, compose
from vfi_flow.model.config import NetworkConfig
from vfi_flow.model.encoder import Encoder, FrameFeatures
from vfi_flow.model.fusion import FusionNetwork
from vfi_flow.model.registration import MotionAtTau, Registration, RegistrationNetwork
from vfi_flow.model.scale import enlarge, halved
from vfi_flow.model.velocity import VelocityNetwork


class InterpolationNetwork(nn.Module):
    """Stage 1 finds the conditional mean and its deviation, stage 2 carries noise to the residual around it.

    Images are (B, 3, H, W) float32 in [0, 1], RGB, gamma-encoded, H and W multiples of `config.ALIGNMENT`.
    `tau` is (B, 1, 1, 1) float32 in (0, 1): 0 is frame0, 1 is frame1.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config.encoder, config.downscale, config.rank)
        self.registration = RegistrationNetwork(config)
        self.fusion = FusionNetwork(config)
        self.velocity = VelocityNetwork(config)

    def encode(self, image: Tensor) -> FrameFeatures:
        """What one frame contributes to every pair and every tau."""
        return self.encoder(image)

    def register(self, frame0: FrameFeatures, frame1: FrameFeatures, halvings: int = 0) -> Registration:
        """The motion between two frames, found on frames that were halved so many times (see `model.scale`)."""
        if not halvings:
            return self.registration(frame0, frame1)
        smaller0, smaller1 = (self.encode(halved(frame.image)) for frame in (frame0, frame1))
        return enlarge(self.register(smaller0, smaller1, halvings - 1), frame0, frame1)

    def mean(self, frame0: FrameFeatures, frame1: FrameFeatures, tau: Tensor, halvings: int = 0) -> Mean:
        """The conditional mean at `tau`; motion is found on frames that were halved so many times."""
        return self.fused(frame0, frame1, tau, self.register(frame0, frame1, halvings).at(tau))

    def fused(self, frame0: FrameFeatures, frame1: FrameFeatures, tau: Tensor, course: MotionAtTau) -> Mean:
        """The conditional mean at `tau`, of what takes `course` there."""
        images, composition = (frame0.image, frame1.image), self.fusion(frame0, frame1, tau, course)
        if self.config.downscale == 2:
            composition = composition.doubled(*frame0.image.shape[-2:]).refined(*images, tau)
        return compose(*images, tau, composition)

    def residual(self, mean: Mean, noise: Tensor, steps: int) -> Tensor:
        """The standardised residual (B, 3, H, W) reached from `noise` (B, 3, H, W, standard Gaussian) in `steps`."""
        condition = self.velocity.condition(mean)
        start = self.velocity.noise(noise)
        reached = sample_from_endpoint(partial(self._endpoint, condition=condition), start, steps)
        return self.velocity.from_grid(reached)

    def detail(self, mean: Mean, noise: Tensor, steps: int) -> Tensor:
        """(B, 3, H, W): what is drawn on top of the mean at strength 1; nothing where nothing happens."""
        return mean.shrunk + mean.spread * self.residual(mean, noise, steps)

    def _endpoint(self, residual: Tensor, t: float, condition: Tensor) -> Tensor:
        times = torch.full((residual.shape[0],), t, dtype=torch.float32, device=residual.device)
        return self.velocity(residual, times, condition)

    def synthesise(
        self,
        frame0: FrameFeatures,
        frame1: FrameFeatures,
        tau: Tensor,
        noise: Tensor,
        strength: Tensor,
        steps: int,
        halvings: int = 0,
    ) -> Tensor:
        """The frame (B, 3, H, W) at `tau`, clamped to [0, 1].

        Args:
            noise: (B, 3, H, W) standard Gaussian; not looked at with 0 steps.
            strength: scalar or (B, 1, 1, 1); scales all that is drawn on top of the mean, 0 is the mean.
            steps: 0 the conditional mean, n midpoint steps otherwise (1 step is one evaluation, 2 are three).
            halvings: how many times the frames are halved before motion is found.
        """
        return self.drawn(self.mean(frame0, frame1, tau, halvings), noise, strength, steps)

    def drawn(self, mean: Mean, noise: Tensor, strength: Tensor, steps: int) -> Tensor:
        """The frame (B, 3, H, W), clamped to [0, 1], drawn around `mean`; the rest as in `synthesise`."""
        frame = mean.mean
        if steps:
            frame = frame + strength * self.detail(mean, noise, steps)
        return frame.clamp(0, 1)

    def forward(
        self,
        frame0: Tensor,
        frame1: Tensor,
        tau: Tensor,
        noise: Tensor,
        strength: Tensor,
        steps: int = 1,
        halvings: int = 0,
    ) -> Tensor:
        return self.synthesise(self.encode(frame0), self.encode(frame1), tau, noise, strength, steps, halvings)
