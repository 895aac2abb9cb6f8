"""Frames of any size on a grid that the network can halve four times."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vfi_flow.model.config import ALIGNMENT


def padded_size(height: int, width: int) -> tuple[int, int]:
    """The smallest height and width that hold the frame and are multiples of ALIGNMENT."""
    return height + -height % ALIGNMENT, width + -width % ALIGNMENT


def pad_frame(frame: NDArray[Any]) -> NDArray[Any]:
    """`frame` (H, W, 3) with its last row and column repeated up to `padded_size`."""
    height, width = frame.shape[:2]
    rows, columns = padded_size(height, width)
    if (rows, columns) == (height, width):
        return frame
    return np.pad(frame, ((0, rows - height), (0, columns - width), (0, 0)), mode="edge")


def crop_frame(frame: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """The first `height` rows and `width` columns of `frame` (H, W, 3), contiguous."""
    return np.ascontiguousarray(frame[:height, :width])
