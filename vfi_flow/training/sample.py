"""What a source of training data hands to the training loop."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, slots=True)
class Beside:
    """The frames before and after a pair."""

    before: np.ndarray
    """(crop, crop, 3) uint8 RGB, of the same part of the picture as the pair; so is `after`."""
    after: np.ndarray
    intervals: tuple[float, float]
    """From `before` to frame 0 and from frame 1 to `after`, in units of the time between the two; 0: not known."""
    frame_width: float
    """Of the whole frame that they are a part of, pixels."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Two frames, the true frame between them and the motion from it to both."""

    frame0: np.ndarray
    """(crop, crop, 3) uint8 RGB, gamma-encoded, C-contiguous; so are `frame1` and `truth`."""
    frame1: np.ndarray
    truth: np.ndarray
    tau: float
    """Place of `truth` between `frame0` (0) and `frame1` (1)."""
    flow: np.ndarray
    """(4, crop // 2, crop // 2) float32: flow_tau_to_0 (dx, dy), flow_tau_to_1 (dx, dy), half-size pixels."""
    trust: np.ndarray
    """(2, crop // 2, crop // 2) float32 in [0, 1]: trust in the flow to `frame0` and `frame1`; hidden = 0."""
    beside: Beside | None = None
    """None where the motion is even, or nothing else is known."""


class Source(Protocol):
    """Anything that samples can be drawn from; safe to share between threads that bring their own generator."""

    def draw(self, rng: np.random.Generator) -> Sample: ...
