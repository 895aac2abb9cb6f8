"""Where the residual between truth and conditional mean is heading: the field that flow matching learns.

On the standardised residual r = (frame - sharp) / deviation, with `sharp` the mean and all the detail that is shrunk in
it, the source is standard Gaussian noise (t = 0) and the target the true residual (t = 1), on the linear path
r_t = (1 - t) r_0 + t r_1 (Lipman et al. 2023; Liu et al. 2023). The network predicts the endpoint r_1, and
velocity = (endpoint - r_t) / (1 - t): a network that knows nothing yet answers 0, which is exactly `sharp`
(posterior-mean source: Ohayon et al. 2025; noise scaled by the predictor's own error: Fotiadis et al. 2025).

Around `sharp` the expected residual is (mean - sharp) / deviation, not 0: the first half of the solver's first step
takes it for 0, as an approximation. Frames drawn so are better all the same than those around `mean`
(docs/experiments.md, "A frame is drawn around the sharp blend").
"""

import torch
from torch import Tensor, nn

from vfi_flow.model.composition import Mean
from vfi_flow.model.config import NetworkConfig
from vfi_flow.model.layers import FilmBlock, convolution
from vfi_flow.motion.resize import double, halve

OCTAVES = 8


class TimeEmbedding(nn.Module):
    """Path time t (B,) -> (B, width): sines and cosines of eight octaves through a small perceptron."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.perceptron = nn.Sequential(nn.Linear(2 * OCTAVES, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.register_buffer("frequencies", torch.pi / 4 * 2.0 ** torch.arange(OCTAVES), persistent=False)

    def forward(self, t: Tensor) -> Tensor:
        phase = t.view(-1, 1) * self.frequencies.view(1, -1)  # type: ignore[operator]
        return self.perceptron(torch.cat([phase.sin(), phase.cos()], 1))


class VelocityNetwork(nn.Module):
    """A small U-Net on pixels folded 2x2 into channels, modulated by t.

    It predicts the endpoint r_1 of the path, from which the velocity follows. With a downscale of 2 all this lives on
    a grid of half the width and height (h, w), and what is finer is not drawn.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        at_2, at_4, at_8 = config.velocity
        embedding, rank = config.time_features, config.rank
        self.downscale = config.downscale
        self.fold, self.unfold = nn.PixelUnshuffle(2), nn.PixelShuffle(2)
        self.embedding = TimeEmbedding(embedding)
        self.condition_stem = convolution(2 * 12 + 2 + config.fusion_width, at_2, rank=rank)
        self.stem = nn.Conv2d(12, at_2, 3, 1, 1)
        self.down_2 = FilmBlock(at_2, embedding)
        self.to_4 = nn.Conv2d(at_2, at_4, 3, 2, 1)
        self.down_4 = FilmBlock(at_4, embedding, rank)
        self.to_8 = nn.Conv2d(at_4, at_8, 3, 2, 1)
        self.bottom = nn.ModuleList([FilmBlock(at_8, embedding, rank) for _ in range(2)])
        self.from_8 = nn.Conv2d(at_8, 4 * at_4, 1)
        self.from_4 = nn.Conv2d(at_4, 4 * at_2, 1)
        self.up_2 = FilmBlock(at_2, embedding)
        self.head = nn.Conv2d(at_2, 12, 3, 1, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def to_grid(self, image: Tensor) -> Tensor:
        """(B, C, h, w) of `image` (B, C, H, W)."""
        return image if self.downscale == 1 else halve(image)

    def from_grid(self, image: Tensor) -> Tensor:
        """(B, C, H, W) of `image` (B, C, h, w)."""
        return image if self.downscale == 1 else double(image)

    def noise(self, noise: Tensor) -> Tensor:
        """(B, 3, h, w), standard Gaussian like `noise` (B, 3, H, W): a mean of four has half of their deviation."""
        return self.downscale * self.to_grid(noise)

    def condition(self, mean: Mean) -> Tensor:
        """(B, C, h/2, w/2), computed once for all evaluations of one frame."""
        dtype = mean.features.dtype
        seen = [
            self.fold(self.to_grid(mean.sharp - 0.5)),
            self.fold(self.to_grid(mean.warped0 - mean.warped1)) * 4,
            halve(self.to_grid(mean.deviation)).log() * 0.25 + 1,
            halve(self.to_grid(mean.blend)),
        ]
        return self.condition_stem(torch.cat([*(x.to(dtype) for x in seen), mean.features], 1))

    def forward(self, residual: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """The endpoint (B, 3, h, w) float32 expected from `residual` (B, 3, h, w) at path time t (B,)."""
        embedding = self.embedding(t)
        at_2 = self.down_2(self.stem(self.fold(residual).to(condition.dtype)) + condition, embedding)
        at_4 = self.down_4(self.to_4(at_2), embedding)
        at_8 = self.to_8(at_4)
        for block in self.bottom:
            at_8 = block(at_8, embedding)
        at_4 = at_4 + self.unfold(self.from_8(at_8))
        at_2 = self.up_2(at_2 + self.unfold(self.from_4(at_4)), embedding)
        return self.unfold(self.head(at_2)).float()
