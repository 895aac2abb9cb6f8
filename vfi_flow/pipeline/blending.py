"""What is shown between two pictures where nothing moves from one to the other."""

import numpy as np


def blended(frame0: np.ndarray, frame1: np.ndarray, tau: float) -> np.ndarray:
    """Their mean at every pixel, weighted by the place `tau` from 0 (`frame0`) to 1."""
    before, after = frame0.astype(np.float32), frame1.astype(np.float32)
    return np.rint(before + np.float32(tau) * (after - before)).astype(frame0.dtype)
