"""A `tiny` network that shows mistakes: what is zero at the start of training (velocity, FiLM) is random here."""

import numpy as np
import torch

from vfi_flow.model.config import TINY
from vfi_flow.model.network import InterpolationNetwork

STRENGTH = 0.5
"""Calibrated strength written on the tiny model's card."""


def tiny_network(seed: int = 0) -> InterpolationNetwork:
    """Untrained, in evaluation mode; its velocity depends on residual, time and condition."""
    torch.set_num_threads(1)  # runners give few cores, and frames are tiny
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = InterpolationNetwork(TINY)
        for name, parameter in network.velocity.named_parameters():
            if ".second." in name or name.startswith("head."):
                torch.nn.init.normal_(parameter, 0, 0.1)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.copy_(parameter.half())  # as it comes back from a file
    return network.eval()


def moving_texture(height: int, width: int, dx: float = 0.0, seed: int = 0) -> np.ndarray:
    """(height, width, 3) uint8: smooth coloured waves, drawn `dx` pixels further left."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    waves = np.zeros((height, width, 3))
    for a, b, phase in generator.uniform(-0.5, 0.5, (5, 3)):
        waves += np.sin(a * (x + dx) + b * y + 6 * phase)[..., None] * generator.uniform(5, 25, 3)
    return (128 + waves).clip(0, 255).astype(np.uint8)


def as_image(frame: np.ndarray) -> torch.Tensor:
    """(1, 3, H, W) float32 in [0, 1] of a frame (H, W, 3) uint8."""
    return torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255


def standard_noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
