"""What an engine does; `onnx_interpolator` and `torch_interpolator` are the two there are."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

MOST_THREADS = 1024

Frame = NDArray[Any]
"""(H, W, 3) RGB, gamma-encoded, uint8 or uint16; 255 or 65535 is full scale. Outside an engine also (H, W, 4), with
straight alpha."""

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


@dataclass(frozen=True, slots=True)
class Motion:
    """The motion of a pair, and what the motion beside it tells of how it changes (`motion.acceleration`)."""

    between: Any
    """What `Engine.register` found of the pair."""
    before: Any
    """The same of the pair before, and `after` of the one after; where there is none, that of any other."""
    after: Any
    intervals: tuple[float, float]
    """Lengths of both in units of this pair's; 0 where there is none."""
    frame_width: int
    """Pixels: of the whole frame, where this is a tile of it."""


class Engine(Protocol):
    """Runs the network on padded frames: `encode` once a frame, `register` once a pair, `compose` once a new frame.

    Where motion is found on smaller copies of frames, these are encoded too, and `enlarge` follows `register`.

    Frames are (H, W, 3) float32 RGB in [0, 1], H and W multiples of `config.ALIGNMENT`. Features and motions are the
    engine's own, on its own device; they go from one method to another as they are, and live as long as they are held.
    Methods that run the network raise OutOfMemoryError where memory is short.
    """

    model: ModelInfo
    description: str
    """Library and device, e.g. `onnxruntime CPUExecutionProvider`."""
    bytes_per_pixel: int | None
    """Memory at its peak for every pixel of a padded frame; None: other memory than the computer's."""
    any_size: bool
    """Frames of another size than before take no longer."""
    threads: int
    """Calls that may be made at the same time, from threads of their own, and gain by it."""

    def encode(self, frame: Image) -> Any:
        """The features of `frame`: what it contributes to every pair."""

    def register(self, features0: Any, features1: Any) -> Any:
        """The motion between two frames of one size, given their features; it serves every place between them."""

    def reach(self, found: Any) -> float:
        """How far most of the picture moves, in pixels, by `scale.reach` of a motion that was found."""

    def enlarge(self, found: Any, features0: Any, features1: Any) -> Any:
        """The motion between two frames, given what was `found` of them at half of their size, and their features."""

    def compose(
        self, features0: Any, features1: Any, motion: Motion, tau: float, noise: NDArray[np.float32], strength: float
    ) -> Image:
        """The new frame (H, W, 3) float32 in [0, 1].

        Args:
            features0, features1: of the two frames.
            motion: between them and, as `register` or `enlarge` found it, beside them.
            tau: place of the new frame, in (0, 1).
            noise: (1, 3, H, W) standard Gaussian, or (1, 3, 1, 1) with 0 steps, which do not look at it.
            strength: of what is drawn on top of the mean, from 0 to `config.LARGEST_STRENGTH`.
        """

    def release(self) -> None:
        """Gives back the memory that is kept between calls; the next call takes it anew."""

    def close(self) -> None:
        """Gives back all memory; nothing is called after it."""
