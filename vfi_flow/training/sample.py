"""What a source of training data hands to the training loop."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, slots=True)
class Sample:
    """Two frames, the true frame between them and the motion from it to both."""

    frame0: np.ndarray
    """(crop, crop, 3) uint8 RGB, gamma-encoded, C-contiguous; so are `frame1` and `middle`."""
    frame1: np.ndarray
    middle: np.ndarray
    tau: float
    """Place of `middle` between `frame0` (0) and `frame1` (1)."""
    flow: np.ndarray
    """(4, crop // 2, crop // 2) float32: flow_tau_to_0 (dx, dy), flow_tau_to_1 (dx, dy), half-size pixels."""
    flow_weight: np.ndarray
    """(2, crop // 2, crop // 2) float32 in [0, 1]: trust in the flow to `frame0` and `frame1`; hidden = 0."""


class Source(Protocol):
    """Anything that samples can be drawn from; safe to share between threads that bring their own generator."""

    def draw(self, rng: np.random.Generator) -> Sample: ...
