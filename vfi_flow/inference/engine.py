"""What an engine does; `onnx_interpolator` and `torch_interpolator` are the two there are."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[Any]
"""(H, W, 3) RGB, gamma-encoded, uint8 or uint16; 255 or 65535 is full scale."""

Image = NDArray[np.float32]
"""(H, W, 3) RGB in [0, 1], gamma-encoded."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model says about itself."""

    name: str
    """Preset: `base`, `fast` or `tiny`."""
    hash: str
    """SHA-256 of the weights, hexadecimal."""
    strength: float
    """Calibrated default of `strength`."""
    summary: str = ""


class Engine(Protocol):
    """Runs the network on padded frames; `encode` once a frame, `synthesise` once a new frame."""

    model: ModelInfo
    description: str
    """Library and device, e.g. `onnxruntime CPUExecutionProvider`."""
    bytes_per_pixel: int | None
    """Memory at its peak for every pixel of a padded frame; None: other memory than the computer's."""

    def encode(self, frame: Image) -> Any: ...

    def synthesise(self, features0: Any, features1: Any, tau: float, noise: Any, strength: float) -> Image: ...

    def release(self) -> None:
        """Gives back the memory that is kept between calls; the next call takes it anew."""

    def close(self) -> None: ...
