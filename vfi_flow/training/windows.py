"""Parts of frames worth looking at."""

from dataclasses import dataclass

import numpy as np

from vfi_flow.training.frame import Frame


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a frame, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, frame: Frame) -> Frame:
        return frame[self.top : self.top + self.height, self.left : self.left + self.width]


def most_different(frame: Frame, other: Frame, width: int, height: int) -> Window:
    """The window of this size, at most that of the frames, in which two frames differ most."""
    difference = np.abs(frame.astype(np.float32) - other).mean(axis=2)
    sums = np.pad(difference.cumsum(axis=0, dtype=np.float64).cumsum(axis=1), ((1, 0), (1, 0)))
    inside = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    top, left = np.unravel_index(inside.argmax(), inside.shape)
    return Window(int(top), int(left), height, width)
