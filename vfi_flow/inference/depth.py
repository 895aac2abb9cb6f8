"""Frames of 8 or 16 bits as the floats that engines work on, and back."""

import numpy as np
from numpy.typing import DTypeLike

from vfi_flow.inference.engine import Frame, Image

FULL_SCALE = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
"""The whole number that means 1.0, by type of the array."""


def as_floats(frame: Frame) -> Image:
    """`frame` in [0, 1]."""
    return np.divide(frame, np.float32(FULL_SCALE[frame.dtype]), dtype=np.float32)


def as_integers(image: Image, dtype: DTypeLike) -> Frame:
    """`image` in [0, 1] as the nearest whole numbers of `dtype`."""
    values = image * np.float32(FULL_SCALE[np.dtype(dtype)])
    return np.rint(values, out=values).astype(dtype)
