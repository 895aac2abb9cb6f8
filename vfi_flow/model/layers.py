"""Building blocks: 3x3 convolutions without normalisation, cheap on every runtime.

Those of many channels look through a few: a 1x1 convolution mixes `rank` channels for them, as factoring a trained
convolution shows that they need no more (Zhang et al. 2016, Accelerating Very Deep Convolutional Networks for
Classification and Detection).
"""

from typing import Literal

import torch
from torch import Tensor, nn

Border = Literal["zeros", "replicate"]


def convolution(
    inputs: int, outputs: int, stride: int = 1, border: Border = "zeros", rank: int | None = None
) -> nn.Sequential:
    """3x3 convolution and LeakyReLU: (B, inputs, H, W) -> (B, outputs, H / stride, W / stride).

    `border` is what it sees outside: "zeros", or "replicate" for the nearest pixel.
    """
    return nn.Sequential(*looking_through(rank, inputs, outputs, stride, border), nn.LeakyReLU(0.1))


def looking_through(
    rank: int | None, inputs: int, outputs: int, stride: int = 1, border: Border = "zeros"
) -> nn.Sequential:
    """3x3 convolution of `rank` mixtures of the inputs, or of the inputs themselves where these are no more."""
    if rank is None or rank >= inputs:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, padding_mode=border))
    mixture = nn.Conv2d(inputs, rank, 1, bias=False)
    nn.init.orthogonal_(mixture.weight)
    return nn.Sequential(mixture, nn.Conv2d(rank, outputs, 3, stride, 1, padding_mode=border))


class ResidualBlock(nn.Module):
    """x + gain * convolution(x), then LeakyReLU; a learned gain per channel starts at one half."""

    def __init__(self, channels: int, rank: int | None = None) -> None:
        super().__init__()
        self.convolution = looking_through(rank, channels, channels)
        self.gain = nn.Parameter(torch.full((1, channels, 1, 1), 0.5))
        self.activation = nn.LeakyReLU(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x + self.convolution(x) * self.gain.to(x.dtype))


class FilmBlock(nn.Module):
    """Residual block whose hidden channels are scaled and shifted by an embedding: starts as the identity.

    Perez et al. 2018, FiLM: Visual Reasoning with a General Conditioning Layer.
    """

    def __init__(self, channels: int, embedding: int, rank: int | None = None) -> None:
        super().__init__()
        self.first = looking_through(rank, channels, channels)
        self.second = looking_through(rank, channels, channels)
        self.film = nn.Linear(embedding, 2 * channels)
        self.activation = nn.SiLU()
        last = self.second[-1]
        nn.init.zeros_(last.weight)  # type: ignore[arg-type]
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.film(embedding)[:, :, None, None].chunk(2, 1)
        return x + self.second(self.activation(self.first(x) * (1 + scale) + shift))


def plane(value: Tensor, like: Tensor) -> Tensor:
    """`value` (B, 1, 1, 1) as a constant plane (B, 1, H, W) of the size and dtype of `like`."""
    return value.to(like.dtype).expand(-1, 1, like.shape[2], like.shape[3])
