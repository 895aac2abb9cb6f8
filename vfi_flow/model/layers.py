"""Building blocks: plain 3x3 convolutions without normalisation, cheap on every runtime."""

from typing import Literal

import torch
from torch import Tensor, nn

Border = Literal["zeros", "replicate"]


def convolution(inputs: int, outputs: int, stride: int = 1, border: Border = "zeros") -> nn.Sequential:
    """3x3 convolution and LeakyReLU: (B, inputs, H, W) -> (B, outputs, H / stride, W / stride).

    `border` is what it sees outside: "zeros", or "replicate" for the nearest pixel.
    """
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, padding_mode=border), nn.LeakyReLU(0.1))


class ResidualBlock(nn.Module):
    """x + gain * convolution(x), then LeakyReLU; a learned gain per channel starts at one half."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 3, 1, 1)
        self.gain = nn.Parameter(torch.full((1, channels, 1, 1), 0.5))
        self.activation = nn.LeakyReLU(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x + self.convolution(x) * self.gain.to(x.dtype))


class FilmBlock(nn.Module):
    """Residual block whose hidden channels are scaled and shifted by an embedding: starts as the identity.

    Perez et al. 2018, FiLM: Visual Reasoning with a General Conditioning Layer.
    """

    def __init__(self, channels: int, embedding: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        self.film = nn.Linear(embedding, 2 * channels)
        self.activation = nn.SiLU()
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.film(embedding)[:, :, None, None].chunk(2, 1)
        return x + self.second(self.activation(self.first(x) * (1 + scale) + shift))


def plane(value: Tensor, like: Tensor) -> Tensor:
    """`value` (B, 1, 1, 1) as a constant plane (B, 1, H, W) of the size and dtype of `like`."""
    return value.to(like.dtype).expand(-1, 1, like.shape[2], like.shape[3])
