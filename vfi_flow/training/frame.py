"""What training, its measures and its baselines call a frame, and how levels become one."""

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
"""(H, W, 3) RGB, gamma-encoded."""


def to_bytes(image: NDArray[np.floating]) -> Frame:
    """`image`, in levels of 8 bits, as bytes: clamp, round, cast."""
    return np.clip(image, 0, 255).round().astype(np.uint8)
