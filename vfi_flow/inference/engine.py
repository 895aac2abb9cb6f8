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
    """Runs the network on padded frames: `encode` once a frame, `register` and `compose` once a new frame."""

    model: ModelInfo
    description: str
    """Library and device, e.g. `onnxruntime CPUExecutionProvider`."""
    bytes_per_pixel: int | None
    """Memory at its peak for every pixel of a padded frame; None: other memory than the computer's."""

    def encode(self, frame: Image) -> Any:
        """The features of a frame."""

    def register(self, features0: Any, features1: Any, tau: float) -> Any:
        """The motion at `tau` between two frames."""

    def accelerate(
        self, motion: Any, before: Any, after: Any, tau: float, intervals: tuple[float, float], frame_width: int
    ) -> Any:
        """`motion` at `tau` with what its neighbours show of how it changes (`motion.acceleration.accelerated`).

        `before` and `after` are the motion in the middle of the pairs before and after, `intervals` their lengths in
        units of this pair's; 0 where there is none, and any motion may stand for it. `frame_width` is in pixels, that
        of the whole frame where this is a tile of it.
        """

    def compose(
        self, features0: Any, features1: Any, motion: Any, tau: float, noise: NDArray[np.float32], strength: float
    ) -> Image:
        """The new frame; `noise` (1, 3, H, W), or (1, 3, 1, 1) with 0 steps, which do not look at it."""

    def release(self) -> None:
        """Gives back the memory that is kept between calls; the next call takes it anew."""

    def close(self) -> None: ...
