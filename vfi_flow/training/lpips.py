"""LPIPS, the learned perceptual distance (Zhang et al. 2018), version 0.1 on AlexNet; its weights come from a file."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vfi_flow.errors import InputError

KERNELS = ((3, 64, 11), (64, 192, 5), (192, 384, 3), (384, 256, 3), (256, 256, 3))
"""Channels in, channels out, kernel of AlexNet's five convolutions."""
STRIDES = (4, 1, 1, 1, 1)
PADDINGS = (2, 2, 1, 1, 1)
POOLED_BEFORE = (1, 2)


class Lpips(nn.Module):
    """Distance of two images: 0 for equal ones, around 0.05 where the difference is hard to see.

    Args:
        weights: `conv0.weight` (64, 3, 11, 11), `conv0.bias` (64,) .. `conv4.bias` and `lin0.weight` (1, 64, 1, 1) ..
            `lin4.weight`, as `load_lpips` reads them from an .npz file.

    The weights are constants; gradients reach both images, so it also serves as a loss.
    """

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        for name, tensor in weights.items():
            self.register_buffer(name.replace(".", "_"), tensor)
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1))

    def forward(self, image: Tensor, other: Tensor) -> Tensor:
        """Distances (B,) of two batches (B, 3, H, W) in [0, 1], RGB, at least 31 pixels on each side."""
        distance = image.new_zeros(image.shape[0])
        for level, (features, others) in enumerate(zip(self.features(image), self.features(other), strict=True)):
            importance = self.get_buffer(f"lin{level}_weight")
            distance = distance + F.conv2d((features - others).square(), importance).mean(dim=(1, 2, 3))
        return distance

    def features(self, image: Tensor) -> list[Tensor]:
        """The activations of the five convolutions, each divided by its length over the channels."""
        x = (2 * image - 1 - self.get_buffer("shift")) / self.get_buffer("scale")
        levels = []
        for level, (stride, padding) in enumerate(zip(STRIDES, PADDINGS, strict=True)):
            if level in POOLED_BEFORE:
                x = F.max_pool2d(x, kernel_size=3, stride=2)
            weight, bias = self.get_buffer(f"conv{level}_weight"), self.get_buffer(f"conv{level}_bias")
            x = F.relu(F.conv2d(x, weight, bias, stride=stride, padding=padding))
            exact = x.float()  # under autocast the convolutions may be bfloat16, lengths must not be
            levels.append(exact / (exact.square().sum(dim=1, keepdim=True) + 1e-20).sqrt())
        return levels


def load_lpips(path: Path) -> Lpips:
    """The metric with the weights of an .npz file; names and shapes are checked."""
    try:
        with np.load(path, allow_pickle=False) as file:
            weights = {name: torch.from_numpy(file[name].astype(np.float32)) for name in file}
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; --lpips takes the metric's weights as .npz") from error
    except Exception as error:  # zipfile, zlib and numpy have no common error for a damaged file
        raise InputError(f"{path}: not an .npz file with the weights of LPIPS") from error
    for name, shape in expected_shapes().items():
        if name not in weights:
            raise InputError(f"{path}: '{name}' is missing from the weights of LPIPS")
        if tuple(weights[name].shape) != shape:
            raise InputError(f"{path}: '{name}' must have the shape {shape}, got {tuple(weights[name].shape)}")
    return Lpips({name: weights[name] for name in expected_shapes()})


def expected_shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for level, (channels_in, channels_out, kernel) in enumerate(KERNELS):
        shapes[f"conv{level}.weight"] = (channels_out, channels_in, kernel, kernel)
        shapes[f"conv{level}.bias"] = (channels_out,)
        shapes[f"lin{level}.weight"] = (1, channels_out, 1, 1)
    return shapes
